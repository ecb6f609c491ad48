"""JAX's primitives on boxes: the table to the canonical ones, and what is in no table.

A rule here takes the arguments and the parameters of a JAX primitive, and gives its result by
canonical primitives, or None where these mean something else (integers that divide, say).  Such a
call, and every primitive that has no rule, is one opaque call (see `opaque.py`).
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend
import jax.numpy as jnp
from jax import lax
from jax._src import core as jax_core
from jax._src.state.types import AbstractRef

from ...backends.jax import backend
from ...backends.jax.scope import jaxpr_function, on_boxes
from ...core import Primitive
from ...errors import UnsupportedError
from ...ops import contract as contractions
from ...ops import index, reduce, shape
from ...ops.declare import registry
from . import opaque

Rule = Callable[[Sequence[Any], dict[str, Any]], Any]

# What makes an array that can be written into.
_REFS = {getattr(jax_core, name) for name in ("ref_p",) if hasattr(jax_core, name)}
# JAX's primitive -> how it is made of canonical ones.
rules: dict[Any, Rule] = {}
# A jitted function of so few primitives is no more than these; a longer one stays one call.
_SHORT = 4


def process(primitive: Any, args: list[Any], params: dict[str, Any]) -> Any:
    """What a JAX primitive means where some arguments are boxes."""
    rule = rules.get(primitive)
    out = None if rule is None else rule(args, params)
    if out is not None:
        return out
    if any(isinstance(aval, AbstractRef) for aval in map(jax.typeof, args)) or primitive in _REFS:
        raise UnsupportedError(
            "a traced value and an array reference (jax.new_ref): a write into it is not followed. "
            "Write x = x.at[i].set(v), or differentiate jax.jit(function), where JAX follows it"
        )

    def function(*values: Any) -> Any:
        out = primitive.bind(*values, **params)
        return out if primitive.multiple_results else [out]

    outs = opaque.apply(function, args, f"jax's {primitive.name}")
    return outs if primitive.multiple_results else outs[0]


on_boxes.append(process)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Use the decorated function for the primitives of these names, where JAX has them."""

    def register(function: Rule) -> Rule:
        for name in names:
            primitive = getattr(lax, f"{name}_p", None)
            if primitive is not None:
                rules[primitive] = function
        return function

    return register


def _inexact(values: Sequence[Any]) -> bool:
    return all(jnp.issubdtype(jnp.result_type(value), jnp.inexact) for value in values)


def _real(values: Sequence[Any]) -> bool:
    return all(jnp.issubdtype(jnp.result_type(value), jnp.floating) for value in values)


# Elementwise: JAX's name -> the canonical one

ANY = {
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "add": "add",
    "add_any": "add",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atanh": "arctanh",
    "div": "divide",
    "mul": "multiply",
    "neg": "negative",
    "pow": "power",
    "sub": "subtract",
} | {name: name for name in "cos cosh exp expm1 log log1p sin sinh sqrt square tan tanh".split()}
REAL = {
    "atan2": "arctan2",
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "is_finite": "isfinite",
    "le": "less_equal",
    "lt": "less",
    "max": "maximum",
    "min": "minimum",
    "ne": "not_equal",
    "sign": "real_sign",
} | {name: name for name in "ceil floor".split()}
COMPLEX = {name: name for name in "imag real".split()}


def _elementwise(canonical: Primitive, fits: Callable[[Sequence[Any]], bool]) -> Rule:
    return lambda args, params: canonical(*args) if fits(args) and _plain(params) else None


def _plain(params: dict[str, Any]) -> bool:
    """Asks no parameter for an accuracy or a placement of its own?"""
    return all(value is None for value in params.values())


for _table, _fits in ((ANY, _inexact), (REAL, _real), (COMPLEX, lambda x: not _real(x))):
    for _name, _canonical in _table.items():
        rule(_name)(_elementwise(registry[_canonical], _fits))
_add_any = getattr(jax.interpreters.ad, "add_jaxvals_p", None)
if _add_any is not None:
    rules[_add_any] = _elementwise(registry["add"], _inexact)


@rule("integer_pow")
def _integer_pow(args: Sequence[Any], params: dict[str, Any]) -> Any:
    return registry["power"](*args, params["y"]) if _inexact(args) else None


@rule("conj")
def _conj(args: Sequence[Any], params: dict[str, Any]) -> Any:
    return None if _real(args) else registry["conjugate"](*args)


@rule("convert_element_type")
def _convert(args: Sequence[Any], params: dict[str, Any]) -> Any:
    (x,), dtype = args, params["new_dtype"]
    if params["weak_type"] or params.get("sharding") is not None or not _inexact(args):
        return None
    kept = jnp.issubdtype(dtype, jnp.inexact) and (
        not backend.is_complex(x.dtype) or backend.is_complex(dtype)
    )
    return registry["astype"](x, dtype=jnp.dtype(dtype)) if kept else None


@rule("select_n")
def _select(args: Sequence[Any], params: dict[str, Any]) -> Any:
    which, *cases = args
    if len(cases) != 2 or which.dtype != jnp.bool_ or not _inexact(cases):
        return None
    return index.where(which, cases[1], cases[0])


@rule("copy")
def _copy(args: Sequence[Any], params: dict[str, Any]) -> Any:
    return registry["positive"](*args) if _inexact(args) else None


# Shapes


def _reshaped(x: Any, new: Sequence[int]) -> Any:
    return shape.reshape(x, shape=tuple(new))


@rule("reshape")
def _reshape(args: Sequence[Any], params: dict[str, Any]) -> Any:
    if len(args) > 1 or params.get("dimensions") is not None or params.get("sharding") is not None:
        return None
    return _reshaped(args[0], params["new_sizes"])


@rule("squeeze")
def _squeeze(args: Sequence[Any], params: dict[str, Any]) -> Any:
    (x,) = args
    return _reshaped(x, [n for i, n in enumerate(x.shape) if i not in params["dimensions"]])


@rule("broadcast_in_dim")
def _broadcast(args: Sequence[Any], params: dict[str, Any]) -> Any:
    if len(args) > 1 or params.get("sharding") is not None:
        return None
    (x,), new = args, params["shape"]
    sizes = dict(zip(params["broadcast_dimensions"], x.shape, strict=True))
    x = _reshaped(x, [sizes.get(i, 1) for i in range(len(new))])
    return x if x.shape == tuple(new) else shape.broadcast_to(x, shape=tuple(new))


@rule("transpose")
def _transpose(args: Sequence[Any], params: dict[str, Any]) -> Any:
    (x,) = args
    return shape.transpose(x, axes=tuple(a - x.ndim for a in params["permutation"]))


@rule("rev")
def _rev(args: Sequence[Any], params: dict[str, Any]) -> Any:
    (x,) = args
    return shape.flip(x, axis=tuple(a - x.ndim for a in params["dimensions"]))


@rule("slice")
def _slice(args: Sequence[Any], params: dict[str, Any]) -> Any:
    (x,) = args
    strides = params["strides"] or (1,) * x.ndim
    ends = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return index.getitem(x, index=(..., *(slice(*end) for end in ends)))


@rule("concatenate")
def _concatenate(args: Sequence[Any], params: dict[str, Any]) -> Any:
    return backend.xp.concatenate(args, params["dimension"]) if _inexact(args) else None


# Reductions and contractions


def _reduction(canonical: Primitive, fits: Callable[[Sequence[Any]], bool]) -> Rule:
    def reduce_(args: Sequence[Any], params: dict[str, Any]) -> Any:
        (x,) = args
        if not fits(args) or params.get("out_sharding") is not None:
            return None
        return canonical(x, axis=tuple(a - x.ndim for a in params["axes"]), keepdims=False)

    return reduce_


rule("reduce_sum")(_reduction(reduce.sum, _inexact))
rule("reduce_max")(_reduction(reduce.max, _real))
rule("reduce_min")(_reduction(reduce.min, _real))
rule("reduce_prod")(_reduction(reduce.prod, _inexact))


@rule("cumsum")
def _cumsum(args: Sequence[Any], params: dict[str, Any]) -> Any:
    (x,) = args
    return reduce.cumsum(x, axis=params["axis"] - x.ndim, reverse=params["reverse"])


@rule("dot_general")
def _dot_general(args: Sequence[Any], params: dict[str, Any]) -> Any:
    x, y = args
    kept = params["preferred_element_type"] in (None, x.dtype)
    asked = params["precision"] is not None or params.get("out_sharding") is not None
    if not kept or asked or x.dtype != y.dtype or not _inexact(args):
        return None
    (x_summed, y_summed), (x_batch, y_batch) = params["dimension_numbers"]
    names = iter(string.ascii_letters)
    left = [next(names) for _ in x.shape]
    right = [""] * y.ndim
    for i, j in zip((*x_batch, *x_summed), (*y_batch, *y_summed), strict=True):
        right[j] = left[i]
    right = [name or next(names) for name in right]
    out = [left[i] for i in x_batch]
    out += [name for name in left + right if (name in left) != (name in right)]
    return contractions.contract(
        x, y, subscripts=f"{''.join(left)},{''.join(right)}->{''.join(out)}"
    )


# Functions that are compiled as one


def _jit(args: Sequence[Any], params: dict[str, Any]) -> Any:
    """A jitted function of a few primitives that have rules is these; any other is one call."""
    closed = params["jaxpr"]
    equations = closed.jaxpr.eqns
    if len(equations) > _SHORT or not all(equation.primitive in rules for equation in equations):
        return None
    return jaxpr_function(closed.jaxpr)(*closed.consts, *args)


for _module in (jax.extend.core.primitives,) if hasattr(jax, "extend") else ():
    for _name in ("jit_p", "pjit_p"):
        if hasattr(_module, _name):
            rules[getattr(_module, _name)] = _jit
