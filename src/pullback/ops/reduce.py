"""Reductions, cumulative ops and order statistics.

`axis` of a reduction is a tuple of negative numbers, or None for all; that of a cumulative op is
one negative number.  Products and running extremes all rest on one op, the first-order linear
recurrence, whose derivative is again a recurrence: so they are exact at every order, also where
factors are zero.
"""

from __future__ import annotations

import math
from typing import Any

from ..backends.numpy.reduce import reduced_count
from .declare import constant, linear, opaque
from .lift import all_axes, spread_shape


def _kept(xp: Any, x: Any, shape: Any, axis: Any, keepdims: bool) -> Any:
    """The result of a reduction of an array of `shape`, so that it broadcasts against that."""
    if keepdims or axis is None:
        return x
    ndim = len(shape)
    return xp.reshape(x, tuple(1 if i - ndim in axis else n for i, n in enumerate(shape)))


# Sums

sum = linear(
    "sum",
    lambda cotangent, xp, shape, axis, keepdims: xp.spread(
        cotangent, shape=shape, axis=axis, keepdims=keepdims
    ),
    lift=all_axes,
    direct=True,
)
spread = linear(
    "spread",
    lambda cotangent, xp, axis, keepdims: xp.sum(cotangent, axis=axis, keepdims=keepdims),
    lift=spread_shape,
)


def _spread_mean(cotangent: Any, xp: Any, shape: Any, axis: Any, keepdims: bool) -> Any:
    count = reduced_count(shape, axis)
    return xp.spread(cotangent / count, shape=shape, axis=axis, keepdims=keepdims)


mean = linear("mean", _spread_mean, lift=all_axes, direct=True)


def _var_vjp(cotangent: Any, xp: Any, x: Any, axis: Any, keepdims: bool, ddof: float) -> tuple[Any]:
    freedom = reduced_count(x.shape, axis) - ddof
    if freedom > 0:
        scaled = cotangent * (2 / freedom)
    else:
        scaled = xp.where(cotangent == 0, 0, cotangent * math.inf)
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    return (xp.spread(scaled, shape=x.shape, axis=axis, keepdims=keepdims) * centred,)


var = opaque("var", _var_vjp, lift=all_axes)


def _std_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool, ddof: float
) -> tuple[Any]:
    # Constant data: the subgradient zero, as of a norm.
    scaled = xp.where(out == 0, 0, cotangent / out)
    return _var_vjp(scaled * 0.5, xp, x, axis, keepdims, ddof)


std = opaque("std", _std_vjp, lift=all_axes)


def _logsumexp_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool
) -> tuple[Any]:
    # A sum of nothing, all -inf, has no derivative; where it is not used, it needs none.
    out = xp.where((cotangent == 0) & ~xp.isfinite(out), math.inf, out)
    out, cotangent = (_kept(xp, v, x.shape, axis, keepdims) for v in (out, cotangent))
    return (cotangent * xp.exp(x - out),)


logsumexp = opaque("logsumexp", _logsumexp_vjp, lift=all_axes)

# Extremes: ties share the cotangent evenly

attains = constant("attains", arguments=2)


def _extreme_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool
) -> tuple[Any]:
    mask = xp.attains(x, _kept(xp, out, x.shape, axis, keepdims))
    return (_share(cotangent, xp, mask, axis, keepdims),)


def _number_extreme_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, keepdims: bool
) -> tuple[Any]:
    # No nan equals another: a nan gets nothing.
    return (_share(cotangent, xp, x == _kept(xp, out, x.shape, axis, keepdims), axis, keepdims),)


def _share(cotangent: Any, xp: Any, mask: Any, axis: Any, keepdims: bool) -> Any:
    count = xp.astype(xp.sum(mask, axis=axis, keepdims=keepdims), cotangent.dtype)
    return xp.where(mask, _kept(xp, cotangent / count, mask.shape, axis, keepdims), 0)


max = opaque("max", _extreme_vjp, masks=True, lift=all_axes)
min = opaque("min", _extreme_vjp, masks=True, lift=all_axes)
fmax_reduce = opaque("fmax_reduce", _number_extreme_vjp, masks=True, lift=all_axes)
fmin_reduce = opaque("fmin_reduce", _number_extreme_vjp, masks=True, lift=all_axes)


def _kth_vjp(cotangent: Any, xp: Any, x: Any, out: Any) -> tuple[Any]:
    total = 0
    for place in range(out.shape[-1]):
        part = (..., slice(place, place + 1))
        mask = xp.attains(x, out[part])
        total = total + _share(cotangent[part], xp, mask, (-1,), keepdims=True)
    return (total,)


kth = opaque("kth", _kth_vjp, masks=True)
# The same with the ranks as an argument, for ranks that differ from row to row.
kth_of_rows = opaque(
    "kth_of_rows",
    lambda cotangent, xp, x, out: (*_kth_vjp(cotangent, xp, x, out), None),
    arguments="x ranks",
    masks=True,
)

# Products and running ops


difference = linear("difference", lambda cotangent, xp, axis: xp.undifference(cotangent, axis=axis))
undifference = linear(
    "undifference", lambda cotangent, xp, axis: xp.difference(cotangent, axis=axis)
)

shift = linear(
    "shift", lambda cotangent, xp, axis, by: xp.shift(cotangent, axis=axis, by=-by), masks=True
)


def _recurrence_vjp(
    cotangent: Any, xp: Any, a: Any, out: Any, axis: int, reverse: bool
) -> tuple[Any, Any]:
    step = -1 if reverse else 1
    ahead = xp.shift(xp.conj(a), axis=axis, by=-step)
    total = xp.recurrence(cotangent, ahead, axis=axis, reverse=not reverse)
    return total, total * xp.shift(xp.conj(out), axis=axis, by=step)


recurrence = opaque("recurrence", _recurrence_vjp, arguments="c a")

cumsum = linear(
    "cumsum",
    lambda cotangent, xp, axis, reverse: xp.cumsum(cotangent, axis=axis, reverse=not reverse),
)


def _products_before_vjp(cotangent: Any, xp: Any, x: Any, axis: int, reverse: bool) -> tuple[Any]:
    back = 1 if reverse else -1
    x = xp.conj(x)
    source, between = (xp.shift(v, axis=axis, by=back) for v in (cotangent, x))
    later = xp.recurrence(source, between, axis=axis, reverse=not reverse)
    return (later * xp.products_before(x, axis=axis, reverse=reverse),)


products_before = opaque("products_before", _products_before_vjp)


def _cumprod_vjp(cotangent: Any, xp: Any, x: Any, axis: int) -> tuple[Any]:
    x = xp.conj(x)
    later = xp.recurrence(cotangent, xp.shift(x, axis=axis, by=-1), axis=axis, reverse=True)
    return (later * xp.products_before(x, axis=axis, reverse=False),)


cumprod = opaque("cumprod", _cumprod_vjp)


def _products_of_others_vjp(cotangent: Any, xp: Any, x: Any, axis: int) -> tuple[Any]:
    # Of each pair of elements one stands before the other: two sweeps reach every pair.
    x = xp.conj(x)
    before = xp.products_before(x, axis=axis, reverse=False)
    after = xp.products_before(x, axis=axis, reverse=True)
    total = 0
    for by, near, far in ((1, before, after), (-1, after, before)):
        source, between = (xp.shift(v, axis=axis, by=by) for v in (cotangent * near, x))
        total = total + far * xp.recurrence(source, between, axis=axis, reverse=by < 0)
    return (total,)


products_of_others = opaque("products_of_others", _products_of_others_vjp)


def _prod_vjp(cotangent: Any, xp: Any, x: Any, axis: Any, keepdims: bool) -> tuple[Any]:
    out = _kept(xp, cotangent, x.shape, axis, keepdims)
    if axis == () or x.ndim == 0:
        return (out,)
    *before, last = range(-x.ndim, 0) if axis is None else axis
    for one in before:
        out = out * xp.conj(xp.products_of_others(x, axis=one))
        x = xp.prod(x, axis=(one,), keepdims=True)
    return (out * xp.conj(xp.products_of_others(x, axis=last)),)


prod = opaque("prod", _prod_vjp, lift=all_axes)

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


# What is counted, chosen or put in order

for _name in ("all", "any", "count_nonzero"):
    constant(_name, lift=all_axes)
for _name in ("argmax", "argmin", "nanargmax", "nanargmin", "argsort", "argpartition"):
    constant(_name)
searchsorted = constant("searchsorted", arguments=2)
unwrapped = constant("unwrapped")
