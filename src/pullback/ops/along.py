"""Elements chosen along an axis: two linear maps at given positions, and what finds the positions.

`index` has the rank of `x`, and may be shorter than it on the other axes, as torch has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core import Primitive, bind
from . import lift
from .native import linear, opaque


def _same_rank(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    args = [lift.spread(arg, is_, size) for arg, is_ in zip(args, batched, strict=True)]
    if "shape" in params:
        params = params | {"shape": (size, *params["shape"])}
    return bind(primitive, args, params)


def _put_transpose(cotangent: Any, xp: Any, position: int, index: Any, axis: int) -> Any:
    if position == 1:
        return xp.take_along(cotangent, index, axis=axis)
    zeros = xp.zeros(index.shape, dtype=cotangent.dtype)
    return xp.put_along(cotangent, zeros, index, axis=axis)


take_along = linear(
    "take_along",
    lambda cotangent, xp, shape, index, axis: xp.add_along(
        cotangent, index, shape=shape, axis=axis
    ),
    arguments="x index",
    operands="index",
    masks=True,
    batch=_same_rank,
)
# The transpose: zeros of `shape` with `x` added at `index`.
add_along = linear(
    "add_along",
    lambda cotangent, xp, index, axis: xp.take_along(cotangent, index, axis=axis),
    arguments="x index",
    operands="index",
    batch=_same_rank,
)
# `x` with `y`, which has the shape of `index`, in place of what is there.
put_along = linear(
    "put_along",
    _put_transpose,
    arguments="x y index",
    operands="index",
    masks=True,
    batch=_same_rank,
)


def _picked_vjp(cotangents: Any, xp: Any, shape: Any, out: Any, axis: int) -> tuple[Any]:
    return (xp.add_along(cotangents[0], out[1], shape=shape, axis=axis),)


def _picked_jvp(values: Any, tangents: Any, axis: int, **params: Any) -> Any:
    out = picked(*values, axis=axis, **params)
    return out, [take_along(tangents[0], out[1], axis=axis), None]


# Values and where on the axis they stand: `function` names what chooses them, and `options` follow
# the axis in a call of it.
picked = opaque("picked", _picked_vjp, outputs=2, masks=True, jvp=_picked_jvp)


def folded(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    """For ops on a stack of signals, whose first axis takes the batch axis in."""
    (x,) = args
    folded = x.reshape((x.shape[0] * x.shape[1], *x.shape[2:]))
    if "shape" in params:
        shape = params["shape"]
        params = params | {"shape": (folded.shape[0], *shape[1:])}
    out = bind(primitive, (folded,), params)
    if primitive.outputs is None:
        return out.reshape((size, x.shape[1], *out.shape[1:]))
    return tuple(part.reshape((size, x.shape[1], *part.shape[1:])) for part in out)


# The largest element of each window over the last `ndim` axes, and where in those, counted through,
# it stands.


def _flat(x: Any, ndim: int) -> Any:
    return x.reshape((*x.shape[: x.ndim - ndim], -1))


def _windows_vjp(cotangents: Any, xp: Any, shape: Any, out: Any, ndim: int) -> tuple[Any]:
    lead, spatial = shape[:-ndim], shape[-ndim:]
    cotangent, index = (_flat(part, ndim) for part in (cotangents[0], out[1]))
    flat = xp.add_along(cotangent, index, shape=(*lead, math.prod(spatial)), axis=-1)
    return (flat.reshape(shape),)


def _windows_jvp(values: Any, tangents: Any, ndim: int, **params: Any) -> Any:
    largest, index = extreme_in_windows(*values, ndim=ndim, **params)
    moved = take_along(_flat(tangents[0], ndim), _flat(index, ndim), axis=-1)
    return (largest, index), [moved.reshape(largest.shape), None]


extreme_in_windows = opaque(
    "extreme_in_windows", _windows_vjp, outputs=2, masks=True, batch=folded, jvp=_windows_jvp
)


# Windows of `size` elements along one axis, each `step` behind the one before: their elements are
# on a new last axis. The transpose adds up what lies in several.
windows = linear(
    "windows",
    lambda cotangent, xp, shape, axis, size, step: xp.unwindows(
        cotangent, shape=tuple(shape), axis=axis, size=size, step=step
    ),
    batch=lift.expanded(),
)
unwindows = linear(
    "unwindows",
    lambda cotangent, xp, axis, size, step: xp.windows(cotangent, axis=axis, size=size, step=step),
    batch=lift.expanded(lift.longer_shape),
)
