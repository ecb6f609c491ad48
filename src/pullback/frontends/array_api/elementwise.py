"""The standard's elementwise functions, and the operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backends.array_api import elementwise as spelled
from ...core import detached
from ...ops import elementwise as ops
from ...ops.declare import registry
from ...ops.index import where as ops_where
from .box import method
from .dispatch import backend_among, functions, implements
from .namespace import is_operand

# Where our primitive is another than the one spelled with the function of that name.
_OWN = ("conj", "imag", "positive", "real", "round", "sign")


def _unary(name: str) -> Callable[[Any], Any]:
    primitive = registry[name]

    def function(x: Any, /) -> Any:
        return primitive(x)

    return function


def _binary(name: str) -> Callable[[Any, Any], Any]:
    primitive = registry[name]

    def function(x1: Any, x2: Any, /) -> Any:
        return primitive(x1, x2)

    return function


_OPERATORS = {
    "add": "add",
    "and": "bitwise_and",
    "eq": "equal",
    "floordiv": "floor_divide",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "lshift": "left_shift",
    "lt": "less",
    "mod": "remainder",
    "mul": "multiply",
    "ne": "not_equal",
    "or": "bitwise_or",
    "pow": "power",
    "rshift": "right_shift",
    "sub": "subtract",
    "truediv": "divide",
    "xor": "bitwise_xor",
}
# The standard's names for what operators do, where they are not the canonical ones.
_NAMES = {"left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift", "power": "pow"}

for _canonical, _name in spelled.UNARY.items():
    if _name not in _OWN:
        functions[_name] = _unary(_canonical)
for _canonical, _name in spelled.BINARY.items():
    functions[_name] = _binary(_canonical)
for _canonical in _OPERATORS.values():
    functions[_NAMES.get(_canonical, _canonical)] = _binary(_canonical)


def _operator(name: str, *, reflected: bool) -> Callable[[Any, Any], Any]:
    primitive = registry[name]

    def operate(self: Any, other: Any, /) -> Any:
        if not is_operand(name, self, other):
            return NotImplemented
        return primitive(other, self) if reflected else primitive(self, other)

    return operate


for _dunder, _canonical in _OPERATORS.items():
    method(f"__{_dunder}__", _operator(_canonical, reflected=False))
    if _dunder not in ("eq", "ge", "gt", "le", "lt", "ne"):
        method(f"__r{_dunder}__", _operator(_canonical, reflected=True))


# Parts of complex numbers


@implements("conj")
def conj(x: Any, /) -> Any:
    return backend_among(x).xp.conj(x)


@implements("real")
def real(x: Any, /) -> Any:
    return backend_among(x).xp.real(x)


@implements("imag")
def imag(x: Any, /) -> Any:
    return backend_among(x).xp.imag(x)


@implements("sign")
def sign(x: Any, /) -> Any:
    return backend_among(x).xp.sign(x)


@implements("positive")
def positive(x: Any, /) -> Any:
    return ops.positive(x)


@implements("round")
def round_(x: Any, /) -> Any:
    return registry["rint"](x)


method("__abs__", functions["abs"])
method("__neg__", functions["negative"])
method("__pos__", positive)
method("__invert__", functions["bitwise_invert"])


@implements("clip")
def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    if min is None and max is None:
        return positive(x)
    return ops.clip(x, min, max)


@implements("where")
def where(condition: Any, x1: Any, x2: Any, /) -> Any:
    return ops_where(detached(condition), x1, x2)


@implements("astype")
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    backend = backend_among(x)
    if device is not None:
        x = x.to_device(device)
    if not backend.namespace.isdtype(dtype, ("real floating", "complex floating")):
        return ops.to_whole(detached(x), dtype=dtype)
    if dtype == x.dtype and not copy:
        return x
    return ops.astype(x, dtype=dtype)
