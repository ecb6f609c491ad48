"""Products and sums of products."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

from ...backends.dask import backend
from ...backends.libraries import check_one_library
from ...core import box_types
from ...ops import contract as ops
from .box import method
from .dispatch import functions, implements, operand


@implements("matmul")
def matmul(x: Any, y: Any) -> Any:
    x, y = operand(x), operand(y)
    if not getattr(x, "ndim", 0) or not getattr(y, "ndim", 0):
        raise ValueError("matmul takes arrays of one dimension or more: multiply numbers with *")
    return ops.matmul(x, y)


@implements("dot")
def dot(x: Any, y: Any) -> Any:
    x, y = operand(x), operand(y)
    if not getattr(x, "ndim", 0) or not getattr(y, "ndim", 0):
        return functions["multiply"](x, y)
    if y.ndim == 1 or (x.ndim <= 2 and y.ndim == 2):
        return ops.matmul(x, y)
    return tensordot(x, y, axes=((-1,), (-2,)))


@implements("tensordot")
def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    if not isinstance(axes, int):
        axes = tuple((one,) if isinstance(one, int) else tuple(one) for one in axes)
        axes = axes if all(isinstance(one, tuple) for one in axes) else tuple((a,) for a in axes)
    x, y = operand(x), operand(y)
    if isinstance(axes, int):
        axes = (tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes)))
    first, second = ([a % v.ndim for a in one] for one, v in zip(axes, (x, y), strict=True))
    labels = iter("abcdefghijklmnopqrstuvwxyz")
    left = [next(labels) for _ in range(x.ndim)]
    right = [next(labels) for _ in range(y.ndim)]
    for one, other in zip(first, second, strict=True):
        right[other] = left[one]
    kept = [c for i, c in enumerate(left) if i not in first]
    kept += [c for i, c in enumerate(right) if i not in second]
    return functions["einsum"](f"{''.join(left)},{''.join(right)}->{''.join(kept)}", x, y)


@implements("vdot")
def vdot(x: Any, y: Any) -> Any:
    x, y = (functions["ravel"](operand(v)) for v in (x, y))
    return ops.matmul(functions["conjugate"](x), y)


@implements("outer")
def outer(x: Any, y: Any) -> Any:
    x, y = (functions["ravel"](operand(v)) for v in (x, y))
    return x[:, None] * y[None, :]


def _operator(self: Any, other: Any) -> Any:
    check_one_library("matmul", backend, [other])
    if not (type(other) in box_types or isinstance(other, (np.ndarray, da.Array, list))):
        return NotImplemented
    return matmul(self, other)


def _reflected(self: Any, other: Any) -> Any:
    check_one_library("matmul", backend, [other])
    if not (type(other) in box_types or isinstance(other, (np.ndarray, da.Array, list))):
        return NotImplemented
    return matmul(other, self)


method("__matmul__", _operator)
method("__rmatmul__", _reflected)

method("dot", dot)
