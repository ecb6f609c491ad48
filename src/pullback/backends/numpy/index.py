"""NumPy spellings of the canonical functions: indexing."""

from __future__ import annotations

from typing import Any

import numpy as np


def getitem(x: Any, index: Any) -> Any:
    return x[index]


def add_at(buffer: Any, part: Any, index: Any) -> None:
    """Add `part` to `buffer[index]`, in place; an element that `index` names twice gets both."""
    if type(index) is int or _names_each_once(index):
        buffer[index] += part
    elif buffer.ndim > 1 and buffer.size <= _DENSE * part.size and buffer.flags.c_contiguous:
        # Positions in the flat buffer: NumPy adds at those several times faster.
        positions = np.arange(buffer.size).reshape(buffer.shape)[index]
        np.add.at(buffer.reshape(-1), positions.reshape(-1), part.reshape(-1))
    else:
        np.add.at(buffer, index, part)


# Writing out every position of a buffer costs less than what it saves up to this many elements
# of the buffer for each that is added; the cost stays in proportion to what is added.
_DENSE = 4


def scatter_add(x: Any, y: Any, index: Any) -> Any:
    """`x` with `y` added at `index`, where an element that is named twice gets both."""
    out = x.copy()
    np.add.at(out, index, y)
    return out


def places(shape: tuple[int, ...], index: Any) -> Any:
    """Where the elements of `x[index]` are in the flat `x`, in time that does not grow with `x`.

    Except where the index itself is as long as an axis: a mask, say.
    """
    if len(shape) == 1:
        return _on_axis(shape[0], index)
    coordinates = [
        np.broadcast_to(np.arange(n).reshape((n,) + (1,) * (len(shape) - 1 - axis)), shape)[index]
        for axis, n in enumerate(shape)
    ]
    return np.ravel_multi_index(coordinates, shape) if shape else np.zeros((), np.intp)[index]


def _on_axis(size: int, index: Any) -> Any:
    part = index[0] if type(index) is tuple and len(index) == 1 else index
    if type(part) is slice:
        return np.arange(*part.indices(size))
    if isinstance(part, np.ndarray) and part.dtype.kind in "iu":
        np.broadcast_to(np.int8(0), size)[part]  # for NumPy's own error
        return part % size
    return np.arange(size)[index]


def compact(places: Any, size: int) -> tuple[Any, Any]:
    """The positions among `size` that `places` name, each once, and `places` as positions in these.

    None for the former, and `places` as they are, where they are most of all.
    """
    if size <= _DENSE * places.size:
        return None, places
    return np.unique(places, return_inverse=True)


def unindex(x: Any, shape: tuple[int, ...], index: Any) -> Any:
    """The transpose of `getitem`: zeros of `shape` with `x` added at `index`."""
    buffer = np.zeros(shape, x.dtype)
    if _names_each_once(index):
        buffer[index] = x  # a negative zero stays one
    else:
        add_at(buffer, x, index)
    return buffer


def _names_each_once(index: Any) -> bool:
    parts = index if type(index) is tuple else (index,)
    return not any(isinstance(part, (list, np.ndarray)) and not _is_mask(part) for part in parts)


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool
