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
from .backends import backend_of
from .core import Box, Primitive, Trace, bind, box_types, escaped, new_box, same_box
from .mutate import View, follow, put, writable
from .reverse import ReverseTrace, Walk, project
from .rules import IDENTITY, NEGATE, VALUE


class ForwardTrace(Trace):
    """Gives every value computed from its boxes a tangent."""

    __slots__ = ("careful", "next_place", "written")

    def __init__(self, name: str, backend: Any) -> None:
        super().__init__(name)
        self.backend = backend
        # A box's index is a place of its own, negative until its tangent is an array of its own.
        self.next_place = itertools.count(1).__next__
        # Has any box been written into? Its tangent then changes, and no other may share it.
        self.written = False
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
        mine = [type(arg) in box_types and arg.tracer is self for arg in args]
        values = [arg.value if m else arg for arg, m in zip(args, mine, strict=True)]
        tangents = [arg.tangent if m else None for arg, m in zip(args, mine, strict=True)]
        if primitive.kind == "call":
            return self._push_call(primitive, values, tangents)
        out, tangent = self._pushed(primitive, values, tangents, params)
        if tangent is None:
            return out
        if primitive.outputs is None:
            box = self._match(out, tangent)
            for arg, value in zip(args, values, strict=True):
                if arg is value:
                    continue
                if self.backend.is_view(out, value):
                    box.alias = View(arg, primitive, params)
                elif self.written and self.backend.is_view(box.tangent, arg.tangent):
                    box.tangent = self.backend.copy(box.tangent)
            return box
        return self._boxed(out, tangent)

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
            out if tangent is None else self._match(out, tangent)
            for out, tangent in zip(outs, tangents, strict=True)
        )

    def lift(self, box: Box) -> Box:
        """A box around one of an outer trace (or of none) that is about to be written into."""
        return self.box(box, self.backend.zeros(*self.backend.aval(box)))

    def write(self, root: Box, steps: Any, index: Any, value: Any) -> None:
        """Write `value` to the part `index` of the view of `root` that `steps` lead to."""
        if self.ended:
            raise escaped(self)
        self.written = True
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

    def _match(self, out: Any, tangent: Any) -> Box:
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
        how, function, masks = rule.step
        if how == IDENTITY:
            term = tangent
        elif how == NEGATE:
            term = -tangent
        else:
            saved = rule.save(trace.backend.xp, out, values, params, position)
            partial = saved if how == VALUE else function(*saved)
            term = tangent * partial
            if trace.careful:
                term = trace.backend.keep_zeros(term, tangent)
            if masks:
                term = trace.backend.keep_zeros(term, partial)
        total = term if total is None else total + term
    return total


def _push_linear(
    trace: ForwardTrace, primitive: Primitive, values: Any, tangents: Any, _: Any, params: Any
) -> Any:
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
    outs = (out,) if primitive.outputs is None else out
    recorder = ReverseTrace("jvp", backend)
    cotangents = [
        recorder.leaf(backend.zeros(*backend.aval(part))) if backend.differentiable(part) else None
        for part in outs
    ]
    _, function, _ = rule.step
    contributions = function(cotangents[0] if primitive.outputs is None else cotangents, *saved)
    walk = Walk(recorder, recorder.end())
    start = -1
    for tangent, contribution in zip(tangents, contributions, strict=True):
        if tangent is None or type(contribution) not in box_types:
            continue
        if contribution.tracer is recorder:
            # The vjp's result is projected to the argument's shape, so its transpose spreads.
            shape, dtype = contribution.shape, contribution.dtype
            walk.add(contribution.index, _spread(tangent, shape, dtype, backend.xp))
            start = max(start, contribution.index)
    count = sum(cotangent is not None for cotangent in cotangents)
    with backend.quiet():
        walk.run(start, count, free=True)
    moved = [
        None if cotangent is None else walk.cotangents[cotangent.index] for cotangent in cotangents
    ]
    return moved[0] if primitive.outputs is None else moved


def _spread(tangent: Any, shape: Any, dtype: Any, xp: Any) -> Any:
    if tangent.shape != shape:
        tangent = xp.broadcast_to(tangent, shape)
    return tangent if tangent.dtype == dtype else xp.astype(tangent, dtype)


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
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple):
            raise TypeError(f"pullback.jvp: {name} must be a tuple, got {type(value).__name__}")
    leaves, structure = tree.flatten(primals)
    trace = ForwardTrace("jvp", backend_of(leaves))
    _enter(trace, leaves, _tangent_leaves(structure, tangents), structure)
    try:
        out = border.run(trace, func, func, *tree.unflatten(structure, leaves))
        out, aux = border.split_aux("jvp", out) if has_aux else (out, None)
        out_leaves, out_structure = tree.flatten(out)
        border.check_outputs("jvp", out_leaves, out_structure, trace.backend)
        border.refresh_views(out_leaves)
    finally:
        trace.ended = True
    moved = [_tangent_out(trace, leaf, strict) for leaf in out_leaves]
    plain = [border.unwrap(leaf, trace) for leaf in out_leaves]
    result = tree.unflatten(out_structure, plain), tree.unflatten(out_structure, moved)
    return (*result, border.unwrap_aux(aux, trace)) if has_aux else result


def _tangent_leaves(structure: Any, tangents: Any) -> list[Any]:
    try:
        return structure.flatten_up_to(tangents)
    except ValueError as error:
        raise ValueError(
            f"pullback.jvp: tangents: got a tree of another structure than primals: {error}"
        ) from None


def _enter(trace: ForwardTrace, leaves: list[Any], tangents: list[Any], structure: Any) -> None:
    """Box the differentiable ones of `leaves` that have a tangent, in place."""
    backend = trace.backend
    differentiable = border.check_leaves("jvp", backend, leaves, structure, "primals")
    for place, (follows, tangent) in enumerate(zip(differentiable, tangents, strict=True)):

        def where(place: int = place) -> str:
            return f"pullback.jvp: {tree.path_of(structure, place, 'tangents')}"

        if tangent is None:
            continue
        if not follows:
            raise TypeError(
                f"{where()}: the primal there is not differentiable (its dtype is integer or "
                "boolean); its tangent must be None"
            )
        value = backend.enter(leaves[place], trace)
        shape, dtype = backend.aval(value)
        checked = border.check_cotangent(tangent, shape, dtype, backend, where)
        trace.careful = trace.careful or backend.has_zeros(checked)
        leaves[place] = trace.box(value, checked)


def _tangent_out(trace: ForwardTrace, leaf: Any, strict: bool) -> Any:
    if not trace.backend.differentiable(leaf):
        return None
    if type(leaf) in box_types and leaf.tracer is trace:
        return border.unwrap(leaf.tangent, trace)
    if strict:
        raise ValueError("pullback.jvp: an output does not depend on any primal (strict=True)")
    return trace.backend.zeros(*trace.backend.aval(leaf))
