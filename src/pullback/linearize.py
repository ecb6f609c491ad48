"""`linearize`: the tape of one run, read upwards.

A tape has an edge from every value to what it was computed from.  Walked downwards the edges carry
cotangents, and that is the pullback; walked upwards the same edges carry tangents, and that is the
pushforward.  So one run serves both, and whatever the pullback composes with, so does this.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from . import border, tree
from .core import open_pauses
from .forward import tangent_leaves, term
from .mutate import Write, follow, put, writable
from .reverse import Edge, project
from .rules import JOINT, OUTPUT, SCATTER, TRANSPOSE, WRITE
from .transpose import Transpose
from .vjp import Recording


class Step:
    """One entry that the outputs depend on: where it is, and what it is the last to need.

    `scaling` are its edges that a tangent passes by a factor, `linear` those that state the
    transpose of what it passes by; `avals` are of its result, or of its list of results if it is
    `listed`.
    """

    __slots__ = ("avals", "edges", "index", "last", "linear", "listed", "scaling", "transpose")

    def __init__(
        self,
        index: int,
        edges: Sequence[Edge],
        avals: list[Any],
        last: set[int],
        *,
        listed: bool,
    ) -> None:
        self.listed = listed
        self.index = index
        self.edges = edges
        self.scaling = [edge for edge in edges if edge[1][0] < TRANSPOSE]
        self.linear = [edge for edge in edges if edge[1][0] in (TRANSPOSE, SCATTER)]
        self.avals = avals
        self.last = last
        self.transpose: tuple[Sequence[Any], Transpose] | None = None


def steps_to(recording: Recording) -> list[Step]:
    """The steps that lead from the leaves to the outputs, in the order of the run."""
    tape, count = recording.tape, recording.count
    wanted = {out[0] for out in recording.outputs if out is not None and out[0] is not None}
    parts: dict[int, list[Any]] = {}
    steps: list[Step] = []
    for index in range(max(wanted, default=-1), count - 1, -1):
        if index not in wanted:
            continue
        edges, shape, dtype = tape[index]
        if not edges:  # a constant that is written into
            continue
        refs: set[int] = set()
        for ref, (how, _, _), saved in edges:
            if how == OUTPUT:
                place, many = saved
                parts.setdefault(ref, [None] * many)[place] = shape, dtype
            targets = ref if how == JOINT else (ref, saved[2]) if how == WRITE else (ref,)
            refs.update(target for target in targets if target is not None)
        avals, listed = parts.get(index, [(shape, dtype)]), index in parts
        steps.append(Step(index, edges, avals, refs - wanted, listed=listed))
        wanted |= refs
    return steps[::-1]


class Push:
    """One pass upwards along the steps: the tangents so far (none is zero), by index.

    `owned` are the indices whose tangent has been written into: it is an array of ours, which no
    other index may share.
    """

    __slots__ = ("careful", "owned", "tangents", "trace", "undone")

    def __init__(self, recording: Recording, tangents: Sequence[Any]) -> None:
        self.trace = recording.trace
        self.tangents = {i: t for i, t in enumerate(tangents) if t is not None}
        self.careful = any(map(self.trace.backend.has_zeros, self.tangents.values()))
        self.owned: set[int] = set()
        self.undone: list[Write] = []

    def run(self, steps: Sequence[Step]) -> None:
        """Carry the leaves' tangents to the outputs."""
        tangents = self.tangents
        try:
            self.undo()
            for step in steps:
                self.redo(step.index)
                tangent = self.of(step)
                if tangent is not None:
                    tangents[step.index] = tangent
                for index in step.last:
                    tangents.pop(index, None)
        finally:
            self.redo()

    def undo(self) -> None:
        """Put the buffers back to where they were before the first write."""
        for write in reversed(self.trace.writes):
            write.swap(self.trace)
            self.undone.append(write)

    def redo(self, index: float = math.inf) -> None:
        """Bring the buffers to where they were when the entry `index` was made; or are now."""
        while self.undone and self.undone[-1].place < index:
            self.undone.pop().swap(self.trace)

    def of(self, step: Step) -> Any:
        """The tangent of one entry."""
        ((ref, (how, _, _), saved), *_) = step.edges
        if how == WRITE:
            return self.write(step, ref, saved)
        if how == JOINT:
            return self.mapped(step)
        if how == OUTPUT:
            tangents = self.tangents.get(ref)
            return tangents and tangents[saved[0]]
        total = self.mapped(step) if step.linear else None
        for ref, how, saved in step.scaling:
            tangent = self.tangents.get(ref)
            if tangent is not None:
                moved = term(self.trace.backend, how, saved, tangent, careful=self.careful)
                moved = self.unshared(moved, ref, tangent)
                total = moved if total is None else total + moved
        if total is None:
            return None
        ((shape, dtype),) = step.avals
        if total.shape != shape or total.dtype != dtype:
            total = project(total, shape, dtype, self.trace.xp)
        return total

    def unshared(self, moved: Any, ref: int, tangent: Any) -> Any:
        """`moved` in memory of its own, if the tangent it comes from may be written into."""
        shared = ref in self.owned and self.trace.backend.is_view(moved, tangent)
        return self.trace.backend.copy(moved) if shared else moved

    def mapped(self, step: Step) -> Any:
        """What comes through the edges that state a transpose; a list from several outputs."""
        refs, transpose = step.transpose or self.transposed(step)
        tangents = [None if ref is None else self.tangents.get(ref) for ref in refs]
        if all(tangent is None for tangent in tangents):
            return None
        moved = transpose(tangents)
        if step.listed:
            return moved
        (one,) = moved
        for ref, tangent in zip(refs, tangents, strict=True):
            one = self.unshared(one, ref, tangent)
        return one

    def transposed(self, step: Step) -> tuple[Sequence[Any], Transpose]:
        """The arguments of a step's linear map, and the map itself: its transpose's transpose."""
        ((ref, (how, function, _), saved), *_) = step.edges
        if how == JOINT:
            refs = ref

            def back(cotangents: list[Any]) -> Any:
                return function(cotangents if step.listed else cotangents[0], *saved)
        else:
            refs = [ref for ref, _, _ in step.linear]

            def back(cotangents: list[Any]) -> Any:
                (cotangent,) = cotangents
                return [f(cotangent, *saved) for _, (_, f, _), saved in step.linear]

        result = refs, Transpose(back, step.avals, self.trace.backend)
        if not open_pauses:  # under `no_grad`, what it saved is a constant to the transforms around
            step.transpose = result
        return result

    def write(self, step: Step, ref: int, saved: Any) -> Any:
        """The tangent of a written array: that of the value in the part written."""
        path, index, value_ref, _, like = saved
        tangent = self.tangents.get(ref)
        value = self.tangents.get(value_ref, 0)
        if tangent is None and value_ref not in self.tangents:
            return None
        backend = self.trace.backend
        if tangent is None:
            tangent = backend.zeros(*step.avals[0])
        if ref not in self.owned or ref not in step.last or not tangent.shape:
            tangent = backend.copy_like(tangent, like)
        tangent = writable(tangent, value)
        put(self.trace, follow(path, tangent), index, value)
        self.owned.add(step.index)
        return tangent


class Pushforward:
    """The function that `linearize` returns: from tangents of the primals to the output's."""

    __slots__ = ("_recording", "_steps")

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._steps = steps_to(recording)

    def __call__(self, *tangents: Any) -> Any:
        """The tangent of every output.

        Args:
            *tangents: One for each primal: a tree like it, each leaf an array of that leaf's shape
                and dtype (or a Python number, for a 0-d leaf); None for zero, and for integer
                leaves.

        Returns:
            A tree like the function's output, each leaf of that leaf's shape and dtype (None for
            integer outputs).

        Raises:
            TypeError, ValueError: For tangents that do not match the primals.
        """
        recording = self._recording
        leaves = tangent_leaves("linearize", recording.leaves, tangents)
        moved = push(recording, self._steps, self._check(leaves))
        return tree.unflatten(recording.out_structure, moved)

    def _check(self, leaves: list[Any]) -> list[Any]:
        recording = self._recording
        checked: list[Any] = []
        for place, (tangent, aval) in enumerate(zip(leaves, recording.inputs, strict=True)):

            def where(place: int = place) -> str:
                path = tree.path_of(recording.leaves, place, "tangents")
                return f"pullback.linearize: {path}"

            leaf = border.check_tangent(tangent, aval, recording.trace.backend, where)
            if leaf is not None and getattr(tangent, "dtype", leaf.dtype) != leaf.dtype:
                raise TypeError(
                    f"{where()}: got dtype {tangent.dtype}, expected {leaf.dtype}, the primal's "
                    "own; convert it with .astype"
                )
            if aval is not None:
                checked.append(leaf)
        return checked

    def __repr__(self) -> str:
        return f"<pullback.linearize pushforward, {len(self._steps)} steps>"


def push(recording: Recording, steps: Sequence[Step], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of the output's leaves (None for integers), from those of the primals' leaves.

    `tangents` has one for each differentiable leaf, None for zero.
    """
    trace = recording.trace
    trace.check_kept()
    run = Push(recording, tangents)
    with trace.walking(), trace.backend.quiet():
        run.run(steps)
    return [_output_tangent(run, output) for output in recording.outputs]


def _output_tangent(run: Push, output: Any) -> Any:
    if output is None:
        return None
    index, shape, dtype = output
    tangent = run.tangents.get(index)
    backend = run.trace.backend
    # Two outputs may be one value, and one that is a leaf has the caller's own tangent.
    return backend.zeros(shape, dtype) if tangent is None else backend.own(tangent)


def linearize(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `func(*primals)` and its pushforward, the Jacobian-vector product there.

    `func` runs once, as it is: it may branch on values and write in place. The pushforward can be
    called any number of times, which runs no part of `func` again.

    Args:
        func: A function of arrays, or of trees of arrays, written with plain NumPy. Keyword
            arguments keep their defaults.
        *primals: Where to evaluate it, as for `vjp`.
        has_aux: `func` returns `(output, aux)`, and aux (any object) is handed through.

    Returns:
        `(output, pushforward)`, or `(output, pushforward, aux)`. `pushforward(*tangents)` takes
        one tangent for each primal (None for zero), of exactly its structure, shapes and dtypes,
        and returns a tree like the output. It can itself be differentiated and batched: in the
        tangents always, in the primals where an outer transform traced them.

    Raises:
        TypeError, ValueError: For primals, outputs or tangents that are not as above.

    Example:
        >>> import numpy as np, pullback
        >>> y, push = pullback.linearize(lambda x: x ** 3, 2.0)
        >>> float(y), float(push(1.0)), float(push(0.5))
        (8.0, 12.0, 6.0)
    """
    recording = Recording("linearize", func, lambda args: func(*args), primals, has_aux=has_aux)
    pushforward = Pushforward(recording)
    out, recording.out = recording.out, None
    if not has_aux:
        return out, pushforward
    aux, recording.aux = recording.aux, None
    return out, pushforward, aux
