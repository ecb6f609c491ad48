"""Indexing: what the standard's arrays take as an index, and what reads by position."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...backends.array_api.index import is_basic
from ...backends.libraries import check_index
from ...core import detached, is_batched, raw
from ...ops import index as ops
from ...ops.lift import with_operands
from ...ops.shape import along
from . import alias
from .box import method
from .dispatch import axis_of, backend_among, implements, is_box


def static_index(index: Any, backend: Any) -> Any:
    """`index` with NumPy's arrays, which are ours, in the place of the library's."""
    check_index(backend, index)
    if type(index) is tuple:
        return tuple(static_index(part, backend) for part in index)
    if type(index) is slice:
        return slice(*(None if p is None else operator.index(p) for p in _ends(index)))
    if index is None or index is ...:
        return index
    if is_box(index):
        index = detached(index)
        if is_batched(index):
            return index
    if backend.is_array(index) or isinstance(index, np.ndarray):
        values = backend.host(index) if backend.is_array(index) else np.array(index)
        if values.dtype.kind not in "iub":
            raise IndexError(f"an index must be of integers or booleans, got dtype {values.dtype}")
        return int(values) if not values.ndim and values.dtype.kind in "iu" else values
    return operator.index(index)


def _ends(part: slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step


def read(x: Any, index: Any) -> Any:
    """`x[index]`, for an index that `static_index` made."""
    parts = index if type(index) is tuple else (index,)
    if any(is_batched(part) for part in parts):  # another index for each example
        template, arrays = with_operands(parts)
        return ops.gather(x, *arrays, index=template)
    return ops.getitem(x, index=index)


def getitem(self: Any, key: Any, /) -> Any:
    index = static_index(key, self.tracer.backend)
    out = read(self, index)
    # With arrays in it an index makes a copy, in every library.
    return alias.view(self, out, index) if is_basic(index) else out


method("__getitem__", getitem)


@implements("take")
def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    if axis is None:
        if x.ndim != 1:
            raise ValueError("axis must be given for arrays of more than one dimension")
        axis = 0
    axis = axis_of(axis, x.ndim)
    return read(x, along(axis, static_index(indices, backend_among(x, indices))))


@implements("take_along_axis")
def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    axis = axis_of(axis, x.ndim)
    indices = static_index(indices, backend_among(x, indices))
    shape = tuple(x.shape)
    grid = tuple(
        indices if i - x.ndim == axis else np.arange(n).reshape((-1,) + (1,) * (x.ndim - 1 - i))
        for i, n in enumerate(shape)
    )
    return read(x, grid)


@implements("nonzero")
def nonzero(x: Any, /) -> Any:
    backend = backend_among(x)
    return backend.function("nonzero")(raw(x))
