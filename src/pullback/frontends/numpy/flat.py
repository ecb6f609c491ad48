"""`x.flat` of a traced array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .box import define
from .mutation import refuse_overlap


class Flat:
    """`x.flat` of a traced array: its elements in C order."""

    __slots__ = ("base",)

    def __init__(self, base: Any) -> None:
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        flat = self.base.reshape(-1)
        return (flat[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        part = self.base.reshape(-1)[index]
        return part.copy() if isinstance(part, np.ndarray) and part.ndim else part

    def __setitem__(self, index: Any, value: Any) -> None:
        refuse_overlap("x.flat[i] = v", self.base, value)
        np.put(self.base, np.arange(len(self))[index], value)

    def copy(self) -> Any:
        """The elements as an array of one axis."""
        return self.base.flatten()


def _write_flat(self: Any, value: Any) -> None:
    Flat(self)[:] = value


define("flat", property(Flat, _write_flat, doc="The elements in C order, to read and to write."))
