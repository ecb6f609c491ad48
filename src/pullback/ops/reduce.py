"""Reductions, cumulative ops and order statistics.

`axis` of a reduction is a tuple of negative numbers, or None for all; that of a cumulative op is
one negative number.  Products and running extremes all rest on one op, the first-order linear
recurrence, whose derivative is again a recurrence: so they are exact at every order, also where
factors are zero.
"""

from __future__ import annotations

from typing import Any

from ..backends.numpy.reduce import reduced_count
from .declare import constant, linear, opaque

# Sums

sum = linear(  # noqa: A001
    "sum",
    lambda cotangent, xp, shape, axis, keepdims: xp.spread(
        cotangent, shape=shape, axis=axis, keepdims=keepdims
    ),
)
spread = linear(
    "spread",
    lambda cotangent, xp, axis, keepdims: xp.sum(cotangent, axis=axis, keepdims=keepdims),
)


def _spread_mean(cotangent: Any, xp: Any, shape: Any, axis: Any, keepdims: bool) -> Any:
    count = reduced_count(shape, axis)
    return xp.spread(cotangent / count, shape=shape, axis=axis, keepdims=keepdims)


mean = linear("mean", _spread_mean)


def _freedom(shape: Any, axis: Any, ddof: float) -> float:
    count = reduced_count(shape, axis) - ddof
    return count if count > 0 else 0.0


def _var_vjp(
    cotangent: Any, xp: Any, x: Any, axis: Any, keepdims: bool, ddof: float
) -> tuple[Any]:
    # Not divided as a Python number, which would raise where the degrees of freedom are zero.
    scaled = cotangent * 2 / xp.asarray(_freedom(x.shape, axis, ddof), cotangent.dtype)
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    return (xp.spread(scaled, shape=x.shape, axis=axis, keepdims=keepdims) * centred,)


var = opaque("var", _var_vjp)


def _std_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool, ddof: float
) -> tuple[Any]:
    # Constant data: the subgradient zero, as of a norm.
    scaled = xp.where(out == 0, 0, cotangent / out)
    return _var_vjp(scaled * 0.5, xp, x, axis, keepdims, ddof)


std = opaque("std", _std_vjp)


def _logsumexp_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool
) -> tuple[Any]:
    out = xp.spread(out, shape=x.shape, axis=axis, keepdims=keepdims)
    cotangent = xp.spread(cotangent, shape=x.shape, axis=axis, keepdims=keepdims)
    return (cotangent * xp.exp(x - out),)


logsumexp = opaque("logsumexp", _logsumexp_vjp)

# Extremes: ties share the cotangent evenly

attains = constant("attains", arguments=2)


def _extreme_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool
) -> tuple[Any]:
    out = xp.spread(out, shape=x.shape, axis=axis, keepdims=keepdims)
    return (_share(cotangent, xp, xp.attains(x, out), axis, keepdims),)


def _number_extreme_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool
) -> tuple[Any]:
    out = xp.spread(out, shape=x.shape, axis=axis, keepdims=keepdims)
    return (_share(cotangent, xp, x == out, axis, keepdims),)


def _share(cotangent: Any, xp: Any, mask: Any, axis: Any, keepdims: bool) -> Any:
    count = xp.sum(mask, axis=axis, keepdims=keepdims).astype(cotangent.dtype)
    part = cotangent / count
    return xp.where(mask, xp.spread(part, shape=mask.shape, axis=axis, keepdims=keepdims), 0)


max = opaque("max", _extreme_vjp, masks=True)  # noqa: A001
min = opaque("min", _extreme_vjp, masks=True)  # noqa: A001
fmax_reduce = opaque("fmax_reduce", _number_extreme_vjp, masks=True)
fmin_reduce = opaque("fmin_reduce", _number_extreme_vjp, masks=True)


def _kth_vjp(cotangent: Any, xp: Any, x: Any, out: Any) -> tuple[Any]:
    total = 0
    for place in range(out.shape[-1]):
        part = (..., slice(place, place + 1))
        mask = xp.attains(x, out[part])
        total = total + _share(cotangent[part], xp, mask, (-1,), keepdims=True)
    return (total,)


kth = opaque("kth", _kth_vjp, masks=True)

# Products and running ops


def _conj(x: Any) -> Any:
    return x.conjugate() if x.dtype.kind == "c" else x


shift = linear(
    "shift", lambda cotangent, xp, axis, by: xp.shift(cotangent, axis=axis, by=-by), masks=True
)


def _recurrence_vjp(
    cotangent: Any, xp: Any, a: Any, out: Any, axis: int, reverse: bool
) -> tuple[Any, Any]:
    step = -1 if reverse else 1
    ahead = xp.shift(_conj(a), axis=axis, by=-step)
    total = xp.recurrence(cotangent, ahead, axis=axis, reverse=not reverse)
    return total, total * xp.shift(_conj(out), axis=axis, by=step)


recurrence = opaque("recurrence", _recurrence_vjp, arguments="c a")

cumsum = linear(
    "cumsum",
    lambda cotangent, xp, axis, reverse: xp.cumsum(cotangent, axis=axis, reverse=not reverse),
)


def _products_before(xp: Any, x: Any, axis: int, by: int) -> Any:
    """The products of all elements before each one (after it, where `by` is -1)."""
    ones = xp.ones(x.shape, x.dtype)
    first = ones - xp.shift(ones, axis=axis, by=by)
    return xp.recurrence(first, xp.shift(x, axis=axis, by=by), axis=axis, reverse=by < 0)


def _cumprod_vjp(cotangent: Any, xp: Any, x: Any, axis: int) -> tuple[Any]:
    x = _conj(x)
    later = xp.recurrence(cotangent, xp.shift(x, axis=axis, by=-1), axis=axis, reverse=True)
    return (later * _products_before(xp, x, axis, 1),)


cumprod = opaque("cumprod", _cumprod_vjp)


def _products_of_others_vjp(cotangent: Any, xp: Any, x: Any, axis: int) -> tuple[Any]:
    # Of each pair of elements one stands before the other: two sweeps reach every pair.
    x = _conj(x)
    total = 0
    for by in (1, -1):
        near = _products_before(xp, x, axis, by)
        far = _products_before(xp, x, axis, -by)
        source = xp.shift(cotangent * near, axis=axis, by=by)
        between = xp.shift(x, axis=axis, by=by)
        total = total + far * xp.recurrence(source, between, axis=axis, reverse=by < 0)
    return (total,)


products_of_others = opaque("products_of_others", _products_of_others_vjp)


def _prod_vjp(cotangent: Any, xp: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    out = xp.spread(cotangent, shape=x.shape, axis=axis, keepdims=keepdims)
    if axis == () or x.ndim == 0:
        return (out,)
    *before, last = range(-x.ndim, 0) if axis is None else axis
    for one in before:
        out = out * _conj(xp.products_of_others(x, axis=one))
        x = xp.prod(x, axis=(one,), keepdims=True)
    return (out * _conj(xp.products_of_others(x, axis=last)),)


prod = opaque("prod", _prod_vjp)

share_of_extreme = constant("share_of_extreme", arguments=2)


def _running_extreme_vjp(cotangent: Any, xp: Any, x: Any, out: Any, axis: int) -> tuple[Any]:
    share = xp.share_of_extreme(x, out, axis=axis)
    rest = xp.shift(1 - share, axis=axis, by=-1)
    return (share * xp.recurrence(cotangent, rest, axis=axis, reverse=True),)


cummax = opaque("cummax", _running_extreme_vjp, masks=True)
cummin = opaque("cummin", _running_extreme_vjp, masks=True)


def _logcumsumexp_vjp(cotangent: Any, xp: Any, x: Any, out: Any, axis: int) -> tuple[Any]:
    # Ratios of neighbours are at most one: nothing overflows.
    ratio = xp.shift(xp.exp(xp.shift(out, axis=axis, by=1) - out), axis=axis, by=-1)
    total = xp.recurrence(cotangent, ratio, axis=axis, reverse=True)
    return (total * xp.exp(x - out),)


logcumsumexp = opaque("logcumsumexp", _logcumsumexp_vjp)
