"""The standard's spellings of the canonical functions: reductions and running sums."""

from __future__ import annotations

from typing import Any

Axes = tuple[int, ...] | None


def _reduced(name: str) -> Any:
    def reduction(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
        return lib.function(name)(x, axis=axis, keepdims=keepdims)

    return reduction


FUNCTIONS: dict[str, Any] = {
    name: _reduced(name) for name in "all any argmax argmin count_nonzero max mean min prod".split()
}


def sum(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    if axis == ():
        return x
    if lib.namespace.isdtype(x.dtype, "bool"):
        x = lib.namespace.astype(x, lib.namespace.int64)
    return lib.namespace.sum(x, axis=axis, keepdims=keepdims)


def var(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return lib.namespace.var(x, axis=axis, correction=ddof, keepdims=keepdims)


def std(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return lib.namespace.std(x, axis=axis, correction=ddof, keepdims=keepdims)


def spread(lib: Any, x: Any, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Any:
    """The transpose of `sum`: `x` once for every element that was summed."""
    ndim = len(shape)
    if axis is not None and not keepdims:
        kept = tuple(1 if i - ndim in axis else n for i, n in enumerate(shape))
        x = lib.namespace.reshape(x, kept)
    return lib.namespace.broadcast_to(x, tuple(shape))


def attains(lib: Any, x: Any, extreme: Any) -> Any:
    """Where `x` is the extreme; a nan is one too."""
    isnan = lib.namespace.isnan
    return (x == extreme) | (isnan(x) & isnan(extreme))


def argsort(lib: Any, x: Any, axis: int, descending: bool, stable: bool) -> Any:
    return lib.namespace.argsort(x, axis=axis, descending=descending, stable=stable)


def searchsorted(lib: Any, a: Any, v: Any, side: str) -> Any:
    return lib.namespace.searchsorted(a, v, side=side)


# Running functions: `axis` is one negative number, and `reverse` goes from the end.


def cumsum(lib: Any, x: Any, axis: int, reverse: bool = False) -> Any:
    xp = lib.namespace
    if reverse:
        return xp.flip(xp.cumulative_sum(xp.flip(x, axis=axis), axis=axis), axis=axis)
    return xp.cumulative_sum(x, axis=axis)


def cumprod(lib: Any, x: Any, axis: int) -> Any:
    return lib.namespace.cumulative_prod(x, axis=axis)


def difference(lib: Any, x: Any, axis: int) -> Any:
    """Every element minus the one before it."""
    return _part(x, axis, slice(1, None)) - _part(x, axis, slice(None, -1))


def undifference(lib: Any, x: Any, axis: int) -> Any:
    """The transpose of `difference`: one element more, x[i - 1] - x[i] with zeros outside."""
    zero = _filled(lib, x, axis, 1, 0)
    return lib.namespace.concat([zero, x], axis=axis) - lib.namespace.concat([x, zero], axis=axis)


def shift(lib: Any, x: Any, axis: int, by: int) -> Any:
    """Move the elements `by` places towards the end, and zeros in behind them."""
    size = x.shape[axis]
    by = sorted((-size, by, size))[1]
    zeros = _filled(lib, x, axis, abs(by), 0)
    if by >= 0:
        return lib.namespace.concat([zeros, _part(x, axis, slice(0, size - by))], axis=axis)
    return lib.namespace.concat([_part(x, axis, slice(-by, size)), zeros], axis=axis)


def recurrence(lib: Any, c: Any, a: Any, axis: int, reverse: bool) -> Any:
    """The solution s of s[i] = c[i] + a[i] s[i - 1] (s[i + 1] with `reverse`), zero before.

    By doubling: every round, a step is two of the former ones.
    """
    dtype = lib.namespace.result_type(c, a)
    c, a = (lib.namespace.astype(one, dtype) for one in (c, a))
    solved, factor, step = c, a, 1
    sign = -1 if reverse else 1
    while step < c.shape[axis]:
        solved = solved + factor * shift(lib, solved, axis, sign * step)
        factor = factor * shift(lib, factor, axis, sign * step)
        step *= 2
    if lib.known(lib.namespace.all(lib.namespace.isfinite(solved))) is not False:
        return solved
    # A product of factors can overflow where the steps one by one do not.
    return _by_steps(lib, c, a, axis, reverse)


def _by_steps(lib: Any, c: Any, a: Any, axis: int, reverse: bool) -> Any:
    size = c.shape[axis]
    order = range(size - 1, -1, -1) if reverse else range(size)
    steps: list[Any] = []
    for i in order:
        part = slice(i, i + 1)
        step = _part(c, axis, part)
        if steps:
            step = step + _part(a, axis, part) * steps[-1]
        steps.append(step)
    return lib.namespace.concat(steps[::-1] if reverse else steps, axis=axis)


def products_before(lib: Any, x: Any, axis: int, reverse: bool) -> Any:
    """For every element the product of those before it (after it, with `reverse`)."""
    xp = lib.namespace
    if not x.shape[axis]:
        return x
    x = xp.flip(x, axis=axis) if reverse else x
    moved = xp.concat([_filled(lib, x, axis, 1, 1), _part(x, axis, slice(0, -1))], axis=axis)
    out = xp.cumulative_prod(moved, axis=axis)
    return xp.flip(out, axis=axis) if reverse else out


def products_of_others(lib: Any, x: Any, axis: int) -> Any:
    """For every element the product of all others along `axis`, exact where some are zero."""
    before = products_before(lib, x, axis, reverse=False)
    return before * products_before(lib, x, axis, reverse=True)


def _part(x: Any, axis: int, part: slice) -> Any:
    return x[(..., part, *(slice(None),) * (-axis - 1))]


def _filled(lib: Any, x: Any, axis: int, size: int, value: int) -> Any:
    """An array like `x`, but of length `size` along `axis`, of one value."""
    shape = [*x.shape]
    shape[axis] = size
    return lib.namespace.full(tuple(shape), value, dtype=x.dtype, device=lib.device_of(x))
