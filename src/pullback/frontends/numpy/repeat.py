"""NumPy's signatures: elements that stand in several places of the result."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...core import raw
from ...ops import shape as ops
from .box import method
from .dispatch import as_array, implements, normalize_axis, refuse


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


def _own(a: Any) -> Any:
    """`a`, or a copy where it is a view of what was broadcast."""
    return a if raw(a).flags.writeable else ops.copy(a, order="C")


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


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    if writeable:
        refuse(np.lib.stride_tricks.sliding_window_view, writeable=True)
    places = np.arange(x.size).reshape(x.shape)
    return x.reshape(-1)[np.lib.stride_tricks.sliding_window_view(places, window_shape, axis)]


method("repeat", np.repeat)
