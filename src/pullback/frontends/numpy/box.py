"""The box that looks like an ndarray: NumPy's protocols, operators and methods.

What can be followed is handed to the dispatch tables; what would silently lose the derivative
raises and says what to write instead.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...backends import check_captured
from ...backends.numpy import NumpyBackend, backend
from ...callers import operation, user_frame, where
from ...core import Box, box_types, is_batched, paused, raw
from ...errors import ConversionError
from ...recorders import is_recorder
from .batched import one_value, refusal
from .buffers import all_buffers, as_buffer, lend, read_only, reading, run_plain
from .dispatch import as_array, functions, name_of, plain, ufunc_methods, ufuncs, unsupported
from .elements import call_of_python, is_of_python


class ArrayBox(Box):
    """A traced NumPy array. To user code it is an ndarray, `isinstance` included."""

    __slots__ = ()
    __array_priority__ = 1000.0

    @property
    def __class__(self) -> type:
        return np.ndarray

    @__class__.setter
    def __class__(self, cls: type) -> None:
        raise TypeError("the class of a traced array cannot be changed")

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            apply = ufuncs.get(ufunc)
            if apply is not None:
                if len(args) == 1:
                    return apply(self)
                operands = backend.operands
                if not operands.issuperset(map(type, args)):
                    if _has_other_boxes(map(type, args)):
                        return NotImplemented
                    args = tuple(a if type(a) in operands else as_array(a) for a in args)
                return apply(*args)
        return _ufunc_with_options(self, ufunc, method, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if self.tracer.level == 0 and all_buffers(args, kwargs):
            return run_plain(function, args, kwargs)
        if len(types) > 1:
            if _has_other_boxes(types):
                return NotImplemented
            check_captured(types)
        ours = functions.get(function)
        if ours is None:
            raise _without_rule(self, name_of(function))
        return ours(*args, **kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        constant = as_constant(self, "a plain array")
        if constant is None:
            raise plain_array_refused(self)
        array = read_only(np.asarray(constant)) if self.tracer.level else lend(constant)
        if dtype is not None:
            array = array.astype(dtype, copy=False)
        return array.copy() if copy else array

    # What the array is: under `vmap`, one example's

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape[self.tracer.lead :]

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise unsupported(
            "x.shape = ..., which changes a traced array under its views,",
            f"Write x = x.reshape({shape}), which NumPy makes a view where it can.",
        )

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def ndim(self) -> int:
        return self.value.ndim - self.tracer.lead

    @property
    def size(self) -> int:
        return math.prod(self.shape) if self.tracer.lead else self.value.size

    @property
    def itemsize(self) -> int:
        return self.value.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        array: Any = self
        return (array[i] for i in range(self.shape[0]))

    @property
    def __jax_array__(self) -> Any:
        raise ConversionError(
            f"a value traced by pullback.{self.tracer.name} was given to a function of JAX, but "
            "the primals are NumPy arrays or Python numbers: pass JAX arrays, jnp.asarray(x)"
        )

    def __repr__(self) -> str:
        if not self.tracer.level:
            return repr(self.value)
        return f"Traced<{self.tracer.name}, level {self.tracer.level}>({raw(self)!r})"

    def __str__(self) -> str:
        return str(raw(self))

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        return format(one_value(self, f"formatting as {spec!r}"), spec)

    __hash__: Any = None

    # Ways out: reading a value for a branch is allowed, losing a derivative is not

    def __bool__(self) -> bool:
        return bool(one_value(self, "bool()"))

    @property
    def to_dask_array(self) -> Any:
        """What a function of Dask asks for: that makes the program's results Dask's."""
        check_captured((sys.modules["dask.array"].Array,))

    def __dask_tokenize__(self) -> Any:
        return self.to_dask_array  # a graph of Dask would take it for a constant

    def item(self, *args: Any) -> Any:
        """The value as a Python number: a constant."""
        return one_value(self, ".item()").item(*args)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers: constants."""
        return one_value(self, ".tolist()").tolist()

    def __float__(self) -> float:
        return float(number(self, "float()"))

    def __int__(self) -> int:
        return int(number(self, "int()"))

    def __complex__(self) -> complex:
        return complex(number(self, "complex()"))

    def __index__(self) -> int:
        return operator.index(number(self, "use as an index"))

    def __copy__(self) -> Any:
        return np.positive(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.positive(self)

    def __round__(self, ndigits: int | None = None) -> Any:
        return np.round(self, ndigits or 0)

    def __divmod__(self, other: Any) -> Any:
        return np.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return np.divmod(other, self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.tracer.level:
            return self.value.__reduce_ex__(protocol)
        raise ConversionError(
            f"a value traced by pullback.{self.tracer.name} cannot be pickled; return it from the "
            "function, or send pullback.stop_gradient(x)"
        )


def _has_other_boxes(types: Iterable[type]) -> bool:
    """Is one of these the box of another library, which knows what to do with NumPy's?"""
    return any(kind in box_types and kind is not ArrayBox for kind in types)


def as_constant(box: Any, how: str) -> Any:
    """The array in `box` where no derivative is lost with it, or None."""
    if box.alias is not None:
        box.alias.refresh(box)
    one_value(box, how)
    value = paused(box)
    return None if type(value) in box_types and value.tracer.level else raw(value)


def number(box: Any, how: str) -> Any:
    """The number in `box`, or an error if its derivative would be lost."""
    constant = as_constant(box, how)
    if constant is None:
        raise ConversionError(
            f"{how} of a value traced by pullback.{box.tracer.name} would lose its derivative, "
            f"at {where()}. Use the value itself and NumPy's functions; for a "
            "constant write x.item(). In a function that cannot be edited, pullback.adopt(func) "
            "makes float(x) leave x as it is."
        )
    return constant


def plain_array_refused(box: Any) -> ConversionError:
    """The error for a traced array that C code wants as plain memory."""
    frame = user_frame()
    write = frame is not None and operation(frame)[0] == "STORE_SUBSCR"
    if write:
        advice = (
            "It was written into a plain array, which cannot follow it. Make that array anew "
            "inside the function: np.array(a), np.copy(a) (a.copy() cannot be seen) or np.zeros(n)."
        )
    else:
        advice = (
            "Write A @ x for A.dot(x), and NumPy's functions by their own names (np.array, not "
            "a name imported from numpy before); for a function that needs plain arrays pass "
            "pullback.stop_gradient(x), if its derivative is not wanted."
        )
    return ConversionError(
        f"a value traced by pullback.{box.tracer.name} cannot become a plain array, where its "
        f"derivative would be lost, at {where(frame)}. {advice} In a function that cannot be "
        "edited, pullback.adopt(func) does that."
    )


def _without_rule(box: Any, name: str) -> Exception:
    if is_batched(box):
        return refusal(f"{name} has no batching rule", "Use functions that have one")
    return unsupported(name)


def _ufunc_with_options(box: Any, ufunc: Any, method: str, args: Any, kwargs: Any) -> Any:
    if kwargs.get("out") is None and method != "at" and all_buffers(args, kwargs):
        return as_buffer(getattr(ufunc, method)(*reading(args), **reading(kwargs)))
    if method == "__call__" and ufunc not in ufuncs and is_of_python(ufunc):
        return call_of_python(ufunc, args, kwargs)
    ours = ufunc_methods.get((ufunc, method))
    if ours is None:
        ours = ufunc_methods.get((None, method))
    if ours is None:
        name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        raise _without_rule(box, name)
    return ours(ufunc, *args, **kwargs)


def operator_of(ufunc: Any, *, reflected: bool = False) -> Callable[[Any, Any], Any]:
    """A dunder that calls what the table has for `ufunc`, which saves NumPy's own dispatch."""
    apply: Any = ufuncs.get(ufunc, ufunc)
    operands = backend.operands

    def operate(self: Any, other: Any) -> Any:
        if type(other) not in operands:
            return backend.convert(apply, self, other)
        return apply(self, other)

    def operate_reflected(self: Any, other: Any) -> Any:
        if type(other) not in operands:
            return backend.convert(apply, other, self)
        return apply(other, self)

    if reflected:
        return operate_reflected
    return apply if is_recorder(apply) else operate


BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def install_operators() -> None:
    """Give `ArrayBox` its operators; called when the ufunc table is full."""
    for name, ufunc in BINARY.items():
        setattr(ArrayBox, f"__{name}__", operator_of(ufunc))
        setattr(ArrayBox, f"__r{name}__", operator_of(ufunc, reflected=True))
    for name, ufunc in _COMPARISONS.items():
        setattr(ArrayBox, f"__{name}__", operator_of(ufunc))
    for name, ufunc in _UNARY.items():
        setattr(ArrayBox, f"__{name}__", _unary(ufunc))


def _unary(ufunc: Any) -> Callable[[Any], Any]:
    def operate(self: Any) -> Any:
        return ufunc(self)

    return operate


def method(name: str, numpy_function: Any) -> None:
    """Give `ArrayBox` the method `name`: `numpy_function` with the array first."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return functions[numpy_function](self, *args, **kwargs)

    call.__name__ = name
    call.__doc__ = f"As `{name_of(numpy_function)}` with this array first."
    setattr(ArrayBox, name, call)


def define(name: str, body: Any) -> None:
    """Give `ArrayBox` the attribute `name` (a function, or a property)."""
    setattr(ArrayBox, name, body)


box_types.add(ArrayBox)
NumpyBackend.box_type = ArrayBox
NumpyBackend.as_array = staticmethod(as_array)
backend.operands.add(ArrayBox)

__all__ = ["ArrayBox", "backend", "define", "install_operators", "method", "operator_of", "plain"]
