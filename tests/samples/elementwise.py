"""Samples: ufuncs, their methods and options, and NumPy's other elementwise functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.testing import Sample

_rng = np.random.default_rng(1)


def _between(low: float, high: float, *shape: int) -> Any:
    return _rng.uniform(low, high, shape)


X = _between(-2, 2, 2, 3) + 0.01
Y = _between(-2, 2, 3)
POSITIVE = _between(0.5, 2, 2, 3)
POSITIVE_ROW = _between(0.5, 2, 3)
INSIDE = _between(-0.8, 0.8, 2, 3)
ABOVE = _between(1.2, 3, 2, 3)
WHOLE = np.array([-1, 0, 3])
EMPTY = np.zeros((0, 3))
# Dividends and divisors whose quotients are not near a whole number.
DIVISORS = np.array([0.5, 0.7, 0.9])
QUOTIENTS = np.array([[1.3, -2.4, 3.2], [-0.9, 0.3, 0.5]]) * DIVISORS
# No two elements, and no element and its column's running extreme, are near one another.
DISTINCT = np.array([[0.1, 1.2, -0.7], [0.9, -0.2, 0.4], [0.3, 1.6, -1.1]])


def _unary(x: Any, *functions: Any, analytic: bool = True, order: int = 2) -> list[Sample]:
    return [Sample(f, f, (x,), complex=analytic, order=order) for f in functions]


def _binary(x: Any, y: Any, *ufuncs: Any, analytic: bool = True) -> list[Sample]:
    """Broadcast both ways, and with each argument alone."""
    return [
        sample
        for f in ufuncs
        for sample in (
            Sample(f, f, (x, y), "broadcast", complex=analytic),
            Sample(f, f, (float(y[0]), x), "0-d", complex=analytic),
            Sample(f, _first(f, y), (x,), "first", complex=analytic),
            Sample(f, _second(f, x), (y,), "second", complex=analytic),
        )
    ]


def _first(f: Any, y: Any) -> Callable[[Any], Any]:
    return lambda x: f(x, y.astype(x.real.dtype))


def _second(f: Any, x: Any) -> Callable[[Any], Any]:
    return lambda y: f(x.astype(y.real.dtype), y)


def _zero(covers: Any, function: Callable[..., Any], *args: Any) -> Sample:
    """A result that is a constant, beside one that is not."""
    return Sample(covers, lambda *args: (function(*args), args[0] * 2), args)


SAMPLES = [
    *_unary(
        X,
        *(np.negative, np.positive, np.square, np.reciprocal, np.conjugate, np.absolute, np.sign),
        *(np.exp, np.exp2, np.expm1, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh),
        *(np.arctan, np.arcsinh, np.sinc, np.real, np.imag, np.angle, np.nan_to_num),
        *(np.real_if_close,),
    ),
    *_unary(POSITIVE, np.sqrt, np.log, np.log2, np.log10, np.log1p),
    *_unary(INSIDE, np.arcsin, np.arccos, np.arctanh),
    *_unary(ABOVE, np.arccosh),
    *_unary(X, np.fabs, np.cbrt, np.deg2rad, np.radians, np.rad2deg, np.degrees, analytic=False),
    Sample(np.exp, np.exp, (EMPTY,), "empty", complex=True),
    Sample(np.sqrt, np.sqrt, (1.5,), "0-d", complex=True),
    Sample(np.absolute, abs, (X,), "operator", complex=True),
    Sample(np.sign, np.sign, (X + 0.5j,), "complex", float32=False),
    # Arithmetic
    *_binary(X, Y, np.add, np.subtract, np.multiply),
    *_binary(POSITIVE, POSITIVE_ROW, np.divide, np.power, np.float_power),
    *_binary(X, Y, np.hypot, np.arctan2, np.logaddexp, np.logaddexp2, analytic=False),
    *_binary(X, Y, np.maximum, np.minimum, np.fmax, np.fmin, analytic=False),
    *_binary(X, Y, np.copysign, analytic=False),
    *_binary(QUOTIENTS, DIVISORS, np.fmod, np.remainder, analytic=False),
    Sample(np.remainder, lambda x: x % 0.7, (X,), "operator"),
    Sample(np.multiply, lambda x: x * [1, 2, 3], (X,), "list", complex=True),
    Sample(np.divide, lambda x: 2 / x - x / 3, (POSITIVE,), "numbers", complex=True),
    Sample(np.nextafter, lambda x: np.nextafter(x, 9) * x, (X,), float32=False),
    Sample(np.heaviside, lambda x, y: np.heaviside(x, y) * y, (X, Y)),
    Sample(
        np.heaviside, lambda y: np.heaviside([0.0, 1.0, 0.0], y) * y, (Y,), "at 0", float32=False
    ),
    Sample(np.divmod, np.divmod, (QUOTIENTS, DIVISORS)),
    Sample(np.divmod, divmod, (QUOTIENTS, DIVISORS), "operator"),
    Sample(np.modf, np.modf, (X,)),
    Sample(np.frexp, np.frexp, (X,)),
    Sample(np.ldexp, lambda x: np.ldexp(x, WHOLE) ** 2, (X,)),
    # Powers: exponents that are known, whole, or traced
    *[
        Sample(np.power, lambda x, n=n: x**n, (POSITIVE,), f"x ** {n}", complex=True)
        for n in (0, 1, 2, 3, -1, -2, 0.5, 1.5)
    ],
    *[
        Sample(np.power, lambda x, n=n: np.power(x, n), (X,), f"negative base, {n}", complex=True)
        for n in (0, 1, 2.0, 3, -1)
    ],
    Sample(np.power, lambda x: x**WHOLE, (X,), "whole exponents", complex=True, float32=False),
    Sample(np.power, lambda x: 2**x + 1.5**x, (X,), "numbers to a power", complex=True),
    Sample(np.power, lambda x: np.array([1, 2, 7], np.int8) ** x, (X,), "int8", float32=False),
    Sample(np.power, lambda x, y: x**y, (POSITIVE, Y), "operator", complex=True),
    Sample(np.float_power, lambda x: np.float_power(x, 2), (X,), "number", complex=True),
    # Parts, bounds and conversion
    Sample(np.angle, lambda x: np.angle(x, deg=True), (X,), "degrees", complex=True),
    Sample(np.real, lambda x: x.real * x.imag, (X,), "properties", complex=True),
    Sample(np.conjugate, lambda x: x.conj() * x.conjugate(), (X,), "methods", complex=True),
    Sample(np.real_if_close, lambda x: np.real_if_close(x + 0j), (X,), "real", complex=True),
    *_unary(X, np.i0, analytic=False, order=3),
    Sample(np.i0, lambda x: np.i0(20 * x) * np.exp(-abs(20 * x)), (X,), "large"),
    Sample(np.sinc, lambda x: np.sinc(x / 20), (X,), "near 0", complex=True),
    Sample(np.clip, lambda x: np.clip(x, -0.5, 1), (X,)),
    Sample(np.clip, np.clip, (X, np.array([-0.5, -1.0, 0.2]), 1.0), "traced bounds"),
    Sample(np.clip, lambda x, y: np.clip(x, None, y), (X, Y), "upper"),
    Sample(np.clip, lambda x, y: np.clip(x, y, None), (X, Y), "lower"),
    Sample(np.clip, lambda x: x.clip(min=-0.5) * x.clip(max=0.5), (X,), "method"),
    Sample(np.clip, lambda x: np.clip(x, 1.0, -1.0), (X,), "crossed bounds"),
    Sample(
        np.nan_to_num,
        lambda x: np.nan_to_num(np.add(x, [1, np.nan, np.inf]), nan=3.0, posinf=1.0, neginf=2.0),
        (X,),
        "replacements",
        float32=False,
    ),
    Sample(np.astype, lambda x: np.astype(x, np.complex128), (X,), complex=True),
    Sample(np.positive, lambda x: x.astype(np.complex128) * 1j, (X,), "astype", float32=False),
    *[
        Sample(f, f, (x,), label, complex=True)
        for x, label in ((INSIDE, "complex"), (POSITIVE / 3, "real"))
        for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10)
    ],
    *[
        Sample(f, f, (x,), label, complex=True)
        for x, label in ((ABOVE, "complex"), (INSIDE, "real"))
        for f in (np.emath.arcsin, np.emath.arccos, np.emath.arctanh)
    ],
    Sample(np.emath.logn, np.emath.logn, (ABOVE, X), complex=True),
    Sample(np.emath.power, np.emath.power, (X, Y), complex=True),
    Sample(np.emath.power, lambda y: np.emath.power(-2, y), (Y,), "number", float32=False),
    # Options
    Sample(np.add, lambda x: np.add(x, 1, dtype=np.complex128), (X,), "dtype", complex=True),
    Sample(np.sin, lambda x: np.sin(x, dtype=np.float64, casting="safe"), (X,), "dtype"),
    # Methods
    *[
        Sample(f, lambda x, f=f: f.reduce(x), (DISTINCT,), "reduce", complex=analytic)
        for f, analytic in (
            *((f, True) for f in (np.add, np.multiply, np.subtract, np.divide)),
            *((f, False) for f in (np.maximum, np.minimum, np.fmax, np.fmin)),
            *((f, False) for f in (np.logaddexp, np.logaddexp2, np.hypot)),
        )
    ],
    *[
        Sample(
            f, lambda x, f=f: f.accumulate(x, axis=1), (DISTINCT,), "accumulate", complex=analytic
        )
        for f, analytic in (
            *((f, True) for f in (np.add, np.multiply, np.subtract)),
            *((f, False) for f in (np.maximum, np.minimum, np.fmax)),
            *((f, False) for f in (np.logaddexp, np.logaddexp2)),
        )
    ],
    Sample(np.add, lambda x: np.add.reduce(x, axis=(0, 1), keepdims=True), (X,), "reduce axes"),
    Sample(
        np.add, lambda x: np.add.reduce(x, axis=1, where=X > 0, initial=2), (X,), "reduce where"
    ),
    Sample(np.maximum, lambda x: np.maximum.reduce(x, axis=None, initial=1.5), (X,), "initial"),
    Sample(np.logaddexp2, lambda x: np.logaddexp2.reduce(x, axis=None), (X,), "reduce all"),
    Sample(np.add, lambda x: np.add.reduceat(x, [0, 2, 1], axis=1), (X,), "reduceat", complex=True),
    Sample(np.multiply, np.multiply.outer, (X, Y), "outer", complex=True),
    Sample(np.hypot, lambda y: np.hypot.outer([1.0, 2.0], y), (Y,), "outer", float32=False),
    # Constants
    _zero(np.sign, np.sign, X),
    _zero((np.floor, np.ceil, np.trunc, np.rint), lambda x: np.floor(x) + np.ceil(x), X),
    _zero(np.floor_divide, lambda x: x // 0.3, X),
    _zero((np.greater, np.less), lambda x, y: (x > y) | (x < 0), X, Y),
]
