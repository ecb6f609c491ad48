"""Linear filters of stacks of signals: averages in windows, resampling, padding, unfolding.

A library has a kernel for each and one for its transpose, so one pair of primitives does for all:
`filtered` runs the kernel called `kernel`, with `options`, on signals of the shape `(stack,
channels, *sizes)`, and `unfiltered` its transpose, whose result has `shape`.
"""

from __future__ import annotations

from typing import Any

from .along import folded
from .native import linear


def _filtered(cotangent: Any, xp: Any, shape: Any, kernel: str, options: tuple[Any, ...]) -> Any:
    return xp.unfiltered(cotangent, shape=tuple(shape), kernel=kernel, options=options)


def _unfiltered(cotangent: Any, xp: Any, kernel: str, options: tuple[Any, ...]) -> Any:
    return xp.filtered(cotangent, kernel=kernel, options=options)


filtered = linear("filtered", _filtered, batch=folded)
unfiltered = linear("unfiltered", _unfiltered, batch=folded)
