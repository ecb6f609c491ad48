"""NumPy's ufuncs: the table from ufunc to primitive, and the options and methods of ufuncs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...backends.numpy import backend
from ...backends.numpy.index import compact, places
from ...core import detached, raw
from ...errors import UnsupportedError
from ...mutate import boxes_of
from ...ops import elementwise as ops
from ...ops import reduce as reductions
from ...ops.declare import registry
from ...ops.index import scatter_add
from ...recorders import on_values, recorder
from .batched import form, one_value
from .box import define, install_operators, operator_of
from .buffers import as_buffer
from .dispatch import (
    NO_VALUE,
    any_box,
    as_array,
    is_box,
    normalize_axes,
    normalize_axis,
    plain,
    refuse,
    ufunc_methods,
    ufuncs,
    unsupported,
)
from .index import read, static_index, unindex_at
from .mutation import check_traced, write_out

# Ufuncs that are more than one primitive


def _sign(x: Any) -> Any:
    return ops.sign(x) if x.dtype.kind == "c" else as_buffer(ops.real_sign(x))


def _conjugate(x: Any) -> Any:
    return ops.conjugate(x) if x.dtype.kind == "c" else ops.positive(x)


def _float_power(x: Any, y: Any) -> Any:
    """In float64 or more from the start, so that the partials are too."""
    dtype = np.result_type(raw(x), raw(y), np.float64)
    return ops.float_power(_at_least(x, dtype), _at_least(y, dtype))


def _at_least(x: Any, dtype: Any) -> Any:
    return x if not hasattr(x, "dtype") or x.dtype == dtype else x.astype(dtype)


def _modf(x: Any) -> Any:
    return ops.fractional_part(x), np.trunc(x)


def _frexp(x: Any) -> Any:
    exponent = ops.exponent(detached(x))
    return ops.ldexp(x, -exponent), exponent


def _divmod(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y), np.remainder(x, y)


ufuncs.update(
    {
        np.sign: _sign,
        np.conjugate: _conjugate,
        np.float_power: _float_power,
        np.modf: _modf,
        np.frexp: _frexp,
        np.divmod: _divmod,
    }
)


def _fresh(apply: Callable[..., Any]) -> Callable[..., Any]:
    """`apply`, whose results are constants that can take traced values."""
    return lambda *args: as_buffer(apply(*args))


# All others: a primitive named as a ufunc applies it, unless its family says otherwise.
for _name, _primitive in registry.items():
    if isinstance(_ufunc := getattr(np, _name, None), np.ufunc):
        _apply: Any
        if _primitive.kind != "constant":
            _apply = recorder(_primitive, backend)
        elif any(loop.endswith("d") for loop in _ufunc.types):  # floating-point, as np.floor's
            _apply = _fresh(on_values(_primitive, backend))
        else:
            _apply = on_values(_primitive, backend)
        ufuncs.setdefault(_ufunc, _apply)

install_operators()
# NumPy's operator has shortcuts that np.power does not have: the last bit may differ.
_power = recorder(ops.operator_power, backend)
define("__pow__", operator_of(_power))
define("__rpow__", operator_of(_power, reflected=True))


# Options of a call


def _call(
    ufunc: Any,
    *args: Any,
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    signature: Any = None,
    casting: str = "same_kind",
    order: str = "K",
    subok: bool = True,
) -> Any:
    """A ufunc with options. `order` and `subok` say nothing about values: they are ignored."""
    apply = ufuncs.get(ufunc)
    if apply is None:
        raise unsupported(f"np.{ufunc.__name__}")
    if where is not True and out is None:
        raise UnsupportedError(
            f"np.{ufunc.__name__} on a traced array does not take where=, which leaves the other "
            f"elements undefined: write np.where(mask, np.{ufunc.__name__}(...), other)"
        )
    if out is not None and not any_box(out) and _is_constant(ufunc):
        values, mask = plain(args), plain(where)
        if not any_box((*values, mask)):
            options = {"where": mask, "dtype": dtype, "signature": signature}
            return ufunc(*values, out=out, casting=casting, **_given(options))
    converted = _converted(ufunc, args, _signature(ufunc, dtype, signature), casting)
    result = apply(*converted) if any_box(converted) else ufunc(*converted)
    return result if out is None else _write(ufunc, result, out, where, casting)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: option for name, option in options.items() if option is not None}


def _is_constant(ufunc: Any) -> bool:
    primitive = registry.get(ufunc.__name__)
    return primitive is not None and primitive.kind == "constant"


def _write(ufunc: Any, result: Any, out: Any, where: Any = True, casting: str = "same_kind") -> Any:
    """`result` written into the tuple `out`, where `where` is true."""
    results = result if isinstance(result, tuple) else (result,)
    written = tuple(
        target if target is None else _write_one(ufunc, one, target, where, casting)
        for one, target in zip(results, out, strict=True)
    )
    written = tuple(
        one if target is None else target for one, target in zip(results, written, strict=True)
    )
    return written if isinstance(result, tuple) else written[0]


def _write_one(ufunc: Any, result: Any, out: Any, where: Any, casting: str) -> Any:
    if is_box(out):
        if where is not True:
            result = np.where(where, result, out)
        if result.shape != out.shape and len(result.shape) <= len(out.shape):
            with contextlib.suppress(ValueError):  # the error is to be about `out`
                result = np.broadcast_to(result, out.shape)
    return write_out(ufunc, result, out, casting)


def _signature(ufunc: Any, dtype: Any, signature: Any) -> tuple[Any, ...]:
    """A dtype or None for every argument and result."""
    if isinstance(signature, str):
        return tuple(map(np.dtype, signature.replace("->", "")))
    if signature is not None:
        return signature if type(signature) is tuple else (signature,)
    result = None if dtype is None else np.dtype(dtype)
    return (None,) * ufunc.nin + (result,) * ufunc.nout


def _converted(ufunc: Any, args: Any, signature: tuple[Any, ...], casting: str) -> list[Any]:
    """The arguments as NumPy would convert them before its loop."""
    operands: list[Any] = [a if isinstance(a, (int, float, complex)) else as_array(a) for a in args]
    given: list[Any] = [a.dtype if hasattr(a, "dtype") else type(a) for a in operands]
    given = [np.dtype(bool) if kind is bool else kind for kind in given]
    resolved = ufunc.resolve_dtypes(
        (*given, *[None] * ufunc.nout), signature=signature, casting=casting
    )
    if all(asked is None for asked in signature):
        return operands  # NumPy's own choice: the ufunc makes it again
    return [
        a.astype(dtype) if is_box(a) else np.asarray(a, dtype)
        for a, dtype in zip(operands, resolved, strict=False)
    ]


ufunc_methods[None, "__call__"] = _call


# Methods


# Reductions and running reductions with rules of their own; others are followed step by step.
_REDUCTIONS = {
    np.add: reductions.sum,
    np.multiply: reductions.prod,
    np.maximum: reductions.max,
    np.minimum: reductions.min,
    np.fmax: reductions.fmax_reduce,
    np.fmin: reductions.fmin_reduce,
    np.logaddexp: reductions.logsumexp,
    np.logical_and: registry["all"],
    np.logical_or: registry["any"],
}
_RUNNING: dict[Any, Callable[..., Any]] = {
    np.add: np.cumsum,
    np.multiply: np.cumprod,
    np.maximum: reductions.cummax,
    np.minimum: reductions.cummin,
    np.logaddexp: reductions.logcumsumexp,
}


def _reduce(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = True,
) -> Any:
    if out is not None:
        options = {"axis": axis, "dtype": dtype, "keepdims": keepdims}
        options |= {"initial": initial, "where": where}
        return write_out(
            ufunc, ufunc.reduce(array, **options), out[0] if type(out) is tuple else out
        )
    x = array if dtype is None else array.astype(dtype)
    primitive = _REDUCTIONS.get(ufunc)
    if primitive is None:
        refuse(ufunc, initial=initial, where=None if where is True else where)
        return _fold(ufunc, x, axis, keepdims=keepdims)
    given = initial is not NO_VALUE and initial is not None
    if where is not True:
        neutral = initial if ufunc.identity is None else ufunc.identity
        if neutral is NO_VALUE or neutral is None:
            raise ValueError(
                f"reduction operation '{ufunc.__name__}' does not have an identity, so to use a "
                "where mask one has to specify 'initial'"
            )
        x = np.where(where, x, neutral)
    axis = normalize_axes(axis, x.ndim) if x.ndim else None
    result = primitive(x, axis=axis, keepdims=bool(keepdims))
    return ufunc(result, initial) if given else result


def _fold(ufunc: Any, x: Any, axis: Any, *, keepdims: bool) -> Any:
    """Any binary ufunc along an axis, step by step."""
    shape = np.shape(ufunc.reduce(form(x), axis=axis, keepdims=keepdims))  # and NumPy's own errors
    if axis is None or type(axis) is tuple or x.ndim == 0:
        axes = normalize_axes(axis, x.ndim) or range(-x.ndim, 0)
        kept = [a for a in range(-x.ndim, 0) if a not in axes]
        x = np.transpose(x, (*axes, *kept))
        x = x.reshape((-1, *x.shape[len(axes) :]))
        axis = 0
    if not x.size:
        return ufunc.reduce(form(x), axis=axis).reshape(shape)
    *_, last = _steps(ufunc, x, axis)
    return last.reshape(shape)


def _accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    if out is not None:
        return write_out(
            ufunc, ufunc.accumulate(array, axis, dtype), out[0] if type(out) is tuple else out
        )
    x = array if dtype is None else array.astype(dtype)
    ours = _RUNNING.get(ufunc)
    if ours is not None:
        return ours(x, axis=normalize_axis(axis, x.ndim))
    values = ufunc.accumulate(form(x), axis=axis)  # and NumPy's own errors
    if not values.size:
        return values
    return np.stack(list(_steps(ufunc, x, axis)), axis)


def _steps(ufunc: Any, x: Any, axis: int) -> Iterator[Any]:
    """What `ufunc` has made of the elements along `axis`, after each of them."""
    parts = iter(np.moveaxis(x, axis, 0))
    total = next(parts)
    yield total
    for part in parts:
        total = ufunc(total, part)
        yield total


def _reduceat(
    ufunc: Any, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    if out is not None:
        result = ufunc.reduceat(array, indices, axis, dtype)
        return write_out(ufunc, result, out[0] if type(out) is tuple else out)
    x = array if dtype is None else array.astype(dtype)
    starts = np.asarray(one_value(indices, f"np.{ufunc.__name__}.reduceat at indices"))
    ufunc.reduceat(form(x), starts, axis=axis)  # for NumPy's own errors
    x = np.moveaxis(x, axis, 0)
    stops = [*starts[1:].tolist(), len(x)]
    parts = [
        ufunc.reduce(x[start:stop]) if start < stop else x[start]
        for start, stop in zip(starts.tolist(), stops, strict=True)
    ]
    return np.stack(parts, axis)


def _outer(ufunc: Any, a: Any, b: Any, /, **options: Any) -> Any:
    a, b = as_array(a), as_array(b)
    return ufunc(np.reshape(a, a.shape + (1,) * b.ndim), b, **options)


def _at(ufunc: Any, a: Any, indices: Any, *operands: Any) -> None:
    """One element after the other, so that one that is named twice gets both."""
    check_traced(f"np.{ufunc.__name__}.at", a)
    indices = plain(indices)
    if boxes_of(indices):
        named = read(np.arange(a.size).reshape(a.shape), indices)
    else:
        named = places(a.shape, static_index(indices))
    values = [np.broadcast_to(as_array(one), named.shape).reshape(-1) for one in operands]
    named = named.reshape(-1)
    if ufunc in (np.add, np.subtract):
        if is_box(named):
            sums = unindex_at(values[0], (a.size,), named)
            write_out(ufunc, ufunc(a, sums.reshape(a.shape)), a)
        else:
            _add_at(a, named, values[0] if ufunc is np.add else -values[0])
        return
    if is_box(named):  # which are named twice differs from example to example
        for k in range(named.size):
            place = np.unravel_index(named[k], a.shape)
            a[place] = ufunc(a[place], *(one[k] for one in values))
        return
    for turn in _turns(named):
        place = np.unravel_index(named[turn], a.shape) if a.ndim else ()
        part = [one[turn].reshape(a[place].shape) for one in values]
        a[place] = ufunc(a[place], *part)


def _add_at(a: Any, named: Any, values: Any) -> None:
    touched, named = compact(named, a.size)
    part = ... if touched is None else np.unravel_index(touched, a.shape)
    before = a[part]
    after = scatter_add(before.reshape(-1), values, index=named)
    a[part] = after.reshape(before.shape)


def _turns(places: Any) -> Iterator[Any]:
    """Positions in `places`, in groups that have no place twice: all the first times, and so on."""
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    times = np.arange(places.size) - np.repeat(first, np.diff(first, append=places.size))
    for time in range(times.max(initial=-1) + 1):
        yield order[times == time]


def _unless_constant(name: str, ours: Callable[..., Any]) -> Callable[..., Any]:
    def apply(ufunc: Any, *args: Any, **options: Any) -> Any:
        if name != "at" and _is_constant(ufunc) and not any_box(options.get("out") or ()):
            values, chosen = plain(args), plain(options)
            if any_box((*values, *chosen.values())):
                return ours(ufunc, *values, **chosen)
            result = getattr(ufunc, name)(*values, **chosen)
            # A running floor_divide starts with an element itself, which has a derivative.
            if name == "outer" or result.dtype.kind not in "fc":
                return result
        if ufunc not in ufuncs:
            raise unsupported(f"np.{ufunc.__name__}.{name}")
        return ours(ufunc, *args, **options)

    return apply


for _name, _ours in (
    ("reduce", _reduce),
    ("accumulate", _accumulate),
    ("reduceat", _reduceat),
    ("outer", _outer),
    ("at", _at),
):
    ufunc_methods[None, _name] = _unless_constant(_name, _ours)
# What rules and projections call on boxes: the shortest way.
ufunc_methods[np.add, "reduce"] = _reduce
