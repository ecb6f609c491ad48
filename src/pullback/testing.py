"""Checks of derivatives against what does not know about them: public, for users' functions and ops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One call that an op's derivative is checked on.

    Attributes:
        covers: The NumPy function(s) or ufunc(s) exercised: one, or a tuple of them.
        function: What is called, as `function(*args)`; every argument is differentiated.
        args: float64 arrays or numbers, away from kinks by at least 1e-3.
        label: What is special about the call, for the test's name.
        complex: Whether the op also takes complex arguments (they are made from `args`).
        float32: Whether it is also run in float32.
        order: The highest order of derivative to check.
    """

    covers: Any
    function: Callable[..., Any]
    args: tuple[Any, ...]
    label: str = ""
    complex: bool = False
    float32: bool = True
    order: int = 2
