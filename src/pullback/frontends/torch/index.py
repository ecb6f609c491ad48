"""Indexing: what a tensor takes as an index, and item access."""

from __future__ import annotations

from typing import Any

import torch

from ...backends.libraries import check_index
from ...backends.torch import TorchBackend
from ...callers import where
from ...core import is_batched, raw
from ...errors import BatchingError
from ...ops import index as ops
from ...ops.lift import with_operands
from .box import TensorBox
from .dispatch import implements, is_box


def static_index(index: Any) -> Any:
    """`index` without boxes, and with tensors of its own, which a caller cannot change."""
    if type(index) is tuple:
        return tuple(map(static_index, index))
    if isinstance(index, torch.Tensor):
        return raw(index).detach().clone()
    if isinstance(index, slice):
        parts = (index.start, index.stop, index.step)
        return slice(*(part.item() if is_box(part) else part for part in parts))
    if isinstance(index, list):
        return torch.as_tensor(plain_list(index))
    if index is not None and index is not ... and type(index) is not int:
        check_index(TorchBackend, index)
    return index


def plain_list(values: Any) -> Any:
    """Nested lists with the values of tensors in them."""
    if isinstance(values, (list, tuple)):
        return [plain_list(value) for value in values]
    return raw(values).tolist() if isinstance(values, torch.Tensor) else values


@implements(torch.Tensor.__getitem__)
def getitem(self: Any, index: Any) -> Any:
    parts = index if type(index) is tuple else (index,)
    if any(map(is_batched, parts)):  # another index for each example
        if any(is_batched(part) and part.dtype is torch.bool for part in parts):
            raise BatchingError(
                f"pullback.vmap: x[mask] with a batched mask at {where()}: the shape of the result "
                "is another for each example. Write torch.where(mask, x, 0), or run the function "
                "example by example, with vmap(..., fallback='loop')."
            )
        template, arrays = with_operands(parts)
        return ops.gather(self, *arrays, index=tuple(map(static_index, template)))
    if not is_box(self):  # a plain tensor, indexed with a traced one: its values
        return self[static_index(index)]
    return ops.getitem(self, index=static_index(index))


TensorBox.__getitem__ = getitem  # type: ignore[method-assign]
