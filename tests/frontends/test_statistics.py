"""Statistics, differences, interpolation and polynomials: what a sweep over samples cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback import UnsupportedError, grad, vjp
from tests.frontends.traced import gradient_of_sum
from tests.samples.statistics import METHODS

nan, inf = np.nan, np.inf


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.median, [3, 1, 2, 4], [0.5, 0, 0.5, 0]),
        (np.median, [1, 1, 2], [0.5, 0.5, 0]),
        (np.median, [2, 2, 2, 2], [0.25, 0.25, 0.25, 0.25]),
        (np.nanmedian, [1, nan, 2], [0.5, 0, 0.5]),
        (lambda x: np.quantile(x, 1.0), [1, 2, 2], [0, 0.5, 0.5]),
    ],
)
def test_order_statistics_share_ties_evenly(function: Any, x: Any, expected: Any) -> None:
    np.testing.assert_allclose(gradient_of_sum(function, x), expected, rtol=1e-14)


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
def test_nans_of_order_statistics() -> None:
    """A median that is nan comes from the nan; one that skips nans ignores all of them."""
    np.testing.assert_array_equal(gradient_of_sum(np.median, [1, nan, 2]), [0, 1, 0])
    np.testing.assert_array_equal(gradient_of_sum(np.nanmedian, [nan, nan]), [0, 0])
    out, _ = vjp(lambda x: np.quantile(x, [0.2, 0.5], axis=1), np.array([[1, nan], [1, 2]]))
    np.testing.assert_allclose(out, [[nan, 1.2], [nan, 1.5]])


def test_an_element_that_a_median_does_not_take_contributes_nothing() -> None:
    derivative = gradient_of_sum(lambda x: np.median(np.sqrt(x)), [0, 4, 9])
    np.testing.assert_allclose(derivative, [0, 0.25, 0])


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_are_numpy_s_at_whole_places_too(method: str) -> None:
    rng = np.random.default_rng(3)
    q = np.linspace(0, 1, 21)
    for size in (1, 2, 3, 4, 5, 10, 11):
        x = rng.normal(size=size)
        for function, data in (
            (np.quantile, x),
            (np.nanquantile, np.append(x, nan)),
            (np.quantile, x.astype(np.float32)),
        ):
            for one in (q, 0.25, 1):
                expected = function(data, one, method=method)
                out, _ = vjp(lambda x, q=one, f=function: f(x, q, method=method), data)
                assert out.dtype == expected.dtype
                np.testing.assert_allclose(out, expected, rtol=1e-6 if data.itemsize < 8 else 1e-12)


def test_quantile_refuses_weights_and_rejects_what_numpy_rejects() -> None:
    x = np.arange(4.0)
    with pytest.raises(UnsupportedError, match=r"np\.quantile.*weights"):
        grad(lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=np.ones(4)))(x)
    with pytest.raises(ValueError, match="range"):
        grad(lambda x: np.quantile(x, 1.5))(x)
    with pytest.raises(ValueError, match="not a valid method"):
        grad(lambda x: np.quantile(x, 0.5, method="best"))(x)


def test_average_with_weights_that_sum_to_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: np.average(x, weights=[1.0, -1.0]))(np.ones(2))


def test_average_returned_weights_are_followed() -> None:
    weights = np.array([1.0, 2.0])
    derivative = grad(lambda w: np.average([1.0, 2.0], weights=w, returned=True)[1])(weights)
    np.testing.assert_array_equal(derivative, [1, 1])


def test_correlation_clipped_to_one_keeps_its_derivative_finite() -> None:
    x = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    np.testing.assert_allclose(gradient_of_sum(np.corrcoef, x), 0, atol=1e-14)


def test_covariance_is_numpy_s_in_shape() -> None:
    x = np.random.default_rng(0).normal(size=(3, 5))
    for call in (
        np.cov,
        lambda x: np.cov(x[0]),
        lambda x: np.cov(x, rowvar=False),
        lambda x: np.cov(x[:1], x[1]),
        lambda x: np.corrcoef(x[0]),
    ):
        out, _ = vjp(call, x)
        np.testing.assert_allclose(out, call(x), rtol=1e-12)
        assert out.shape == call(x).shape


def test_edges_of_a_histogram_follow_the_data() -> None:
    """The counts are constant; the edges run from the smallest to the largest element."""
    derivative = grad(lambda x: np.histogram(x, 2)[1][1])(np.array([1.0, 3.0, 2.0]))
    np.testing.assert_allclose(derivative, [0.5, 0.5, 0])
    with pytest.raises(UnsupportedError, match="bins='auto'"):
        grad(lambda x: np.histogram(x, "auto")[1][1])(np.array([1.0, 3.0, 2.0]))


def test_interp_at_a_number_is_a_number() -> None:
    out, pullback_of = vjp(lambda y: np.interp(0.25, [0.0, 1.0], y), np.array([1.0, 3.0]))
    assert type(out) is np.float64
    np.testing.assert_allclose(pullback_of(1.0)[0], [0.75, 0.25])


def test_interp_outside_the_points_and_on_them() -> None:
    """Flat outside; on a point the slope to its right, on the last one that to its left."""
    x = [-1, 0, 0.5, 1, 2, 3]
    derivative = gradient_of_sum(lambda x: np.interp(x, [0, 1, 2], [0, 1, 5]), x)
    np.testing.assert_array_equal(derivative, [0, 1, 1, 4, 4, 0])
    with pytest.raises(ValueError, match="same length"):
        grad(lambda x: np.interp(x, [0.0, 1.0], [1.0]))(0.5)


def test_gradient_rejects_what_numpy_rejects() -> None:
    x = np.ones((3, 4))
    with pytest.raises(TypeError, match="invalid number"):
        grad(lambda x: np.gradient(x, 1.0, 2.0, 3.0)[0].sum())(x)
    with pytest.raises(ValueError, match="too small"):
        grad(lambda x: np.gradient(x, axis=0, edge_order=2).sum())(x[:2])
    with pytest.raises(ValueError, match="must match"):
        grad(lambda x: np.gradient(x, np.arange(5.0), axis=0).sum())(x)


def test_gradient_at_traced_coordinates_that_happen_to_be_equally_spaced() -> None:
    """Each coordinate has its own derivative, though one step would give the same values."""
    f = np.array([0.0, 1.0, 4.0])
    derivative = grad(lambda x: np.gradient(f, x)[1])(np.array([0.0, 1.0, 2.0]))
    step = 1e-6
    expected = [
        (np.gradient(f, np.arange(3.0) + d)[1] - np.gradient(f, np.arange(3.0) - d)[1]) / (2 * step)
        for d in step * np.eye(3)
    ]
    np.testing.assert_allclose(derivative, expected, atol=1e-8)


def test_unwrap_moves_by_whole_periods_only() -> None:
    phases = np.array([0.0, 3.0, -3.0, 9.0, 50.0])
    out, pullback_of = vjp(np.unwrap, phases)
    np.testing.assert_allclose(out, np.unwrap(phases), rtol=1e-12)
    np.testing.assert_array_equal(pullback_of(np.ones(5))[0], 1)


def test_vander_and_polyval_at_zero() -> None:
    """The power zero of zero is a constant."""
    np.testing.assert_array_equal(gradient_of_sum(lambda x: np.vander(x, 3), [0.0, 2.0]), [1, 5])
    assert grad(lambda x: np.polyval([1.0, 2.0, 3.0], x))(0.0) == 2


def test_polyfit_refuses_full_and_recovers_a_polynomial() -> None:
    x = np.linspace(-1, 1, 7)
    with pytest.raises(UnsupportedError, match="full"):
        grad(lambda y: np.polyfit(x, y, 2, full=True)[0].sum())(x)
    out, _ = vjp(lambda y: np.polyfit(x, y, 2), 3 * x**2 - x)
    np.testing.assert_allclose(out, [3, -1, 0], atol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        np.median,
        np.nanmedian,
        np.nanvar,
        np.nanstd,
        lambda x: np.quantile(x, 0.3),
        lambda x: np.nanpercentile(x, 30),
        lambda x: np.std(x, where=x > 0),
    ],
)
def test_a_whole_reduction_is_a_number_not_an_array(function: Any) -> None:
    """As in NumPy, so that `m += 1` gives m a new value and does not change another name's."""

    def alias(x: Any) -> Any:
        m = kept = function(x)
        m += 1.0
        return kept

    x = np.array([0.4, -1.0, 2.0])
    assert vjp(alias, x)[0] == function(x)
