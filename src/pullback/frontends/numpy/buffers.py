"""Buffers: arrays that no transform follows yet, but that a traced value may be written into.

What a program makes for itself while a transform runs (`np.zeros(n)`, to be filled) is a box of
level 0.  NumPy's functions on such boxes alone are NumPy's own, run on the arrays inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...backends.numpy import backend
from ...core import box_types, is_buffer, memory_of, raw
from ...mutate import BufferTrace, Loan
from .dispatch import functions, writers

buffers = BufferTrace(backend)


def leaves_of(tree: Any) -> Iterator[Any]:
    """What stands in nested tuples, lists and dicts."""
    if isinstance(tree, (tuple, list)):
        for item in tree:
            yield from leaves_of(item)
    elif type(tree) is dict:
        yield from leaves_of([*tree.values()])
    else:
        yield tree


def as_buffer(result: Any, *sources: Any) -> Any:
    """`result` with the new arrays of floating-point numbers in it as buffers.

    An array that shares the memory of one in `sources` is somebody else's, and stays as it is.
    """
    if type(result) in (tuple, list):
        return type(result)(as_buffer(item, *sources) for item in result)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*(as_buffer(item, *sources) for item in result))
    if type(result) is not np.ndarray or result.dtype.kind not in "fc":
        return result
    memory = memory_of(result)
    for leaf in leaves_of(sources):
        if type(array := raw(leaf)) is np.ndarray and memory_of(array) is memory:
            return result
    return buffers.box(result)


def all_buffers(*trees: Any) -> bool:
    """Does no transform follow any of the boxes in `trees`?"""
    return all(is_buffer(leaf) for leaf in leaves_of(trees) if type(leaf) in box_types)


def reading(tree: Any) -> Any:
    """`tree` with the buffers in it as read-only arrays, for a call that keeps none of them."""
    if type(tree) in (tuple, list):
        return type(tree)(reading(item) for item in tree)
    if type(tree) is dict:
        return {key: reading(item) for key, item in tree.items()}
    return read_only(tree.value) if is_buffer(tree) else tree


def read_only(array: Any) -> Any:
    """`array`, for code that may not write there, where it could not be followed."""
    view = array.view()
    view.setflags(write=False)
    return view


def lend(array: Any) -> Any:
    """A read-only array on the memory of a buffer, for code that may keep it (see `Loan`)."""
    return np.asarray(Loan(array))


def run_plain(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """`function` of NumPy's on arguments whose boxes are buffers: with new buffers as results.

    Ours takes over where buffers are written into, or the result is a view of one, which must
    know it.
    """
    ours = functions.get(function)
    if ours is not None and function in writers:
        return ours(*args, **kwargs)
    values, options = reading(args), reading(kwargs)
    try:
        out = function(*values, **options)
    except ValueError:  # the arrays are read-only, or the call is wrong
        if ours is None:
            raise
        return ours(*args, **kwargs)
    own = [memory_of(raw(leaf)) for leaf in leaves_of((args, kwargs)) if type(leaf) in box_types]
    if not any(memory_of(leaf) is memory for leaf in leaves_of(out) for memory in own):
        return as_buffer(out, values, options)
    return ours(*args, **kwargs) if ours is not None else _lent(out)


def _lent(out: Any) -> Any:
    if isinstance(out, (tuple, list)):
        return type(out)(map(_lent, out))
    return lend(out) if type(out) is np.ndarray else out
