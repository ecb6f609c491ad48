"""Reading values where they decide something: what `vmap` can allow of it, and what it refuses.

Under `vmap` a traced value stands for one value an example. A branch, a shape or a Python number
is the same for all of them, so it cannot come from values that differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...callers import where
from ...core import batch_axes, is_batched, raw
from ...errors import BatchingError


def refusal(what: str, instead: str) -> BatchingError:
    """The error for `what`, which needs one value where there is one an example."""
    return BatchingError(
        f"pullback.vmap: {what} at {where()}: under vmap the value is another for each example. "
        f"{instead}, or run the function example by example, with vmap(..., fallback='loop')."
    )


def one_value(value: Any, how: str) -> Any:
    """The raw array behind `value`, or an error where there is one an example."""
    if is_batched(value):
        instead = "Write np.where(condition, x, y) for a branch"
        if how in ("use as an index", "a plain array"):
            instead = (
                "To read a plain array at batched indices, pass it to the function as an argument "
                "with in_dims None; to build an array, write np.stack or np.concatenate"
            )
        if how.startswith("formatting"):
            instead = "Print the value itself, which shows the whole batch"
        raise refusal(f"{how} of a batched value", instead)
    return raw(value)


def agreed(condition: Any, what: str) -> Any:
    """A number that decides a shape or a branch, if it is the same for every example."""
    values = raw(condition)
    if not is_batched(condition):
        return values
    if values.size and (values != values.flat[0]).any():
        raise refusal(f"{what} depends on values", "Write np.where(mask, x, 0)")
    return values.flat[0] if values.size else values.dtype.type(0)


def form(value: Any) -> Any:
    """An array with the shape and dtype of `value` (one example's), for what asks no more."""
    if is_batched(value):
        return np.broadcast_to(np.zeros((), value.dtype), value.shape)
    return raw(value)


def example(value: Any) -> Any:
    """The raw array of the first example of `value`, as it lies in memory.

    Of an empty batch that is an array of zeros in NumPy's usual order.
    """
    array, lead = raw(value), batch_axes(value)
    if not lead:
        return array
    return array[(0,) * lead] if all(array.shape[:lead]) else np.zeros(value.shape, value.dtype)
