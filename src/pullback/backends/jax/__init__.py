"""JAX's arrays: immutable, and under `jax.jit` and JAX's other transforms without values.

JAX's functions follow the array API standard, so that this is the standard's backend but for what
JAX has in its own way: devices, dtypes, indexing with arrays that are not known yet, and zeros.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src.lax.lax import _convert_element_type as convert_element_type
from jax.core import Tracer

from ... import core
from ...errors import UnsupportedError
from ..array_api import ArrayApiBackend, Implementations
from . import contract, index, reduce
from .scope import Held, hold, new_scope, on_raw, release


class JaxImplementations(Implementations):
    """What runs primitives on JAX's arrays, outside of the transforms that follow."""

    def __init__(self, backend: ArrayApiBackend) -> None:
        super().__init__(backend)
        self.update({name: on_raw(function) for name, function in self.items()})

    @staticmethod
    def constant(value: Any, _: Any) -> Any:
        """`value`: in a `no_grad` block a constant to JAX's transforms too."""
        stops = isinstance(value, Tracer) and core.is_paused()
        return on_raw(jax.lax.stop_gradient)(value) if stops else value


class JaxBackend(ArrayApiBackend):
    """Answers for JAX's arrays and for the tracers of JAX's transforms."""

    mutable = False
    takes = (np.ndarray, np.generic)
    implementations_type = JaxImplementations
    families = (*ArrayApiBackend.families, index, contract, reduce)

    def __init__(self) -> None:
        super().__init__(jnp, jax.Array, None)
        self.name = "jax.numpy"
        self.converts = "jnp.asarray(np.asarray(x))"
        self.float64 = np.dtype(np.float64)
        core.implementations[Held] = self.implementations

    # Values that may not be known

    def known(self, condition: Any) -> bool | None:
        """The truth of a 0-d boolean array; None under JAX's transforms."""
        return bool(condition) if self.has_values(condition) else None

    def has_values(self, value: Any) -> bool:
        """Not under JAX's transforms."""
        return not isinstance(value, Tracer)

    def host(self, x: Any) -> Any:
        """The values of a raw array as a NumPy array of their own."""
        return np.array(x)

    def computed(self, x: Any) -> Any:
        """The values of a raw array, for a solver that is not followed."""
        if isinstance(x, jax.core.Tracer):
            raise UnsupportedError(
                "under jax.jit, or another transform of JAX's, the derivative of a solver's result "
                "is not known: its linear system is solved outside of JAX. Take the derivative "
                "outside of jax.jit"
            )
        return np.asarray(x)

    def like(self, array: Any, value: Any) -> Any:
        """An array of NumPy's as one of JAX's."""
        return self.asarray(array)

    def has_zeros(self, cotangent: Any) -> bool:
        """May any element be exactly zero? Yes, where that is not known."""
        value = core.raw(cotangent)
        if not self.has_values(value):
            return True
        return bool(on_raw(lambda _: jnp.any(value == 0))(value))

    def keep_zeros(self, product: Any, cotangent: Any) -> Any:
        """`product`, but zero wherever `cotangent` is: a branch not taken contributes nothing."""
        value = core.raw(product)
        if self.has_values(value) and not on_raw(lambda _: jnp.any(jnp.isnan(value)))(value):
            return product
        return self.xp.where(self.xp.equal(cotangent, 0), 0, product)

    # Arrays of numbers, and of NumPy's arrays, which JAX takes as its own

    def aval(self, value: Any) -> tuple[tuple[int, ...], Any]:
        """Shape and dtype (a number in what JAX has traced has a dtype, and no shape)."""
        dtype = value.dtype if hasattr(value, "dtype") else self.asarray(value).dtype
        return getattr(value, "shape", ()), dtype

    def asarray(self, value: Any, dtype: Any = None, like: Any = None) -> Any:
        """A number, or an array of NumPy's, as an array of JAX's."""
        return on_raw(lambda _: jnp.asarray(value, dtype))(value)

    def zeros(self, shape: Any, dtype: Any) -> Any:
        """As `jnp.zeros`."""
        return on_raw(lambda _: jnp.zeros(tuple(shape), dtype))(None)

    def ones(self, shape: Any, dtype: Any) -> Any:
        """As `jnp.ones`."""
        return on_raw(lambda _: jnp.ones(tuple(shape), dtype))(None)

    def eye(self, rows: int, columns: int | None = None, k: int = 0, dtype: Any = None) -> Any:
        """As `jnp.eye`."""
        return on_raw(lambda _: jnp.eye(rows, columns, k, dtype))(None)

    @staticmethod
    def device_of(x: Any) -> Any:
        """JAX places what is computed beside its arguments: nothing need be said."""
        return None

    # What the transforms ask

    def is_array(self, value: Any) -> bool:
        """Is it an array of JAX's, a tracer of its transforms, or one of NumPy's?"""
        if type(value) in core.box_types:
            return False
        return isinstance(value, (jax.Array, np.ndarray, np.generic))

    def refusal(self, value: Any) -> str | None:
        """Why `value` cannot be a leaf, or None where it can."""
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "biufcV":
            return f"got an array of dtype {value.dtype} among arrays of JAX; pass numbers"
        return super().refusal(value)

    def differentiable(self, value: Any) -> bool:
        """Is this leaf of a floating-point or complex dtype (bfloat16 and the like too)?"""
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            return isinstance(value, (float, complex))
        return bool(jnp.issubdtype(dtype, jnp.inexact))

    def enter(self, value: Any, trace: Any = None) -> Any:
        """A primal as a transform holds it."""
        if type(value) in core.box_types:
            return value
        if not isinstance(value, jax.Array):
            value = self.asarray(value)
        core.implementations.setdefault(type(value), self.implementations)
        return value

    def cast(self, value: Any, dtype: Any) -> Any:
        """A number or array as an array of `dtype`."""
        return self.asarray(value, dtype)

    @staticmethod
    def layout(value: Any) -> bool:
        """Does a primal give way to other dtypes, as Python's numbers do?"""
        return jax.typeof(value).weak_type

    def aligned(self, value: Any, weak: bool) -> Any:
        """`value`, as weakly typed as its primal."""
        if not weak or jax.typeof(value).weak_type:
            return value
        return convert_element_type(value, value.dtype, weak_type=True)

    def copy(self, value: Any) -> Any:
        """`value`: nothing can be written into it."""
        if isinstance(value, (np.ndarray, np.generic)):
            return self.asarray(value)
        return release(super().copy(value))

    def copy_examples(self, value: Any) -> Any:
        """Examples as a transform holds them."""
        return hold(self.copy(value))

    @staticmethod
    def is_complex(dtype: Any) -> bool:
        """Is this dtype a complex one?"""
        return bool(jnp.issubdtype(dtype, jnp.complexfloating))

    def check_mutable(self, what: str) -> None:
        """Raise JAX's kind of error."""
        raise TypeError(f"{what}: JAX arrays are immutable; write x = x.at[i].set(v)")

    @staticmethod
    def start(_: Callable[..., Any], trace: Any) -> Any:
        """Begin to run a function: what JAX does with boxes is asked of pullback."""
        return new_scope(trace)

    @staticmethod
    @contextlib.contextmanager
    def inside(trace: Any) -> Any:
        """Entered while rules run on the boxes of a trace that runs no program."""
        token = new_scope(trace)
        try:
            yield
        finally:
            JaxBackend.stop(token)

    @staticmethod
    def stop(token: Any) -> None:
        """End what `start` began."""
        if token is not None:
            token.__exit__(None, None, None)


backend = JaxBackend()


def _register(tracer_type: type) -> None:
    """Let primitives on tracers of this class, and of those derived, run by JAX's functions."""
    for derived in tracer_type.__subclasses__():
        core.implementations[derived] = backend.implementations
        _register(derived)


_register(Tracer)


def backend_for(leaf: Any) -> JaxBackend:
    """The backend of all of JAX's arrays, whatever device they are on."""
    core.implementations.setdefault(type(leaf), backend.implementations)
    return backend


importlib.import_module("pullback.frontends.jax")
__all__ = ["JaxBackend", "backend", "backend_for"]
