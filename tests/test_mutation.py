"""In-place writes keep NumPy's meaning and have the right derivative, in every nesting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback import reverse
from tests.differences import jacobian as difference
from tests.threads import at_once

rng = np.random.default_rng(3)


def overlapping_views(x: Any) -> Any:
    y = x * 1.0
    y[1:3] = x[0:2] * x[2:4]
    z = y * y
    y[0] += z[2]
    v = y[::-1]
    v[0] *= 2.0
    w = y * v
    v[1:] = w[1:] * y[:-1]
    return (w * y * v).sum() + z.sum()


def recurrence(x: Any) -> Any:
    x = x * 1.0
    for i in range(1, 5):
        x[i] += np.sin(x[i - 1]) * x[i]
    return (x**2).sum()


def transposes_masks_and_repeats(x: Any) -> Any:
    y = x.reshape(1, 5) * np.ones((3, 1))
    r = y.reshape(-1)
    t = y.T
    t[2, :] *= t[1, :]
    r[3:9] += r[0:6] * 1.5
    y[[0, 1, 1], [2, 3, 3]] = x[:3]
    y[y > 1.0] *= 0.5
    return (np.sin(y) * t.T * r.reshape(3, 5)).sum()


def the_argument_itself(x: Any) -> Any:
    x += x**2
    x[1] = 3.0
    return (x * x).sum()


PROGRAMS = [overlapping_views, recurrence, transposes_masks_and_repeats, the_argument_itself]


@pytest.mark.parametrize("f", PROGRAMS)
def test_first_derivatives_and_repeated_pulls(f: Callable[[Any], Any]) -> None:
    """Every mode agrees with differences; pulls can be repeated; the caller's array stays."""
    x, t = rng.normal(size=5), rng.normal(size=5)
    before = x.copy()
    expected = difference(f, x)
    assert np.allclose(pb.grad(f)(x), expected, rtol=1e-6, atol=1e-8)
    _, pull = pb.vjp(f, x)
    assert np.array_equal(pull(1.0)[0], pull(1.0)[0])
    assert np.allclose(pull(2.0)[0], 2 * expected, rtol=1e-6, atol=1e-8)
    assert np.allclose(pb.jvp(f, (x,), (t,))[1], expected @ t, rtol=1e-6, atol=1e-8)
    assert np.array_equal(x, before)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("f", PROGRAMS)
def test_second_derivatives_in_every_nesting(
    f: Callable[[Any], Any], *, in_place: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reverse and forward mode over each other agree with differences."""
    # However small, cotangents that another transform follows are added to in place.
    monkeypatch.setattr(reverse, "_SMALL", 0 if in_place else 1 << 13)
    x, t = rng.normal(size=5), rng.normal(size=5)

    def directional(x: Any) -> Any:
        return (pb.grad(f)(x) * t).sum()

    expected = difference(directional, x)
    close = {"rtol": 1e-5, "atol": 1e-7}
    assert np.allclose(pb.grad(directional)(x), expected, **close)
    assert np.allclose(pb.jvp(pb.grad(f), (x,), (t,))[1], expected, **close)
    assert np.allclose(pb.grad(lambda x: pb.jvp(f, (x,), (t,))[1])(x), expected, **close)


def test_an_inner_value_written_into_an_outer_array() -> None:
    """A write of a value that an inner transform follows makes the outer array one of its own."""

    def f(x: Any) -> Any:
        def inner(y: Any) -> Any:
            buffer = x * 2.0
            buffer[1] = y * x[0]
            return (buffer**2).sum()

        return pb.grad(inner)(x[2])

    x = rng.normal(size=3)
    assert np.allclose(pb.grad(f)(x), [4 * x[2] * x[0], 0, 2 * x[0] ** 2])


def test_an_outer_array_that_is_written_later_is_seen_as_it_was() -> None:
    """The inner pullback needs the outer array as it was, the outer transform as it is now."""

    def f(x: Any) -> Any:
        w = x * 1.0
        _, pull = pb.vjp(lambda y: y * w, x)
        _, push = pb.linearize(lambda y: y * w, x)
        w[0] = 5.0 * x[1]
        (there,) = pull(np.ones(2))
        return np.stack([there, push(np.ones(2)), push(np.ones(2)), w])

    x = np.array([1.0, 2.0])
    assert f(x).tolist() == [[1.0, 2.0]] * 3 + [[10.0, 2.0]]
    expected = [*[np.eye(2)] * 3, [[0.0, 5.0], [0.0, 1.0]]]
    for jacobian in (pb.jacrev, pb.jacfwd, pb.jacobian):
        np.testing.assert_array_equal(jacobian(f)(x), expected)
    np.testing.assert_array_equal(pb.vmap(f)(np.stack([x, 2 * x]))[1], f(2 * x))


def of_state_and_weights(w: Any, x: Any) -> Any:
    """A simulation whose state, in a buffer, starts from `x` alone, and is read before writes."""
    state = x * 1.0
    total = 0.0
    for _ in range(3):
        total = total + np.sum(w * state * state)
        state[1:] += 0.1 * state[:-1] * x[0]
    return total


def without_a_buffer(w: Any, x: Any) -> Any:
    a, b, c = x
    total = 0.0
    for _ in range(3):
        total = total + w[0] * a * a + w[1] * b * b + w[2] * c * c
        b, c = b + 0.1 * a * x[0], c + 0.1 * b * x[0]
    return total


@pytest.mark.parametrize("inner", [pb.grad, pb.jacrev, pb.jacfwd], ids=lambda d: d.__name__)
@pytest.mark.parametrize("outer", [pb.jacrev, pb.jacfwd, pb.hessian], ids=lambda d: d.__name__)
def test_mixed_derivatives_of_a_program_that_writes_what_only_one_argument_moves(
    outer: Any, inner: Any
) -> None:
    w, x = np.array([0.3, -1.1, 0.7]), np.array([0.4, -0.7, 1.3])
    got = outer(inner(of_state_and_weights), 1)(w, x)
    np.testing.assert_allclose(got, outer(inner(without_a_buffer), 1)(w, x), rtol=1e-12)


def test_per_sample_gradients_of_a_program_that_writes_what_only_the_sample_moves() -> None:
    w, xs = np.array([0.3, -1.1, 0.7]), np.array([[0.4, -0.7, 1.3], [1.0, 2.0, 3.0]])
    got = pb.vmap(pb.grad(of_state_and_weights), (None, 0))(w, xs)
    expected = [pb.grad(without_a_buffer)(w, x) for x in xs]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("size", [3, 20000])
def test_a_buffer_written_between_two_pushforwards(size: int) -> None:
    """Each undoes the write and does it again: small arrays are saved otherwise than large ones."""

    def f(x: Any) -> Any:
        buffer = np.zeros(size)
        buffer[0] = 3.0
        _, push = pb.linearize(lambda y: y * buffer, np.ones(size))
        buffer[0] = 5.0
        first, second = push(np.ones(size)), push(np.ones(size))
        return x * first[0], x * second[0], x * buffer[0]

    value, pull = pb.vjp(f, 2.0)
    assert value == (6.0, 6.0, 10.0)
    assert pull((1.0, 10.0, 100.0)) == (533.0,)


def test_a_captured_array_that_the_tape_saved_before_and_after_a_write() -> None:
    """Each is seen as it was when the tape saved it."""

    def f(w: Any) -> Any:
        w = w * 1.0

        def inner(x: Any) -> Any:
            total = np.sum(x * w)
            w[0] *= 2.0
            return total + np.sum(x * w)

        return pb.grad(inner)(np.ones(2)).sum()

    assert np.allclose(pb.grad(f)(np.array([1.0, 2.0])), [3.0, 2.0])


def test_a_captured_array_that_the_inner_transform_writes_with_its_own_view() -> None:
    """What the inner transform lifts is still followed by the outer one as it was."""

    def f(w: Any) -> Any:
        w = w * 1.0

        def inner(x: Any) -> Any:
            w[...] /= 3.0 + x * w[-1:]
            return np.sum(w)

        return pb.grad(inner)(np.ones(2)).sum()

    assert np.allclose(pb.grad(f)(np.array([1.0, 2.0])), [-0.08, -0.104])


def test_numpy_scalars_are_rebound_not_written() -> None:
    """As in NumPy, `s += 1` on an element gives the name a new value."""

    def f(x: Any) -> Any:
        s = x[0]
        s += 1.0
        return s * x[0]

    assert np.allclose(pb.grad(f)(np.array([3.0])), [7.0])


def in_place(x: Any) -> Any:
    x = x * 1
    y = x * x
    x[0] = x[1] * x[2]
    return y + x * x


def test_a_pullback_of_writes_is_differentiable_in_its_cotangent() -> None:
    """What an outer transform saves of the inner buffers survives the undoing of writes."""
    x = np.array([1.0, 2.0, 3.0])
    _, pull = pb.vjp(in_place, x)
    jacobian = np.stack([pull(e)[0] for e in np.eye(3)])
    got = pb.grad(lambda c: (pull(c)[0] ** 2).sum())(np.ones(3))
    assert np.allclose(got, 2 * jacobian @ jacobian.T @ np.ones(3))


def test_repeated_pulls_keep_no_record_of_each_other() -> None:
    """Undoing and redoing is not itself recorded."""
    _, pull = pb.vjp(in_place, np.array([1.0, 2.0, 3.0]))
    writes = pull._recording.trace.writes
    before = len(writes)
    for _ in range(3):
        pull(np.ones(3))
    assert len(writes) == before == 1


def test_a_view_taken_under_no_grad_sees_writes_and_takes_none() -> None:
    """It is a constant, but not a copy; writing into it could not be followed."""

    def f(x: Any) -> Any:
        y = x * x
        with pb.no_grad():
            v = y[1:]
        y[1] = 3.0
        return (y * np.concatenate([y[:1], v])).sum()

    x = np.array([1.0, 2.0, 3.0])
    assert np.allclose(pb.grad(f)(x), [4 * x[0] ** 3, 0, x[2] ** 2 * 2 * x[2]])

    def g(x: Any) -> Any:
        y = x * x
        with pb.no_grad():
            y[1:][0] = 3.0
        return y.sum()

    with pytest.raises(ValueError, match="read-only"):
        pb.grad(g)(x)


def test_strict_sees_a_value_that_was_written() -> None:
    """A written value matters as much as the array that it was written into."""

    def f(x: Any, y: Any) -> Any:
        x[0] = y
        return x.sum()

    gx, gy = pb.grad(f, (0, 1), strict=True)(np.array([1.0, 2.0]), 1.0)
    assert gx.tolist() == [0.0, 1.0]
    assert gy == 1.0


def test_arrays_without_axes_are_written() -> None:
    """A 0-d array is an array: it can be written into, in every mode."""

    def f(x: Any) -> Any:
        x[()] = x * 3
        x *= x
        return x * 1.0

    x = np.array(2.0)
    assert pb.grad(f)(x) == 36.0
    assert pb.jvp(f, (x,), (1.0,))[1] == 36.0


def test_arrays_without_axes_are_written_in_every_nesting() -> None:
    """Copies of 0-d arrays, and of their cotangents, are arrays too."""

    def f(x: Any) -> Any:
        y = np.copy(x)
        y[...] = np.sin(y) * x
        return y * x

    x = np.array(0.7)
    expected = 4 * x * np.cos(x) + 2 * np.sin(x) - x**2 * np.sin(x)
    assert np.allclose(pb.grad(pb.grad(f))(x), expected)
    assert np.allclose(pb.jvp(pb.grad(f), (x,), (1.0,))[1], expected)
    assert np.allclose(pb.grad(lambda x: pb.jvp(f, (x,), (1.0,))[1])(x), expected)


def test_a_cotangent_in_another_layout_is_split_all_the_same() -> None:
    """The array's memory has a flat view; that of its cotangent, a sum of transposes, has none."""
    weights = np.arange(6.0).reshape(3, 2)

    def f(x: Any) -> Any:
        y = x * 1.0
        flat = y.reshape(-1)
        flat[1:4] = flat[0:3] * 2.0
        return (y.T * weights).sum() + (y.T * weights).sum()

    x = rng.normal(size=(2, 3))
    base = np.array([f(x + e.reshape(2, 3)) - f(x - e.reshape(2, 3)) for e in np.eye(6)])
    for gradient in (pb.grad(f)(x), pb.grad(lambda x: pb.jvp(f, (x,), (x,))[1])(x)):
        assert np.allclose(gradient, base.reshape(2, 3) / 2)


def test_a_part_that_was_written_is_not_written_again() -> None:
    """`y[i] += v` assigns the part to itself; what only looks like that is an assignment."""

    def f(x: Any) -> Any:
        y = x * 1.0
        for _ in range(5):
            y[1:] += x[0]
        return y

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    _, pull = pb.vjp(f, x)
    assert len(pull._recording.trace.writes) == 5

    def g(x: Any) -> Any:
        y = x * 1.0
        y[True] = y[1]
        return y

    out, pull = pb.vjp(g, x)
    assert out.tolist() == [[3.0, 4.0], [3.0, 4.0]]
    assert pull(x)[0].tolist() == [[0.0, 0.0], [4.0, 6.0]]


def test_recorders_go_on_after_a_write() -> None:
    """They bring views up to date first, and see when one has become another trace's."""

    def f(x: Any) -> Any:
        y = x * 1.0
        tail, head = y[1:], y[:1]

        def inner(z: Any) -> Any:
            y[1] = z * z
            return np.sum(np.sin(tail) * tail * head)

        slope = pb.grad(inner)(x[2])
        return slope * np.sum(np.cos(x))

    x = np.array([0.3, 0.5, 0.7])
    expected = difference(lambda x: _slope_by_hand(x) * np.sum(np.cos(x)), x)
    assert np.allclose(pb.grad(f)(x), expected, rtol=1e-6)


def _slope_by_hand(x: Any) -> Any:
    z = x[2]
    return x[0] * (np.cos(z**2) * z**2 + np.sin(z**2)) * 2 * z


def test_what_is_added_is_not_watched() -> None:
    def program(x: Any) -> Any:
        y = x * 1.0
        _, pull = pb.vjp(lambda w: w + y, x)
        y[:] = 100.0
        return pull(x)[0]

    np.testing.assert_allclose(pb.grad(lambda x: program(x).sum())(np.ones(3)), np.ones(3))


def test_an_array_captured_and_then_written_by_the_same_function() -> None:
    """The tape keeps the array of the outer transform as it was, not the box that moves on."""

    def program(x: Any) -> Any:
        y = x * 1.0

        def inner(z: Any) -> Any:
            w = z * y * y[0]
            y[:] = z
            return w * y

        return pb.vjp(inner, x * 2.0)[1](np.ones(3))[0]

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(pb.vjp(program, x)[0], 4 * x * x * x[0])


def test_tangents_that_the_program_made_itself() -> None:
    """They are buffers, in a trace that writes into the tangents of what it writes into."""

    def inner(z: Any) -> Any:
        table = np.zeros((2, 2))
        table[0] = z
        table[1] = z * table[0]
        return np.sum(table)

    def along(q: Any) -> Any:
        return pb.jvp(inner, (q,), (np.ones(2),))[1]

    x = np.array([[1.0, 0.5], [0.3, 2.0]])
    np.testing.assert_allclose(pb.grad(along)(x[0]), [2.0, 2.0])
    np.testing.assert_allclose(pb.vmap(lambda r: pb.grad(along)(r))(x), 2 * np.ones((2, 2)))


def test_tapes_that_share_a_buffer_keep_no_record_of_each_others_walks() -> None:
    """Each walk undoes what came after its run; the others learn of it, and forget it again."""
    buffers: list[Any] = []
    pb.vjp(lambda x: buffers.append(np.ones((3, 4))) or x, 1.0)
    (buffer,) = buffers
    pulls = []
    for value in (2.0, 3.0, 5.0):
        pulls.append(pb.vjp(lambda x: x * buffer[0] * buffer[1], 1.0)[1])
        buffer[0] = buffer[1] = value
    pushes = [pb.linearize(lambda x: x * buffer[0] * buffer[1], 1.0)[1]]
    buffer[:] = 7.0
    writes = [len(pull._recording.trace.writes) for pull in pulls]
    wrong: list[Any] = []

    def work(_: int) -> None:
        for _ in range(20):
            for pull, squared in zip(pulls, (1.0, 4.0, 9.0), strict=True):
                got = pull(np.ones(4))[0]
                if got != 4 * squared:
                    wrong.append((got, squared))
            if (pushes[0](1.0) != 25.0).any():
                wrong.append("push")

    at_once(work, 3)
    assert not wrong
    assert writes == [len(pull._recording.trace.writes) for pull in pulls]
    np.testing.assert_array_equal(np.asarray(buffer), 7.0)
