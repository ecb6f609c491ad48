"""Reductions and running functions."""

from __future__ import annotations

from typing import Any

from ...core import detached
from ...ops import reduce as ops
from ...ops.declare import registry
from ..array_api.dispatch import axes_of, axis_of
from .box import named
from .dispatch import functions, implements, operand, unsupported


def _cast(x: Any, dtype: Any) -> Any:
    x = operand(x)
    return x if dtype is None or x.dtype == dtype else functions["astype"](x, dtype)


@implements("sum")
def sum_(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    x = _cast(x, dtype)
    return ops.sum(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("prod")
def prod(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    x = _cast(x, dtype)
    return ops.prod(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("mean")
def mean(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    x = _cast(x, dtype)
    return ops.mean(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("max", "amax")
def max_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return ops.max(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("min", "amin")
def min_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return ops.min(x, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("ptp")
def ptp(x: Any, axis: Any = None) -> Any:
    return max_(x, axis) - min_(x, axis)


@implements("var")
def var(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0
) -> Any:
    x = _cast(x, dtype)
    return ops.var(x, axis=axes_of(axis, x.ndim), keepdims=keepdims, ddof=ddof)


@implements("std")
def std(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0
) -> Any:
    x = _cast(x, dtype)
    return ops.std(x, axis=axes_of(axis, x.ndim), keepdims=keepdims, ddof=ddof)


@implements("average")
def average(x: Any, axis: Any = None, weights: Any = None, returned: bool = False) -> Any:
    x = operand(x)
    if weights is None:
        out = mean(x, axis)
        return (out, out * 0 + x.size / out.size) if returned else out
    weights = operand(weights)
    if weights.ndim != x.ndim:
        axis_ = axis_of(axis, x.ndim)
        weights = functions["reshape"](weights, (-1, *(1,) * (-axis_ - 1)))
        weights = functions["broadcast_to"](weights, x.shape)
    total = functions["sum"](weights, axis)
    out = sum_(x * weights, axis) / total
    return (out, total) if returned else out


@implements("nansum")
def nansum(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    kept = functions["where"](registry["isnan"](detached(x)), 0, x)
    return sum_(kept, axis, dtype, keepdims)


@implements("nanmean")
def nanmean(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    count = sum_(registry["logical_not"](registry["isnan"](detached(x))), axis, None, keepdims)
    return nansum(x, axis, dtype, keepdims) / count


@implements("nanvar")
def nanvar(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0
) -> Any:
    missing = registry["isnan"](detached(x))
    count = sum_(registry["logical_not"](missing), axis, None, keepdims)
    deviation = abs(functions["where"](missing, 0, x - nanmean(x, axis, dtype, keepdims=True)))
    return sum_(deviation**2, axis, dtype, keepdims) / (count - ddof)


@implements("nanstd")
def nanstd(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: float = 0
) -> Any:
    variance = nanvar(x, axis, dtype, keepdims, ddof)
    root = functions["sqrt"](functions["where"](variance == 0, 1, variance))
    return functions["where"](variance == 0, variance, root)


@implements("cumsum")
def cumsum(x: Any, axis: Any = None, dtype: Any = None, method: str = "sequential") -> Any:
    x, axis = _flat_or_not(_cast(x, dtype), axis)
    return ops.cumsum(x, axis=axis, reverse=False)


@implements("cumprod")
def cumprod(x: Any, axis: Any = None, dtype: Any = None, method: str = "sequential") -> Any:
    x, axis = _flat_or_not(_cast(x, dtype), axis)
    return ops.cumprod(x, axis=axis)


def _flat_or_not(x: Any, axis: Any) -> tuple[Any, int]:
    if axis is None:
        return functions["reshape"](x, (-1,)), -1
    return x, axis_of(axis, x.ndim)


@implements("diff")
def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    axis = axis_of(axis, x.ndim)
    for _ in range(n):
        x = (
            x[(..., slice(1, None), *(slice(None),) * (-axis - 1))]
            - x[(..., slice(None, -1), *(slice(None),) * (-axis - 1))]
        )
    return x


def _counted(name: str) -> None:
    @implements(name)
    def count(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return registry[name](detached(x), axis=axes_of(axis, x.ndim), keepdims=keepdims)


for _name in ("all", "any", "count_nonzero"):
    _counted(_name)


def _placed(name: str) -> None:
    @implements(name)
    def place(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        x = detached(x)
        if axis is None:
            return registry[name](functions["reshape"](x, (-1,)), axis=-1, keepdims=keepdims)
        return registry[name](x, axis=axis_of(axis, x.ndim), keepdims=keepdims)


for _name in ("argmax", "argmin"):
    _placed(_name)


@implements("nonzero", "argwhere", "flatnonzero")
def nonzero(x: Any) -> Any:
    raise unsupported("da.nonzero, which has as many elements as the values say,")


named(
    *"sum prod mean max min var std cumsum cumprod all any argmax argmin nonzero".split(),
)
