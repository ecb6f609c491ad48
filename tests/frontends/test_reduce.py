"""Reductions and cumulative functions: what a sweep over samples cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy import zeros  # bound before: plain arrays

import pullback
from pullback import UnsupportedError, grad, vjp
from tests.frontends.traced import gradient_of_sum

nan, inf = np.nan, np.inf


def hessian(function: Any, x: Any) -> Any:
    x = np.asarray(x, float)
    rows = [grad(lambda z, i=i: grad(function)(z)[i])(x) for i in range(len(x))]
    return np.stack(rows)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.max, [1, 2, 2], [0, 0.5, 0.5]),
        (np.amin, [3, 1, 1, 1], [0, 1 / 3, 1 / 3, 1 / 3]),
        (lambda x: x.max(1), [[1, 1], [0, 2]], [[0.5, 0.5], [0, 1]]),
        (np.nanmax, [1, nan, 2, 2], [0, 0, 0.5, 0.5]),
        (np.ptp, [1, 1, 3], [-0.5, -0.5, 1]),
        (np.maximum.accumulate, [1, 1, 0, 3, 3], [2, 1, 0, 1.5, 0.5]),
        (np.minimum.accumulate, [2, 2, 2], [1 + 1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 3]),
    ],
)
def test_ties_share_evenly(function: Any, x: Any, expected: Any) -> None:
    np.testing.assert_allclose(gradient_of_sum(function, x), expected, rtol=1e-14)


def test_a_nan_maximum_comes_from_the_nan() -> None:
    np.testing.assert_array_equal(gradient_of_sum(np.max, [1, nan, 2]), [0, 1, 0])


@pytest.mark.filterwarnings("ignore:Degrees of freedom:RuntimeWarning")
def test_std_of_constant_data_has_the_subgradient_zero_and_of_nothing_is_nan() -> None:
    np.testing.assert_array_equal(gradient_of_sum(np.std, [3, 3, 3]), [0, 0, 0])
    np.testing.assert_array_equal(gradient_of_sum(np.nanstd, [3, nan, 3]), [0, 0, 0])
    assert np.isnan(gradient_of_sum(lambda x: np.std(x, ddof=1), [3.0])).all()


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([0, 2, 3], [6, 0, 0]),
        ([0, 0, 3], [0, 0, 0]),
        ([1e-200, 1e-200, 1e200], [1, 1, 0]),
        ([nan, 2, 3], [6, nan, nan]),
    ],
)
def test_prod_is_exact_with_zeros_and_beyond_the_range_of_floats(x: Any, expected: Any) -> None:
    np.testing.assert_allclose(gradient_of_sum(np.prod, x), expected, rtol=1e-14)


def test_second_derivative_of_prod_with_two_zeros() -> None:
    np.testing.assert_array_equal(hessian(np.prod, [0, 0, 3]), [[0, 3, 0], [3, 0, 0], [0, 0, 0]])


def test_cumprod_is_exact_with_zeros() -> None:
    np.testing.assert_array_equal(gradient_of_sum(np.cumprod, [0, 2, 3]), [9, 0, 0])
    np.testing.assert_array_equal(gradient_of_sum(np.cumprod, [2, 0, 3]), [1, 8, 0])


def test_cumprod_of_factors_whose_windows_overflow() -> None:
    """Parts of the product overflow, the running products of the call do not."""
    x = np.concatenate([np.full(20, 1e-30), np.full(20, 1e30)])
    derivative = grad(lambda x: np.cumprod(x)[:3].sum())(x)
    np.testing.assert_allclose(derivative[:3], [1, 1e-30, 1e-60], rtol=1e-12)
    np.testing.assert_array_equal(derivative[3:], 0)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 33, 100, 1000])
def test_running_products_of_any_length(size: int) -> None:
    """Short and long recurrences are solved in different ways; both are exact."""
    x = np.random.default_rng(size).uniform(0.9, 1.1, size)
    products = np.cumprod(x)
    expected = np.cumsum(products[::-1])[::-1] / x
    np.testing.assert_allclose(gradient_of_sum(np.cumprod, x), expected, rtol=1e-12)
    rows = np.broadcast_to(x, (70, size))
    np.testing.assert_allclose(
        gradient_of_sum(lambda x: x.cumprod(1), rows), np.broadcast_to(expected, (70, size))
    )


def test_logsumexp_of_infinities_gives_no_wrong_number() -> None:
    derivative = gradient_of_sum(np.logaddexp.reduce, [-inf, 1, 2])
    np.testing.assert_allclose(derivative, [0, 1 / (1 + np.e), np.e / (1 + np.e)])
    assert np.isnan(gradient_of_sum(np.logaddexp.reduce, [-inf, -inf])).all()
    np.testing.assert_allclose(gradient_of_sum(np.logaddexp.reduce, [1000, 1000]), [0.5, 0.5])
    np.testing.assert_allclose(
        gradient_of_sum(np.logaddexp.accumulate, [1, -inf, 800]), [2, 0, 1], atol=1e-300
    )


def test_a_logsumexp_of_nothing_that_is_not_used_contributes_nothing() -> None:
    """As in attention with a row that is masked altogether."""
    x = np.array([[-inf, -inf], [1.0, 1.0]])
    used = np.array([False, True])
    derivative = grad(lambda x: np.where(used, np.logaddexp.reduce(x, axis=1), 0).sum())(x)
    np.testing.assert_allclose(derivative, [[0, 0], [0.5, 0.5]], rtol=1e-14)


@pytest.mark.parametrize("size", [5, 400])
def test_logsumexp_is_numpy_s(size: int) -> None:
    x = np.random.default_rng(0).normal(size=(size, 3)) * 100
    x[:, 1] = -inf
    x[0, 2] = inf
    for options in ({"axis": 0}, {"axis": 0, "keepdims": True}, {"axis": 1}, {"axis": None}):
        out, _ = vjp(lambda x, options=options: np.logaddexp.reduce(x, **options), x)
        np.testing.assert_allclose(out, np.logaddexp.reduce(x, **options), rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.nansum, [nan, 1], [0, 1]),
        (np.nanprod, [nan, 2, 3], [0, 3, 2]),
        (np.nancumsum, [nan, 1], [0, 1]),
        (np.nancumprod, [nan, 2, 0], [0, 1, 2]),
        (np.nanmean, [nan, 1, 2], [0, 0.5, 0.5]),
        (np.nanvar, [3, nan, 4], [-0.5, 0, 0.5]),
        (lambda x: np.nansum(np.sqrt(x)), [-1, 4], [0, 0.25]),
        (lambda x: np.nanmax(np.log(x)), [-1, 4], [0, 0.25]),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_nan_contributes_nothing(function: Any, x: Any, expected: Any) -> None:
    """Nor does what made it: its derivative, nan too, is masked out."""
    np.testing.assert_allclose(gradient_of_sum(function, x), expected, rtol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.max(np.sqrt(x)),
        lambda x: np.sum(np.sqrt(x), where=[False, True]),
        lambda x: np.mean(np.sqrt(x), where=[False, True]),
    ],
)
def test_an_element_that_is_not_taken_contributes_nothing(function: Any) -> None:
    """Zero times the infinite slope of the square root at zero is zero."""
    np.testing.assert_allclose(gradient_of_sum(function, [0, 4]), [0, 0.25])


@pytest.mark.parametrize(
    "function", [np.sum, np.prod, np.max, np.min, np.mean, np.var, np.std, np.cumsum, np.cumprod]
)
def test_out_is_refused(function: Any) -> None:
    with pytest.raises(UnsupportedError, match="out="):
        grad(lambda x: np.sum(function(x, out=zeros(()))))(np.ones(3))


def test_a_moment_in_another_kind_of_number_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"np\.mean.*dtype"):
        grad(lambda x: np.mean(x, dtype=int))(np.ones(3))


def test_dtype_of_the_sum_and_of_the_gradient() -> None:
    x = np.ones(3, np.float32)
    out, pullback_of = vjp(lambda x: np.sum(x, dtype=np.float64), x)
    assert out.dtype == np.float64
    assert pullback_of(1.0)[0].dtype == np.float32


@pytest.mark.parametrize("function", [np.sum, np.prod, np.max, np.cumsum, np.cumprod])
def test_a_0d_array_has_an_axis_0_as_in_numpy(function: Any) -> None:
    assert gradient_of_sum(lambda x: function(x, axis=0), 2.5) == 1


def test_numpy_s_own_errors() -> None:
    x = np.ones((2, 3))
    with pytest.raises(np.exceptions.AxisError):
        grad(lambda x: np.sum(x, axis=2).sum())(x)
    with pytest.raises(ValueError, match="repeated axis"):
        grad(lambda x: np.sum(x, axis=(0, 0)).sum())(x)
    with pytest.raises(ValueError, match="zero-size"):
        grad(lambda x: np.max(x))(np.zeros((0,)))
    with pytest.raises(ValueError, match="simultaneously"):
        grad(lambda x: np.var(x, ddof=1, correction=1))(x)


def test_initial_of_an_extreme_counts_as_an_element() -> None:
    np.testing.assert_array_equal(gradient_of_sum(lambda x: np.max(x, initial=5.0), [1, 2]), [0, 0])
    out, _ = vjp(lambda x: np.max(x, axis=0, initial=5.0), np.zeros((0, 2)))
    np.testing.assert_array_equal(out, [5, 5])


def test_integer_and_boolean_results_are_plain_arrays() -> None:
    def function(x: Any) -> Any:
        counts = (x.argmax(), x.argmin(0), x.any(), x.all(axis=1), np.count_nonzero(x))
        assert not any(isinstance(count, pullback.core.Box) for count in counts)
        return x.sum() * (counts[0] + counts[4])

    np.testing.assert_array_equal(grad(function)(np.array([[0.0, 2.0]])), [[2.0, 2.0]])


def test_methods_take_ndarray_s_positional_arguments() -> None:
    x = np.arange(1.0, 7.0).reshape(2, 3)
    for call in (
        lambda x: x.sum(0, None, None, True),
        lambda x: x.mean(-1, None, None, True),
        lambda x: x.var(0, None, None, 1, True),
        lambda x: x.std(0, ddof=1),
        lambda x: x.max(1, None, True),
        lambda x: x.cumsum(1),
        lambda x: x.prod((0, 1)),
    ):
        out, _ = vjp(call, x)
        np.testing.assert_allclose(out, call(x), rtol=1e-15)
        assert out.shape == call(x).shape
