"""The table from the standard's names to ours: what a function does when an argument is traced.

A name is written as in the standard, with its extension: `sin`, `linalg.inv`, `fft.rfft`.  A
function takes the standard's arguments, under the standard's names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...core import box_types, detached
from ...errors import UnsupportedError
from ..table import Table

# The standard's name -> ours.
functions = Table(str)
implements = functions.implements


def is_box(value: Any) -> bool:
    """Is `value` traced by any transform?"""
    return type(value) in box_types


def boxes_in(values: Iterable[Any]) -> list[Any]:
    """The traced values among these, and in lists and tuples of them."""
    found: list[Any] = []
    for value in values:
        if type(value) in box_types:
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += boxes_in(value)
    return found


def backend_among(*values: Any) -> Any:
    """The backend of the first traced value among these."""
    return boxes_in(values)[0].tracer.backend


def constants(tree: Any) -> Any:
    """`tree` (lists and tuples) without the boxes of what is differentiated."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(constants, tree))
    return detached(tree)


def axis_of(axis: int, ndim: int) -> int:
    """One axis, counted from the end (so that a leading batch axis changes nothing)."""
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds for an array of {ndim} dimensions")
    return axis % ndim - ndim


def axes_of(axis: Any, ndim: int) -> Any:
    """None, or a tuple of axes counted from the end."""
    if axis is None:
        return None
    axes = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(axis_of(one, ndim) for one in axes)
    if len(set(axes)) != len(axes):
        raise ValueError(f"axis {axis} names an axis twice")
    return axes


def unsupported(name: str, hint: str) -> UnsupportedError:
    """The error for what has no derivative rule."""
    return UnsupportedError(f"{name} of a traced array has no derivative rule in pullback. {hint}")
