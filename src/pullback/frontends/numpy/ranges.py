"""Ranges between traced ends: `np.linspace` and its kin."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...core import raw
from .dispatch import as_array, as_dtype, as_operand, implements


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    num = _count(num)
    steps = num - 1 if endpoint else num
    start, stop = as_operand(start), as_operand(stop)
    delta = stop - start
    places = np.arange(num, dtype=raw(delta).real.dtype).reshape((-1,) + (1,) * delta.ndim)
    step = delta / steps if steps > 0 else math.nan
    if steps <= 0:
        values = places * delta + start
    elif np.all(raw(step)):
        values = places * step + start
    else:
        values = places / steps * delta + start  # as NumPy does where a step underflows
    if endpoint and num > 1:
        last = np.broadcast_to(as_dtype(as_array(stop), values.dtype), delta.shape)
        values = np.concatenate((values[:-1], last[None]))
    values = _finish(values, axis, dtype)
    return (values, step) if retstep else values


def _count(num: Any) -> int:
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    return num


def _finish(values: Any, axis: int, dtype: Any) -> Any:
    if dtype is not None and np.dtype(dtype).kind in "iu":
        return np.moveaxis(np.floor(values), 0, axis).astype(dtype)
    if dtype is not None:
        values = values.astype(dtype)
    return np.moveaxis(values, 0, axis) if axis else values


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    start, stop, base = (as_operand(value) for value in (start, stop, base))
    ndim = max(map(np.ndim, (start, stop, base)))
    exponents = np.linspace(_leading(start, ndim), _leading(stop, ndim), num, endpoint)
    return _finish(np.power(base, exponents), axis, dtype)


def _leading(x: Any, ndim: int) -> Any:
    """`x` with axes of length 1 in front, up to `ndim`; a number as it is."""
    return x.reshape((1,) * (ndim - x.ndim) + x.shape) if np.ndim(x) else x


@implements(np.geomspace)
def geomspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    start, stop = as_array(start), as_array(stop)
    if np.any(raw(start) == 0) or np.any(raw(stop) == 0):
        raise ValueError("Geometric sequence cannot include zero")
    num = _count(num)
    inexact = np.result_type(raw(start), raw(stop), float(num), np.zeros((), dtype))
    start, stop = as_dtype(start, inexact), as_dtype(stop, inexact)
    # Turned to positive numbers and back, so that negative ones have a logarithm.
    sign = np.sign(start)
    first, last = start / sign, stop / sign
    values = np.logspace(np.log10(first), np.log10(last), num, endpoint)
    # The ends themselves, which the powers meet only within rounding.
    first, last = (np.broadcast_to(end, values.shape[1:])[None] for end in (first, last))
    if num > 1 and endpoint:
        values = np.concatenate((first, values[1:-1], last))
    elif num:
        values = np.concatenate((first, values[1:]))
    values = values * sign
    return _finish(values, axis, dtype)
