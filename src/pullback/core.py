"""Primitives, boxes and traces: how a program's array calls reach the transforms that follow them.

A transform is an interpreter.  It runs the user's function on boxes; a box reaches an array
library's function, the library hands the call back (NEP 13, NEP 18, an operator), and `bind` gives
it to the trace with the highest level among the arguments.  That trace unwraps its own boxes only
and calls on with the rest, so an outer transform's box inside dispatches again by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from typing import Any, Self

from .errors import EscapedTracerError

# Never reset: an inner transform starts later, so its level is higher.  That is the nesting rule.
_levels = itertools.count(1)

# How this context sees the boxes that come from outside of it (see `Lens`); None: as they are.
_lens: ContextVar[Lens | None] = ContextVar("lens", default=None)
# The lenses open in any thread: while there is none, `bind` need not read the context.
open_pauses: dict[int, None] = {}


class Primitive:
    """An op with a derivative: its name, what runs it on raw arrays, and its declared rules.

    `rules` holds one `Rule` (or None: not differentiable) an argument; a variadic primitive has
    one for all of its arguments, and arguments beyond the rules are operands without a derivative
    (index arrays). `kind` is one of the kinds in `ops/declare.py`; `batch` says how the op takes a
    leading batch axis (see `ops/lift.py`), and is None for an op that cannot. `jvp`, where there is
    one, gives results and tangents in one go, or None where the rules are to be asked. `twin` is
    an op whose result this one's partial is, with a sign: programs often ask for both.
    """

    __slots__ = (
        "batch",
        "impl",
        "joint",
        "jvp",
        "kind",
        "name",
        "outputs",
        "rules",
        "twin",
        "variadic",
    )

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
        batch: Callable[..., Any] | None = None,
        jvp: Callable[..., Any] | None = None,
    ) -> None:
        self.batch = batch
        self.name = name
        self.kind = kind
        self.impl = impl
        self.rules = tuple(rules)
        self.variadic = variadic
        self.joint = joint
        self.outputs = outputs
        self.jvp = jvp
        self.twin: tuple[Primitive, int] | None = None

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply the primitive: to boxes, under their transforms; to raw arrays, at once."""
        return bind(self, args, params)

    def saves(self, position: int) -> bool:
        """May a rule keep the argument at `position` on the tape?"""
        return any(rule is not None and rule.names_argument(position) for rule in self.rules)

    def differentiates(self, position: int) -> bool:
        """Has the argument at `position` a derivative?"""
        rules = self.rules
        return self.variadic or (position < len(rules) and rules[position] is not None)

    def __repr__(self) -> str:
        return f"<{self.kind} primitive {self.name}>"


class Trace:
    """One running transform: it gives meaning to primitives whose arguments it has boxed."""

    __slots__ = (
        "__weakref__",
        "backend",
        "ended",
        "level",
        "name",
        "pushing",
        "recording",
        "shared",
    )

    # Is it one whose tape the recorders may write?
    records = False

    # How many leading axes of what its boxes hold are not the boxes' own: 1 for a batch axis.
    lead = 0

    def __init__(self, name: str, level: int | None = None) -> None:
        self.level = next(_levels) if level is None else level
        self.name = name
        self.backend: Any = None
        self.ended = False
        # May `recorders.py` do the work of `process`? It does that of a tape, or of tangents. After
        # a write into one of its arrays a recorder asks `current` first: views may be out of date.
        self.recording = False
        self.pushing = False
        # The last result that an op's twin may need: see `recorders.py`.
        self.shared: Any = None

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """What `primitive` means under this transform; some of `args` are its boxes."""
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        """What this trace sees of `value`: of an array that no transform follows, the raw one."""
        return value.value if is_buffer(value) else value

    def wrote(self, buffer: Any, index: Any, stored: Any, swapped: Any = None) -> None:
        """Be told that a raw array that this trace reads changed: it held `stored` at `index`.

        `swapped` is the write of another tape that was undone or redone by that, if one was.
        """


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


def same_box(value: Any) -> Any:
    """Another box for what a box stands for now, which a later write does not move; or `value`.

    So are the outer transforms' boxes inside: that write moves them too.
    """
    if type(value) not in box_types:
        return value
    if value.alias is not None:
        value.alias.refresh(value)
    box = new_box(type(value), value.tracer, same_box(value.value), value.index)
    if hasattr(value, "tangent"):
        box.tangent = same_box(value.tangent)
    return box


# The concrete box classes: a set look-up on the exact type is the cheapest test there is.
box_types: set[type] = set()


def bind(  # noqa: C901 (the hottest path of all)
    primitive: Primitive, args: Sequence[Any], params: dict[str, Any]
) -> Any:
    """Run `primitive` under the innermost transform that follows one of `args`."""
    if len(args) == 1 and not open_pauses:  # the most usual case, at half the cost
        (arg,) = args
        if type(arg) in box_types and (arg.tracer.recording or arg.tracer.pushing):
            following = arg.tracer.backend.following
            if following is None or following():
                return arg.tracer.process_one(primitive, arg, params)
    given = args
    if open_pauses and (lens := _lens.get()) is not None:
        args = [lens.seen(arg) for arg in args]
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
        if following is not None and not following():
            return _bind_constants(primitive, [detached(arg) for arg in args], params)
        if buffers and top.level:
            args = [top.read(arg) for arg in args]
        return top.process(primitive, args, params)
    out = run(primitive, args, params)
    if args is given or all(seen is arg for seen, arg in zip(args, given, strict=True)):
        return out
    return constant(out, args)


def current(*operands: Any) -> Any:
    """The trace that a recorder may write the tape of: the only one that follows `operands`.

    Views among them are brought up to date. None where `bind` has more to do.
    """
    trace = None
    for value in operands:
        if type(value) not in box_types:
            continue
        if value.alias is not None:
            value.alias.refresh(value)
        if trace is not None and value.tracer is not trace:
            return None
        trace = value.tracer
    if trace is None or not trace.records or trace.ended or open_pauses:
        return None
    return trace


def _bind_constants(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Run `primitive` on constants, of which some may have batch axes."""
    traces = [arg.tracer for arg in args if type(arg) in box_types]
    if not traces:
        return constant(run(primitive, args, params), args)
    return max(traces, key=lambda trace: trace.level).process(primitive, args, params)


# The array types of the libraries in use other than NumPy -> how primitives run on them.
implementations: dict[type, Any] = {}


def run(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """`primitive` on raw arrays, as their library does it."""
    if implementations and primitive.kind != "call":  # a user's function runs on any array
        for arg in args:
            impls = implementations.get(type(arg))
            if impls is not None:
                return impls[primitive.name](*args, **params)
    return primitive.impl(*args, **params)


def is_buffer(value: Any) -> bool:
    """Is `value` an array that no transform follows yet, but that one may be written into?"""
    if type(value) not in box_types:
        return False
    if value.alias is not None:  # a view: of what its base is by now
        value.alias.refresh(value)
    return value.tracer.level == 0


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
    """The array that owns the memory of `value`, or what else its library knows that by."""
    if type(value) in implementations:
        return implementations[type(value)].memory_of(value)
    base = getattr(value, "base", None)
    while base is not None and base is not value and type(base) is type(value):
        value, base = base, base.base
    return value


class Lens:
    """A block of code that sees the boxes from outside of it as something else.

    `no_grad` is one, which sees them as constants; `captures.py` has the others. Inside another
    lens, that one looks first.
    """

    __slots__ = ("level", "outer", "token")

    def __enter__(self) -> Self:
        self.level = next(_levels)
        self.outer = _lens.get()
        self.token = _lens.set(self)
        open_pauses[id(self)] = None
        return self

    def __exit__(self, *_: object) -> None:
        del open_pauses[id(self)]
        _lens.reset(self.token)

    def seen(self, value: Any) -> Any:
        """What stands for `value` (a box, or anything else) in this block.

        A box that was made in this block is not from outside, whatever lenses there are.
        """
        if type(value) not in box_types or value.tracer.level > self.level:
            return value
        return self.see(value)

    def see(self, value: Any) -> Any:
        """What this lens and those around it make of a box from outside."""
        return value if self.outer is None else self.outer.see(value)

    def check_write(self, box: Box) -> None:
        """Raise if this block may not write into `box`."""
        if self.outer is not None:
            self.outer.check_write(box)


class Pause(Lens):
    """The lens of `no_grad`: the traces that run already are not there."""

    __slots__ = ()

    def see(self, value: Any) -> Any:
        """`value` without the boxes of the traces that ran when the block began."""
        return detached(super().see(value), self.level)


def paused(value: Any) -> Any:
    """`value` as it is seen here: without the boxes that a `no_grad` block makes constants."""
    lens = _lens.get() if open_pauses else None
    return value if lens is None else lens.seen(value)


def is_paused() -> bool:
    """Does this code run in a `no_grad` block?"""
    lens = _lens.get() if open_pauses else None
    while lens is not None and type(lens) is not Pause:
        lens = lens.outer
    return lens is not None


def check_write(box: Box) -> None:
    """Raise if the code that runs here may not write into `box`."""
    lens = _lens.get() if open_pauses else None
    if lens is not None:
        lens.check_write(box)


def detached(value: Any, level: float = math.inf) -> Any:
    """`value` as a constant to all transforms up to `level`; it keeps its batch axes.

    A buffer (level 0) is a constant as it is, and can still be written into.
    """
    if type(value) not in box_types or value.tracer.level > level:
        return value
    if not value.tracer.level and level < math.inf:
        return value
    inside = detached(value.value, level)
    if not value.tracer.lead:
        return inside
    return value if inside is value.value else value.tracer.box(inside)


def is_batched(value: Any) -> bool:
    """Does `value` stand for one value an example, under `vmap`?"""
    while type(value) in box_types:
        if value.tracer.lead:
            return True
        value = value.value
    return False


def batch_axes(value: Any) -> int:
    """How many axes in front of the array at the core of `value` count examples?"""
    axes = 0
    while type(value) in box_types:
        axes += value.tracer.lead
        value = value.value
    return axes


def holds_boxes(value: Any) -> bool:
    """Is a traced value in these nested lists?"""
    if isinstance(value, (list, tuple)):
        return any(map(holds_boxes, value))
    return type(value) in box_types


def raw(value: Any) -> Any:
    """The array or number at the core of a box, batch axes in front; anything else unchanged."""
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


# What a library with transforms of its own, which follow its arrays, enters in a `no_grad` block.
pauses: list[Callable[[], contextlib.AbstractContextManager[Any]]] = []


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
    with Pause(), contextlib.ExitStack() as stack:
        for pause in pauses:
            stack.enter_context(pause())
        yield
