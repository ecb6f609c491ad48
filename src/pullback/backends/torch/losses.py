"""torch spellings of the canonical functions: losses, and the kernels of the way back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

_nn = torch._C._nn
_aten = torch.ops.aten


def binary_cross_entropy(x: Any, y: Any) -> Any:
    return _nn.binary_cross_entropy(x, y, None, 0)


def huber(x: Any, delta: float) -> Any:
    return _nn.huber_loss(x, x.new_zeros(()), 0, delta)


_LOSSES: dict[str, Callable[..., Any]] = {
    "mse": lambda x, y, reduction, _: _nn.mse_loss(x, y, reduction),
    "l1": lambda x, y, reduction, _: _nn.l1_loss(x, y, reduction),
    "huber": _nn.huber_loss,
    "smooth_l1": _nn.smooth_l1_loss,
}
_BACK: dict[str, Callable[..., Any]] = {
    "mse": lambda g, x, y, reduction, _: _aten.mse_loss_backward(g, x, y, reduction),
    "huber": _aten.huber_loss_backward,
    "smooth_l1": _aten.smooth_l1_loss_backward,
}


def difference_loss(x: Any, y: Any, kind: str, scale: float, reduction: int) -> Any:
    return _LOSSES[kind](x, y, reduction, scale)


def undifference_loss(
    cotangent: Any, x: Any, y: Any, kind: str, scale: float, reduction: int
) -> Any:
    if kind == "l1":
        share = cotangent / x.numel() if reduction == 1 else cotangent
        return torch.sgn(x - y).mul_(share)
    return _BACK[kind](cotangent, x, y, reduction, scale)


def nll(x: Any, y: Any, axis: int, ignore: int, reduction: int) -> Any:
    if x.ndim == 1 or axis == 1 - x.ndim:
        return _nn.nll_loss_nd(x, y, None, reduction, ignore)
    # torch takes a stack of rows, of one axis; none of several is reduced.
    scores = x.reshape(-1, *x.shape[axis:])
    labels = y.reshape(len(scores), *scores.shape[2:])
    return _nn.nll_loss_nd(scores, labels, None, reduction, ignore).reshape(y.shape)


def unnll(x: Any, y: Any, classes: int, axis: int, ignore: int, reduction: int) -> Any:
    count = 0 if reduction != 1 else y.numel() - int((y == ignore).count_nonzero())
    weight = x.new_full((), count)
    shape = list(y.shape)
    shape.insert(len(shape) + 1 + axis, classes)
    scores = x.new_empty(shape)
    if axis == -1 and y.ndim < 2:
        return _aten.nll_loss_backward(x, scores, y, None, reduction, ignore, weight)
    rows = math.prod(shape[:axis])
    scores = scores.reshape(rows, classes, 1, -1)
    labels = y.reshape(rows, 1, -1)
    x = x if reduction else x.reshape(labels.shape)
    out = _aten.nll_loss2d_backward(x, scores, labels, None, reduction, ignore, weight)
    return out.reshape(shape)
