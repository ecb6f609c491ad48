"""Forward mode: a trace that carries a tangent beside every value, and `jvp`.

What an op's declaration says in reverse mode says it here too: an elementwise op's tangent is the
sum of tangent times partial, a linear op's is the op itself on the tangent, a multilinear op's the
sum over its arguments, and an opaque op's the transpose of its (linear) vjp.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from . import border, tree
from .backends import with_backend
from .core import Box, Primitive, Trace, bind, box_types, escaped, new_box, raw, run, same_box
from .mutate import BufferTrace, View, follow, put, writable
from .reverse import project
from .rules import IDENTITY, NEGATE, VALUE
from .transpose import Transpose


class ForwardTrace(Trace):
    """Gives every value computed from its boxes a tangent."""

    __slots__ = ("careful", "next_place")

    def __init__(self, name: str, backend: Any) -> None:
        super().__init__(name)
        # Until any box is written into: then its tangent changes, and no other may share it.
        self.pushing = True
        self.backend = backend
        # A box's index is a place of its own, negative until its tangent is an array of its own.
        self.next_place = itertools.count(1).__next__
        self.careful = False  # has a seed exact zeros, which stay zero whatever the partial is?

    def box(self, value: Any, tangent: Any) -> Box:
        """A box for `value` that moves in the direction `tangent`."""
        box = new_box(self.backend.box_type, self, value, -self.next_place())
        box.tangent = tangent
        return box

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Run `primitive` on the primals, and its derivative on the tangents."""
        if self.ended:
            raise escaped(self)
        values = [*args]
        tangents: list[Any] = [None] * len(args)
        for place, arg in enumerate(args):
            if type(arg) in box_types and arg.tracer is self:
                values[place] = arg.value
                tangents[place] = arg.tangent
        if primitive.kind == "call":
            return self._push_call(primitive, values, tangents)
        out, tangent = self._pushed(primitive, values, tangents, params)
        if tangent is None:
            return out
        if primitive.outputs is None:
            box = self.match(out, tangent)
            for arg, value in zip(args, values, strict=True):
                if arg is not value:
                    self._note_view(box, arg, primitive, params)
            return box
        if not self.pushing:
            tangent = [self._unshared(one, args) for one in tangent]
        return self._boxed(out, tangent)

    def process_one(self, primitive: Primitive, box: Box, params: dict[str, Any]) -> Any:
        """What `process` does, of one box, where nothing has been written yet."""
        if primitive.kind != "linear" or primitive.jvp is not None:
            return self.process(primitive, (box,), params)
        value, tangent = box.value, box.tangent
        out = (bind if type(value) in box_types else run)(primitive, (value,), params)
        moved = (bind if type(tangent) in box_types else run)(primitive, (tangent,), params)
        made = self.match(out, moved)
        if self.backend.is_view(out, value):
            made.alias = View(box, primitive, params)
        return made

    def _pushed(self, primitive: Primitive, values: Any, tangents: Any, params: Any) -> Any:
        """The result of `primitive` and its tangent, a list of them for several; None for zero."""
        if primitive.jvp is not None:
            both = primitive.jvp(values, tangents, **params)
            if both is not None:
                return both
        out = bind(primitive, values, params)
        push = _PUSHES.get(primitive.kind)
        return out, push and push(self, primitive, values, tangents, out, params)

    def _push_call(self, call: Any, values: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """A user's function, pushed forward as its rule says."""
        outs, moved = call.push([*map(same_box, values)], tangents)
        call.check_outputs([*outs, *moved], self.level)
        return self._boxed(outs, moved)

    def _boxed(self, outs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            out if tangent is None else self.match(out, tangent)
            for out, tangent in zip(outs, tangents, strict=True)
        )

    def _note_view(self, box: Box, arg: Box, primitive: Primitive, params: dict[str, Any]) -> None:
        if self.backend.is_view(box.value, arg.value):
            box.alias = View(arg, primitive, params)
        elif not self.pushing and self.backend.is_view(box.tangent, arg.tangent):
            box.tangent = self.backend.copy(box.tangent)

    def _unshared(self, tangent: Any, args: Sequence[Any]) -> Any:
        """`tangent` without the memory of an argument's, which a write to that would change."""
        for arg in args:
            mine = type(arg) in box_types and arg.tracer is self
            if mine and self.backend.is_view(raw(tangent), raw(arg.tangent)):
                return self.backend.copy(tangent)
        return tangent

    def end(self) -> None:
        """A box that is used after this has escaped."""
        self.ended = True
        self.pushing = False
        self.shared = None

    def lift(self, box: Box) -> Box:
        """A box around one of an outer trace (or of none) that is about to be written into."""
        return self.box(box, self.backend.zeros(*self.backend.aval(box)))

    def write(self, root: Box, steps: Any, index: Any, value: Any) -> None:
        """Write `value` to the part `index` of the view of `root` that `steps` lead to."""
        if self.ended:
            raise escaped(self)
        self.pushing = False
        tangent = 0
        if type(value) in box_types and value.tracer is self:
            tangent, value = value.tangent, value.value
        root.value = writable(root.value, value, index)
        put(self, follow(steps, root.value), index, value)
        # Tangents may be shared: the first write makes its root one of its own.
        if root.index < 0:
            root.tangent = self.backend.copy_like(root.tangent, root.value)
        root.tangent = writable(root.tangent, tangent, index)
        put(self, follow(steps, root.tangent), index, tangent)
        root.index = self.next_place()

    def match(self, out: Any, tangent: Any) -> Box:
        """A box for `out`, with its tangent in its own shape and dtype."""
        if tangent.shape != out.shape or tangent.dtype != out.dtype:
            tangent = project(tangent, out.shape, out.dtype, self.backend.xp)
        return self.box(out, tangent)


def _push_elementwise(
    trace: ForwardTrace, primitive: Primitive, values: Any, tangents: Any, out: Any, params: Any
) -> Any:
    total = None
    for position, (rule, tangent) in enumerate(zip(primitive.rules, tangents, strict=True)):
        if rule is None or tangent is None:
            continue
        saved = rule.save(trace.backend.xp, out, values, params, position)
        moved = term(trace.backend, rule.step, saved, tangent, careful=trace.careful)
        total = moved if total is None else total + moved
    return total


def term(backend: Any, step: Any, saved: Any, tangent: Any, *, careful: bool) -> Any:
    """What an elementwise op's result moves by for one argument's tangent.

    `careful` says that the tangent's exact zeros stay zero whatever the partial is.
    """
    how, function, masks = step
    if how == IDENTITY:
        return tangent
    if how == NEGATE:
        return -tangent
    partial = saved if how == VALUE else function(*saved)
    moved = tangent * partial
    if careful:
        moved = backend.keep_zeros(moved, tangent)
    return backend.keep_zeros(moved, partial) if masks else moved


def _push_linear(
    trace: ForwardTrace, primitive: Primitive, values: Any, tangents: Any, _: Any, params: Any
) -> Any:
    if len(tangents) == 1:
        return bind(primitive, tangents, params)
    filled = [
        value
        if not primitive.differentiates(position)
        else trace.backend.zeros(*trace.backend.aval(value))
        if tangent is None
        else tangent
        for position, (value, tangent) in enumerate(zip(values, tangents, strict=True))
    ]
    return bind(primitive, filled, params)


def _push_multilinear(
    _: ForwardTrace, primitive: Primitive, values: Any, tangents: Any, __: Any, params: Any
) -> Any:
    total = None
    for position, tangent in enumerate(tangents):
        if tangent is not None:
            moved = [*values[:position], tangent, *values[position + 1 :]]
            term = bind(primitive, moved, params)
            total = term if total is None else total + term
    return total


def _push_opaque(
    trace: ForwardTrace, primitive: Primitive, values: Any, tangents: Any, out: Any, params: Any
) -> Any:
    """The vjp is linear in the cotangent, and its transpose is the jvp."""
    backend = trace.backend
    rule = primitive.rules[0]
    saved = rule.save(backend.xp, out, values, params, 0)
    _, vjp, _ = rule.step
    several = primitive.outputs is not None
    avals = [backend.aval(part) for part in (out if several else [out])]
    transpose = Transpose(lambda cts: vjp(cts if several else cts[0], *saved), avals, backend)
    with backend.quiet():
        moved = transpose(tangents)
    return moved if several else moved[0]


_PUSHES: dict[str, Callable[..., Any]] = {
    "elementwise": _push_elementwise,
    "linear": _push_linear,
    "multilinear": _push_multilinear,
    "opaque": _push_opaque,
}


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """The value of `func(*primals)` and its derivative in the direction `tangents`.

    Args:
        func: A function of arrays, or of trees of arrays, written with plain NumPy.
        primals: A tuple: where to evaluate it.
        tangents: A tuple like `primals`, each leaf of that leaf's shape; None for a zero tangent
            and for integer leaves.
        strict: Raise if an output does not depend on any primal.
        has_aux: `func` returns `(output, aux)`, and aux is handed through.

    Returns:
        `(output, tangent)`, or `(output, tangent, aux)`: the tangent is a tree like the output,
        each leaf of that leaf's shape and dtype (None for integer outputs).

    Raises:
        TypeError, ValueError: For primals, tangents or outputs that are not as above.

    Example:
        >>> import numpy as np, pullback
        >>> y, t = pullback.jvp(np.exp, (0.0,), (2.0,))
        >>> float(y), float(t)
        (1.0, 2.0)
    """
    return run_forward("jvp", func, primals, tangents, strict=strict, has_aux=has_aux)


def run_forward(
    transform: str,
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
    root: str = "primals",
) -> Any:
    """`jvp`, for the transform of this name, whose primals are called `root`."""
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple):
            raise TypeError(
                f"pullback.{transform}: {name} must be a tuple with one entry for each argument, "
                f"got {type(value).__name__}; write (x,) for a single one"
            )
    leaves, structure = tree.flatten(primals)
    if not leaves and root == "primals":  # a Jacobian's columns may be none
        raise TypeError(f"pullback.{transform}: primals must hold an array, got {primals!r}")

    moving = tangent_leaves(transform, structure, tangents)

    def run(backend: Any) -> Any:
        trace = ForwardTrace(transform, backend)
        return _run(trace, func, [*leaves], structure, moving, strict, has_aux, root)

    return with_backend([*leaves, *moving], run)


def _run(
    trace: ForwardTrace,
    func: Callable[..., Any],
    leaves: list[Any],
    structure: Any,
    tangents: list[Any],
    strict: bool,
    has_aux: bool,
    root: str,
) -> Any:
    transform = trace.name
    _enter(trace, leaves, tangents, structure, root)
    try:
        out = border.run(trace, func, func, *tree.unflatten(structure, leaves))
        out, aux = border.split_aux(transform, out) if has_aux else (out, None)
        out_leaves, out_structure = border.outputs_of(trace, out)
        border.refresh_views(out_leaves)
    finally:
        trace.end()
    if strict:
        _check_strict(trace, out_leaves, out_structure)
    moved = [_tangent_out(trace, leaf) for leaf in out_leaves]
    plain = [border.unwrap(leaf, trace) for leaf in out_leaves]
    result = tree.unflatten(out_structure, plain), tree.unflatten(out_structure, moved)
    return (*result, border.unwrap_aux(aux, trace)) if has_aux else result


def tangent_leaves(transform: str, structure: Any, tangents: Any) -> list[Any]:
    """The leaves of `tangents`, which must have the primals' structure."""
    try:
        return structure.flatten_up_to(tangents)
    except ValueError as error:
        raise ValueError(
            f"pullback.{transform}: tangents: got a tree of another structure than primals: {error}"
        ) from None


def _enter(
    trace: ForwardTrace, leaves: list[Any], tangents: list[Any], structure: Any, root: str
) -> None:
    """Box the differentiable ones of `leaves`, in place."""
    backend = trace.backend
    differentiable = border.check_leaves(trace.name, backend, leaves, structure, root)
    for place, (follows, tangent) in enumerate(zip(differentiable, tangents, strict=True)):

        def where(place: int = place) -> str:
            return f"pullback.{trace.name}: {tree.path_of(structure, place, 'tangents')}"

        value = backend.enter(leaves[place], trace)
        aval = backend.aval(value) if follows else None
        checked = border.check_tangent(tangent, aval, backend, where)
        if checked is not None:
            trace.careful = trace.careful or backend.has_zeros(checked)
            leaves[place] = trace.box(value, checked)
        else:  # a constant, which a value that moves may be written into
            leaves[place] = BufferTrace(backend).box(value) if follows else value


def _check_strict(trace: ForwardTrace, leaves: list[Any], structure: Any) -> None:
    for place, leaf in enumerate(leaves):
        follows = type(leaf) in box_types and leaf.tracer is trace
        if not follows and trace.backend.differentiable(leaf):
            path = tree.path_of(structure, place, "output")
            raise ValueError(
                f"pullback.{trace.name}: {path} does not depend on any of primals (strict=True)"
            )


def _tangent_out(trace: ForwardTrace, leaf: Any) -> Any:
    if not trace.backend.differentiable(leaf):
        return None
    if type(leaf) in box_types and leaf.tracer is trace:
        return border.unwrap(leaf.tangent, trace, held=1)
    return trace.backend.zeros(*trace.backend.aval(leaf))
