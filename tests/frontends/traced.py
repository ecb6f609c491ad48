"""What one function of NumPy gives inside a transform, for the tests of its family."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback


def traced(function: Any, *args: Any) -> Any:
    """`function`'s own result when it runs on traced arguments."""
    return pullback.vjp(function, *args)[0]


def gradient_of_sum(function: Any, x: Any) -> Any:
    """The gradient of the sum of what `function` gives, at `x` in double precision."""
    out, pull = pullback.vjp(function, np.asarray(x, float))
    return pull(np.ones_like(out))[0]
