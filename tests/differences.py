"""Derivatives by differences, for tests to compare with: they only evaluate the function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Args = tuple[Any, ...]


def direction(args: Args, seed: int) -> Args:
    """A random tangent of `args`."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=np.shape(arg)) for arg in args)


def inner(a: Args, b: Args) -> Any:
    """The inner product of two tuples of arrays."""
    return sum(np.sum(x * y) for x, y in zip(a, b, strict=True))


def slope(f: Callable[..., Any], args: Args, along: Args, step: float = 1e-4) -> Any:
    """The derivative along a direction, by central differences of fourth order.

    `f` may write into what it gets.
    """

    def at(t: float) -> Any:
        return f(*(np.asarray(a + t * step * d) for a, d in zip(args, along, strict=True)))

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


def jacobian(f: Callable[[Any], Any], x: Any, step: float = 1e-6) -> Any:
    """The Jacobian of a function of one array by central differences, the axes of `x` last.

    `f` may write into what it gets.
    """
    units = np.eye(x.size).reshape(-1, *x.shape)
    columns = [(f(x + step * e) - f(x - step * e)) / (2 * step) for e in units]
    return np.stack(columns, axis=-1).reshape(*np.shape(columns[0]), *x.shape)


def close(got: Any, expected: Any, tolerance: float, what: str = "") -> None:
    """Raise unless the two agree, relative to the largest element or 1."""
    scale = 1 + np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale, err_msg=what)
