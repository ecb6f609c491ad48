"""NumPy's signatures: elementwise functions that are no ufuncs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...callers import where
from ...core import detached, raw
from ...errors import ConversionError, UnsupportedError
from ...ops import elementwise as ops
from .box import define, method
from .dispatch import NO_VALUE, any_box, as_array, constant, implements, is_box, of_form, refuse


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


# Parts of complex numbers


def _real(x: Any) -> Any:
    return ops.real(x) if _is_complex(x) else x


def _imag(x: Any) -> Any:
    return ops.imag(x) if _is_complex(x) else np.zeros(x.shape, x.dtype)[()]


def _write_real(self: Any, value: Any) -> None:
    self.real[...] = value


def _write_imag(self: Any, value: Any) -> None:
    if not _is_complex(self):
        raise TypeError("array does not have imaginary part to set")
    self.imag[...] = value


def _conj(self: Any) -> Any:
    return ops.conjugate(self) if _is_complex(self) else self


implements(np.real)(_real)
implements(np.imag)(_imag)
define("real", property(_real, _write_real, doc="The real part."))
define("imag", property(_imag, _write_imag, doc="The imaginary part."))
define("conj", _conj)
define("conjugate", _conj)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    a = np.arctan2(ops.imag(z), ops.real(z)) if _is_complex(z) else np.arctan2(0, detached(z))
    return a * (180 / math.pi) if deg else a


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    return a if np.iscomplexobj(np.real_if_close(raw(a), tol)) else _real(a)


# Conversion


def astype(
    x: Any,
    dtype: Any,
    order: str = "K",
    casting: Any = "unsafe",
    subok: bool = True,
    copy: bool = True,
) -> Any:
    dtype = np.dtype(dtype)
    if casting != "unsafe":
        np.empty(0, x.dtype).astype(dtype, casting=casting)  # for NumPy's own error
    if dtype.kind not in "fc":
        constant = detached(x)
        if dtype.kind == "O" and constant is not x and is_box(x) and x.tracer.level:
            raise ConversionError(
                f"astype(object) of a value traced by pullback.{x.tracer.name} would lose its "
                f"derivative, at {where()}. Keep its dtype; for an array of objects fill "
                "np.empty(shape, object) with its elements; for constants write x.tolist()."
            )
        return ops.to_whole(constant, dtype=dtype)
    return x if dtype == x.dtype and not copy else ops.astype(x, dtype=dtype)


define("astype", astype)


@implements(np.astype)
def _array_api_astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return astype(x, dtype, copy=copy)


# Bounds and replacements


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = NO_VALUE,
    a_max: Any = NO_VALUE,
    out: Any = None,
    *,
    min: Any = NO_VALUE,
    max: Any = NO_VALUE,
    dtype: Any = None,
    **options: Any,
) -> Any:
    refuse(np.clip, out=out, **options)
    if a_min is NO_VALUE and a_max is NO_VALUE:
        a_min, a_max = (None if bound is NO_VALUE else bound for bound in (min, max))
    elif a_min is NO_VALUE or a_max is NO_VALUE:
        missing = "a_min" if a_min is NO_VALUE else "a_max"
        raise TypeError(f"clip() missing 1 required positional argument: {missing!r}")
    elif min is not NO_VALUE or max is not NO_VALUE:
        raise ValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is "
            "forbidden."
        )
    args = [_operand(value) for value in (a, a_min, a_max)]
    if dtype is not None:
        args = [_in_dtype(arg, np.dtype(dtype)) for arg in args]
    if args[1] is None and args[2] is None:
        return ops.positive(args[0])
    return ops.clip(*args)


def _operand(value: Any) -> Any:
    """None and Python numbers (which are weak in promotion) as they are, lists as arrays."""
    return value if value is None or isinstance(value, (int, float, complex)) else as_array(value)


def _in_dtype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if hasattr(x, "dtype") else x


def _clip_method(
    self: Any, min: Any = None, max: Any = None, out: Any = None, **options: Any
) -> Any:
    return np.clip(self, min, max, out, **options)


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
        np.copyto(x, nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf))
        return x
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
    x = as_array(x)
    if _is_complex(x) or not np.any(outside(raw(x))):
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


@implements(np.emath.logn)
def emath_logn(n: Any, x: Any) -> Any:
    return np.emath.log(x) / np.emath.log(n)


@implements(np.emath.power)
def emath_power(x: Any, p: Any) -> Any:
    return np.power(_complex_where(x, _negative), p)


# Zero derivative, or no number at all


def _all_close(a: Any, b: Any, *args: Any, **options: Any) -> Any:
    return np.all(np.isclose(a, b, *args, **options))


def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    a1, a2 = as_array(a1), as_array(a2)
    if a1.shape != a2.shape:
        return False
    return np.all(_equal(a1, a2) if equal_nan else np.equal(a1, a2))


def _equal(a: Any, b: Any) -> Any:
    return np.equal(a, b) | (np.isnan(a) & np.isnan(b))


def _array_equiv(a1: Any, a2: Any) -> Any:
    a1, a2 = as_array(a1), as_array(a2)
    try:
        np.broadcast_shapes(a1.shape, a2.shape)
    except ValueError:
        return False
    return np.all(np.equal(a1, a2))


def _is_close(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    a, b = as_array(a), as_array(b)
    with np.errstate(invalid="ignore"):
        near = (np.abs(a - b) <= atol + rtol * np.abs(b)) & np.isfinite(b)
    near = near | np.equal(a, b)
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    refuse(np.round, out=out)
    return ops.round(a, decimals=decimals)


constant(np.round, np.around, batched=_round)
constant(np.fix, batched=np.trunc)
constant(np.isclose, batched=_is_close)
constant(np.allclose, batched=_all_close)
constant(np.array_equal, batched=_array_equal)
constant(np.array_equiv, batched=_array_equiv)
constant(np.iscomplex, batched=lambda x: np.imag(x) != 0)
constant(np.isreal, batched=lambda x: np.imag(x) == 0)
constant(np.isneginf, batched=lambda x: np.isinf(x) & np.signbit(x))
constant(np.isposinf, batched=lambda x: np.isinf(x) & ~np.signbit(x))
of_form(np.iscomplexobj, np.isrealobj)
method("round", np.round)
