"""Any function of JAX's on boxes: one call, whose derivatives are `jax.vjp`'s and `jax.jvp`'s.

What these do to an outer transform's boxes comes back to pullback primitive by primitive, so the
derivative has derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...backends.jax import backend
from ...backends.jax.scope import hold, on_raw, opaque, release_all
from ...calls import Call
from ...core import bind


def apply(function: Callable[..., Any], args: Sequence[Any], title: str = "") -> list[Any]:
    """`function(*args)`, a list of arrays; some of `args` are boxes."""
    title = title or getattr(function, "__name__", "a function of JAX")
    return [*bind(OpaqueCall(title, function), args, {})]


class OpaqueCall(Call):
    """One call of a function of JAX's, which takes arrays and returns a list of them."""

    __slots__ = ("function",)

    def __init__(self, title: str, function: Callable[..., Any]) -> None:
        super().__init__(title)
        self.function = function

    def impl(self, *values: Any) -> tuple[Any, ...]:
        """The function itself."""
        return on_raw(lambda *values: tuple(self.function(*values)))(*values)

    def apply(self, values: Sequence[Any]) -> list[Any]:
        """The function itself, also for traced values."""
        return [*bind(self, values, {})]

    def batch(
        self, _: Any, values: Sequence[Any], batched: Sequence[bool], __: Any, size: int
    ) -> Any:
        """JAX's own batching, followed as one call again."""
        in_axes = [0 if b else None for b in batched]
        mapped = jax.vmap(self.function, in_axes, axis_size=size)
        return bind(OpaqueCall(self.title, mapped), values, {})

    def record(self, values: list[Any], wanted: list[bool]) -> Any:
        """The results, and JAX's pullback: it is bilinear, ours is the adjoint."""
        places = [place for place, want in enumerate(wanted) if want]
        outs, pull = jax.vjp(self.of(values, places), *release_all(values[p] for p in places))
        avals = [(out.shape, out.dtype) for out in outs]

        def adjoint(cotangents: list[Any]) -> list[Any]:
            given = [_filled(vector, *aval) for vector, aval in zip(cotangents, avals, strict=True)]
            grads = dict(zip(places, map(conjugate, pull(given)), strict=True))
            return [grads.get(place) for place in range(len(values))]

        return [*map(hold, outs)], adjoint

    def push(self, values: list[Any], tangents: list[Any]) -> Any:
        """The results and their tangents."""
        places = [place for place, tangent in enumerate(tangents) if tangent is not None]
        primals, moving = (release_all(v[p] for p in places) for v in (values, tangents))
        outs, moved = jax.jvp(self.of(values, places), tuple(primals), tuple(moving))
        pairs = zip(outs, moved, strict=True)
        kept = [hold(t) if backend.differentiable(out) else None for out, t in pairs]
        return [*map(hold, outs)], kept

    def of(self, values: Sequence[Any], places: Sequence[int]) -> Callable[..., Any]:
        """The function of the values at `places` alone."""
        full = release_all(values)

        def function(*moving: Any) -> Any:
            for place, value in zip(places, moving, strict=True):
                full[place] = value
            return self.function(*full)

        return function


def _filled(cotangent: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    if not jnp.issubdtype(dtype, jnp.inexact):
        return np.zeros(shape, jax.dtypes.float0)
    return backend.zeros(shape, dtype) if cotangent is None else conjugate(cotangent)


def conjugate(vector: Any) -> Any:
    """The conjugate of a complex vector: JAX's pullback is bilinear, ours is the adjoint."""
    return jnp.conj(vector) if jnp.iscomplexobj(vector) else vector


opaque.append(apply)
