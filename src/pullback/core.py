"""Primitives, boxes and traces: how a program's array calls reach the transforms that follow them.

A transform is an interpreter.  It runs the user's function on boxes; a box reaches an array
library's function, the library hands the call back (NEP 13, NEP 18, an operator), and `bind` gives
it to the trace with the highest level among the arguments.  That trace unwraps its own boxes only
and calls on with the rest, so an outer transform's box inside dispatches again by itself.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from typing import Any

from .errors import EscapedTracerError

# Never reset: an inner transform starts later, so its level is higher.  That is the nesting rule.
_levels = itertools.count(1)

# Traces up to this level are switched off in this context (see `no_grad`).
_paused_level: ContextVar[int] = ContextVar("paused_level", default=0)
# The `no_grad` blocks open in any thread: while there is none, `bind` need not read the context.
open_pauses: dict[int, None] = {}


class Primitive:
    """An op with a derivative: its name, what runs it on raw arrays, and its declared rules.

    `rules` holds one `Rule` (or None: not differentiable) an argument; a variadic primitive has
    one for all of its arguments. `kind` is one of the kinds in `ops/declare.py`. `jvp`, where there
    is one, gives results and tangents in one go, or None where the rules are to be asked.
    """

    __slots__ = ("impl", "joint", "jvp", "kind", "name", "outputs", "rules", "variadic")

    def __init__(
        self,
        name: str,
        kind: str,
        impl: Callable[..., Any],
        rules: Sequence[Any],
        *,
        variadic: bool = False,
        joint: bool = False,
        outputs: int | None = None,
        jvp: Callable[..., Any] | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.impl = impl
        self.rules = tuple(rules)
        self.variadic = variadic
        self.joint = joint
        self.outputs = outputs
        self.jvp = jvp

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply the primitive: to boxes, under their transforms; to raw arrays, at once."""
        return bind(self, args, params)

    def saves(self, position: int) -> bool:
        """May a rule keep the argument at `position` on the tape?"""
        return any(rule is not None and rule.names_argument(position) for rule in self.rules)

    def __repr__(self) -> str:
        return f"<{self.kind} primitive {self.name}>"


class Trace:
    """One running transform: it gives meaning to primitives whose arguments it has boxed."""

    __slots__ = ("__weakref__", "backend", "ended", "level", "name", "recording")

    def __init__(self, name: str, level: int | None = None) -> None:
        self.level = next(_levels) if level is None else level
        self.name = name
        self.backend: Any = None
        self.ended = False
        self.recording = False  # may `reverse.py` write its tape without asking `process`?

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """What `primitive` means under this transform; some of `args` are its boxes."""
        raise NotImplementedError

    def read(self, buffer: Any) -> Any:
        """What this trace sees of an array that no transform follows (level 0): the raw one."""
        return buffer.value

    def wrote(self, buffer: Any, index: Any, stored: Any) -> None:
        """Be told that a raw array that this trace reads changed: it held `stored` at `index`."""


class Box:
    """A traced value in user code's hands; each frontend derives one that looks like its arrays.

    `tracer` is the trace that follows it (arrays have a method called trace), `value` what it
    holds: a raw array, or another trace's box. `index` is its place on a reverse trace's tape,
    `tangent` what a forward trace carries beside it. `alias` says what it is a view of (see
    `mutate.py`), or is None.
    """

    __slots__ = ("__weakref__", "alias", "index", "tangent", "tracer", "value")

    alias: Any
    index: int
    tangent: Any
    tracer: Any
    value: Any


def new_box(box_type: Callable[[], Any], trace: Any, value: Any, index: int) -> Any:
    """A box of this class; one with an `__init__` would take twice as long to make."""
    box = box_type()
    box.tracer = trace
    box.value = value
    box.index = index
    box.alias = None
    return box


# The concrete box classes: a set look-up on the exact type is the cheapest test there is.
box_types: set[type] = set()


def bind(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Run `primitive` under the innermost transform that follows one of `args`."""
    paused = _paused_level.get() if open_pauses else 0
    if paused:
        args = [raw_below(arg, paused) for arg in args]
    top = None
    buffers = False
    for arg in args:
        if type(arg) in box_types:
            if arg.alias is not None:
                arg.alias.refresh(arg)
            trace = arg.tracer
            buffers = buffers or trace.level == 0
            if top is None or trace.level > top.level:
                top = trace
    if top is not None:
        following = top.backend.following
        if following is None or following():
            if buffers and top.level:
                args = [top.read(arg) if is_buffer(arg) else arg for arg in args]
            return top.process(primitive, args, params)
        args = [raw(arg) for arg in args]
        paused = top.level
    out = run(primitive, args, params)
    return constant(out, args) if paused else out


# The array types of the libraries in use other than NumPy -> how primitives run on them.
implementations: dict[type, Any] = {}


def run(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """`primitive` on raw arrays, as their library does it."""
    if implementations:
        for arg in args:
            impls = implementations.get(type(arg))
            if impls is not None:
                return impls[primitive.name](*args, **params)
    return primitive.impl(*args, **params)


def is_buffer(value: Any) -> bool:
    """Is `value` an array that no transform follows yet, but that one may be written into?"""
    return type(value) in box_types and value.tracer.level == 0


def constant(value: Any, args: Sequence[Any]) -> Any:
    """`value`, read-only if it shares the memory of `args`, which a trace holds.

    A write into it would not be followed; a copy would not see the writes that are.
    """
    if type(value) in implementations:
        return implementations[type(value)].constant(value, args)
    if getattr(value, "flags", None) is None:
        return value
    if not any(memory_of(value) is memory_of(arg) for arg in args):
        return value
    view = value.view()
    view.setflags(write=False)
    return view


def memory_of(value: Any) -> Any:
    """The array that owns the memory of `value`."""
    base = getattr(value, "base", None)
    while base is not None and base is not value and type(base) is type(value):
        value, base = base, base.base
    return value


def paused(value: Any) -> Any:
    """`value` as it is seen here: without the boxes that a `no_grad` block makes constants."""
    return raw_below(value, _paused_level.get()) if open_pauses else value


def raw_below(value: Any, level: int) -> Any:
    """`value` without the boxes of the traces up to `level`; a buffer is constant as it is."""
    while type(value) in box_types and 0 < value.tracer.level <= level:
        value = value.value
    return value


def raw(value: Any) -> Any:
    """The array or number at the core of a box; anything else unchanged."""
    while type(value) in box_types:
        value = value.value
    return value


def escaped(trace: Trace) -> EscapedTracerError:
    """The error for a box that outlived `trace`."""
    return EscapedTracerError(
        f"a value traced by pullback.{trace.name} was used after that transform had ended, when "
        f"its derivative can no longer be followed. Return it from the function (as an output, or "
        f"as aux with has_aux=True) instead of storing it in a global, a list or an attribute."
    )


@contextlib.contextmanager
def no_grad() -> Generator[None]:
    """Make everything computed in this block a constant, at every level and in both modes.

    A transform that starts inside the block is followed within itself, and is a constant to the
    transforms around the block.

    Example:
        >>> import numpy as np, pullback
        >>> def f(x):
        ...     with pullback.no_grad():
        ...         c = x ** 2
        ...     return x - c
        >>> float(pullback.grad(f)(3.0))
        1.0
    """
    with pause(next(_levels)):
        yield


@contextlib.contextmanager
def pause(level: int) -> Generator[None]:
    """Switch off the traces up to `level` in this block."""
    key = id(token := _paused_level.set(level))
    open_pauses[key] = None
    try:
        yield
    finally:
        del open_pauses[key]
        _paused_level.reset(token)
