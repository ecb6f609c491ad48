"""Writes into traced arrays of the standard: followed, the caller's arrays untouched, and what
may be a view of a written array never silently stale.
"""

from __future__ import annotations

import numpy as np
import pytest

import pullback
from tests.array_api.libraries import array, namespace, numbers


@pytest.fixture
def xp():
    return namespace("array_api_strict")


def program(x):
    xp = x.__array_namespace__()
    y = xp.asarray(x, copy=True)
    y[1:3] *= x[0]
    y[0] += 2.0
    y[:2] = y[:2] * y[2:]
    y += x
    z = xp.zeros((2, 2))
    z[0, :] = y[:2]
    z[1, 1] = y[3]
    z[xp.asarray([[True, False], [False, True]])] = y[0]
    return xp.sum(y**2) + xp.sum(z**3)


def reference(x):
    y = x.copy()
    y[1:3] *= x[0]
    y[0] += 2.0
    y[:2] = y[:2] * y[2:]
    y += x
    z = np.zeros((2, 2))
    z[0, :] = y[:2]
    z[1, 1] = y[3]
    z[np.eye(2, dtype=bool)] = y[0]
    return np.sum(y**2) + np.sum(z**3)


POINT = np.array([1.0, 2.0, 0.5, 1.5])


@pytest.mark.parametrize(
    "transform", [pullback.grad, pullback.jacfwd, pullback.hessian, pullback.jacrev]
)
def test_writes_have_the_derivatives_of_the_same_numpy_program(transform, xp):
    x = array(xp, POINT)
    expected = transform(reference)(POINT)
    np.testing.assert_allclose(numbers(transform(program)(x)), expected, rtol=1e-12)
    np.testing.assert_array_equal(numbers(x), POINT)


def test_writes_under_vmap_agree_with_a_loop(xp):
    points = np.stack([POINT, 2 * POINT])
    got = pullback.vmap(pullback.grad(program))(array(xp, points))
    expected = np.stack([pullback.grad(reference)(p) for p in points])
    np.testing.assert_allclose(numbers(got), expected, rtol=1e-12)


def test_a_primal_that_is_written_into_stays_the_callers(xp):
    x = array(xp, POINT)

    def f(x):
        x[0] = x[1] ** 2
        x *= 3.0
        return x.__array_namespace__().sum(x)

    np.testing.assert_allclose(numbers(pullback.grad(f)(x)), [0, 3 + 6 * POINT[1], 3, 3])
    np.testing.assert_array_equal(numbers(x), POINT)


def test_a_view_that_was_made_before_a_write_is_refused(xp):
    def f(x):
        part = x[:2]
        x[0] = 5.0
        return part.__array_namespace__().sum(part)

    with pytest.raises(TypeError, match=r"used after a write.*copy"):
        pullback.grad(f)(array(xp, POINT))


def test_a_base_is_refused_after_a_write_into_what_may_be_its_view(xp):
    def f(x):
        x[:2][0] = 5.0
        return x.__array_namespace__().sum(x)

    with pytest.raises(TypeError, match=r"used after a write.*copy"):
        pullback.grad(f)(array(xp, POINT))


def test_a_copy_that_was_made_before_a_write_keeps_its_values(xp):
    def f(x):
        xp = x.__array_namespace__()
        part = xp.asarray(x[:2], copy=True)
        x[0] = 5.0
        return xp.sum(part**2)

    np.testing.assert_allclose(
        numbers(pullback.grad(f)(array(xp, POINT))), [2 * POINT[0], 2 * POINT[1], 0, 0]
    )


def test_an_in_place_operator_does_not_change_shape_or_dtype(xp):
    def f(x):
        x += x.__array_namespace__().ones((2, 4))
        return x.__array_namespace__().sum(x)

    with pytest.raises(TypeError, match="write x = x"):
        pullback.grad(f)(array(xp, POINT))


def test_an_output_shares_no_memory_with_the_pullback(xp):
    out, pull = pullback.vjp(lambda x: (x, x**2), array(xp, POINT))
    out[0][0] = 100.0
    out[1][0] = 100.0
    ones = xp.ones(4)
    np.testing.assert_allclose(numbers(pull((ones, ones))[0]), 1 + 2 * POINT)


def test_a_captured_array_that_is_changed_later_does_not_reach_the_pullback(xp):
    w = array(xp, POINT)
    _, pull = pullback.vjp(lambda x: x * w, xp.ones(4))
    w[0] = 100.0
    np.testing.assert_allclose(numbers(pull(xp.ones(4))[0]), POINT)
