"""Losses: one op each, which a library's own kernels run in both directions on raw arrays.

`reduction` is torch's number: none, the mean or the sum of all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..core import Primitive, bind
from .lift import canonical, spread
from .native import elementwise, linear, opaque

NONE, MEAN, SUM = 0, 1, 2

# Of probabilities


def _odds_denominator(xp: Any, x: Any) -> Any:
    return xp.clip((1 - x) * x, 1e-12, None)


def _log_odds(xp: Any, x: Any) -> Any:
    return xp.clip(xp.log1p(-x), -100, None) - xp.clip(xp.log(x), -100, None)


binary_cross_entropy = elementwise(
    "binary_cross_entropy",
    lambda xp, x, y: (x - y) / _odds_denominator(xp, x),
    _log_odds,
)

# Of differences: `y` is a constant, of the shape of `x`. `scale` is where what is quadratic ends.


def _clipped(xp: Any, d: Any, scale: float) -> Any:
    return xp.clip(d, -scale, scale)


_SLOPES: dict[str, Callable[..., Any]] = {
    "mse": lambda _, d, __: 2 * d,
    "l1": lambda xp, d, _: xp.sign(d),
    "huber": _clipped,
    "smooth_l1": lambda xp, d, scale: _clipped(xp, d, scale) / scale,
}


def _difference_loss_vjp(
    cotangent: Any, xp: Any, x: Any, y: Any, kind: str, scale: float, reduction: int
) -> tuple[Any, None]:
    if xp.has_kernels(cotangent, x, y):
        found = xp.undifference_loss(cotangent, x, y, kind=kind, scale=scale, reduction=reduction)
        return found, None
    if reduction == MEAN:
        cotangent = cotangent / math.prod(x.shape)
    return cotangent * _SLOPES[kind](xp, x - y, scale), None


def _each_summed(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    x, y = (spread(arg, is_, size) for arg, is_ in zip(args, batched, strict=True))
    out = bind(primitive, (x, y), params | {"reduction": NONE})
    reduction = params["reduction"]
    if reduction == NONE:
        return out
    xp = canonical(out)
    axes = tuple(range(1 - x.ndim, 0))
    return (xp.mean if reduction == MEAN else xp.sum)(out, axis=axes, keepdims=False)


difference_loss = opaque(
    "difference_loss", _difference_loss_vjp, arguments="x y", batch=_each_summed
)
# x ** 2 / 2 within delta, and linear beyond: where the target is differentiated too.
huber = elementwise("huber", lambda xp, x, delta: xp.clip(x, -delta, delta))

# Of classes: less the score of one of each row, and its transpose. The classes lie along `axis` of
# the scores; `ignore` marks rows that count nothing.


def _nll_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    x, y = (spread(arg, is_, size) for arg, is_ in zip(args, batched, strict=True))
    out = bind(primitive, (x, y), params | {"reduction": NONE})
    if params["reduction"] == NONE:
        return out
    total = canonical(out).sum(out, axis=tuple(range(1 - out.ndim, 0)), keepdims=False)
    return total / _kept(y, params["ignore"]) if params["reduction"] == MEAN else total


def _unnll_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    x, y = (spread(arg, is_, size) for arg, is_ in zip(args, batched, strict=True))
    if params["reduction"] == MEAN:
        x = x / _kept(y, params["ignore"])
    if params["reduction"] != NONE:
        x = canonical(x).broadcast_to(x.reshape((size, *(1,) * (y.ndim - 1))), tuple(y.shape))
    return bind(primitive, (x, y), params | {"reduction": NONE})


def _kept(y: Any, ignore: int) -> Any:
    """How many classes of each example count."""
    return canonical(y).sum(y != ignore, axis=tuple(range(1 - y.ndim, 0)), keepdims=False)


nll = linear(
    "nll",
    lambda cotangent, xp, y, shape, axis, ignore, reduction: xp.unnll(
        cotangent, y, classes=shape[axis], axis=axis, ignore=ignore, reduction=reduction
    ),
    arguments="x y",
    operands="y",
    masks=True,
    batch=_nll_batch,
)
unnll = linear(
    "unnll",
    lambda cotangent, xp, y, axis, ignore, reduction: xp.nll(
        cotangent, y, axis=axis, ignore=ignore, reduction=reduction
    ),
    arguments="x y",
    operands="y",
    batch=_unnll_batch,
)
