"""NumPy spellings of the canonical functions: shapes."""

from __future__ import annotations

from typing import Any

import numpy as np


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    strides = _strides_of(x, shape)
    if strides is None:
        return np.broadcast_to(x, shape)
    # A third of the time of np.broadcast_to.
    view = np.ndarray(shape, x.dtype, x, 0, strides)
    view.flags.writeable = False
    return view


def _strides_of(x: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides of `x` broadcast to `shape`; None where NumPy is to be asked."""
    if type(x) not in (np.ndarray, np.float64) or not x.flags.c_contiguous or not x.size:
        return None
    lead = len(shape) - x.ndim
    if lead < 0:
        return None
    strides = [0] * lead
    for size, asked, stride in zip(x.shape, shape[lead:], x.strides, strict=True):
        if size not in (asked, 1):
            return None
        strides.append(stride if size == asked else 0)
    return tuple(strides)


def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


def copy(x: Any, order: Any) -> Any:
    if type(order) is not tuple:
        # An array's own method is not one that a transform replaces; of a number it makes no array.
        return x.copy(order) if type(x) is np.ndarray else np.array(x, order=order)
    order = (*range(-x.ndim, -len(order)), *order)  # batch axes lead
    out = np.empty([x.shape[axis] for axis in order], x.dtype)
    out.transpose(np.argsort(order))[...] = x
    return out.transpose(np.argsort(order))


def band(x: Any, offset: int) -> Any:
    """The diagonal of the last two axes."""
    return x.diagonal(offset, -2, -1)


def transpose(x: Any, axes: tuple[int, ...]) -> Any:
    return x.transpose(axes)


def expand_dims(x: Any, axis: tuple[int, ...]) -> Any:
    """Put axes of length 1 where the result has `axis` (negative)."""
    ndim = x.ndim + len(axis)
    new = {a % ndim for a in axis}
    sizes = iter(x.shape)
    return x.reshape(tuple(1 if a in new else next(sizes) for a in range(ndim)))


def join(*arrays: Any, axis: int, starts: tuple[int, ...]) -> Any:
    """`concatenate`, with the arrays as arguments of their own."""
    return np.concatenate(arrays, axis)


def pile(*arrays: Any, axis: int) -> Any:
    """`stack`, with the arrays as arguments of their own."""
    if not arrays[0].shape:
        # For numbers, a tenth of the time of np.stack.
        return np.array(arrays)
    return np.stack(arrays, axis)
