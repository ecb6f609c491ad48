"""The standard's spellings of the canonical functions: elementwise ones.

Every function in this folder takes the backend first, as `lib`: its `namespace` is the library's.
Operators mix numbers, and real with complex arrays, as the standard says; what rules mix beyond
that (a real array with 1j) is promoted here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

# Canonical name -> the standard's, for functions of one array.
UNARY = {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctanh": "atanh",
    "conjugate": "conj",
    "invert": "bitwise_invert",
    "real_sign": "sign",
    "rint": "round",
} | {
    name: name
    for name in (
        "ceil cos cosh exp expm1 floor imag isfinite isinf isnan log log10 log1p log2 logical_not "
        "negative positive real reciprocal sign signbit sin sinh sqrt square tan tanh trunc"
    ).split()
}
# Of two, by their functions; a number is made an array, as older versions want.
BINARY = {"arctan2": "atan2"} | {
    name: name
    for name in (
        "copysign hypot logaddexp logical_and logical_or logical_xor maximum minimum nextafter"
    ).split()
}
# And by their operators, which take numbers.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "divide": operator.truediv,
    "equal": operator.eq,
    "floor_divide": operator.floordiv,
    "greater": operator.gt,
    "less": operator.lt,
    "less_equal": operator.le,
    "left_shift": operator.lshift,
    "multiply": operator.mul,
    "not_equal": operator.ne,
    "operator_power": operator.pow,
    "power": operator.pow,
    "remainder": operator.mod,
    "right_shift": operator.rshift,
    "subtract": operator.sub,
}


def _unary(name: str) -> Callable[..., Any]:
    return lambda lib, x: lib.function(name)(x)


def _binary(name: str) -> Callable[..., Any]:
    return lambda lib, x, y: lib.function(name)(*lib.promoted(x, y))


def _operator(operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda lib, x, y: operate(*lib.mixed(x, y))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _unary(theirs) for name, theirs in UNARY.items()},
    **{name: _binary(theirs) for name, theirs in BINARY.items()},
    **{name: _operator(operate) for name, operate in OPERATORS.items()},
}


def greater_equal(lib: Any, x: Any, y: Any) -> Any:
    """Of complex numbers, as a rule asks it of an exponent: of their real parts."""
    x, y = (lib.namespace.real(v) if lib.is_complex_array(v) else v for v in (x, y))
    return x >= y


def astype(lib: Any, x: Any, dtype: Any) -> Any:
    return lib.namespace.astype(x, dtype)


to_whole = astype


def clip(lib: Any, x: Any, y: Any, z: Any) -> Any:
    """Like the library's own, with bounds that broadcast."""
    if y is not None:
        x = lib.namespace.maximum(*lib.promoted(x, y))
    return x if z is None else lib.namespace.minimum(*lib.promoted(x, z))


def where(lib: Any, condition: Any, x: Any, y: Any) -> Any:
    x, y = lib.promoted(x, y)
    if lib.is_integral(x) != lib.is_integral(y):  # zeros for the tangent of an integer
        x, y = (
            lib.namespace.astype(v, w.dtype) if lib.is_integral(v) else v
            for v, w in ((x, y), (y, x))
        )
    return lib.namespace.where(condition, x, y)
