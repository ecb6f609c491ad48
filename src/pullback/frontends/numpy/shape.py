"""NumPy's signatures: shape functions."""

from __future__ import annotations

import importlib
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import raw
from ...errors import ConversionError, UnsupportedError
from ...ops import index as index_ops
from ...ops import shape as ops
from ...ops.shape import along
from .batched import example
from .box import as_constant, define, method, plain_array_refused
from .dispatch import (
    as_array,
    constant,
    implements,
    normalize_axes,
    normalize_axis,
    of_form,
    refuse,
)


def as_operand(value: Any) -> Any:
    """A Python number as it is, so that NumPy gives it the dtype of the others; else an array."""
    return value if isinstance(value, (bool, int, float, complex)) else as_array(value)


def as_dtype(x: Any, dtype: Any) -> Any:
    """`x` in `dtype`: itself where it is already."""
    return x if x.dtype == dtype else x.astype(dtype)


def with_size(x: Any, axis: int, size: int) -> tuple[int, ...]:
    """The shape of `x` with another `size` on one axis."""
    shape = [*x.shape]
    shape[axis] = size
    return tuple(shape)


# One shape for another


@implements(np.reshape)
def reshape(a: Any, shape: Any = None, order: Any = "C", *, copy: Any = None, **old: Any) -> Any:
    if shape is None:
        shape = old.pop("newshape")  # its name before NumPy 2.1
    if copy is False:
        np.reshape(example(a), shape, order, copy=False)  # raises where a copy is needed
    if order == "C" or (order == "A" and not _is_fortran(a)):
        return _reshape(a, _full_shape(a, shape))
    if order not in ("F", "A"):
        raise ValueError("order must be one of 'C', 'F', or 'A'")
    return _reverse(_reshape(_reverse(a), _full_shape(a, shape)[::-1]))


def _reshape(a: Any, shape: tuple[int, ...]) -> Any:
    if a.shape == shape and (shape or isinstance(raw(a), np.ndarray)):
        return a
    return ops.reshape(a, shape=shape)  # a number becomes an array of no dimensions


def _full_shape(a: Any, shape: Any) -> tuple[int, ...]:
    """`shape` as a tuple with its -1 written out, where there is one and it can be."""
    sizes = (
        tuple(map(operator.index, shape)) if hasattr(shape, "__len__") else (operator.index(shape),)
    )
    if -1 not in sizes:
        return sizes
    known = -math.prod(sizes)
    if known <= 0 or a.size % known:
        return sizes  # NumPy raises
    return tuple(a.size // known if n == -1 else n for n in sizes)


def _is_fortran(a: Any) -> bool:
    return a.size > 0 and example(a).flags.fnc


def _reverse(a: Any) -> Any:
    return a if a.ndim < 2 else ops.transpose(a, axes=tuple(range(-1, -a.ndim - 1, -1)))


@implements(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    flat = _ravel(a, order)
    return flat if raw(flat).flags.c_contiguous else ops.copy(flat, order="C")


def _ravel(a: Any, order: Any) -> Any:
    if order == "K":
        # The order in memory: as the strides fall.
        strides = raw(a).strides[raw(a).ndim - a.ndim :]
        axes = sorted(range(-a.ndim, 0), key=lambda axis: -abs(strides[axis]))
        return _reshape(_permute(a, axes), (a.size,))
    return reshape(a, (a.size,), order)


def _flatten(self: Any, order: Any = "C") -> Any:
    return ops.copy(_ravel(self, order), order="C")


def _own(a: Any) -> Any:
    """`a`, or a copy where it is a view of what was broadcast."""
    return a if raw(a).flags.writeable else ops.copy(a, order="C")


@implements(np.copy)
def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return ops.copy(a, order=order)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    if axis is None:
        return _reshape(a, tuple(n for n in a.shape if n != 1))
    if not a.ndim and axis in (0, -1):  # as NumPy has it
        return _reshape(a, ())
    axes = normalize_axes(axis, a.ndim)
    if any(a.shape[i] != 1 for i in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return _reshape(a, tuple(n for i, n in enumerate(a.shape, -a.ndim) if i not in axes))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    ndim = a.ndim + len(axes)
    new = normalize_axes(tuple(axes), ndim)
    sizes = iter(a.shape)
    return _reshape(a, tuple(1 if i in new else next(sizes) for i in range(-ndim, 0)))


def _each(function: Callable[[Any], Any], arrays: tuple[Any, ...]) -> Any:
    """One result, or a tuple of them, as the `atleast` functions give."""
    results = tuple(function(as_array(array)) for array in arrays)
    return results[0] if len(results) == 1 else results


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return _each(lambda a: a if a.ndim else a.reshape(1), arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return _each(lambda a: a if a.ndim > 1 else a.reshape(1, -1), arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    def three(a: Any) -> Any:
        if a.ndim > 2:
            return a
        return a.reshape(*a.shape, 1) if a.ndim > 1 else a.reshape(1, -1, 1)

    return _each(three, arys)


# The same elements with axes in another order


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    if axes is None:
        return _reverse(a)
    if len(axes) != a.ndim:
        raise ValueError("axes don't match array")
    return _permute(a, normalize_axes(tuple(axes), a.ndim) or ())


def _permute(a: Any, axes: Any) -> Any:
    """Transpose by a full tuple of axes, of either sign."""
    axes = tuple(axis if axis < 0 else axis - a.ndim for axis in axes)
    return a if axes == tuple(range(-a.ndim, 0)) else ops.transpose(a, axes=axes)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    first, second = (normalize_axis(axis, a.ndim) for axis in (axis1, axis2))
    axes = list(range(-a.ndim, 0))
    axes[first], axes[second] = second, first
    return _permute(a, axes)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    sources = normalize_axes(source, a.ndim)
    destinations = normalize_axes(destination, a.ndim)
    if len(sources) != len(destinations):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    axes = [axis for axis in range(-a.ndim, 0) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        axes.insert(place + a.ndim, axis)
    return _permute(a, axes)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    ndim = a.ndim
    axis = normalize_axis(axis, ndim) + ndim
    if not -ndim <= start <= ndim:
        raise np.exceptions.AxisError(f"start must be in [{-ndim}, {ndim}], got {start}")
    start += ndim * (start < 0)
    axes = [i for i in range(ndim) if i != axis]
    axes.insert(start - (axis < start), axis)
    return _permute(a, axes)


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return swapaxes(x, -1, -2)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    return ops.flip(m, axis=normalize_axes(range(m.ndim) if axis is None else axis, m.ndim))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    if m.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    if m.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    first, second = normalize_axes(tuple(axes), m.ndim)
    match k % 4:
        case 0:
            return m[:]
        case 1:
            return swapaxes(flip(m, second), first, second)
        case 2:
            return flip(m, (first, second))
        case _:
            return flip(swapaxes(m, first, second), second)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return roll(a.reshape(-1), shift, 0).reshape(a.shape)
    pairs = np.broadcast(shift, axis)
    if pairs.ndim > 1:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    shifts, axes = (tuple(map(int, column)) for column in zip(*pairs, strict=True))
    return ops.roll(a, shift=shifts, axis=tuple(normalize_axis(i, a.ndim) for i in axes))


# Repetition


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    shape = tuple(map(operator.index, shape)) if hasattr(shape, "__len__") else (shape,)
    return ops.broadcast_to(array, shape=shape)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    arrays = [as_array(array) for array in args]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return tuple(a if a.shape == shape else np.broadcast_to(a, shape) for a in arrays)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    counts = tuple(reps) if hasattr(reps, "__len__") else (reps,)
    ndim = max(A.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    sizes = (1,) * (ndim - A.ndim) + A.shape
    split = tuple(n for size in sizes for n in (1, size))
    spread = tuple(n for pair in zip(counts, sizes, strict=True) for n in pair)
    shape = tuple(count * size for count, size in zip(counts, sizes, strict=True))
    return _own(np.broadcast_to(A.reshape(split), spread).reshape(shape))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        a = a.reshape(-1)
        axis = -1
    axis = normalize_axis(axis, a.ndim)
    size = a.shape[axis]
    counts = np.asarray(repeats)
    if counts.size != 1 or counts.dtype.kind not in "iu" or counts < 0:
        return np.take(a, np.repeat(np.arange(size), repeats), axis)
    count = int(counts.item())
    place = axis + a.ndim + 1
    head, tail = a.shape[:place], a.shape[place:]
    spread = np.broadcast_to(a.reshape(*head, 1, *tail), (*head, count, *tail))
    return _own(spread.reshape(*head[:-1], size * count, *tail))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    positions = np.resize(np.arange(a.size), new_shape)
    if not a.size:
        return np.zeros(positions.shape, a.dtype)
    return a.reshape(-1)[positions]


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    ndim = len(xi)
    places = list(range(ndim))
    if indexing == "xy" and ndim > 1:
        places[:2] = 1, 0
    grids = tuple(
        as_array(x).reshape((1,) * place + (-1,) + (1,) * (ndim - 1 - place))
        for x, place in zip(xi, places, strict=True)
    )
    if not sparse:
        grids = np.broadcast_arrays(*grids)
    return tuple(ops.copy(grid, order="C") for grid in grids) if copy else grids


# Several arrays as one


@implements(np.concatenate)
def concatenate(
    arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    refuse(np.concatenate, out=out)
    parts = _cast(arrays, dtype, casting)
    if axis is None:
        parts = [part.reshape(-1) for part in parts]
        axis = 0
    if not parts:
        raise ValueError("need at least one array to concatenate")
    if not all(part.ndim for part in parts):
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis(axis, parts[0].ndim)
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + (part.shape[axis] if -axis <= part.ndim else 0))
    return ops.concatenate(*parts, axis=axis, starts=tuple(starts))


def _cast(arrays: Any, dtype: Any, casting: str) -> list[Any]:
    parts = [as_array(array) for array in arrays]
    if dtype is not None:
        parts = [part.astype(dtype, casting=casting) for part in parts]
    return parts


@implements(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    refuse(np.stack, out=out)
    parts = _cast(arrays, dtype, casting)
    if len({part.shape for part in parts}) != 1:
        raise ValueError("all input arrays must have the same shape")
    return ops.stack(*parts, axis=normalize_axis(axis, parts[0].ndim + 1))


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return np.concatenate([np.atleast_2d(a) for a in tup], 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = [np.atleast_1d(a) for a in tup]
    axis = 0 if parts and parts[0].ndim == 1 else 1
    return np.concatenate(parts, axis, dtype=dtype, casting=casting)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(a) for a in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    parts = [as_array(a) for a in tup]
    return np.concatenate([p if p.ndim > 1 else p.reshape(-1, 1) for p in parts], 1)


@implements(np.block)
def block(arrays: Any) -> Any:
    depth, ndim = _block_depth(arrays)
    return _block(arrays, -depth, max(depth, ndim))


def _block_depth(arrays: Any) -> tuple[int, int]:
    """How deep the lists are, and the most axes of an array in them."""
    if isinstance(arrays, tuple):
        raise TypeError("np.block: got a tuple; only lists can be used to arrange blocks")
    if not isinstance(arrays, list):
        return 0, np.ndim(arrays)
    if not arrays:
        raise ValueError("np.block: lists cannot be empty")
    depths, ndims = zip(*map(_block_depth, arrays), strict=True)
    if len(set(depths)) != 1:
        raise ValueError("np.block: list depths are mismatched")
    return depths[0] + 1, max(ndims)


def _block(arrays: Any, axis: int, ndim: int) -> Any:
    if isinstance(arrays, list):
        return np.concatenate([_block(item, axis + 1, ndim) for item in arrays], axis)
    array = as_array(arrays)
    return array.reshape((1,) * (ndim - array.ndim) + array.shape)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    return np.concatenate((as_array(arr), as_array(values)), axis)


# One array as several


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _split(np.array_split, ary, indices_or_sections, axis)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return _split(np.split, ary, indices_or_sections, axis)


def _split(function: Any, a: Any, sections: Any, axis: int) -> list[Any]:
    axis = normalize_axis(axis, a.ndim)
    pieces = function(np.arange(a.shape[axis]), sections)
    bounds = [(int(p[0]), int(p[-1]) + 1) if p.size else (0, 0) for p in pieces]
    return [index_ops.getitem(a, index=along(axis, slice(*bound))) for bound in bounds]


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    _require_axes(np.hsplit, ary, 1)
    return split(ary, indices_or_sections, min(ary.ndim - 1, 1))


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    _require_axes(np.vsplit, ary, 2)
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    _require_axes(np.dsplit, ary, 3)
    return split(ary, indices_or_sections, 2)


def _require_axes(function: Any, a: Any, count: int) -> None:
    if a.ndim < count:
        name = function.__name__
        raise ValueError(f"{name} only works on arrays of {count} or more dimensions")


if hasattr(np, "unstack"):  # NumPy 2.1

    @implements(np.unstack)
    def unstack(x: Any, /, *, axis: int = 0) -> Any:
        if not x.ndim:
            raise ValueError("Input array must be at least 1-d.")
        axis = normalize_axis(axis, x.ndim)
        places = range(x.shape[axis])
        return tuple(index_ops.getitem(x, index=along(axis, place)) for place in places)


# Elements put in and taken out


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    arr, axis = _one_axis(arr, axis)
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr, axis = _one_axis(as_array(arr), axis)
    size = arr.shape[axis]
    values = as_array(values)
    values = values.reshape((1,) * (arr.ndim - values.ndim) + values.shape)
    place = axis + arr.ndim
    if not isinstance(obj, slice) and not np.ndim(obj):
        values = np.moveaxis(values, 0, place)
    count = np.insert(np.arange(size), obj, 0).size - size
    if count == 1:
        count = values.shape[place]
    values = _pieces(values.astype(arr.dtype), with_size(arr, axis, count))
    order = np.insert(np.arange(size), obj, np.arange(size, size + count))
    return np.take(np.concatenate((arr, values), axis), order, axis)


def _pieces(values: Any, shape: tuple[int, ...]) -> Any:
    """`values` in `shape`, as an assignment broadcasts: axes of length 1 in front may go."""
    while values.ndim > len(shape) and values.shape[0] == 1:
        values = values[0]
    return np.broadcast_to(values, shape)


def _one_axis(a: Any, axis: Any) -> tuple[Any, int]:
    """The array and the axis to work on: all elements in a row where it is None."""
    if axis is None:
        return a.reshape(-1), -1
    return a, normalize_axis(axis, a.ndim)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    trim = trim.lower()
    if trim not in ("fb", "bf", "f", "b"):
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    axes = normalize_axes(range(filt.ndim) if axis is None else axis, filt.ndim)
    positions = np.argwhere(filt)
    index = [slice(None)] * filt.ndim
    for i in axes:
        places = positions[:, i]
        first = int(places.min(initial=filt.shape[i]))
        last = int(places.max(initial=-1))
        index[i] = slice(first if "f" in trim else None, last + 1 if "b" in trim else None)
    return filt[tuple(index)]


# Diagonals and triangles


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    if a.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    if normalize_axis(axis1, a.ndim) == normalize_axis(axis2, a.ndim):
        raise ValueError("axis1 and axis2 cannot be the same")
    if a.ndim > 2 or axis1 not in (0, -2):
        a = moveaxis(a, (axis1, axis2), (-2, -1))
    return ops.diagonal(a, offset=operator.index(offset))


def _diagonal_slice(rows: int, columns: int, offset: int) -> slice:
    """Where a matrix's diagonal is among its elements in a row."""
    offset = operator.index(offset)
    length = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    start = offset if offset >= 0 else -offset * columns
    return slice(start, start + length * (columns + 1), columns + 1) if length else slice(0, 0)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 1:
        size = v.shape[0] + abs(operator.index(k))
        index = (..., _diagonal_slice(size, size, k))
        return index_ops.unindex(v, shape=(size * size,), index=index).reshape(size, size)
    if v.ndim != 2:
        raise ValueError("Input must be 1- or 2-d.")
    return diagonal(v, k)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return diag(as_array(v).reshape(-1), k)


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    refuse(np.trace, out=out)
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    return np.where(np.tri(*m.shape[-2:], k=k, dtype=bool), m, np.zeros(1, m.dtype))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    return np.where(np.tri(*m.shape[-2:], k=k - 1, dtype=bool), np.zeros(1, m.dtype), m)


# Arrays like another, and what an array is: constants

constant(np.array2string, np.array_repr, np.array_str, np.may_share_memory, np.shares_memory)
of_form(
    np.can_cast,
    np.common_type,
    np.min_scalar_type,
    np.ndim,
    np.result_type,
    np.shape,
    np.size,
)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    result = np.empty_like(a, dtype, order, subok, shape)
    result[...] = fill_value
    return result


# A function along axes


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = as_array(arr)
    axis = normalize_axis(axis, arr.ndim) + arr.ndim
    lines = np.moveaxis(arr, axis, -1)
    outer = lines.shape[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [func1d(lines[index], *args, **kwargs) for index in np.ndindex(outer)]
    stacked = np.stack([as_array(result) for result in results])
    inner = stacked.shape[1:]
    stacked = stacked.reshape(outer + inner)
    # The result's own axes take the place of the one that was reduced.
    source = tuple(range(len(outer), stacked.ndim))
    return np.moveaxis(stacked, source, tuple(range(axis, axis + len(inner))))


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in axes if np.ndim(axes) else (axes,):
        axis = normalize_axis(axis, a.ndim) + a.ndim  # noqa: PLW2901
        result = func(a, axis)
        if result.ndim != a.ndim:
            result = np.expand_dims(result, axis)
        if result.ndim != a.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        a = result
    return a


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    if writeable:
        refuse(np.lib.stride_tricks.sliding_window_view, writeable=True)
    places = np.arange(x.size).reshape(x.shape)
    return x.reshape(-1)[np.lib.stride_tricks.sliding_window_view(places, window_shape, axis)]


# The box's methods and attributes, with ndarray's own signatures


def _copy_method(self: Any, order: Any = "C") -> Any:
    """As `ndarray.copy`: the copy of a number is a number."""
    return ops.copy(self, order=order) if isinstance(raw(self), np.ndarray) else +self


def _reshape_method(self: Any, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
    return reshape(self, shape[0] if len(shape) == 1 else shape, order=order, copy=copy)


def _transpose_method(self: Any, *axes: Any) -> Any:
    if len(axes) == 1 and (axes[0] is None or hasattr(axes[0], "__len__")):
        return transpose(self, axes[0])
    return transpose(self, axes or None)


def _view(self: Any, dtype: Any = None, type: Any = None) -> Any:
    if dtype is np.ndarray or (dtype is None and type in (None, np.ndarray)):
        return ops.reshape(self, shape=self.shape)
    raise UnsupportedError(
        "x.view(dtype) of a traced array reads its bytes, which have no derivative; for the parts "
        "of a complex array use x.real and x.imag, for another precision x.astype(dtype)"
    )


define("reshape", _reshape_method)
define("ravel", lambda self, order="C": ravel(self, order))
define("flatten", _flatten)
define("transpose", _transpose_method)
define("T", property(_reverse, doc="The array with its axes reversed."))
define("mT", property(matrix_transpose, doc="The array with its last two axes exchanged."))
define("copy", _copy_method)
define("view", _view)
method("swapaxes", np.swapaxes)
method("squeeze", np.squeeze)
method("repeat", np.repeat)
method("diagonal", np.diagonal)
method("trace", np.trace)


define("__contains__", lambda self, value: bool(np.any(self == value)))


def _namespace(self: Any, /, *, api_version: str | None = None) -> Any:
    standard = importlib.import_module("pullback.frontends.array_api")
    return standard.namespace_for(self.tracer.backend, api_version)


define("__array_namespace__", _namespace)
define("device", "cpu")


def _to_device(self: Any, device: Any, /, *, stream: Any = None) -> Any:
    raw(self).to_device(device, stream=stream)  # for NumPy's own error
    return self


define("to_device", _to_device)


def _dlpack(
    self: Any,
    /,
    *,
    stream: Any = None,
    max_version: Any = None,
    dl_device: Any = None,
    copy: bool | None = None,
) -> Any:
    constant = as_constant(self, "export by dlpack")
    if constant is None:
        raise plain_array_refused(self)
    options = {"max_version": max_version, "dl_device": dl_device, "copy": copy}
    return constant.__dlpack__(stream=stream, **options)


define("__dlpack__", _dlpack)
define("__dlpack_device__", lambda self: raw(self).__dlpack_device__())


def _leak(name: str) -> None:
    def read(self: Any) -> Any:
        if not self.tracer.level:
            return getattr(self.value, name)
        raise ConversionError(
            f"x.{name} of a value traced by pullback.{self.tracer.name} would lose its derivative: "
            "it is the plain memory. Use pullback.stop_gradient(x) if that is what is wanted."
        )

    define(name, property(read))


for _name in (
    "base",
    "byteswap",
    "ctypes",
    "data",
    "dump",
    "dumps",
    "setflags",
    "tobytes",
    "tofile",
):
    _leak(_name)
define("flags", property(lambda self: raw(self).flags, doc="How the values lie in memory."))
define("strides", property(lambda self: raw(self).strides, doc="The steps in memory, in bytes."))
