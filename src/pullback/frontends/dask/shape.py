"""What moves elements, reads them by position, or writes into an array."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

from ...backends.dask import backend
from ...backends.dask.blocks import persist as ops_persist
from ...backends.dask.blocks import rechunk as ops_rechunk
from ...backends.libraries import check_one_library
from ...core import box_types, check_write, detached, raw
from ...errors import UnsupportedError
from ...ops import shape as ops
from ...ops.shape import along
from ..array_api import mutation
from ..array_api import shape as standard
from ..array_api.dispatch import axis_of
from ..array_api.index import read, static_index
from .box import method, named
from .dispatch import functions, implements, operand

functions["size"] = lambda a, axis=None: a.size if axis is None else a.shape[axis]


@implements("reshape")
def reshape(x: Any, *shape: Any, merge_chunks: bool = True, limit: Any = None, **named: Any) -> Any:
    shape = named.pop("shape", shape)
    shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    return standard.reshape(operand(x), tuple(int(n) for n in shape))


@implements("ravel")
def ravel(x: Any) -> Any:
    return reshape(x, (-1,) if x.size else (0,))


@implements("transpose")
def transpose(x: Any, *axes: Any, **named: Any) -> Any:
    axes = named.pop("axes", axes)
    if axes is not None and len(axes) == 1 and not isinstance(axes[0], int):
        axes = axes[0]
    return standard.permute_dims(operand(x), tuple(axes) if axes else tuple(range(x.ndim))[::-1])


@implements("swapaxes")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    axes = [*range(x.ndim)]
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, axes)


@implements("moveaxis")
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    return standard.moveaxis(x, source, destination)


@implements("expand_dims")
def expand_dims(x: Any, axis: Any) -> Any:
    return standard.expand_dims(x, tuple(axis) if isinstance(axis, list) else axis)


@implements("squeeze")
def squeeze(x: Any, axis: Any = None) -> Any:
    if axis is None:
        axis = tuple(i for i, n in enumerate(x.shape) if n == 1)
    return standard.squeeze(x, axis)


@implements("broadcast_to")
def broadcast_to(x: Any, shape: Any, chunks: Any = None) -> Any:
    shape = (shape,) if isinstance(shape, int) else shape
    out = ops.broadcast_to(operand(x), shape=shape if isinstance(shape, tuple) else tuple(shape))
    return out if chunks is None else rechunk(out, chunks)


@implements("broadcast_arrays")
def broadcast_arrays(*arrays: Any) -> Any:
    arrays = tuple(operand(a) for a in arrays)
    shape = np.broadcast_shapes(*(tuple(a.shape) for a in arrays))
    return [broadcast_to(a, shape) for a in arrays]


@implements("flip")
def flip(x: Any, axis: Any = None) -> Any:
    return standard.flip(x, axis=axis)


@implements("flipud")
def flipud(x: Any) -> Any:
    return flip(x, 0)


@implements("fliplr")
def fliplr(x: Any) -> Any:
    return flip(x, 1)


@implements("roll")
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    return standard.roll(x, shift, axis=axis)


@implements("concatenate")
def concatenate(seq: Any, axis: Any = 0, allow_unknown_chunksizes: bool = False) -> Any:
    arrays = _alike(seq)
    if axis is None:
        arrays, axis = [reshape(a, (-1,)) for a in arrays], 0
    return backend.xp.concatenate(arrays, axis_of(axis, arrays[0].ndim))


@implements("stack")
def stack(seq: Any, axis: int = 0, allow_unknown_chunksizes: bool = False) -> Any:
    arrays = _alike(seq)
    return backend.xp.stack(arrays, axis_of(axis, arrays[0].ndim + 1))


def _alike(seq: Any) -> list[Any]:
    arrays = [operand(a) for a in seq]
    arrays = [a if hasattr(a, "dtype") else backend.asarray(a) for a in arrays]
    dtype = np.result_type(*(a.dtype for a in arrays))
    return [a if a.dtype == dtype else functions["astype"](a, dtype) for a in arrays]


@implements("atleast_1d")
def atleast_1d(x: Any) -> Any:
    return reshape(x, (1,)) if not x.ndim else x


@implements("atleast_2d")
def atleast_2d(x: Any) -> Any:
    return x if x.ndim > 1 else reshape(x, (1, -1) if x.ndim else (1, 1))


@implements("vstack")
def vstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Any:
    return concatenate([atleast_2d(operand(a)) for a in tup], 0)


@implements("hstack")
def hstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Any:
    arrays = [atleast_1d(operand(a)) for a in tup]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@implements("append")
def append(x: Any, values: Any, axis: Any = None) -> Any:
    return concatenate([x, values], axis)


@implements("repeat")
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    return standard.repeat(x, int(repeats) if np.ndim(repeats) == 0 else repeats, axis=axis)


@implements("tile")
def tile(x: Any, reps: Any) -> Any:
    return standard.tile(x, (reps,) if isinstance(reps, int) else tuple(reps))


def _triangle(name: str) -> None:
    @implements(name)
    def triangle(x: Any, k: int = 0) -> Any:
        return functions["where"](
            backend.below_diagonal(x.shape, k if name == "tril" else k - 1) == (name == "tril"),
            x,
            0,
        )


for _name in ("tril", "triu"):
    _triangle(_name)


@implements("diagonal")
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return ops.diagonal(standard.moveaxis(x, (axis1, axis2), (-2, -1)), offset=offset)


@implements("diag")
def diag(x: Any, k: int = 0) -> Any:
    if x.ndim == 2:
        return diagonal(x, k)
    n = x.shape[0] + abs(k)
    places = np.arange(x.shape[0])
    index = places + max(0, -k), places + max(0, k)
    return backend.xp.unindex(x, shape=(n, n), index=index)


@implements("trace")
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return functions["sum"](diagonal(x, offset, axis1, axis2), -1, dtype)


@implements("take")
def take(x: Any, indices: Any, axis: Any = 0) -> Any:
    axis = axis_of(axis, x.ndim)
    return read(x, along(axis, static_index(_known(indices), backend)))


# Chunks


def chunks_of(x: Any, chunks: Any, block_size_limit: Any = None) -> dict[int, Any]:
    """The chunks that `rechunk` was asked for, by negative axis."""
    ndim = x.ndim
    if chunks is None:
        chunks = "auto"
    if isinstance(chunks, dict):
        chunks = {axis_of(axis, ndim) + ndim: size for axis, size in chunks.items()}
        chunks = tuple(chunks.get(axis, sizes) for axis, sizes in enumerate(x.chunks))
        chunks = tuple(x.chunks[axis] if size is None else size for axis, size in enumerate(chunks))
    sizes = da.core.normalize_chunks(
        chunks, tuple(x.shape), limit=block_size_limit, dtype=x.dtype, previous_chunks=x.chunks
    )
    return {axis - ndim: one for axis, one in enumerate(sizes)}


@implements("rechunk")
def rechunk(
    x: Any,
    chunks: Any = "auto",
    threshold: Any = None,
    block_size_limit: Any = None,
    balance: bool = False,
    method: Any = None,
) -> Any:
    if balance:
        raise UnsupportedError(
            "rechunk of a traced Dask array does not take balance=: leave it out"
        )
    return ops_rechunk(x, chunks=chunks_of(x, chunks, block_size_limit))


def persist(self: Any, **options: Any) -> Any:
    """As Dask's: the blocks are computed now, which does not change the derivative."""
    return ops_persist(self, options=options)


def _no_view(*_: Any) -> Any:
    raise UnsupportedError(".view() of a traced array, as another dtype, has no derivative")


class Blocks:
    """What `x.blocks` is: an index of it counts blocks, and reads their elements."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        x = self.array
        for axis, part in enumerate(parts):
            numbers = np.atleast_1d(np.arange(len(x.chunks[axis]))[part])
            ends = np.cumsum([0, *x.chunks[axis]])
            places = [np.arange(ends[n], ends[n + 1]) for n in numbers]
            index = np.concatenate([np.arange(0), *places])
            sizes = tuple(x.chunks[axis][n] for n in numbers)
            if np.all(np.diff(numbers) == 1) and numbers.size:
                index = slice(int(index[0]) if index.size else 0, int(ends[numbers[-1] + 1]))
            x = rechunk(x[(slice(None),) * axis + (index,)], {axis: sizes or (0,)})
        return x


method("blocks", property(Blocks))
method("partitions", property(Blocks))
method("persist", persist)
method("flatten", ravel)
method("view", _no_view)
method("copy", lambda self: backend.xp.copy(self, order="K"))
named(
    *"reshape ravel transpose swapaxes squeeze repeat rechunk trace diagonal".split(),
)


# Reading and writing


def _getitem(self: Any, key: Any) -> Any:
    return read(self, static_index(_known(key), backend))


def _known(key: Any) -> Any:
    """`key` with the lists in it as arrays, and boxes of constants as what they hold."""
    if isinstance(key, tuple):
        return tuple(map(_known, key))
    if isinstance(key, list):
        return np.asarray(key)
    if isinstance(key, np.integer):
        return int(key)
    if type(key) in box_types and detached(key) is not key:
        return detached(key)
    return key


def _setitem(self: Any, key: Any, value: Any) -> None:
    """As Dask's: a mask of the array's own shape may be lazy."""
    check_one_library("x[i] = v", backend, [value])
    value = operand(value)
    mask = detached(key) if type(key) in box_types else key
    if isinstance(raw(mask), da.Array) and mask.dtype == bool:
        check_write(self)
        if tuple(mask.shape) != tuple(self.shape) or getattr(value, "shape", ()):
            raise UnsupportedError(
                "x[mask] = v of a traced Dask array takes a mask of the shape of x, and a number: "
                "write x = da.where(mask, v, x)"
            )
        anew = functions["where"](mask, value, backend.copy(self))
        mutation.move(
            self, functions["astype"](anew, self.dtype) if anew.dtype != self.dtype else anew
        )
        return
    mutation.setitem(self, _known(key), value)


method("__getitem__", _getitem)
method("__setitem__", _setitem)
method("__len__", lambda self: self.shape[0] if self.shape else _no_length())


def _no_length() -> Any:
    raise TypeError("len() of an array of no dimensions")
