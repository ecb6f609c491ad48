"""Reverse mode: a trace that records a tape, and the walk back along it.

The tape is a dict from an entry's index to `(edges, shape, dtype)`: the edges lead to the traced
arguments, shape and dtype are the result's.  Indices grow, so walking them downwards needs no
sort and no recursion; they come from one counter and are dict keys, so threads that work for one
function may record at once.  The cotangents are a list over the same indices, None for zero.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from collections.abc import Sequence
from typing import Any

from .core import (
    Box,
    Primitive,
    Trace,
    bind,
    box_types,
    escaped,
    memory_of,
    new_box,
    raw,
    run,
    same_box,
)
from .errors import StaleValueError
from .mutate import View, Write, follow, note_captured, note_reader, put, shared_lock, writable
from .rules import IDENTITY, JOINT, NEGATE, OUTPUT, PARTIAL, SCATTER, TRANSPOSE, VALUE, WRITE

Edge = tuple[Any, tuple[int, Any, bool], Any]
Tape = dict[int, tuple[Sequence[Edge], Any, Any]]


class ReverseTrace(Trace):
    """Records every primitive applied to its boxes."""

    records = True
    __slots__ = (
        "box_type",
        "complex",
        "kept",
        "lock",
        "mixed",
        "next_index",
        "size",
        "tape",
        "writes",
        "xp",
    )

    def __init__(self, name: str, backend: Any) -> None:
        super().__init__(name)
        self.recording = True
        self.backend = backend
        self.xp = backend.xp
        self.box_type = backend.box_type
        self.tape: Tape = {}
        self.next_index = itertools.count().__next__
        self.complex = False  # is any value on the tape complex?
        self.mixed = False  # is any not float64?
        self.size = 0  # of the tape, once it has ended
        self.writes: list[Write] = []
        self.lock = threading.RLock()  # held by a walk that undoes writes
        # The large plain arrays that the tape may have saved, with their fingerprints.
        self.kept: dict[int, tuple[Any, Any]] = {}

    def leaf(self, value: Any, *, own: bool = False) -> Box:
        """A box for a primal, an entry without edges; with `own`, a box that nobody else has."""
        kept = own and type(value) in box_types
        return self._record((), value if kept else self.backend.enter(value, self))

    def lift(self, box: Box) -> Box:
        """A box around one of an outer trace (or of none) that is about to be written into."""
        return self._record((), box)

    def end(self) -> Tape:
        """Stop recording, and hand over the tape: a box that is used after this has escaped."""
        self.ended = True
        self.recording = False
        self.shared = None
        self.size = self.next_index()
        tape, self.tape = self.tape, {}
        return tape

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Run `primitive` on what is below this trace's boxes, and record it."""
        if self.ended:
            raise escaped(self)
        values, refs, nested = self._unwrap(primitive, args)
        if primitive.kind == "call":
            return self._record_call(primitive, refs, values)
        apply = bind if nested else run
        out = apply(primitive, values, params)
        if primitive.joint:
            return self._record_joint(primitive, refs, values, params, out)
        edges = self._edges(primitive, refs, values, params, out)
        if not edges:
            return out
        box = self._record(edges, out)
        for position, _ in refs:
            if self.backend.is_view(out, values[position]):
                box.alias = View(args[position], primitive, params)
        return box

    def process_one(self, primitive: Primitive, box: Box, params: dict[str, Any]) -> Any:
        """What `process` does, of one box, where nothing has been written yet."""
        if primitive.joint or primitive.kind == "call":
            return self.process(primitive, (box,), params)
        value = box.value
        args = (value,)
        apply = bind if type(value) in box_types else run
        out = apply(primitive, args, params)
        rule = primitive.rules[0]
        if rule is None:
            return out
        saved = rule.save(self.xp, out, args, params, 0)
        made = self._record(((box.index, rule.step, saved),), out)
        if self.backend.is_view(out, value):
            made.alias = View(box, primitive, params)
        return made

    def _edges(
        self,
        primitive: Primitive,
        refs: Sequence[tuple[int, int]],
        values: Sequence[Any],
        params: dict[str, Any],
        out: Any,
    ) -> list[Edge]:
        """An edge to each traced argument that has a rule."""
        rules = primitive.rules
        edges: list[Edge] = []
        for position, ref in refs:
            rule = rules[0 if primitive.variadic else position]
            if rule is not None:
                saved = rule.save(self.xp, out, values, params, position)
                edges.append((ref, rule.step, saved))
        return edges

    def _unwrap(
        self, primitive: Primitive, args: Sequence[Any]
    ) -> tuple[list[Any], list[tuple[int, int]], bool]:
        """What is below our boxes, (position, index) of each, and whether other boxes are left."""
        values = [*args]
        refs: list[tuple[int, int]] = []
        nested = False
        for position, arg in enumerate(args):
            if type(arg) not in box_types:
                if type(arg) is self.backend.array_type and primitive.saves(position):
                    values[position] = self.keep(arg)
                continue
            if arg.tracer is self:
                refs.append((position, arg.index))
                values[position] = arg.value
                nested = nested or type(arg.value) in box_types
            elif arg.tracer.level == 0:
                values[position] = arg.value
                if primitive.saves(position):
                    note_reader(self, arg.value)
            else:
                nested = True
                if primitive.saves(position):
                    values[position] = same_box(arg)
                    note_captured(self, arg)
        return values, refs, nested

    def read(self, value: Any) -> Any:
        """`value`, buffers too: `_unwrap` notes what the tape saves of them."""
        return value

    def write(self, root: Box, steps: Any, index: Any, value: Any) -> None:
        """Write `value` to the part `index` of the view of `root` that `steps` lead to."""
        if self.ended:
            raise escaped(self)
        self.recording = False  # from now on views may be out of date
        ref = None
        if type(value) in box_types and value.tracer is self:
            ref, value = value.index, value.value
        root.value = writable(root.value, value, index)
        buffer = follow(steps, root.value)
        last = self.backend.last_writes(index, buffer.shape)
        edge: Edge = (root.index, (WRITE, None, True), (steps, index, ref, last, root.value))
        place = self.next_index()
        stored = put(self, buffer, index, value)
        self.tape[place] = ((edge,), root.value.shape, root.value.dtype)
        self.writes.append(Write(place, buffer, index, stored))
        root.index = place

    def wrote(self, buffer: Any, index: Any, stored: Any, swapped: Any = None) -> None:
        """Remember what another trace overwrote in a raw array that this tape may have saved.

        Also after this trace has ended: a later walk back undoes that write first. A write that
        another walk undid, and now redoes, is forgotten if nothing was recorded in between.
        """
        if swapped is not None and self.writes:
            last = self.writes[-1]
            if last.swapped is swapped and next(reversed(self.tape), -1) < last.place:
                self.writes.pop()
                return
        stored = self.backend.copy(stored)
        self.writes.append(Write(self.next_index(), buffer, index, stored, swapped))
        memory = memory_of(buffer)
        for key, (array, _) in [*self.kept.items()]:
            if memory_of(array) is memory:
                del self.kept[key]  # its changes are known: no fingerprint need tell

    def walking(self) -> contextlib.AbstractContextManager[Any]:
        """What a walk along the tape holds: a lock, if any walk undoes writes to what it reads."""
        alone = not self.writes and self.lock is not shared_lock
        return contextlib.nullcontext() if alone else self.lock

    def keep(self, array: Any) -> Any:
        """A plain array of the caller's as the tape may save it: a later change must not reach it.

        Small arrays are copied. Large ones are remembered with a fingerprint, which is
        compared before a walk back.
        """
        if self.backend.copies(array):
            return self.backend.copy(array)
        if id(array) not in self.kept:
            fingerprint = self.backend.fingerprint(array)
            if fingerprint is None:
                return self.backend.copy(array)
            self.kept[id(array)] = (array, fingerprint)
            if self.backend.lends:
                note_reader(self, array)
        return array

    def check_kept(self) -> None:
        """Raise if a large array that the function captured has changed since."""
        for array, fingerprint in self.kept.values():
            if self.backend.fingerprint(array) != fingerprint:
                raise self.stale()

    def stale(self) -> StaleValueError:
        """The error for a captured array that was changed in place."""
        return StaleValueError(
            f"pullback.{self.name}: an array that the function captured was changed in place "
            "before the walk back, which needs it as it was. Capture a copy (w = w.copy()), or "
            "call the pullback before the write."
        )

    def note(self, dtype: Any) -> None:
        """Remember that a value of a dtype other than float64 is on the tape."""
        self.mixed = True
        if self.backend.is_complex(dtype):
            self.complex = True

    def _record(self, edges: Sequence[Edge], value: Any) -> Box:
        index = self.next_index()
        dtype = value.dtype
        if dtype is not self.backend.float64:
            self.note(dtype)
        self.tape[index] = (edges, value.shape, dtype)
        return new_box(self.box_type, self, value, index)

    def _record_joint(
        self,
        primitive: Primitive,
        refs: Sequence[tuple[int, int]],
        values: Sequence[Any],
        params: dict[str, Any],
        out: Any,
    ) -> Any:
        rule = primitive.rules[0]
        saved = rule.save(self.xp, out, values, params, 0)
        edge: Edge = (_places(refs, len(values)), rule.step, saved)
        if primitive.outputs is None:
            return self._record((edge,), out)
        return self._record_outputs(edge, out)

    def _record_call(self, call: Any, refs: Sequence[tuple[int, int]], values: Any) -> Any:
        """A user's function as one entry, whose way back is what the function's rule returned."""
        traced = _places(refs, len(values))
        wanted = [place is not None for place in traced]
        outs, pull = call.record([*map(same_box, values)], wanted)
        call.check_outputs(outs, self.level)
        return self._record_outputs((traced, (JOINT, pull, False), ()), outs)

    def _record_outputs(self, edge: Edge, outs: Sequence[Any]) -> tuple[Any, ...]:
        index = self.next_index()
        self.tape[index] = ((edge,), None, None)
        return tuple(
            self._record(((index, (OUTPUT, None, False), (place, len(outs))),), part)
            if self.backend.differentiable(part)
            else part
            for place, part in enumerate(outs)
        )


def _places(refs: Sequence[tuple[int, int]], count: int) -> list[int | None]:
    """The index of each of `count` arguments, None for those that are not traced."""
    traced: list[int | None] = [None] * count
    for position, ref in refs:
        traced[position] = ref
    return traced


class Walk:
    """One walk back along a tape: the cotangents so far, and what is known of each.

    `masked` are the indices whose cotangent has exact zeros that stand for a branch not taken:
    there, zero times an infinite or undefined partial is zero. `owned` are those whose cotangent
    is an array of our own, free to add into.
    """

    __slots__ = ("cotangents", "masked", "owned", "tape", "trace", "undone", "writes")

    def __init__(self, trace: ReverseTrace, tape: Tape) -> None:
        self.writes = trace.writes[:]
        self.undone: list[Write] = []
        self.trace = trace
        self.tape = tape
        self.cotangents: list[Any] = [None] * trace.size
        self.masked: set[int] = set()
        self.owned: set[int] = set()

    def run(self, start: int, leaves: int, *, free: bool) -> None:  # noqa: C901, PLR0912
        """Go back from the entry `start` to the first `leaves` entries, the leaves'.

        With `free`, each entry leaves the tape as soon as it has been passed. This is the inner
        loop of reverse mode, so the kinds of edge that elementwise ops have are written out.
        """
        tape, cotangents, masked = self.tape, self.cotangents, self.masked
        backend = self.trace.backend
        array_type = backend.array_type
        conjugate, mixed = self.trace.complex, self.trace.mixed
        writes = self.writes
        for index in range(start, leaves - 1, -1):
            while writes and writes[-1].place >= index:
                self.undo()
            cotangent = cotangents[index]
            if cotangent is None:
                if free:
                    tape.pop(index, None)
                continue
            cotangents[index] = None
            careful = index in masked
            edges, shape, _ = tape.pop(index) if free else tape[index]
            for ref, (how, function, masks), saved in edges:
                if how == PARTIAL:
                    partial = function(*saved)
                    if conjugate:
                        partial = backend.conjugate(partial)
                    contribution = cotangent * partial
                    if careful:
                        contribution = backend.keep_zeros(contribution, cotangent)
                elif how == VALUE:
                    contribution = cotangent * (backend.conjugate(saved) if conjugate else saved)
                    if careful:
                        contribution = backend.keep_zeros(contribution, cotangent)
                elif how == IDENTITY:
                    contribution = cotangent
                elif how == NEGATE:
                    contribution = -cotangent
                elif how == TRANSPOSE:
                    contribution = function(cotangent, *saved)
                    shape = contribution.shape
                else:
                    self.step(index, ref, how, function, saved, cotangent, masked=masks or careful)
                    continue
                if masks or careful:
                    masked.add(ref)
                aval = tape[ref]
                if shape != aval[1] or (
                    (mixed or how == TRANSPOSE) and contribution.dtype is not aval[2]
                ):
                    contribution = project(contribution, aval[1], aval[2], self.trace.xp)
                previous = cotangents[ref]
                if previous is None:
                    cotangents[ref] = contribution
                elif how <= VALUE and type(contribution) is array_type is type(previous):
                    # The product is ours: add in place, without a third array.
                    contribution += previous
                    cotangents[ref] = contribution
                else:
                    cotangents[ref] = self.sum(ref, contribution)

    def undo(self) -> None:
        """Put back what the last write overwrote, for the entries that saved it."""
        write = self.writes.pop()
        write.swap(self.trace)
        self.undone.append(write)

    def redo(self) -> None:
        """Bring every buffer back to where it was when the walk began."""
        while self.undone:
            self.undone.pop().swap(self.trace)

    def step(
        self,
        index: int,
        ref: Any,
        how: int,
        function: Any,
        saved: Any,
        cotangent: Any,
        *,
        masked: bool,
    ) -> None:
        """The kinds of edge that do not lead one cotangent to one argument."""
        if how == OUTPUT:
            place, count = saved
            if self.cotangents[ref] is None:
                self.cotangents[ref] = [None] * count
            self.cotangents[ref][place] = cotangent
            targets = (ref,)
        elif how == SCATTER:
            self.scatter(ref, function, saved, cotangent)
            targets = (ref,)
        elif how == WRITE:
            targets = self.write(index, ref, saved, cotangent)
        else:
            targets = ref
            for target, part in zip(ref, function(cotangent, *saved), strict=True):
                if target is not None and part is not None:
                    self.add(target, part)
        if masked:
            self.masked.update(target for target in targets if target is not None)

    def add(self, ref: int, contribution: Any) -> None:
        """Add to the cotangent of `ref`, in the primal's own shape and dtype."""
        _, shape, dtype = self.tape[ref]
        contribution = project(contribution, shape, dtype, self.trace.xp)
        if self.cotangents[ref] is not None:
            contribution = self.sum(ref, contribution)
        self.cotangents[ref] = contribution

    def sum(self, ref: int, contribution: Any) -> Any:
        """The cotangent of `ref` plus `contribution`, in place where the former is ours."""
        previous = self.cotangents[ref]
        array_type = self.trace.backend.array_type
        if type(previous) is not array_type or type(contribution) is not array_type:
            return previous + contribution
        if ref in self.owned:
            previous += contribution
            return previous
        self.owned.add(ref)
        return previous + contribution

    def write(self, place: int, ref: int, saved: Any, cotangent: Any) -> tuple[int, ...]:
        """Split a written array's cotangent: the part written is the value's, the rest is older."""
        steps, index, value_ref, last, like = saved
        if place not in self.owned or not cotangent.shape:  # sums of 0-d arrays are numbers
            cotangent = self.trace.backend.copy_like(cotangent, like)
        part = follow(steps, cotangent)
        if memory_of(raw(part)) is not memory_of(raw(cotangent)):
            # A sum of cotangents has a layout of its own, which need not have that view.
            cotangent = self.trace.backend.copy_like(cotangent, like)
            part = follow(steps, cotangent)
        if value_ref is not None:
            written = self.trace.backend.copy(part[index])
            self.add(value_ref, written if last is None else written * last)
        part[index] = 0
        if self.cotangents[ref] is not None:
            cotangent = self.cotangents[ref] + cotangent
        self.cotangents[ref] = cotangent
        self.owned.add(ref)
        return (ref,) if value_ref is None else (ref, value_ref)

    def scatter(self, ref: int, function: Any, saved: Any, cotangent: Any) -> None:
        """Add to a part of the cotangent of `ref`, in time that does not grow with the whole."""
        _, shape, dtype = self.tape[ref]
        previous = self.cotangents[ref]
        followed = type(cotangent) in box_types or type(previous) in box_types
        small = followed and (ref not in self.owned or math.prod(shape) < _SMALL)
        if small or not self.trace.backend.in_place:
            self.add(ref, function(cotangent, *saved))
            self.owned.add(ref)
            return
        if ref not in self.owned:
            zeros = self.trace.xp.zeros(shape, dtype)
            previous = zeros if previous is None else zeros + previous
            self.owned.add(ref)
        part = project(cotangent, cotangent.shape, dtype, self.trace.xp)
        self.cotangents[ref] = writable(previous, part)
        self.trace.xp.add_at(self.cotangents[ref], part, saved[-1])


# Where another transform follows the walk, adding two arrays of fewer elements than this costs less
# than recording a write into one of them.
_SMALL = 1 << 13


def project(cotangent: Any, shape: Any, dtype: Any, xp: Any) -> Any:
    """`cotangent` as the primal is: broadcast axes summed, imaginary part dropped, dtype cast."""
    if cotangent.dtype is not dtype and xp.is_complex(cotangent.dtype) and not xp.is_complex(dtype):
        cotangent = xp.real(cotangent)
    if cotangent.shape != shape:
        lead = len(cotangent.shape) - len(shape)
        if lead > 0 and cotangent.shape[lead:] == shape:  # the most usual case, without a loop
            axes = tuple(range(-lead - len(shape), -len(shape)))
            cotangent = xp.sum(cotangent, axis=axes, keepdims=False)
        elif lead < 0 or any(
            n == 1 != m for n, m in zip(cotangent.shape[lead:], shape, strict=True)
        ):
            cotangent = xp.broadcast_to(cotangent, shape)
        elif axes := tuple(
            axis - len(shape)
            for axis in range(-lead, len(shape))
            if axis < 0 or shape[axis] != cotangent.shape[lead + axis]
        ):
            summed = xp.sum(cotangent, axis=axes, keepdims=len(axes) > lead)
            cotangent = summed if len(axes) == lead else xp.reshape(summed, shape)
    return cotangent if cotangent.dtype == dtype else xp.astype(cotangent, dtype)
