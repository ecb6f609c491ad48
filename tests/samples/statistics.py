"""Samples of statistics, order statistics, differences, interpolation and polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.testing import Sample

_rng = np.random.default_rng(20262)


def _values(*shape: int) -> Any:
    """Distinct numbers, no two closer than 0.01, in random order."""
    size = int(np.prod(shape))
    return (_rng.permutation(size) * 0.37 + 0.2 - 0.15 * size).reshape(shape)


def _positive(*shape: int) -> Any:
    return _rng.uniform(0.5, 1.5, shape)


def _grid(size: int) -> Any:
    return np.cumsum(_rng.uniform(0.5, 1.5, size))


METHODS = (
    "linear lower higher nearest midpoint inverted_cdf averaged_inverted_cdf closest_observation "
    "interpolated_inverted_cdf hazen weibull median_unbiased normal_unbiased"
).split()
_COUNTS = np.array([2, 1, 1, 3, 2])


def _holes(x: Any) -> Any:
    mask = np.zeros(x.shape, bool)
    mask[0, 0] = mask[1, 2] = mask[1, 3] = True
    return np.where(mask, np.nan, x)


_PLACES = np.array([0, 1, 1, 3, 0, 2])

_AVERAGES = [
    Sample(np.average, np.average, (_values(3, 4),), complex=True),
    Sample(
        np.average,
        lambda x, w: np.average(x, axis=1, weights=w),
        (_values(3, 4), _positive(4)),
        label="weights of an axis",
        complex=True,
    ),
    Sample(
        np.average,
        lambda x, w: np.average(x, axis=(0, 2), weights=w, keepdims=True),
        (_values(3, 2, 4), _positive(3, 4)),
        label="weights of two axes",
    ),
    Sample(
        np.average,
        lambda x, w: np.average(x, weights=w, returned=True),
        (_values(3, 4), _positive(3, 4)),
        label="returned",
    ),
]

_ORDER_STATISTICS = [
    *(
        Sample(
            function,
            lambda x, function=function, options=options: function(x, **options),
            (_values(*shape),),
            label=f"{label} of {shape}",
        )
        for function in (np.median, np.nanmedian)
        for shape in ((3, 4, 2), (5, 3, 1))
        for label, options in (
            ("all", {}),
            ("axis", {"axis": 1}),
            ("two axes kept", {"axis": (0, -1), "keepdims": True}),
        )
    ),
    *(
        Sample(
            np.quantile,
            lambda x, method=method: np.quantile(x, [0.1, 0.53, 0.9], axis=0, method=method),
            (_values(7, 2),),
            label=method,
        )
        for method in METHODS
    ),
    Sample(np.quantile, lambda x: np.quantile(x, 0.3), (_values(5),), label="number"),
    Sample(
        np.quantile,
        lambda x, q: np.quantile(x, q, axis=-1, keepdims=True),
        (_values(3, 6), np.array([[0.23, 0.71]])),
        label="traced q",
    ),
    Sample(np.percentile, lambda x: np.percentile(x, 30, axis=(0, 2)), (_values(3, 4, 2),)),
    Sample(np.percentile, lambda x: np.percentile(x, [20, 70]), (_values(3, 4),), label="array"),
    Sample(np.nanmedian, lambda x: np.nanmedian(_holes(x), axis=1), (_values(3, 4),), label="nan"),
    *(
        Sample(
            np.nanquantile,
            lambda x, method=method: np.nanquantile(_holes(x), [0.3, 0.8], axis=1, method=method),
            (_values(3, 5),),
            label=method,
        )
        for method in METHODS
    ),
    Sample(
        np.nanpercentile,
        lambda x: np.nanpercentile(_holes(x), 30.0, axis=0, keepdims=True),
        (_values(3, 5),),
    ),
]

_COVARIANCES = [
    Sample(np.cov, np.cov, (_values(3, 5),), complex=True),
    Sample(np.cov, np.cov, (_values(5),), label="one variable"),
    Sample(np.cov, np.cov, (_values(2, 5), _values(5)), label="y", complex=True),
    Sample(
        np.cov,
        lambda x, y: np.cov(x, y, rowvar=False, bias=True),
        (_values(5, 2), _values(5, 2)),
        label="columns",
    ),
    Sample(
        np.cov,
        lambda x, w: np.cov(x, fweights=_COUNTS, aweights=w),
        (_values(2, 5), _positive(5)),
        label="weights",
    ),
    Sample(np.cov, lambda x, w: np.cov(x, aweights=w, ddof=0), (_values(2, 5), _positive(5))),
    Sample(np.corrcoef, np.corrcoef, (_values(3, 5),), complex=True),
    Sample(np.corrcoef, np.corrcoef, (_values(5), _values(5)), label="y"),
]

_HISTOGRAMS = [
    Sample(np.bincount, lambda w: np.bincount(_PLACES, w, 6), (_values(6),), float32=False),
    Sample(
        np.histogram,
        lambda w: np.histogram(_PLACES, [0.0, 1.0, 2.5, 3.0], weights=w)[0],
        (_values(6),),
    ),
    Sample(
        np.histogram,
        lambda w: np.histogram(_PLACES, 3, range=(0, 2), weights=w, density=True)[0],
        (_positive(6),),
        label="density",
    ),
    Sample(np.histogram, lambda x: np.histogram(x, 4)[1], (_values(6),), label="edges"),
    Sample(np.histogram_bin_edges, lambda x: np.histogram_bin_edges(x, 3), (_values(6),)),
    Sample(
        np.histogram,
        lambda x: np.histogram(x, 3, density=True)[0],
        (np.array([0.1, 0.4, 2.0, 2.1, 5.2]),),
        label="density, edges from the data",
    ),
]

_DIFFERENCES = [
    Sample(np.diff, np.diff, (_values(3, 4),), complex=True),
    Sample(np.diff, lambda x: np.diff(x, 2, axis=0), (_values(4, 3),), label="twice"),
    Sample(np.diff, lambda x: np.diff(x, 0), (_values(3),), label="not at all"),
    Sample(np.diff, lambda x: np.diff(x, 4), (_values(3),), label="to nothing"),
    Sample(np.diff, lambda x: np.diff(x, axis=0), (_values(0, 2),), label="of nothing"),
    Sample(
        np.diff,
        lambda x, p, a: np.diff(x, axis=0, prepend=p, append=a),
        (_values(3, 2), 0.3, _values(2, 2)),
        label="extended",
    ),
    Sample(np.ediff1d, np.ediff1d, (_values(2, 3),), complex=True),
    Sample(
        np.ediff1d,
        lambda x, b, e: np.ediff1d(x, to_begin=b, to_end=e),
        (_values(4), 0.4, _values(2)),
        label="extended",
    ),
    Sample(np.gradient, np.gradient, (_values(5),), complex=True),
    Sample(np.gradient, lambda x: np.gradient(x, axis=1), (_values(3, 2),), label="two points"),
    Sample(np.gradient, lambda x: np.gradient(x, edge_order=2), (_values(3, 4),), label="edges"),
    Sample(np.gradient, lambda f, h: np.gradient(f, h), (_values(3, 4), 0.7), label="step"),
    Sample(
        np.gradient,
        lambda f, h, x: np.gradient(f, h, x),
        (_values(3, 4), 0.7, _grid(4)),
        label="step and coordinates",
    ),
    Sample(
        np.gradient,
        lambda f, x: np.gradient(f, x, axis=-1, edge_order=2),
        (_values(3, 4), _grid(4)),
        label="coordinates, edges",
    ),
    Sample(np.unwrap, np.unwrap, (_rng.uniform(-9, 9, (3, 6)),)),
    Sample(
        np.unwrap,
        lambda x: np.unwrap(x, axis=0, period=3.0, discont=2.0),
        (_rng.uniform(-9, 9, (6, 2)),),
        label="period",
    ),
]

_INTEGRALS = [
    Sample(np.trapezoid, np.trapezoid, (_values(3, 4),), complex=True),
    Sample(np.trapezoid, lambda y, h: np.trapezoid(y, dx=h, axis=0), (_values(3, 4), 0.4)),
    Sample(
        np.trapezoid,
        lambda y, x: np.trapezoid(y, x, axis=0),
        (_values(3, 4), _grid(3)),
        label="coordinates",
    ),
    Sample(np.trapezoid, lambda y, x: np.trapezoid(y, x), (_values(2, 4), _positive(2, 4))),
    Sample(
        np.interp,
        np.interp,
        (np.array([[-1.0, 0.3], [1.71, 9.0]]), np.array([0.0, 1.0, 1.5, 3.0]), _values(4)),
        float32=False,
    ),
    Sample(
        np.interp,
        lambda x, xp, fp, left, right: np.interp(x, xp, fp, left, right),
        (np.array([-1.0, 0.3, 9.0]), np.array([0.0, 1.0, 1.5]), _values(3), 0.2, 0.7),
        label="left and right",
        float32=False,
    ),
    Sample(
        np.interp,
        lambda x, xp, fp: np.interp(x, xp, fp, period=4.0),
        (np.array([-1.3, 0.6, 3.9, 9.2]), np.array([0.2, 5.0, 2.5]), _values(3)),
        label="period",
        float32=False,
    ),
    Sample(np.interp, lambda x: np.interp(x, [0.0, 1.0], [2.0, 5.0]), (0.4,), float32=False),
]

_POLYNOMIALS = [
    Sample(np.vander, np.vander, (_values(4),), complex=True),
    Sample(np.vander, lambda x: np.vander(x, 3, increasing=True), (_values(4),)),
    Sample(np.vander, lambda x: np.vander(x, 1), (_values(4),), label="ones"),
    Sample(np.polyval, np.polyval, (_values(4), _values(2, 3)), complex=True),
    Sample(np.polyval, lambda x: np.polyval([3, 2, 1], x), (1.2,), label="at a number"),
    Sample(np.polyder, lambda p: np.polyder(p, 2), (_values(5),), complex=True),
    Sample(np.polyint, lambda p, k: np.polyint(p, 2, k), (_values(3), _values(2)), float32=False),
    Sample(np.polyadd, np.polyadd, (_values(3), _values(5)), complex=True),
    Sample(np.polysub, np.polysub, (_values(5), _values(3)), complex=True),
    Sample(np.polymul, np.polymul, (_values(3), _values(4)), complex=True),
    Sample(np.polydiv, np.polydiv, (_values(5), np.array([1.3, -0.4, 0.7])), float32=False),
    Sample(np.polydiv, np.polydiv, (_values(2), _values(3)), "of a lower degree"),
    Sample(np.poly, np.poly, (_values(4),), complex=True),
    Sample(np.poly, np.poly, (_values(3, 3),), "of a matrix", float32=False),
    Sample(np.roots, np.roots, (np.array([1.2, -3.4, 0.8, 2.0]),), float32=False),
    Sample(
        np.roots,
        lambda p: np.roots(np.concatenate([[0.0], p, [0.0, 0.0]])),
        (np.array([1.2, -3.4, 0.8]),),
        "zeros at both ends",
        float32=False,
    ),
    Sample(np.polyfit, lambda x, y: np.polyfit(x, y, 2), (_grid(6), _values(6))),
    Sample(
        np.polyfit,
        lambda x, y, w: np.polyfit(x, y, 1, w=w),
        (_grid(5), _values(5, 2), _positive(5)),
        label="weights, several y",
    ),
    Sample(
        np.polyfit,
        lambda x, y: np.polyfit(x, y, 1, cov=True),
        (_grid(5), _values(5)),
        label="covariance",
    ),
]

SAMPLES = [
    *_AVERAGES,
    *_ORDER_STATISTICS,
    *_COVARIANCES,
    *_HISTOGRAMS,
    *_DIFFERENCES,
    *_INTEGRALS,
    *_POLYNOMIALS,
]
