"""Indexing: linear maps that read a part of an array, and their transposes."""

from __future__ import annotations

from . import declare

getitem = declare.index(
    "getitem", lambda cotangent, xp, shape, index: xp.unindex(cotangent, shape=shape, index=index)
)
unindex = declare.linear("unindex", lambda cotangent, xp, index: xp.getitem(cotangent, index=index))
