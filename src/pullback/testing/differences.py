"""The reference: the derivative of a function of one real number, from its values alone.

Finite differences extrapolated to step zero serve every smooth function; the complex step, exact up
to rounding, those that are analytic and take complex numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

# How often the step is halved: eight evaluations a direction, and an error of the eighth order.
_HALVINGS = 4


def extrapolated_derivative(function: Callable[[float], float], step: float) -> tuple[float, float]:
    """The derivative at zero of a function of one real number, and a bound on its error.

    Central differences for a step that is halved again and again are extrapolated to step zero,
    and the entry of that table that changes least is taken. Its error is far below the distance
    to the finest difference, unless the function is not smooth there.
    """
    steps = [step / 2**k for k in range(_HALVINGS)]
    column = [float(function(h) - function(-h)) / (2 * h) for h in steps]
    finest = best = column[-1]
    least = float("inf")
    factor = 4.0
    while len(column) > 1:
        finer = [(factor * b - a) / (factor - 1) for a, b in pairwise(column)]
        for k, value in enumerate(finer):
            change = max(abs(value - column[k]), abs(value - column[k + 1]))
            if change < least:
                best, least = value, change
        column, factor = finer, factor * 4
    return best, abs(best - finest)


def complex_step(moved: Callable[[Any], Any]) -> float | None:
    """The derivative of `moved` at zero by a step in an imaginary direction, where it takes one."""
    tiny = 1e-30
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            value = complex(moved(complex(0, tiny)))
    except Exception:  # noqa: BLE001 (a function may refuse complex values in any way)
        return None
    return value.imag / tiny if np.isfinite(value) else None
