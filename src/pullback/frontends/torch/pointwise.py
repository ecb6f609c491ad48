"""Pointwise functions, operators and methods: each is a primitive's recorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ...backends.torch import backend_of_device
from ...ops import elementwise as ops
from ...ops.declare import registry
from ...ops.index import where as ops_where
from ...recorders import on_values, recorder
from . import opaque
from .box import TensorBox
from .dispatch import functions, implements, recorded

BACKEND = backend_of_device(torch.device("cpu"))

# Primitive's name -> torch's names for it, in torch, torch.special and as a method.
_FOLLOWED = {
    "negative": "neg negative",
    "absolute": "abs absolute",
    "arccos": "acos arccos",
    "arccosh": "acosh arccosh",
    "arcsin": "asin arcsin",
    "arcsinh": "asinh arcsinh",
    "arctan": "atan arctan",
    "arctanh": "atanh arctanh",
    "reciprocal": "reciprocal",
    "fractional_part": "frac",
    "conjugate": "conj_physical",
} | {
    name: name
    for name in (
        "cos cosh exp exp2 expm1 log log10 log1p log2 sin sinc sinh sqrt square tan tanh "
        "deg2rad rad2deg"
    ).split()
}
_BINARY = {
    "arctan2": "atan2 arctan2",
    "power": "pow",
    "maximum": "maximum",
    "minimum": "minimum",
    "fmax": "fmax",
    "fmin": "fmin",
    "fmod": "fmod",
    "remainder": "remainder",
    "copysign": "copysign",
    "nextafter": "nextafter",
    "float_power": "float_power",
    "hypot": "hypot",
    "logaddexp": "logaddexp",
    "logaddexp2": "logaddexp2",
    "multiply": "mul multiply",
    "add": "add",
    "subtract": "sub subtract",
    "divide": "div divide true_divide",
}
_CONSTANTS = {
    "less": "lt less",
    "less_equal": "le less_equal",
    "greater": "gt greater",
    "greater_equal": "ge greater_equal",
    "equal": "eq",
    "not_equal": "ne not_equal",
    "trunc": "trunc fix",
    "real_sign": "sign",
    "rint": "round",
    "floor_divide": "floor_divide",
} | {
    name: name
    for name in (
        "ceil floor isfinite isinf isnan logical_and logical_not logical_or logical_xor signbit"
    ).split()
}
_OPERATORS = {
    "__add__": "add",
    "__sub__": "subtract",
    "__mul__": "multiply",
    "__truediv__": "divide",
    "__pow__": "operator_power",
    "__floordiv__": "floor_divide",
    "__mod__": "remainder",
    "__neg__": "negative",
    "__abs__": "absolute",
    "__lt__": "less",
    "__le__": "less_equal",
    "__gt__": "greater",
    "__ge__": "greater_equal",
    "__eq__": "equal",
    "__ne__": "not_equal",
}


def _fast(primitive: Any) -> Callable[..., Any]:
    if primitive.kind != "constant":
        return recorder(primitive, BACKEND)
    apply = on_values(primitive, BACKEND)
    return apply if len(primitive.rules) != 2 else _of_operands(primitive.name, apply)


def _of_operands(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """`apply`, a comparison, with what is no operand made one, as a recorder does."""
    operands = BACKEND.operands

    def compare(x: Any, y: Any) -> Any:
        if type(x) in operands and type(y) in operands:
            return apply(x, y)
        return BACKEND.convert(compare, x, y)

    compare.__name__ = name
    return compare


# What these take is more than their arguments.


def _scaled(apply: Callable[..., Any]) -> Callable[..., Any]:
    def call(input: Any, other: Any, *, alpha: Any = 1) -> Any:
        return apply(input, other if alpha == 1 else other * alpha)

    return call


def _divided(apply: Callable[..., Any]) -> Callable[..., Any]:
    def call(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
        if rounding_mode is None:
            return apply(input, other)
        if rounding_mode not in ("floor", "trunc"):
            return opaque.apply(torch.div, (input, other), {"rounding_mode": rounding_mode})
        return input // other if rounding_mode == "floor" else (input / other).trunc()

    return call


def _rounded(apply: Callable[..., Any]) -> Callable[..., Any]:
    def call(input: Any, *, decimals: int = 0) -> Any:
        return ops.round(input, decimals=decimals) if decimals else apply(input)

    return call


_OPTIONS = (
    dict.fromkeys(("add", "sub", "subtract"), _scaled)
    | dict.fromkeys(("div", "divide", "true_divide"), _divided)
    | {"round": _rounded}
)


def _register(name: str, names: str) -> None:
    apply = _fast(registry[name])
    for one in names.split():
        ours = (
            _OPTIONS[one](apply) if one in _OPTIONS else _with_options(apply, getattr(torch, one))
        )
        for owner in (torch, torch.special, torch.Tensor):
            if hasattr(owner, one):
                functions[getattr(owner, one)] = ours
                if one not in _OPTIONS:
                    recorded[getattr(owner, one)] = apply
        setattr(TensorBox, one, ours if one in _OPTIONS else apply)


def _with_options(apply: Callable[..., Any], function: Any) -> Callable[..., Any]:
    """`apply`, but torch's own function where there is more in the call than arguments."""
    count = 2 if function.__name__ in _TWO else 1

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != count:
            return opaque.apply(function, args, kwargs)
        return apply(*args)

    return call


_TWO = " ".join(
    names
    for name, names in (_FOLLOWED | _BINARY | _CONSTANTS).items()
    if len(registry[name].rules) == 2
).split()
for _name, _names in (_FOLLOWED | _BINARY | _CONSTANTS).items():
    _register(_name, _names)


_REFLECTED = ("__add__", "__floordiv__", "__mod__", "__mul__", "__pow__", "__sub__", "__truediv__")


def _reflected(apply: Callable[..., Any]) -> Callable[..., Any]:
    def operate(self: Any, other: Any) -> Any:
        return apply(other, self)

    return operate


for _dunder, _name in _OPERATORS.items():
    _apply = _fast(registry[_name])
    setattr(TensorBox, _dunder, _apply)
    functions[getattr(torch.Tensor, _dunder)] = _apply
    if _dunder in _REFLECTED:
        _right = f"__r{_dunder[2:]}"
        setattr(TensorBox, _right, _reflected(_apply))
        functions[getattr(torch.Tensor, _right)] = _reflected(_apply)


@implements(torch.where, torch.Tensor.where)
def where(condition: Any, *args: Any, **kwargs: Any) -> Any:
    if len(args) != 2 or kwargs:
        return opaque.apply(torch.where, (condition, *args), kwargs)
    return ops_where(condition, *args)


@implements(torch.masked_fill, torch.Tensor.masked_fill)
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    value = value.to(input.dtype) if isinstance(value, torch.Tensor) else value
    return ops_where(mask, value, input)


@implements(torch.clamp, torch.Tensor.clamp, torch.clip, torch.Tensor.clip)
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    return ops.clip(input, min, max)


@implements(torch.clamp_min, torch.Tensor.clamp_min)
def clamp_min(input: Any, min: Any) -> Any:
    return ops.clip(input, min, None)


@implements(torch.clamp_max, torch.Tensor.clamp_max)
def clamp_max(input: Any, max: Any) -> Any:
    return ops.clip(input, None, max)
