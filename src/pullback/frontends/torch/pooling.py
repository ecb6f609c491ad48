"""Poolings, resampling, padding and unfolding: torch's signatures over a few primitives."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch

from ...core import raw
from ...ops import along, filters
from . import opaque
from .dispatch import implements

_nn: Any = torch._C._nn


def _stacked(apply: Callable[[Any], Any], x: Any, ndim: int) -> Any:
    """`apply` to a stack of signals of `ndim` axes and channels, which may be of one."""
    if x.ndim == ndim + 2:
        return apply(x)
    out = apply(x.unsqueeze(0))
    return tuple(part.squeeze(0) for part in out) if type(out) is tuple else out.squeeze(0)


def _accepts(x: Any, ndim: int) -> bool:
    return x.ndim in (ndim + 1, ndim + 2) and bool(x.numel())


def _listed(value: Any) -> Any:
    """Options must not change later, as a caller's list may."""
    return tuple(value) if isinstance(value, list) else value


# Averages and other linear filters


def _filter(function: Any, kernel: str, ndim: int, signature: str) -> None:
    """A function whose parameters after the first are the kernel's options."""
    options_of = _signature(signature)

    @implements(function)
    def apply(input: Any, *args: Any, **kwargs: Any) -> Any:
        options = options_of(*args, **kwargs)
        if not _accepts(input, ndim) or None in options[:1]:
            return opaque.apply(function, (input, *args), kwargs)
        run = functools.partial(filters.filtered, kernel=kernel, options=options)
        return _stacked(run, input, ndim)


def _signature(text: str) -> Callable[..., tuple[Any, ...]]:
    """Arguments, as a C function of this signature takes them, in order."""
    scope: dict[str, Any] = {}
    exec(f"def given({text}): pass", scope)  # noqa: S102
    signature = inspect.signature(scope["given"])

    def options(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        return tuple(map(_listed, given.arguments.values()))

    return options


_AVERAGE = (
    "kernel_size, stride=(), padding=0, ceil_mode=False, count_include_pad=True, "
    "divisor_override=None"
)
for _ndim in (2, 3):
    _name = f"avg_pool{_ndim}d"
    _filter(getattr(_nn, _name), _name, _ndim, _AVERAGE)
    _name = f"adaptive_avg_pool{_ndim}d"
    _filter(getattr(_nn, _name), _name, _ndim, "output_size")
for _ndim in (1, 2, 3):
    for _kind in ("reflection", "replication"):
        _name = f"{_kind}_pad{_ndim}d"
        _filter(getattr(_nn, _name), _name, _ndim, "padding")


def _upsampling(name: str, ndim: int) -> None:
    """A function of the sizes or of the factors: the other one of them is None."""
    function = getattr(_nn, name)

    @implements(function)
    def apply(input: Any, output_size: Any, *args: Any, **kwargs: Any) -> Any:
        *flags, factors = args or (None,)
        if kwargs or input.ndim != ndim + 2 or not input.numel() or not _is_list(factors):
            return opaque.apply(function, (input, output_size, *args), kwargs)
        if output_size is None:
            sizes = tuple(int(n * f) for n, f in zip(input.shape[2:], factors, strict=True))
        else:
            sizes = tuple(output_size)
        scales = factors if factors is not None else (None,) * ndim
        return filters.filtered(input, kernel=name, options=(sizes, *flags, *scales))


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, (list, tuple))


for _name in ("upsample_nearest", "_upsample_nearest_exact"):
    for _ndim in (1, 2, 3):
        _upsampling(f"{_name}{_ndim}d", _ndim)
for _name, _ndim in (
    ("upsample_linear1d", 1),
    ("upsample_bilinear2d", 2),
    ("upsample_trilinear3d", 3),
    ("upsample_bicubic2d", 2),
):
    _upsampling(_name, _ndim)


@implements(_nn.im2col)
def im2col(input: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    if not _accepts(input, 2):
        return opaque.apply(_nn.im2col, (input, kernel_size, dilation, padding, stride), {})
    options = tuple(map(_listed, (kernel_size, dilation, padding, stride)))
    run = functools.partial(filters.filtered, kernel="im2col", options=options)
    return _stacked(run, input, 2)


@implements(_nn.col2im)
def col2im(
    input: Any, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Any:
    args = (output_size, kernel_size, dilation, padding, stride)
    if not _accepts(input, 1):
        return opaque.apply(_nn.col2im, (input, *args), {})
    options = tuple(map(_listed, args))
    run = functools.partial(filters.filtered, kernel="col2im", options=options)
    return _stacked(run, input, 1)


# One axis is two, of which the first has one element


def _one(value: Any) -> Any:
    return value if isinstance(value, int) else value[0]


@implements(torch.avg_pool1d)
def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    if not _accepts(input, 1):
        args = (input, kernel_size, stride, padding, ceil_mode, count_include_pad)
        return opaque.apply(torch.avg_pool1d, args, {})
    size = _one(kernel_size)
    strides = (1, size if stride in ((), [], None) else _one(stride))
    paddings = (0, _one(padding))
    options = ((1, size), strides, paddings, ceil_mode, count_include_pad, None)
    run = functools.partial(filters.filtered, kernel="avg_pool2d", options=options)
    return _stacked(run, input.unsqueeze(-2), 2).squeeze(-2)


@implements(torch.adaptive_avg_pool1d)
def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    if not _accepts(input, 1):
        return opaque.apply(torch.adaptive_avg_pool1d, (input, output_size), {})
    options = ((1, _one(output_size)),)
    run = functools.partial(filters.filtered, kernel="adaptive_avg_pool2d", options=options)
    return _stacked(run, input.unsqueeze(-2), 2).squeeze(-2)


# The largest in each window

_WINDOW = "kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False"


def _largest(function: Any, kernel: str, ndim: int, signature: str, *, indices: bool) -> None:
    options_of = _signature(signature)

    @implements(function)
    def apply(input: Any, *args: Any, **kwargs: Any) -> Any:
        if not _accepts(input, ndim):
            return opaque.apply(function, (input, *args), kwargs)
        options = options_of(*args, **kwargs)
        run = functools.partial(_windows, ndim=ndim, function=kernel, options=options)
        out = _stacked(run, input, ndim)
        return out if indices else out[0]


def _windows(x: Any, ndim: int, function: str, options: Any) -> Any:
    return along.extreme_in_windows(x, ndim=ndim, function=function, options=options)


for _ndim in (2, 3):
    _name = f"max_pool{_ndim}d"
    _largest(getattr(torch, _name), _name, _ndim, _WINDOW, indices=False)
    _largest(getattr(_nn, f"{_name}_with_indices"), _name, _ndim, _WINDOW, indices=True)
    _name = f"adaptive_max_pool{_ndim}d"
    _largest(getattr(_nn, _name), _name, _ndim, "output_size", indices=True)


@implements(torch.max_pool1d_with_indices)
def max_pool1d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    if not _accepts(input, 1):
        args = (input, kernel_size, stride, padding, dilation, ceil_mode)
        return opaque.apply(torch.max_pool1d_with_indices, args, {})
    size = _one(kernel_size)
    step = size if stride in ((), [], None) else _one(stride)
    options = ((1, size), (1, step), (0, _one(padding)), (1, _one(dilation)), ceil_mode)
    run = functools.partial(_windows, ndim=2, function="max_pool2d", options=options)
    return tuple(part.squeeze(-2) for part in _stacked(run, input.unsqueeze(-2), 2))


@implements(torch.max_pool1d)
def max_pool1d(input: Any, *args: Any, **kwargs: Any) -> Any:
    return max_pool1d_with_indices(input, *args, **kwargs)[0]


@implements(torch.adaptive_max_pool1d)
def adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    if not _accepts(input, 1):
        return opaque.apply(torch.adaptive_max_pool1d, (input, output_size), {})
    options = ((1, _one(output_size)),)
    run = functools.partial(_windows, ndim=2, function="adaptive_max_pool2d", options=options)
    return tuple(part.squeeze(-2) for part in _stacked(run, input.unsqueeze(-2), 2))


# The largest in windows of random places, and elements put back where they were found


def _fractional(ndim: int) -> None:
    function = getattr(_nn, f"fractional_max_pool{ndim}d")

    @implements(function)
    def apply(input: Any, *args: Any, **kwargs: Any) -> Any:
        _, index = opaque.of_values(function, input, *args, **kwargs)
        flat = input.flatten(-ndim).gather(-1, index.flatten(-ndim))
        return flat.reshape(index.shape), index


_fractional(2)
_fractional(3)


def _unpooling(ndim: int) -> None:
    function = getattr(_nn, f"max_unpool{ndim}d")

    @implements(function)
    def apply(input: Any, indices: Any, output_size: Any, *args: Any, **kwargs: Any) -> Any:
        sizes = tuple(output_size)
        outside = bool(((raw(indices) < 0) | (raw(indices) >= math.prod(sizes))).any())
        fits = _accepts(input, ndim) and indices.shape == input.shape and len(sizes) == ndim
        if outside or not fits or not all(sizes):
            return opaque.apply(function, (input, indices, output_size, *args), kwargs)
        lead = tuple(input.shape[:-ndim])
        zeros = torch.zeros((*lead, math.prod(sizes)), dtype=input.dtype, device=input.device)
        flat = along.put_along(zeros, input.flatten(-ndim), indices.flatten(-ndim), axis=-1)
        return flat.reshape((*lead, *sizes))


_unpooling(2)
_unpooling(3)
