"""NumPy spellings of the canonical functions: reductions."""

from __future__ import annotations

from typing import Any

import numpy as np


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    return np.add.reduce(x, axis=axis, keepdims=keepdims)
