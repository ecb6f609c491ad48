"""Normalisations: torch's signatures over one primitive, which makes mean 0 and variance 1.

Running statistics are the caller's, and a transform must not write into them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from ...errors import UnsupportedError
from ...ops import neural
from . import opaque
from .dispatch import implements, is_box, name_of


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _of_channels(values: Any, x: Any) -> Any:
    """One value a channel, to multiply `(stack, channels, *sizes)` with."""
    return values if values is None else values.reshape(-1, *(1,) * (x.ndim - 2))


@implements(torch.layer_norm)
def layer_norm(
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:
    count = len(normalized_shape)
    if not count or tuple(input.shape[-count:]) != tuple(normalized_shape):
        return opaque.apply(torch.layer_norm, (input, normalized_shape, weight, bias, eps), {})
    axis = tuple(range(-count, 0))
    if weight is not None and bias is not None and input.numel() and input.dtype is weight.dtype:
        return neural.normalize(input, weight, bias, axis=axis, eps=eps, channels=False)[0]
    return _affine(neural.standardize(input, axis=axis, eps=eps), weight, bias)


@implements(torch.rms_norm)
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: Any = None) -> Any:
    count = len(normalized_shape)
    if not count or tuple(input.shape[-count:]) != tuple(normalized_shape):
        return opaque.apply(torch.rms_norm, (input, normalized_shape, weight, eps), {})
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    square = input.square().mean(tuple(range(-count, 0)), keepdim=True)
    return _affine(input * (square + eps).rsqrt(), weight, None)


@implements(torch.group_norm)
def group_norm(
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Any:
    size, channels = input.shape[:2]
    if channels % num_groups or not input.numel():
        return opaque.apply(torch.group_norm, (input, num_groups, weight, bias, eps), {})
    grouped = input.reshape(size, num_groups, -1)
    out = neural.standardize(grouped, axis=(-1,), eps=eps).reshape(input.shape)
    return _affine(out, _of_channels(weight, input), _of_channels(bias, input))


@implements(torch.batch_norm)
def batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Any:
    if training:
        _refuse_statistics(F.batch_norm, "training", running_mean)
    elif running_mean is None or running_var is None or input.ndim < 2:
        args = (input, weight, bias, running_mean, running_var, training, momentum, eps)
        return opaque.apply(torch.batch_norm, (*args, cudnn_enabled), {})
    if training and (input.ndim < 2 or not input.numel() or running_mean is not None):
        args = (input, weight, bias, running_mean, running_var, training, momentum, eps)
        return opaque.apply(torch.batch_norm, (*args, cudnn_enabled), {})
    if training:
        axes = (-input.ndim, *range(2 - input.ndim, 0))
        if weight is not None and bias is not None:
            return neural.normalize(input, weight, bias, axis=axes, eps=eps, channels=True)[0]
        out = neural.standardize(input, axis=axes, eps=eps)
        return _affine(out, _of_channels(weight, input), _of_channels(bias, input))
    scale = (running_var + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    offset = -running_mean * scale
    offset = offset if bias is None else offset + bias
    return _affine(input, _of_channels(scale, input), _of_channels(offset, input))


@implements(torch.instance_norm)
def instance_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Any:
    if not use_input_stats:
        args = (input, weight, bias, running_mean, running_var, False, momentum, eps)
        return batch_norm(*args, cudnn_enabled)
    _refuse_statistics(F.instance_norm, "use_input_stats", running_mean)
    if input.ndim < 3 or not input.numel() or running_mean is not None:
        args = (input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps)
        return opaque.apply(torch.instance_norm, (*args, cudnn_enabled), {})
    out = neural.standardize(input, axis=tuple(range(2 - input.ndim, 0)), eps=eps)
    return _affine(out, _of_channels(weight, input), _of_channels(bias, input))


def _refuse_statistics(function: Any, updating: str, running: Any) -> None:
    if running is None or is_box(running):
        return
    raise UnsupportedError(
        f"{name_of(function)} with {updating}=True would write its running statistics into "
        "the caller's tensors, which a transform never does: call module.eval(), make the "
        "module with track_running_stats=False, or pass no running statistics"
    )
