"""Convolutions: torch's signatures over one primitive."""

from __future__ import annotations

from typing import Any

import torch

from ...ops import convolution as ops
from . import opaque
from .dispatch import implements


def _each(value: Any, count: int) -> tuple[int, ...]:
    """A number for each axis."""
    if isinstance(value, int):
        return (value,) * count
    values = tuple(value)
    return values * count if len(values) == 1 else values


def _same(input: Any, kernel: Any, dilation: Any) -> tuple[Any, tuple[int, ...]]:
    """The padding that keeps sizes; where it is odd, the input gets one more zero at the end."""
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    extra = [amount for total in reversed(totals) for amount in (0, total % 2)]
    if any(extra):
        input = torch.nn.functional.pad(input, extra)
    return input, tuple(total // 2 for total in totals)


def _convolution(ndim: int) -> None:
    function = getattr(torch, f"conv{ndim}d")

    @implements(function)
    def convolve(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        strides, dilations = _each(stride, ndim), _each(dilation, ndim)
        strange = padding == "same" and any(n != 1 for n in strides)
        if strange or not _fits(input, weight, bias, ndim, groups):
            args = (input, weight, bias, stride, padding, dilation, groups)
            return opaque.apply(function, args, {})
        if padding == "same":
            input, paddings = _same(input, weight.shape[2:], dilations)
        else:
            paddings = _each(0 if padding == "valid" else padding, ndim)
        options = {
            "stride": strides,
            "padding": paddings,
            "dilation": dilations,
            "transposed": False,
            "output_padding": (0,) * ndim,
            "groups": groups,
        }
        return _applied(input, weight, bias, ndim, options)


def _transposed(ndim: int) -> None:
    function = getattr(torch, f"conv_transpose{ndim}d")

    @implements(function)
    def convolve(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Any:
        if not _fits(input, weight, bias, ndim, groups, transposed=True):
            args = (input, weight, bias, stride, padding, output_padding, groups, dilation)
            return opaque.apply(function, args, {})
        options = {
            "stride": _each(stride, ndim),
            "padding": _each(padding, ndim),
            "dilation": _each(dilation, ndim),
            "transposed": True,
            "output_padding": _each(output_padding, ndim),
            "groups": groups,
        }
        return _applied(input, weight, bias, ndim, options)


def _fits(x: Any, w: Any, bias: Any, ndim: int, groups: int, *, transposed: bool = False) -> bool:
    """Do the arguments go together? Where not, torch says why."""
    if x.ndim not in (ndim + 1, ndim + 2) or w.ndim != ndim + 2 or x.dtype is not w.dtype:
        return False
    outputs = w.shape[1] * groups if transposed else w.shape[0]
    inputs = w.shape[0] if transposed else w.shape[1] * groups
    if groups < 1 or x.shape[-ndim - 1] != inputs or w.shape[0] % groups or not x.numel():
        return False
    return bias is None or (tuple(bias.shape) == (outputs,) and bias.dtype is x.dtype)


def _applied(input: Any, weight: Any, bias: Any, ndim: int, options: dict[str, Any]) -> Any:
    alone = input.ndim == ndim + 1
    out = ops.convolution(input.unsqueeze(0) if alone else input, weight, options=options)
    if bias is not None:
        out = out + bias.reshape(-1, *(1,) * ndim)
    return out.squeeze(0) if alone else out


for _ndim in (1, 2, 3):
    _convolution(_ndim)
    _transposed(_ndim)


@implements(torch.conv_tbc)
def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    out = torch.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return out.permute(2, 0, 1)
