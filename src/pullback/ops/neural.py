"""Activations, softmaxes and normalisations.

Scalars of an activation (a slope, a threshold) are parameters; at a kink the derivative is torch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core import Primitive, bind
from .lift import spread
from .native import elementwise, linear, opaque

# Activations


def _gelu(xp: Any, x: Any) -> Any:
    density = xp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + xp.erf(x * math.sqrt(0.5))) + x * density


_TANH_GELU = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(xp: Any, x: Any) -> Any:
    scale, cubic = _TANH_GELU
    t = xp.tanh(scale * (x + cubic * x * x * x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * scale * (1 + 3 * cubic * x * x)


def _silu(xp: Any, x: Any) -> Any:
    s = xp.sigmoid(x)
    return s * (1 + x * (1 - s))


def _mish(xp: Any, x: Any) -> Any:
    t = xp.tanh(xp.softplus(x, beta=1.0, threshold=20.0))
    return t + x * (1 - t * t) * xp.sigmoid(x)


def _elu(xp: Any, x: Any, alpha: float, scale: float, input_scale: float) -> Any:
    below = xp.where(x > 0, 0, x)  # exp must not overflow where it is not taken
    slope = (alpha * scale * input_scale) * xp.exp(below * input_scale)
    return xp.where(x > 0, scale, slope)


def _softplus(xp: Any, x: Any, beta: float, threshold: float) -> Any:
    return xp.where(x * beta > threshold, 1, xp.sigmoid(x * beta))


def _hardswish(xp: Any, x: Any) -> Any:
    return xp.where(x > -3, xp.where(x < 3, x / 3 + 0.5, 1), 0)


def _either(xp: Any, x: Any, condition: Any, one: float, other: float) -> Any:
    """One of two numbers for each element, in the precision of `x`."""
    return xp.where(condition, xp.ones((), dtype=x.dtype) * one, other)


relu = elementwise("relu", lambda out: out > 0, masks=True)
sigmoid = elementwise("sigmoid", lambda out: out * (1 - out))
gelu = elementwise("gelu", _gelu)  # with the error function
gelu_tanh = elementwise("gelu_tanh", _gelu_tanh)
silu = elementwise("silu", _silu)
mish = elementwise("mish", _mish)
elu = elementwise("elu", _elu)  # with its relatives celu and selu
softplus = elementwise("softplus", _softplus)
log_sigmoid = elementwise("log_sigmoid", lambda xp, x: xp.sigmoid(-x))
leaky_relu = elementwise("leaky_relu", lambda xp, x, slope: _either(xp, x, x > 0, 1, slope))
hardtanh = elementwise("hardtanh", lambda x, low, high: (x > low) & (x < high), masks=True)
hardsigmoid = elementwise(
    "hardsigmoid", lambda xp, x: _either(xp, x, (x > -3) & (x < 3), 1 / 6, 0), masks=True
)
hardswish = elementwise("hardswish", _hardswish, masks=True)
hardshrink = elementwise("hardshrink", lambda x, size: ~(abs(x) <= size), masks=True)
softshrink = elementwise("softshrink", lambda x, size: ~(abs(x) <= size), masks=True)
threshold = elementwise("threshold", lambda x, level: ~(x <= level), masks=True)

# What losses are made of

rsqrt = elementwise("rsqrt", lambda out: -0.5 * out * out * out)
xlogy = elementwise(
    "xlogy",
    lambda xp, x, y: xp.where((x == 0) & (y <= 0), 0, xp.log(y)),
    lambda x, y: x / y,
)
erfinv = elementwise("erfinv", lambda xp, out: 0.5 * math.sqrt(math.pi) * xp.exp(out * out))


def _odds_denominator(xp: Any, x: Any) -> Any:
    return xp.clip((1 - x) * x, 1e-12, None)


def _log_odds(xp: Any, x: Any) -> Any:
    return xp.clip(xp.log1p(-x), -100, None) - xp.clip(xp.log(x), -100, None)


binary_cross_entropy = elementwise(
    "binary_cross_entropy",
    lambda xp, x, y: (x - y) / _odds_denominator(xp, x),
    _log_odds,
)
# x ** 2 / 2 within delta, and linear beyond.
huber = elementwise("huber", lambda xp, x, delta: xp.clip(x, -delta, delta))

# Softmaxes


def _softmax_vjp(cotangent: Any, xp: Any, out: Any, axis: Any) -> tuple[Any]:
    inner = xp.sum(cotangent * out, axis=axis, keepdims=True)
    return (out * (cotangent - inner),)


def _log_softmax_vjp(cotangent: Any, xp: Any, out: Any, axis: Any) -> tuple[Any]:
    return (cotangent - xp.exp(out) * xp.sum(cotangent, axis=axis, keepdims=True),)


softmax = opaque("softmax", _softmax_vjp)
log_softmax = opaque("log_softmax", _log_softmax_vjp)

# The score of one class of each row, and its transpose. The classes lie along `axis` of the scores;
# `ignore` marks rows that count nothing.


def _of_rows(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    pairs = zip(args, batched, strict=True)
    return bind(primitive, [spread(arg, is_, size) for arg, is_ in pairs], params)


def _nll_transpose(cotangent: Any, xp: Any, y: Any, shape: Any, axis: int, ignore: int) -> Any:
    return xp.unnll(cotangent, y, classes=shape[axis], axis=axis, ignore=ignore)


def _unnll_transpose(cotangent: Any, xp: Any, y: Any, axis: int, ignore: int) -> Any:
    return xp.nll(cotangent, y, axis=axis, ignore=ignore)


nll = linear("nll", _nll_transpose, arguments="x y", operands="y", masks=True, batch=_of_rows)
unnll = linear("unnll", _unnll_transpose, arguments="x y", operands="y", batch=_of_rows)

# Normalisations


def _standardize_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, eps: float
) -> tuple[Any]:
    deviation = xp.sqrt(xp.var(x, axis=axis, keepdims=True) + eps)
    along = xp.mean(cotangent * out, axis=axis, keepdims=True)
    centred = cotangent - xp.mean(cotangent, axis=axis, keepdims=True)
    return ((centred - out * along) / deviation,)


# (x - mean) / sqrt(variance + eps), both over `axis`.
standardize = opaque("standardize", _standardize_vjp)
