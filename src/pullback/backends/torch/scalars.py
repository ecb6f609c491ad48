"""torch spellings of the canonical functions: functions of single numbers that NumPy lacks."""

from __future__ import annotations

import math
from typing import Any

import torch

_special = torch.special

bessel_i1, bessel_i0e, bessel_i1e = _special.i1, _special.i0e, _special.i1e
erfcx, ndtri, log_ndtr, entropy = (
    _special.erfcx,
    _special.ndtri,
    _special.log_ndtr,
    _special.entr,
)
xlog1py = _special.xlog1py
complex_of = torch.complex


def bessel_i(x: Any, order: int) -> Any:
    if order < 2:
        return torch.special.i1(x) if order else torch.i0(x)
    near = abs(x) < order  # there the recurrence loses digits
    small, large = x.masked_fill(~near, 0), x.masked_fill(near, 1)
    far = bessel_i(large, order - 2) - 2 * (order - 1) / large * bessel_i(large, order - 1)
    return torch.where(near, _power_series(small, order), far)


def _power_series(x: Any, order: int) -> Any:
    square = x * x / 4
    total: Any = 1
    for k in range(30, 0, -1):
        total = 1 + total * square / (k * (k + order))
    return total * (x / 2) ** order / math.factorial(order)
