"""Where a transform of pullback stands among JAX's own.

JAX gives every primitive to its current trace.  While pullback runs a function, that is a `Scope`,
which gives the primitives on boxes to pullback, and all others to the trace around it, its parent.
A transform of JAX inside makes another trace the current one, for which the boxes are constants,
and a transform of pullback inside that makes another scope.  There, the outer scope's boxes are raw
values: they belong to JAX's transform in between, which follows them.  `Held` is what they look
like.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import jax
from jax._src import core as jax_core
from jax._src import linear_util

from ... import core
from ...errors import UnsupportedError

# What the frontend does where some arguments are boxes: with a primitive of JAX's, and with a
# function of arrays that returns a list of them.
on_boxes: list[Callable[[Any, list[Any], dict[str, Any]], Any]] = []
opaque: list[Callable[[Callable[..., Any], list[Any]], list[Any]]] = []


class Scope(jax_core.Trace):
    """The trace to which JAX gives primitives while pullback runs a function."""

    __slots__ = ("parent",)

    def __init__(self, parent: Any) -> None:
        super().__init__()
        self.parent = parent

    def process_primitive(self, primitive: Any, args: Sequence[Any], params: Any, /) -> Any:
        """What a primitive means here."""
        values = release_all(map(core.paused, args))
        if any(map(self.owns, values)):
            with jax_core.set_current_trace(self):
                return on_boxes[0](primitive, values, params)
        with jax_core.set_current_trace(self.parent):
            out = primitive.bind(*values, **params)
            if self.parent is jax_core.eval_trace or not core.is_paused():
                return out
            return jax.lax.stop_gradient(out)

    def stage_value(self, val: Any) -> Any:
        """A value of anywhere as one of this trace."""
        if self.owns(val):
            return val
        with jax_core.set_current_trace(self.parent):
            return self.parent.stage_value(release(val))

    def process_call(self, primitive: Any, f: Any, args: Any, params: Any, /) -> Any:
        """A call of a function as one primitive."""
        return self._staged("process_call", primitive, (f,), args, (params,), {})

    def process_custom_jvp_call(
        self, primitive: Any, fun: Any, jvp: Any, args: Any, /, **params: Any
    ) -> Any:
        """A call of a `jax.custom_jvp` function."""
        out = self._staged("process_custom_jvp_call", primitive, (fun, jvp), args, (), params)
        _forget(fun, jvp)
        return out

    def process_custom_vjp_call(
        self, primitive: Any, fun: Any, fwd: Any, bwd: Any, args: Any, /, **params: Any
    ) -> Any:
        """A call of a `jax.custom_vjp` function."""
        rules = (fun, fwd, bwd)
        out = self._staged("process_custom_vjp_call", primitive, rules, args, (), params)
        _forget(fun, fwd)
        return out

    def _staged(
        self, process: str, primitive: Any, functions: Any, args: Any, rest: Any, params: Any
    ) -> Any:
        """Let another trace of JAX's do it: the parent, or one that makes a jaxpr of it.

        What the functions captured is in the jaxpr's constants, and may be boxes.
        """
        values = release_all(map(core.paused, args))

        def run(*values: Any) -> Any:
            trace = jax_core.trace_ctx.trace
            with jax_core.take_current_trace():
                return getattr(trace, process)(primitive, *functions, values, *rest, **params)

        with jax_core.set_current_trace(self):
            closed = jax.make_jaxpr(run)(*values)
        return self.process_function(jaxpr_function(closed.jaxpr), [*closed.consts, *values])

    def process_function(self, function: Callable[..., list[Any]], args: Sequence[Any]) -> Any:
        """What a function of arrays means here, as one primitive."""
        values = release_all(map(core.paused, args))
        if any(map(self.owns, values)):
            with jax_core.set_current_trace(self):
                return opaque[0](function, values)
        with jax_core.set_current_trace(self.parent):
            return function(*values)

    def owns(self, value: Any) -> bool:
        """Is it a box of one of this scope's transforms?"""
        return type(value) in core.box_types and _scopes.get(value.tracer) is self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("process_"):
            raise UnsupportedError(
                f"JAX's {name.removeprefix('process_')} in a function that pullback runs is not "
                "followed: differentiate jax.jit(function), whose call is one primitive, or call "
                "pullback's transform inside"
            )
        raise AttributeError(name)


class Pausing(jax_core.Trace):
    """The trace of a `no_grad` block: what JAX computes there is a constant to its transforms."""

    __slots__ = ("parent",)

    def __init__(self, parent: Any) -> None:
        super().__init__()
        self.parent = parent

    def process_primitive(self, primitive: Any, args: Sequence[Any], params: Any, /) -> Any:
        """The primitive by the trace around, and no derivative of it."""
        with jax_core.set_current_trace(self.parent):
            return jax.lax.stop_gradient(primitive.bind(*args, **params))

    def __getattr__(self, name: str) -> Any:
        process = getattr(self.parent, name)
        if not name.startswith("process_"):
            return process

        def constant(*args: Any, **params: Any) -> Any:
            with jax_core.set_current_trace(self.parent):
                return jax.lax.stop_gradient(process(*args, **params))

        return constant


def paused() -> contextlib.AbstractContextManager[Any]:
    """What a `no_grad` block does to JAX's transforms around it."""
    trace = jax_core.trace_ctx.trace
    if trace is jax_core.eval_trace or type(trace) is Scope:
        return contextlib.nullcontext()
    return jax_core.set_current_trace(Pausing(trace))


core.pauses.append(paused)


def _forget(fun: Any, rule: Any) -> None:
    """Let the caller, who asks which of the two has run, find one only where both have."""
    if any(map(_holds, rule.stores)):
        for store in fun.stores:
            if _holds(store):
                store.reset()


def _holds(store: Any) -> bool:
    """Has the function stored something there when it ran?"""
    try:  # not every store has a truth of its own
        return store is not None and store.val is not None
    except linear_util.StoreException:
        return False


def jaxpr_function(jaxpr: Any) -> Callable[..., list[Any]]:
    """The function of its constants and arguments that a jaxpr is."""
    count = len(jaxpr.constvars)
    return lambda *args: jax.core.eval_jaxpr(jaxpr, args[:count], *args[count:])


# The scope around which no transform of JAX's runs: one, because JAX's caches tell scopes apart.
_outermost = Scope(jax_core.eval_trace)
# Which scope the transforms that run belong to.
_scopes: weakref.WeakKeyDictionary[core.Trace, Scope] = weakref.WeakKeyDictionary()


class Held(jax_core.Tracer):
    """A box of an outer scope as a raw value: no transform of this scope follows it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def aval(self) -> Any:
        """The shape and dtype, as JAX writes them."""
        return self.value.aval

    @property
    def _trace(self) -> Any:
        return self.value._trace


def current() -> Scope | None:
    """The scope that JAX's primitives go to here."""
    trace = jax_core.trace_ctx.trace
    return trace if type(trace) is Scope else None


def hold(value: Any) -> Any:
    """`value`, but a box as a raw value if JAX's current trace is one inside of its scope."""
    if type(value) not in core.box_types:
        return value
    if not value.tracer.level:  # a constant: nothing can be written into it
        return hold(value.value)
    scope = _scopes.get(value.tracer)
    trace = jax_core.trace_ctx.trace
    return value if scope is None or trace in (scope, scope.parent) else Held(value)


def release(value: Any) -> Any:
    """`value` as code outside of the scope sees it."""
    while type(value) is Held:
        value = value.value
    return value


def release_all(values: Iterable[Any]) -> list[Any]:
    """Those, each as code outside of the scope sees it."""
    return [*map(release, values)]


def on_raw(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of raw arrays, run by the trace around the current scope."""

    @functools.wraps(function)
    def run(*args: Any, **params: Any) -> Any:
        scope = current()
        args = tuple(release_all(args))
        if scope is None:
            return _held(function(*args, **params))
        with jax_core.set_current_trace(scope.parent):
            out = function(*args, **params)
        return _held(out)

    return run


def _held(out: Any) -> Any:
    """Results that are boxes of an outer scope as raw values; they can be of no other."""
    if type(out) in core.box_types:
        return Held(out)
    if isinstance(out, tuple):
        parts = map(_held, out)
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)
    return out


class Border(core.Lens):
    """The lens of a running scope: boxes of outer scopes are raw values."""

    __slots__ = ("entered",)

    def __init__(self, scope: Scope) -> None:
        self.entered = jax_core.set_current_trace(scope)

    def __enter__(self) -> Self:
        self.entered.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.entered.__exit__(None, None, None)

    def see(self, value: Any) -> Any:
        """A box of an outer scope as a raw value."""
        return hold(super().see(value))


def new_scope(trace: Any) -> Border | None:
    """Enter a scope for the transform `trace`; None where one is current."""
    scope = current()
    if scope is not None:
        _scopes[trace] = scope
        return None
    parent = jax_core.trace_ctx.trace
    _scopes[trace] = scope = _outermost if parent is jax_core.eval_trace else Scope(parent)
    return Border(scope).__enter__()
