"""Functions of the program's own, `torch.autograd.Function`s, followed into their code.

Their `apply` hands traced tensors to the function's own code, without a word to us, and with
gradients off: the derivative would be zero.  Programs keep `apply` in variables, so replacing the
attribute would not reach it: its code is exchanged for one that asks for boxes first, which costs
the functions of other programs a fraction of a microsecond.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import torch

from ...core import box_types

# How to call a function whose arguments hold boxes; set by the frontend.
on_boxes: list[Callable[..., Any]] = []

_apply: Any = torch.autograd.Function.__dict__["apply"].__func__
_original = types.FunctionType(
    _apply.__code__, _apply.__globals__, "apply", _apply.__defaults__, _apply.__closure__
)


class _Followed:
    """Where `apply` gets its code from: with the cell `__class__`, which the original has too."""

    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        _ = __class__
        from pullback.backends.torch.functions import apply_followed  # noqa: PLC0415

        return apply_followed(cls, args, kwargs)


def apply_followed(cls: Any, args: Any, kwargs: Any) -> Any:
    """`cls.apply(*args, **kwargs)`, with boxes among the arguments or not."""
    if not any(type(arg) in box_types for arg in (*args, *kwargs.values())):
        return _original(cls, *args, **kwargs)
    if cls.__module__ == "torch.utils.checkpoint":  # which saves memory, and changes no value
        function, _, *rest = args
        return function(*rest)
    return on_boxes[0](functools.partial(_original, cls), args, kwargs)


_apply.__code__ = _Followed.apply.__code__
