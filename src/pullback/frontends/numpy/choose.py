"""NumPy's signatures: choosing between arrays, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import detached, raw
from ...ops import index as ops
from .batched import one_value
from .box import method
from .dispatch import as_array, as_dtype, as_operand, implements, is_box, refuse
from .take import as_number, whole


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None and y is None:
        return np.where(one_value(condition, "np.where of a condition alone"))
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    condition = as_array(detached(condition))
    condition = condition.astype(bool)  # a copy: the tape holds it
    if not (is_box(condition) or is_box(x) or is_box(y)):
        return np.where(condition, x, y)
    return ops.where(condition, as_operand(x), as_operand(y))


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    conditions = [as_array(detached(condition)) for condition in condlist]
    if len(conditions) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not conditions:
        raise ValueError("select with an empty condition list is not possible")
    for i, condition in enumerate(conditions):
        if condition.dtype != bool:
            raise TypeError(f"invalid entry {i} in condlist: should be boolean ndarray")
    choices = [as_operand(choice) for choice in (*choicelist, default)]
    dtype = np.result_type(*map(raw, choices))
    shape = np.broadcast_shapes(*(np.shape(item) for item in (*conditions, *choices)))
    result = choices.pop()
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return _fit(as_array(result), shape, dtype)


def _fit(x: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    x = as_dtype(x, dtype)
    return x if x.shape == shape else np.broadcast_to(x, shape)


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    refuse(np.choose, out=out)
    options = [as_operand(choice) for choice in choices]
    chosen = whole(np.choose, a) if is_box(a) else np.asarray(a)
    dtype = np.result_type(*map(raw, options))
    shape = np.broadcast_shapes(chosen.shape, *map(np.shape, options))
    # NumPy's own call reads the positions, and raises what it raises.
    number = _on_raw(lambda a: np.choose(a, list(range(len(options))), mode=mode), chosen)
    result = options[0]
    for i, option in enumerate(options[1:], 1):
        result = np.where(number == i, option, result)
    if len(options) == 1:
        result = +as_array(result)  # never the choice itself
    return as_number(_fit(as_array(result), shape, dtype))


def _on_raw(function: Any, x: Any) -> Any:
    """An elementwise `function` of a constant `x`, batched or not."""
    return x.tracer.box(_on_raw(function, x.value)) if is_box(x) else function(x)


method("choose", np.choose)
