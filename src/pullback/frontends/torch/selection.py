"""Elements chosen, put in order, or written at positions along a dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ...ops import along
from ...ops import index as indexing
from ...ops import shape as shapes
from . import opaque
from .box import TensorBox
from .buffers import as_buffer
from .dispatch import functions, implements, is_box
from .index import getitem, static_index

_Tensor = torch.Tensor


def _axis(dim: int, ndim: int) -> int:
    """One dimension, counted from the end."""
    if not -ndim <= dim < ndim:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got "
            f"{dim})"
        )
    return dim - ndim if dim >= 0 else dim


def both(name: str) -> tuple[Any, ...]:
    """The function and the method of this name."""
    return tuple(getattr(owner, name) for owner in (torch, _Tensor) if hasattr(owner, name))


def own_copy(x: Any) -> Any:
    """A copy that a traced value may be written into."""
    return x.clone() if is_box(x) else as_buffer(x.clone())


def defined(names: str) -> Callable[[Any], Any]:
    """For functions and methods of these names, which some owners lack or others have entered."""

    def register(ours: Any) -> Any:
        for name in names.split():
            for function in both(name):
                functions.setdefault(function, ours)
        return ours

    return register


# Values and their positions


def _pick(x: Any, dim: Any, function: str, options: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    if not x.ndim:  # torch takes a number for a vector of one
        parts = _pick(x.reshape(1), dim, function, options)
        return tuple(part.reshape(()) for part in parts)
    return along.picked(x, axis=_axis(dim, x.ndim), function=function, options=options)


def _squeezed(parts: Any, dim: int, *, keepdim: bool) -> Any:
    return parts if keepdim else [part.squeeze(dim) for part in parts]


def _picking(name: str, returned: Any) -> None:
    """A reduction along a dimension to one of the elements."""
    function = getattr(torch, name)

    def reduced(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
        return returned(_squeezed(_pick(input, dim, name), dim, keepdim=keepdim))

    @implements(*both(name))
    def pick(input: Any, *args: Any, **kwargs: Any) -> Any:
        dim = kwargs.get("dim", args[0] if args else None)
        if not is_box(input) or not isinstance(dim, (int, type(None))):
            return opaque.apply(function, (input, *args), kwargs)
        if dim is None and name != "mode":
            return _middle(input, function)
        return reduced(input, *args, **kwargs)


def _middle(x: Any, function: Any) -> Any:
    """A median of all: elements that are equal share the derivative."""
    if not x.numel():
        return opaque.apply(function, (x,), {})
    value = opaque.of_values(function, x)
    return torch.where((x == value) | (x.isnan() & value.isnan()), x, -math.inf).amax()


for _name in ("median", "nanmedian", "mode"):
    _picking(_name, getattr(torch.return_types, _name))


def extreme_along(name: str, input: Any, dim: int, keepdim: bool = False) -> Any:
    """`torch.max` and `torch.min` with a dimension."""
    returned = getattr(torch.return_types, name)
    return returned(_squeezed(_pick(input, dim, name), dim, keepdim=keepdim))


@implements(*both("sort"))
def sort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool | None = None) -> Any:
    parts = _pick(input, dim, "sort", (bool(descending), bool(stable)))
    return torch.return_types.sort(parts)


@implements(*both("msort"))
def msort(input: Any) -> Any:
    return sort(input, 0)[0]


@implements(*both("topk"))
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    return torch.return_types.topk(_pick(input, dim, "topk", (k, largest, sorted)))


@implements(*both("kthvalue"))
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    parts = _pick(input, dim, "kthvalue", (k,))
    return torch.return_types.kthvalue(_squeezed(parts, dim, keepdim=keepdim))


def _running(name: str) -> None:
    @implements(*both(name))
    def running(input: Any, dim: int) -> Any:
        return getattr(torch.return_types, name)(_pick(input, dim, name))


_running("cummax")
_running("cummin")

# Reading and writing at positions


def _vector(x: Any) -> Any:
    """A number as the vector of one that torch takes it for."""
    return x if x.ndim else x.reshape(1)


def _all_have_axes(*values: Any) -> bool:
    return all(value.ndim for value in values)


@implements(*both("gather"))
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    if sparse_grad or not is_box(input):
        return opaque.apply(torch.gather, (input, dim, index), {"sparse_grad": sparse_grad})
    if not _all_have_axes(input, index):
        shape = index.shape
        return gather(_vector(input), dim, _vector(index)).reshape(shape)
    return along.take_along(input, index, axis=_axis(dim, input.ndim))


@implements(*both("take_along_dim"))
def take_along_dim(input: Any, indices: Any, dim: Any = None) -> Any:
    if dim is None:
        return take_along_dim(input.reshape(-1), indices.reshape(-1), 0)
    axis = _axis(dim, input.ndim)
    indices = torch.where(indices < 0, indices + input.shape[axis], indices)
    shape = list(torch.broadcast_shapes(_but(input, axis), _but(indices, axis)))
    shape[axis] = input.shape[axis]
    input = input.expand(shape)
    shape[axis] = indices.shape[axis]
    return gather(input, axis, indices.expand(shape))


def _but(x: Any, axis: int) -> tuple[int, ...]:
    return tuple(1 if place - x.ndim == axis else n for place, n in enumerate(x.shape))


@implements(*both("scatter"))
def scatter(input: Any, dim: int, index: Any, src: Any = None, **kwargs: Any) -> Any:
    value = kwargs.pop("value", src)
    whole = not isinstance(value, torch.Tensor)
    if "reduce" in kwargs and not whole:
        how = {"add": "sum", "multiply": "prod"}.get(kwargs["reduce"])
        if how is not None:
            return torch.scatter_reduce(input, dim, index, value, how)
    if kwargs or value is None:
        args = (input, dim, index, *(() if src is None else (src,)))
        kwargs |= {} if src is not None or value is None else {"value": value}
        return opaque.apply(torch.scatter, args, kwargs)
    if whole:
        value = torch.full(index.shape, value, dtype=input.dtype, device=input.device)
    if not _all_have_axes(input, index, value):
        given = _vector(input), dim, _vector(index), _vector(value)
        return scatter(*given).reshape(input.shape)
    value = _first_part(value, index)
    return along.put_along(input, value, index, axis=_axis(dim, input.ndim))


@implements(*both("scatter_add"))
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    if not _all_have_axes(input, index, src):
        given = _vector(input), dim, _vector(index), _vector(src)
        return scatter_add(*given).reshape(input.shape)
    src, shape = _first_part(src, index), tuple(input.shape)
    return input + along.add_along(src, index, shape=shape, axis=_axis(dim, input.ndim))


def _first_part(x: Any, index: Any) -> Any:
    """What of `x` is read where it is longer than the index."""
    return x if x.shape == index.shape else x[tuple(map(slice, index.shape))]


@implements(*both("index_select"))
def index_select(input: Any, dim: int, index: Any) -> Any:
    if not is_box(input):
        return opaque.apply(torch.index_select, (input, dim, index), {})
    if not input.ndim:
        return index_select(_vector(input), dim, index).reshape(())
    return getitem(input, shapes.along(_axis(dim, input.ndim), index.reshape(-1)))


@implements(*both("take"))
def take(input: Any, index: Any) -> Any:
    return getitem(input.reshape(-1), index)


@implements(*both("masked_select"))
def masked_select(input: Any, mask: Any) -> Any:
    input, mask = torch.broadcast_tensors(input, mask)
    return getitem(input.reshape(-1), mask.reshape(-1))


def _written(names: str, index_of: Callable[..., Any]) -> None:
    """A copy of the input with a value in place of, or added to, a part of it."""

    @implements(*both(names))
    def write(input: Any, *args: Any, **kwargs: Any) -> Any:
        index, value = index_of(input, *args, **kwargs)
        out = own_copy(input)
        _vector(out)[index] = value
        return out


def _along(x: Any, dim: int, index: Any) -> Any:
    return shapes.along(_axis(dim, max(x.ndim, 1)), index)


_written("index_copy", lambda x, dim, index, source: (_along(x, dim, index), source))
_written("index_fill", lambda x, dim, index, value: (_along(x, dim, index), value))
_written("select_scatter", lambda x, src, dim, index: (_along(x, dim, index), src))
_written(
    "slice_scatter",
    lambda x, src, dim=0, start=None, end=None, step=1: (
        _along(x, dim, slice(start, end, step)),
        src,
    ),
)


@implements(*both("index_add"))
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    if is_box(index):
        return opaque.apply(torch.index_add, (input, dim, index, source), {"alpha": alpha})
    if not _all_have_axes(input, source):
        given = _vector(input), dim, _vector(index), _vector(source)
        return index_add(*given, alpha=alpha).reshape(input.shape)
    places = shapes.along(_axis(dim, input.ndim), static_index(index))
    source = source if alpha == 1 else source * alpha
    return input + _added(source, tuple(input.shape), places)


def _added(source: Any, shape: tuple[int, ...], places: Any) -> Any:
    return indexing.unindex(source, shape=shape, index=places)


@implements(*both("index_put"))
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    places = tuple(indices)
    if any(one is None or is_box(one) for one in places):
        return opaque.apply(torch.index_put, (input, indices, values, accumulate), {})
    if accumulate:
        places = static_index(places)
        read = torch.empty(()).expand(input.shape)[places]
        return input + _added(values.expand(read.shape), tuple(input.shape), places)
    out = own_copy(input)
    out[places] = values
    return out


for _method in (sort, gather):
    setattr(TensorBox, _method.__name__, _method)
