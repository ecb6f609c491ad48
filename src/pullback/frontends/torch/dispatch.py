"""The dispatch table: which function of torch is which primitive or body.

A function that is not in the table runs as one opaque primitive (see `opaque.py`), so the table
is for what pullback's own rules do better, and for what must not run at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ...core import box_types

F = TypeVar("F", bound=Callable[..., Any])

# torch function (or method) -> ours, called with the very arguments of the user's call.
functions: dict[Any, Callable[..., Any]] = {}
# The pointwise ones again, for calls without options: a primitive's recorder itself.
recorded: dict[Any, Callable[..., Any]] = {}


def implements(*torch_functions: Any) -> Callable[[F], F]:
    """Use the decorated function for each of `torch_functions` when it is called on boxes."""

    def register(ours: F) -> F:
        for torch_function in torch_functions:
            if torch_function in functions:
                raise ValueError(f"{name_of(torch_function)} is implemented twice")
            functions[torch_function] = ours
        return ours

    return register


def name_of(torch_function: Any) -> str:
    """`torch.linalg.inv` as a user writes it."""
    name = getattr(torch_function, "__name__", None) or repr(torch_function)
    owner = getattr(torch_function, "__objclass__", None)
    if owner is not None:
        return f"Tensor.{name}"
    module = getattr(torch_function, "__module__", None) or "torch"
    return f"{module.replace('torch._C._', 'torch.')}.{name}"


def is_box(value: Any) -> bool:
    """Is `value` traced by any transform?"""
    return type(value) in box_types
