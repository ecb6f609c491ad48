"""Traced values that a function holds without getting them as arguments.

`checkpoint` and the solvers run a function again when the trace that followed such a value has
ended, and under transforms that must know of every input.  So captured values become inputs:
`Inputs` lets a run of the function see a given value wherever its code holds a certain box, and
`Outside` finds the boxes that nothing stands for.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from .core import Box, Lens, box_types, escaped, raw
from .errors import UnsupportedError


class Inputs(Lens):
    """Where the code of this block holds one of the given boxes, it sees the value given for it.

    `met` are the places among the pairs of those that it did hold.
    """

    __slots__ = ("met", "places", "values")

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        pairs = list(pairs)
        self.places = {id(box): place for place, (box, _) in enumerate(pairs)}
        self.values = [value for _, value in pairs]
        self.met: set[int] = set()

    def see(self, value: Any) -> Any:
        """The value given for a box."""
        place = self.places.get(id(value)) if type(value) in box_types else None
        if place is None:
            return super().see(value)
        self.met.add(place)
        return self.values[place]

    def check_write(self, box: Box) -> None:
        """Raise for a box that a value is given for."""
        if id(box) in self.places:
            raise _written()
        super().check_write(box)


class Outside(Lens):
    """A run on plain values, which collects the boxes that reach it from outside in `found`."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[Any] = []

    def see(self, value: Any) -> Any:
        """The plain value of a box from outside."""
        seen = super().see(value)
        if type(seen) not in box_types or not 0 < seen.tracer.level <= self.level:
            return seen
        if seen.tracer.ended:
            raise escaped(seen.tracer)
        if not any(value is box for box in self.found):
            self.found.append(value)
        return raw(seen)

    def check_write(self, box: Box) -> None:
        """Raise for a box from outside."""
        if 0 < box.tracer.level <= self.level:
            raise _written()
        super().check_write(box)


class Captured(Exception):  # noqa: N818  (caught, by `calls.closed_call`, to start again)
    """A run met traced values that are no inputs of it yet."""

    def __init__(self, boxes: list[Any]) -> None:
        super().__init__(
            "the function captured other traced values when it was run again than it did at first"
        )
        self.boxes = boxes


def _written() -> UnsupportedError:
    return UnsupportedError(
        "a function under pullback.checkpoint (or of a solver) wrote into a traced array that it "
        "captured: it is run again later, when the write would happen again. Pass the array as an "
        "argument, and return what was written."
    )


def captured_by(*holders: Any) -> list[Any]:
    """The boxes that these hold, as far as they can be found without running them.

    Looks into closures, default values, `functools.partial`, bound objects and containers.
    """
    boxes: list[Any] = []
    seen: set[int] = set()
    pending: list[Any] = list(holders)
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) in box_types:
            boxes.append(value)
        else:
            pending.extend(_held_by(value))
    return boxes


def _held_by(value: Any) -> list[Any]:
    """What one function or container refers to."""
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    if not callable(value) or isinstance(value, type):
        return []
    held = [
        *(getattr(value, "__defaults__", None) or ()),
        *(getattr(value, "__kwdefaults__", None) or {}).values(),
        getattr(value, "__func__", None),
        getattr(value, "__wrapped__", None),
    ]
    for cell in getattr(value, "__closure__", None) or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    owner = getattr(value, "__self__", None)
    for holder in (owner, value):
        held.extend(getattr(holder, "__dict__", {}).values())
    return held
