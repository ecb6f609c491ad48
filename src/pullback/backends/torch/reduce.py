"""torch spellings of the canonical functions: reductions and running sums."""

from __future__ import annotations

from typing import Any

import torch

Axes = tuple[int, ...] | None


def sum(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return x.sum(_dims(x, axis), keepdim=keepdims)


def _dims(x: Any, axis: Axes) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axis is None else axis


def spread(x: Any, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    """The transpose of `sum`: `x` once for every element that was summed."""
    if axis is not None and not keepdims:
        for a in sorted(a % len(shape) for a in axis):
            x = x.unsqueeze(a)
    return x.expand(shape)


def mean(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return x.mean(_dims(x, axis), keepdim=keepdims)


def var(x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return torch.var(x, _dims(x, axis), correction=ddof, keepdim=keepdims)


def std(x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return torch.std(x, _dims(x, axis), correction=ddof, keepdim=keepdims)


def logsumexp(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return torch.logsumexp(x, _dims(x, axis), keepdim=keepdims)


def max(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return torch.amax(x, _dims(x, axis), keepdim=keepdims)


def min(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return torch.amin(x, _dims(x, axis), keepdim=keepdims)


def attains(x: Any, extreme: Any) -> Any:
    """Where `x` is the extreme; a nan is one too."""
    return (x == extreme) | (torch.isnan(x) & torch.isnan(extreme))


def cumsum(x: Any, axis: int, reverse: bool = False) -> Any:
    return x.flip(axis).cumsum(axis).flip(axis) if reverse else x.cumsum(axis)
