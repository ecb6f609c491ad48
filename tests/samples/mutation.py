"""Samples: functions that write into their first argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.testing import Sample

_rng = np.random.default_rng(12)
M = _rng.normal(size=(3, 4))
V = _rng.normal(size=3)
MASK = np.array([[True, False, True, True], [False] * 4, [True, True, False, False]])
PLACES = np.array([[1], [0], [3]])


def _written(write: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """What a copy of `x` has become."""

    def function(x: Any, v: Any) -> Any:
        y = x * 1
        write(y, v)
        return y

    return function


def _sample(covers: Any, write: Callable[[Any, Any], Any], label: str = "") -> Sample:
    return Sample(covers, _written(write), (M, V), label, complex=True)


SAMPLES = [
    _sample(np.copyto, lambda x, v: np.copyto(x, v[:, None])),
    _sample(np.copyto, lambda x, v: np.copyto(x, v[0], where=MASK), "where"),
    _sample(np.put, lambda x, v: np.put(x, [1, -1, 5, 1], v)),
    _sample(np.putmask, lambda x, v: np.putmask(x, MASK, v)),
    _sample(np.place, lambda x, v: np.place(x, MASK, v)),
    _sample(
        np.put_along_axis,
        lambda x, v: np.put_along_axis(x, PLACES, v[:, None], 1),
    ),
    _sample(np.add.at, lambda x, v: np.add.at(x, ([0, 2, 0], [1, 1, 1]), v)),
    _sample(np.fill_diagonal, lambda x, v: np.fill_diagonal(x, v)),
]
