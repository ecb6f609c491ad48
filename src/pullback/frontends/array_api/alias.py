"""What may share memory: the standard leaves open whether a view or a copy is made.

A write moves a box on to a new array.  Boxes that may be views of one another share a `Group`,
and one that was made before a write to another of its group is not used again: an error says so,
since in one library it would hold the old values, and in the next the new ones.
"""

from __future__ import annotations

from typing import Any

from ...errors import UnsupportedError
from ...mutate import same


class Group:
    """Boxes that may share memory; how often any of them was written into."""

    __slots__ = ("writes",)

    def __init__(self) -> None:
        self.writes = 0


class Alias:
    """A box's part in a group: how many writes it has seen.

    `base` and `index` say that it was read as `base[index]`.
    """

    __slots__ = ("base", "group", "index", "seen")

    def __init__(self, group: Group, base: Any = None, index: Any = None) -> None:
        self.base = base
        self.index = index
        self.group = group
        self.seen = group.writes

    def refresh(self, _: Any) -> None:
        """Raise if another of the group was written into since."""
        if self.seen != self.group.writes:
            raise UnsupportedError(
                "an array was used after a write into another that may be its view, or that it may "
                "be a view of: the array API standard leaves open which values it has then. Make "
                "a copy before the write, with xp.asarray(x, copy=True), or read the part anew."
            )


def view(base: Any, out: Any, index: Any = None) -> Any:
    """`out`, which is computed from the box `base` (as `base[index]`) and may be a view of it."""
    if not hasattr(out, "tracer") or out is base:
        return out
    if base.alias is None:
        base.alias = Alias(Group())
    out.alias = Alias(base.alias.group, base, index)
    return out


def completes(box: Any, index: Any, value: Any) -> bool:
    """Is `box[index] = value` the second half of `box[index] += ...`, which wrote into `value`?"""
    part = getattr(value, "alias", None)
    if part is None or part.base is not box or not same(part.index, index):
        return False
    return part.seen == part.group.writes == box.alias.seen + 1


def wrote(box: Any) -> None:
    """Note a write into `box`."""
    if box.alias is not None:
        box.alias.group.writes += 1
        box.alias.seen = box.alias.group.writes
