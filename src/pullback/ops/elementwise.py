"""Elementwise ops: one partial derivative an argument.

Numbers in rules are Python's (weak), so that float32 stays float32; an argument may be a Python
number too, or an integer array, where only the other argument is differentiated.
"""

from __future__ import annotations

import math
from typing import Any

from .declare import constant, elementwise, linear, opaque, twins

_LN2 = math.log(2)
_LN10 = math.log(10)
_DEGREE = math.pi / 180


# Arithmetic


def _reciprocal(y: Any) -> Any:
    try:
        return 1 / y
    except ZeroDivisionError:  # a Python zero; an array gives infinity
        return math.inf


add = elementwise("add", 1, 1)
subtract = elementwise("subtract", 1, -1)
multiply = elementwise("multiply", lambda y: y, lambda x: x)
divide = elementwise("divide", _reciprocal, lambda out, y: -out / y)
negative = elementwise("negative", -1)
positive = elementwise("positive", 1)
reciprocal = elementwise("reciprocal", lambda xp, out: -xp.square(out))
square = elementwise("square", lambda x: 2 * x)
sqrt = elementwise("sqrt", lambda out: 0.5 / out)
cbrt = elementwise("cbrt", lambda out: 1 / (3 * out * out))
fmod = elementwise("fmod", 1, lambda xp, x, y, out: xp.rint((out - x) / y))
remainder = elementwise("remainder", 1, lambda xp, x, y: -xp.floor_divide(x, y))


# Powers


def _power_by_base(xp: Any, x: Any, y: Any) -> Any:
    if type(y) in (int, float, complex):  # static: no work for an exponent that is known
        if y == 2:
            return 2 * x
        if y == 0.5:
            return 0.5 / xp.sqrt(x)
        return y * x ** (y - 1) if y else 0
    # The exponent is 0 rather than -1 where y is 0, so that x = 0 gives 0 there, not 0 * inf.
    return y * x ** xp.where(y == 0, 0.0, y - 1.0)


def _power_by_exponent(xp: Any, x: Any, y: Any, out: Any) -> Any:
    if type(x) in (int, float) and x > 0:
        return out * math.log(x)
    # 0 ** y is 0 for every positive y: log(1) in place of log(0) makes the derivative 0 too.
    return out * xp.log(xp.where((x == 0) & xp.greater_equal(y, 0), 1.0, x))


power = elementwise("power", _power_by_base, _power_by_exponent)
float_power = elementwise("float_power", _power_by_base, _power_by_exponent)
operator_power = elementwise("operator_power", _power_by_base, _power_by_exponent)


# Exponentials and logarithms

exp = elementwise("exp", lambda out: out)
exp2 = elementwise("exp2", lambda out: out * _LN2)
expm1 = elementwise("expm1", lambda xp, x: xp.exp(x))  # out + 1 would cancel
log = elementwise("log", lambda xp, x: xp.reciprocal(x))
log2 = elementwise("log2", lambda x: (1 / _LN2) / x)
log10 = elementwise("log10", lambda x: (1 / _LN10) / x)
log1p = elementwise("log1p", lambda x: 1 / (1 + x))
# exp(x - out) would lose as many digits as x has before its point; this loses none, at any order.
logaddexp = elementwise(
    "logaddexp",
    lambda xp, x, y: xp.exp(-xp.logaddexp(y - x, 0)),
    lambda xp, x, y: xp.exp(-xp.logaddexp(x - y, 0)),
)
logaddexp2 = elementwise(
    "logaddexp2",
    lambda xp, x, y: xp.exp2(-xp.logaddexp2(y - x, 0)),
    lambda xp, x, y: xp.exp2(-xp.logaddexp2(x - y, 0)),
)


# Trigonometric and hyperbolic functions.  `x - -1` is `x + 1` with the sign of a complex zero kept,
# which chooses the side of a branch cut; products such as (1 - x)(1 + x) do not cancel near 1.


def _arcsin(xp: Any, x: Any) -> Any:
    return 1 / xp.sqrt(-(x - 1) * (x - -1))


sin = elementwise("sin", lambda xp, x: xp.cos(x))
cos = elementwise("cos", lambda xp, x: -xp.sin(x))
tan = elementwise("tan", lambda out: 1 + out * out)
arcsin = elementwise("arcsin", _arcsin)
arccos = elementwise("arccos", lambda xp, x: -_arcsin(xp, x))
arctan = elementwise("arctan", lambda x: 1 / (1 + x * x))
sinh = elementwise("sinh", lambda xp, x: xp.cosh(x))
cosh = elementwise("cosh", lambda xp, x: xp.sinh(x))
twins(sin, cos, -1)
twins(sinh, cosh, 1)
tanh = elementwise("tanh", lambda xp, out: xp.one_minus_square(out))
arcsinh = elementwise("arcsinh", lambda xp, x: 1 / xp.sqrt(x * x - -1))
arccosh = elementwise("arccosh", lambda xp, x: 1 / (xp.sqrt(x - 1) * xp.sqrt(x - -1)))
arctanh = elementwise("arctanh", lambda x: 1 / ((1 - x) * (1 + x)))
deg2rad = elementwise("deg2rad", lambda: _DEGREE)
radians = elementwise("radians", lambda: _DEGREE)
rad2deg = elementwise("rad2deg", lambda: 1 / _DEGREE)
degrees = elementwise("degrees", lambda: 1 / _DEGREE)


def _divisor(xp: Any, x: Any) -> Any:
    """`x` with infinity for zero: a quotient by it, and that one's derivatives, are zero there."""
    return xp.where(x == 0, math.inf, x)


def _over_square(xp: Any, x: Any, y: Any) -> Any:
    """`y / (x**2 + y**2)`, without overflow."""
    length = _divisor(xp, xp.hypot(x, y))
    return y / length / length


hypot = elementwise(
    "hypot",
    lambda xp, x, out: x / _divisor(xp, out),
    lambda xp, y, out: y / _divisor(xp, out),
)
arctan2 = elementwise("arctan2", _over_square, lambda xp, x, y: -_over_square(xp, y, x))


def _sinc(xp: Any, x: Any) -> Any:
    """(cos u - sin(u) / u) pi / u for u = pi x, which cancels for small u: there, its series."""
    u = math.pi * x
    near = abs(u) < 0.5
    small = xp.where(near, u, 0)
    large = xp.where(near, 1, u)
    square = small * small
    series: Any = 1
    for k in range(7, 0, -1):
        series = 1 - series * square / (2 * k * (2 * k + 3))
    far = (xp.cos(large) - xp.sin(large) / large) / large
    return math.pi * xp.where(near, -small / 3 * series, far)


sinc = elementwise("sinc", _sinc)


def _bessel_i(xp: Any, x: Any, order: int) -> Any:
    below, above = xp.bessel_i(x, order=abs(order - 1)), xp.bessel_i(x, order=order + 1)
    return 0.5 * (below + above)


i0 = elementwise("i0", lambda xp, x: xp.bessel_i(x, order=1))
bessel_i = elementwise("bessel_i", _bessel_i)


# Sign, size and parts


def _sign(cotangent: Any, xp: Any, out: Any, x: Any) -> Any:
    """Of the complex x / |x|: what of the cotangent is along the circle, over |x|."""
    along = xp.real(xp.conj(out) * cotangent)
    return ((cotangent - out * along) / _divisor(xp, xp.absolute(x)),)


absolute = elementwise("absolute", lambda xp, x: xp.conj(xp.sign(x)))
fabs = elementwise("fabs", lambda xp, x: xp.sign(x))
sign = opaque("sign", _sign)  # of complex arrays
real_sign = constant("real_sign")
# By the sign of x twice, for y may be a number, and of two numbers no library knows its own.
copysign = elementwise("copysign", lambda xp, x, y: xp.sign(x) * xp.copysign(xp.sign(x), y), 0)
conjugate = linear("conjugate", lambda cotangent, xp: xp.conj(cotangent))
real = linear("real", lambda cotangent: cotangent)
imag = linear("imag", lambda cotangent, xp: xp.multiply(cotangent, 1j))
astype = linear("astype", lambda cotangent: cotangent)
to_whole = constant("to_whole", impl=lambda x, dtype: x.astype(dtype))  # or to a boolean
fractional_part = elementwise("fractional_part", 1)
nextafter = elementwise("nextafter", 1, 0)
ldexp = elementwise("ldexp", lambda xp, dtype, y: xp.ldexp(xp.ones((), dtype), y), 0)


# Choices: ties are split evenly, and where nothing is ordered (nan) both arguments get all


def _lesser(xp: Any, x: Any, y: Any) -> Any:
    """1 where x is less than y, or either is nan; a half where they are equal; else 0."""
    return xp.where(x == y, xp.one_half, xp.weight(xp.logical_not(x > y), x, y))


def _lesser_number(xp: Any, less: Any, more: Any, other: Any) -> Any:
    return xp.where(less == more, xp.one_half, (less < more) | xp.isnan(other))


def _greater(xp: Any, x: Any, y: Any) -> Any:
    return _lesser(xp, y, x)


maximum = elementwise("maximum", _greater, _lesser, masks=True)
minimum = elementwise("minimum", _lesser, _greater, masks=True)
fmax = elementwise(
    "fmax",
    lambda xp, x, y: _lesser_number(xp, y, x, y),
    lambda xp, x, y: _lesser_number(xp, x, y, x),
    masks=True,
)
fmin = elementwise(
    "fmin",
    lambda xp, x, y: _lesser_number(xp, x, y, y),
    lambda xp, x, y: _lesser_number(xp, y, x, x),
    masks=True,
)


def _inside(xp: Any, x: Any, y: Any, z: Any) -> Any:
    """Within the bounds, edges included; a bound may be None."""
    if y is None:
        return xp.weight(x <= z, x, z)
    return xp.weight(x >= y if z is None else (x >= y) & (x <= z), x, y, z)


def _below(xp: Any, x: Any, y: Any, z: Any) -> Any:
    return xp.weight(x < y if z is None else (x < y) & (y <= z), x, y, z)


def _above(xp: Any, x: Any, y: Any, z: Any) -> Any:
    """The upper bound also wins where the bounds are crossed."""
    return xp.weight(x > z if y is None else (x > z) | (y > z), x, y, z)


clip = elementwise("clip", _inside, _below, _above, masks=True)
nan_to_num = elementwise("nan_to_num", lambda xp, x: xp.isfinite(x), masks=True)
heaviside = elementwise("heaviside", 0, lambda x: x == 0, masks=True)


# What has no derivative but zero

for _name in (
    "bitwise_and bitwise_or bitwise_xor equal floor_divide gcd greater greater_equal lcm "
    "left_shift less less_equal logical_and logical_or logical_xor not_equal right_shift"
).split():
    constant(_name, arguments=2)
for _name in (
    "bitwise_count ceil floor invert isfinite isinf isnan isnat logical_not rint signbit spacing "
    "trunc"
).split():
    constant(_name)

round = constant("round")
exponent = constant("exponent")
