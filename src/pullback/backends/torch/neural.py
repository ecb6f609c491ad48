"""torch spellings of the canonical functions: those of neural networks, and special ones."""

from __future__ import annotations

from typing import Any

import torch

relu, sigmoid, gelu = torch.relu, torch.sigmoid, torch.nn.functional.gelu
erf, erfc, gammaln = torch.erf, torch.erfc, torch.lgamma


def polygamma(x: Any, order: int) -> Any:
    return torch.digamma(x) if order == 0 else torch.polygamma(order, x)


def softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.softmax(x, axis[0])


def log_softmax(x: Any, axis: tuple[int]) -> Any:
    return torch.log_softmax(x, axis[0])


def standardize(x: Any, axis: tuple[int, ...], eps: float) -> Any:
    count = len(axis)
    if axis == tuple(range(-count, 0)):
        return torch.layer_norm(x, x.shape[-count:], eps=eps)
    variance, mean = torch.var_mean(x, axis, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + eps)
