"""Samples: indexing, selection and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback
from pullback.testing import Sample

_rng = np.random.default_rng(3)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


V = _normal(5)
M = _normal(3, 4)
C = _normal(2, 3, 4)
MASK = np.array([[True, False, True, True], [False] * 4, [True, True, False, False]])
# Sorting: no two values near each other.
SPREAD = _rng.permuted(np.arange(12.0)).reshape(3, 4) / 3

# What follows `x` in `x[...]`, with x of shape (2, 3, 4).
_INDICES: dict[str, Any] = {
    "int": 1,
    "negative int": -1,
    "NumPy int": np.int64(1),
    "ints": (1, -1, 0),
    "slice": slice(0, 1),
    "backwards": (slice(None), slice(None, None, -2)),
    "none": (None, slice(None), None),
    "ellipsis": (..., 2),
    "all": ...,
    "empty tuple": (),
    "empty slice": slice(2, 2),
    "array": np.array([1, 0, 1, 1]),
    "array, 2-d": np.array([[1, 0], [-1, 1]]),
    "array, 0-d": np.array(1),
    "list": [0, 0, 1],
    "empty list": [],
    "array in the middle": (slice(None), [2, 0, 2]),
    "array at the end": (..., [3, 3, -1]),
    "arrays": ([0, 1, 0], [2, 1, 2]),
    "arrays apart": ([[0], [1]], slice(1, None), [3, 0, 3]),
    "array and int": (1, slice(None), [0, 0]),
    "array and none": ([0, 0], None, slice(0, 2)),
    "mask": C > 0,
    "mask of rows": np.array([True, False]),
    "mask of two axes": C[..., 0] > 0,
    "mask and slice": (slice(None), np.array([True, False, True]), slice(None, None, 2)),
    "mask and int": (np.array([True, False]), 1),
    "mask and array": (slice(None), [True, True, False], [2, 2]),
    "list of bools": [True, False],
    "true": True,
    "false": False,
}


def _read(index: Any) -> Any:
    return lambda x: x[index]


def _linear(covers: Any, function: Any, *args: Any, label: str = "") -> Sample:
    return Sample(covers, function, args, label, complex=True)


def _each_row(read: Any) -> Any:
    """`read(row, position)` for every row of a matrix, with a position of its own."""
    return lambda x: pullback.vmap(read)(x, np.array([3, 0, -2]))


SAMPLES = [
    _linear("gather", _each_row(lambda row, i: row[i] * row), M),
    _linear(
        "gather",
        _each_row(lambda row, i: row.reshape(2, 2)[:, np.stack([i % 2, 0 * i])]),
        M,
        label="arrays",
    ),
    *(_linear("getitem", _read(index), C, label=label) for label, index in _INDICES.items()),
    *(
        _linear("getitem", _read(index), np.array(0.7), label=f"of 0-d: {index}")
        for index in ((), ..., None, (None, ...), True, False)
    ),
    _linear("getitem", lambda x: x[1:][0] + x[1] * x[0][::-1], M, label="of views"),
    _linear("getitem", lambda x: tuple(row * 2 for row in x), M, label="iteration"),
    _linear("getitem", lambda x: np.stack([e * 2 for e in x.flat]), M, label="flat"),
    _linear("getitem", lambda x: x.flat[[1, 1, 7]] + x.flat[2], M, label="flat, positions"),
    _linear(np.take, lambda x: np.take(x, [1, 7, 1]), M),
    _linear(np.take, lambda x: np.take(x, [[1, 0], [2, 2]], axis=1), C, label="axis"),
    _linear(np.take, lambda x: np.take(x, 1, axis=-1), C, label="one"),
    _linear(np.take, lambda x: x.take([5, -6, 1], 1, mode="wrap"), M, label="wrap"),
    _linear(np.take, lambda x: np.take(x, [5, -6, 1], 0, mode="clip"), M, label="clip"),
    _linear(np.take, lambda x: np.take(x, []), M, label="none"),
    _linear(np.take_along_axis, lambda x: np.take_along_axis(x, np.array([[1], [0], [1]]), 1), M),
    _linear(
        np.take_along_axis,
        lambda x: np.take_along_axis(x, np.array([[2, 2, 0, 1]]), 0),
        M,
        label="repeated, broadcast",
    ),
    _linear(
        np.take_along_axis,
        lambda x: np.take_along_axis(x, np.array([7, 0, 7]), None),
        M,
        label="axis None",
    ),
    _linear(np.compress, lambda x: np.compress([True, False, True], x, 1), M),
    _linear(np.compress, lambda x: x.compress([0, 1, 1]), M, label="method, flat"),
    _linear(np.extract, lambda x: np.extract(MASK, x), M),
    _linear(np.where, lambda x, y: np.where(MASK, x, y), M, _normal(3, 4)),
    _linear(np.where, lambda x, y: np.where(MASK, x, y), _normal(4), 0.7, label="broadcast"),
    _linear(np.where, lambda x: np.where(MASK, x, 1), M, label="first"),
    _linear(np.where, lambda y: np.where(MASK, 1.0, y), M, label="second"),
    _linear(np.where, lambda x: np.where(x > 0, x, -x), 0.7, label="0-d"),
    _linear(
        np.select,
        lambda x, y: np.select([MASK, ~MASK[::-1]], [x, y**2], default=x[0, 0]),
        M,
        _normal(4),
    ),
    _linear(
        np.choose,
        lambda x, y: np.choose([[0, 1, 2, 1]], [x, y, 3.0]),
        M,
        _normal(3, 1),
    ),
    _linear(np.choose, lambda x: np.choose([4, -1, 1, 0], x, mode="wrap"), M, label="wrap"),
    _linear(np.choose, lambda x: np.choose([4, -1, 1, 0], x, mode="clip"), M, label="clip"),
    Sample(np.sort, np.sort, (SPREAD,)),
    Sample(np.sort, lambda x: np.sort(x, 0, "stable"), (SPREAD,), "axis"),
    Sample(np.sort, lambda x: np.sort(x, None), (SPREAD,), "axis None"),
    Sample(np.partition, lambda x: np.sort(np.partition(x, 2)[:, :2]), (SPREAD,)),
    Sample(np.partition, lambda x: np.partition(x, (0, -1), axis=0), (SPREAD,), "axis"),
    Sample(np.unique, np.unique, (np.array([2.0, 0.5, 1.0]),), batched=False),
    Sample(
        np.unique,
        lambda x: np.unique(np.concatenate((x, x)), return_counts=True)[0],
        (np.array([2.0, 0.5, 1.0]),),
        "counts",
        batched=False,
    ),
    Sample(np.unique, lambda x: np.unique(x, axis=0), (SPREAD,), "axis", batched=False),
    Sample(np.unique_values, np.unique_values, (np.array([2.0, 0.5, 1.0]),), batched=False),
    *(
        Sample(
            f,
            lambda x, f=f: f(np.concatenate((x, x)))[0],
            (np.array([2.0, 0.5, 1.0]),),
            batched=False,
        )
        for f in (np.unique_all, np.unique_counts, np.unique_inverse)
    ),
    Sample(np.sort_complex, np.sort_complex, (SPREAD[0],), complex=True),
    *(
        Sample(
            f,
            lambda x, y, f=f: f(x, np.concatenate((x[1:3], y))),
            (SPREAD[0], SPREAD[1]),
            batched=False,
        )
        for f in (np.union1d, np.setdiff1d, np.setxor1d, np.intersect1d)
    ),
    Sample(
        np.piecewise,
        lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [np.sin, lambda x: x**2, 3.0]),
        (M,),
    ),
    Sample(
        np.piecewise,
        lambda x: np.piecewise(x, x > 0, [np.sin, np.cos]),
        (np.array(0.4),),
        "0-d",
    ),
]
