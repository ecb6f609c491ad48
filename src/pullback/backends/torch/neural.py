"""torch spellings of the canonical functions: those of neural networks, and special ones.

What is called `un...` is a kernel of torch's for the way back through the function of that name.
"""

from __future__ import annotations

from typing import Any

import torch

_nn = torch._C._nn
_aten = torch.ops.aten

relu, sigmoid, rsqrt = torch.relu, torch.sigmoid, torch.rsqrt
silu, mish, log_sigmoid = _nn.silu, _nn.mish, _nn.log_sigmoid
hardsigmoid, hardswish = _nn.hardsigmoid, _nn.hardswish
erf, erfc, erfinv, gammaln = torch.erf, torch.erfc, torch.erfinv, torch.lgamma
xlogy = torch.xlogy


def polygamma(x: Any, order: int) -> Any:
    return torch.digamma(x) if order == 0 else torch.polygamma(order, x)


def gelu(x: Any) -> Any:
    return _nn.gelu(x)


def gelu_tanh(x: Any) -> Any:
    return _nn.gelu(x, approximate="tanh")


def elu(x: Any, alpha: float, scale: float, input_scale: float) -> Any:
    return _nn.elu(x, alpha, scale, input_scale)


def softplus(x: Any, beta: float, threshold: float) -> Any:
    return _nn.softplus(x, beta, threshold)


def leaky_relu(x: Any, slope: float) -> Any:
    return _nn.leaky_relu(x, slope)


def hardtanh(x: Any, low: float, high: float) -> Any:
    return _nn.hardtanh(x, low, high)


def hardshrink(x: Any, size: float) -> Any:
    return torch.hardshrink(x, size)


def softshrink(x: Any, size: float) -> Any:
    return _nn.softshrink(x, size)


def threshold(x: Any, level: float, value: float) -> Any:
    return torch.threshold(x, level, value)


def softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.softmax(x, axis[0])


def log_softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.log_softmax(x, axis[0])


def unsoftmax(cotangent: Any, out: Any, axis: tuple[int]) -> Any:
    return _aten._softmax_backward_data(cotangent, out, axis[0], out.dtype)


def unlog_softmax(cotangent: Any, out: Any, axis: tuple[int]) -> Any:
    return _aten._log_softmax_backward_data(cotangent, out, axis[0], out.dtype)


def standardize(x: Any, axis: tuple[int, ...], eps: float) -> Any:
    if _is_last(axis):
        return torch.layer_norm(x, x.shape[-len(axis) :], eps=eps)
    if x.numel() and _is_all_but_channels(x, axis):
        return torch.batch_norm(x, None, None, None, None, True, 0.0, eps, False)  # noqa: FBT003
    variance, mean = torch.var_mean(x, axis, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + eps)


def _is_last(axis: tuple[int, ...]) -> bool:
    return axis == tuple(range(-len(axis), 0))


def _is_all_but_channels(x: Any, axis: tuple[int, ...]) -> bool:
    return axis == (*range(-x.ndim, 1 - x.ndim), *range(2 - x.ndim, 0))


def unstandardize(cotangent: Any, x: Any, axis: tuple[int, ...], eps: float) -> Any:
    """None where there is no kernel for these axes."""
    last = _is_last(axis)
    if not x.numel() or not (last or _is_all_but_channels(x, axis)):
        return None
    variance, mean = torch.var_mean(x, axis, correction=0, keepdim=True)
    moments = mean, torch.rsqrt(variance + eps)
    if last:
        shape = x.shape[-len(axis) :]
        return _unnormalized(cotangent, x, None, moments, shape, mask=[True, False, False])[0]
    moments = tuple(one.reshape(-1) for one in moments)
    return _unbatched(cotangent, x, None, moments, eps, mask=[True, False, False])[0]


def normalize(x: Any, y: Any, z: Any, axis: Any, eps: float, channels: bool) -> Any:
    if channels:
        return torch.native_batch_norm(x, y, z, None, None, True, 0.0, eps)  # noqa: FBT003
    return torch.native_layer_norm(x, y.shape, y, z, eps)


def unnormalize(
    cotangent: Any, x: Any, y: Any, mean: Any, reciprocal: Any, eps: float, channels: bool
) -> Any:
    moments, mask = (mean, reciprocal), [True, True, True]
    if channels:
        return _unbatched(cotangent, x, y, moments, eps, mask)
    return _unnormalized(cotangent, x, y, moments, y.shape, mask)


def _unbatched(g: Any, x: Any, y: Any, moments: Any, eps: float, mask: list[bool]) -> Any:
    return _aten.native_batch_norm_backward(g, x, y, None, None, *moments, True, eps, mask)  # noqa: FBT003


def _unnormalized(g: Any, x: Any, y: Any, moments: Any, shape: Any, mask: list[bool]) -> Any:
    return _aten.native_layer_norm_backward(g, x, shape, *moments, y, y, mask)
