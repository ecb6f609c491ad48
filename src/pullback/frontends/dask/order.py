"""The largest and the smallest elements along an axis: read where they stand."""

from __future__ import annotations

from typing import Any

from ...backends.dask.blocks import argtopk as positions
from ...core import detached
from ...ops.along import take_along
from ..array_api.dispatch import axis_of
from .box import named
from .dispatch import implements


@implements("argtopk")
def argtopk(a: Any, k: int, axis: int = -1) -> Any:
    return positions(detached(a), k=k, axis=axis_of(axis, a.ndim))


@implements("topk")
def topk(a: Any, k: int, axis: int = -1) -> Any:
    return take_along(a, argtopk(a, k, axis), axis=axis_of(axis, a.ndim))


named("topk", "argtopk")
