"""Checks of derivatives against what does not know about them: for users' functions and for ops.

The reference is the function itself: finite differences along random directions, extrapolated to
step zero, and the complex step where the function is analytic.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from . import tree
from .backends.numpy import backend
from .batch import vmap
from .errors import BatchingError, ConversionError, UnsupportedError
from .forward import jvp
from .linearize import linearize
from .vjp import vjp

__all__ = ["GradientError", "Sample", "check_batching", "check_grads", "check_op"]

# How often the step is halved: eight evaluations a direction, and an error of the eighth order.
_HALVINGS = 4
# A report looks for the worst element among this many; a larger input is named by its path alone.
_SEARCHED = 256


class GradientError(AssertionError):
    """A derivative, or a value under a transform, differs from what it is checked against."""


@dataclass(frozen=True)
class Sample:
    """One call that an op's derivative is checked on.

    Attributes:
        covers: The NumPy function(s) or ufunc(s) exercised: one, or a tuple of them.
        function: What is called, as `function(*args)`; every argument is differentiated.
        args: float64 arrays or numbers, away from kinks by at least 1e-3.
        label: What is special about the call, for the test's name.
        complex: Whether the op also takes complex arguments (they are made from `args`).
        float32: Whether it is also run in float32.
        order: The highest order of derivative to check.
        batched: Whether `vmap` takes the call; if not (a shape depends on values), it must raise.
    """

    covers: Any
    function: Callable[..., Any]
    args: tuple[Any, ...]
    label: str = ""
    complex: bool = False
    float32: bool = True
    order: int = 2
    batched: bool = True


def check_grads(
    function: Callable[..., Any],
    *args: Any,
    order: int = 2,
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
    directions: int = 2,
    step: float = 4e-4,
) -> None:
    """Check the derivatives of `function` at `args` against finite differences.

    For random directions v and cotangents c, the pullback's Re<pull(c), v> must equal the
    derivative of Re<c, function(args + t v)> at t = 0 (so complex values are checked in the
    adjoint convention), forward mode must agree, and the pullback must be linear. Then the
    pullback itself is checked in the same way, as a function of `args` and of c, up to `order`.

    Args:
        function: A function of arrays, or trees of arrays, that returns the same.
        *args: Where to check. Integer and boolean leaves are constants. float32 leaves are
            differentiated in float32 and compared with differences taken in float64.
        order: The highest order of derivative to check.
        rtol: Tolerance relative to the sum of the absolute terms of <pull(c), v>. The default is
            1e-6, and 1e-3 where float32 takes part.
        atol: Absolute tolerance. The default is 1e-9, and 1e-4 where float32 takes part.
        seed: Of the random directions.
        directions: How many of them.
        step: How far the differences reach: the function must be smooth that far around `args`.

    Raises:
        GradientError: If a derivative is wrong. The message says at which order, which input and
            element, what was got and what was expected.

    Example:
        >>> import numpy as np
        >>> from pullback.testing import check_grads
        >>> check_grads(lambda x, y: np.sin(x) * y, np.array([0.5, 1.0]), 2.0)
    """
    if order < 1:
        raise ValueError(f"check_grads: order must be at least 1, got {order}")
    rng = np.random.default_rng(seed)
    target: Callable[..., Any] = function
    names = [f"args[{place}]" for place in range(len(args))]
    for depth in range(1, order + 1):
        check = _Check(target, args, names, depth, rtol=rtol, atol=atol, step=step)
        if not any(map(backend.differentiable, check.out_leaves)):
            return  # nothing but constants came out
        cotangents = check.run(rng)
        for _ in range(directions - 1):
            check.run(rng)
        target = _pullback_of(target, len(args))
        names = [*names, "cotangents" + f"({depth})" * (depth > 1)]
        args = (*args, cotangents)


def _pullback_of(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The derivative of `function` as a function of its `count` arguments and its cotangents."""

    def derivative(*args: Any) -> Any:
        _, pull = vjp(function, *args[:count])
        return pull(args[count])

    return derivative


class _Check:
    """One order of derivative of one function at one place."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        names: list[str],
        depth: int,
        *,
        rtol: float | None,
        atol: float | None,
        step: float,
    ) -> None:
        self.function, self.depth, self.step = function, depth, step
        self.names = names
        self.leaves, self.structure = tree.flatten(args)
        self.out, self.pull = vjp(function, *args)
        self.out_leaves, self.out_structure = tree.flatten(self.out)
        coarse = any(map(_is_single, [*self.leaves, *self.out_leaves]))
        self.rtol = rtol if rtol is not None else (1e-3 if coarse else 1e-6)
        self.atol = atol if atol is not None else (1e-4 if coarse else 1e-9)
        self.wide = [_widened(leaf) for leaf in self.leaves]
        _compare(
            self.out,
            function(*tree.map_leaves(backend.enter, args)),
            "the value under vjp differs from the function's own",
            1e-4 if coarse else 1e-9,
        )

    def run(self, rng: np.random.Generator) -> Any:
        """Check one random direction and cotangent, and return the latter."""
        cotangents = [_random_like(leaf, rng) for leaf in self.out_leaves]
        others = [_random_like(leaf, rng) for leaf in self.out_leaves]
        gradients = self.pulled(cotangents)
        self.check_linear(cotangents, others, gradients)
        along = [_random_like(leaf, rng) for leaf in self.leaves]
        self.check_direction(cotangents, gradients, along)
        return tree.unflatten(self.out_structure, cotangents)

    def pulled(self, cotangents: list[Any]) -> list[Any]:
        """The gradient of every leaf, None for a constant one; checked to be like the leaf."""
        result = self.pull(tree.unflatten(self.out_structure, cotangents))
        gradients = self.structure.flatten_up_to(result)
        for place, (leaf, gradient) in enumerate(zip(self.leaves, gradients, strict=True)):
            _check_like(gradient, leaf, self.path(place))
        return gradients

    def path(self, place: int) -> str:
        """How the leaf number `place` is written: `args[0]['w']`."""
        path = tree.path_of(self.structure, place, "")
        number, _, rest = path[1:].partition("]")
        return self.names[int(number)] + rest

    def check_linear(self, first: list[Any], second: list[Any], of_first: list[Any]) -> None:
        mixed = [None if a is None else a * 1.5 - b for a, b in zip(first, second, strict=True)]
        of_second, of_mixed = self.pulled(second), self.pulled(mixed)
        for place, (a, b, got) in enumerate(zip(of_first, of_second, of_mixed, strict=True)):
            if got is None:
                continue
            expected = 1.5 * a - b
            size = 1.5 * _largest(a) + _largest(b)
            if not _largest(got - expected) <= self.rtol * size + self.atol:
                index = _worst(got - expected)
                raise GradientError(
                    f"order {self.depth}: the pullback is not linear in the cotangent: at "
                    f"{self.path(place)}{_written(index)} got {np.asarray(got)[index]}, expected "
                    f"{np.asarray(expected)[index]} for 1.5 c1 - c2"
                )

    def check_direction(
        self, cotangents: list[Any], gradients: list[Any], along: list[Any]
    ) -> None:
        pairs = [(g, v) for g, v in zip(gradients, along, strict=True) if g is not None]
        got = sum(_real_dot(g, v) for g, v in pairs)
        terms = sum(float(np.sum(np.abs(g) * np.abs(v))) for g, v in pairs)
        self.check_forward(cotangents, along, got, terms)
        moved, size = self.along(cotangents, along)
        expected, error = _extrapolated_derivative(moved, self.step)
        noise = 1e3 * np.finfo(float).eps * size / self.step
        scale = max(terms, abs(expected))
        tolerance = self.rtol * scale + self.atol + noise
        if abs(got - expected) <= tolerance:
            exact = _complex_step(moved)
            # Only a complex step that the differences confirm is a derivative: others are those
            # of functions that are not analytic.
            if exact is None or abs(exact - expected) > tolerance or self.rtol > 1e-6:
                return
            if abs(got - exact) <= 1e-3 * self.rtol * scale + self.atol:
                return
            expected, error = exact, 0.0
        self.report(cotangents, gradients, got, expected, error)

    def check_forward(
        self, cotangents: list[Any], along: list[Any], got: float, terms: float
    ) -> None:
        """Forward mode, and the tape read upwards, give the same number, up to rounding."""
        args = tree.unflatten(self.structure, self.leaves)
        directions = tree.unflatten(self.structure, along)
        ways = {
            "in forward mode": jvp(self.function, args, directions)[1],
            "by linearize": linearize(self.function, *args)[1](*directions),
        }
        exact = 1e-4 if self.rtol <= 1e-6 else 1e-3  # of the tolerance, which is for differences
        for way, moved in ways.items():
            tangents = self.out_structure.flatten_up_to(moved)
            pairs = zip(cotangents, tangents, strict=True)
            forward = sum(_real_dot(c, t) for c, t in pairs if t is not None)
            if not abs(forward - got) <= exact * (self.rtol * max(terms, abs(got)) + self.atol):
                raise GradientError(
                    f"order {self.depth}: the derivative along a random direction is {got} in "
                    f"reverse mode and {forward} {way} (off by {abs(forward - got):.3g})"
                )

    def along(self, cotangents: list[Any], along: list[Any]) -> tuple[Callable[..., Any], float]:
        """The real function t -> Re<cotangents, function(args + t along)>, and its size."""
        kept = [(place, c) for place, c in enumerate(cotangents) if c is not None]

        def moved(t: Any) -> Any:
            values = [x if v is None else x + t * v for x, v in zip(self.wide, along, strict=True)]
            out, _ = tree.flatten(self.function(*tree.unflatten(self.structure, values)))
            if isinstance(t, complex):
                return sum(np.sum(c * np.asarray(out[place])) for place, c in kept)
            return sum(_real_dot(c, out[place]) for place, c in kept)

        size = sum(float(np.sum(np.abs(c) * np.abs(self.out_leaves[p]))) for p, c in kept)
        return moved, size

    def report(
        self, cotangents: list[Any], gradients: list[Any], got: float, expected: float, error: float
    ) -> None:
        """Raise the error, with the element that is furthest off where it can be found."""
        message = (
            f"order {self.depth}: the derivative along a random direction is {got}, expected "
            f"{expected} (off by {abs(got - expected):.3g})"
        )
        worst = self.worst_element(cotangents, gradients)
        if worst is not None:
            place, index, got_there, expected_there = worst
            message = (
                f"order {self.depth}: wrong gradient at {self.path(place)}{_written(index)}: got "
                f"{got_there}, expected {expected_there} (off by "
                f"{abs(got_there - expected_there):.3g}); {message.partition(': ')[2]}"
            )
        if error > 1e-3 * max(abs(expected), 1e-3):
            message += (
                f". The finite differences are uncertain by {error:.3g} themselves: is the "
                f"function smooth within {self.step:g} of the arguments?"
            )
        raise GradientError(message)

    def worst_element(
        self, cotangents: list[Any], gradients: list[Any]
    ) -> tuple[int, tuple[int, ...], Any, Any] | None:
        worst, furthest = None, 0.0
        for place, index in self.elements(gradients):
            got = np.asarray(gradients[place])[index]
            expected = self.element_derivative(cotangents, place, index)
            off = abs(got - expected)
            if not off <= furthest:
                worst, furthest = (place, index, got, expected), off
        return worst

    def elements(self, gradients: list[Any]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The elements of all leaves that are differentiated, unless they are too many."""
        searched = [(place, g) for place, g in enumerate(gradients) if g is not None]
        if sum(np.size(g) for _, g in searched) <= _SEARCHED:
            for place, gradient in searched:
                for index in np.ndindex(np.shape(gradient)):
                    yield place, index

    def element_derivative(self, cotangents: list[Any], place: int, index: Any) -> Any:
        """The finite difference of one element, complex where the leaf is (adjoint convention)."""
        parts = []
        for unit in (1.0, 1j)[: 1 + (np.asarray(self.wide[place]).dtype.kind == "c")]:
            direction = np.zeros(np.shape(self.wide[place]), type(unit))
            direction[index] = unit
            along: list[Any] = [None] * len(self.leaves)
            along[place] = direction
            parts.append(_extrapolated_derivative(self.along(cotangents, along)[0], self.step)[0])
        return complex(*parts) if len(parts) == 2 else parts[0]


def _extrapolated_derivative(
    function: Callable[[float], float], step: float
) -> tuple[float, float]:
    """The derivative at zero of a function of one real number, and a bound on its error.

    Central differences for a step that is halved again and again are extrapolated to step zero,
    and the entry of that table that changes least is taken. Its error is far below the distance
    to the finest difference, unless the function is not smooth there.
    """
    steps = [step / 2**k for k in range(_HALVINGS)]
    column = [float(function(h) - function(-h)) / (2 * h) for h in steps]
    finest = best = column[-1]
    least = float("inf")
    factor = 4.0
    while len(column) > 1:
        finer = [(factor * b - a) / (factor - 1) for a, b in pairwise(column)]
        for k, value in enumerate(finer):
            change = max(abs(value - column[k]), abs(value - column[k + 1]))
            if change < least:
                best, least = value, change
        column, factor = finer, factor * 4
    return best, abs(best - finest)


def _complex_step(moved: Callable[[Any], Any]) -> float | None:
    """The derivative of `moved` at zero by a step in an imaginary direction, where it takes one."""
    tiny = 1e-30
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            value = complex(moved(complex(0, tiny)))
    except Exception:  # noqa: BLE001 (a function may refuse complex values in any way)
        return None
    return value.imag / tiny if np.isfinite(value) else None


def check_op(sample: Sample) -> None:
    """Check everything that is promised of an op, on one call of it.

    The value, dtype and shape are NumPy's own; derivatives are right up to the sample's order;
    arguments may lie in memory in any way and are never changed; float32 stays float32; complex
    arguments follow the adjoint convention; results share memory with nothing; `vmap` of the call
    and of its derivatives is what a loop gives (or refused, where the sample says so).

    Raises:
        GradientError: Where one of these does not hold.

    Example:
        >>> import numpy as np
        >>> from pullback.testing import Sample, check_op
        >>> check_op(Sample(np.sin, np.sin, (np.array([0.5, 1.0]),), complex=True))
    """
    function, args = sample.function, sample.args
    _check_call(function, args)
    check_grads(function, *args, order=sample.order)
    _check_layouts(function, args)
    check_batching(function, *args, batched=sample.batched)
    if sample.float32:
        _check_float32(function, args)
    if sample.complex:
        complex_args = tree.map_leaves(_complexified(np.random.default_rng(1)), args)
        _check_call(function, complex_args)
        check_grads(function, *complex_args, order=sample.order)
        check_batching(function, *complex_args, batched=sample.batched)


def check_batching(function: Callable[..., Any], *args: Any, batched: bool = True) -> None:
    """Check that `vmap` of `function`, and of its derivatives in both modes, is a loop's result.

    Each differentiable leaf of `args` is varied from example to example, alone and all together.

    Args:
        function: A function of arrays, or trees of arrays, that returns the same.
        *args: One example.
        batched: False if `function` cannot be batched: then it must raise `BatchingError`.

    Raises:
        GradientError: Where `vmap` and the loop differ.

    Example:
        >>> import numpy as np
        >>> from pullback.testing import check_batching
        >>> check_batching(lambda x, y: np.sin(x) @ y, np.ones((2, 3)), np.ones(3))
    """
    leaves, structure = tree.flatten(args)
    places = [i for i, leaf in enumerate(leaves) if backend.differentiable(leaf)]

    def of_leaves(*values: Any) -> Any:
        return function(*tree.unflatten(structure, values))

    for chosen in [*([place] for place in places), *([places] if len(places) > 1 else [])]:
        if not _is_followed(of_leaves, leaves, chosen):
            continue
        stacks = _examples(of_leaves, leaves, chosen)
        dims = tuple(0 if place in chosen else None for place in range(len(leaves)))
        if batched:
            _check_batched(of_leaves, stacks, dims)
            continue
        try:
            vmap(of_leaves, dims)(*stacks)
        except BatchingError:
            continue
        raise GradientError("vmap batched a call that is declared not to be batched")


def _is_followed(function: Callable[..., Any], leaves: list[Any], chosen: list[int]) -> bool:
    """Can `function` be called where only the leaves `chosen` are traced?

    NumPy hands a call on only for some of a function's arguments; for others it asks for a plain
    array, which a traced one refuses to become.
    """
    tangents = [leaf if place in chosen else None for place, leaf in enumerate(leaves)]
    try:
        jvp(function, tuple(leaves), tuple(tangents))
    except (ConversionError, UnsupportedError):
        return False
    return True


# How many examples a batch has: no other axis of a sample is as long.
_EXAMPLES = 7


def _examples(function: Callable[..., Any], leaves: list[Any], chosen: list[int]) -> list[Any]:
    """`leaves` with those `chosen` varied on a leading axis, and still arguments of `function`.

    Rolled along the last axis, they are in another order in every example; where that is no
    argument (a matrix that must be definite), they differ by a little.
    """
    rolled, moved = list(leaves), list(leaves)
    for place in chosen:
        leaf = np.asarray(leaves[place])
        turns = range(_EXAMPLES)
        rolled[place] = np.stack([np.roll(leaf, k, -1) if leaf.ndim else leaf for k in turns])
        moved[place] = np.stack([leaf * (1 + 1e-5 * k) for k in turns]).astype(leaf.dtype)
    try:
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            avals = [
                [
                    backend.aval(out)
                    for out in tree.flatten(function(*_example(rolled, chosen, i)))[0]
                ]
                for i in range(_EXAMPLES)
            ]
    except Exception:  # noqa: BLE001 (whatever a function raises for what is no argument of it)
        return moved
    return rolled if all(aval == avals[0] for aval in avals) else moved


def _example(stacks: list[Any], chosen: list[int], i: int) -> list[Any]:
    return [stack[i] if place in chosen else stack for place, stack in enumerate(stacks)]


def _check_batched(function: Callable[..., Any], stacks: list[Any], dims: tuple[Any, ...]) -> None:
    out = _compare_with_loop(function, stacks, dims, "vmap")
    if not any(map(backend.differentiable, tree.flatten(out)[0])):
        return

    def pulled(cotangents: Any, *values: Any) -> Any:
        return vjp(function, *values)[1](cotangents)

    def pushed(tangents: Any, *values: Any) -> Any:
        return jvp(function, values, tangents)[1]

    tangents = tuple(
        None if dim is None else _random_tree(stack, 6)
        for stack, dim in zip(stacks, dims, strict=True)
    )
    _compare_with_loop(pulled, [_random_tree(out, 5), *stacks], (0, *dims), "vmap of vjp")
    _compare_with_loop(pushed, [tangents, *stacks], (0, *dims), "vmap of jvp")


def _compare_with_loop(
    function: Callable[..., Any], stacks: list[Any], dims: tuple[Any, ...], what: str
) -> Any:
    """The batched result, which is compared with the loop's."""

    def example(i: int) -> list[Any]:
        return [
            stack if dim is None else tree.map_leaves(lambda leaf: leaf[i], stack)
            for stack, dim in zip(stacks, dims, strict=True)
        ]

    rows = [function(*example(i)) for i in range(_EXAMPLES)]
    flat = [tree.flatten(row)[0] for row in rows]
    _, structure = tree.flatten(rows[0])
    stacked = [np.stack(column) for column in zip(*flat, strict=True)]
    expected = tree.unflatten(structure, stacked)
    got = vmap(function, dims)(*stacks)
    _compare(got, expected, f"{what} differs from the loop", 1e-8)
    return got


def _check_call(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """One call: NumPy's own result, nothing changed, nothing shared, and the same every time."""
    args = tree.map_leaves(_read_only, args)
    before = tree.map_leaves(np.array, args)
    out, pull = vjp(function, *args)
    _compare(out, function(*args), "the value under vjp differs from NumPy's", 1e-12)
    cotangents = _random_tree(out, 2)
    first = pull(cotangents)
    kept = tree.map_leaves(np.array, first)
    held = [*_arrays(args), *_arrays(cotangents)]
    returned = [*_arrays(out), *_arrays(first)]
    for place, array in enumerate(returned):
        if not array.flags.writeable:
            raise GradientError("a returned array is read-only")
        for other in [*held, *returned[:place]]:
            if np.shares_memory(array, other):
                raise GradientError("a returned array shares memory with another array")
    for array in returned:
        array[...] = 1 if array.dtype.kind == "b" else 77
    second = pull(cotangents)
    _compare(second, kept, "the pullback gives something else after its results were changed", 0.0)
    _compare(args, before, "an argument was modified", 0.0)


def _check_layouts(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """The same numbers in another memory layout have the same derivatives.

    Functions whose value itself follows the layout (`np.ravel(x, order="K")`) are passed over.
    """
    out, pull = vjp(function, *args)
    cotangents = _random_tree(out, 3)
    expected = pull(cotangents)
    for layout in (_strided, _reversed, _fortran):
        other_args = tree.map_leaves(layout, args)
        pairs = zip(tree.flatten(function(*other_args))[0], tree.flatten(out)[0], strict=True)
        if not all(_close(a, b, 1e-12) for a, b in pairs):
            continue
        other_out, other_pull = vjp(function, *other_args)
        what = f"for {layout.__name__.strip('_')} arguments"
        _compare(other_out, out, f"another value {what}", 1e-12)
        got = other_pull(tree.map_leaves(layout, cotangents))
        _compare(got, expected, f"another gradient {what}", 1e-11)


def _check_float32(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """float32 arguments: NumPy's own dtypes, float32 gradients, close to the float64 ones."""
    single = tree.map_leaves(_narrowed, args)
    out, pull = vjp(function, *single)
    _compare(out, function(*single), "the value under vjp differs from NumPy's in float32", 1e-6)
    wide_out, wide_pull = vjp(function, *tree.map_leaves(_widened, single))
    cotangents = _random_tree(wide_out, 4)
    got = pull(cotangents)
    for gradient, leaf in zip(tree.flatten(got)[0], tree.flatten(single)[0], strict=True):
        _check_like(gradient, leaf, "a float32 argument")
    wide = tree.map_leaves(_widened, got)
    _compare(wide, wide_pull(cotangents), "the gradient in float32 is another", 2e-3)


def _compare(got: Any, expected: Any, what: str, rtol: float) -> None:
    """Raise unless two trees agree in structure, shapes, dtypes and (to `rtol`) values."""
    got_leaves, got_structure = tree.flatten(got)
    expected_leaves, structure = tree.flatten(expected)
    if got_structure != structure:
        raise GradientError(f"{what}: got the structure {got_structure}, expected {structure}")
    for place, (a, b) in enumerate(zip(got_leaves, expected_leaves, strict=True)):
        path = tree.path_of(structure, place, "")
        where = f"{what}: " + (f"at {path}, " if path else "")
        _check_aval(a, b, where)
        if not _close(a, b, rtol):
            a, b = np.asarray(a), np.asarray(b)  # noqa: PLW2901
            index = _worst(np.subtract(a, b, dtype=complex))
            raise GradientError(f"{where}element {index}: got {a[index]!r}, expected {b[index]!r}")


def _close(a: Any, b: Any, rtol: float) -> bool:
    return np.allclose(a, b, rtol=rtol, atol=rtol * _largest(b), equal_nan=True)


def _check_aval(got: Any, expected: Any, where: str) -> None:
    if np.shape(got) != np.shape(expected):
        raise GradientError(f"{where}got shape {np.shape(got)}, expected {np.shape(expected)}")
    got_dtype, dtype = np.asarray(got).dtype, np.asarray(expected).dtype
    if got_dtype != dtype:
        raise GradientError(f"{where}got dtype {got_dtype}, expected {dtype}")


def _check_like(gradient: Any, leaf: Any, path: str) -> None:
    """A gradient has the shape and dtype of its leaf, or is None for a constant."""
    if backend.differentiable(leaf):
        if gradient is None:
            raise GradientError(f"the gradient with respect to {path} is None")
        _check_aval(gradient, leaf, f"the gradient with respect to {path}: ")
    elif gradient is not None:
        raise GradientError(f"{path} is a constant, but has a gradient")


def _real_dot(x: Any, y: Any) -> float:
    """Re<x, y>, in double precision."""
    return float(np.real(np.sum(np.conjugate(_widened(x)) * y)))


def _random_like(leaf: Any, rng: np.random.Generator) -> Any:
    """Numbers in [-1, 1] in the shape and dtype of `leaf`; None where it has no derivative."""
    if not backend.differentiable(leaf):
        return None
    dtype = np.asarray(leaf).dtype
    value = rng.uniform(-1, 1, np.shape(leaf))
    if dtype.kind == "c":
        value = value + 1j * rng.uniform(-1, 1, np.shape(leaf))
    return np.asarray(value, dtype)[()]


def _random_tree(like: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return tree.map_leaves(lambda leaf: _random_like(leaf, rng), like)


def _complexified(rng: np.random.Generator) -> Callable[[Any], Any]:
    """Adds an imaginary part between 0.1 and 0.5, so that no branch cut is near."""

    def add_imaginary_part(leaf: Any) -> Any:
        if not backend.differentiable(leaf):
            return leaf
        sign = rng.choice([-1, 1], np.shape(leaf))
        return leaf + 1j * sign * rng.uniform(0.1, 0.5, np.shape(leaf))

    return add_imaginary_part


def _is_single(leaf: Any) -> bool:
    return getattr(leaf, "dtype", None) in (np.float16, np.float32, np.complex64)


def _widened(leaf: Any) -> Any:
    """`leaf` in double precision."""
    if not _is_single(leaf):
        return leaf
    return leaf.astype(np.complex128 if leaf.dtype.kind == "c" else np.float64)


def _narrowed(leaf: Any) -> Any:
    """A float64 array or a Python float in float32."""
    return np.asarray(leaf, np.float32)[()] if np.asarray(leaf).dtype == np.float64 else leaf


def _arrays(tree_of_arrays: Any) -> list[np.ndarray]:
    return [leaf for leaf in tree.flatten(tree_of_arrays)[0] if type(leaf) is np.ndarray]


def _read_only(leaf: Any) -> Any:
    if type(leaf) is not np.ndarray:
        return leaf
    leaf = leaf.copy()
    leaf.flags.writeable = False
    return leaf


def _strided(leaf: Any) -> Any:
    if np.ndim(leaf) == 0:
        return leaf
    spread = np.repeat(leaf, 2, axis=-1)
    return spread[..., ::2]


def _reversed(leaf: Any) -> Any:
    return leaf if np.ndim(leaf) == 0 else np.array(leaf[::-1])[::-1]


def _fortran(leaf: Any) -> Any:
    return leaf if np.ndim(leaf) == 0 else np.asfortranarray(leaf)


def _largest(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0.0))


def _worst(difference: Any) -> tuple[int, ...]:
    sizes = np.abs(np.asarray(difference))
    return tuple(int(i) for i in np.unravel_index(np.argmax(sizes), sizes.shape))


def _written(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""
