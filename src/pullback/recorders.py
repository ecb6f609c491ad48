"""The hot path: `bind` and `process` of an elementwise or multilinear primitive in one call.

Small arrays spend their time in the bookkeeping of such ops, and the general way takes
twice as long for the same tape entry or tangent.  So these functions are generated, as a
namedtuple's methods are: two for each primitive, one a mode, with what its rules need written out.
Anything but the plain case (a trace that has met no write, and no two traces at once) goes to
`bind`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .core import Primitive, bind, current, new_box, open_pauses
from .reverse import project
from .rules import IDENTITY, NEGATE, TRANSPOSE, VALUE, Rule, shape_of, source_of

_UNARY = """
def record(x):
    trace = x.tracer
    if not trace.recording or {paused}:
        if trace.pushing and not ({paused}):
            return push(x)
        trace = None if {paused} else current(x)
        if trace is None:
            return bind(primitive, (x,), {{}})
    a = x.value
    if type(a) is box_type:
        out = record(a)
    else:
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

def push(x):
    trace = x.tracer
    a = x.value
    if type(a) is box_type:
        out = record(a)
    else:
        out = impl(a)
    tangent = x.tangent
    {x_moved}
"""

_BINARY = """
def record(x, y):
    a, b = x, y
    if type(x) is box_type:
        trace = x.tracer
        a = x.value
        if type(y) is box_type:
            b = y.value
            if y.tracer is not trace:
                return bind(primitive, (x, y), {{}})
        elif type(y) not in operands:
            return convert(record, x, y)
    else:
        if type(x) not in operands:
            return convert(record, x, y)
        trace = y.tracer
        b = y.value
    if not trace.recording or {paused}:
        if trace.pushing and not ({paused}):
            return push(trace, x, y, a, b)
        trace = None if {paused} else current(x, y)
        if trace is None:
            return bind(primitive, (x, y), {{}})
        if a is not x:
            a = x.value
        if b is not y:
            b = y.value
    if type(a) is box_type or type(b) is box_type:
        out = record(a, b)
    else:
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

def push(trace, x, y, a, b):
    if type(a) is box_type or type(b) is box_type:
        out = record(a, b)
    else:
        out = impl(a, b)
    moved = None
    if a is not x:
        tangent = x.tangent
        {x_moved}
    if b is not y:
        total = moved
        tangent = y.tangent
        {y_moved}
        if total is not None:
            moved = total + moved
"""

# How `push` ends: a box with the tangent in the result's own shape and dtype.
_MOVED = """
    dtype = out.dtype
    if moved.dtype is not dtype or moved.shape != out.shape:
        moved = project(moved, out.shape, dtype, xp)
    box = box_type()
    box.tracer = trace
    box.value = out
    box.index = -trace.next_place()
    box.alias = None
    box.tangent = moved
    return box
"""


def recorder(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    """A function that applies `primitive` to arguments of which at least one is a box."""
    rules = primitive.rules
    if primitive.kind not in ("elementwise", "multilinear") or primitive.variadic:
        return primitive
    if len(rules) > 2 or None in rules:
        return primitive
    scope: dict[str, Any] = {
        "array_type": backend.array_type,
        "bind": bind,
        "convert": backend.convert,
        "current": current,
        "box_type": backend.box_type,
        "float64": backend.float64,
        "impl": backend.implementation(primitive),
        "keep_zeros": backend.keep_zeros,
        "open_pauses": open_pauses,
        "operands": backend.operands,
        "primitive": primitive,
        "project": project,
        "shape_of": shape_of,
        "xp": backend.xp,
    }
    fields = {"paused": "open_pauses"}
    if backend.following is not None:
        scope["following"] = backend.following
        fields["paused"] = "open_pauses or not following()"
    for name, rule in zip("xy", rules, strict=False):
        scope[f"{name}_step"] = rule.step
        scope[f"{name}_function"] = rule.step[1]
        mine, other, plain = ("a", "y", "b") if name == "x" else ("b", "x", "a")
        # A plain array that the rule saves is the caller's, to change later: see `keep`.
        keep = f"if type({other}) is array_type: {plain} = trace.keep({other})"
        fields[f"{other}_kept"] = keep if other in rule.names else "pass"
        fields[f"{name}_saved"] = _saved_by(rule, mine)
        indent = " " * (4 if len(rules) == 1 else 8)
        fields[f"{name}_moved"] = f"\n{indent}".join(_moved_by(rule, name))
    source = (_UNARY if len(rules) == 1 else _BINARY).format(**fields) + _MOVED
    exec(source, scope)  # noqa: S102
    return scope["record"]


def reduction_recorder(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    """The same for a linear op of one box with parameters, whose results are no views of it."""
    (rule,) = primitive.rules
    save, step, xp = rule.save, rule.step, backend.xp
    impl, box_type, following = (
        backend.implementation(primitive),
        backend.box_type,
        backend.following,
    )
    float64 = backend.float64

    def record_reduction(x: Any, **params: Any) -> Any:
        trace = x.tracer if type(x) is box_type else None
        if trace is None or not trace.recording or open_pauses or (following and not following()):
            return bind(primitive, (x,), params)
        value = x.value
        nested = type(value) is box_type
        out = record_reduction(value, **params) if nested else impl(value, **params)
        dtype = out.dtype
        if dtype is not float64:
            trace.note(dtype)
        index = trace.next_index()
        saved = save(xp, out, (value,), params, 0)
        trace.tape[index] = (((x.index, step, saved),), out.shape, dtype)
        return new_box(box_type, trace, out, index)

    return record_reduction


def on_values(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    """`bind` of a constant: where only reverse traces follow the arguments, they see values."""
    box_type, impl = backend.box_type, backend.implementation(primitive)

    def apply(*args: Any) -> Any:
        values: list[Any] = []
        for arg in args:
            value = arg
            while type(value) is box_type:
                if not value.tracer.recording and current(value) is None:
                    return bind(primitive, args, {})
                value = value.value
            values.append(value)
        return impl(*values)

    return apply


def is_recorder(apply: Any) -> bool:
    """Is this a generated function, which checks its operands itself?"""
    return getattr(apply, "__name__", "") == "record"


def _saved_by(rule: Rule, mine: str) -> str:
    """The source of what a rule saves for the argument whose value is in the variable `mine`."""
    fields = [f"shape_of({mine})" if name == "shape" else name for name in _named(rule)]
    return source_of(fields, bare=rule.step[0] == VALUE)


def _moved_by(rule: Rule, name: str) -> list[str]:
    """The lines that compute, as `forward.py` does, what a tangent contributes."""
    how, _, masks = rule.step
    if how == TRANSPOSE:
        args = "tangent, b" if name == "x" else "a, tangent"
        return [f"moved = bind(primitive, ({args}), {{}})"]
    if how == IDENTITY:
        return ["moved = tangent"]
    if how == NEGATE:
        return ["moved = -tangent"]
    (value,) = _named(rule) if how == VALUE else [f"{name}_function({', '.join(_named(rule))})"]
    careful = [
        f"partial = {value}",
        "moved = tangent * partial",
        "if trace.careful: moved = keep_zeros(moved, tangent)",
    ]
    return [*careful, "moved = keep_zeros(moved, partial)"] if masks else careful


def _named(rule: Rule) -> list[str]:
    return [{"x": "a", "y": "b"}.get(name, name) for name in rule.names]
