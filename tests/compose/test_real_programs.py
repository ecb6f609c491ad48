"""Programs in the plainest NumPy style, none of them edited: right at first and second order.

Each module of `tests/programs` has a `loss`, which may write into its arguments, and `arguments`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb
from tests.differences import Args, close, direction, inner, slope

FOLDER = Path(__file__).parent.parent / "programs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def program(name: str) -> tuple[Callable[..., Any], Args]:
    """A program and its arguments."""
    module = importlib.import_module(f"tests.programs.{name}")
    return module.loss, module.arguments(4, np.random.default_rng(0))


@pytest.mark.parametrize("name", NAMES)
def test_first_derivatives(name: str) -> None:
    """vjp, grad and jvp; the value is NumPy's; the arguments stay; pulls can be repeated."""
    f, args = program(name)
    before = tuple(np.copy(arg) for arg in args)
    t = direction(args, 1)
    expected = slope(f, args, t)
    args = tuple(a + 0.0 for a in before)  # `f` may have written into them
    value, pull = pb.vjp(f, *args)
    gradient = pull(1.0)
    close(inner(gradient, t), expected, 1e-6)
    close(pb.jvp(f, args, t)[1], expected, 1e-6)
    for again in (pull(1.0), pb.grad(f, tuple(range(len(args))))(*args)):
        assert all(map(np.array_equal, gradient, again))
    assert all(map(np.array_equal, args, before))
    assert value == f(*args)


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives(name: str) -> None:
    """The gradient's own derivative, by both modes over reverse and by reverse over forward."""
    f, args = program(name)
    everything = tuple(range(len(args)))
    s, t = direction(args, 2), direction(args, 3)

    def directional(*args: Any) -> Any:
        return inner(pb.grad(f, everything)(*args), t)

    expected = slope(directional, args, s)
    close(inner(pb.grad(directional, everything)(*args), s), expected, 1e-5)
    close(pb.jvp(directional, args, s)[1], expected, 1e-5)
    swapped = pb.grad(lambda *args: pb.jvp(f, args, t)[1], everything)(*args)
    close(inner(swapped, s), expected, 1e-5)
