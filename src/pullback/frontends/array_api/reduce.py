"""The standard's reductions, running sums, and what is counted, searched and sorted."""

from __future__ import annotations

from typing import Any

from ...core import detached
from ...ops import reduce as ops
from ...ops.declare import registry
from .dispatch import axes_of, axis_of, backend_among, functions, implements
from .index import take_along_axis


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None or x.dtype == dtype else functions["astype"](x, dtype)


def _narrowed(x: Any, out: Any, dtype: Any) -> Any:
    """`out` in the `dtype` that was asked for: small integers are added and multiplied in large."""
    return out if dtype is None or out.dtype == dtype else backend_among(x).xp.astype(out, dtype)


@implements("sum")
def sum_(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    out = ops.sum(_cast(x, dtype), axis=axes_of(axis, x.ndim), keepdims=keepdims)
    return _narrowed(x, out, dtype)


@implements("prod")
def prod(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    out = ops.prod(_cast(x, dtype), axis=axes_of(axis, x.ndim), keepdims=keepdims)
    return _narrowed(x, out, dtype)


@implements("max")
def max_(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    return ops.max(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("min")
def min_(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    return ops.min(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("mean")
def mean(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    return ops.mean(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("var")
def var(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    return ops.var(x, axis=axes_of(axis, x.ndim), keepdims=keepdims, ddof=correction)


@implements("std")
def std(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    return ops.std(x, axis=axes_of(axis, x.ndim), keepdims=keepdims, ddof=correction)


def _running(x: Any, axis: Any, dtype: Any, neutral: int, include_initial: bool, run: Any) -> Any:
    if axis is None:
        if x.ndim != 1:
            raise ValueError("axis must be given for arrays of more than one dimension")
        axis = 0
    axis = axis_of(axis, x.ndim)
    out = _narrowed(x, run(_cast(x, dtype), axis), dtype)
    if not include_initial:
        return out
    backend = backend_among(x)
    shape = [*out.shape]
    shape[axis] = 1
    first = backend.zeros(shape, out.dtype) + neutral
    return backend.xp.concatenate([first, out], axis)


@implements("cumulative_sum")
def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _running(
        x, axis, dtype, 0, include_initial, lambda x, a: ops.cumsum(x, axis=a, reverse=False)
    )


@implements("cumulative_prod")
def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _running(x, axis, dtype, 1, include_initial, lambda x, a: ops.cumprod(x, axis=a))


@implements("diff")
def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    axis = axis_of(axis, x.ndim)
    parts = [part for part in (prepend, x, append) if part is not None]
    if len(parts) > 1:
        x = backend_among(*parts).xp.concatenate(parts, axis)
    for _ in range(n):
        x = ops.difference(x, axis=axis)
    return x


# What is counted, chosen or put in order


def _counted(name: str) -> None:
    @implements(name)
    def count(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
        return registry[name](x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


for _name in ("all", "any", "count_nonzero"):
    _counted(_name)


def _placed(name: str) -> None:
    @implements(name)
    def place(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Any:
        if axis is not None:
            return registry[name](x, axis=axis_of(axis, x.ndim), keepdims=keepdims)
        xp, ndim = backend_among(x).xp, x.ndim
        out = registry[name](xp.reshape(x, (x.size,)), axis=-1, keepdims=False)
        return xp.reshape(out, (1,) * ndim) if keepdims else out


for _name in ("argmax", "argmin"):
    _placed(_name)


@implements("argsort")
def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    axis = axis_of(axis, x.ndim)
    return registry["argsort"](x, axis=axis, descending=descending, stable=stable)


@implements("sort")
def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    order = argsort(x, axis=axis, descending=descending, stable=stable)
    return take_along_axis(x, order, axis=axis)


@implements("searchsorted")
def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
    if sorter is not None:
        x1 = functions["take"](x1, sorter)
    return registry["searchsorted"](detached(x1), detached(x2), side=side)
