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
    return _nn.huber_loss(x, x.new_zeros(()), 0, delta)


def softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.softmax(x, axis[0])


def log_softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.log_softmax(x, axis[0])


def nll(x: Any, y: Any, axis: int, ignore: int) -> Any:
    if x.ndim > -axis:  # torch takes a stack of rows, of one axis
        stacked = x.reshape(-1, *x.shape[axis:])
        labels = y.reshape(stacked.shape[:1] + stacked.shape[2:])
        return _nn.nll_loss_nd(stacked, labels, None, 0, ignore).reshape(y.shape)
    return _nn.nll_loss_nd(x, y, None, 0, ignore)


def unnll(x: Any, y: Any, classes: int, axis: int, ignore: int) -> Any:
    ignored = y == ignore
    if bool(ignored.any()):
        x, y = x.masked_fill(ignored, 0), y.masked_fill(ignored, 0)
    y = y.long().unsqueeze(axis)
    shape = [*y.shape]
    shape[axis] = classes
    return x.new_zeros(shape).scatter_(axis, y, -x.unsqueeze(axis))


def standardize(x: Any, axis: tuple[int, ...], eps: float) -> Any:
    count = len(axis)
    if axis == tuple(range(-count, 0)):
        return torch.layer_norm(x, x.shape[-count:], eps=eps)
    if x.numel() and axis == (*range(-x.ndim, 1 - x.ndim), *range(2 - x.ndim, 0)):
        return torch.batch_norm(x, None, None, None, None, True, 0.0, eps, False)  # noqa: FBT003
    variance, mean = torch.var_mean(x, axis, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + eps)
