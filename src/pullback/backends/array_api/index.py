"""The standard's spellings of the canonical functions: indexing.

The standard has slices and integers, masks alone, and `take`.  Every other index that is known
before the program runs (they are static, NumPy's arrays) is turned into positions in the flat
array; so is the transpose, which adds: rounds of pairwise sums bring together what goes to one
place, and then every place takes its sum or the zero at the end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ops.lift import filled
from ..numpy.index import places


def is_basic(index: Any) -> bool:
    """Has `index` slices, integers and new axes only?"""
    parts = index if type(index) is tuple else (index,)
    return all(
        part is None or part is ... or type(part) is int or isinstance(part, slice)
        for part in parts
    )


def getitem(lib: Any, x: Any, index: Any) -> Any:
    if is_basic(index):
        return lib.read(x, index)
    flat = places(tuple(x.shape), index)
    return lib.taken(lib.namespace.reshape(x, (-1,)), flat)


def unindex(lib: Any, x: Any, shape: Any, index: Any) -> Any:
    """The transpose of `getitem`: zeros of `shape` with `x` added at `index`."""
    flat = places(tuple(shape), index)
    return lib.added(x, flat.reshape(-1), tuple(shape))


def scatter_add(lib: Any, x: Any, y: Any, index: Any) -> Any:
    return x + unindex(lib, y, x.shape, index)


def gather(lib: Any, x: Any, *operands: Any, index: Any) -> Any:
    return getitem(lib, x, filled(index, [lib.host(one) for one in operands]))


def scatter(lib: Any, x: Any, *operands: Any, shape: Any, index: Any) -> Any:
    return unindex(lib, x, shape, filled(index, [lib.host(one) for one in operands]))


def added(lib: Any, values: Any, flat: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape`, with `values` added at the positions `flat`."""
    xp = lib.namespace
    values = xp.reshape(values, (-1,))
    zero = xp.zeros((1,), dtype=values.dtype, device=lib.device_of(values))
    order = np.argsort(flat, kind="stable")
    flat = flat[order]
    if np.any(flat[1:] == flat[:-1]):
        values = lib.taken(values, order)
        while np.any(twice := flat[1:] == flat[:-1]):
            # Within each run of one position: the first and second, the third and fourth, ...
            starts = np.flatnonzero(np.concatenate([[True], ~twice]))
            rank = np.arange(flat.size) - np.repeat(starts, np.diff([*starts, flat.size]))
            kept = np.flatnonzero(rank % 2 == 0)
            paired = np.append(twice, [False])[kept]
            partner = np.where(paired, kept + 1, flat.size)
            values = lib.taken(values, kept) + lib.taken(xp.concat([values, zero]), partner)
            flat = flat[kept]
        order = np.arange(flat.size)
    source = np.full(math.prod(shape), flat.size)
    source[flat] = order
    return lib.taken(xp.concat([values, zero]), source.reshape(shape))
