"""The functions of the standard that NumPy has not, or has with other arguments."""

from __future__ import annotations

from typing import Any

import numpy as np


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    if not descending:
        return np.argsort(x, axis=axis, kind="stable" if stable else None)
    # Stable from the other end, so that equal elements keep their order.
    back = np.flip(np.argsort(np.flip(x, axis=axis), axis=axis, kind="stable"), axis=axis)
    return x.shape[axis] - 1 - back


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    out = np.sort(x, axis=axis, kind="stable" if stable else None)
    return np.flip(out, axis=axis) if descending else out


FUNCTIONS: dict[str, Any] = {"argsort": argsort, "sort": sort}
