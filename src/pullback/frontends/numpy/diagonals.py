"""NumPy's signatures: diagonals and triangles."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...ops import index as index_ops
from ...ops import shape as ops
from .box import method
from .dispatch import as_array, implements, normalize_axis, refuse
from .shape import moveaxis


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


method("diagonal", np.diagonal)
method("trace", np.trace)
