"""Activations, softmaxes and normalisations (see `losses.py` for losses).

Scalars of an activation (a slope, a threshold) are parameters; at a kink the derivative is torch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core import Primitive
from .lift import spread
from .native import elementwise, opaque

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

# Others

rsqrt = elementwise("rsqrt", lambda out: -0.5 * out * out * out)
xlogy = elementwise(
    "xlogy",
    lambda xp, x, y: xp.where((x == 0) & (y <= 0), 0, xp.log(y)),
    lambda x, y: x / y,
)
erfinv = elementwise("erfinv", lambda xp, out: 0.5 * math.sqrt(math.pi) * xp.exp(out * out))


# Softmaxes. On raw arrays a library's kernel does what a rule says in several calls.


def _softmax_vjp(cotangent: Any, xp: Any, out: Any, axis: Any) -> tuple[Any]:
    if xp.has_kernels(cotangent, out):
        return (xp.unsoftmax(cotangent, out, axis=axis),)
    inner = xp.sum(cotangent * out, axis=axis, keepdims=True)
    return (out * (cotangent - inner),)


def _log_softmax_vjp(cotangent: Any, xp: Any, out: Any, axis: Any) -> tuple[Any]:
    if xp.has_kernels(cotangent, out):
        return (xp.unlog_softmax(cotangent, out, axis=axis),)
    return (cotangent - xp.exp(out) * xp.sum(cotangent, axis=axis, keepdims=True),)


softmax = opaque("softmax", _softmax_vjp)
log_softmax = opaque("log_softmax", _log_softmax_vjp)

# Normalisations


def _standardize_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, eps: float
) -> tuple[Any]:
    if xp.has_kernels(cotangent, x):
        found = xp.unstandardize(cotangent, x, axis=axis, eps=eps)
        if found is not None:
            return (found,)
    deviation = xp.sqrt(xp.var(x, axis=axis, keepdims=True) + eps)
    along = xp.mean(cotangent * out, axis=axis, keepdims=True)
    centred = cotangent - xp.mean(cotangent, axis=axis, keepdims=True)
    return ((centred - out * along) / deviation,)


# (x - mean) / sqrt(variance + eps), both over `axis`.
standardize = opaque("standardize", _standardize_vjp)


def _broadcastable(x: Any, y: Any, channels: bool) -> Any:
    return y.reshape((-1, *(1,) * (x.ndim - 2))) if channels else y


def _normalize_vjp(
    cotangents: Any, xp: Any, x: Any, y: Any, out: Any, axis: Any, eps: float, channels: bool
) -> tuple[Any, Any, Any]:
    (cotangent, *_), (_, *moments) = cotangents, out
    if xp.has_kernels(cotangent, x, y):
        return xp.unnormalize(cotangent, x, y, *moments, eps=eps, channels=channels)
    standard = xp.standardize(x, axis=axis, eps=eps)
    scaled = cotangent * _broadcastable(x, y, channels)
    (g_x,) = _standardize_vjp(scaled, xp, x, standard, axis, eps)
    rest = axis if channels else tuple(range(-x.ndim, -len(axis)))
    g_y = xp.sum(cotangent * standard, axis=rest, keepdims=False)
    return g_x, g_y, xp.sum(cotangent, axis=rest, keepdims=False)


def _normalize_batch(
    _: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    x, *affine = (spread(arg, is_, size) for arg, is_ in zip(args, batched, strict=True))
    ndim = x.ndim - 1
    if params["channels"]:
        affine = [v.reshape((*v.shape, *(1,) * (ndim - 2))) for v in affine]
    scale, offset = (v.reshape((size, *(1,) * (x.ndim - v.ndim), *v.shape[1:])) for v in affine)
    out = standardize(x, axis=params["axis"], eps=params["eps"]) * scale + offset
    return out, out, out  # nobody sees the moments


# The same times `y` plus `z`: numbers for each channel, which the second axis counts, or for each
# place within `axis`. The mean and the deviation's reciprocal are kept for the way back.
normalize = opaque(
    "normalize", _normalize_vjp, arguments="x y z", outputs=3, batch=_normalize_batch
)
