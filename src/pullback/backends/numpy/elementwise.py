"""NumPy spellings of the canonical functions: elementwise ones that NumPy lacks as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Bessel functions: up to here their power series, from here on their asymptotic series.
_SWITCH = 25.0
_TERMS = 60


# A half of no more precision than what it is multiplied with.
one_half = np.float32(0.5)


def one_minus_square(x: Any) -> Any:
    """What tanh's derivative is of its result; a library may have it in one pass."""
    return 1 - x * x


def is_complex(dtype: Any) -> bool:
    return dtype.kind == "c"


def conj(x: Any) -> Any:
    """The conjugate; real arrays themselves, without a copy."""
    return x.conjugate() if x.dtype.kind == "c" else x


def weight(mask: Any, *like: Any) -> Any:
    """What a rule multiplies with to keep an element or drop it: 1 or 0, as `like` the operands."""
    return mask  # NumPy multiplies with booleans


def astype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def operator_power(x: Any, y: Any) -> Any:
    """`x ** y`, whose last bit is not always np.power's."""
    return x**y


def fractional_part(x: Any) -> Any:
    return np.modf(x)[0]


def exponent(x: Any) -> Any:
    """The whole number e of x = f * 2**e with f in [0.5, 1)."""
    return np.frexp(x)[1]


def real_sign(x: Any) -> Any:
    return np.sign(x)


def bessel_i(x: Any, order: int) -> Any:
    """The modified Bessel function of the first kind, I of a whole order."""
    size = np.abs(x)
    small = size <= _SWITCH
    value = np.where(
        small,
        _power_series(np.where(small, size, 0), order),
        _asymptotic_series(np.where(small, _SWITCH, size), order),
    )
    return np.copysign(value, x) if order % 2 else value


def _power_series(x: Any, order: int) -> Any:
    square = x * x / 4
    total: Any = 1
    for k in range(_TERMS, 0, -1):
        total = 1 + total * square / (k * (k + order))
    return total * (x / 2) ** order / math.factorial(order)


def _asymptotic_series(x: Any, order: int) -> Any:
    total: Any = 1
    for k in range(_TERMS // 2, 0, -1):
        total = 1 - total * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k * x)
    return total * np.exp(x) / np.sqrt(2 * math.pi * x)
