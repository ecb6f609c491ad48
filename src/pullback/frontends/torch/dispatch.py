"""The dispatch table: which function of torch is which primitive or body.

A function that is not in the table runs as one opaque primitive (see `opaque.py`), so the table
is for what pullback's own rules do better, and for what must not run at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ...core import box_types
from ..table import Table


def name_of(torch_function: Any) -> str:
    """`torch.linalg.inv` as a user writes it."""
    name = getattr(torch_function, "__name__", None) or repr(torch_function)
    owner = getattr(torch_function, "__objclass__", None)
    if owner is not None:
        return f"Tensor.{name}"
    module = getattr(torch_function, "__module__", None) or "torch"
    return f"{module.replace('torch._C._', 'torch.')}.{name}"


# torch function (or method) -> ours.
functions = Table(name_of)
implements = functions.implements
# The pointwise ones again, for calls without options: a primitive's recorder itself.
recorded: dict[Any, Callable[..., Any]] = {}


def is_box(value: Any) -> bool:
    """Is `value` traced by any transform?"""
    return type(value) in box_types


# NumPy's names for torch's parameters, which torch takes too.
_SPELLINGS = {"axis": "dim", "keepdims": "keepdim", "x": "input", "x1": "input", "x2": "other"}


def spelled(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a call under torch's own names, but for `out=None`."""
    if "out" in kwargs:  # where results are written to is no concern of `ours`
        kwargs = {name: value for name, value in kwargs.items() if name != "out"}
    if not _SPELLINGS.keys() & kwargs.keys():
        return kwargs
    return {_SPELLINGS.get(name, name): value for name, value in kwargs.items()}


def as_method(ours: Callable[..., Any]) -> Callable[..., Any]:
    """`ours` as a method of the box's, which no protocol hands over."""

    def method(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **spelled(kwargs)) if kwargs else ours(*args)

    return functools.wraps(ours)(method)
