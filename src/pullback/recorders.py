"""The hot path: `bind` and `process` of an elementwise op, or of `matmul`, in one call.

Small arrays spend their time in the bookkeeping of these ops, and the general way takes twice as
long for the same tape entry or tangent.  So these functions are generated, as a namedtuple's
methods are: two for each primitive, one a mode, with what its rules need written out.
A primitive's are compiled when it first runs, for a program uses few of them.
Anything but the plain case (a trace that has met no write, and no two traces at once) goes to
`bind`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

from .callers import OURS
from .core import Primitive, bind, box_types, current, new_box, open_pauses
from .reverse import project
from .rules import IDENTITY, NEGATE, PARTIAL, TRANSPOSE, VALUE, Rule, source_of

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
    {share}
    box = box_type()
    box.tracer = trace
    box.value = out
    box.index = index
    box.alias = None
    return box

def push(x):
    trace = x.tracer
    a = x.value
    {computed}
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

_RESULT = """if type(a) is box_type:
        out = record(a)
    else:
        out = impl(a)"""

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


_KINDS = ("elementwise", "multilinear")
_NAMES = {"x", "y", "out", "xp", "shape"}  # what a recorder's rules may name


def recorder(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    """A function that applies `primitive` to arguments of which at least one is a box."""
    rules = primitive.rules
    plain = primitive.kind in _KINDS and not primitive.variadic
    if not plain or len(rules) > 2 or None in rules:
        return primitive
    if not _NAMES.issuperset(name for rule in rules for name in rule.names):
        return primitive

    scope = _scope(primitive, backend)
    record = FunctionType(_first.__code__, scope, "record")

    def compiled(*args: Any) -> Any:
        exec(compile(_source(primitive, backend), f"{OURS}<{primitive.name}>", "exec"), scope)  # noqa: S102
        # Tables hold `record` already: it takes over the code, at the cost of no further call.
        record.__code__ = scope["record"].__code__
        scope["record"] = record
        return record(*args)

    scope["compiled"] = compiled
    return record


def _first(*args: Any) -> Any:
    return compiled(*args)  # type: ignore[name-defined]  # noqa: F821


def _scope(primitive: Primitive, backend: Any) -> dict[str, Any]:
    """What the generated functions of `primitive` call and compare with."""
    scope: dict[str, Any] = {
        "apply": _on_tangents(primitive, backend),
        "array_type": backend.array_type,
        "bind": bind,
        "convert": backend.convert,
        "current": current,
        "box_type": backend.box_type,
        "float64": backend.float64,
        "following": backend.following,
        "impl": backend.implementation(primitive),
        "keep_zeros": backend.keep_zeros,
        "open_pauses": open_pauses,
        "operands": backend.operands,
        "primitive": primitive,
        "project": project,
        "xp": backend.xp,
    }
    for name, rule in zip("xy", primitive.rules, strict=False):
        scope[f"{name}_step"] = rule.step
        scope[f"{name}_function"] = rule.step[1]
    if primitive.twin is not None:
        scope["share"] = _sharing(primitive)
        scope["both"] = _with_twin(primitive, backend)
    return scope


def _sharing(primitive: Primitive) -> Callable[..., Any]:
    assert primitive.twin is not None
    twin, sign = primitive.twin
    assert twin.twin is not None
    _, twins_sign = twin.twin

    def share(trace: Any, a: Any, out: Any, index: int) -> None:
        """Let this entry and its twin's, of the same argument, save each other's results."""
        if trace.writes or not _is_shared(trace, primitive, a):
            trace.shared = (a, twin, out, index)
            return
        _, _, other, place = trace.shared
        trace.shared = None
        _save(trace.tape, index, other, sign)
        _save(trace.tape, place, out, twins_sign)

    return share


def _save(tape: Any, index: int, partial: Any, sign: int) -> None:
    ((ref, _, _),), shape, dtype = tape[index]
    step = (VALUE, None, False) if sign == 1 else (PARTIAL, operator.neg, False)
    tape[index] = (((ref, step, partial if sign == 1 else (partial,)),), shape, dtype)


def _with_twin(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    assert primitive.twin is not None
    twin, _ = primitive.twin
    own, others = getattr(backend.xp, primitive.name), getattr(backend.xp, twin.name)

    def both(trace: Any, a: Any) -> Any:
        """The op's result, and its twin's: those of the twin's push, or computed now."""
        if _is_shared(trace, primitive, a):
            _, _, other, out = trace.shared
            trace.shared = None
            return out, other
        out, other = own(a), others(a)
        trace.shared = (a, twin, out, other)
        return out, other

    return both


def _is_shared(trace: Any, primitive: Primitive, a: Any) -> bool:
    """Was the last op that has a twin this one's twin, of `a` as it is now?"""
    if trace.shared is None or trace.shared[0] is not a or trace.shared[1] is not primitive:
        return False
    if type(a) not in box_types:
        return True
    return (a.tracer.recording or a.tracer.pushing) and type(a.value) not in box_types


def _on_tangents(primitive: Primitive, backend: Any) -> Callable[..., Any]:
    impl, array_type = backend.implementation(primitive), backend.array_type

    def apply(x: Any, y: Any) -> Any:
        plain = type(x) is array_type and type(y) is array_type
        return impl(x, y) if plain else primitive(x, y)

    return apply


def _source(primitive: Primitive, backend: Any) -> str:
    rules = primitive.rules
    fields = {"paused": "open_pauses"}
    if backend.following is not None:
        fields["paused"] = "open_pauses or not following()"
    for name, rule in zip("xy", rules, strict=False):
        other, plain = ("y", "b") if name == "x" else ("x", "a")
        # A plain array that the rule saves is the caller's, to change later: see `keep`.
        keep = f"if type({other}) is array_type: {plain} = trace.keep({other})"
        fields[f"{other}_kept"] = keep if other in rule.names else "pass"
        fields[f"{name}_saved"] = _saved_by(rule, name)
        indent = " " * (4 if len(rules) == 1 else 8)
        moved = _moved_by(rule, name, primitive.twin)
        fields[f"{name}_moved"] = f"\n{indent}".join(moved)
    fields["share"], fields["computed"] = "pass", _RESULT
    if primitive.twin is not None:
        fields["share"] = "share(trace, a, out, index)"
        fields["computed"] = "out, other = both(trace, a)"
    return (_UNARY if len(rules) == 1 else _BINARY).format(**fields) + _MOVED


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

    def apply(value: Any, params: dict[str, Any]) -> Any:
        nested = type(value) is box_type
        return record_reduction(value, **params) if nested else impl(value, **params)

    def record_reduction(x: Any, **params: Any) -> Any:
        trace = x.tracer if type(x) is box_type else None
        if trace is None or open_pauses or (following and not following()):
            return bind(primitive, (x,), params)
        if trace.pushing:
            return trace.match(apply(x.value, params), apply(x.tangent, params))
        if not trace.recording:
            return bind(primitive, (x,), params)
        value = x.value
        out = apply(value, params)
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

    apply.__name__ = primitive.name
    return apply


def is_recorder(apply: Any) -> bool:
    """Is this a generated function, which checks its operands itself?"""
    return getattr(apply, "__name__", "") == "record"


def _saved_by(rule: Rule, name: str) -> str:
    """The source of what a rule for the argument `name` saves."""
    return source_of(_named(rule, name), bare=rule.step[0] == VALUE)


def _moved_by(rule: Rule, name: str, twin: tuple[Primitive, int] | None) -> list[str]:
    """The lines that compute, as `forward.term` does, what a tangent contributes."""
    how, _, masks = rule.step
    if how == TRANSPOSE:  # multilinear: the op itself, on the tangent
        args = "tangent, b" if name == "x" else "a, tangent"
        return [f"moved = apply({args})"]
    if how == IDENTITY:
        return ["moved = tangent"]
    if how == NEGATE:
        return ["moved = -tangent"]
    named = _named(rule, name)
    (value,) = named if how == VALUE else [f"{name}_function({', '.join(named)})"]
    if twin is not None:
        value = "other" if twin[1] == 1 else "-other"
    careful = [
        f"partial = {value}",
        "moved = tangent * partial",
        "if trace.careful: moved = keep_zeros(moved, tangent)",
    ]
    return [*careful, "moved = keep_zeros(moved, partial)"] if masks else careful


def _named(rule: Rule, name: str) -> list[str]:
    values = {"x": "a", "y": "b"}
    values["shape"] = f"{values[name]}.shape"
    return [values.get(named, named) for named in rule.names]
