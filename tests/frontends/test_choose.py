"""Choosing between traced arrays: what a sweep of derivatives cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback
from tests.frontends.traced import traced

X = np.arange(12.0).reshape(3, 4)


def test_a_condition_is_copied_too() -> None:
    condition = np.array([True, False, True])
    _, pull = pullback.vjp(lambda x: np.where(condition, x, 0.0), np.ones(3))
    condition[:] = False
    np.testing.assert_array_equal(pull(np.ones(3))[0], [1.0, 0.0, 1.0])


def test_a_branch_not_taken_contributes_nothing() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(x), 0.0))

    np.testing.assert_array_equal(pullback.grad(f)(np.array([0.0, 4.0])), [0.0, 0.25])
    second = pullback.grad(lambda x: np.sum(pullback.grad(f)(x)))(np.array([0.0, 4.0]))
    np.testing.assert_array_equal(second, [0.0, -0.25 / 8])


def test_where_keeps_nan_and_inf_of_the_branch_taken_only() -> None:
    condition = np.array([True, False, True])
    x, y = np.array([1.0, np.nan, 2.0]), np.array([np.inf, 3.0, np.nan])
    _, pull = pullback.vjp(lambda x, y: np.where(condition, x, y), x, y)
    gx, gy = pull(np.array([np.inf, np.nan, 1.0]))
    np.testing.assert_array_equal(gx, [np.inf, 0.0, 1.0])
    np.testing.assert_array_equal(gy, [0.0, np.nan, 0.0])


def test_where_of_a_condition_alone_is_a_constant() -> None:
    rows, columns = traced(lambda x: (np.sum(x), np.where(x > 9)), X)[1]
    np.testing.assert_array_equal((rows, columns), np.where(X > 9))
    with pytest.raises(ValueError, match="either both or neither"):
        traced(lambda x: np.where(x > 9, x), X)


def test_where_promotes_as_numpy_does() -> None:
    x = np.ones(2, np.float32)
    assert traced(lambda x: np.where(x > 0, x, 1.0), x).dtype == np.float32
    assert traced(lambda x: np.where(x > 0, x, np.float64(1.0)), x).dtype == np.float64
    assert traced(lambda x: np.where(x > 0, x, 1j), x).dtype == np.complex64


def test_select_takes_the_first_true_condition() -> None:
    x = np.array([1.0, 2.0, 3.0])
    f = lambda x: np.select([x > 2.5, x > 1.5], [10 * x, x * x], -x)
    np.testing.assert_array_equal(traced(f, x), f(x))
    np.testing.assert_array_equal(pullback.grad(lambda x: np.sum(f(x)))(x), [-1.0, 4.0, 10.0])
    with pytest.raises(TypeError, match="boolean"):
        traced(lambda x: np.select([np.array([1, 0, 1])], [x]), x)


def test_choose_refuses_a_position_outside() -> None:
    with pytest.raises(ValueError, match="invalid entry"):
        traced(lambda x: np.choose([0, 3], [x, x]), np.ones(2))
