"""Chunks of Dask arrays: shapes that remember them, and arrays of NumPy's as Dask arrays."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

# `da` has stand-ins while a transform runs (see the frontend): this is the function itself.
_from_array = vars(da)["from_array"]


class Chunked(tuple[int, ...]):  # noqa: SLOT001 (a tuple's subclass cannot have a slot)
    """A shape that knows the chunks of its array, and is otherwise a plain one."""

    chunks: Any


def marked(array: Any) -> Any:
    """An array of ours, whose `shape` (a property that Dask caches) knows the chunks."""
    if type(array) is da.Array and type(array.shape) is not Chunked:
        shape = Chunked(array.shape)
        shape.chunks = array.chunks
        vars(array)["shape"] = shape
    return array


def fresh(array: Any) -> Any:
    """Another object for a Dask array: `x[i] = v` changes an object, never a graph."""
    return da.Array(array.dask, array.name, array.chunks, meta=array._meta)  # noqa: SLF001


def as_dask(array: Any) -> Any:
    """A copy of NumPy's array as a Dask array of one block."""
    copied = np.array(array)
    return _from_array(copied, chunks=copied.shape)


def chunks_for(shape: Any, dtype: Any) -> Any:
    """The chunks that `shape` remembers, or Dask's own choice."""
    chunks = getattr(shape, "chunks", None)
    if chunks is not None:
        return chunks
    return da.core.normalize_chunks("auto", tuple(shape), dtype=np.dtype(dtype))


def rechunked(array: Any, shape: Any) -> Any:
    """`array` in the chunks that `shape` remembers, if it does."""
    chunks = getattr(shape, "chunks", None)
    return array if chunks is None or array.chunks == chunks else array.rechunk(chunks)
