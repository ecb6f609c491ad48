"""Indexing: Dask's own reads, and their transposes, block by block."""

from __future__ import annotations

import functools
from typing import Any

import dask.array as da
import numpy as np

from ...errors import UnsupportedError
from ..array_api.index import is_basic
from .blockwise import arange, full
from .chunks import as_dask, chunks_for

_blockwise = vars(da)["blockwise"]


def getitem(lib: Any, x: Any, index: Any) -> Any:
    parts, arrays = _parts(index, x.ndim)
    if not arrays:
        return x[index]
    if len(arrays) == 1 and not any(part is None for part in parts) and not _integers(parts):
        axis = arrays[0]
        if parts[axis].ndim == 1:
            return x[tuple(parts)]
    return _by_points(x, parts, arrays)


def unindex(lib: Any, x: Any, shape: Any, index: Any) -> Any:
    """The transpose of `getitem`: zeros of `shape` with `x` added at `index`."""
    chunks = chunks_for(shape, x.dtype)
    if is_basic(index):
        zeros = full(tuple(shape), 0, x.dtype, chunks)
        given = index if type(index) is tuple else (index,)
        index = tuple(part for part in given if part is not None)
        part = zeros[index].shape
        zeros[index] = x if part == x.shape else x.reshape(part)
        return zeros
    parts, arrays = _parts(index, len(shape))
    return _added(x, parts, arrays, tuple(shape), chunks)


def scatter_add(lib: Any, x: Any, y: Any, index: Any) -> Any:
    return x + unindex(lib, y, x.shape, index)


def take_along(lib: Any, x: Any, index: Any, axis: int) -> Any:
    """The elements of `x` at the positions `index` along an axis; other axes as long as in `x`.

    Each block of `x` gives those that are in it.
    """
    axis %= x.ndim
    index = as_dask(index) if isinstance(index, np.ndarray) else index
    index = index.rechunk({i: c for i, c in enumerate(x.chunks) if i != axis})
    labels = tuple(range(x.ndim))
    read = (*labels[:axis], x.ndim, *labels[axis + 1 :])
    terms = _blockwise(
        functools.partial(_taken_along, axis=axis),
        (axis, *read),
        x,
        labels,
        index,
        read,
        arange(x.shape[axis], x.chunks[axis]),
        (axis,),
        dtype=x.dtype,
        adjust_chunks={axis: 1},
        align_arrays=False,
        meta=np.empty((0,) * (x.ndim + 1), x.dtype),
    )
    return terms.sum(axis=0)


def _taken_along(block: Any, index: Any, places: Any, axis: int) -> Any:
    """What one block has of the elements at these positions, and zero elsewhere."""
    local = index - (places[0] if places.size else 0)
    inside = (local >= 0) & (local < places.size)
    if not places.size:
        return np.zeros((1, *index.shape), block.dtype)
    taken = np.take_along_axis(block, np.where(inside, local, 0), axis)
    return np.where(inside, taken, block.dtype.type(0))[None]


def add_along(lib: Any, x: Any, index: Any, shape: Any, axis: int) -> Any:
    """The transpose of `take_along`: zeros of `shape` with `x` added at the positions `index`."""
    axis %= x.ndim
    chunks = chunks_for(shape, x.dtype)
    index = as_dask(index) if isinstance(index, np.ndarray) else index
    whole = {i: -1 if i == axis else c for i, c in enumerate(chunks)}
    x, index = x.rechunk(whole), index.rechunk(whole)
    labels = tuple(range(x.ndim))
    given = (*labels[:axis], x.ndim, *labels[axis + 1 :])
    return _blockwise(
        functools.partial(_added_at, axis=axis),
        labels,
        arange(shape[axis], chunks[axis]),
        (axis,),
        x,
        given,
        index,
        given,
        dtype=x.dtype,
        align_arrays=False,
        concatenate=True,
        meta=np.empty((0,) * x.ndim, x.dtype),
    )


def _added_at(places: Any, values: Any, index: Any, axis: int) -> Any:
    """One block of the result: what of `values` goes there."""
    shape = [*values.shape]
    shape[axis] = places.size
    out = np.zeros(shape, values.dtype)
    local = index - (places[0] if places.size else 0)
    inside = (local >= 0) & (local < places.size)
    grid = [*np.indices(index.shape, sparse=True)]
    grid = [np.broadcast_to(one, index.shape)[inside] for one in grid]
    grid[axis] = local[inside]
    np.add.at(out, tuple(grid), values[inside])
    return out


def mask_of(chunks: Any, index: Any) -> Any:
    """Where `index` reads, in an array of these chunks."""
    shape = tuple(map(sum, chunks))
    mask = full(shape, 0, bool, chunks)
    parts, arrays = _parts(index, len(shape))
    if not arrays:
        mask[index] = True
        return mask
    part = np.broadcast_to(np.int8(0), shape)[index]
    ones = full(part.shape, 1, np.int64, chunks_for(part.shape, np.int64))
    return _added(ones, parts, arrays, shape, chunks) > 0


def check_once(index: Any, shape: tuple[int, ...]) -> None:
    """Raise if `index` has a place twice: which of the values written stays is not said."""
    for part in index if type(index) is tuple else (index,):
        whole = isinstance(part, np.ndarray) and part.dtype != bool
        if whole and np.unique(part).size != part.size:
            raise UnsupportedError(
                "x[i] = v of a Dask array, with a place twice in i: write only the last of them"
            )


def _parts(index: Any, ndim: int) -> tuple[list[Any], list[int]]:
    """An entry for every axis (and new axis), masks as positions; the places of the arrays."""
    parts = list(index) if type(index) is tuple else [index]
    out: list[Any] = []
    for part in parts:
        if isinstance(part, (bool, np.bool_)):
            raise UnsupportedError("True or False in an index of a Dask array: use None")
        if isinstance(part, list):
            part = np.asarray(part)  # noqa: PLW2901
        if isinstance(part, np.ndarray) and part.dtype == bool:
            out.extend(part.nonzero())
        else:
            out.append(part)
    if not any(part is ... for part in out):
        out.append(...)
    at = next(i for i, part in enumerate(out) if part is ...)
    used = sum(part is not None for part in out) - 1
    out[at : at + 1] = [slice(None)] * (ndim - used)
    return out, [place for place, part in enumerate(out) if isinstance(part, np.ndarray)]


def _integers(parts: list[Any]) -> bool:
    return any(isinstance(part, (int, np.integer)) for part in parts)


def _points(parts: list[Any]) -> tuple[list[int], Any, bool]:
    """The places of the advanced parts, their positions together, and whether they stand apart."""
    advanced = [
        i for i, part in enumerate(parts) if isinstance(part, (np.ndarray, int, np.integer))
    ]
    positions = np.broadcast_arrays(*(np.asarray(parts[i]) for i in advanced))
    return advanced, positions, advanced[-1] - advanced[0] >= len(advanced)


def _axes(parts: list[Any]) -> dict[int, int]:
    """The axis of the array for every part that reads one."""
    places = [i for i, part in enumerate(parts) if part is not None]
    return {place: axis for axis, place in enumerate(places)}


def _by_points(x: Any, parts: list[Any], arrays: list[int]) -> Any:
    """A read at several arrays of positions: their axes first, as one, and then at their place."""
    advanced, positions, apart = _points(parts)
    axes = _axes(parts)
    basic = [slice(None) if i in advanced else part for i, part in enumerate(parts)]
    x = x[tuple(part for part in basic if part is not None)]
    taken = {
        axes[i]: p.reshape(-1) % x.shape[axes[i]] for i, p in zip(advanced, positions, strict=True)
    }
    read = x.vindex[tuple(taken.get(axis, slice(None)) for axis in range(x.ndim))]
    shape = positions[0].shape
    rest = read.shape[1:]
    read = read.reshape((*shape, *rest))
    before = (
        0 if apart else sum(i < advanced[0] and parts[i] is not None for i in range(len(parts)))
    )
    order = [*range(len(shape), len(shape) + before), *range(len(shape))]
    order += [a for a in range(read.ndim) if a not in order]
    read = read.transpose(order)
    out: list[Any] = [slice(None)] * 0
    if apart:
        out = [slice(None)] * len(shape)
    for i, part in enumerate(parts):
        if part is None:
            out.append(None)
        elif i not in advanced:
            out.append(slice(None))
        elif i == advanced[0] and not apart:
            out.extend([slice(None)] * len(shape))
    return read[tuple(out)]


def _added(x: Any, parts: list[Any], arrays: list[int], shape: Any, chunks: Any) -> Any:
    """`x` added into zeros at an index that has arrays, by blocks.

    Along the axis of a single array every block of `x` gives a part of every block of the result,
    and the parts are summed; other indices, whose `x` is brought into one block, give each block
    of the result at once.
    """
    ndim = len(shape)
    out_axes = tuple(range(ndim))
    places = [part for a, c in enumerate(chunks) for part in (arange(shape[a], c), (a,))]
    one = (
        len(arrays) == 1
        and x.ndim == ndim
        and all(i == arrays[0] or part == slice(None) for i, part in enumerate(parts))
    )
    if not one:
        x = x.rechunk(x.shape) if x.ndim else x
        x_axes = tuple(range(ndim, ndim + x.ndim))
        positions = _coordinates(tuple(parts), shape)
        operands = [p for c in positions for p in (as_dask(c), x_axes)]
        run = functools.partial(_added_to_block, ndim=ndim)
        return _blockwise(
            run, out_axes, x, x_axes, *places, *operands, dtype=x.dtype, concatenate=True,
            meta=np.empty((0,) * ndim, x.dtype),
        )  # fmt: skip
    axis = arrays[0]
    # The blocks of `x` on the other axes are those of the result.
    x = x.rechunk({i: c for i, c in enumerate(chunks) if i != axis})
    position = as_dask(parts[axis] % shape[axis]).rechunk((x.chunks[axis],))
    x_axes = tuple(ndim if i == axis else i for i in range(ndim))
    terms = _blockwise(
        functools.partial(_added_along, axis=axis),
        (ndim, *out_axes),
        x,
        x_axes,
        position,
        (ndim,),
        *places[2 * axis : 2 * axis + 2],
        dtype=x.dtype,
        adjust_chunks={ndim: 1},
        meta=np.empty((0,) * (ndim + 1), x.dtype),
    )
    return terms.sum(axis=0)


def _added_along(values: Any, positions: Any, places: Any, axis: int) -> Any:
    """What one block of `values` adds to one block of the result, along `axis`."""
    shape = [*values.shape]
    shape[axis] = places.size
    out = np.zeros(shape, values.dtype)
    first = places[0] if places.size else 0
    inside = (positions >= first) & (positions < first + places.size)
    lead = (slice(None),) * axis
    np.add.at(out, (*lead, positions[inside] - first), values[(*lead, inside)])
    return out[None]


def _coordinates(index: Any, shape: Any) -> list[Any]:
    """Where each element that `index` reads is, along every axis."""
    return [
        np.broadcast_to(np.arange(n).reshape((n,) + (1,) * (len(shape) - 1 - axis)), shape)[index]
        for axis, n in enumerate(shape)
    ]


def _added_to_block(values: Any, *operands: Any, ndim: int) -> Any:
    """`values` added into a block of zeros: its places on each axis, and where each value goes."""
    places, coordinates = operands[:ndim], operands[ndim:]
    out = np.zeros(tuple(p.size for p in places), values.dtype)
    inside = np.ones(values.shape, bool)
    local: list[Any] = []
    for coordinate, place in zip(coordinates, places, strict=True):
        first = place[0] if place.size else 0
        inside &= (coordinate >= first) & (coordinate < first + place.size)
        local.append(coordinate - first)
    np.add.at(out, tuple(c[inside] for c in local), values[inside])
    return out
