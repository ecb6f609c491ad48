"""torch spellings of the canonical functions: those of neural networks, and special ones."""

from __future__ import annotations

from typing import Any

import torch

_nn = torch._C._nn

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


def binary_cross_entropy(x: Any, y: Any) -> Any:
    return _nn.binary_cross_entropy(x, y, None, 0)


def huber(x: Any, delta: float) -> Any:
    return _nn.huber_loss(x, torch.zeros_like(x), 0, delta)


def softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.softmax(x, axis[0])


def log_softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.log_softmax(x, axis[0])


def standardize(x: Any, axis: tuple[int, ...], eps: float) -> Any:
    count = len(axis)
    if axis == tuple(range(-count, 0)):
        return torch.layer_norm(x, x.shape[-count:], eps=eps)
    if x.numel() and axis == (*range(-x.ndim, 1 - x.ndim), *range(2 - x.ndim, 0)):
        return torch.batch_norm(x, None, None, None, None, True, 0.0, eps, False)  # noqa: FBT003
    variance, mean = torch.var_mean(x, axis, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + eps)
