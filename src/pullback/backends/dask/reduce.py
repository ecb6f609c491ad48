"""Reductions as trees, and running functions that go from block to block."""

from __future__ import annotations

import functools
from typing import Any

import dask.array as da
import numpy as np

from ..numpy import reduce as numpys
from . import shape as shapes
from .blockwise import elemwise

Axes = tuple[int, ...] | None


def _reduced(name: str) -> Any:
    reduction = vars(da)[name]

    def function(
        lib: Any, x: Any, axis: Axes = None, keepdims: bool = False, **options: Any
    ) -> Any:
        if axis == ():
            return x.astype(reduction(x).dtype)
        return reduction(x, axis=axis, keepdims=keepdims, **options)

    return function


FUNCTIONS: dict[str, Any] = {
    name: _reduced(name) for name in "sum prod max min mean all any".split()
}


def count_nonzero(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    return lib.implementations["sum"](x != 0, axis=axis, keepdims=keepdims)


def _placed(name: str) -> Any:
    function = vars(da)[name]

    def place(lib: Any, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        return function(x, axis=axis, keepdims=keepdims)

    return place


FUNCTIONS |= {name: _placed(name) for name in ("argmax", "argmin")}
FUNCTIONS |= {"fmax_reduce": _reduced("nanmax"), "fmin_reduce": _reduced("nanmin")}


def var(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return vars(da)["var"](x, axis=axis, keepdims=keepdims, ddof=ddof)


def std(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False, ddof: float = 0) -> Any:
    return vars(da)["std"](x, axis=axis, keepdims=keepdims, ddof=ddof)


def logsumexp(lib: Any, x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    top = vars(da)["max"](x, axis=axis, keepdims=True)
    top = elemwise(_finite_or_zero, top)
    total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    if keepdims:
        return total
    return total.squeeze() if axis is None else vars(da)["squeeze"](total, axis=axis)


def _finite_or_zero(top: Any) -> Any:
    return np.where(np.isfinite(top), top, top.dtype.type(0))


def spread(lib: Any, x: Any, shape: Any, axis: Axes, keepdims: bool) -> Any:
    """The transpose of `sum`: `x` once for every element that was summed."""
    ndim = len(shape)
    if axis is not None and not keepdims:
        x = x.reshape(tuple(1 if i - ndim in axis else n for i, n in enumerate(shape)))
    return shapes.broadcast_to(lib, x, shape)


def attains(lib: Any, x: Any, extreme: Any) -> Any:
    """Where `x` is the extreme; a nan is one too."""
    return elemwise(_attains, x, extreme)


def _attains(x: Any, extreme: Any) -> Any:
    return (x == extreme) | (np.isnan(x) & np.isnan(extreme))


# Running functions: `axis` is one negative number, and `reverse` goes from the end.


def cumsum(lib: Any, x: Any, axis: int, reverse: bool = False) -> Any:
    if reverse:
        return _flip(_cumulated("cumsum", _flip(x, axis), axis), axis)
    return _cumulated("cumsum", x, axis)


def cumprod(lib: Any, x: Any, axis: int) -> Any:
    return _cumulated("cumprod", x, axis)


def products_before(lib: Any, x: Any, axis: int, reverse: bool) -> Any:
    """For every element the product of those before it (after it, with `reverse`)."""
    if not x.shape[axis]:
        return x
    x = _flip(x, axis) if reverse else x
    first = _part(x, axis, slice(0, 1))
    moved = vars(da)["concatenate"](
        [first * 0 + 1, _part(x, axis, slice(0, -1))], axis=axis % x.ndim
    )
    out = _cumulated("cumprod", moved, axis).rechunk(x.chunks)
    return _flip(out, axis) if reverse else out


def recurrence(lib: Any, c: Any, a: Any, axis: int, reverse: bool) -> Any:
    """The solution s of s[i] = c[i] + a[i] s[i - 1] (s[i + 1] with `reverse`), zero before.

    Every block takes the last element of the block before.
    """
    if reverse:
        return _flip(recurrence(lib, _flip(c, axis), _flip(a, axis), axis, reverse=False), axis)
    axis %= c.ndim
    a = vars(da)["broadcast_to"](a, c.shape).rechunk(c.chunks)
    run = functools.partial(numpys.recurrence, axis=axis - c.ndim, reverse=False)
    parts: list[Any] = []
    start = 0
    for size in c.chunks[axis]:
        part = slice(start, start + size)
        here, factor = (_part(v, axis - c.ndim, part) for v in (c, a))
        if parts:
            first = slice(0, 1)
            carried = _part(factor, axis - c.ndim, first) * _part(
                parts[-1], axis - c.ndim, slice(-1, None)
            )
            rest = _part(here, axis - c.ndim, slice(1, None))
            here = vars(da)["concatenate"](
                [_part(here, axis - c.ndim, first) + carried, rest], axis
            )
            here = here.rechunk({axis: -1})
        parts.append(elemwise(run, here, factor) if size else here)
        start += size
    return vars(da)["concatenate"](parts, axis)


def _cumulated(name: str, x: Any, axis: int) -> Any:
    return vars(da)[name](x, axis=axis % x.ndim)


def _flip(x: Any, axis: int) -> Any:
    return _part(x, axis, slice(None, None, -1))


def _part(x: Any, axis: int, part: slice) -> Any:
    return x[(..., part, *(slice(None),) * (-axis - 1))]
