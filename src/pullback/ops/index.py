"""Indexing: linear maps that read a part of an array, and their transposes."""

from __future__ import annotations

from typing import Any

from ..backends.numpy import xp as _xp
from . import declare


def _branch(cotangent: Any, xp: Any, position: int, condition: Any) -> Any:
    if position == 0:
        return xp.where(condition, cotangent, 0)
    return xp.where(condition, 0, cotangent)


def _added(cotangent: Any, xp: Any, position: int, index: Any) -> Any:
    return cotangent if position == 0 else xp.getitem(cotangent, index=index)


getitem = declare.index(
    "getitem", lambda cotangent, xp, shape, index: xp.unindex(cotangent, shape=shape, index=index)
)
unindex = declare.linear("unindex", lambda cotangent, xp, index: xp.getitem(cotangent, index=index))
scatter_add = declare.linear("scatter_add", _added, arguments="x y", impl=_xp.scatter_add)
# Linear in the two branches together; the condition is a parameter, as an index is.
where = declare.linear("where", _branch, arguments="x y", masks=True, impl=_xp.merge)
