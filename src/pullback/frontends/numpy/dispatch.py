"""The dispatch tables: which function of NumPy is which primitive or body.

`functions` maps a NumPy function to ours with the same signature.  A family's file fills it with
`@implements`; a function that is a primitive's own spelling needs no entry of its own there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...backends.libraries import gives_way
from ...backends.numpy import backend
from ...core import box_types, detached, holds_boxes
from ...errors import UnsupportedError
from ..table import Table
from .batched import form, refusal

# What NumPy's signatures have where None means something.
NO_VALUE: Any = np._NoValue  # noqa: SLF001


class _Functions(Table):
    """A table that also knows what stands in for NumPy's functions while a transform runs."""

    def __missing__(self, function: Any) -> Callable[..., Any]:
        if not hasattr(function, "__wrapped__"):
            raise KeyError(function)
        return self[function.__wrapped__]


def name_of(numpy_function: Any) -> str:
    """`np.linalg.inv` as a user writes it."""
    module = (getattr(numpy_function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    return f"{module}.{numpy_function.__name__}"


# NumPy function -> ours.
functions = _Functions(name_of)
implements = functions.implements
# NumPy ufunc -> what applies it to boxes (`ufunc(*args)`).
ufuncs: dict[Any, Callable[..., Any]] = {}
# (NumPy ufunc, method) -> ours, for `reduce`, `accumulate` and the others.
ufunc_methods: dict[tuple[Any, str], Callable[..., Any]] = {}
# What an operator's dunder is called -> the ufunc that it is.
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
COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
OPERATORS = BINARY | COMPARISONS
# Those of `functions` that write into an argument, whether or not they are given `out=`.
writers: set[Any] = set()
# Those of `functions` whose derivative is zero by declaration: the sweep asks no sample of them.
constants: set[Any] = set()


def constant(*numpy_functions: Any, batched: Callable[..., Any] | None = None) -> None:
    """These functions have derivative zero: on boxes they see the values and give plain arrays.

    Under `vmap`, `batched` does their work in functions that batch; without it they are refused.
    """

    def make(numpy_function: Any) -> Callable[..., Any]:
        def on_values(*args: Any, **kwargs: Any) -> Any:
            args, kwargs = plain(args), plain(kwargs)
            if not holds_boxes([*args, *kwargs.values()]):
                return numpy_function(*args, **kwargs)
            if batched is None:
                raise refusal(
                    f"{name_of(numpy_function)} of a batched value", "Write np.where(mask, x, 0)"
                )
            return batched(*args, **kwargs)

        return on_values

    for numpy_function in numpy_functions:
        implements(numpy_function)(make(numpy_function))
        constants.add(numpy_function)


def of_form(*numpy_functions: Any) -> None:
    """Functions that ask for no more than shapes and dtypes: those of one example under `vmap`."""
    for numpy_function in numpy_functions:

        def on_forms(*args: Any, _function: Any = numpy_function, **kwargs: Any) -> Any:
            return _function(*mapped(form, args), **mapped(form, kwargs))

        constant(numpy_function, batched=on_forms)


def plain(tree: Any) -> Any:
    """`tree` (tuples, lists, dicts) of constants: raw arrays, or batched ones under `vmap`."""
    return mapped(detached, tree)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` (tuples, lists, dicts) with `function` applied to what else is in it."""
    if isinstance(tree, tuple):
        return tuple(mapped(function, item) for item in tree)
    if type(tree) is list:
        return [mapped(function, item) for item in tree]
    if type(tree) is dict:
        return {key: mapped(function, item) for key, item in tree.items()}
    return function(tree)


def is_box(value: Any) -> bool:
    """Is `value` traced by any transform?"""
    return type(value) in box_types


def any_box(values: Iterable[Any]) -> bool:
    """Is any of `values` traced?"""
    return any(type(value) in box_types for value in values)


def as_array(value: Any) -> Any:
    """A box unchanged; (nested) lists as arrays, traced ones where they hold traced values."""
    if type(value) in box_types:
        return value
    gives_way("np.asarray", backend, (value,))
    value = array_of(value)
    return value if type(value) in box_types else np.asarray(value)


def as_operand(value: Any) -> Any:
    """A Python number as it is, so that NumPy gives it the dtype of the others; else an array."""
    return value if isinstance(value, (bool, int, float, complex)) else as_array(value)


def as_dtype(x: Any, dtype: Any) -> Any:
    """`x` in `dtype`: itself where it is already."""
    return x if x.dtype == dtype else x.astype(dtype)


def array_of(value: Any) -> Any:
    """Nested lists that hold traced values as one traced array; anything else unchanged."""
    if type(value) is np.ndarray and value.dtype == object and holds_boxes(value.ravel().tolist()):
        value = value.tolist()
    if not isinstance(value, (list, tuple)) or not holds_boxes(value):
        return value
    return np.stack([as_array(item) for item in value])


def refuse(numpy_function: Any, **options: Any) -> None:
    """Raise if one of `options` was given (is not None or NumPy's no-value)."""
    for option, value in options.items():
        if value is not None and value is not NO_VALUE:
            raise UnsupportedError(
                f"{name_of(numpy_function)} on a traced array does not take {option}= : "
                "it has no derivative there. Leave it out, or compute on stop_gradient(x)."
            )


def unsupported(what: str, hint: str = "") -> UnsupportedError:
    """The error for a function without a derivative rule."""
    return UnsupportedError(
        f"{what} has no derivative rule in pullback. "
        + (hint or "Use functions that have one, or compute it on pullback.stop_gradient(x).")
    )


def lacking(name: str) -> UnsupportedError:
    """The error for a function, or a method of a ufunc, that is in no table."""
    hint = "Use functions that have one, or compute it on pullback.stop_gradient(x)."
    return functions.lacking(name, "numpy", hint)


def normalize_axis(axis: Any, ndim: int) -> int:
    """One axis, counted from the end (so that a leading batch axis changes nothing)."""
    return np.lib.array_utils.normalize_axis_index(axis, ndim) - ndim


def normalize_axes(axis: Any, ndim: int) -> Any:
    """None, or a tuple of axes counted from the end."""
    if axis is None:
        return None
    return tuple(a - ndim for a in np.lib.array_utils.normalize_axis_tuple(axis, ndim))
