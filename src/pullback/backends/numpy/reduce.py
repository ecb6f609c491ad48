"""NumPy spellings of the canonical functions: reductions, running sums, order statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

Axes = tuple[int, ...] | None

# Up to here NumPy's own loop, slow for an element, is faster than several passes.
_FEW = 300


def sum(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def prod(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims)


def max(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


def fmax_reduce(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.fmax.reduce(x, axis=axis, keepdims=keepdims)


def fmin_reduce(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.fmin.reduce(x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    count = reduced_count(x.shape, axis)
    if count == 0 or x.dtype.itemsize == 2:  # NumPy warns; NumPy sums float16 in float32
        return np.mean(x, axis=axis, keepdims=keepdims)
    total = np.add.reduce(x, axis=axis, keepdims=keepdims)
    return total / count


def var(x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    freedom = reduced_count(x.shape, axis) - ddof
    if freedom <= 0 or x.dtype.itemsize == 2:  # as for the mean
        return np.var(x, axis=axis, keepdims=keepdims, ddof=ddof)
    centred = x - mean(x, axis, keepdims=True)
    is_complex = x.dtype.kind == "c"
    squares = (centred * centred.conjugate()).real if is_complex else centred * centred
    return np.add.reduce(squares, axis=axis, keepdims=keepdims) / freedom


def std(x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    if x.dtype.itemsize == 2:
        return np.std(x, axis=axis, keepdims=keepdims, ddof=ddof)
    return np.sqrt(var(x, axis, keepdims, ddof))


def logsumexp(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The logarithm of the sum of exponentials, which is what `np.logaddexp.reduce` computes."""
    if x.size < _FEW:
        return np.logaddexp.reduce(x, axis=axis, keepdims=keepdims)
    top = np.maximum.reduce(x, axis=axis, keepdims=True)
    finite = np.isfinite(top)
    shift = top if np.logical_and.reduce(finite, axis=None) else np.where(finite, top, 0)
    with np.errstate(divide="ignore", over="ignore"):
        out = np.log(np.add.reduce(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return out if keepdims else out.reshape(_reduced_shape(x.shape, axis))[()]


def spread(x: Any, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    """Repeat `x` along the axes that a reduction of an array of `shape` removed: a view."""
    ndim = len(shape)
    if axis is None:
        return np.ndarray(shape, x.dtype, x, 0, (0,) * ndim)
    if not x.flags.c_contiguous:
        x = x if keepdims else x.reshape(_kept_shape(shape, axis))
        return np.broadcast_to(x, shape)
    # A third of the time of np.broadcast_to.
    strides = [0] * ndim
    step = x.itemsize
    for place in range(-1, -ndim - 1, -1):
        if place not in axis:
            strides[place] = step
            step *= shape[place]
    return np.ndarray(shape, x.dtype, x, 0, strides)


def attains(x: Any, extreme: Any) -> Any:
    """Where `x` equals `extreme`; a nan equals a nan."""
    mask = x == extreme
    missing = np.isnan(extreme)
    return mask | (missing & np.isnan(x)) if np.logical_or.reduce(missing, axis=None) else mask


def reduced_count(shape: tuple[int, ...], axis: Axes) -> int:
    """How many elements a reduction puts into one."""
    count = 1
    for size in shape if axis is None else [shape[a] for a in axis]:
        count *= size
    return count


def _kept_shape(shape: tuple[int, ...], axis: Axes) -> tuple[int, ...]:
    ndim = len(shape)
    return tuple(1 if axis is None or i - ndim in axis else n for i, n in enumerate(shape))


def _reduced_shape(shape: tuple[int, ...], axis: Axes) -> tuple[int, ...]:
    ndim = len(shape)
    return () if axis is None else tuple(n for i, n in enumerate(shape) if i - ndim not in axis)


# Cumulative functions: `axis` is one negative number, and `reverse` goes from the end.


def cumsum(x: Any, axis: int, reverse: bool = False) -> Any:
    if reverse:
        back = _backwards(x.ndim, axis)
        return np.add.accumulate(x[back], axis=axis)[back]
    return np.add.accumulate(x, axis=axis)


def cumprod(x: Any, axis: int) -> Any:
    return np.multiply.accumulate(x, axis=axis)


def cummax(x: Any, axis: int) -> Any:
    return np.maximum.accumulate(x, axis=axis)


def cummin(x: Any, axis: int) -> Any:
    return np.minimum.accumulate(x, axis=axis)


def logcumsumexp(x: Any, axis: int) -> Any:
    return np.logaddexp.accumulate(x, axis=axis)


def difference(x: Any, axis: int) -> Any:
    """Every element minus the one before it."""
    ndim = x.ndim
    return x[_along(axis, ndim, slice(1, None))] - x[_along(axis, ndim, slice(None, -1))]


def undifference(x: Any, axis: int) -> Any:
    """The transpose of `difference`: one element more, x[i - 1] - x[i] with zeros outside."""
    shape = list(x.shape)
    shape[axis] += 1
    out = np.zeros(shape, x.dtype)
    out[_along(axis, x.ndim, slice(1, None))] = x
    out[_along(axis, x.ndim, slice(None, -1))] -= x
    return out


def shift(x: Any, axis: int, by: int) -> Any:
    """Move the elements `by` places towards the end, and zeros in behind them."""
    out = np.zeros(x.shape, x.dtype)
    size = x.shape[axis]
    source, target = (slice(0, size - by), slice(by, size))
    if by < 0:
        source, target = (slice(-by, size), slice(0, size + by))
    out[_along(axis, x.ndim, target)] = x[_along(axis, x.ndim, source)]
    return out


def recurrence(c: Any, a: Any, axis: int, reverse: bool) -> Any:
    """The solution s of s[i] = c[i] + a[i] s[i - 1] (s[i + 1] with `reverse`), zero before."""
    back = _backwards(c.ndim, axis) if reverse else ...
    c, a = c[back].swapaxes(axis, 0), a[back].swapaxes(axis, 0)
    with np.errstate(all="ignore"):
        out = _solve(c, a)
        if not np.logical_and.reduce(np.isfinite(out), axis=None):
            # A product of factors can overflow where the steps one by one do not.
            out = _solve_by_steps(c, a)
    return out.swapaxes(axis, 0)[back]


_SHORT = 16
_WIDE = 64


def _solve(c: Any, a: Any) -> Any:
    """Cyclic reduction: two steps in one, the recurrence of half the length, then the rest."""
    size = c.shape[0]
    if size <= _SHORT or c.size >= _WIDE * size:
        return _solve_by_steps(c, a)
    even = size - size % 2
    second = a[1:even:2]
    out = np.empty(c.shape, c.dtype)
    out[1:even:2] = _solve(c[1:even:2] + second * c[0:even:2], second * a[0:even:2])
    out[0] = c[0]
    out[2::2] = c[2::2] + a[2::2] * out[1:-1:2]
    return out


def _solve_by_steps(c: Any, a: Any) -> Any:
    out = np.array(c, order="C")
    for i in range(1, len(out)):
        out[i] += a[i] * out[i - 1]
    return out


def products_of_others(x: Any, axis: int) -> Any:
    """For every element the product of all others along `axis`, exact where some are zero."""
    total = np.multiply.reduce(x, axis=axis, keepdims=True)
    size = np.abs(total)
    limits = np.finfo(x.dtype)
    with np.errstate(all="ignore"):
        if np.logical_and.reduce((size >= limits.tiny) & (size <= limits.max), axis=None):
            return total / x
        return products_before(x, axis, reverse=False) * products_before(x, axis, reverse=True)


def products_before(x: Any, axis: int, reverse: bool) -> Any:
    """For every element the product of those before it (after it, with `reverse`)."""
    order = _backwards(x.ndim, axis) if reverse else ...
    x = x[order]
    out = np.ones(x.shape, x.dtype)
    size = x.shape[axis]
    rest = _along(axis, x.ndim, slice(1, size))
    out[rest] = np.multiply.accumulate(x[_along(axis, x.ndim, slice(0, size - 1))], axis=axis)
    return out[order]


def share_of_extreme(x: Any, extremes: Any, axis: int) -> Any:
    """What part of a running extreme is due to each element: 1 / (number of ties so far), or 0."""
    hit = attains(x, extremes).astype(x.real.dtype)
    before = np.roll(extremes, 1, axis)
    again = attains(before, extremes).astype(hit.dtype)
    ties = recurrence(hit, again, axis, reverse=False)
    return hit / np.maximum(ties, 1)


def kth(x: Any, ranks: tuple[int, ...]) -> Any:
    """The order statistics `ranks` of the last axis."""
    return np.partition(x, ranks, axis=-1)[..., list(ranks)]


def kth_of_rows(x: Any, ranks: Any) -> Any:
    """The same for ranks that stand in an array, a row of them for each row of `x`."""
    return np.take_along_axis(np.sort(x, axis=-1), ranks, axis=-1)


def searchsorted(a: Any, v: Any, side: str) -> Any:
    """`np.searchsorted` in the last axis of `a`, for each row of it where there are several."""
    if a.ndim == 1:
        return np.searchsorted(a, v, side)  # pyright: ignore[reportCallIssue, reportArgumentType]
    stack = np.broadcast_shapes(a.shape[:-1], v.shape[:-1])
    a, v = (np.broadcast_to(one, (*stack, one.shape[-1])) for one in (a, v))
    both = (v, a) if side == "left" else (a, v)
    places = _ranks(np.concatenate(both, axis=-1))
    size = v.shape[-1]
    places = places[..., :size] if side == "left" else places[..., -size:] if size else v
    return (places - _ranks(v)).astype(np.intp)


def unwrapped(x: Any, discont: Any, axis: int, period: Any) -> Any:
    return np.unwrap(x, discont, axis, period=period)


def _ranks(x: Any) -> Any:
    """Where each element of the last axis goes when it is sorted; equal ones stay in order."""
    return np.argsort(np.argsort(x, axis=-1, kind="stable"), axis=-1)


def _along(axis: int, ndim: int, part: slice) -> tuple[slice, ...]:
    index = [slice(None)] * ndim
    index[axis] = part
    return tuple(index)


def _backwards(ndim: int, axis: int) -> tuple[slice, ...]:
    return _along(axis, ndim, slice(None, None, -1))
