"""`np.linalg`'s products: chains of matrices, and NumPy's own functions under other signatures."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops import contract as ops
from .contract import cross, outer, tensordot
from .dispatch import as_array, implements, refuse
from .gufuncs import call_with_options


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    refuse(np.linalg.multi_dot, out=out)
    arrays = [as_array(array) for array in arrays]
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    for place, array in enumerate(arrays):
        if array.ndim != 2 and not (array.ndim == 1 and place in (0, len(arrays) - 1)):
            raise np.linalg.LinAlgError(
                f"np.linalg.multi_dot: array {place} has {array.ndim} dimensions; all but the "
                "first and the last, which may have one, must have two"
            )
    first = (1, *arrays[0].shape)[-2]
    sizes = (
        first,
        *(array.shape[0] if array.ndim == 1 else array.shape[-2] for array in arrays[1:]),
    )
    last = 1 if arrays[-1].ndim == 1 else arrays[-1].shape[-1]
    return _product(arrays, _splits((*sizes, last)), 0, len(arrays))


def _product(
    arrays: Sequence[Any], splits: dict[tuple[int, int], int], start: int, stop: int
) -> Any:
    if stop - start == 1:
        return arrays[start]
    middle = splits[start, stop]
    return ops.matmul(
        _product(arrays, splits, start, middle), _product(arrays, splits, middle, stop)
    )


@functools.lru_cache(maxsize=256)
def _splits(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Where to split the chain of matrices `start` to `stop`: the order of least work.

    `sizes[i]` and `sizes[i + 1]` are the shape of matrix i.
    """
    count = len(sizes) - 1
    cost = {(i, i + 1): 0 for i in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(2, count + 1):
        for start in range(count - length + 1):
            stop = start + length
            cost[start, stop], splits[start, stop] = min(
                (
                    cost[start, middle]
                    + cost[middle, stop]
                    + sizes[start] * sizes[middle] * sizes[stop],
                    middle,
                )
                for middle in range(start + 1, stop)
            )
    return splits


@implements(np.linalg.matmul)
def _linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@implements(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            "Input arrays must be one-dimensional, but they are "
            f"x1.ndim={x1.ndim} and x2.ndim={x2.ndim}."
        )
    return outer(x1, x2)


@implements(np.linalg.tensordot)
def _linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return tensordot(x1, x2, axes)


@implements(np.linalg.vecdot)
def _linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return call_with_options(np.vecdot, x1, x2, axis=axis)


@implements(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{x1.shape[axis]} and {x2.shape[axis]} dimensional instead."
        )
    return cross(x1, x2, axis=axis)


@implements(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, axis1=-2, axis2=-1, dtype=dtype)


@implements(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, axis1=-2, axis2=-1)
