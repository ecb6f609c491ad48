"""`torch.autograd.grad` and `register_hook` of traced tensors, on the tape that follows them.

Inside of a function that reverse mode follows, an intermediate derivative is a walk back along the
tape as far as it has got.  The tape holds the arrays that rules saved, without the places that they
have on it: for a derivative that is differentiable itself (`create_graph=True`) each gets its box
back, found by what the rule's parameters are called (see `rules.py`), and the walk records.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from ...backends.torch import autograd, views
from ...callers import where
from ...core import detached, is_buffer, new_box
from ...errors import ConversionError
from ...mutate import View
from ...ops import declare, native
from ...reverse import Edge, Tape, Walk
from ...rules import JOINT, OUTPUT, PARTIAL, TRANSPOSE, VALUE, WRITE, Rule
from .dispatch import implements, is_box

# Transforms whose tape is no way back to be walked: its edges are read as linear maps.
_LINEAR = ("linearize", "linear_transpose", "transpose")


def _refuse(what: str, why: str) -> ConversionError:
    return ConversionError(
        f"{what} at {where()}: {why}. Write pullback.grad, pullback.vjp or pullback.jvp of a "
        "function, which nest; pullback.custom_vjp for one whose gradient a hook would change."
    )


def _trace_of(what: str, box: Any) -> Any:
    """The reverse trace that follows `box`, or an error where it is followed by another."""
    if is_box(box) and box.alias is not None:
        box.alias.refresh(box)
    trace = box.tracer if is_box(box) and not is_buffer(box) else None
    if trace is None or not trace.records or trace.ended or trace.name in _LINEAR:
        name = "nothing" if trace is None else f"pullback.{trace.name}"
        raise _refuse(what, f"the tensor is followed by {name}, where no way back is recorded")
    return trace


# Derivatives inside of a function


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, torch.Tensor) else list(value)


@implements(torch.autograd.grad)
def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The derivatives of sums of `outputs`, which the transform follows where they are asked to."""
    what = "torch.autograd.grad of traced tensors"
    outs, ins = _listed(outputs), _listed(inputs)
    traces = {id(trace): trace for trace in (_trace_of(what, box) for box in (*outs, *ins))}
    if len(traces) > 1 or is_grads_batched:
        raise _refuse(what, "they belong to more than one transform, or the cotangents are batched")
    (trace,) = traces.values()
    if trace.writes:
        raise _refuse(what, "a traced tensor was written into before, which a walk would undo")
    given = [None] * len(outs) if grad_outputs is None else _listed(grad_outputs)
    cotangents = [*map(_cotangent, outs, given)]
    with torch.enable_grad() if create_graph else contextlib.nullcontext():
        found = _walked(trace, outs, ins, cotangents, follow=create_graph)
    if materialize_grads:
        pairs = zip(found, ins, strict=True)
        found = [torch.zeros_like(x) if one is None else one for one, x in pairs]
    elif not allow_unused and any(one is None for one in found):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return tuple(found)


def _cotangent(out: Any, given: Any) -> Any:
    if given is None and out.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if given is None:
        return torch.ones(out.shape, dtype=out.dtype, device=out.device)
    if given.shape != out.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output has a shape of {tuple(given.shape)} and the output "
            f"has a shape of {tuple(out.shape)}"
        )
    return given


def _walked(trace: Any, outs: Any, ins: Any, cotangents: Any, *, follow: bool) -> list[Any]:
    trace.check_kept()
    last, first = max(out.index for out in outs), min(x.index for x in ins)
    between = _between(trace.tape, {out.index for out in outs}, {x.index for x in ins})
    tape = {
        index: (_edges(trace, index, between, follow=follow), *trace.tape[index][1:])
        for index in between
    }
    found: dict[int, Any] = {}
    for x in ins:
        edges, shape, dtype = tape.get(x.index, ((), x.value.shape, x.value.dtype))
        tape[x.index] = ((_caught(found, x.index), *edges), shape, dtype)
    walk = Walk(trace, tape)
    walk.cotangents = [None] * (last + 1)
    for out, cotangent in zip(outs, cotangents, strict=True):
        if out.index in tape:
            walk.add(out.index, cotangent if follow else detached(cotangent))
            if trace.backend.has_zeros(cotangent):
                walk.masked.add(out.index)
    walk.run(last, first, free=False)
    results = [found.get(x.index) for x in ins]
    if follow:
        return results
    return [None if one is None else trace.backend.copy(detached(one)) for one in results]


def _caught(found: dict[int, Any], index: int) -> Edge:
    """An edge that leads nowhere, and remembers the cotangent."""

    def catch(cotangent: Any) -> tuple[()]:
        found[index] = cotangent
        return ()

    return (), (JOINT, catch, False), ()


def _targets(edge: Edge) -> Sequence[int]:
    ref, (how, _, _), saved = edge
    targets = ref if how == JOINT else (ref, saved[2]) if how == WRITE else (ref,)
    return [target for target in targets if target is not None]


def _between(tape: Tape, outs: set[int], ins: set[int]) -> list[int]:
    """The entries that some of `outs` depend on, and that depend on some of `ins`."""
    wanted = set(outs)
    for index in range(max(outs), min(ins) - 1, -1):
        if index in wanted:
            wanted.update(target for edge in tape[index][0] for target in _targets(edge))
    moving = set(ins)
    for index in sorted(wanted):
        if any(target in moving for edge in tape[index][0] for target in _targets(edge)):
            moving.add(index)
    return sorted(wanted & moving)


def _edges(trace: Any, index: int, between: Sequence[int], *, follow: bool) -> list[Edge]:
    """An entry's edges to those between; with boxes for what they saved, if that is followed."""
    edges = trace.tape[index][0]
    kept = [edge for edge in edges if any(target in between for target in _targets(edge))]
    if not follow:
        return [_pruned(edge, between) for edge in kept]
    places = _places(edges)
    return [_pruned(_lifted(trace, index, edge, places), between) for edge in kept]


def _pruned(edge: Edge, between: Sequence[int]) -> Edge:
    ref, step, saved = edge
    if step[0] != JOINT:
        return edge
    return [target if target in between else None for target in ref], step, saved


# Boxes for what a tape saved


_rules: dict[int, tuple[Rule, int]] = {}


def _rule_of(step: Any) -> tuple[Rule, int] | None:
    """The rule whose step this is, and which argument it is for."""
    if not _rules:
        primitives = [*declare.registry.values(), *native.registry.values()]
        for primitive in (*primitives, autograd.call, views.view):
            for position, rule in enumerate(primitive.rules):
                if rule is not None:
                    _rules[id(rule.step)] = rule, position
    return _rules.get(id(step))


def _places(edges: Sequence[Edge]) -> dict[int, int]:
    """Where on the tape the arguments of an entry are, by their position."""
    if len(edges) == 1 and edges[0][1][0] == JOINT:
        return {position: ref for position, ref in enumerate(edges[0][0]) if ref is not None}
    known = ((_rule_of(step), ref) for ref, step, _ in edges)
    return {found[1]: ref for found, ref in known if found is not None}


def _lifted(trace: Any, index: int, edge: Edge, places: dict[int, int]) -> Edge:
    ref, step, saved = edge
    if step[0] == OUTPUT:
        return edge
    found = _rule_of(step)
    if found is None:
        return _lifted_twin(trace, index, edge)
    rule, _ = found

    def boxed(name: str, value: Any) -> Any:
        if name == "out":
            return _boxed_results(trace, index, value)
        if name in ("args", "others"):
            return tuple(_at(trace, places.get(k), one) for k, one in enumerate(value))
        if name in rule.arguments:
            return _at(trace, places.get(rule.arguments.index(name)), value)
        return value

    if step[0] == VALUE:
        return ref, step, boxed(rule.names[0], saved)
    return ref, step, tuple(map(boxed, rule.names, saved))


def _at(trace: Any, place: int | None, value: Any) -> Any:
    return value if place is None or value is None else new_box(trace.box_type, trace, value, place)


def _boxed_results(trace: Any, index: int, value: Any) -> Any:
    if type(value) is not tuple:
        return _at(trace, index, value)
    places: dict[int, int] = {}
    for later in itertools.islice(_outputs_of(trace.tape, index), len(value)):
        places[trace.tape[later][0][0][2][0]] = later
    return tuple(_at(trace, places.get(k), one) for k, one in enumerate(value))


def _outputs_of(tape: Tape, index: int) -> Iterator[int]:
    for later, (edges, _, _) in tape.items():
        if later > index and edges and edges[0][0] == index and edges[0][1][0] == OUTPUT:
            yield later


def _lifted_twin(trace: Any, index: int, edge: Edge) -> Edge:
    """Of a sine and a cosine of one argument, which saved each other's results in turn."""
    ref, step, saved = edge
    twins = [place for place, (edges, _, _) in trace.tape.items() if _is_twin(edges, ref)]
    if index not in twins:
        raise _refuse(
            "torch.autograd.grad with create_graph=True",
            "a function with a rule of the user's own stands between, which is not differentiated "
            "again there",
        )
    other = twins[twins.index(index) ^ 1]
    value = saved if step[0] == VALUE else saved[0]
    boxed = _at(trace, other, value)
    return ref, step, boxed if step[0] == VALUE else (boxed,)


def _is_twin(edges: Sequence[Edge], ref: Any) -> bool:
    if len(edges) != 1 or edges[0][0] != ref:
        return False
    how, function, _ = edges[0][1]
    return (how == VALUE and function is None) or (how == PARTIAL and function is operator.neg)


# Hooks


class _HookedView(View):
    """A view with a hook, which would not be called of the view of what its base is later on."""

    __slots__ = ()

    def refresh(self, box: Any) -> None:
        base = self.base
        if base.alias is not None:
            base.alias.refresh(base)
        if (base.tracer, base.index) != self.place:
            raise _refuse(
                "register_hook of a view",
                "the tensor that it is a view of was written into since; register it on a clone",
            )


def _hooked(cotangent: Any, hooks: dict[int, Callable[..., Any]]) -> Any:
    for hook in [*hooks.values()]:
        changed = hook(cotangent.clone())
        if changed is None:
            continue
        if changed.shape != cotangent.shape:
            raise RuntimeError(
                f"hook {getattr(hook, '__name__', hook)!r} has changed the size of value: got "
                f"{tuple(changed.shape)}, expected {tuple(cotangent.shape)}"
            )
        cotangent = changed
    return cotangent


@implements(torch.Tensor.register_hook)
def register_hook(self: Any, hook: Callable[[Any], Any]) -> RemovableHandle:
    """Call `hook` with the cotangent of a tensor that was not used yet: what it gives goes on."""
    what = "register_hook of a traced tensor"
    trace = _trace_of(what, self)
    edges, shape, dtype = trace.tape[self.index]
    if any(self.index in _targets(e) for entry in trace.tape.values() for e in entry[0]):
        raise _refuse(what, "the tensor was used before; register the hook where it is made")
    if len(edges) == 1 and edges[0][1][1] is _hooked:
        (hooks,) = edges[0][2]
    else:
        if self.alias is not None:
            view = self.alias
            self.alias = _HookedView(view.base, view.primitive, view.params)
        hooks = OrderedDict[int, Callable[..., Any]]()
        edge: Edge = (self.index, (TRANSPOSE, _hooked, False), (hooks,))
        self.index = trace.next_index()
        trace.tape[self.index] = ((edge,), shape, dtype)
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle
