"""Questions about the dtype, and changes of it: `Tensor.to` and the methods that name one."""

from __future__ import annotations

from typing import Any

import torch

from ...core import is_buffer
from ...ops import elementwise as ops
from . import opaque
from .dispatch import implements, is_box


@implements(torch.Tensor.to)
def to(self: Any, *args: Any, **kwargs: Any) -> Any:
    dtype, options = _asked(*args, **kwargs)
    if options or dtype is None or not is_box(self):
        return opaque.apply(torch.Tensor.to, (self, *args), kwargs)
    return cast(self, dtype)


def _asked(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The dtype that is asked for, and whatever else is."""
    if len(args) == 1 and isinstance(args[0], torch.dtype):
        return args[0], kwargs
    if not args and "dtype" in kwargs:
        return kwargs["dtype"], {
            name: value
            for name, value in kwargs.items()
            if name != "dtype" and value is not None and value is not False
        }
    return None, args


def cast(x: Any, dtype: Any) -> Any:
    """`x` in another dtype: itself where it has that, a constant where that is whole."""
    if x.dtype is dtype:
        return x
    if is_buffer(x):
        return opaque.apply(torch.Tensor.to, (x, dtype), {})
    followed = dtype.is_floating_point or dtype.is_complex
    return (ops.astype if followed else ops.to_whole)(x, dtype=dtype)


@implements(torch.Tensor.type_as)
def type_as(self: Any, other: Any) -> Any:
    if self.device != other.device or not is_box(self):
        return opaque.apply(torch.Tensor.type_as, (self, other), {})
    return cast(self, other.dtype)


def _named(name: str, dtype: Any) -> None:
    method = getattr(torch.Tensor, name)

    @implements(method)
    def convert(self: Any, **kwargs: Any) -> Any:
        return opaque.apply(method, (self,), kwargs) if kwargs else cast(self, dtype)


for _name in "bfloat16 bool cdouble cfloat chalf double float half int long short".split():
    _dtype: Any = {"chalf": torch.chalf, "short": torch.int16}.get(_name) or getattr(torch, _name)
    _named(_name, _dtype)


def _asking(name: str) -> None:
    method = getattr(torch.Tensor, name)

    @implements(method, getattr(torch, name))
    def ask(input: Any) -> bool:
        return method(torch.empty((), dtype=input.dtype, device="meta"))


for _name in ("is_complex", "is_floating_point", "is_signed"):
    _asking(_name)
