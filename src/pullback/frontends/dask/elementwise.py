"""Ufuncs, the operators, and the other functions of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np

from ...backends.dask import backend
from ...backends.libraries import check_one_library
from ...core import box_types, detached
from ...ops import elementwise as ops
from ...ops.declare import registry
from ...ops.index import where as ops_where
from ..array_api.elementwise import _OPERATORS
from .box import method, named
from .dispatch import functions, implements, operand

_NUMBERS = (bool, int, float, complex, np.generic, np.ndarray, da.Array)


def _of_primitive(primitive: Any) -> Callable[..., Any]:
    def function(*args: Any, dtype: Any = None) -> Any:
        values = [operand(arg) for arg in args]
        if dtype is not None:
            values = [v.astype(dtype) if hasattr(v, "dtype") else v for v in values]
        return primitive(*values)

    function.__name__ = primitive.name
    return function


for _name, _primitive in registry.items():
    if isinstance(getattr(np, _name, None), np.ufunc) and _name != "matmul":
        functions[_name] = _of_primitive(_primitive)
for _name in ("sinc", "i0"):
    functions[_name] = _of_primitive(registry[_name])


def _replaced(name: str, ours: Callable[..., Any]) -> None:
    functions[name] = ours


def _conjugate(x: Any) -> Any:
    return backend.xp.conj(operand(x))


_replaced("sign", lambda x: backend.xp.sign(operand(x)))
_replaced("conjugate", _conjugate)
_replaced("conj", _conjugate)


@implements("real")
def real(x: Any) -> Any:
    return backend.xp.real(x)


@implements("imag")
def imag(x: Any) -> Any:
    return backend.xp.imag(x)


@implements("angle")
def angle(x: Any, deg: bool = False) -> Any:
    out = functions["arctan2"](imag(x), real(x))
    return functions["degrees"](out) if deg else out


@implements("divmod")
def divmod_(x: Any, y: Any) -> Any:
    return functions["floor_divide"](x, y), functions["remainder"](x, y)


@implements("modf")
def modf(x: Any) -> Any:
    return ops.fractional_part(x), functions["trunc"](x)


@implements("clip")
def clip(x: Any, min: Any = None, max: Any = None, a_min: Any = None, a_max: Any = None) -> Any:
    low, high = (one if one is not None else other for one, other in ((min, a_min), (max, a_max)))
    if low is None and high is None:
        return ops.positive(x)
    bounds = [None if one is None else operand(one) for one in (low, high)]
    return ops.clip(operand(x), *bounds)


@implements("where")
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        raise functions["nonzero"](condition)
    return ops_where(operand(detached(condition)), operand(x), operand(y))


@implements("nan_to_num")
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, **options: Any) -> Any:
    return ops.nan_to_num(x, nan=nan, posinf=options.get("posinf"), neginf=options.get("neginf"))


@implements("round", "around")
def round_(x: Any, decimals: int = 0) -> Any:
    return registry["rint"](detached(x) * 10.0**decimals) / 10.0**decimals


@implements("astype")
def astype(x: Any, dtype: Any, **_: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind not in "fc":
        return ops.to_whole(detached(x), dtype=dtype)
    return ops.astype(x, dtype=dtype)


@implements("isclose")
def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> Any:
    x, y = detached(operand(x)), detached(operand(y))
    return abs(x - y) <= atol + rtol * abs(y)


def _operator(name: str, *, reflected: bool) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Any) -> Any:
        check_one_library(name, backend, [other])
        if not (type(other) in box_types or isinstance(other, (*_NUMBERS, list))):
            return NotImplemented
        apply = functions[name]
        return apply(other, self) if reflected else apply(self, other)

    return operate


for _dunder, _canonical in _OPERATORS.items():
    method(f"__{_dunder}__", _operator(_canonical, reflected=False))
    if _dunder not in ("eq", "ge", "gt", "le", "lt", "ne"):
        method(f"__r{_dunder}__", _operator(_canonical, reflected=True))
method("__abs__", functions["absolute"])
method("__neg__", functions["negative"])
method("__pos__", functions["positive"])
method("__invert__", functions["invert"])
method("__divmod__", divmod_)
named("conj", "clip", "round", "astype")
