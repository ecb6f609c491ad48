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
