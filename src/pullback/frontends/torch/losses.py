"""Losses: torch's formulas over pullback's primitives, and what is reduced of them.

torch reads the options in Python (see `bodies.py`), and hands `reduction` on as a number.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from ...core import raw
from ...ops import losses as ops
from . import opaque
from .dispatch import implements, is_box

_nn: Any = torch._C._nn
_NONE, _MEAN, _SUM = ops.NONE, ops.MEAN, ops.SUM


def _reduced(losses: Any, reduction: int) -> Any:
    if reduction == _MEAN:
        return losses.mean()
    return losses.sum() if reduction == _SUM else losses


# Of differences


def _is_constant(input: Any, target: Any) -> bool:
    """Is only `input` differentiated, and the target like it?"""
    like = input.shape == target.shape and input.dtype is target.dtype
    return like and is_box(input) and not opaque.is_differentiated(target)


def _of_difference(kind: str, composed: Any) -> Any:
    def loss(input: Any, target: Any, reduction: int = _MEAN, scale: float = 1.0) -> Any:
        if _is_constant(input, target):
            return ops.difference_loss(input, target, kind=kind, scale=scale, reduction=reduction)
        return _reduced(composed(input - target, scale), reduction)

    return loss


l1_loss = implements(_nn.l1_loss)(_of_difference("l1", lambda d, _: abs(d)))
mse_loss = implements(_nn.mse_loss)(_of_difference("mse", lambda d, _: d.square()))
_huber = _of_difference("huber", lambda d, delta: ops.huber(d, delta=delta))
_smooth_l1 = _of_difference("smooth_l1", lambda d, beta: ops.huber(d, delta=beta) / beta)


@implements(_nn.huber_loss)
def huber_loss(input: Any, target: Any, reduction: int = _MEAN, delta: float = 1.0) -> Any:
    if delta <= 0:
        return opaque.apply(_nn.huber_loss, (input, target, reduction, delta), {})
    return _huber(input, target, reduction, delta)


@implements(_nn.smooth_l1_loss)
def smooth_l1_loss(input: Any, target: Any, reduction: int = _MEAN, beta: float = 1.0) -> Any:
    if beta <= 0:
        return opaque.apply(_nn.smooth_l1_loss, (input, target, reduction, beta), {})
    return _smooth_l1(input, target, reduction, beta)


# Of signs


@implements(_nn.soft_margin_loss)
def soft_margin_loss(input: Any, target: Any, reduction: int = _MEAN) -> Any:
    return _reduced((-target * input).exp().log1p(), reduction)


@implements(torch.hinge_embedding_loss)
def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, reduction: int = _MEAN
) -> Any:
    apart = torch.where(target != 1, (margin - input).clamp_min(0), 0)
    return _reduced(apart + torch.where(target != -1, input, 0), reduction)


@implements(torch.margin_ranking_loss)
def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = _MEAN
) -> Any:
    return _reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


# Of distances


def _at_least(x: Any, least: float) -> Any:
    """`x`, raised to `least` by a constant: torch's derivative does not see the bound."""
    return x + (x.clamp_min(least) - x).detach()


@implements(torch.cosine_similarity)
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    x1, x2 = torch.broadcast_tensors(x1, x2)
    x1, x2 = (
        x / _at_least(torch.linalg.vector_norm(x, 2, dim, keepdim=True), eps) for x in (x1, x2)
    )
    return (x1 * x2).sum(dim)


@implements(torch.cosine_embedding_loss)
def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = _MEAN
) -> Any:
    if input1.shape != input2.shape or input1.ndim != target.ndim + 1 or target.ndim > 1:
        args = (input1, input2, target, margin, reduction)
        return opaque.apply(torch.cosine_embedding_loss, args, {})
    first, second = ((x * x).sum(-1) + 1e-12 for x in (input1, input2))
    cosine = (input1 * input2).sum(-1) / (first * second).sqrt()
    alike = torch.where(target == 1, 1 - cosine, 0)
    apart = torch.where(target == -1, (cosine - margin).clamp_min(0), 0)
    return _reduced(alike + apart, reduction)


@implements(torch.pairwise_distance)
def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    return torch.linalg.vector_norm(x1 - x2 + eps, p, -1, keepdim)


@implements(torch.triplet_margin_loss)
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = _MEAN,
) -> Any:
    if not anchor.ndim == positive.ndim == negative.ndim:
        args = (anchor, positive, negative, margin, p, eps, swap, reduction)
        return opaque.apply(torch.triplet_margin_loss, args, {})
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = torch.minimum(far, pairwise_distance(positive, negative, p, eps))
    return _reduced((margin + near - far).clamp_min(0), reduction)


# Of probabilities


@implements(_nn.binary_cross_entropy)
def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, reduction: int = _MEAN
) -> Any:
    losses = ops.binary_cross_entropy(input, target)
    return _reduced(losses if weight is None else losses * weight, reduction)


@implements(torch.binary_cross_entropy_with_logits)
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: int = _MEAN
) -> Any:
    surprise = torch.nn.functional.logsigmoid(input)
    if pos_weight is not None:
        surprise = (1 + (pos_weight - 1) * target) * surprise
    losses = (1 - target) * input - surprise
    return _reduced(losses if weight is None else losses * weight, reduction)


@implements(torch.kl_div)
def kl_div(input: Any, target: Any, reduction: int = _MEAN, *, log_target: bool = False) -> Any:
    if log_target:
        return _reduced(target.exp() * (target - input), reduction)
    return _reduced(torch.xlogy(target, target) - target * input, reduction)


@implements(torch.poisson_nll_loss)
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int
) -> Any:
    mean, logarithm = (input.exp(), input) if log_input else (input, (input + eps).log())
    losses = mean - target * logarithm
    if full:
        count = torch.where(target > 1, target, 1)
        stirling = count * count.log() - count + 0.5 * (2 * math.pi * count).log()
        losses = losses + torch.where(target > 1, stirling, 0)
    return _reduced(losses, reduction)


@implements(torch.nn.functional.gaussian_nll_loss)
def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    if not isinstance(var, torch.Tensor):
        var = var * torch.ones_like(input)
    if var.shape != input.shape and var.shape == input.shape[:-1]:
        var = var.unsqueeze(-1)
    shapes = (var.shape == input.shape, var.shape == (*input.shape[:-1], 1))
    if not any(shapes) or reduction not in _REDUCTIONS or bool((raw(var) < 0).any()):
        args = (input, target, var, full, eps, reduction)
        return opaque.apply(torch.nn.functional.gaussian_nll_loss, args, {})
    var = _at_least(var, eps)
    losses = 0.5 * (var.log() + (input - target).square() / var)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return _reduced(losses, _REDUCTIONS[reduction])


_REDUCTIONS = {"none": _NONE, "mean": _MEAN, "sum": _SUM}


# Of classes: the score of the right one of each row


class _Classes:
    """Targets as positions on the axis of classes: which are read, and the weight of each."""

    def __init__(self, scores: Any, target: Any, weight: Any, ignore: int) -> None:
        self.axis = 0 if scores.ndim == 1 else 1
        count = scores.shape[self.axis]
        self.weights: Any = None
        self.keep: Any = None
        values = raw(target)
        low, high = values.aminmax() if values.numel() else (0, 0)
        if not (low >= 0 and high < count) or 0 <= ignore < count:
            self.keep = target != ignore
            target = torch.where(self.keep, target, 0)
        if weight is not None:
            self.weights = weight[target]
        if self.keep is not None:
            ones = torch.ones((), dtype=scores.dtype, device=scores.device)
            self.weights = torch.where(self.keep, ones if weight is None else self.weights, 0)
        self.target = target

    def losses(self, scores: Any) -> Any:
        """Less the score of the class of each row, times its weight."""
        picked = -scores.gather(self.axis, self.target.unsqueeze(self.axis)).squeeze(self.axis)
        return picked if self.weights is None else self._weighed(picked)

    def _weighed(self, losses: Any) -> Any:
        # Where a class is ignored, its score may be infinite.
        losses = losses if self.keep is None else torch.where(self.keep, losses, 0)
        return losses * self.weights

    def reduced(self, losses: Any, reduction: int) -> Any:
        """As torch reduces: the mean is weighted."""
        if reduction != _MEAN or self.weights is None:
            return _reduced(losses, reduction)
        return losses.sum() / self.weights.sum()


def _has_rows(input: Any, target: Any) -> bool:
    """Is each target the position of a class, one for each row of scores?"""
    if target.dtype.is_floating_point or not input.ndim or not input.numel():
        return False
    expected = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    return tuple(target.shape) == tuple(expected)


def _reads_classes(input: Any, target: Any, weight: Any, ignore: int) -> bool:
    """Are these arguments that torch accepts, with positions for targets?"""
    if not _has_rows(input, target):
        return False
    count = input.shape[0 if input.ndim == 1 else 1]
    if weight is not None and tuple(weight.shape) != (count,):
        return False
    values = raw(target)
    return not bool(((values != ignore) & ((values < 0) | (values >= count))).any())


def _unweighted(scores: Any, target: Any, reduction: int, ignore: int) -> Any:
    """Less the score of the class of each row: torch itself says which targets are none."""
    axis = -1 if scores.ndim == 1 else 1 - scores.ndim
    return ops.nll(scores, target, axis=axis, ignore=ignore, reduction=reduction)


@implements(_nn.nll_loss_nd)
def nll_loss(
    input: Any, target: Any, weight: Any = None, reduction: int = _MEAN, ignore_index: int = -100
) -> Any:
    if weight is None and _has_rows(input, target):
        return _unweighted(input, target, reduction, ignore_index)
    if not _reads_classes(input, target, weight, ignore_index):
        args = (input, target, weight, reduction, ignore_index)
        return opaque.apply(_nn.nll_loss_nd, args, {})
    classes = _Classes(input, target, weight, ignore_index)
    return classes.reduced(classes.losses(input), reduction)


@implements(_nn.cross_entropy_loss)
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    reduction: int = _MEAN,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Any:
    args = (input, target, weight, reduction, ignore_index, label_smoothing)
    if not 0 <= label_smoothing <= 1 or not input.ndim:
        return opaque.apply(_nn.cross_entropy_loss, args, {})
    axis = 0 if input.ndim == 1 else 1
    if target.shape == input.shape and target.dtype.is_floating_point:
        return _cross_entropy_of_probabilities(*args)
    if weight is None and not label_smoothing and _has_rows(input, target):
        return _unweighted(torch.log_softmax(input, axis), target, reduction, ignore_index)
    if not _reads_classes(input, target, weight, ignore_index):
        return opaque.apply(_nn.cross_entropy_loss, args, {})
    scores = torch.log_softmax(input, axis)
    classes = _Classes(scores, target, weight, ignore_index)
    losses = classes.reduced(classes.losses(scores), reduction)
    if not label_smoothing:
        return losses
    spread = scores if weight is None else scores * _along(weight, axis, input.ndim)
    smooth = -spread.sum(axis)
    if classes.keep is not None:
        smooth = torch.where(classes.keep, smooth, 0)
    share = label_smoothing / input.shape[axis]
    return (1 - label_smoothing) * losses + share * classes.reduced(smooth, reduction)


def _cross_entropy_of_probabilities(
    input: Any, target: Any, weight: Any, reduction: int, _: int, label_smoothing: float
) -> Any:
    axis = 0 if input.ndim == 1 else 1
    count = input.shape[axis]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / count
    products = torch.log_softmax(input, axis) * target
    if weight is not None:
        products = products * _along(weight, axis, input.ndim)
    losses = -products.sum(axis)
    return (
        losses.sum() / (input.numel() / count)
        if reduction == _MEAN
        else _reduced(losses, reduction)
    )


def _along(weight: Any, axis: int, ndim: int) -> Any:
    """Weights of classes, to multiply arrays with that axis of classes."""
    return weight.reshape(-1, *(1,) * (ndim - axis - 1))


@implements(_nn.multi_margin_loss)
def multi_margin_loss(
    input: Any,
    target: Any,
    p: Any = 1,
    margin: Any = 1,
    weight: Any = None,
    reduction: int = _MEAN,
) -> Any:
    rows = input if input.ndim == 2 else input.unsqueeze(0) if input.ndim == 1 else None
    labels = target.reshape(-1)
    if rows is None or not _reads_classes(rows, labels, weight, -1) or p not in (1, 2):
        args = (input, target, p, margin, weight, reduction)
        return opaque.apply(_nn.multi_margin_loss, args, {})
    right = labels.unsqueeze(1)
    margins = (margin - rows.gather(1, right) + rows).clamp_min(0)
    margins = margins if p == 1 else margins.square()
    if weight is not None:
        margins = margins * weight[labels].unsqueeze(1)
    others = torch.arange(rows.shape[1], device=rows.device) != right
    losses = torch.where(others, margins, 0).sum(1) / rows.shape[1]
    return _reduced(losses if target.ndim else losses.squeeze(0), reduction)


@implements(_nn.multilabel_margin_loss)
def multilabel_margin_loss(input: Any, target: Any, reduction: int = _MEAN) -> Any:
    labels = raw(target)
    count = input.shape[-1] if input.ndim else 1
    bad = input.shape != target.shape or input.ndim > 2 or not input.numel()
    if bad or bool(((labels < -1) | (labels >= count)).any()):
        return opaque.apply(_nn.multilabel_margin_loss, (input, target, reduction), {})
    rows, classes = (x.reshape((-1, count)) for x in (input, target))
    given = (classes < 0).cumsum(1) == 0  # up to the first label that is none
    named = torch.where(given, classes, 0)
    hits = (named.unsqueeze(2) == torch.arange(count, device=input.device)) & given.unsqueeze(2)
    right = hits.any(1)
    margins = (1 - rows.gather(1, named).unsqueeze(2) + rows.unsqueeze(1)).clamp_min(0)
    counted = given.unsqueeze(2) & ~right.unsqueeze(1)
    losses = torch.where(counted, margins, 0).sum((1, 2)) / count
    return _reduced(losses if input.ndim == 2 else losses.squeeze(0), reduction)
