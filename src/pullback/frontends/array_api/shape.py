"""The standard's functions that move elements without changing them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ops import shape as ops
from ...ops.index import where
from ...ops.shape import along
from . import alias
from .dispatch import axes_of, axis_of, backend_among, implements, is_box, unsupported
from .index import read
from .linalg import matrix_transpose  # noqa: F401 (it registers what the box needs)


def _view(x: Any, out: Any) -> Any:
    return alias.view(x, out) if is_box(x) else out


@implements("reshape")
def reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if shape.count(-1) == 1:
        rest = math.prod(n for n in shape if n != -1)
        if rest and x.size % rest == 0:
            shape = tuple(x.size // rest if n == -1 else n for n in shape)
    if math.prod(shape) != x.size or any(n < 0 for n in shape):
        raise ValueError(f"cannot reshape an array of shape {x.shape} into {shape}")
    out = ops.reshape(x, shape=shape)
    return out if copy else _view(x, out)


@implements("permute_dims")
def permute_dims(x: Any, /, axes: tuple[int, ...]) -> Any:
    axes = axes_of(tuple(axes), x.ndim)
    if len(axes) != x.ndim:
        raise ValueError(f"axes {axes} are no permutation of the {x.ndim} axes of the array")
    return _view(x, ops.transpose(x, axes=axes))


@implements("moveaxis")
def moveaxis(x: Any, source: Any, destination: Any, /) -> Any:
    source, destination = axes_of(source, x.ndim), axes_of(destination, x.ndim)
    if len(source) != len(destination):
        raise ValueError("source and destination must have the same number of axes")
    order = [axis for axis in range(-x.ndim, 0) if axis not in source]
    for to, axis in sorted(zip(destination, source, strict=True)):
        order.insert(to + x.ndim, axis)
    return _view(x, ops.transpose(x, axes=tuple(order)))


@implements("expand_dims")
def expand_dims(x: Any, /, axis: Any = 0) -> Any:
    axes = axis if isinstance(axis, tuple) else (axis,)
    axes = axes_of(axes, x.ndim + len(axes))
    return _view(x, backend_among(x).xp.expand_dims(x, axes))


@implements("squeeze")
def squeeze(x: Any, /, axis: Any) -> Any:
    axes = axes_of(axis, x.ndim)
    for one in axes:
        if x.shape[one] != 1:
            raise ValueError(f"cannot squeeze axis {one}, which has length {x.shape[one]}")
    kept = tuple(n for i, n in enumerate(x.shape) if i - x.ndim not in axes)
    return _view(x, ops.reshape(x, shape=kept))


@implements("broadcast_to")
def broadcast_to(x: Any, /, shape: Any) -> Any:
    shape = tuple(shape)
    if np.broadcast_shapes(x.shape, shape) != shape:
        raise ValueError(f"cannot broadcast an array of shape {x.shape} to {shape}")
    return _view(x, ops.broadcast_to(x, shape=shape))


@implements("broadcast_arrays")
def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(tuple(array.shape) for array in arrays))
    return tuple(_view(x, ops.broadcast_to(x, shape=shape)) for x in arrays)


@implements("flip")
def flip(x: Any, /, *, axis: Any = None) -> Any:
    axes = tuple(range(-x.ndim, 0)) if axis is None else axes_of(axis, x.ndim)
    return _view(x, ops.flip(x, axis=axes))


@implements("roll")
def roll(x: Any, /, shift: Any, *, axis: Any = None) -> Any:
    if axis is None:
        flat = ops.reshape(x, shape=(x.size,))
        return ops.reshape(ops.roll(flat, shift=(shift,), axis=(-1,)), shape=x.shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    shifts = shift if isinstance(shift, tuple) else (shift,) * len(axes)
    return ops.roll(x, shift=shifts, axis=tuple(axis_of(one, x.ndim) for one in axes))


@implements("concat")
def concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    xp = backend_among(arrays).xp
    if axis is None:
        arrays = [xp.reshape(array, (math.prod(array.shape),)) for array in arrays]
        axis = 0
    return xp.concatenate(_alike(arrays), axis_of(axis, arrays[0].ndim))


@implements("stack")
def stack(arrays: Any, /, *, axis: int = 0) -> Any:
    arrays = _alike(arrays)
    return backend_among(arrays).xp.stack(arrays, axis_of(axis, arrays[0].ndim + 1))


def _alike(arrays: Any) -> list[Any]:
    """All in the dtype that they have together."""
    backend = backend_among(arrays)
    dtype = backend.namespace.result_type(*(array.dtype for array in arrays))
    return [a if a.dtype == dtype else backend.xp.astype(a, dtype) for a in arrays]


@implements("unstack")
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    axis = axis_of(axis, x.ndim)
    return tuple(_view(x, read(x, along(axis, i))) for i in range(x.shape[axis]))


@implements("repeat")
def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
    if is_box(repeats) and backend_among(repeats).differentiable(repeats):
        raise unsupported("repeat", "The numbers of repeats must be integers.")
    backend = backend_among(x)
    if axis is None:
        x, axis = ops.reshape(x, shape=(x.size,)), 0
    axis = axis_of(axis, x.ndim)
    counts = repeats if isinstance(repeats, int) else backend.host(repeats)
    return read(x, along(axis, np.repeat(np.arange(x.shape[axis]), counts)))


@implements("tile")
def tile(x: Any, repetitions: tuple[int, ...], /) -> Any:
    counts = (1,) * (x.ndim - len(repetitions)) + tuple(repetitions)
    shape = (1,) * (len(counts) - x.ndim) + x.shape
    spread = [one for pair in zip(counts, shape, strict=True) for one in pair]
    kept = [one for n in shape for one in (1, n)]
    out = ops.broadcast_to(ops.reshape(x, shape=tuple(kept)), shape=tuple(spread))
    return ops.reshape(out, shape=tuple(n * m for n, m in zip(counts, shape, strict=True)))


def _triangle(name: str) -> None:
    @implements(name)
    def triangle(x: Any, /, *, k: int = 0) -> Any:
        rows, columns = x.shape[-2:]
        below = np.tri(rows, columns, k if name == "tril" else k - 1, bool)
        inside = below if name == "tril" else ~below
        backend = backend_among(x)
        return where(backend.asarray(inside), x, 0)


for _name in ("tril", "triu"):
    _triangle(_name)
