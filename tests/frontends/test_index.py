"""Indexing on traced arrays: what a sweep of derivatives cannot say."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import pullback
from pullback import errors
from tests.frontends.traced import traced

X = np.arange(12.0).reshape(3, 4)
ONES = np.ones(4)


def test_an_index_array_is_copied_so_that_the_caller_may_change_it() -> None:
    index = np.array([0, 0, 2])
    mask = np.array([True, False, True])
    _, pull = pullback.vjp(lambda x: (x[index], x[[0], index], x[mask], np.take(x, index, 0)), X)
    index[:] = 1
    mask[:] = False
    g = pull((np.ones((3, 4)), np.ones(3), np.ones((2, 4)), np.ones((3, 4))))[0]
    expected = np.array([[7.0, 5, 6, 5], [0, 0, 0, 0], [3, 3, 3, 3]])
    np.testing.assert_array_equal(g, expected)


def test_an_element_read_twice_gets_both_cotangents_at_every_order() -> None:
    def f(x: Any) -> Any:
        return np.sum(x[np.array([0, 0, 1])] ** 3)

    x = np.array([2.0, 3.0])
    np.testing.assert_allclose(pullback.grad(f)(x), 3 * np.array([2, 1]) * x**2)
    second = pullback.grad(lambda x: np.sum(pullback.grad(f)(x)))(x)
    np.testing.assert_allclose(second, 6 * np.array([2, 1]) * x)
    third = pullback.grad(lambda x: np.sum(pullback.grad(lambda x: np.sum(pullback.grad(f)(x)))(x)))
    np.testing.assert_allclose(third(x), 6 * np.array([2.0, 1.0]))


def test_an_element_not_read_contributes_nothing_even_if_its_derivative_is_infinite() -> None:
    gradient = pullback.grad(lambda x: np.sum(np.sqrt(x)[1:]))(np.array([0.0, 4.0]))
    np.testing.assert_array_equal(gradient, [0.0, 0.25])


def test_gathering_many_rows_adds_as_one_by_one() -> None:
    """The dense and the sparse way of adding at positions agree."""
    rng = np.random.default_rng(0)
    for count in (1, 5, 500):
        rows = rng.integers(0, 20, count)
        cotangent = rng.normal(size=(count, 3))
        gradient = pullback.vjp(lambda x, i=rows: x[i], np.zeros((20, 3)))[1](cotangent)[0]
        expected = np.zeros((20, 3))
        for row, part in zip(rows, cotangent, strict=True):
            expected[row] += part
        np.testing.assert_allclose(gradient, expected)


def test_reading_elements_in_a_loop_does_not_cost_the_whole_array_each_time() -> None:
    """A thousand reads of a million elements: going back adds each in place."""

    def total(x: Any) -> Any:
        result = x[0]
        for i in range(1, 1000):
            result = result + x[i]
        return result

    start = time.perf_counter()
    gradient = pullback.grad(total)(np.ones(1_000_000))
    assert time.perf_counter() - start < 1.0
    assert gradient.sum() == 1000


def test_a_traced_array_as_an_index_is_refused() -> None:
    with pytest.raises(IndexError, match="no derivative"):
        traced(lambda x: x[x[0, 0]], X)
    with pytest.raises(IndexError, match="no derivative"):
        traced(lambda x: x[0, x], X)
    with pytest.raises(TypeError, match="traced"):
        traced(lambda x: np.take(np.arange(3.0), x), X)
    with pytest.raises(TypeError, match="traced"):
        traced(lambda x: np.take_along_axis(np.ones((3, 4)), x, 0), X)


def test_take_reads_booleans_as_positions_and_refuses_floats() -> None:
    flags = [True, False, True]
    np.testing.assert_array_equal(traced(lambda x: np.take(x, flags, 0), X), np.take(X, flags, 0))
    with pytest.raises(TypeError, match="Cannot cast"):
        traced(lambda x: np.take(x, [0.0, 1.0]), X)


def test_comparisons_and_argmax_are_indices() -> None:
    np.testing.assert_array_equal(traced(lambda x: x[x > 5], X), X[X > 5])
    np.testing.assert_array_equal(traced(lambda x: x[np.argsort(x[0])[:2]], X), X[[0, 1]])
    np.testing.assert_array_equal(traced(lambda x: x[np.nonzero(x)], X), X[np.nonzero(X)])


@pytest.mark.parametrize(
    "index", [5, (0, 4), (0, 0, 0), 1.5, [0.5], "a", np.array([True]), [[3]], ([0], [0, 1, 2], 0)]
)
def test_what_numpy_refuses_is_refused_with_its_error(index: Any) -> None:
    with pytest.raises(IndexError):
        X[index]
    with pytest.raises(IndexError):
        traced(lambda x: x[index], X)


@pytest.mark.parametrize("index", [0, -1, slice(None), (0, 0), [0], (..., 0)])
def test_a_number_has_no_elements(index: Any) -> None:
    with pytest.raises(IndexError):
        traced(lambda x: x[index], np.float64(2.0))


def test_flat_reads_and_iterates() -> None:
    assert traced(lambda x: x.flat[5] * 1.0, X) == 5.0
    assert traced(lambda x: sum(e * e for e in x.flat), X) == (X * X).sum()
    assert len(traced(lambda x: (np.sum(x), len(x.flat)), X)) == 2


@pytest.mark.parametrize(
    ("write", "instead"),
    [
        (lambda x: x.resize((2, 6)), "np.resize"),
    ],
)
def test_what_writes_in_place_says_what_to_write_instead(write: Any, instead: str) -> None:
    with pytest.raises(errors.UnsupportedError, match=instead):
        traced(write, X)


def test_out_is_refused() -> None:
    for f in (np.take, np.compress):
        with pytest.raises(errors.UnsupportedError, match="out="):
            traced(lambda x, f=f: f(*((x, [0]) if f is np.take else ([True], x)), 0, ONES), X)


@pytest.mark.parametrize(
    "function",
    [lambda x: np.take(x, 1), lambda x: x.take(-1), lambda x: np.choose(0, [x[1], x[0]])],
)
def test_one_element_taken_or_chosen_is_a_number(function: Any) -> None:
    """As NumPy has it, and not an array of no dimensions."""
    out, pull = pullback.vjp(function, np.array([1.0, 3.0]))
    assert type(out) is np.float64
    assert out == 3.0
    np.testing.assert_array_equal(pull(1.0)[0], [0.0, 1.0])
