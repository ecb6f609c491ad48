"""Shape ops: linear maps that move elements without changing them."""

from __future__ import annotations

from typing import Any

from ..backends.numpy import xp as _xp
from . import lift
from .declare import linear


def _sum_to(cotangent: Any, xp: Any, shape: Any) -> Any:
    lead = cotangent.ndim - len(shape)
    axes = tuple(
        axis - cotangent.ndim
        for axis in range(cotangent.ndim)
        if axis < lead or shape[axis - lead] != cotangent.shape[axis]
    )
    return xp.reshape(xp.sum(cotangent, axis=axes, keepdims=True), shape) if axes else cotangent


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    ndim = len(axes)
    return tuple(axes.index(axis - ndim) - ndim for axis in range(ndim))


def _part(
    cotangent: Any, xp: Any, shape: Any, position: int, axis: int, starts: tuple[int, ...]
) -> Any:
    start = starts[position]
    return xp.getitem(cotangent, index=along(axis, slice(start, start + shape[axis])))


def _place_diagonal(cotangent: Any, xp: Any, shape: Any, offset: int) -> Any:
    places = _xp.arange(cotangent.shape[-1])
    rows, columns = places + max(0, -offset), places + max(0, offset)
    return xp.unindex(cotangent, shape=shape, index=(..., rows, columns))


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that is `index` on `axis` (negative), and everything on the others."""
    return (..., index, *(slice(None),) * (-axis - 1))


broadcast_to = linear("broadcast_to", _sum_to, batch=lift.broadcast_shape, direct=True)
# Always an array, of no dimensions too. `order` is the layout of its memory: a letter as in NumPy,
# or all axes (negative), from the slowest to the fastest.
copy = linear("copy", lambda cotangent: cotangent, lift=lift.order_of_memory)
# Of the last two axes. As in NumPy it is a view that cannot be written into.
diagonal = linear("diagonal", _place_diagonal, impl=_xp.band)
reshape = linear(
    "reshape",
    lambda cotangent, xp, shape: xp.reshape(cotangent, shape),
    lift=lift.longer_shape,
)
transpose = linear(
    "transpose",
    lambda cotangent, xp, axes: xp.transpose(cotangent, _inverse(axes)),
    lift=lift.more_axes,
)
flip = linear("flip", lambda cotangent, xp, axis: xp.flip(cotangent, axis=axis))
roll = linear(
    "roll",
    lambda cotangent, xp, shift, axis: xp.roll(cotangent, tuple(-n for n in shift), axis),
)
# `starts[i]` is where array `i` begins on the result's axis.
concatenate = linear("concatenate", _part, variadic=True, impl=_xp.join)
stack = linear(
    "stack",
    lambda cotangent, xp, position, axis: xp.getitem(cotangent, index=along(axis, position)),
    variadic=True,
    impl=_xp.pile,
)
