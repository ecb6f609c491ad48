"""Shapes: what moves elements keeps to the chunks that the result should have."""

from __future__ import annotations

from typing import Any

import dask.array as da

from .chunks import as_dask, rechunked

_broadcast_to = vars(da)["broadcast_to"]
_concatenate = vars(da)["concatenate"]
_stack = vars(da)["stack"]


def broadcast_to(lib: Any, x: Any, shape: Any) -> Any:
    chunks = getattr(shape, "chunks", None)
    if chunks is None:
        chunks = da.core.normalize_chunks("auto", tuple(shape), dtype=x.dtype)
        lead = len(shape) - x.ndim
        kept = [
            mine if n != 1 or theirs == 1 else theirs_chunks
            for mine, n, theirs, theirs_chunks in zip(
                x.chunks, x.shape, shape[lead:], chunks[lead:], strict=True
            )
        ]
        return _broadcast_to(x, tuple(shape), chunks=(*chunks[:lead], *kept))
    lead = len(shape) - x.ndim
    kept = {
        axis: chunks[lead + axis]
        for axis, n in enumerate(x.shape)
        if n == shape[lead + axis] and x.chunks[axis] != chunks[lead + axis]
    }
    return _broadcast_to(x.rechunk(kept) if kept else x, tuple(shape), chunks=chunks)


def reshape(lib: Any, x: Any, shape: Any) -> Any:
    return rechunked(x.reshape(tuple(shape)), shape)


def rechunk(lib: Any, x: Any, chunks: Any) -> Any:
    return x.rechunk(chunks)


def diagonal(lib: Any, x: Any, offset: int) -> Any:
    return vars(da)["diagonal"](x, offset=offset, axis1=x.ndim - 2, axis2=x.ndim - 1)


def transpose(lib: Any, x: Any, axes: Any) -> Any:
    return x.transpose(tuple(a % x.ndim for a in axes))


def concatenate(lib: Any, *arrays: Any, axis: int, starts: Any = None) -> Any:
    arrays = tuple(a if isinstance(a, da.Array) else as_dask(a) for a in arrays)
    return _concatenate(arrays, axis=axis % arrays[0].ndim)


def stack(lib: Any, *arrays: Any, axis: int) -> Any:
    arrays = tuple(a if isinstance(a, da.Array) else as_dask(a) for a in arrays)
    return _stack(arrays, axis=axis % (arrays[0].ndim + 1))
