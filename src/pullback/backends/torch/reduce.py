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


def prod(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    if axis is None:
        return torch.prod(x).reshape((1,) * x.ndim) if keepdims else torch.prod(x)
    for one in sorted(axis) if not keepdims else axis:  # from the front: the others stay in place
        x = torch.prod(x, one, keepdim=keepdims)
    return x


def cumprod(x: Any, axis: int) -> Any:
    return torch.cumprod(x, axis)


def logcumsumexp(x: Any, axis: int) -> Any:
    return torch.logcumsumexp(x, axis)


def shift(x: Any, axis: int, by: int) -> Any:
    """Move the elements `by` places towards the end, and zeros in behind them."""
    out = torch.zeros_like(x)
    size = x.shape[axis]
    kept = size - abs(by)
    if kept > 0:
        ahead, back = (by, 0) if by > 0 else (0, -by)
        out.narrow(axis, ahead, kept).copy_(x.narrow(axis, back, kept))
    return out


def recurrence(c: Any, a: Any, axis: int, reverse: bool) -> Any:
    """The solution s of s[i] = c[i] + a[i] s[i - 1] (s[i + 1] with `reverse`), zero before."""
    c, a = torch.broadcast_tensors(c, a)
    c, a = (one.movedim(axis, 0) for one in (c, a))
    if reverse:
        return _recurrence(c.flip(0), a.flip(0)).flip(0).movedim(0, axis)
    return _recurrence(c, a).movedim(0, axis)


def _recurrence(c: Any, a: Any) -> Any:
    out = _solve(c, a)
    # A product of factors can overflow where the steps one by one do not.
    return out if out.isfinite().all() else _solve_by_steps(c, a)


_SHORT = 8


def _solve(c: Any, a: Any) -> Any:
    """Cyclic reduction: two steps in one, the recurrence of half the length, then the rest."""
    size = len(c)
    if size <= _SHORT:
        return _solve_by_steps(c, a)
    even = size - size % 2
    second = a[1:even:2]
    out = torch.empty_like(c)
    out[1:even:2] = _solve(c[1:even:2] + second * c[0:even:2], second * a[0:even:2])
    out[0] = c[0]
    out[2::2] = c[2::2] + a[2::2] * out[1:-1:2]
    return out


def _solve_by_steps(c: Any, a: Any) -> Any:
    rows = list(c.unbind(0))
    factors = a.unbind(0)
    for i in range(1, len(rows)):
        rows[i] = torch.addcmul(rows[i], factors[i], rows[i - 1])
    return torch.stack(rows) if rows else c.clone()


def products_before(x: Any, axis: int, reverse: bool) -> Any:
    """For every element the product of those before it (after it, with `reverse`)."""
    x = x.flip(axis) if reverse else x
    out = torch.ones_like(x)
    rest = x.shape[axis] - 1
    if rest > 0:
        out.narrow(axis, 1, rest).copy_(torch.cumprod(x.narrow(axis, 0, rest), axis))
    return out.flip(axis) if reverse else out


def products_of_others(x: Any, axis: int) -> Any:
    """For every element the product of all others along `axis`, exact where some are zero."""
    total = torch.prod(x, axis, keepdim=True)
    size, limits = abs(total), torch.finfo(x.dtype)
    if bool(((size >= limits.tiny) & (size <= limits.max)).all()):
        return total / x
    return products_before(x, axis, reverse=False) * products_before(x, axis, reverse=True)
