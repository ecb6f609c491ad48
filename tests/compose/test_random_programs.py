"""Random programs that write in place have NumPy's values and the right derivatives."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import pullback as pb
from tests.compose.random_programs import SHAPES, Program, grow
from tests.differences import Args, close, direction, inner, slope

STEP = 1e-5
PROGRAMS = 250  # for each shape

recipes = st.lists(st.binary(max_size=24), min_size=1, max_size=12)


def check(program: Program) -> None:
    """Value, gradient, tangent and second derivatives of a program."""
    f, args = program.function(), program.start
    t, s = direction(args, 1), direction(args, 2)
    before = tuple(map(np.copy, args))
    value, pull = pb.vjp(f, *args)
    assert value == f(*before), "value"
    gradient = pull(1.0)
    before = tuple(map(np.copy, args))
    for unit in units(args):
        close(inner(gradient, unit), slope(f, args, unit, STEP), 1e-7, "gradient")
    for scale in (1.0, -2.0):
        for again, once in zip(pull(scale), gradient, strict=True):
            close(again, scale * once, 1e-12, "pulled again")
    close(pb.jvp(f, args, t)[1], inner(gradient, t), 1e-10, "jvp")

    def directional(x: Any, w: Any) -> Any:
        return inner(pb.grad(f, (0, 1))(x, w), t)

    expected = slope(directional, args, s, STEP)
    second = pb.grad(directional, (0, 1))(*args)
    close(inner(second, s), expected, 1e-6, "grad of grad")
    close(pb.jvp(directional, args, s)[1], expected, 1e-6, "jvp of grad")
    swapped = pb.grad(lambda x, w: pb.jvp(f, (x, w), t)[1], (0, 1))(*args)
    close(inner(swapped, s), expected, 1e-6, "grad of jvp")
    check_captured(f, args, t, s)
    assert all(map(np.array_equal, args, before)), "arguments"
    assert all(map(np.array_equal, pull(1.0), gradient)), "pulled after all"


def check_captured(f: Callable[..., Any], args: Args, t: Args, s: Args) -> None:
    """An inner transform writes into an array of an outer one, which it captured."""
    (x, w), (tx, _), (_, sw) = args, t, s

    def by_grad(w: Any) -> Any:
        w = w * 1.0
        return np.sum(pb.grad(lambda x: f(x, w))(x) * tx)

    def by_jvp(w: Any) -> Any:
        w = w * 1.0
        return pb.jvp(lambda x: f(x, w), (x,), (tx,))[1]

    # Without an outer transform, `w` is an argument: an inner one cannot write what it captured.
    def apart(w: Any) -> Any:
        return np.sum(pb.grad(f, (0, 1))(x, w)[0] * tx)

    expected = slope(apart, (w,), (sw,), STEP)
    # The inner walk back may meet what only the outer transform could restore: an error it is.
    with contextlib.suppress(pb.StaleValueError):
        close(np.sum(pb.grad(by_grad)(w) * sw), expected, 1e-6, "grad of grad, captured")
    with contextlib.suppress(pb.StaleValueError):
        close(pb.jvp(by_grad, (w,), (sw,))[1], expected, 1e-6, "jvp of grad, captured")
    close(np.sum(pb.grad(by_jvp)(w) * sw), expected, 1e-6, "grad of jvp, captured")
    close(pb.jvp(by_jvp, (w,), (sw,))[1], expected, 1e-6, "jvp of jvp, captured")


def units(args: Args) -> Iterator[Args]:
    """A tangent for each element."""
    for place, arg in enumerate(args):
        for unit in np.eye(arg.size):
            zeros = [np.zeros(other.shape) for other in args]
            zeros[place] = unit.reshape(arg.shape)
            yield tuple(zeros)


@pytest.mark.property
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@settings(max_examples=max(PROGRAMS, settings.default.max_examples))
@given(data=st.data())
def test_a_random_program(shape: tuple[int, ...], data: st.DataObject) -> None:
    """As the note of a failure shows its source."""
    program = grow(shape, data.draw(recipes))
    note(program.source)
    check(program)
