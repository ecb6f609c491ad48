"""torch spellings of the canonical functions: indexing."""

from __future__ import annotations

from typing import Any

import torch

from ...ops.lift import filled


def getitem(x: Any, index: Any) -> Any:
    return x[index]


def add_at(buffer: Any, part: Any, index: Any) -> None:
    """Add `part` to `buffer[index]`, in place; an element that `index` names twice gets both."""
    parts = index if type(index) is tuple else (index,)
    if not any(isinstance(one, torch.Tensor) for one in parts):
        buffer[index] += part
    elif all(isinstance(one, torch.Tensor) for one in parts):
        buffer.index_put_(parts, part, accumulate=True)
    else:
        # Positions in the flat buffer, as index_put_ takes no slices.
        count = buffer.numel()
        places = torch.arange(count, device=buffer.device).reshape(buffer.shape)[index]
        flat = torch.zeros(count, dtype=buffer.dtype, device=buffer.device)
        flat.index_add_(0, places.reshape(-1), part.reshape(-1))
        buffer += flat.reshape(buffer.shape)


def unindex(x: Any, shape: tuple[int, ...], index: Any) -> Any:
    """The transpose of `getitem`: zeros of `shape` with `x` added at `index`."""
    buffer = torch.zeros(shape, dtype=x.dtype, device=x.device)
    add_at(buffer, x, index)
    return buffer


def gather(x: Any, *operands: Any, index: Any) -> Any:
    return x[filled(index, operands)]


def scatter(x: Any, *operands: Any, shape: Any, index: Any) -> Any:
    return unindex(x, shape, filled(index, operands))


def where(condition: Any, x: Any, y: Any) -> Any:
    return torch.where(condition, x, y)
