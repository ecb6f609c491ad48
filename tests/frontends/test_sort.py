"""Order among traced values: what a sweep of derivatives cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback
from tests.frontends.traced import traced

X = np.arange(12.0).reshape(3, 4)


def test_sorting_passes_each_cotangent_to_the_element_that_came_there() -> None:
    x = np.array([3.0, 1.0, 2.0])
    _, pull = pullback.vjp(np.sort, x)
    np.testing.assert_array_equal(pull(np.array([10.0, 20.0, 30.0]))[0], [30.0, 10.0, 20.0])


def test_sorting_equal_elements_keeps_the_sum_of_cotangents() -> None:
    _, pull = pullback.vjp(np.sort, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_array_equal(pull(np.array([1.0, 2.0, 4.0]))[0], [2.0, 4.0, 1.0])


def test_nan_is_sorted_to_the_end() -> None:
    x = np.array([np.nan, 1.0, 0.0])
    np.testing.assert_array_equal(traced(np.sort, x), np.sort(x))


@pytest.mark.parametrize(
    "constant",
    [
        lambda x: np.argsort(x, 0),
        lambda x: np.searchsorted(x[0], 2.5),
        np.nonzero,
        lambda x: x.argsort(kind="stable"),
        lambda x: x[0].searchsorted([1.0, 2.0], side="right"),
        lambda x: np.lexsort((x[0], x[1])),
        np.argwhere,
        np.flatnonzero,
        lambda x: np.argpartition(x, 1),
        lambda x: np.isin(x, [1.0, 2.0]),
    ],
)
def test_positions_are_plain_arrays(constant: Any) -> None:
    got = traced(lambda x: (np.sum(x), constant(x)), X)[1]
    for a, b in zip(
        np.atleast_1d(*got) if isinstance(got, tuple) else [got],
        np.atleast_1d(*constant(X)) if isinstance(got, tuple) else [constant(X)],
        strict=True,
    ):
        assert type(a) is type(b)
        np.testing.assert_array_equal(a, b)
