"""torch spellings of the canonical functions: elements chosen along an axis, or in windows."""

from __future__ import annotations

import functools
from typing import Any

import torch

_nn: Any = torch._C._nn


def take_along(x: Any, index: Any, axis: int) -> Any:
    return torch.gather(x, axis, index)


def add_along(x: Any, index: Any, shape: tuple[int, ...], axis: int) -> Any:
    zeros = torch.zeros(shape, dtype=x.dtype, device=x.device)
    return zeros.scatter_add_(axis, index, _cut(x, index))


def put_along(x: Any, y: Any, index: Any, axis: int) -> Any:
    return torch.scatter(x, axis, index, _cut(y, index))


def _cut(x: Any, index: Any) -> Any:
    """The part of `x` that is read: torch lets it be longer than the index."""
    return x if x.shape == index.shape else x[tuple(map(slice, index.shape))]


_PICKS: dict[str, Any] = {
    "sort": lambda x, axis, descending, stable: torch.sort(
        x, dim=axis, descending=descending, stable=stable
    ),
    "topk": lambda x, axis, k, largest, in_order: torch.topk(x, k, axis, largest, in_order),
    "kthvalue": lambda x, axis, k: torch.kthvalue(x, k, axis, keepdim=True),
    "cummax": torch.cummax,
    "cummin": torch.cummin,
} | {
    function.__name__: functools.partial(function, keepdim=True)
    for function in (torch.max, torch.min, torch.median, torch.nanmedian, torch.mode)
}


def picked(x: Any, axis: int, function: str, options: tuple[Any, ...]) -> Any:
    return tuple(_PICKS[function](x, axis, *options))


_WINDOWS: dict[str, Any] = {
    "max_pool2d": _nn.max_pool2d_with_indices,
    "max_pool3d": _nn.max_pool3d_with_indices,
    "adaptive_max_pool2d": _nn.adaptive_max_pool2d,
    "adaptive_max_pool3d": _nn.adaptive_max_pool3d,
}


def extreme_in_windows(x: Any, ndim: int, function: str, options: tuple[Any, ...]) -> Any:
    return tuple(_WINDOWS[function](x, *options))


def windows(x: Any, axis: int, size: int, step: int) -> Any:
    return x.unfold(axis, size, step)


def unwindows(x: Any, shape: tuple[int, ...], axis: int, size: int, step: int) -> Any:
    return torch.ops.aten.unfold_backward(x, shape, axis % len(shape), size, step)
