"""Functions with derivative rules of the user's own: `custom_vjp` and `custom_jvp`.

One rule is enough.  A backward pass is linear in the cotangents and a pushforward in the tangents,
so each is the other's transpose; what is recorded of one, walked back, is the other.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, Self

import numpy as np

from . import border, tree
from .backends import backend_of
from .calls import Batched, Call, Packing, any_traced, pack, separate
from .core import bind
from .errors import UnsupportedError
from .vjp import Recording

Argnums = int | tuple[int, ...]


class CustomFunction:
    """A function whose derivative is what its rules say; see `custom_vjp` and `custom_jvp`."""

    def __init__(
        self, function: Callable[..., Any], transform: str, nondiff_argnums: Argnums
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = getattr(function, "__qualname__", None) or repr(function)
        self.title = f"pullback.{transform}: {self.name}"
        self.nondiff = nondiff_argnums if isinstance(nondiff_argnums, tuple) else (nondiff_argnums,)
        if not all(type(place) is int and place >= 0 for place in self.nondiff):
            raise TypeError(
                f"{self.title}: nondiff_argnums must be positions (0 or more), got "
                f"{nondiff_argnums!r}"
            )
        self.signature = _signature_of(function)
        self.forward: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None
        self.rule: Callable[..., Any] | None = None

    def def_vjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> Self:
        """Give the function a rule for reverse mode.

        Args:
            forward: Takes the function's own arguments and returns `(output, residuals)`:
                residuals are any object.
            backward: Takes `(residuals, cotangents)`, the latter a tree like the output with an
                array for each leaf (None for leaves that are no floating-point numbers), and
                returns a tuple with one entry for each differentiable argument: a tree like the
                argument, or None for zero. It must be linear in the cotangents.

        Returns:
            The function itself.
        """
        _check_callable(self.title, forward=forward, backward=backward)
        self.forward, self.backward = forward, backward
        return self

    def def_jvp(self, rule: Callable[..., Any]) -> Self:
        """Give the function a rule for forward mode.

        Args:
            rule: Takes `(primals, tangents)`, two tuples with one entry for each positional
                argument (the tangent of an argument in `nondiff_argnums`, and of a leaf that is no
                floating-point number, is None), and returns `(output, tangent)`. The tangent is a
                tree like the output, None for zero, and linear in the tangents.

        Returns:
            The function itself.
        """
        _check_callable(self.title, rule=rule)
        self.rule = rule
        return self

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value; under a transform, with its rule."""
        if self.forward is None and self.rule is None:
            raise TypeError(
                f"{self.title} has no rule yet: give it one with def_vjp(forward, backward) or "
                "def_jvp(rule)"
            )
        args, keywords = self._bound(args, kwargs)
        places = [place for place in range(len(args)) if place not in self.nondiff]
        self._check_constants(args, keywords)
        values, inputs = pack(tuple(args[place] for place in places))
        call = CustomCall(self, args, keywords, places, inputs)
        outs: Any = None
        if any_traced(values):
            outs = bind(call, values, {})
        elif run := backend_of(values).call_with_rule:
            outs = run(call, values, forwards=self.backward is None)
        if outs is None:
            return self.function(*call.arguments(values), **keywords)
        return call.outputs.unpack(outs)

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call's arguments by position where they have one, defaults filled in."""
        if self.signature is None:
            return args, kwargs
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def _check_constants(self, args: Sequence[Any], keywords: dict[str, Any]) -> None:
        constants = [(self.argument(p), args[p], True) for p in self.nondiff if p < len(args)]
        constants += [(repr(name), value, False) for name, value in keywords.items()]
        for name, value, listed in constants:
            if any_traced(tree.flatten(value)[0]):
                why = "is in nondiff_argnums" if listed else "can only be passed by keyword"
                raise UnsupportedError(
                    f"{self.title}: the argument {name} {why}, so its derivative would be lost, "
                    "but the value it got is traced. Make it a positional argument that the rule "
                    "knows of, or pass pullback.stop_gradient(value)."
                )

    def argument(self, place: int) -> str:
        """How a message calls the argument at `place`."""
        names = list(self.signature.parameters) if self.signature else []
        return repr(names[place]) if place < len(names) else f"number {place}"

    def __repr__(self) -> str:
        return f"<{self.title}>"


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    if isinstance(function, np.ufunc):  # newer NumPys list the options of ufuncs, none of them ours
        return None
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # a builtin
        return None


def _check_callable(title: str, **rules: Any) -> None:
    for name, rule in rules.items():
        if not callable(rule):
            raise TypeError(f"{title}: {name} must be a function, got {type(rule).__name__}")


class CustomCall(Call):
    """One call of a function with its own rules."""

    __slots__ = ("args", "custom", "inputs", "keywords", "outputs", "places")

    def __init__(
        self,
        custom: CustomFunction,
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
            got = (
                f"a tuple of {len(result)}"
                if isinstance(result, tuple)
                else result.__class__.__name__
            )
            names = ", ".join(map(self.custom.argument, self.places))
            raise TypeError(
                f"{self.title}: backward must return a tuple with one entry for each "
                f"differentiable argument ({names}), got {got}"
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
            got = (
                f"a tuple of {len(result)}"
                if isinstance(result, tuple)
                else result.__class__.__name__
            )
            raise TypeError(f"{self.title}: {what} must return a pair {expected}, got {got}")
        return result


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


def custom_vjp(func: Callable[..., Any] | None = None, *, nondiff_argnums: Argnums = ()) -> Any:
    """A function whose derivative is a rule for reverse mode: `func.def_vjp(forward, backward)`.

    Forward mode is read off the same rule, unless `func.def_jvp` gives one. Derivatives of higher
    order are those of the rule itself, which then sees the outer transform's traced arrays: call
    NumPy's functions and `func` in it. The rule gets copies of the arguments.

    Args:
        func: A function of trees. Its positional arguments are differentiable, defaults included;
            arguments that can only be passed by keyword are constants.
        nondiff_argnums: Positions of the arguments that are constants too. They may be any object.

    Returns:
        The function, with the methods `def_vjp` and `def_jvp`; or a decorator without `func`.

    Raises:
        TypeError: If the function has no rule yet, or a rule returns no pair or tuple as described.
        ValueError: If what a rule returns has another structure or shape than it must have.
        UnsupportedError: If a constant argument is traced, or the function captured a traced value
            whose derivative the rule would lose.

    Example:
        >>> import numpy as np, pullback
        >>> @pullback.custom_vjp
        ... def log1pexp(x):
        ...     return np.logaddexp(0.0, x)
        >>> def forward(x):
        ...     return log1pexp(x), x
        >>> def backward(x, cotangent):
        ...     return (cotangent / (1 + np.exp(-x)),)
        >>> _ = log1pexp.def_vjp(forward, backward)
        >>> float(pullback.grad(log1pexp)(0.0))
        0.5
    """
    return _declared(func, "custom_vjp", nondiff_argnums)


def custom_jvp(func: Callable[..., Any] | None = None, *, nondiff_argnums: Argnums = ()) -> Any:
    """A function whose derivative is a rule for forward mode: `func.def_jvp(rule)`.

    Reverse mode is read off the same rule, unless `func.def_vjp` gives one. All else is as with
    `custom_vjp`.

    Args:
        func: A function of trees.
        nondiff_argnums: Positions of the arguments that are constants.

    Returns:
        The function, with the methods `def_jvp` and `def_vjp`; or a decorator without `func`.

    Raises:
        TypeError, ValueError, UnsupportedError: As `custom_vjp`.

    Example:
        >>> import numpy as np, pullback
        >>> @pullback.custom_jvp
        ... def cube(x):
        ...     return x * x * x
        >>> _ = cube.def_jvp(lambda primals, tangents: (
        ...     cube(primals[0]), 3.0 * primals[0] ** 2 * tangents[0]))
        >>> float(pullback.grad(cube)(2.0))
        12.0
    """
    return _declared(func, "custom_jvp", nondiff_argnums)


def _declared(func: Any, transform: str, nondiff_argnums: Argnums) -> Any:
    if func is None:
        return lambda func: CustomFunction(func, transform, nondiff_argnums)
    if not callable(func):
        raise TypeError(f"pullback.{transform}: func must be a function, got {type(func).__name__}")
    return CustomFunction(func, transform, nondiff_argnums)
