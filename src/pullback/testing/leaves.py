"""Leaves like another: random ones, and the same in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..backends.numpy import backend


def random_like(leaf: Any, rng: np.random.Generator) -> Any:
    """Numbers in [-1, 1] in the shape and dtype of `leaf`; None where it has no derivative."""
    if not backend.differentiable(leaf):
        return None
    dtype = np.asarray(leaf).dtype
    value = rng.uniform(-1, 1, np.shape(leaf))
    if dtype.kind == "c":
        value = value + 1j * rng.uniform(-1, 1, np.shape(leaf))
    return np.asarray(value, dtype)[()]


def random_tree(like: Any, seed: int) -> Any:
    """A tree of leaves that are `random_like` those of `like`."""
    rng = np.random.default_rng(seed)
    return tree.map_leaves(lambda leaf: random_like(leaf, rng), like)


def is_single(leaf: Any) -> bool:
    """Is this an array or a number of less than double precision?"""
    return getattr(leaf, "dtype", None) in (np.float16, np.float32, np.complex64)


def widened(leaf: Any) -> Any:
    """`leaf` in double precision."""
    if not is_single(leaf):
        return leaf
    return leaf.astype(np.complex128 if leaf.dtype.kind == "c" else np.float64)
