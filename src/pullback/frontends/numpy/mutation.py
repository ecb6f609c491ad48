"""In-place writes with NumPy's meaning: item assignment, augmented assignment, `out=` and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import raw
from ...mutate import write
from .box import define
from .dispatch import is_box
from .index import static_index


def assign(target: Any, index: Any, value: Any) -> None:
    """`target[index] = value` for a traced target."""
    plain = raw(target)
    if type(plain) is not np.ndarray:
        raise TypeError(f"'{type(plain).__name__}' object does not support item assignment")
    if not plain.flags.writeable:
        raise ValueError("assignment destination is read-only")
    index = static_index(index)
    if not is_box(value):
        value = array_of(value)
    if is_box(value):
        value = fit(value, plain[index].shape, plain.dtype)
    write(target, index, value)


def fit(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A traced value in the shape and dtype of what it is written into, by NumPy's rules."""
    if value.dtype != dtype:
        value = value.astype(dtype)
    if value.shape == shape:
        return value
    extra = len(value.shape) - len(shape)
    if extra > 0 and value.shape[:extra] == (1,) * extra:
        value = value.reshape(value.shape[extra:])
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        raise ValueError(
            f"could not broadcast input array from shape {value.shape} into shape {shape}"
        ) from None


def array_of(value: Any) -> Any:
    """Nested lists of numbers and traced values as one array; a traced one if any is traced."""
    if not isinstance(value, (list, tuple)) or not _holds_boxes(value):
        return value
    return np.stack(
        [
            array_of(item)
            if is_box(item)
            else np.asarray(array_of(item))
            if not is_box(array_of(item))
            else array_of(item)
            for item in value
        ]
    )


def _holds_boxes(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_boxes, value))
    return is_box(value)


def store(target: Any, result: Any, casting: str = "same_kind") -> Any:
    """Write a whole `result` into `target` as a ufunc does into `out=`, and return `target`."""
    if result.shape != target.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {target.shape} doesn't match the "
            f"broadcast shape {result.shape}"
        )
    if not np.can_cast(result.dtype, target.dtype, casting):
        raise TypeError(
            f"cannot cast the result from {result.dtype} to {target.dtype} with casting rule "
            f"'{casting}'"
        )
    assign(target, ..., result)
    return target


def _in_place(ufunc: Any) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Any) -> Any:
        result = ufunc(self, other)
        # NumPy's scalars are immutable: `s += 1` gives the name `s` a new value.
        return store(self, result) if type(raw(self)) is np.ndarray else result

    return operate


_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
}
for _name, _ufunc in _OPERATORS.items():
    define(f"__i{_name}__", _in_place(_ufunc))
define("__setitem__", assign)


def _fill(self: Any, value: Any) -> None:
    """Fill the array with one value."""
    assign(self, ..., value)


define("fill", _fill)
