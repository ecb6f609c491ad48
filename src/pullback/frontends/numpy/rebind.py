"""`y += x` on a plain array `y`: a new value for the name, where nothing else can see the old one.

Python gives `y` whatever the operator returns.  NumPy's own would write into `y` and return it; for
a traced `x` a new traced array takes its place, which is the same to the program unless the old
array is known by another name, or through a view: then it is an error, never an old value.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ...backends.numpy import backend
from ...callers import operation, user_frame
from ...reverse import ReverseTrace

# The first in-place operator among the arguments of BINARY_OP; the others come before.
_FIRST_IN_PLACE = 13
# The references to `y` that are seen from `can_rebind` where one name alone knows it.
_references: list[int] = []


def can_rebind(array: Any) -> bool:
    """Is the program at `name op= value`, with `name` all that knows `array`?"""
    if type(array) is not np.ndarray or array.base is not None:
        return False
    count = sys.getrefcount(array)
    if not _references:
        _references.append(count)
        return True
    frame = user_frame()
    if frame is None or count > _references[0]:
        return False
    name, argument = operation(frame)
    return name == "BINARY_OP" and argument >= _FIRST_IN_PLACE


def calibrate() -> None:
    """Count the references of one name: how many calls hold `y` is this Python's and NumPy's."""
    y: Any = np.zeros(1)
    y += ReverseTrace("calibrate", backend).leaf(np.zeros(1))
