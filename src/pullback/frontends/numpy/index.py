"""NumPy's signatures: indexing."""

from __future__ import annotations

from typing import Any

from ...ops import index as ops
from .box import define


def _getitem(self: Any, index: Any) -> Any:
    return ops.getitem(self, index=index)

define("__getitem__", _getitem)
