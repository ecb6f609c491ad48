"""`check_grads`: the derivatives of a function against finite differences of it, order by order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import tree
from ..backends.numpy import backend
from ..forward import jvp
from ..linearize import linearize
from ..vjp import vjp
from .compare import GradientError, check_like, compare, largest, subscript, worst_index
from .differences import complex_step, extrapolated_derivative
from .leaves import is_single, random_like, widened

# A report looks for the worst element among this many; a larger input is named by its path alone.
_SEARCHED = 256


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
        coarse = any(map(is_single, [*self.leaves, *self.out_leaves]))
        self.rtol = rtol if rtol is not None else (1e-3 if coarse else 1e-6)
        self.atol = atol if atol is not None else (1e-4 if coarse else 1e-9)
        self.wide = [widened(leaf) for leaf in self.leaves]
        compare(
            self.out,
            function(*tree.map_leaves(backend.enter, args)),
            "the value under vjp differs from the function's own",
            1e-4 if coarse else 1e-9,
        )

    def run(self, rng: np.random.Generator) -> Any:
        """Check one random direction and cotangent, and return the latter."""
        cotangents = [random_like(leaf, rng) for leaf in self.out_leaves]
        others = [random_like(leaf, rng) for leaf in self.out_leaves]
        gradients = self.pulled(cotangents)
        self.check_linear(cotangents, others, gradients)
        along = [random_like(leaf, rng) for leaf in self.leaves]
        self.check_direction(cotangents, gradients, along)
        return tree.unflatten(self.out_structure, cotangents)

    def pulled(self, cotangents: list[Any]) -> list[Any]:
        """The gradient of every leaf, None for a constant one; checked to be like the leaf."""
        result = self.pull(tree.unflatten(self.out_structure, cotangents))
        gradients = self.structure.flatten_up_to(result)
        for place, (leaf, gradient) in enumerate(zip(self.leaves, gradients, strict=True)):
            check_like(gradient, leaf, self.path(place))
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
            size = 1.5 * largest(a) + largest(b)
            if not largest(got - expected) <= self.rtol * size + self.atol:
                index = worst_index(got - expected)
                raise GradientError(
                    f"order {self.depth}: the pullback is not linear in the cotangent: at "
                    f"{self.path(place)}{subscript(index)} got {np.asarray(got)[index]}, expected "
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
        expected, error = extrapolated_derivative(moved, self.step)
        noise = 1e3 * np.finfo(float).eps * size / self.step
        scale = max(terms, abs(expected))
        tolerance = self.rtol * scale + self.atol + noise
        if abs(got - expected) <= tolerance:
            exact = complex_step(moved)
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
                f"order {self.depth}: wrong gradient at {self.path(place)}{subscript(index)}: got "
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
            parts.append(extrapolated_derivative(self.along(cotangents, along)[0], self.step)[0])
        return complex(*parts) if len(parts) == 2 else parts[0]


def _real_dot(x: Any, y: Any) -> float:
    """Re<x, y>, in double precision."""
    return float(np.real(np.sum(np.conjugate(widened(x)) * y)))
