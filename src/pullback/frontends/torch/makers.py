"""torch's makers of tensors, as a program sees them while a transform runs.

They give buffers, which can take traced values, and they build tensors of lists of traced values,
which torch's own cannot (its protocol does not hand those calls over). `wrapped` holds them by
torch's own functions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch

from ...core import holds_boxes, is_buffer
from ...errors import ConversionError
from . import opaque
from .buffers import as_buffer
from .dispatch import functions, is_box
from .mutation import form

Maker = Callable[..., Any]

# torch's function -> what stands in for it.
wrapped: dict[Any, Maker] = {}

# What makes a tensor from nothing, or a new one from plain tensors.
_MAKERS = """
    arange block_diag cat clone column_stack concat concatenate diag dstack empty empty_like
    empty_strided eye full full_like hstack linspace logspace normal ones ones_like rand rand_like
    randn randn_like row_stack stack tile vstack zeros zeros_like
""".split()


def _converts(torch_function: Any) -> None:
    """As `torch_function`; of plain arguments, its new tensors are buffers."""

    def ours(*args: Any, **kwargs: Any) -> Any:
        made = torch_function(*args, **kwargs)
        if kwargs.get("out") is not None:
            return made
        return as_buffer(made, args)

    wrapped[torch_function] = ours


for _name in _MAKERS:
    _converts(getattr(torch, _name))


def maker(torch_function: Any) -> Callable[[Maker], Maker]:
    """Let the decorated function stand in for `torch_function`, where there are boxes."""
    plain = wrapped.get(torch_function) or _plain_maker(torch_function)

    def register(ours: Maker) -> Maker:
        def make(*args: Any, **kwargs: Any) -> Any:
            if holds_boxes(args) or holds_boxes([*kwargs.values()]):
                return ours(*args, **kwargs)
            return plain(*args, **kwargs)

        wrapped[torch_function] = make
        return ours

    return register


def _plain_maker(torch_function: Any) -> Maker:
    _converts(torch_function)
    return wrapped[torch_function]


# Of lists that hold traced values


@maker(torch.tensor)
def tensor(data: Any, *, dtype: Any = None, device: Any = None, **_: Any) -> Any:
    """A tensor of nested lists of numbers and of tensors of one element."""
    if is_box(data):
        if is_buffer(data):
            return data.clone().to(dtype=dtype, device=device)
        raise ConversionError(
            "torch.tensor(x) of a traced tensor would be a constant: write x.clone() for a copy "
            "that is followed, or x.detach() for a constant"
        )
    return _in(_elements(data), dtype, device)


@maker(torch.as_tensor)
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """`data` itself where it is traced, or a tensor of its elements."""
    return _in(data if is_box(data) else _elements(data), dtype, device)


@maker(torch.asarray)
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, **_: Any
) -> Any:
    """The same, with a copy if it is asked for."""
    made = as_tensor(obj, dtype, device)
    return made.clone() if copy and made is obj else made


@maker(torch.scalar_tensor)
def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, **_: Any) -> Any:
    """A traced number as a tensor of the default dtype."""
    return _in(_elements(s), dtype or torch.get_default_dtype(), device)


def _in(x: Any, dtype: Any, device: Any) -> Any:
    return x if dtype is None and device is None else x.to(dtype=dtype, device=device)


def _elements(data: Any) -> Any:
    """The tensor of nested lists, in the dtype that torch would find for them."""
    if isinstance(data, (list, tuple)):
        parts = [_elements(item) for item in data]
        if not parts:
            return torch.tensor([])
        dtype = functools.reduce(torch.promote_types, [part.dtype for part in parts])
        return torch.stack([part.to(dtype) for part in parts])
    if not isinstance(data, torch.Tensor):
        return torch.tensor(data)
    if data.numel() != 1:
        raise ValueError(
            "only one element tensors can be converted to Python scalars: write torch.stack for "
            "a list of tensors"
        )
    return data.reshape(())


# With traced numbers in place of constants


@maker(torch.full)
def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, **_: Any) -> Any:
    """A new tensor, filled with a traced number."""
    return _in(fill_value, dtype, device).reshape(()).expand(size).clone()


@maker(torch.arange)
def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, **options: Any) -> Any:
    """`start + k * step`: how many there are is read off the values, and is a constant."""
    if end is None:
        start, end = 0, start
    first, last, by = (end.item() if is_box(end) else end for end in (start, end, step))
    count = max(0, math.ceil((last - first) / by))
    made = start + torch.arange(count, **options) * step
    return made if dtype is None else made.to(dtype)


@maker(torch.linspace)
def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, **options: Any) -> Any:
    """Points from `start` to `end`, of which one may be traced."""
    if dtype is None:
        dtype = functools.reduce(
            torch.promote_types, [one.dtype for one in (start, end) if is_box(one)]
        )
    weights = torch.linspace(0, 1, steps, dtype=dtype, **options)
    return start * (1 - weights) + end * weights


# Methods of plain tensors that make a new one

methods = "clone new_empty new_full new_ones new_zeros".split()


# Tensors made like a traced one, which torch's own protocol hands over

_LIKE = (
    *(
        getattr(torch, f"{name}_like")
        for name in "empty full ones rand randint randn zeros".split()
    ),
    *(getattr(torch.Tensor, f"new_{name}") for name in "empty full ones zeros".split()),
)


def _like(torch_function: Any) -> None:
    def make(like: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_box(like) or any(map(is_box, (*args, *kwargs.values()))):
            return opaque.apply(torch_function, (like, *args), kwargs)
        return as_buffer(torch_function(form(like), *args, **kwargs))

    functions[torch_function] = make


for _function in _LIKE:
    _like(_function)


@functions.implements(torch.Tensor.new_tensor)
def new_tensor(self: Any, data: Any, *, dtype: Any = None, device: Any = None, **_: Any) -> Any:
    """A tensor of `data` in the dtype of `self`."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device)
