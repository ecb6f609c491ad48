"""Functions and methods that move elements without changing them."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch

from ...core import raw
from ...ops import index as indexing
from ...ops import shape as ops
from . import opaque
from .box import TensorBox
from .dispatch import functions, implements, is_box


def _axis(dim: int, ndim: int) -> int:
    """One dimension, counted from the end."""
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got "
            f"{dim})"
        )
    return dim - ndim if dim >= 0 else dim


def _sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """`x.view(2, 3)` or `x.view((2, 3))`."""
    if len(sizes) == 1 and not isinstance(sizes[0], int):
        return tuple(sizes[0])
    return sizes


def _resolved(sizes: tuple[int, ...], count: int) -> tuple[int, ...]:
    """The sizes with a number in place of -1."""
    if -1 not in sizes:
        return sizes
    known = -math.prod(sizes)
    if known <= 0 or count % known:
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {count}")
    return tuple(count // known if n == -1 else n for n in sizes)


@implements(torch.Tensor.view)
def view(self: Any, *sizes: Any, **kwargs: Any) -> Any:
    if kwargs or (len(sizes) == 1 and isinstance(sizes[0], torch.dtype)):
        return opaque.apply(torch.Tensor.view, (self, *sizes), kwargs)
    return _reshaped(self, _sizes(sizes))


@implements(torch.Tensor.reshape)
def reshape_method(self: Any, *shape: Any, **kwargs: Any) -> Any:
    return _reshaped(self, _sizes(shape or (kwargs["shape"],)))


@implements(torch.reshape)
def reshape(input: Any, shape: Any) -> Any:
    return _reshaped(input, tuple(shape))


def _reshaped(x: Any, sizes: tuple[int, ...]) -> Any:
    return ops.reshape(x, shape=_resolved(sizes, x.numel()))


@implements(torch.Tensor.view_as, torch.Tensor.reshape_as)
def view_as(self: Any, other: Any) -> Any:
    return _reshaped(self, tuple(other.shape)) if is_box(self) else self.reshape(other.shape)


@implements(torch.flatten, torch.Tensor.flatten)
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    shape = tuple(input.shape)
    if not shape:
        return _reshaped(input, (1,))
    start, end = _axis(start_dim, len(shape)) + len(shape), _axis(end_dim, len(shape)) + len(shape)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return _reshaped(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@implements(torch.ravel, torch.Tensor.ravel)
def ravel(input: Any) -> Any:
    return _reshaped(input, (input.numel(),))


@implements(torch.permute, torch.Tensor.permute)
def permute(input: Any, *dims: Any, **kwargs: Any) -> Any:
    order = _sizes(dims or (kwargs["dims"],))
    axes = tuple(_axis(dim, input.ndim) for dim in order)
    if sorted(axes) != list(range(-input.ndim, 0)):
        raise RuntimeError(f"permute(dims): {order} is no permutation of {input.ndim} dimensions")
    return ops.transpose(input, axes=axes)


@implements(
    torch.transpose,
    torch.Tensor.transpose,
    torch.swapaxes,
    torch.Tensor.swapaxes,
    torch.swapdims,
    torch.Tensor.swapdims,
)
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    ndim = input.ndim
    first, second = _axis(dim0, ndim), _axis(dim1, ndim)
    if not ndim:
        return ops.transpose(input, axes=())
    axes = list(range(-ndim, 0))
    axes[first], axes[second] = axes[second], axes[first]
    return ops.transpose(input, axes=tuple(axes))


@implements(torch.t, torch.Tensor.t)
def t(input: Any) -> Any:
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return _reversed(input)


def _reversed(x: Any) -> Any:
    return ops.transpose(x, axes=tuple(range(-1, -x.ndim - 1, -1)))


@implements(torch.movedim, torch.Tensor.movedim, torch.moveaxis, torch.Tensor.moveaxis)
def movedim(input: Any, source: Any, destination: Any) -> Any:
    ndim = input.ndim
    sources, targets = (
        [_axis(d, ndim) for d in ((dims,) if isinstance(dims, int) else dims)]
        for dims in (source, destination)
    )
    order = [axis for axis in range(-ndim, 0) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target + ndim, axis)
    return ops.transpose(input, axes=tuple(order))


@implements(torch.unsqueeze, torch.Tensor.unsqueeze)
def unsqueeze(input: Any, dim: int) -> Any:
    shape = list(input.shape)
    place = _axis(dim, len(shape) + 1) + len(shape) + 1
    return ops.reshape(input, shape=(*shape[:place], 1, *shape[place:]))


@implements(torch.squeeze, torch.Tensor.squeeze)
def squeeze(input: Any, *dim: Any, **kwargs: Any) -> Any:
    shape = tuple(input.shape)
    dims = _sizes(dim or ((kwargs["dim"],) if "dim" in kwargs else tuple(range(len(shape)))))
    gone = {_axis(one, len(shape)) + len(shape) for one in dims} if shape else set()
    return ops.reshape(
        input, shape=tuple(n for place, n in enumerate(shape) if n != 1 or place not in gone)
    )


@implements(torch.Tensor.expand)
def expand(self: Any, *size: Any, **kwargs: Any) -> Any:
    sizes = _sizes(size or (kwargs["size"],))
    lead = len(sizes) - self.ndim
    shape = tuple(
        self.shape[place - lead] if n == -1 and place >= lead else n
        for place, n in enumerate(sizes)
    )
    return ops.broadcast_to(self, shape=shape)


@implements(torch.broadcast_to, torch.Tensor.broadcast_to)
def broadcast_to(input: Any, size: Any) -> Any:
    return expand(input, size)


@implements(torch.Tensor.expand_as)
def expand_as(self: Any, other: Any) -> Any:
    return expand(self, tuple(other.shape)) if is_box(self) else self.expand(other.shape)


@implements(torch.meshgrid, torch._C._VariableFunctions.meshgrid)
def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        (tensors,) = tensors
    if indexing not in ("ij", "xy") or any(one.ndim > 1 for one in tensors):
        return opaque.apply(torch.meshgrid, tensors, {"indexing": indexing})
    places = [*range(len(tensors))]
    if indexing == "xy":
        places[:2] = places[:2][::-1]
    shape = [1] * len(tensors)
    for place, one in zip(places, tensors, strict=True):
        shape[place] = one.numel()
    grids: list[Any] = []
    for place, one in zip(places, tensors, strict=True):
        column = (*(1,) * place, one.numel(), *(1,) * (len(shape) - place - 1))
        grids.append(one.reshape(column).expand(tuple(shape)))
    return tuple(grids)


@implements(torch.clone, torch.Tensor.clone)
def clone(input: Any, *, memory_format: Any = torch.preserve_format) -> Any:
    if memory_format not in _ORDERS:
        return opaque.apply(torch.clone, (input,), {"memory_format": memory_format})
    return ops.copy(input, order=_ORDERS[memory_format])


_ORDERS = {torch.preserve_format: "K", torch.contiguous_format: "C"}


@implements(torch.Tensor.contiguous)
def contiguous(self: Any, memory_format: Any = torch.contiguous_format) -> Any:
    if memory_format is not torch.contiguous_format:
        return opaque.apply(torch.Tensor.contiguous, (self, memory_format), {})
    return self if raw(self).is_contiguous() else ops.copy(self, order="C")


@implements(torch.flip, torch.Tensor.flip)
def flip(input: Any, *dims: Any, **kwargs: Any) -> Any:
    axes = tuple(_axis(dim, input.ndim) for dim in _sizes(dims or (kwargs["dims"],)))
    return ops.flip(input, axis=axes)


def _parts(arrays: Any) -> list[Any]:
    """The tensors, in the dtype that holds all of them."""
    parts = [one if isinstance(one, torch.Tensor) else torch.as_tensor(one) for one in arrays]
    dtypes = {part.dtype for part in parts}
    if len(dtypes) < 2:
        return parts
    return [part.to(functools.reduce(torch.promote_types, dtypes)) for part in parts]


@implements(torch.cat, torch.concat, torch.concatenate)
def cat(tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    parts = _parts(tensors)
    if len(parts) > 1:  # an old rule: empty vectors go with everything
        parts = [part for part in parts if part.ndim != 1 or part.numel()] or parts
    if kwargs or not parts[0].ndim:
        return opaque.apply(torch.cat, (tensors, kwargs.pop("axis", dim)), kwargs)
    axis = _axis(dim, parts[0].ndim)
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + part.shape[axis])
    return ops.concatenate(*parts, axis=axis, starts=tuple(starts[:-1]))


@implements(torch.stack)
def stack(tensors: Any, dim: int = 0) -> Any:
    parts = _parts(tensors)
    return ops.stack(*parts, axis=_axis(dim, parts[0].ndim + 1))


@implements(torch.select, torch.Tensor.select)
def select(input: Any, dim: int, index: int) -> Any:
    axis = _axis(dim, input.ndim)
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    return indexing.getitem(input, index=ops.along(axis, index))


@implements(torch.narrow, torch.Tensor.narrow)
def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    axis = _axis(dim, input.ndim)
    size = input.shape[axis]
    start = start + size if start < 0 else start
    if not 0 <= start <= start + length <= size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return indexing.getitem(input, index=ops.along(axis, slice(start, start + length)))


@implements(torch.unbind, torch.Tensor.unbind)
def unbind(input: Any, dim: int = 0) -> Any:
    axis = _axis(dim, input.ndim)
    return tuple(
        indexing.getitem(input, index=ops.along(axis, place)) for place in range(input.shape[axis])
    )


@implements(torch.split, torch.Tensor.split)
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    axis = _axis(dim, tensor.ndim)
    size, lengths = tensor.shape[axis], split_size_or_sections
    if isinstance(lengths, int):
        full, rest = divmod(size, lengths) if lengths else (1, 0)
        lengths = [lengths] * full + [rest] * bool(rest) or [0]
    if sum(lengths) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size}, got {lengths}"
        )
    return _cut(tensor, axis, lengths)


def _cut(x: Any, axis: int, lengths: Any) -> tuple[Any, ...]:
    parts: list[Any] = []
    start = 0
    for length in lengths:
        parts.append(indexing.getitem(x, index=ops.along(axis, slice(start, start + length))))
        start += length
    return tuple(parts)


@implements(torch.chunk, torch.Tensor.chunk)
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    size = input.shape[_axis(dim, input.ndim)]
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return split(input, max(-(-size // chunks), 1), dim)


def _iterate(self: Any) -> Any:
    if not self.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self, 0))


def _property(name: str, ours: Any) -> None:
    functions[getattr(torch.Tensor, name).__get__] = ours
    setattr(TensorBox, name, property(ours))


def _matrix_transposed(x: Any) -> Any:
    return transpose(x, -2, -1)


_property("T", _reversed)
_property("mT", _matrix_transposed)
TensorBox.__iter__ = _iterate  # type: ignore[method-assign]
for _method in (clone, contiguous, view, expand, permute, transpose, t, unsqueeze, flatten):
    setattr(TensorBox, _method.__name__, _method)
setattr(TensorBox, "reshape", reshape_method)  # noqa: B010
