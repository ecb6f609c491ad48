"""What adopted code calls in place of what no protocol sees (see `adopt.py`).

`float(x)` leaves a traced `x` as it is, `A.dot(x)` with a plain `A` is `np.dot(A, x)`, and an array
that a function made for itself becomes a buffer.  Where no transform runs, each does what the
program wrote; of a traced value, each gives the value that it gives of the plain one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .batched import one_value
from .buffers import as_buffer, buffers
from .dispatch import array_of, functions, holds_boxes, is_box, writers
from .intercept import explicit, runs

# By the id of what a program calls: that, which keeps the id its own, and what is called instead.
_substitutes: dict[int, tuple[Any, Any]] = {id(f): (f, ours) for f, ours in explicit.items()}


def substitute(called: Any) -> Any:
    """What stands in for a function or type of Python's or NumPy's, or None."""
    found = _substitutes.get(id(called))
    return None if found is None else found[1]


def stands_in_for(original: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have adopted code call the decorated function in place of `original`."""

    def register(ours: Callable[..., Any]) -> Callable[..., Any]:
        _substitutes[id(original)] = (original, ours)
        return ours

    return register


# Numbers: a traced one stays traced, in the type that was asked for


def _is_traced(value: Any) -> bool:
    return is_box(value) and bool(value.tracer.level)


def _scalar(value: Any, dtype: Any) -> Any:
    """A traced array of one element as a number of `dtype`, as `float(x)` takes it."""
    if value.size != 1:
        raise TypeError("only length-1 arrays can be converted to Python scalars")
    if value.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise TypeError(f"{np.dtype(dtype).name}() argument must be real, not complex")
    return value.reshape(()).astype(dtype)


@stands_in_for(float)
def float_(*args: Any) -> Any:
    """`float(x)`: a 0-d array where `x` is traced."""
    return _scalar(*args, float) if len(args) == 1 and _is_traced(args[0]) else float(*args)


@stands_in_for(int)
def int_(*args: Any, **options: Any) -> Any:
    """`int(x)`: a constant, for it is the same for every near value."""
    if len(args) == 1 and _is_traced(args[0]):
        return int(one_value(args[0], "int()"))
    return int(*args, **options)


@stands_in_for(complex)
def complex_(*args: Any, **options: Any) -> Any:
    """`complex(x)` and `complex(re, im)`: a 0-d array where one is traced."""
    parts = [*args, *(options[name] for name in ("real", "imag") if name in options)]
    if not any(map(_is_traced, parts)) or len(parts) > 2:
        return complex(*args, **options)
    if "imag" in options and len(parts) == 1:
        parts.insert(0, 0.0)
    numbers = [_scalar(p, complex) if _is_traced(p) else complex(p) for p in parts]
    return numbers[0] if len(numbers) == 1 else numbers[0] + 1j * numbers[1]


def _scalar_type(kind: type) -> Callable[..., Any]:
    """`np.float64(x)` and its like."""

    @functools.wraps(kind, updated=())
    def convert(*args: Any, **options: Any) -> Any:
        if len(args) != 1 or options or not holds_boxes(args[0]):
            return kind(*args, **options)
        value = array_of(args[0])
        return value.astype(kind)

    return convert


for _kind in {*np.sctypeDict.values()}:
    if issubclass(_kind, np.number):
        stands_in_for(_kind)(_scalar_type(_kind))


# Types: a traced number is of the type that NumPy's scalar would be


def type_of(value: Any) -> type:
    """`type(value)` as the program knows it: without boxes, and without what was adopted."""
    if is_box(value):
        return np.ndarray if value.ndim else value.dtype.type
    return value.__class__ if hasattr(type(value), "__pullback_adopts__") else type(value)


@stands_in_for(type)
def type_(*args: Any, **options: Any) -> Any:
    """`type(x)`, or a new type."""
    return type_of(*args) if len(args) == 1 and not options else type(*args, **options)


@stands_in_for(isinstance)
def isinstance_(value: Any, kinds: Any) -> bool:
    """`isinstance(x, float)` holds for a traced number, as it does for NumPy's own."""
    if isinstance(value, kinds):
        return True
    return is_box(value) and not value.ndim and issubclass(value.dtype.type, kinds)


# Arrays that are plain, of which a traced value is asked, or which one may be written into

# In place, where NumPy's functions of the same names make a new array.
_IN_PLACE = ("partition", "resize", "sort")
# Methods that are NumPy's functions of the same name, with the array first.
_methods = {
    name: functions[function]
    for name, function in vars(np).items()
    if hasattr(np.ndarray, name)
    and name not in _IN_PLACE
    and function in functions
    and function not in writers
}


def array_method(array: np.ndarray[Any, Any], name: str) -> Callable[..., Any]:
    """The method `name` of a plain array."""
    method = getattr(array, name)
    if not runs():
        return method
    if name in ("astype", "copy"):
        return lambda *args, **options: as_buffer(method(*args, **options), array)
    function = _methods.get(name)
    if function is None:
        return method

    def call(*args: Any, **options: Any) -> Any:
        if not any(map(holds_boxes, (*args, *options.values()))):
            return method(*args, **options)
        return function(array, *args, **options)

    return call


def own(value: Any) -> Any:
    """A new array as a buffer, if the caller's expression is all that knows it."""
    if type(value) is not np.ndarray or value.base is not None or value.dtype.kind not in "fc":
        return value
    if sys.getrefcount(value) > _references or not runs():
        return value
    return buffers.box(value)


_references = 0


def calibrate() -> None:
    """Count the references of a new array: how many calls hold one is this Python's."""
    count: list[int] = []

    def look(value: Any) -> None:
        count.append(sys.getrefcount(value))

    look(np.zeros(1) + 0.0)
    globals()["_references"] = count[0]


calibrate()
