"""`vjp`: run a function once while recording, and give back the pullback of that run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import border, tree
from .backends import backend_of, with_backend
from .core import box_types
from .reverse import ReverseTrace, Tape, Walk
from .rules import JOINT, WRITE

# A differentiable output's index (None where it depends on no leaf), shape and dtype.
Output = tuple[int | None, tuple[int, ...], Any]


class Recording:
    """One run of a function under a reverse trace: its outputs, its tape, and the way back.

    `call(args)` runs the program's `func`. With `own`, boxes among `args` are nobody else's.
    """

    __slots__ = (
        "aux",
        "count",
        "inputs",
        "layouts",
        "leaves",
        "out",
        "out_structure",
        "outputs",
        "tape",
        "trace",
    )

    def __init__(
        self,
        transform: str,
        func: Callable[..., Any],
        call: Callable[[Any], Any],
        args: Any,
        *,
        has_aux: bool,
        root: str = "primals",
        own: bool = False,
    ) -> None:
        leaves, self.leaves = tree.flatten(args)

        def record(backend: Any) -> None:
            trace = ReverseTrace(transform, backend)
            self._record(trace, func, call, [*leaves], has_aux=has_aux, root=root, own=own)

        with_backend(leaves, record)

    def _record(
        self,
        trace: ReverseTrace,
        func: Callable[..., Any],
        call: Callable[[Any], Any],
        leaves: list[Any],
        *,
        has_aux: bool,
        root: str,
        own: bool,
    ) -> None:
        self.trace, transform, backend = trace, trace.name, trace.backend
        try:
            follows = border.check_leaves(transform, backend, leaves, self.leaves, root)
            self._enter(leaves, follows, own=own)
            args = tree.unflatten(self.leaves, leaves)
            leaves.clear()
            out = border.run(trace, func, call, args)
            del args
            out, aux = border.split_aux(transform, out) if has_aux else (out, None)
            if not self.inputs:
                trace.backend = backend_of(tree.flatten(out)[0])
            out_leaves, self.out_structure = border.outputs_of(trace, out)
            border.refresh_views(out_leaves)
        finally:
            self.tape: Tape = trace.end()
        self.outputs = [self._output(leaf) for leaf in out_leaves]
        del out
        for place in range(len(out_leaves)):
            out_leaves[place] = border.unwrap(out_leaves[place], trace)
        self.out = tree.unflatten(self.out_structure, out_leaves)
        self.aux = border.unwrap_aux(aux, trace) if has_aux else None

    def _enter(self, leaves: list[Any], differentiable: list[bool], *, own: bool) -> None:
        """Exchange the leaves, in place, for boxes of the trace, and constants for copies."""
        # The aval of every leaf; None where it is not differentiated.
        self.inputs: list[Any] = [None] * len(leaves)
        self.layouts: list[Any] = [None] * len(leaves)
        self.count = sum(differentiable)
        backend = self.trace.backend
        for place, follows in enumerate(differentiable):
            if not follows:
                leaves[place] = backend.copy(leaves[place])
                continue
            leaves[place] = box = self.trace.leaf(leaves[place], own=own)
            self.inputs[place] = box.value.shape, box.value.dtype
            if backend.aligned is not None:
                self.layouts[place] = backend.layout(box.value)

    def _output(self, leaf: Any) -> Output | None:
        if type(leaf) in box_types and leaf.tracer is self.trace:
            return leaf.index, leaf.value.shape, leaf.value.dtype
        backend = self.trace.backend
        return (None, *backend.aval(leaf)) if backend.differentiable(leaf) else None

    def pull(self, cotangents: list[Any], tape: Tape, *, free: bool) -> Any:
        """The tree of the leaves' cotangents; `cotangents` are the outputs', None for zero."""
        trace = self.trace
        trace.check_kept()
        with trace.walking():
            return self._walk(cotangents, tape, free=free)

    def _walk(self, cotangents: list[Any], tape: Tape, *, free: bool) -> Any:
        trace = self.trace
        backend = trace.backend
        walk = Walk(trace, tape)
        start = -1
        for output, cotangent in zip(self.outputs, cotangents, strict=True):
            if output is not None and output[0] is not None and cotangent is not None:
                start = max(start, output[0])
                walk.add(output[0], cotangent)
                if backend.has_zeros(cotangent):
                    walk.masked.add(output[0])
        cotangents.clear()
        cotangent = None
        with backend.quiet():
            try:
                walk.run(start, self.count, free=free)
            finally:
                walk.redo()
        return tree.unflatten(self.leaves, self._results(walk.cotangents))

    def _results(self, cotangents: list[Any]) -> list[Any]:
        backend = self.trace.backend
        results: list[Any] = []
        index = 0
        for aval, layout in zip(self.inputs, self.layouts, strict=True):
            if aval is None:
                results.append(None)
                continue
            result, cotangents[index] = cotangents[index], None
            index += 1
            owned = result is None
            result = backend.zeros(*aval) if owned else result
            if layout is not None:
                result = backend.aligned(result, layout)
            results.append(result if owned else backend.own(result))
        return results


class Pullback:
    """The function that `vjp` returns: from cotangents of the outputs to those of the primals."""

    __slots__ = ("__weakref__", "_recording", "_tape")  # jax.jit refers weakly to a function

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._tape: Tape | None = recording.tape

    def __call__(self, cotangents: Any, retain_graph: bool = True) -> tuple[Any, ...]:
        """The cotangent of every primal.

        Args:
            cotangents: A tree like the function's output, each leaf an array or number of that
                output's shape; None for a zero leaf and for outputs of integer dtype.
            retain_graph: Whether the pullback can be called again. False frees the memory it
                holds as it goes.

        Returns:
            A tuple with one entry for each primal: a tree like the primal, each leaf of that
            leaf's shape and dtype (None for integer leaves).

        Raises:
            RuntimeError: After a call with `retain_graph=False`.
            TypeError, ValueError: For cotangents that do not match the outputs.
        """
        tape = self._tape
        if tape is None:
            raise RuntimeError(
                "pullback.vjp: this pullback was called with retain_graph=False, which freed what "
                "it needs; leave retain_graph=True in all calls but the last"
            )
        checked = self._check(cotangents)
        if not retain_graph:
            self._tape = None
        return self._recording.pull(checked, tape, free=not retain_graph)

    def _check(self, cotangents: Any) -> list[Any]:
        recording = self._recording
        structure = recording.out_structure
        if cotangents is None:
            raise TypeError(
                "pullback.vjp: cotangents: got None, expected a tree like the output; pass 1.0 "
                "for a scalar output, or np.zeros for a zero cotangent"
            )
        if structure is tree.LEAF:
            leaves: list[Any] = [cotangents]
        else:
            try:
                leaves = structure.flatten_up_to(cotangents)
            except ValueError as error:
                raise ValueError(
                    "pullback.vjp: cotangents: got a tree of another structure than the output's, "
                    f"which is {structure}: {error}"
                ) from None
        return [
            None if leaf is None else self._check_leaf(place, leaf, output)
            for place, (leaf, output) in enumerate(zip(leaves, recording.outputs, strict=True))
        ]

    def _check_leaf(self, place: int, leaf: Any, output: Output | None) -> Any:
        def where() -> str:
            path = tree.path_of(self._recording.out_structure, place, "cotangents")
            return f"pullback.vjp: {path}"

        if output is None:
            raise TypeError(
                f"{where()}: the output there is not differentiable (its dtype is integer or "
                "boolean); its cotangent must be None"
            )
        _, shape, dtype = output
        return border.check_cotangent(leaf, shape, dtype, self._recording.trace.backend, where)

    def __repr__(self) -> str:
        state = "freed" if self._tape is None else f"{len(self._tape)} entries"
        return f"<pullback.vjp pullback, {state}>"


def vjp(
    func: Callable[..., Any], *primals: Any, has_aux: bool = False, strict: bool = False
) -> Any:
    """The value of `func(*primals)` and its pullback, the vector-Jacobian product.

    Args:
        func: A function of arrays, or of trees of arrays, written with plain NumPy. Keyword
            arguments keep their defaults.
        *primals: Where to evaluate it. Leaves may be arrays and numbers of any dtype; integer
            and boolean ones are constants, with derivative None.
        has_aux: `func` returns `(output, aux)`, and aux (any object) is handed through.
        strict: Raise if an output does not depend on any primal, or a primal does not matter.

    Returns:
        `(output, pullback)`, or `(output, pullback, aux)`. `pullback(cotangents)` takes a tree
        like the output and returns a tuple with the cotangent of each primal, in the primal's
        shape and dtype. It runs no part of `func` again, can be called any number of times,
        and can itself be differentiated. For complex values it is the adjoint (torch's convention).

    Raises:
        TypeError: If a leaf is no number, none is differentiable, or `func` returns no number.
        ValueError: With `strict`, where a derivative is zero because nothing connects the two.

    Example:
        >>> import numpy as np, pullback
        >>> x = np.array([0.0, 1.0])
        >>> y, pull = pullback.vjp(np.exp, x)
        >>> pull(np.ones(2))[0].tolist() == np.exp(x).tolist()
        True
    """
    recording = Recording("vjp", func, lambda args: func(*args), primals, has_aux=has_aux)
    if strict:
        check_strict("vjp", recording)
    pull = Pullback(recording)
    out = recording.out
    recording.out = None
    if not has_aux:
        return out, pull
    aux, recording.aux = recording.aux, None
    return out, pull, aux


def check_strict(transform: str, recording: Recording, root: str = "primals") -> None:
    """Raise if an output depends on no leaf, or a leaf matters to no output."""
    count = recording.count
    reached: set[int] = set()
    for place, output in enumerate(recording.outputs):
        if output is None:
            continue
        mine = leaves_behind(recording.tape, output[0], count)
        if not mine:
            path = tree.path_of(recording.out_structure, place, "output")
            raise ValueError(
                f"pullback.{transform}: {path} does not depend on any of {root} (strict=True)"
            )
        reached |= mine
    index = 0
    for place, aval in enumerate(recording.inputs):
        if aval is None:
            continue
        if index not in reached:
            path = tree.path_of(recording.leaves, place, root)
            raise ValueError(f"pullback.{transform}: no output depends on {path} (strict=True)")
        index += 1


def leaves_behind(tape: Tape, index: int | None, count: int) -> set[int]:
    """The leaves (indices below `count`) that the entry `index` depends on."""
    if index is None:
        return set()
    wanted = {index}
    for i in range(index, count - 1, -1):
        if i in wanted:
            wanted.discard(i)
            for ref, (how, _, _), saved in tape[i][0]:
                targets = ref if how == JOINT else [ref, saved[2]] if how == WRITE else [ref]
                wanted.update(target for target in targets if target is not None)
    return wanted
