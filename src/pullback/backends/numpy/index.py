"""NumPy spellings of the canonical functions: indexing."""

from __future__ import annotations

from typing import Any

import numpy as np


def getitem(x: Any, index: Any) -> Any:
    return x[index]


def add_at(buffer: Any, part: Any, index: Any) -> None:
    """Add `part` to `buffer[index]`, in place; an element that `index` names twice gets both."""
    if _names_each_once(index):
        buffer[index] += part
    else:
        np.add.at(buffer, index, part)


def unindex(x: Any, shape: tuple[int, ...], index: Any) -> Any:
    """The transpose of `getitem`: zeros of `shape` with `x` added at `index`."""
    buffer = np.zeros(shape, x.dtype)
    if _names_each_once(index):
        buffer[index] = x  # a negative zero stays one
    else:
        np.add.at(buffer, index, x)
    return buffer


def merge(x: Any, y: Any, condition: Any) -> Any:
    """`where`, with the condition as a parameter."""
    return np.where(condition, x, y)


def _names_each_once(index: Any) -> bool:
    parts = index if type(index) is tuple else (index,)
    return not any(isinstance(part, (list, np.ndarray)) and not _is_mask(part) for part in parts)


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool
