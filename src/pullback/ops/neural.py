"""Ops that only neural networks' libraries have a function for: NumPy's programs spell them out."""

from __future__ import annotations

import math
from typing import Any

from ..core import Primitive
from ..rules import JOINT, PARTIAL, Rule
from . import lift

# By name, as `declare.registry` has those that run on NumPy too.
registry: dict[str, Primitive] = {}


def _absent(*args: Any, **params: Any) -> Any:
    raise NotImplementedError("NumPy has no such function")


def _elementwise(name: str, partial: Any, *, masks: bool = False) -> Primitive:
    rule = Rule(PARTIAL, partial, ("x",), masks=masks)
    return _declare(Primitive(name, "elementwise", _absent, [rule], batch=lift.aligned()))


def _opaque(name: str, vjp: Any) -> Primitive:
    rule = Rule(JOINT, vjp, ("x",))
    return _declare(Primitive(name, "opaque", _absent, [rule], joint=True, batch=lift.aligned()))


def _declare(primitive: Primitive) -> Primitive:
    registry[primitive.name] = primitive
    return primitive


def _gelu(xp: Any, x: Any) -> Any:
    density = xp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + xp.erf(x * math.sqrt(0.5))) + x * density


relu = _elementwise("relu", lambda out: out > 0, masks=True)
sigmoid = _elementwise("sigmoid", lambda out: out * (1 - out))
gelu = _elementwise("gelu", _gelu)  # with the error function


def _softmax_vjp(cotangent: Any, xp: Any, out: Any, axis: Any) -> tuple[Any]:
    inner = xp.sum(cotangent * out, axis=axis, keepdims=True)
    return (out * (cotangent - inner),)


def _log_softmax_vjp(cotangent: Any, xp: Any, out: Any, axis: Any) -> tuple[Any]:
    return (cotangent - xp.exp(out) * xp.sum(cotangent, axis=axis, keepdims=True),)


def _standardize_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, axis: Any, eps: float
) -> tuple[Any]:
    deviation = xp.sqrt(xp.var(x, axis=axis, keepdims=True) + eps)
    along = xp.mean(cotangent * out, axis=axis, keepdims=True)
    centred = cotangent - xp.mean(cotangent, axis=axis, keepdims=True)
    return ((centred - out * along) / deviation,)


softmax = _opaque("softmax", _softmax_vjp)
log_softmax = _opaque("log_softmax", _log_softmax_vjp)
# (x - mean) / sqrt(variance + eps), both over `axis`.
standardize = _opaque("standardize", _standardize_vjp)
