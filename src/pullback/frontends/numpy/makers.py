"""NumPy's makers of arrays, as a program sees them while a transform runs.

They give buffers, which can take traced values, and they build arrays of traced values, which
NumPy's own cannot (no protocol hands those calls over).  `wrapped` holds them by NumPy's names.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .batched import example
from .box import backend
from .buffers import as_buffer
from .dispatch import array_of, as_array, constants, functions, holds_boxes, implements, is_box

Maker = Callable[..., Any]

# NumPy's function -> what stands in for it. `np.linalg.norm` and its like are in it too.
wrapped: dict[Any, Maker] = {}


def maker(numpy_function: Any) -> Callable[[Maker], Maker]:
    """Let the decorated function stand in for `numpy_function`, which it gets first."""

    def register(ours: Maker) -> Maker:
        wrapped[numpy_function] = functools.partial(ours, numpy_function)
        return ours

    return register


def _converts(numpy_function: Any) -> None:
    """As `numpy_function`, where lists may hold traced values, and new arrays are buffers."""

    def ours(*args: Any, **kwargs: Any) -> Any:
        args = tuple(map(array_of, args))
        kwargs = {name: array_of(value) for name, value in kwargs.items()}
        return as_buffer(numpy_function(*args, **kwargs), args, kwargs)

    wrapped[numpy_function] = ours


def _takes_lists(numpy_function: Any) -> None:
    """The same for a function of several arrays, each of which may be a list."""

    def ours(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        arrays = [array_of(item) for item in arrays]
        return as_buffer(numpy_function(arrays, *args, **kwargs), arrays)

    wrapped[numpy_function] = ours


# What a program makes from nothing, or from plain arrays

for _function in (
    np.empty,
    np.eye,
    np.fromfunction,
    np.fromstring,
    np.geomspace,
    np.identity,
    np.linspace,
    np.logspace,
    np.ones,
    np.tri,
    np.zeros,
    # Reductions and others that a program calls with a list of numbers.
    np.append,
    np.argmax,
    np.argmin,
    np.argsort,
    np.atleast_1d,
    np.atleast_2d,
    np.average,
    np.broadcast_to,
    np.clip,
    np.copy,
    np.cov,
    np.cross,
    np.cumprod,
    np.cumsum,
    np.diag,
    np.diff,
    np.dot,
    np.empty_like,
    np.full_like,
    np.gradient,
    np.inner,
    np.interp,
    np.kron,
    np.linalg.det,
    np.linalg.eigh,
    np.linalg.eigvalsh,
    np.linalg.inv,
    np.linalg.norm,
    np.linalg.solve,
    np.max,
    np.mean,
    np.median,
    np.meshgrid,
    np.min,
    np.ones_like,
    np.outer,
    np.pad,
    np.percentile,
    np.polyval,
    np.prod,
    np.quantile,
    np.ravel,
    np.repeat,
    np.reshape,
    np.roll,
    np.sort,
    np.squeeze,
    np.std,
    np.sum,
    np.tensordot,
    np.tile,
    np.trace,
    np.transpose,
    np.trapezoid,
    np.tril,
    np.triu,
    np.vander,
    np.var,
    np.vdot,
    np.where,
    np.zeros_like,
):
    _converts(_function)
for _function in (
    np.column_stack,
    np.concatenate,
    np.dstack,
    np.hstack,
    np.stack,
    np.vstack,
):
    _takes_lists(_function)


@maker(np.array)
def array(
    make: Maker,
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Any:
    """`np.array` of anything that may hold traced values."""
    if isinstance(copy, np._CopyMode):  # noqa: SLF001 (SciPy asks by it; it has no truth value)
        copy = None if copy is np._CopyMode.IF_NEEDED else copy is np._CopyMode.ALWAYS  # noqa: SLF001
    x = array_of(object)
    if not is_box(x) or like is not None:
        options: dict[str, Any] = {} if like is None else {"like": like}
        made = make(x, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin, **options)
        return as_buffer(made, object)
    if backend.is_number(x):  # of which NumPy makes an array of no dimensions
        _refuse_if_without(copy)
        x = np.copy(x)
    if x is not object and not example(x).flags.c_contiguous:  # as NumPy makes an array of a list
        x = x.copy("C")
    if dtype is not None and x.dtype != np.dtype(dtype):
        _refuse_if_without(copy)
        x = x.astype(dtype)
    elif copy and x is object:
        x = x.copy(order)
    if not _is_laid_out(example(x), order):
        _refuse_if_without(copy)
        x = np.copy(x, order)
    return x if x.ndim >= ndmin else x.reshape((1,) * (ndmin - x.ndim) + x.shape)


def _refuse_if_without(copy: bool | None) -> None:
    """NumPy's error, where a copy is to be made."""
    if copy is False:
        raise ValueError("Unable to avoid copy while creating an array as requested.")


def _is_laid_out(array: Any, order: Any) -> bool:
    """Does the memory of `array` lie in this order? If not, a view will not do."""
    if order not in ("C", "F") or not isinstance(array, np.ndarray):
        return True
    return array.flags.c_contiguous if order == "C" else array.flags.f_contiguous


def _as(ndmin: int, order: Any) -> Callable[..., Any]:
    def ours(
        make: Maker,
        a: Any,
        dtype: Any = None,
        order: Any = order,
        *,
        device: Any = None,
        copy: bool | None = None,
        like: Any = None,
    ) -> Any:
        return array(np.array, a, dtype, copy=copy, order=order, ndmin=ndmin, like=like)

    return ours


maker(np.asarray)(_as(0, "K"))
maker(np.asanyarray)(_as(0, "K"))
maker(np.ascontiguousarray)(_as(1, "C"))
maker(np.asfortranarray)(_as(0, "F"))
maker(np.asarray_chkfinite)(_as(0, "K"))


@maker(np.full)
def full(
    make: Maker,
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "C",
    **options: Any,
) -> Any:
    """A new array, filled with a number or array that may be traced."""
    fill = array_of(fill_value)
    if not is_box(fill):
        return as_buffer(make(shape, fill_value, dtype, order, **options))
    result = as_buffer(np.empty(shape, fill.dtype if dtype is None else dtype, order, **options))
    result[...] = fill
    return result


@maker(np.arange)
def arange(
    make: Maker,
    start: Any = None,
    stop: Any = None,
    step: Any = None,
    dtype: Any = None,
    **options: Any,
) -> Any:
    """`start + k * step`: how many there are is read off the values, and is a constant."""
    if start is None and stop is not None:
        start = 0
    if not any(map(is_box, (start, stop, step))):
        args = [value for value in (start, stop, step) if value is not None]
        if start is not None and stop is None and step is not None:
            return as_buffer(make(start, step=step, dtype=dtype, **options))
        return as_buffer(make(*args, dtype=dtype, **options))
    if stop is None:
        start, stop = 0, start
    ends = [as_array(value) for value in (start, stop, 1 if step is None else step)]
    first, last, by = (end.item() for end in ends)
    steps = np.arange(max(0, math.ceil((last - first) / by)))
    kind = np.result_type(*(end.dtype for end in ends)) if dtype is None else np.dtype(dtype)
    return (ends[0] + steps * ends[2]).astype(kind)


@maker(np.fromiter)
def fromiter(make: Maker, iter: Iterable[Any], dtype: Any, count: int = -1, **options: Any) -> Any:
    """The items of an iterable, traced or not."""
    items = [*iter] if count < 0 else [item for item, _ in zip(iter, range(count), strict=False)]
    if not holds_boxes(items):
        return as_buffer(make(items, dtype, count, **options))
    if len(items) < count:
        raise ValueError(f"iterator too short: Expected {count} but iterator had only {len(items)}")
    return array(np.array, items, dtype)


# Functions that call a program's own: their results may be traced where their arguments are not


@maker(np.apply_along_axis)
def apply_along_axis(
    make: Maker, func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """`func1d` of every line."""
    return as_buffer(functions[make](func1d, axis, arr, *args, **kwargs))


@maker(np.apply_over_axes)
def apply_over_axes(make: Maker, func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """`func` along one axis after the other."""
    return as_buffer(functions[make](func, as_array(a), axes), a)


@maker(np.piecewise)
def piecewise(make: Maker, x: Any, condlist: Any, funclist: Any, *args: Any, **kwargs: Any) -> Any:
    """A function for each condition."""
    return functions[make](array_of(x), condlist, funclist, *args, **kwargs)


@maker(np.select)
def select(make: Maker, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The choice of the first condition that holds."""
    return as_buffer(make(condlist, [array_of(choice) for choice in choicelist], default))


# Arrays like another, through NumPy's own protocol


def _like(numpy_function: Any) -> None:
    def ours(a: Any, *args: Any, **kwargs: Any) -> Any:
        return as_buffer(numpy_function(example(a), *args, **kwargs))

    implements(numpy_function)(ours)
    constants.add(numpy_function)


for _function in (np.empty_like, np.ones_like, np.zeros_like):
    _like(_function)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    result = np.empty_like(a, dtype, order, subok, shape)
    result[...] = fill_value
    return result
