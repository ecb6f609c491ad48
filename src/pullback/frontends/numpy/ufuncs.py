"""NumPy's ufuncs: the table from ufunc to primitive, their options and methods, and NumPy's other
elementwise functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...backends.numpy import backend
from ...core import bind, raw
from ...errors import UnsupportedError
from ...ops import elementwise as ops
from ...ops import reduce as reductions
from ...ops.declare import registry
from ...recorders import recorder
from .box import _operator, define, install_operators, method
from .dispatch import (
    any_box,
    as_array,
    constant,
    implements,
    is_box,
    normalize_axes,
    normalize_axis,
    plain,
    refuse,
    ufunc_methods,
    ufuncs,
    unsupported,
)

_NO = np._NoValue  # noqa: SLF001


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


# Ufuncs that are more than one primitive


def _sign(x: Any) -> Any:
    return ops.sign(x) if _is_complex(x) else ops.real_sign(x)


def _conjugate(x: Any) -> Any:
    return ops.conjugate(x) if _is_complex(x) else ops.positive(x)


def _float_power(x: Any, y: Any) -> Any:
    """In float64 or more from the start, so that the partials are too."""
    dtype = np.result_type(raw(x), raw(y), np.float64)
    return ops.float_power(_at_least(x, dtype), _at_least(y, dtype))


def _at_least(x: Any, dtype: Any) -> Any:
    return x if not hasattr(x, "dtype") or x.dtype == dtype else x.astype(dtype)


def _modf(x: Any) -> Any:
    return ops.fractional_part(x), np.trunc(x)


def _frexp(x: Any) -> Any:
    exponent = np.frexp(raw(x))[1]
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


def _on_values(primitive: Any) -> Callable[..., Any]:
    """`bind` of a constant: where only reverse traces follow the arguments, they see values."""
    box_type, impl = backend.box_type, primitive.impl

    def apply(*args: Any) -> Any:
        values = []
        for arg in args:
            value = arg
            while type(value) is box_type:
                if not value.tracer.recording:
                    return bind(primitive, args, {})
                value = value.value
            values.append(value)
        return impl(*values)

    return apply


# All others: a primitive named as a ufunc applies it, unless its family says otherwise.
for _name, _primitive in registry.items():
    if isinstance(_ufunc := getattr(np, _name, None), np.ufunc):
        _way = _on_values(_primitive) if _primitive.kind == "constant" else recorder(_primitive, backend)
        ufuncs.setdefault(_ufunc, _way)

install_operators()
# NumPy's operator has shortcuts that np.power does not have: the last bit may differ.
_power = recorder(ops.operator_power, backend)
define("__pow__", _operator(_power))
define("__rpow__", _operator(_power, reflected=True))


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
    if where is not True:
        raise UnsupportedError(
            f"np.{ufunc.__name__} on a traced array does not take where=, which leaves the other "
            f"elements undefined: write np.where(mask, np.{ufunc.__name__}(...), other)"
        )
    if out is not None:
        return _write(ufunc, out)
    args = _converted(ufunc, args, _signature(ufunc, dtype, signature), casting)
    return apply(*args) if any_box(args) else ufunc(*args)


def _write(ufunc: Any, out: Any) -> Any:
    """Where `out=` will be followed."""
    raise UnsupportedError(
        f"np.{ufunc.__name__} cannot write a traced result to out= (or in place into a plain "
        f"array): assign the result instead, y = np.{ufunc.__name__}(...)"
    )


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
    args = [a if isinstance(a, (int, float, complex)) else as_array(a) for a in args]
    given = [a.dtype if hasattr(a, "dtype") else type(a) for a in args]
    given = [np.dtype(bool) if kind is bool else kind for kind in given]
    resolved = ufunc.resolve_dtypes(
        (*given, *[None] * ufunc.nout), signature=signature, casting=casting
    )
    if all(asked is None for asked in signature):
        return args  # NumPy's own choice: the ufunc makes it again
    return [
        a.astype(dtype) if is_box(a) else np.asarray(a, dtype)
        for a, dtype in zip(args, resolved, strict=False)
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
    initial: Any = _NO,
    where: Any = True,
) -> Any:
    if out is not None:
        _write(ufunc, out)
    x = array if dtype is None else array.astype(dtype)
    primitive = _REDUCTIONS.get(ufunc)
    if primitive is None:
        refuse(ufunc, initial=initial, where=None if where is True else where)
        return _fold(ufunc, x, axis, keepdims=keepdims)
    given = initial is not _NO and initial is not None
    if where is not True:
        neutral = initial if ufunc.identity is None else ufunc.identity
        if neutral is _NO or neutral is None:
            raise ValueError(
                f"reduction operation '{ufunc.__name__}' does not have an identity, so to use a "
                "where mask one has to specify 'initial'"
            )
        x = np.where(raw(where), x, neutral)
    if x.ndim:
        axis = normalize_axes(axis, x.ndim)
    else:
        axis = None
    result = primitive(x, axis=axis, keepdims=bool(keepdims))
    return ufunc(result, initial) if given else result


def _fold(ufunc: Any, x: Any, axis: Any, *, keepdims: bool) -> Any:
    """Any binary ufunc along an axis, step by step."""
    shape = ufunc.reduce(raw(x), axis=axis, keepdims=keepdims).shape  # and NumPy's own errors
    if axis is None or type(axis) is tuple or x.ndim == 0:
        axes = normalize_axes(axis, x.ndim) or range(-x.ndim, 0)
        kept = [a for a in range(-x.ndim, 0) if a not in axes]
        x = np.transpose(x, (*axes, *kept))
        x = x.reshape((-1, *x.shape[len(axes) :]))
        axis = 0
    *_, last = _steps(ufunc, x, axis)
    return last.reshape(shape)


def _accumulate(
    ufunc: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    if out is not None:
        _write(ufunc, out)
    x = array if dtype is None else array.astype(dtype)
    ours = _RUNNING.get(ufunc)
    if ours is not None:
        return ours(x, axis=normalize_axis(axis, x.ndim))
    ufunc.accumulate(raw(x), axis=axis)  # for NumPy's own errors
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
        _write(ufunc, out)
    x = array if dtype is None else array.astype(dtype)
    starts = np.asarray(raw(indices))
    ufunc.reduceat(raw(x), starts, axis=axis)  # for NumPy's own errors
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


def _at(ufunc: Any, *args: Any, **options: Any) -> Any:
    raise UnsupportedError(
        f"np.{ufunc.__name__}.at on a traced array is not followed: it writes in place"
    )


def _unless_constant(name: str, ours: Callable[..., Any]) -> Callable[..., Any]:
    def apply(ufunc: Any, *args: Any, **options: Any) -> Any:
        primitive = registry.get(ufunc.__name__)
        if primitive is not None and primitive.kind == "constant":
            return getattr(ufunc, name)(*plain(args), **plain(options))
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


# Parts of complex numbers


def _real(x: Any) -> Any:
    return ops.real(x) if _is_complex(x) else x


def _imag(x: Any) -> Any:
    return ops.imag(x) if _is_complex(x) else np.zeros(x.shape, x.dtype)[()]


def _conj(self: Any) -> Any:
    return ops.conjugate(self) if _is_complex(self) else self


implements(np.real)(_real)
implements(np.imag)(_imag)
define("real", property(_real, doc="The real part."))
define("imag", property(_imag, doc="The imaginary part."))
define("conj", _conj)
define("conjugate", _conj)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    a = np.arctan2(ops.imag(z), ops.real(z)) if _is_complex(z) else np.arctan2(0, raw(z))
    return a * (180 / math.pi) if deg else a


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    return a if np.iscomplexobj(np.real_if_close(raw(a), tol)) else _real(a)


# Conversion


def astype(
    x: Any, dtype: Any, order: str = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    dtype = np.dtype(dtype)
    if casting != "unsafe":
        np.empty(0, x.dtype).astype(dtype, casting=casting)  # for NumPy's own error
    if dtype.kind not in "fc":
        return raw(x).astype(dtype)
    return x if dtype == x.dtype and not copy else ops.astype(x, dtype=dtype)


define("astype", astype)
if hasattr(np, "astype"):  # new in NumPy 2.1

    @implements(np.astype)
    def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        return astype(x, dtype, copy=copy)


# Bounds and replacements


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = _NO,
    a_max: Any = _NO,
    out: Any = None,
    *,
    min: Any = _NO,  # noqa: A002
    max: Any = _NO,  # noqa: A002
    dtype: Any = None,
    **options: Any,
) -> Any:
    refuse(np.clip, out=out, **options)
    if a_min is _NO and a_max is _NO:
        a_min, a_max = (None if bound is _NO else bound for bound in (min, max))
    elif a_min is _NO or a_max is _NO:
        missing = "a_min" if a_min is _NO else "a_max"
        raise TypeError(f"clip() missing 1 required positional argument: {missing!r}")
    elif min is not _NO or max is not _NO:
        raise ValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is "
            "forbidden."
        )
    args = [_operand(value) for value in (a, a_min, a_max)]
    if dtype is not None:
        args = [_at_least(arg, np.dtype(dtype)) for arg in args]
    if args[1] is None and args[2] is None:
        return ops.positive(args[0])
    return ops.clip(*args)


def _operand(value: Any) -> Any:
    """None and Python numbers (which are weak in promotion) as they are, lists as arrays."""
    return value if value is None or isinstance(value, (int, float, complex)) else as_array(value)


def _clip_method(self: Any, min: Any = None, max: Any = None, out: Any = None, **options: Any) -> Any:  # noqa: A002
    return clip(self, min, max, out, **options)


define("clip", _clip_method)


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if any_box((nan, posinf, neginf)):
        raise UnsupportedError(
            "np.nan_to_num does not take traced replacements: write np.where(np.isnan(x), nan, x)"
        )
    if not copy:
        raise UnsupportedError("np.nan_to_num on a traced array does not write: leave out copy=")
    params = {"nan": nan, "posinf": posinf, "neginf": neginf}
    if _is_complex(x):
        return ops.nan_to_num(ops.real(x), **params) + ops.nan_to_num(ops.imag(x), **params) * 1j
    return ops.nan_to_num(x, **params)


@implements(np.sinc)
def sinc(x: Any) -> Any:
    return ops.sinc(x)


@implements(np.i0)
def i0(x: Any) -> Any:
    return ops.i0(x)


# NumPy's functions that go over to complex numbers outside of the reals' domain


def _domain_aware(name: str, outside: Callable[[Any], Any]) -> None:
    ours = getattr(np, name)

    @implements(getattr(np.emath, name))
    def wider(x: Any) -> Any:
        return ours(_complex_where(x, outside))


def _complex_where(x: Any, outside: Callable[[Any], Any]) -> Any:
    if not is_box(x) or _is_complex(x) or not np.any(outside(raw(x))):
        return x
    return x.astype(np.result_type(x.dtype, np.complex64))


def _negative(x: Any) -> Any:
    return np.less(x, 0)


def _beyond_one(x: Any) -> Any:
    return np.abs(x) > 1


for _name in ("sqrt", "log", "log2", "log10"):
    _domain_aware(_name, _negative)
for _name in ("arcsin", "arccos", "arctanh"):
    _domain_aware(_name, _beyond_one)


# Zero derivative, or no number at all

constant(np.round, np.around, np.fix)
constant(np.isclose, np.allclose, np.array_equal, np.array_equiv)
constant(np.iscomplex, np.iscomplexobj, np.isreal, np.isrealobj, np.isneginf, np.isposinf)
method("round", np.round)
