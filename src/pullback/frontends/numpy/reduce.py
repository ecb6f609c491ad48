"""NumPy's signatures: reductions and cumulative functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backends.numpy.reduce import reduced_count
from ...core import detached, is_batched, raw
from ...ops import reduce as ops
from ...ops.declare import registry
from ...recorders import reduction_recorder
from .batched import form
from .box import backend, define
from .dispatch import (
    NO_VALUE,
    as_array,
    constant,
    functions,
    implements,
    normalize_axes,
    normalize_axis,
    refuse,
)


def _axes(axis: Any, ndim: int) -> tuple[int, ...] | None:
    """None, or a tuple of negative axes."""
    if axis is None:
        return None
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis if axis < 0 else axis - ndim,)
    return normalize_axes(axis, ndim)


def _ufunc_axes(axis: Any, ndim: int) -> tuple[int, ...] | None:
    """The same for a ufunc's reduction, which lets a 0-d array have an axis 0."""
    if ndim == 0 and type(axis) is int and axis in (0, -1):
        return ()
    return _axes(axis, ndim)


def _flag(keepdims: Any) -> bool:
    return keepdims is not NO_VALUE and bool(keepdims)


def _everywhere(where: Any) -> bool:
    return where is NO_VALUE or where is True


def _cast(a: Any, dtype: Any) -> Any:
    """`a` in the `dtype` that is computed in."""
    a = as_array(a)
    return a if dtype is None or a.dtype == dtype else a.astype(dtype)


def _narrowed(result: Any, dtype: Any) -> Any:
    """`result` in the `dtype` that was asked for: small integers are computed with in large."""
    return result if dtype is None or result.dtype == dtype else result.astype(dtype)


def _cast_moment(numpy_function: Any, a: Any, dtype: Any) -> Any:
    """The same for a moment, where another kind of number would mean another function."""
    if dtype is not None and np.dtype(dtype).kind != a.dtype.kind:
        refuse(numpy_function, dtype=dtype)
    return _cast(a, dtype)


# Sums and products


def _additive(numpy_function: Any, primitive: Any, neutral: float, combine: Any) -> Any:
    """`np.sum` or `np.prod`, from the primitive that does the plain case."""

    def reduction(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = NO_VALUE,
        initial: Any = NO_VALUE,
        where: Any = NO_VALUE,
    ) -> Any:
        if out is not None:
            refuse(numpy_function, out=out)
        if dtype is not None:
            a = _cast(a, dtype)
        if where is not NO_VALUE and where is not True:
            a = np.where(where, a, a.dtype.type(neutral))
        axis = _ufunc_axes(axis, a.ndim)
        result = primitive(a, axis=axis, keepdims=keepdims is not NO_VALUE and bool(keepdims))
        result = result if initial is NO_VALUE or initial is None else combine(result, initial)
        return _narrowed(result, dtype)

    return reduction


sum_ = implements(np.sum)(_additive(np.sum, reduction_recorder(ops.sum, backend), 0, np.add))
prod = implements(np.prod)(_additive(np.prod, ops.prod, 1, np.multiply))


def _without_nans(a: Any, value: float) -> Any:
    a = as_array(a)
    return np.where(np.isnan(a), a.dtype.type(value), a)


@implements(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    return sum_(_without_nans(a, 0), axis, dtype, out, keepdims, initial, where)


@implements(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    return prod(_without_nans(a, 1), axis, dtype, out, keepdims, initial, where)


# Moments


@implements(np.mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
) -> Any:
    if out is not None:
        refuse(np.mean, out=out)
    if dtype is not None:
        a = _cast_moment(np.mean, a, dtype)
    if not _everywhere(where):
        return _mean_where(a, axis, where, keepdims=_flag(keepdims))
    return ops.mean(
        a, axis=_axes(axis, a.ndim), keepdims=keepdims is not NO_VALUE and bool(keepdims)
    )


def _real_dtype(a: Any) -> Any:
    return raw(a).real.dtype


def _count(shape: tuple[int, ...], axis: Any, where: Any, dtype: Any, *, keepdims: bool) -> Any:
    """How many elements of each reduction are taken, in the real `dtype`."""
    taken = np.broadcast_to(detached(where), shape)
    return np.add.reduce(taken, axis=_ufunc_axes(axis, len(shape)), keepdims=keepdims, dtype=dtype)


def _mean_where(a: Any, axis: Any, where: Any, *, keepdims: bool) -> Any:
    total = sum_(a, axis, keepdims=keepdims, where=where)
    return total / _count(a.shape, axis, where, _real_dtype(a), keepdims=keepdims)


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    refuse(np.var, out=out)
    ddof = _ddof(ddof, correction)
    a = _cast_moment(np.var, a, dtype)
    if _everywhere(where) and mean is NO_VALUE:
        return ops.var(a, axis=_axes(axis, a.ndim), keepdims=_flag(keepdims), ddof=ddof)
    where = True if where is NO_VALUE else where
    return _var_where(a, axis, ddof, where, mean, keepdims=_flag(keepdims))


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    refuse(np.std, out=out)
    ddof = _ddof(ddof, correction)
    a = _cast_moment(np.std, a, dtype)
    if _everywhere(where) and mean is NO_VALUE:
        return ops.std(a, axis=_axes(axis, a.ndim), keepdims=_flag(keepdims), ddof=ddof)
    where = True if where is NO_VALUE else where
    return _root(_var_where(a, axis, ddof, where, mean, keepdims=_flag(keepdims)))


def _ddof(ddof: Any, correction: Any) -> Any:
    if correction is NO_VALUE:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


def _var_where(a: Any, axis: Any, ddof: Any, where: Any, mean: Any, *, keepdims: bool) -> Any:
    if mean is NO_VALUE:
        mean = _mean_where(a, axis, where, keepdims=True)
    centred = np.where(where, a - mean, a.dtype.type(0))
    squares = (centred * centred.conj()).real if a.dtype.kind == "c" else centred * centred
    count = _count(a.shape, axis, where, _real_dtype(a), keepdims=keepdims)
    return sum_(squares, axis, keepdims=keepdims) / np.maximum(count - ddof, 0)


def _root(variance: Any) -> Any:
    """The square root, with the subgradient zero at zero."""
    return np.where(variance == 0, variance.dtype.type(0), np.sqrt(variance))[()]


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = True,
) -> Any:
    where = detached(where) & ~np.isnan(a)
    return mean(a, axis, dtype, out, keepdims, where=where)


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = True,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    refuse(np.nanvar, out=out)
    a = _cast_moment(np.nanvar, a, dtype)
    where = detached(where) & ~np.isnan(a)
    ddof = _ddof(ddof, correction)
    variance = _var_where(a, axis, ddof, where, mean, keepdims=_flag(keepdims))
    freedom = _count(a.shape, axis, where, _real_dtype(a), keepdims=_flag(keepdims)) - ddof
    return np.where(freedom <= 0, variance.dtype.type(np.nan), variance)[()]


@implements(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = True,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    refuse(np.nanstd, out=out)
    options = {"where": where, "mean": mean, "correction": correction}
    return _root(nanvar(a, axis, dtype, None, ddof, keepdims, **options))


# Extremes


def _extreme(numpy_function: Any, primitive: Any, last: float, combine: Any) -> Any:
    """`np.max` or `np.min`; `last` is what any other element comes before."""

    def reduction(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = NO_VALUE,
        initial: Any = NO_VALUE,
        where: Any = NO_VALUE,
    ) -> Any:
        if out is not None:
            refuse(numpy_function, out=out)
        has_initial = initial is not NO_VALUE and initial is not None
        if not _everywhere(where):
            if not has_initial:
                raise ValueError(
                    f"{numpy_function.__name__} has no identity, so where= needs initial="
                )
            if a.dtype.kind == "c":
                refuse(numpy_function, where=where)
            a = np.where(where, a, a.dtype.type(last))
        axes = _ufunc_axes(axis, a.ndim)
        if reduced_count(a.shape, axes) == 0:
            # There is no element to follow.  Without `initial` it is NumPy's to raise.
            options = {"initial": initial} if has_initial else {}
            return numpy_function(form(a), axis=axes, keepdims=_flag(keepdims), **options)
        result = primitive(a, axis=axes, keepdims=keepdims is not NO_VALUE and bool(keepdims))
        return combine(result, initial) if has_initial else result

    return reduction


max_ = _extreme(np.max, ops.max, -np.inf, np.maximum)
min_ = _extreme(np.min, ops.min, np.inf, np.minimum)
for _function in {np.max, np.amax}:
    implements(_function)(max_)
for _function in {np.min, np.amin}:
    implements(_function)(min_)
implements(np.nanmax)(_extreme(np.nanmax, ops.fmax_reduce, -np.inf, np.fmax))
implements(np.nanmin)(_extreme(np.nanmin, ops.fmin_reduce, np.inf, np.fmin))


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE) -> Any:
    refuse(np.ptp, out=out)
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


def _counting(numpy_function: Any, neutral: Any = None) -> Any:
    """`np.any` and its kin of a batched array; `neutral` is what changes nothing."""
    primitive = registry[numpy_function.__name__]

    def reduction(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = NO_VALUE,
        *,
        where: Any = NO_VALUE,
    ) -> Any:
        refuse(numpy_function, out=out)
        if not _everywhere(where):
            a = np.where(where, a, neutral)
        return primitive(a, axis=_ufunc_axes(axis, a.ndim), keepdims=_flag(keepdims))

    return reduction


def _arg_extreme(numpy_function: Any) -> Any:
    """`np.argmax` and its kin of a batched array."""
    primitive = registry[numpy_function.__name__]

    def reduction(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
        refuse(numpy_function, out=out)
        if axis is not None:
            axis = normalize_axis(axis, a.ndim)
            return primitive(a, axis=axis, keepdims=_flag(keepdims))
        found = primitive(a.reshape(-1), axis=-1, keepdims=False)
        return found.reshape((1,) * a.ndim) if _flag(keepdims) else found

    return reduction


constant(np.all, batched=_counting(np.all, neutral=True))
constant(np.any, batched=_counting(np.any, neutral=False))
constant(
    np.count_nonzero,
    batched=lambda a, axis=None, *, keepdims=False: _counting(np.count_nonzero)(
        a, axis, keepdims=keepdims
    ),
)
for _function in (np.argmax, np.argmin, np.nanargmax, np.nanargmin):
    constant(_function, batched=_arg_extreme(_function))


# Cumulative functions


def _line(a: Any, axis: Any) -> tuple[Any, int]:
    """The array and the axis that a cumulative function goes along."""
    if axis is None:
        return (a if a.ndim == 1 else a.reshape(-1)), -1
    if a.ndim == 0 and axis in (0, -1):
        return a.reshape(-1), -1
    return a, normalize_axis(axis, a.ndim)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    refuse(np.cumsum, out=out)
    a, axis = _line(_cast(a, dtype), axis)
    return _narrowed(ops.cumsum(a, axis=axis, reverse=False), dtype)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    refuse(np.cumprod, out=out)
    a, axis = _line(_cast(a, dtype), axis)
    return _narrowed(ops.cumprod(a, axis=axis), dtype)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return cumsum(_without_nans(a, 0), axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return cumprod(_without_nans(a, 1), axis, dtype, out)


def _cumulative(numpy_function: Any, ours: Callable[..., Any], start: float) -> Any:
    """The array API's `cumulative_sum` or `cumulative_prod`."""

    def cumulative(
        x: Any,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        refuse(numpy_function, out=out)
        x = np.atleast_1d(x)
        if axis is None and x.ndim != 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` is required.")
        axis = -1 if axis is None else axis
        result = ours(x, axis, dtype)
        if not include_initial:
            return result
        shape = list(result.shape)
        shape[axis] = 1
        return np.concatenate([np.full(shape, start, result.dtype), result], axis=axis)

    return cumulative


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    implements(np.cumulative_sum)(_cumulative(np.cumulative_sum, cumsum, 0))
    implements(np.cumulative_prod)(_cumulative(np.cumulative_prod, cumprod, 1))


# Methods have the signatures of the functions.

define("sum", sum_)
define("prod", prod)
define("mean", mean)
define("var", var)
define("std", std)
define("max", max_)
define("min", min_)
define("cumsum", cumsum)
define("cumprod", cumprod)


def _constant_method(name: str) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_batched(self):
            return functions[getattr(np, name)](self, *args, **kwargs)
        return getattr(raw(self), name)(*args, **kwargs)

    call.__name__ = name
    call.__doc__ = f"As `ndarray.{name}`: a constant."
    return call


for _name in ("argmax", "argmin", "any", "all"):
    define(_name, _constant_method(_name))
