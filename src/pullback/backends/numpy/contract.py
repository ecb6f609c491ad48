"""NumPy spellings of the canonical functions: contractions."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

# Below this many multiplications, einsum's plain loop beats the calls that prepare a product.
_LOOP = 8192


def contract(x: Any, y: Any, subscripts: str) -> Any:
    """Two-operand einsum in the plainest form (see `ops/contract.py`), as one matrix product."""
    plan = plan_of(subscripts)
    if not plan.summed or x.size * y.size < _LOOP:
        return np.einsum(subscripts, x, y)
    sizes = dict(zip(plan.labels, x.shape + y.shape, strict=True))
    batch, left, summed, right = (
        tuple([sizes[label] for label in group])
        for group in (plan.batch, plan.left, plan.summed, plan.right)
    )
    rows, inner, columns = math.prod(left), math.prod(summed), math.prod(right)
    if rows * inner * columns * math.prod(batch) < _LOOP or rows == columns == 1:
        return np.einsum(subscripts, x, y)
    x = _blas_layout(x.transpose(plan.x_axes).reshape((*batch, rows, inner)))
    y = _blas_layout(y.transpose(plan.y_axes).reshape((*batch, inner, columns)))
    return np.matmul(x, y).reshape(batch + left + right).transpose(plan.out_axes)


def convolve(x: Any, y: Any, mode: str) -> Any:
    """`np.convolve` along the last axis, where other axes broadcast."""
    if x.ndim == y.ndim == 1:
        return np.convolve(x, y, mode)  # pyright: ignore[reportCallIssue, reportArgumentType]
    if x.shape[-1] < y.shape[-1]:
        x, y = y, x
    n, m = x.shape[-1], y.shape[-1]
    lead = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    size = n + m - 1 if mode == "full" else n - m + 1
    out = np.zeros((*lead, size), np.result_type(x, y))
    for j in range(m):
        if mode == "full":
            out[..., j : j + n] += x * y[..., j : j + 1]
        else:
            out += x[..., m - 1 - j : n - j] * y[..., j : j + 1]
    return out


class _Plan(NamedTuple):
    labels: str
    batch: str
    left: str
    summed: str
    right: str
    x_axes: tuple[int, ...]
    y_axes: tuple[int, ...]
    out_axes: tuple[int, ...]


@functools.lru_cache(maxsize=1024)
def plan_of(subscripts: str) -> _Plan:
    """Which labels are the batch, rows, inner and columns of the matrix product."""
    x, y, out = subscripts.replace("->", ",").split(",")
    batch = "".join(label for label in x if label in y and label in out)
    summed = "".join(label for label in x if label not in out)
    left = "".join(label for label in x if label not in y)
    right = "".join(label for label in y if label not in x)
    return _Plan(
        x + y,
        batch,
        left,
        summed,
        right,
        tuple(map(x.index, batch + left + summed)),
        tuple(map(y.index, batch + summed + right)),
        tuple(map((batch + left + right).index, out)),
    )


def _blas_layout(x: Any) -> Any:
    """`x` so that matmul calls BLAS, which needs one of the last two axes to be contiguous."""
    return x if x.itemsize in x.strides[-2:] else np.ascontiguousarray(x)
