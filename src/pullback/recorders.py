"""The hot path: `bind` and `process` of an elementwise primitive in one call.

Small arrays spend their time in the bookkeeping of elementwise ops, and the general way takes
twice as long for the same tape entry.  So these functions are generated, as a namedtuple's
methods are: one for each primitive, with what its rules save written out.  Anything but
the plain case (one live reverse trace right above raw arrays) goes to `bind`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .core import Primitive, bind, open_pauses
from .rules import VALUE, Rule, source_of

_UNARY = """
def record(x):
    trace = x.tracer
    a = x.value
    if not trace.recording or {paused} or type(a) is box_type:
        return bind(primitive, (x,), {{}})
    out = impl(a)
    dtype = out.dtype
    if dtype is not float64:
        trace.note(dtype)
    index = trace.next_index()
    trace.tape[index] = (((x.index, x_step, {x_saved}),), out.shape, dtype)
    box = box_type()
    box.tracer = trace
    box.value = out
    box.index = index
    box.alias = None
    return box
"""

_BINARY = """
def record(x, y):
    a, b = x, y
    if type(x) is box_type:
        trace = x.tracer
        a = x.value
        if type(y) is box_type:
            b = y.value
            if y.tracer is not trace or type(a) is box_type:
                return bind(primitive, (x, y), {{}})
        elif type(y) not in operands:
            return convert(record, x, y)
    else:
        if type(x) not in operands:
            return convert(record, x, y)
        trace = y.tracer
        b = y.value
    if not trace.recording or {paused} or type(a) is box_type or type(b) is box_type:
        return bind(primitive, (x, y), {{}})
    out = impl(a, b)
    dtype = out.dtype
    if dtype is not float64:
        trace.note(dtype)
    if b is y:
        {y_kept}
        edges = ((x.index, x_step, {x_saved}),)
    elif a is x:
        {x_kept}
        edges = ((y.index, y_step, {y_saved}),)
    else:
        edges = ((x.index, x_step, {x_saved}), (y.index, y_step, {y_saved}))
    index = trace.next_index()
    trace.tape[index] = (edges, out.shape, dtype)
    box = box_type()
    box.tracer = trace
    box.value = out
    box.index = index
    box.alias = None
    return box
"""


def recorder(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    """A function that applies `primitive` to arguments of which at least one is a box."""
    rules = primitive.rules
    if primitive.kind != "elementwise" or len(rules) > 2 or None in rules:
        return primitive
    scope: dict[str, Any] = {
        "array_type": backend.array_type,
        "bind": bind,
        "convert": backend.convert,
        "box_type": backend.box_type,
        "float64": backend.float64,
        "impl": backend.implementation(primitive),
        "open_pauses": open_pauses,
        "operands": backend.operands,
        "primitive": primitive,
        "xp": backend.xp,
    }
    fields = {"paused": "open_pauses"}
    if backend.following is not None:
        scope["following"] = backend.following
        fields["paused"] = "open_pauses or not following()"
    for name, rule in zip("xy", rules, strict=False):
        scope[f"{name}_step"] = rule.step
        other, plain = ("y", "b") if name == "x" else ("x", "a")
        # A plain array that the rule saves is the caller's, to change later: see `keep`.
        keep = f"if type({other}) is array_type: {plain} = trace.keep({other})"
        fields[f"{other}_kept"] = keep if other in rule.names else "pass"
        fields[f"{name}_saved"] = _saved_by(rule)
    exec((_UNARY if len(rules) == 1 else _BINARY).format(**fields), scope)  # noqa: S102
    return scope["record"]


def on_values(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    """`bind` of a constant: where only reverse traces follow the arguments, they see values."""
    box_type, impl = backend.box_type, backend.implementation(primitive)

    def apply(*args: Any) -> Any:
        values: list[Any] = []
        for arg in args:
            value = arg
            while type(value) is box_type:
                if not value.tracer.recording:
                    return bind(primitive, args, {})
                value = value.value
            values.append(value)
        return impl(*values)

    return apply


def is_recorder(apply: Any) -> bool:
    """Is this a generated function, which checks its operands itself?"""
    return getattr(apply, "__name__", "") == "record"


def _saved_by(rule: Rule) -> str:
    """The source of what an elementwise rule saves."""
    names = [{"x": "a", "y": "b"}.get(name, name) for name in rule.names]
    return source_of(names, bare=rule.step[0] == VALUE)
