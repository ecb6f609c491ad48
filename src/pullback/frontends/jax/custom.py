"""Rules that pullback's user stated, where a transform of JAX's asks for the derivative.

JAX follows its own tracers through a function's body, and would not see that it has a rule: such a
call is made one of `jax.custom_vjp` or `jax.custom_jvp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...backends.jax import backend
from ...calls import Call
from ...core import bind
from .opaque import conjugate


def run(call: Call, values: Sequence[Any], *, forwards: bool) -> list[Any] | None:
    """The results of `call`, whose rule JAX's transforms follow; None where none runs.

    `forwards` says that the rule is for tangents.
    """
    if not any(isinstance(value, jax.core.Tracer) for value in values):
        return None
    return [*(_pushed(call) if forwards else _pulled(call))(*values)]


def _pushed(call: Call) -> Any:
    function = jax.custom_jvp(lambda *values: bind(call, _arrays(values), {}))

    def rule(values: Any, tangents: Any) -> Any:
        given = [t if _moves(v) else None for v, t in zip(values, tangents, strict=True)]
        outs, moved = call.push(_arrays(values), given)
        return tuple(outs), tuple(map(_vector, moved, outs))

    function.defjvp(rule)
    return function


def _pulled(call: Call) -> Any:
    function = jax.custom_vjp(lambda *values: bind(call, _arrays(values), {}))

    def backward(values: Any, cotangents: Any) -> Any:
        # The rule's residuals may be any object, which JAX cannot keep: it runs once more.
        outs, pull = call.record(_arrays(values), [*map(_moves, values)])
        pairs = zip(cotangents, outs, strict=True)
        grads = pull([conjugate(ct) if _moves(out) else None for ct, out in pairs])
        return tuple(conjugate(_vector(g, v)) for g, v in zip(grads, values, strict=True))

    function.defvjp(lambda *values: (bind(call, _arrays(values), {}), values), backward)
    return function


def _arrays(values: Sequence[Any]) -> list[Any]:
    """`values` with Python's numbers, as which JAX hands on what is weakly typed, as arrays."""
    return [value if hasattr(value, "shape") else jnp.asarray(value) for value in values]


def _moves(value: Any) -> bool:
    return backend.differentiable(value)


def _vector(vector: Any, like: Any) -> Any:
    """A tangent or cotangent of `like`: JAX's zero where there is none."""
    if not _moves(like):
        return np.zeros(jnp.shape(like), jax.dtypes.float0)
    return jnp.zeros_like(like) if vector is None else vector


backend.call_with_rule = run
