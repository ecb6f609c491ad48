"""A user's function as one primitive: what `checkpoint`, custom rules and solvers are made of.

A call has flat lists of arrays as arguments and results.  Every trace asks it what it means there
(`record` in reverse mode, `push` in forward mode), and hands it what is below its own boxes;
underneath all traces it runs on raw arrays.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

from . import tree
from .backends import backend_of
from .batch import vmap
from .captures import Captured, Inputs, Outside, captured_by
from .core import Primitive, bind, box_types, paused, raw
from .errors import StaleValueError, UnsupportedError
from .vjp import Recording

# Each start finds all captured boxes but those that hide behind values the one before did not have.
_MOST_STARTS = 8

Pull = Callable[[list[Any]], Sequence[Any]]


class Packing:
    """What is left of a tree without its arrays: with other arrays, a tree again.

    Arrays, floating-point and complex numbers are taken out; all else stays in the packing.
    """

    __slots__ = ("leaves", "places", "structure")

    def __init__(self, leaves: list[Any], structure: Any, places: list[int]) -> None:
        self.leaves = leaves
        self.structure = structure
        self.places = places

    def unpack(self, values: Sequence[Any]) -> Any:
        """The tree with `values` where its arrays were."""
        leaves = self.leaves[:]
        for place, value in zip(self.places, values, strict=True):
            leaves[place] = value
        return tree.unflatten(self.structure, leaves)

    def take(self, like: Any) -> list[Any]:
        """The leaves of `like`, a tree of the same structure, at the places of the arrays."""
        leaves = self.structure.flatten_up_to(like)
        return [leaves[place] for place in self.places]

    def path(self, number: int, root: str) -> str:
        """How the array `number` of a tree called `root` is written."""
        return tree.path_of(self.structure, self.places[number], root)


def pack(anything: Any) -> tuple[list[Any], Packing]:
    """The arrays of a tree, as they are seen here, and the packing that they leave."""
    leaves, structure = tree.flatten(anything)
    places = [place for place, leaf in enumerate(leaves) if _is_array(leaf)]
    values = [paused(leaves[place]) for place in places]
    for place in places:
        leaves[place] = None
    return values, Packing(leaves, structure, places)


def _is_array(leaf: Any) -> bool:
    if type(leaf) in box_types:
        return True
    return backend_of([leaf]).refusal(leaf) is None and not isinstance(leaf, (bool, int))


def any_traced(values: Sequence[Any]) -> bool:
    """Does any transform follow one of `values`?"""
    return any(type(value) in box_types for value in values)


def own_copies(values: Sequence[Any]) -> list[Any]:
    """`values` with every raw array copied, for a user's function to write into if it likes."""
    backend = backend_of(values)
    return [
        value if type(value) in box_types and value.tracer.level else backend.copy(value)
        for value in values
    ]


class Call(Primitive):
    """One call of a user's function."""

    __slots__ = ("title",)

    def __init__(self, title: str) -> None:
        self.name = self.title = title
        self.kind = "call"
        self.rules = ()
        self.variadic = self.joint = False
        self.outputs = 0

    # Methods, where other primitives have attributes: a bound one would be a reference cycle.

    def impl(self, *values: Any) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The results for raw arrays."""
        raise NotImplementedError

    def batch(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, _: Any, values: Sequence[Any], batched: Sequence[bool], __: Any, size: int
    ) -> Any:
        """The results for a whole batch; `batched` says which values have a batch axis in front."""
        raise NotImplementedError

    def record(self, values: list[Any], wanted: list[bool]) -> tuple[Sequence[Any], Pull]:
        """The results, and the function from their cotangents to those of the wanted `values`.

        A cotangent is None where it is zero, or not wanted.
        """
        raise NotImplementedError

    def push(self, values: list[Any], tangents: list[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        """The results and their tangents, None where there is none."""
        raise NotImplementedError

    def saves(self, position: int) -> bool:
        """A rule may keep any of its arguments."""
        return position >= 0

    def check_outputs(self, outs: Sequence[Any], level: int) -> None:
        """Raise if a result depends on what a trace from `level` on follows by other ways."""
        for out in outs:
            if type(out) in box_types and out.tracer.level >= level:
                raise UnsupportedError(
                    f"{self.title} captured a value traced by pullback.{out.tracer.name} (from an "
                    "enclosing function, a global or an attribute), where its rule gives no "
                    "derivative. Pass the value as an argument, or capture "
                    "pullback.stop_gradient(value)."
                )


class Batched(Call):
    """A call of every example in a batch; `batched` says which values have a batch axis in front.

    A pullback runs the call's `record` once more, so that residuals may be any object.
    """

    __slots__ = ("batched", "inner", "size")

    def __init__(self, inner: Any, batched: Sequence[bool], size: int) -> None:
        super().__init__(inner.title)
        self.inner = inner
        self.batched = tuple(batched)
        self.size = size

    def impl(self, *values: Any) -> tuple[Any, ...]:
        """The results of all examples."""
        return separate(self.apply(values))

    def apply(self, values: Sequence[Any]) -> list[Any]:
        """The same for traced values, which are followed."""
        return each(self.inner.apply, self.batched, values)

    def batch(
        self, _: Any, values: Sequence[Any], batched: Sequence[bool], __: Any, size: int
    ) -> Any:
        """Batches of batches."""
        return bind(Batched(self, batched, size), values, {})

    def record(self, values: list[Any], wanted: list[bool]) -> Any:
        """The results, and the pullbacks of all examples at once."""
        outs = each(lambda values: self.inner.record(values, wanted)[0], self.batched, values)
        return outs, functools.partial(self.pull, values, wanted)

    def pull_one(
        self, values: list[Any], wanted: list[bool], cotangents: list[Any]
    ) -> Sequence[Any]:
        """The pullback of one example."""
        return self.inner.record(values, wanted)[1](cotangents)

    def pull(self, values: list[Any], wanted: list[bool], cotangents: list[Any]) -> list[Any]:
        """The cotangents of the wanted `values`; what all examples share gets a sum."""
        count, given = len(values), Present(cotangents)

        def one(both: list[Any]) -> list[Any]:
            grads = self.pull_one(both[:count], wanted, given.fill(both[count:]))
            pairs = zip(grads, both[:count], wanted, strict=True)
            return [zeros_like(v) if g is None else g for g, v, w in pairs if w]

        batched = [*self.batched, *(True for _ in given.values)]
        grads = iter(each(one, batched, [*values, *given.values]))
        return [
            (next(grads) if b else next(grads).sum(0)) if w else None
            for w, b in zip(wanted, self.batched, strict=True)
        ]

    def push(self, values: list[Any], tangents: list[Any]) -> Any:
        """The pushforwards of all examples at once."""
        count, given = len(values), Present(tangents)

        def one(both: list[Any]) -> list[Any]:
            outs, moved = self.inner.push(both[:count], given.fill(both[count:]))
            pairs = zip(outs, moved, strict=True)
            filled = [zeros_like(o) if t is None else t for o, t in pairs if _differentiable(o)]
            return [*outs, *filled]

        moving = [b for b, t in zip(self.batched, tangents, strict=True) if t is not None]
        return split_pushed(each(one, [*self.batched, *moving], [*values, *given.values]))


def each(
    function: Callable[[list[Any]], Sequence[Any]], batched: Sequence[bool], values: Sequence[Any]
) -> list[Any]:
    """`function(values)` for all examples at once; every result has the batch axis in front."""
    dims = tuple(0 if b else None for b in batched)
    return vmap(lambda *values: [*function([*values])], in_dims=dims)(*values)


class Present:
    """The vectors of a list that are not None, and which those are."""

    __slots__ = ("given", "values")

    def __init__(self, vectors: Sequence[Any]) -> None:
        self.given = [vector is not None for vector in vectors]
        self.values = [vector for vector in vectors if vector is not None]

    def fill(self, values: Sequence[Any]) -> list[Any]:
        """`values` at the places of those that are not None."""
        rest = iter(values)
        return [next(rest) if given else None for given in self.given]


def record_wanted(
    transform: str,
    function: Callable[[list[Any]], Sequence[Any]],
    values: Sequence[Any],
    wanted: Sequence[bool],
) -> Recording:
    """`function(values)`, recorded as a function of the wanted values alone."""
    places = [place for place, want in enumerate(wanted) if want]

    def of_wanted(leaves: list[Any]) -> list[Any]:
        full = [*values]
        for place, leaf in zip(places, leaves, strict=True):
            full[place] = leaf
        return [*function(full)]

    return Recording(
        transform, function, of_wanted, [values[place] for place in places], has_aux=False
    )


def among(grads: Sequence[Any], wanted: Sequence[bool]) -> list[Any]:
    """`grads`, one for each wanted value, at the places of these among all values."""
    rest = iter(grads)
    return [next(rest) if want else None for want in wanted]


def split_pushed(both: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Results, and behind them a tangent for each that is differentiable, as two lists."""
    count = len(both) - sum(map(_differentiable, both)) // 2
    rest = iter(both[count:])
    outs = [*both[:count]]
    return outs, [next(rest) if _differentiable(out) else None for out in outs]


def _differentiable(value: Any) -> bool:
    return backend_of([value]).differentiable(value)


def zeros_like(value: Any) -> Any:
    """Zeros of the shape and dtype of `value`."""
    backend = backend_of([value])
    return backend.zeros(*backend.aval(value))


class Closed:
    """A user's function of a flat list of arrays: its arguments' own, then those it captured.

    `outputs` is the packing of what it last returned, `met` says which captured boxes it met first.
    """

    __slots__ = ("captured", "function", "inputs", "met", "outputs")

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Packing,
        captured: list[Any],
        met: set[int] | None = None,
    ) -> None:
        self.function = function
        self.inputs = inputs
        self.captured = captured
        self.outputs: Any = None
        self.met = met

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The arrays of the results; inside, the captured boxes are seen as their values."""
        return self.run(self.function, values)

    def run(self, function: Callable[..., Any], values: Sequence[Any]) -> list[Any]:
        """The same, by a function that does what `self.function` does."""
        count = len(values) - len(self.captured)
        lens = Inputs(zip(self.captured, values[count:], strict=True))
        with lens if self.captured else contextlib.nullcontext():
            args, kwargs = self.inputs.unpack(own_copies(values[:count]))
            outs, self.outputs = pack(function(*args, **kwargs))
        self.met = lens.met if self.met is None else self.met
        if not self.met <= lens.met:
            raise StaleValueError(
                "a function that was run again for its derivative did not meet a traced value that "
                "it captured before: the variable that held it holds another value now. Pass it "
                "as an argument, or hold it in a variable of the function's own."
            )
        return outs


def closed_call(
    function: Callable[..., Any],
    inputs: Packing,
    values: list[Any],
    known: list[Any],
    call: Callable[[list[Any], list[Any]], Any],
) -> Any:
    """`call(values, captured)`, where captured are the boxes that `function` holds.

    Those that only a run can find are added to `known`, and the run starts again.
    """
    objects = [leaf for leaf in inputs.leaves if hasattr(leaf, "__dict__")]
    for _ in range(_MOST_STARTS):
        captured = captured_by(function, *map(vars, objects))
        captured += [box for box in known if not any(box is other for other in captured)]
        captured = [box for box in captured if _is_live(paused(box))]
        try:
            return call([*values, *map(paused, captured)], captured)
        except Captured as found:
            known.extend(found.boxes)
    raise UnsupportedError(
        "a function under pullback.checkpoint (or of a solver) met new traced values of outer "
        "transforms each time it was run. Worker threads that it starts cannot use values that "
        "it captured: pass them as arguments."
    )


def _is_live(value: Any) -> bool:
    return type(value) in box_types and not value.tracer.ended


def run_outside(function: Callable[[list[Any]], Sequence[Any]], values: Sequence[Any]) -> Any:
    """`function(values)` on raw arrays; raises `Captured` if it meets a box from outside."""
    with Outside() as lens:
        outs = function([*values])
    if lens.found:
        raise Captured(lens.found)
    return outs


def separate(outs: Sequence[Any]) -> tuple[Any, ...]:
    """Raw results as arrays that share no memory with each other."""
    seen: set[int] = set()
    result: list[Any] = []
    for out in outs:
        value = raw(out)
        backend = backend_of([value])
        if getattr(value, "base", None) is not None or id(value) in seen:
            value = backend.copy(value)
        seen.add(id(value))
        result.append(value if hasattr(value, "dtype") else backend.enter(value))
    return tuple(result)
