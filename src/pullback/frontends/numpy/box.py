"""The box that looks like an ndarray: NumPy's protocols, operators and methods.

What can be followed is handed to the dispatch tables; what would silently lose the derivative
raises and says what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...backends.libraries import captured, foreign, gives_way
from ...backends.numpy import NumpyBackend, backend
from ...callers import operation, user_frame, where
from ...core import Box, box_types, is_batched, paused, raw
from ...errors import ConversionError
from ...recorders import is_recorder
from ..traced import Traced
from .batched import one_value, refusal
from .buffers import all_buffers, as_buffer, lend, read_only, reading, run_plain
from .dispatch import (
    BINARY,
    COMPARISONS,
    as_array,
    functions,
    lacking,
    name_of,
    plain,
    ufunc_methods,
    ufuncs,
    unsupported,
)
from .elements import call_of_python, is_of_python


class ArrayBox(Traced, Box):
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
                    if gives_way(name_of(ufunc), backend, args):
                        return NotImplemented
                    args = tuple(a if type(a) in operands else as_array(a) for a in args)
                return apply(*args)
        return _ufunc_with_options(self, ufunc, method, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if self.tracer.level == 0 and all_buffers(args, kwargs):
            return run_plain(function, args, kwargs)
        if gives_way_in(function, args, kwargs):
            return NotImplemented
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

    # What an assignment to an attribute of the array, or asking it for its numbers, means here

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape[self.tracer.lead :]

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise unsupported(
            "x.shape = ..., which changes a traced array under its views,",
            f"Write x = x.reshape({shape}), which NumPy makes a view where it can.",
        )

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        array: Any = self
        return (array[i] for i in range(self.shape[0]))

    @property
    def __jax_array__(self) -> Any:
        raise ConversionError(
            f"a value traced by pullback.{self.tracer.name} was given to a function of JAX, at "
            f"{where()}, but the primals are NumPy arrays or Python numbers: pass JAX arrays, "
            "jnp.asarray(x)"
        )

    def __str__(self) -> str:
        return str(raw(self))

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        return format(one_value(self, f"formatting as {spec!r}"), spec)

    # Ways out: reading a value for a branch is allowed, losing a derivative is not

    def _one_value(self, how: str) -> Any:
        return one_value(self, how)

    def _constant(self, how: str) -> Any:
        return number(self, how)

    @property
    def to_dask_array(self) -> Any:
        """What a function of Dask asks for: that makes the program's results Dask's."""
        raise captured("dask.array")

    def __dask_tokenize__(self) -> Any:
        return self.to_dask_array  # a graph of Dask would take it for a constant

    def item(self, *args: Any) -> Any:
        """The value as a Python number: a constant."""
        return one_value(self, ".item()").item(*args)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers: constants."""
        return one_value(self, ".tolist()").tolist()

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
        return super().__reduce_ex__(protocol)


box_types.add(ArrayBox)
backend.operands.add(ArrayBox)
# What a call of NumPy's often takes, and what is no array of another library's.
_USUAL = frozenset({*backend.operands, type(None), str, type, np.dtype})


def _are_usual(values: Iterable[Any]) -> bool:
    for value in values:
        kind = type(value)
        if kind in _USUAL:
            continue
        if kind not in (tuple, list) or not _USUAL.issuperset(map(type, value)):
            return False
    return True


def gives_way_in(function: Any, args: Any, kwargs: Any) -> bool:
    """`gives_way`, for a call of a function of NumPy's."""
    if _are_usual(args) and (not kwargs or _are_usual(kwargs.values())):
        return False
    others = foreign(backend, (*args, *kwargs.values()))
    return bool(others) and gives_way(name_of(function), backend, others)


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
    return lacking(name)


def _ufunc_with_options(box: Any, ufunc: Any, method: str, args: Any, kwargs: Any) -> Any:
    if kwargs.get("out") is None and method != "at" and all_buffers(args, kwargs):
        return as_buffer(getattr(ufunc, method)(*reading(args), **reading(kwargs)))
    if method == "__call__" and ufunc not in ufuncs and is_of_python(ufunc):
        return call_of_python(ufunc, args, kwargs)
    if gives_way_in(ufunc, args, kwargs):
        return NotImplemented
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


_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def install_operators() -> None:
    """Give `ArrayBox` its operators; called when the ufunc table is full."""
    for name, ufunc in BINARY.items():
        setattr(ArrayBox, f"__{name}__", operator_of(ufunc))
        setattr(ArrayBox, f"__r{name}__", operator_of(ufunc, reflected=True))
    for name, ufunc in COMPARISONS.items():
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
        if (args or kwargs) and gives_way_in(numpy_function, args, kwargs):
            return numpy_function(self, *args, **kwargs)
        return functions[numpy_function](self, *args, **kwargs)

    call.__name__ = name
    call.__doc__ = f"As `{name_of(numpy_function)}` with this array first."
    setattr(ArrayBox, name, call)


def define(name: str, body: Any) -> None:
    """Give `ArrayBox` the attribute `name` (a function, or a property)."""
    setattr(ArrayBox, name, body)


NumpyBackend.box_type = ArrayBox
NumpyBackend.as_array = staticmethod(as_array)

__all__ = ["ArrayBox", "backend", "define", "install_operators", "method", "operator_of", "plain"]
