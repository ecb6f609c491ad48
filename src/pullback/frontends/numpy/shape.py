"""NumPy's signatures: shape functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import shape as ops
from .dispatch import implements
from .box import define


@implements(np.reshape)
def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    shape = np.reshape(np.broadcast_to(0, a.shape), shape).shape
    return ops.reshape(a, shape=shape)


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return ops.broadcast_to(array, shape=shape)


def _reshape_method(self: Any, *shape: Any, order: str = "C") -> Any:
    return reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

define("reshape", _reshape_method)
