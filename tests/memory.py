"""How much memory a call needs, for the tests that bound it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any


def peak(function: Callable[..., Any], *args: Any) -> int:
    """The most memory that a call needs beyond what there is, in bytes."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function(*args)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
