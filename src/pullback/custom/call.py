"""One call of a function with rules of its own: they run, are checked, and serve both modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import border, tree
from ..backends import backend_of
from ..calls import Batched, Call, Packing, pack, separate
from ..core import bind
from ..vjp import Recording
from .rules import Rules


class CustomCall(Call):
    """One call of a function with its own rules."""

    __slots__ = ("args", "custom", "inputs", "keywords", "outputs", "places")

    def __init__(
        self,
        custom: Rules,
        args: Sequence[Any],
        keywords: dict[str, Any],
        places: list[int],
        inputs: Packing,
    ) -> None:
        super().__init__(custom.title)
        self.custom = custom
        # The differentiable arguments are in `values`: the call must not keep their boxes.
        self.args = [None if place in places else arg for place, arg in enumerate(args)]
        self.keywords = keywords
        self.places = places
        self.inputs = inputs
        self.outputs: Any = None

    def impl(self, *values: Any) -> tuple[Any, ...]:
        """The function itself."""
        outs = self.apply(values)
        self.check_outputs(outs, 1)
        return separate(outs)

    def apply(self, values: Sequence[Any]) -> list[Any]:
        """The function itself, also for traced values."""
        return self.take(self.custom.function(*self.arguments(values), **self.keywords))

    def batch(
        self, _: Any, values: Sequence[Any], batched: Sequence[bool], __: Any, size: int
    ) -> Any:
        """The function and its rules, followed for all examples at once."""
        return bind(Batched(self, batched, size), values, {})

    def record(self, values: list[Any], wanted: list[bool]) -> Any:  # noqa: ARG002
        """The rule for reverse mode, or the other one transposed."""
        if self.custom.backward is None:
            return self.linearize(values)
        outs, residuals = self.run_forward(values)
        avals = _avals(outs)
        return outs, lambda cotangents: self.run_backward(residuals, cotangents, avals, values)

    def push(self, values: list[Any], tangents: list[Any]) -> Any:
        """The rule for forward mode, or the other one transposed."""
        if self.custom.rule is not None:
            return self.run_rule(values, tangents)
        outs, residuals = self.run_forward(values)
        avals = _avals(outs)

        def back(cotangents: list[Any]) -> tuple[list[Any], None]:
            return self.run_backward(residuals, cotangents, avals, values), None

        transposed, _ = transpose(back, avals, backend_of(values))
        return outs, transposed(tangents)

    def linearize(self, values: list[Any]) -> Any:
        """The results, and the transpose of the rule for tangents."""

        def along(tangents: list[Any]) -> tuple[list[Any], list[Any]]:
            outs, moved = self.run_rule(values, tangents)
            return moved, outs

        transposed, outs = transpose(along, _avals(values), backend_of(values))
        return outs, transposed

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """All positional arguments, with copies of `values` for the rule to keep or write into."""
        backend = backend_of(values)
        args = self.args[:]
        diff = self.inputs.unpack([backend.copy(value) for value in values])
        for place, arg in zip(self.places, diff, strict=True):
            args[place] = arg
        return args

    def take(self, out: Any) -> list[Any]:
        """The arrays among the function's results; the rest is remembered."""
        outs, self.outputs = pack(out)
        backend = backend_of(outs)
        return [out if hasattr(out, "dtype") else backend.enter(out) for out in outs]

    def run_forward(self, values: list[Any]) -> tuple[list[Any], Any]:
        """The results of the rule's forward, and its residuals."""
        assert self.custom.forward is not None
        result = self.custom.forward(*self.arguments(values), **self.keywords)
        out, residuals = self.pair(result, "forward", "(output, residuals)")
        return self.take(out), residuals

    def run_backward(
        self, residuals: Any, cotangents: list[Any], avals: list[Any], values: list[Any]
    ) -> list[Any]:
        """The cotangents of `values`, checked; None where they are zero."""
        assert self.custom.backward is not None
        result = self.custom.backward(
            residuals, self.outputs.unpack(_filled(cotangents, avals, backend_of(values)))
        )
        expected = self.inputs.structure.children()
        if not isinstance(result, tuple) or len(result) != len(expected):
            names = ", ".join(map(self.custom.argument, self.places))
            raise TypeError(
                f"{self.title}: backward must return a tuple with one entry for each "
                f"differentiable argument ({names}), got {_described(result)}"
            )
        leaves: list[Any] = []
        for place, child, entry in zip(self.places, expected, result, strict=True):
            whole = entry is None and not child.is_leaf()
            where = f"{self.title}: backward: the entry for {self.custom.argument(place)}"
            leaves += [None] * child.num_leaves if whole else _leaves_like(child, entry, where)
        return self.checked(
            [leaves[place] for place in self.inputs.places],
            _avals(values),
            lambda number: f"backward: the cotangent of {self.written(number)}",
            ("argument", "cotangent"),
        )

    def run_rule(self, values: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any]]:
        """The results of the rule for tangents, and their tangents, checked."""
        assert self.custom.rule is not None
        moving = self.inputs.unpack(_filled(tangents, _avals(values), backend_of(values)))
        along: list[Any] = [None] * len(self.args)
        for place, tangent in zip(self.places, moving, strict=True):
            along[place] = _only_arrays(tangent)
        result = self.custom.rule(tuple(self.arguments(values)), tuple(along), **self.keywords)
        out, moved = self.pair(result, "the rule", "(output, tangent)")
        outs = self.take(out)
        where = f"{self.title}: the tangent"
        whole = moved is None and not self.outputs.structure.is_leaf()
        count = self.outputs.structure.num_leaves
        leaves = [None] * count if whole else _leaves_like(self.outputs.structure, moved, where)
        checked = self.checked(
            [leaves[place] for place in self.outputs.places],
            _avals(outs),
            lambda number: f"the tangent: {self.outputs.path(number, 'tangent')}",
            ("output", "tangent"),
        )
        return outs, checked

    def checked(
        self,
        leaves: list[Any],
        avals: list[Any],
        name: Callable[[int], str],
        kinds: tuple[str, str],
    ) -> list[Any]:
        """`leaves`, each of its shape and dtype, or an error that says which is not.

        `kinds` says whose derivatives they are, and what those are called.
        """
        whose, what = kinds
        result: list[Any] = []
        for number, (leaf, aval) in enumerate(zip(leaves, avals, strict=True)):

            def where(number: int = number) -> str:
                return f"{self.title}: {name(number)}"

            if leaf is None:
                result.append(None)
            elif aval is None:
                raise TypeError(f"{where()}: must be None, for the {whose} there is an integer")
            else:
                backend = backend_of([leaf])
                shape, dtype = aval
                result.append(
                    border.check_cotangent(leaf, shape, dtype, backend, where, whose, what)
                )
        return result

    def written(self, number: int) -> str:
        """How the array `number` among the differentiable arguments is written."""
        path = self.inputs.path(number, "")
        entry, _, rest = path[1:].partition("]")
        return self.custom.argument(self.places[int(entry)]) + rest

    def pair(self, result: Any, what: str, expected: str) -> tuple[Any, Any]:
        """The two halves of what a rule returned."""
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"{self.title}: {what} must return a pair {expected}, got {_described(result)}"
            )
        return result


def _described(result: Any) -> str:
    """What a rule returned where it must return a tuple."""
    return f"a tuple of {len(result)}" if isinstance(result, tuple) else result.__class__.__name__


def _leaves_like(structure: Any, like: Any, where: str) -> list[Any]:
    try:
        return structure.flatten_up_to(like)
    except ValueError as error:
        raise ValueError(f"{where}: got a tree of another structure: {error}") from None


def _only_arrays(tangent: Any) -> Any:
    """A tree of tangents: what has none is None."""
    return tree.map_leaves(lambda leaf: leaf if hasattr(leaf, "dtype") else None, tangent)


def _avals(values: Sequence[Any]) -> list[Any]:
    """Shape and dtype of each; None where it is not differentiable."""
    backend = backend_of(values)
    return [backend.aval(v) if backend.differentiable(v) else None for v in values]


def _filled(vectors: Sequence[Any], avals: list[Any], backend: Any) -> list[Any]:
    """Tangents or cotangents for a rule to keep or write into: copies, with zeros for None."""
    return [
        backend.zeros(*aval) if vector is None and aval is not None else backend.copy(vector)
        for vector, aval in zip(vectors, avals, strict=True)
    ]


def transpose(
    linear: Callable[[list[Any]], tuple[list[Any], Any]], avals: list[Any], backend: Any
) -> tuple[Callable[[list[Any]], list[Any]], Any]:
    """The transpose of a linear function of arrays with these shapes and dtypes, and its aux.

    `linear` is run once, on zeros, and returns `(results, aux)`. None among vectors stands for
    zero, or for what has none.
    """
    places = [place for place, aval in enumerate(avals) if aval is not None]
    present: list[int] = []

    def run(leaves: list[Any]) -> tuple[list[Any], Any]:
        vector: list[Any] = [None] * len(avals)
        for place, leaf in zip(places, leaves, strict=True):
            vector[place] = leaf
        out, aux = linear(vector)
        present[:] = [place for place, part in enumerate(out) if part is not None]
        return [out[place] for place in present] or [0.0], aux

    zeros = [backend.zeros(*avals[place]) for place in places]
    recording = Recording("linear_transpose", linear, run, zeros, has_aux=True)

    def transposed(cotangents: list[Any]) -> list[Any]:
        given = [cotangents[place] for place in present] or [None]
        parts = recording.pull(given, recording.tape, free=False)
        result: list[Any] = [None] * len(avals)
        for place, part in zip(places, parts, strict=True):
            result[place] = part
        return result

    return transposed, recording.aux
