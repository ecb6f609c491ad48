"""NumPy's signatures: arrays put together, and taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import index as index_ops
from ...ops import shape as ops
from ...ops.shape import along
from .dispatch import as_array, implements, normalize_axes, normalize_axis, refuse
from .shape import with_size

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
