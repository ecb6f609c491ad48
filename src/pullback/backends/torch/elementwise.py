"""torch spellings of the canonical functions: elementwise ones."""

from __future__ import annotations

import operator
from typing import Any

import torch


def astype(x: Any, dtype: Any) -> Any:
    return x.to(dtype)


def to_whole(x: Any, dtype: Any) -> Any:
    return x.to(dtype)


def clip(x: Any, y: Any, z: Any) -> Any:
    return torch.clamp(x, y, z)


def absolute(x: Any) -> Any:
    return torch.abs(x)


# An operator takes a Python number on either side.
add = operator.add
subtract = operator.sub
multiply = operator.mul
divide = operator.truediv
power = operator_power = operator.pow
floor_divide = operator.floordiv
bitwise_and = operator.and_
bitwise_or = operator.or_
bitwise_xor = operator.xor
less, less_equal = operator.lt, operator.le
greater, greater_equal = operator.gt, operator.ge
equal, not_equal = operator.eq, operator.ne
negative = torch.neg
real_sign = torch.sign
sign = torch.sgn
conjugate = torch.conj_physical
real, imag = torch.real, torch.imag
arctan2 = torch.atan2
fractional_part = torch.frac
rint = torch.round

# Those that torch calls as NumPy does.
_SAME = """
    arccos arccosh arcsin arcsinh arctan arctanh ceil cos cosh exp exp2 expm1 float_power
    floor fmax fmin fmod heaviside hypot i0 isfinite isinf isnan log log10 log1p log2
    logical_and logical_not logical_or logical_xor maximum minimum nan_to_num nextafter
    reciprocal remainder signbit sin sinc sinh sqrt square tan tanh trunc deg2rad rad2deg
""".split()
globals().update({name: getattr(torch, name) for name in _SAME})


def copysign(x: Any, y: Any) -> Any:
    return torch.copysign(_tensor(x, y), y)


def round(x: Any, decimals: int) -> Any:
    return torch.round(x, decimals=decimals)


def logaddexp(x: Any, y: Any) -> Any:
    return torch.logaddexp(x, _tensor(y, x))


def logaddexp2(x: Any, y: Any) -> Any:
    return torch.logaddexp2(x, _tensor(y, x))


def _tensor(y: Any, like: Any) -> Any:
    """A number as a tensor, for functions that take no numbers."""
    if isinstance(y, torch.Tensor):
        return y
    return torch.tensor(y, dtype=like.dtype, device=like.device)
