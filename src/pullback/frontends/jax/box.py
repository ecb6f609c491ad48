"""The box that JAX's users see: a tracer of JAX's, with all attributes of a `jax.Array`.

JAX gives it shape, operators, methods and `.at` by its `aval`.  What is here is what pullback says
where a value would become a plain number, and lose its derivative.
"""

from __future__ import annotations

from typing import Any

import jax
from jax._src import core as jax_core
from jax.interpreters.ad import JVPTracer

from ...backends.jax import backend
from ...backends.libraries import check_one_library
from ...core import Box, box_types, escaped, is_batched, paused, raw
from ..numpy.dispatch import BINARY, OPERATORS
from ..traced import Conversions

# Valid as long as the transform that made the box runs.
_LIVE = jax_core.Trace()
# What JAX looks for in a tracer's contents: whether the value may have a derivative.
_MOVING = JVPTracer(_LIVE, 0.0, 0.0)


class JaxBox(Conversions, jax_core.Tracer):
    """A traced JAX array. A branch on a value is allowed; under `jax.jit` JAX's own error comes."""

    __slots__ = tuple(slot for slot in Box.__slots__ if slot != "__weakref__")

    advice = "the functions of jax.numpy"

    def __init__(self) -> None:
        """Nothing: `new_box` sets what a box has."""

    @property
    def aval(self) -> Any:
        """The shape and dtype, as JAX writes them: under `vmap`, one example's."""
        inner = jax.typeof(self.value)
        shape = inner.shape[self.tracer.lead :]
        return jax_core.ShapedArray(shape, inner.dtype, weak_type=inner.weak_type)

    @property
    def _trace(self) -> Any:
        if self.tracer.ended and type(value := paused(self)) in box_types and value.tracer.ended:
            raise escaped(value.tracer)
        return _LIVE

    @property
    def _debug_info(self) -> Any:
        """What JAX asks for to say that a tracer escaped, which is said here."""
        if self.tracer.ended:
            raise escaped(self.tracer)
        raise AttributeError("_debug_info")

    def _contents(self) -> list[tuple[str, Any]]:
        """For `jax.closure_convert`, by which a captured value that moves becomes an argument."""
        return [("value", _MOVING)] if backend.differentiable(self) else []

    def to_concrete_value(self) -> Any:
        """The value where JAX needs a static number: an integer's, which has no derivative."""
        value = paused(self)
        concrete = not isinstance(raw(value), jax.core.Tracer) and not is_batched(value)
        followed = type(value) in box_types and backend.differentiable(value)
        return raw(value) if concrete and not followed else None

    def tolist(self) -> Any:
        return self._constant("tolist()").tolist()

    def item(self, *args: Any) -> Any:
        return self._constant("item()").item(*args)

    def block_until_ready(self) -> Any:
        """Itself."""
        return self

    def __repr__(self) -> str:
        return f"Traced<{self.tracer.name}, level {self.tracer.level}>({raw(self)!r})"

    def __setitem__(self, key: Any, value: Any) -> None:
        backend.check_mutable(f"x[{key!r}] = v")


def _operator(dunder: str, name: str) -> None:
    """JAX's operator, but for what it says of an array that it does not take."""
    theirs = getattr(jax_core.Tracer, dunder)

    def operate(self: Any, other: Any) -> Any:
        out = theirs(self, other)
        if out is NotImplemented:
            check_one_library(name, backend, [other])
        return out

    setattr(JaxBox, dunder, operate)


for _name, _ufunc in OPERATORS.items():
    _operator(f"__{_name}__", _ufunc.__name__)
for _name, _ufunc in BINARY.items():
    _operator(f"__r{_name}__", _ufunc.__name__)

box_types.add(JaxBox)
backend.box_type = JaxBox
