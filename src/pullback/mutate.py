"""In-place writes: a traced array is a handle on a real buffer and on a place on the tape.

A write goes into the buffer for real, and the handle moves on to a new place, whose parents are
the old place and the value written.  What the write overwrote is kept, so that the walk back can
undo it before it goes on to entries that saved the buffer as it was.  A view knows its base: used
after a write to any part of the same memory, it takes its place from the base anew.  So a write of
k elements costs O(k) on the way forward and on the way back.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from .callers import where
from .core import (
    Box,
    Primitive,
    Trace,
    bind,
    box_types,
    check_write,
    memory_of,
    new_box,
    paused,
    raw,
    run,
)
from .errors import ConversionError


class View:
    """How a box came to be a view: `primitive(base, **params)`, when base was at `place`."""

    __slots__ = ("base", "params", "place", "primitive")

    def __init__(self, base: Box, primitive: Primitive, params: dict[str, Any]) -> None:
        self.base = base
        self.primitive = primitive
        self.params = params
        self.place = (base.tracer, base.index)

    def refresh(self, box: Box) -> None:
        """Bring `box` to where its base is now, if that has been written to since."""
        base = self.base
        if base.alias is not None:
            base.alias.refresh(base)
        place = (base.tracer, base.index)
        if place == self.place:
            return
        self.place = place
        anew = bind(self.primitive, (base,), self.params)
        box.tracer, box.value, box.index = anew.tracer, anew.value, anew.index
        if hasattr(anew, "tangent"):
            box.tangent = anew.tangent

    def reads(self, base: Box, index: Any) -> bool:
        """Is this `base[index]`?"""
        return self.base is base and "index" in self.params and same(self.params["index"], index)

    def path(self) -> tuple[Box, list[tuple[Primitive, dict[str, Any]]]]:
        """The box that is no view at the bottom, and the steps that lead from it to here."""
        base, steps = self.base, [(self.primitive, self.params)]
        while base.alias is not None:
            steps.append((base.alias.primitive, base.alias.params))
            base = base.alias.base
        return base, steps[::-1]


def same(index: Any, other: Any) -> bool:
    """Are these one index? The first makes a view, so that it has no arrays to compare."""
    if type(index) is not type(other):
        return False  # True is no 1 here
    if type(index) is tuple:
        return len(index) == len(other) and all(map(same, index, other))
    return index == other


def follow(steps: Sequence[tuple[Primitive, dict[str, Any]]], array: Any) -> Any:
    """The view of `array` that `steps` lead to."""
    for primitive, params in steps:
        array = bind(primitive, (array,), params)
    return array


class Write:
    """One write on a tape: where, and what stood there; `swap` undoes it, and again redoes it."""

    __slots__ = ("buffer", "index", "place", "stored", "swapped")

    def __init__(
        self, place: int, buffer: Any, index: Any, stored: Any, swapped: Write | None = None
    ) -> None:
        self.swapped = swapped  # another tape's write, which was undone for a walk along that
        self.place = place
        self.buffer = buffer
        self.index = index
        self.stored = stored

    def swap(self, trace: Trace) -> None:
        """Exchange what stands in the buffer with what is stored."""
        self.stored = put(trace, self.buffer, self.index, self.stored, self)


# The traces whose tapes hold raw arrays that another may write into, by the id of the memory.
_readers: dict[int, tuple[Any, weakref.WeakSet[Any]]] = {}
# Held by the walks of tapes that share memory: while one undoes writes, no other may read it.
shared_lock = threading.RLock()

# The traces that are writing here, into the box of another: they know of that write already.
_writers: ContextVar[tuple[Trace, ...]] = ContextVar("writers", default=())


def note_reader(trace: Trace, array: Any) -> None:
    """Let `trace`, which saves the raw `array`, be told when another trace writes into it."""
    if not trace.backend.in_place:
        return
    memory = memory_of(array)
    key = id(memory)
    if key not in _readers:
        forget = weakref.ref(memory, lambda _: _readers.pop(key, None))
        _readers[key] = (forget, weakref.WeakSet())
    readers = _readers[key][1]
    readers.add(trace)
    if len(readers) > 1:
        for reader in [*readers]:
            if hasattr(reader, "lock"):  # it has a tape to walk along
                reader.lock = shared_lock


class Loan:
    """What a plain view of a buffer holds on to, and what is viewed through it holds on to that.

    While one lives, no traced value may be written into the buffer: the view could not follow it.
    NumPy makes an array of its interface, and does not look behind it for another base.
    """

    __slots__ = ("__array_interface__", "__weakref__", "array")

    def __init__(self, array: Any, buffer: Any = None) -> None:
        self.array = array if buffer is None else buffer  # of another library, in that memory
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], True)  # read-only
        self.__array_interface__ = interface
        _loans.add(self)


_loans: weakref.WeakSet[Loan] = weakref.WeakSet()


def _check_lent(buffer: Any) -> None:
    """Raise if a plain view of this raw buffer is in use."""
    memory = memory_of(buffer)
    if any(memory_of(loan.array) is memory for loan in [*_loans]):
        raise ConversionError(
            "a traced value is written into an array of which a plain view is still in use (made "
            "by np.require, by an np.asarray bound before, or by a library), where its derivative "
            f"would be lost, at {where()}. Give that code a copy, np.array(a), or let it finish "
            "before the write."
        )


def note_captured(trace: Trace, box: Box) -> None:
    """Let `trace`, which saves an outer transform's `box`, be told of writes into what it holds.

    So must be the transforms in between, whose tapes save the same memory while `trace` walks
    back, with these writes undone.
    """
    readers: list[Trace] = [trace]
    held: list[Any] = [box]
    while held:
        value = held.pop()
        if type(value) in box_types:
            readers.append(value.tracer)
            held += [value.value, getattr(value, "tangent", None)]
        elif type(value) is box.tracer.backend.array_type:
            for reader in readers:
                note_reader(reader, value)


def put(trace: Trace, buffer: Any, index: Any, value: Any, swapped: Write | None = None) -> Any:
    """`buffer[index] = value`, seen by the other traces that read it; what stood there.

    `swapped` is the write of `trace` that this undoes or redoes, if it does that.
    """
    overwritten = trace.backend.copy(buffer[index])
    if type(buffer) in box_types:  # its own trace gets to the memory
        token = _writers.set((*_writers.get(), trace))
        try:
            buffer[index] = value
        finally:
            _writers.reset(token)
        return overwritten
    buffer[index] = value
    if _readers:
        _, readers = _readers.get(id(memory_of(buffer)), (None, ()))
        for reader in [*readers]:
            if reader is not trace and reader not in _writers.get():
                reader.wrote(buffer, index, overwritten, swapped)
    return overwritten


def write(box: Box, index: Any, value: Any) -> None:
    """`box[index] = value`, for a value that has the shape and dtype of that part already."""
    check_write(box)
    value = paused(value)
    if box.alias is not None:
        box.alias.refresh(box)
        root, steps = box.alias.path()
    else:
        root, steps = box, []
    if type(value) in box_types:
        if value.alias is not None:
            value.alias.refresh(value)
        if not value.tracer.level:
            value = value.value
    if type(value) in box_types and value.tracer.level > root.tracer.level:
        lift(root, value.tracer)
    for part in boxes_of(index):
        if part.tracer.level > root.tracer.level:
            lift(root, part.tracer)
    root.tracer.write(root, steps, index, value)


def boxes_of(index: Any) -> Sequence[Any]:
    """The traced arrays in an index: there are some under `vmap` only."""
    if type(index) is tuple:
        return [part for part in index if type(part) in box_types]
    return (index,) if type(index) in box_types else ()


def lift(root: Box, trace: Any) -> None:
    """Make `root` a box of `trace` (an inner one) around what it has been."""
    around = root.value
    if not root.tracer.level:
        _check_lent(around)
    else:
        around = new_box(type(root), root.tracer, root.value, root.index)
        if hasattr(root, "tangent"):
            around.tangent = root.tangent
    root.tracer.recording = root.tracer.pushing = False
    anew = trace.lift(around)
    root.tracer, root.value, root.index = trace, anew.value, anew.index
    if hasattr(anew, "tangent"):
        root.tangent = anew.tangent


def writable(value: Any, written: Any, index: Any = ...) -> Any:
    """`value`, a raw array or box, as something that `written` can be written into at `index`."""
    if type(written) in box_types and type(value) not in box_types:
        value = written.tracer.lift(value)
    for box in boxes_of(index):
        if type(value) not in box_types:
            value = box.tracer.lift(value)
    return value


class BufferTrace(Trace):
    """Level 0: arrays that no transform follows yet, but that one may write a traced value into."""

    __slots__ = ("next_place",)

    def __init__(self, backend: Any) -> None:
        super().__init__("buffer", 0)
        self.next_place = itertools.count().__next__
        self.backend = backend

    def box(self, array: Any) -> Any:
        """`array` (a raw array of our own) as a buffer; anything else as it is."""
        if type(array) is not self.backend.array_type:
            return array
        return new_box(self.backend.box_type, self, array, self.next_place())

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Run `primitive`; results that can take a traced value are buffers too, and so are views.

        Integers and booleans cannot: they are indices and masks, which NumPy wants plain.
        """
        values = [arg.value if type(arg) in box_types else arg for arg in args]
        out = run(primitive, values, params)
        if primitive.outputs is not None:
            return tuple(self._result(part) for part in out)
        for arg, value in zip(args, values, strict=True):
            if arg is not value and self.backend.is_view(out, value):
                box = self.box(out)
                box.alias = View(arg, primitive, params)
                return box
        return self._result(out)

    def _result(self, out: Any) -> Any:
        return self.box(out) if self.backend.differentiable(out) else out

    def write(self, root: Box, steps: Any, index: Any, value: Any) -> None:
        """Write a plain `value`: there is no derivative to follow."""
        put(self, follow(steps, root.value), index, raw(value))
        root.index = self.next_place()
