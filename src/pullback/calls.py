"""A user's function as one primitive: what `checkpoint`, custom rules and solvers are made of.

A call has flat lists of arrays as arguments and results.  Every trace asks it what it means there
(`record` in reverse mode, `push` in forward mode), and hands it what is below its own boxes;
underneath all traces it runs on raw arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import tree
from .backends import backend_of
from .captures import Captured, Inputs, Outside, captured_by
from .core import Primitive, bind, box_types, paused, raw
from .errors import StaleValueError, UnsupportedError

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
    return [value if type(value) in box_types else backend.copy(value) for value in values]


class Call(Primitive):
    """One call of a user's function."""

    __slots__ = ("title",)

    def __init__(self, title: str) -> None:
        super().__init__(title, "call", self.run, (), outputs=0)
        self.title = title

    def run(self, *values: Any) -> tuple[Any, ...]:
        """The results for raw arrays."""
        raise NotImplementedError

    def record(self, values: list[Any]) -> tuple[Sequence[Any], Pull]:
        """The results, and the function from their cotangents to those of `values`.

        A cotangent is None where it is zero, or its value is not differentiable.
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


class Closed:
    """A user's function of a flat list of arrays: its arguments' own, then those it captured.

    `outputs` is the packing of what it last returned, `met` says which captured boxes it met first.
    """

    __slots__ = ("captured", "function", "inputs", "met", "outputs")

    def __init__(self, function: Callable[..., Any], inputs: Packing, captured: list[Any]) -> None:
        self.function = function
        self.inputs = inputs
        self.captured = captured
        self.outputs: Any = None
        self.met: set[int] | None = None

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The arrays of the results; inside, the captured boxes are seen as their values."""
        count = len(values) - len(self.captured)
        with Inputs(zip(self.captured, values[count:], strict=True)) as lens:
            args, kwargs = self.inputs.unpack(own_copies(values[:count]))
            outs, self.outputs = pack(self.function(*args, **kwargs))
        self.met = lens.met if self.met is None else self.met
        if not self.met <= lens.met:
            raise StaleValueError(
                "a function that was run again for its derivative did not meet a traced value that "
                "it captured before: the variable that held it holds another value now. Pass it "
                "as an argument, or hold it in a variable of the function's own."
            )
        return outs


def closed_call(
    functions: Sequence[Callable[..., Any]],
    values: list[Any],
    known: list[Any],
    call: Callable[[list[Any], list[Any]], Any],
) -> Any:
    """`call(values, captured)`, where captured are the boxes that `functions` hold.

    Those that only a run can find are added to `known`, and the run starts again.
    """
    while True:
        captured = [*captured_by(*functions)]
        captured += [box for box in known if not any(box is other for other in captured)]
        captured = [box for box in captured if _is_live(paused(box))]
        try:
            return call([*values, *map(paused, captured)], captured)
        except Captured as found:
            known.extend(found.boxes)


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


__all__ = ["Call", "Closed", "Packing", "bind", "closed_call", "pack"]
