"""How results lie in memory, where ours would lie otherwise than NumPy's.

Whether a reshape of an array is a view, which shows later writes, depends on that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .batched import example
from .buffers import leaves_of
from .dispatch import functions, is_box, mapped

# Those whose result for arrays in C order is in C order.
_IN_ORDER = (np.compress, np.partition, np.sort, np.take, np.where)
_FUNCTIONS = (*_IN_ORDER, np.delete, np.insert, np.select)


def follow_layouts() -> None:
    """Let these functions give results that lie in memory as NumPy's do."""
    for function in _FUNCTIONS:
        functions[function] = _laid_out(function, functions[function])


def _laid_out(function: Any, ours: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(ours)
    def call(*args: Any, **kwargs: Any) -> Any:
        out = ours(*args, **kwargs)
        if not is_box(out) or out.ndim < 2:
            return out
        boxes = [leaf for leaf in leaves_of((args, kwargs)) if is_box(leaf)]
        if any(box is out for box in boxes):
            return out
        if function in _IN_ORDER and all(map(_in_c_order, (out, *boxes))):
            return out
        return laid_out_as(out, function(*mapped(example, args), **mapped(example, kwargs)))

    return call


def _in_c_order(box: Any) -> bool:
    return example(box).flags.c_contiguous


def laid_out_as(out: Any, theirs: Any) -> Any:
    """`out`, in the order of memory of what NumPy gives for one example."""
    if example(out).strides == theirs.strides:
        return out
    axes = sorted(range(out.ndim), key=lambda axis: -abs(theirs.strides[axis]))
    return out.transpose(axes).copy().transpose(tuple(map(axes.index, range(out.ndim))))
