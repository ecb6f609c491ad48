"""NumPy's signatures: reductions and cumulative functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import reduce as ops
from .box import method
from .dispatch import implements, normalize_axes


@implements(np.sum)
def sum_(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return ops.sum(a, axis=normalize_axes(axis, a.ndim), keepdims=bool(keepdims))


method("sum", np.sum)
