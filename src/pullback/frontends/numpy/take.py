"""NumPy's signatures: reading by position, and the positions where something holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import detached
from ...ops.shape import along
from .batched import one_value
from .box import define, method
from .dispatch import (
    as_array,
    constant,
    implements,
    is_box,
    name_of,
    normalize_axis,
    of_form,
    refuse,
)
from .index import read


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    refuse(np.take, out=out)
    a = as_array(a)
    if axis is None or not a.ndim:
        a = a.reshape(-1)
        axis = -1
    axis = normalize_axis(axis, a.ndim)
    indices = _in_range(_positions(np.take, indices), a.shape[axis], mode)
    return as_number(read(a, along(axis, indices)))


def as_number(x: Any) -> Any:
    """A result of no dimensions as NumPy's functions return it: a number, not an array."""
    return x if x.ndim else x[()]


def _positions(function: Any, indices: Any) -> Any:
    """Integers of our own: booleans are 0 and 1 here, not a mask."""
    if is_box(indices):
        indices = whole(function, indices)
    elif isinstance(indices, (list, tuple)) and not np.size(indices):
        return np.empty(np.shape(indices), np.intp)
    return as_array(indices).astype(np.intp, casting="same_kind")


def whole(function: Any, indices: Any) -> Any:
    """Traced indices, which have no derivative: those that are integers or booleans."""
    if indices.dtype.kind not in "iub":
        raise TypeError(
            f"{name_of(function)}: the indices are traced, but they have no derivative. Use the "
            "integers that np.argmax, np.argsort and the like give, or "
            "pullback.stop_gradient(i).astype(int)."
        )
    return detached(indices)


def _in_range(indices: Any, size: int, mode: str) -> Any:
    """Indices as `mode` reads those outside; `raise` leaves that to the indexing."""
    if mode == "wrap":
        return indices % size
    if mode == "clip":
        return indices.clip(0, size - 1)
    if mode != "raise":
        raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got '{mode}')")
    return indices


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    indices = whole(np.take_along_axis, indices) if is_box(indices) else np.array(indices)
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        arr = arr.reshape(-1)
        axis = 0
    axis = normalize_axis(axis, arr.ndim) + arr.ndim
    if indices.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    return read(arr, _grid(arr.shape, indices, axis))


def _grid(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    ndim = len(shape)
    return tuple(
        indices if i == axis else np.arange(n).reshape((-1,) + (1,) * (ndim - 1 - i))
        for i, n in enumerate(shape)
    )


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    refuse(np.compress, out=out)
    condition = np.asarray(one_value(condition, "np.compress with a condition"))
    if condition.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    return np.take(a, condition.nonzero()[0], axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    (chosen,) = np.ravel(one_value(condition, "np.extract with a condition")).nonzero()
    return as_array(arr).reshape(-1)[chosen]


# What the positions are is a constant


def _unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    places = []
    for size in reversed(shape) if order == "C" else shape:
        indices, place = indices // size, indices % size
        places.append(place)
    return tuple(reversed(places)) if order == "C" else tuple(places)


constant(np.unravel_index, batched=_unravel_index)


# How many there are depends on values.
constant(np.argwhere, np.flatnonzero, np.nonzero, np.ravel_multi_index)
of_form(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from)


# The box's methods


method("nonzero", np.nonzero)
method("take", np.take)
define(
    "compress",
    lambda self, condition, axis=None, out=None: np.compress(condition, self, axis, out),
)
