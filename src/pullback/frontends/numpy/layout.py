"""How results lie in memory, where ours would lie otherwise than NumPy's.

Whether a reshape of an array is a view, which shows later writes, depends on that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import is_batched, raw
from .buffers import leaves_of
from .dispatch import functions, is_box, plain

_FUNCTIONS = (np.compress, np.delete, np.insert, np.partition, np.sort, np.take, np.where)


def follow_layouts() -> None:
    """Let these functions give results that lie in memory as NumPy's do."""
    for function in _FUNCTIONS:
        functions[function] = _laid_out(function, functions[function])


def _laid_out(function: Any, ours: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(ours)
    def call(*args: Any, **kwargs: Any) -> Any:
        out = ours(*args, **kwargs)
        if not is_box(out) or out.ndim < 2 or is_batched(out):
            return out
        boxes = [leaf for leaf in leaves_of((args, kwargs)) if is_box(leaf)]
        if any(box is out for box in boxes) or all(raw(b).flags.c_contiguous for b in boxes):
            return out
        return _like(out, function(*plain(args), **plain(kwargs)))

    return call


def _like(out: Any, theirs: Any) -> Any:
    """`out`, in the order of memory of NumPy's result."""
    if raw(out).strides == theirs.strides:
        return out
    axes = sorted(range(out.ndim), key=lambda axis: -abs(theirs.strides[axis]))
    return out.transpose(axes).copy().transpose(tuple(map(axes.index, range(out.ndim))))
