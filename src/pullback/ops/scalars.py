"""Functions of single numbers that NumPy lacks: special ones, and complex numbers of two parts.

The formulas are those of the NIST Digital Library of Mathematical Functions, chapters 7 and 10.
"""

from __future__ import annotations

import math
from typing import Any

from .lift import aligned
from .native import elementwise, linear

_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)


def _over(xp: Any, y: Any, x: Any) -> Any:
    """`y / x` of an odd Bessel function, which is a half at zero."""
    zero = x == 0
    return xp.where(zero, 0.5, y / xp.where(zero, 1, x))


bessel_i1 = elementwise("bessel_i1", lambda xp, x, out: xp.i0(x) - _over(xp, out, x))
# Times exp(-|x|), which does not overflow.
bessel_i0e = elementwise("bessel_i0e", lambda xp, x, out: xp.bessel_i1e(x) - xp.sign(x) * out)
bessel_i1e = elementwise(
    "bessel_i1e", lambda xp, x, out: xp.bessel_i0e(x) - xp.sign(x) * out - _over(xp, out, x)
)
# The error function's complement times exp(x * x), and the normal distribution's function, inverted
# or its logarithm taken.
erfcx = elementwise("erfcx", lambda x, out: 2 * x * out - 2 / math.sqrt(math.pi))
ndtri = elementwise("ndtri", lambda xp, out: math.sqrt(2 * math.pi) * xp.exp(0.5 * out * out))
log_ndtr = elementwise("log_ndtr", lambda xp, x: _ROOT_TWO_OVER_PI / xp.erfcx(-math.sqrt(0.5) * x))
entropy = elementwise("entropy", lambda xp, x: -1 - xp.log(x))
xlog1py = elementwise(
    "xlog1py",
    lambda xp, x, y: xp.where((x == 0) & (y <= -1), 0, xp.log1p(y)),
    lambda x, y: x / (1 + y),
)


def _part(cotangent: Any, xp: Any, position: int) -> Any:
    return xp.imag(cotangent) if position else xp.real(cotangent)


complex_of = linear("complex_of", _part, arguments="x y", batch=aligned())
