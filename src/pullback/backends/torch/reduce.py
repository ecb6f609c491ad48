"""torch spellings of the canonical functions: reductions and running sums."""

from __future__ import annotations

from typing import Any

import torch

Axes = tuple[int, ...] | None


def _reduced(function: Any, x: Any, axis: Axes, keepdims: bool, **options: Any) -> Any:
    dims = tuple(range(x.ndim)) if axis is None else axis
    if not dims:  # no axes: torch would take all of them
        return function(x.unsqueeze(0), 0, **options)
    return function(x, dims, keepdim=keepdims, **options)


def sum(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    if axis is None and not keepdims:  # of all, at once
        return torch.sum(x)
    return _reduced(torch.sum, x, axis, keepdims)


def spread(x: Any, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    """The transpose of `sum`: `x` once for every element that was summed."""
    if axis is not None and not keepdims:
        for a in sorted(a % len(shape) for a in axis):
            x = x.unsqueeze(a)
    return x.expand(shape)


def mean(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return _reduced(torch.mean, x, axis, keepdims)


def var(x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return _reduced(torch.var, x, axis, keepdims, correction=ddof)


def std(x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return _reduced(torch.std, x, axis, keepdims, correction=ddof)


def logsumexp(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return _reduced(torch.logsumexp, x, axis, keepdims)


def max(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return _reduced(torch.amax, x, axis, keepdims)


def min(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return _reduced(torch.amin, x, axis, keepdims)


def attains(x: Any, extreme: Any) -> Any:
    """Where `x` is the extreme; a nan is one too."""
    return (x == extreme) | (torch.isnan(x) & torch.isnan(extreme))


def cumsum(x: Any, axis: int, reverse: bool = False) -> Any:
    return x.flip(axis).cumsum(axis).flip(axis) if reverse else x.cumsum(axis)
