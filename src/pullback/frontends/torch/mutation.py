"""In-place methods and item assignment: what would be the result is written into the tensor.

Aliasing is torch's own: a write through a view is seen by its base, and the other way round.  The
caller's tensors are never written into: a primal is copied by the first write to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ... import mutate
from ...backends.libraries import check_one_library
from ...backends.torch import written_back
from ...callers import where
from ...core import is_batched, raw
from ...errors import ConversionError, UnsupportedError
from .box import TensorBox
from .dispatch import functions, implements, is_box, name_of
from .index import static_index


def assign(target: Any, index: Any, value: Any) -> Any:
    """`target[index] = value`, and the target."""
    if not is_box(target):
        raise ConversionError(
            "a traced value was written into a plain tensor, which cannot follow it: its "
            f"derivative would be lost, at {where()}. Make the tensor inside the function, with "
            "torch.zeros, x.new_zeros or torch.clone(w), by a name that is looked up there "
            "(torch.zeros, not a zeros imported before); or write torch.stack, torch.cat or "
            "torch.where."
        )
    # What a no_grad block computes is a constant; that it is written is followed all the same.
    with torch.enable_grad():
        part = form(target)[index]
        if not isinstance(value, torch.Tensor):
            check_one_library("x[i] = v", target.tracer.backend, [value])
            value = torch.as_tensor(value, device=part.device)
        if not torch.can_cast(value.dtype, part.dtype):
            raise RuntimeError(
                f"result type {value.dtype} can't be cast to the desired output type {part.dtype}"
            )
        value = value.to(part.dtype)
        if value.shape != part.shape:
            extra = value.ndim - part.ndim
            if extra > 0 and value.shape[:extra] == (1,) * extra:
                value = value.reshape(value.shape[extra:])
            value = value.expand(part.shape)
        if not is_box(value):
            value = value.clone()
        _copy_borrowed(target)
        mutate.write(target, index, value)
    return target


def form(value: Any) -> Any:
    """A tensor with the shape and dtype of `value` (one example's), for what asks no more."""
    if not is_batched(value):
        return raw(value)
    return torch.empty((), dtype=value.dtype, device=value.device).expand(value.shape)


def _copy_borrowed(box: Any) -> None:
    """Give the tensor that `box` is a view of memory of its own, if that is still the caller's."""
    if box.alias is not None:
        box.alias.refresh(box)
        box = box.alias.path()[0]
    if id(box.value) in getattr(box.tracer, "kept", ()):
        box.value = box.tracer.backend.copy(box.value)


@implements(torch.Tensor.__setitem__)
def setitem(self: Any, index: Any, value: Any) -> None:
    assign(self, static_index(index), value)
    written_back(value)


def replace(target: Any, value: Any) -> Any:
    """Write `value`, which must have the target's shape, over all of `target`."""
    if isinstance(value, torch.Tensor) and value.shape != target.shape:
        raise RuntimeError(
            f"output with shape {list(target.shape)} doesn't match the broadcast shape "
            f"{list(value.shape)}"
        )
    return assign(target, ..., value)


def _in_place(functional: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return replace(self, functional(self, *args, **kwargs))

    return method


def _filled(in_place: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose result has nothing of the tensor but its shape: random numbers and zeros."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        fresh = torch.empty(self.shape, dtype=self.dtype, device=self.device)
        in_place(fresh, *(raw(arg) for arg in args), **kwargs)
        return replace(self, fresh)

    return method


def _refused(method: Any) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = name_of(method)
        raise UnsupportedError(
            f"{name} changes what a traced tensor is, not what is in it, which pullback does not "
            f"follow: write x = x.{method.__name__[:-1]}(...)"
        )

    return refuse


@implements(torch.Tensor.copy_)
def copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    return assign(self, ..., src)


@implements(torch.Tensor.fill_, torch.fill_)
def fill_(self: Any, value: Any) -> Any:
    return assign(self, ..., value)


@implements(torch.Tensor.fill_diagonal_)
def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Any:
    cover = torch.zeros(self.shape, dtype=torch.bool, device=self.device)
    return replace(self, self.masked_fill(cover.fill_diagonal_(True, wrap), fill_value))  # noqa: FBT003


_OPERATORS = {
    "__iadd__": "add",
    "__isub__": "sub",
    "__imul__": "mul",
    "__itruediv__": "div",
    "__idiv__": "div",
    "__ifloordiv__": "floor_divide",
    "__imod__": "remainder",
    "__ipow__": "pow",
    "__iand__": "bitwise_and",
    "__ior__": "bitwise_or",
    "__ixor__": "bitwise_xor",
    "__ilshift__": "bitwise_left_shift",
    "__irshift__": "bitwise_right_shift",
}
_FILLED = """
    bernoulli_ cauchy_ exponential_ geometric_ log_normal_ normal_ random_ uniform_ zero_
""".split()
_METADATA = """
    apply_ as_strided_ detach_ map_ map2_ rename_ resize_ resize_as_ resize_as_sparse_ set_
    share_memory_ sparse_resize_ sparse_resize_and_clear_ squeeze_ swapaxes_ swapdims_ t_
    transpose_ unsqueeze_
""".split()


def _register() -> None:
    for name, functional in _OPERATORS.items():
        method = getattr(torch.Tensor, name, None)
        if method is not None:
            functions.setdefault(method, _in_place(getattr(torch.Tensor, functional)))
    for owner in (torch.Tensor, torch, torch.nn.functional, torch._C._nn):
        for name in dir(owner):
            if not name.endswith("_") or name.startswith("_"):
                continue
            method = getattr(owner, name)
            functional = getattr(owner, name[:-1], None) or getattr(torch.Tensor, name[:-1], None)
            if name in _METADATA:
                functions.setdefault(method, _refused(method))
            elif name in _FILLED:
                functions.setdefault(method, _filled(method))
            elif functional is not None and callable(method):
                functions.setdefault(method, _in_place(functional))


functions.pop(torch.Tensor.requires_grad_, None)
_register()
for _name in _OPERATORS:
    if hasattr(torch.Tensor, _name):
        setattr(TensorBox, _name, functions[getattr(torch.Tensor, _name)])
