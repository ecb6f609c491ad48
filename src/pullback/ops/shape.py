"""Shape ops: linear maps that move elements without changing them."""

from __future__ import annotations

from typing import Any

from .declare import linear


def _sum_to(cotangent: Any, xp: Any, shape: Any) -> Any:
    lead = cotangent.ndim - len(shape)
    axes = tuple(
        axis - cotangent.ndim
        for axis in range(cotangent.ndim)
        if axis < lead or shape[axis - lead] != cotangent.shape[axis]
    )
    return xp.sum(cotangent, axis=axes, keepdims=True).reshape(shape) if axes else cotangent


broadcast_to = linear("broadcast_to", _sum_to)

reshape = linear("reshape", lambda cotangent, xp, shape: xp.reshape(cotangent, shape))
