"""Samples of reductions and cumulative functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.testing import Sample

_rng = np.random.default_rng(20261)


def _values(*shape: int) -> Any:
    """Distinct numbers, no two closer than 0.01, in random order."""
    size = int(np.prod(shape))
    return (_rng.permutation(size) * 0.37 + 0.2 - 0.15 * size).reshape(shape)


def _factors(*shape: int) -> Any:
    return _rng.uniform(0.5, 1.5, shape) * _rng.choice([-1.0, 1.0], shape)


_MASK = np.array([[True, False, True, True], [True, True, False, True], [False, True, True, True]])
_AXES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("all", {}),
    ("axis", {"axis": 1}),
    ("negative axis kept", {"axis": -3, "keepdims": True}),
    ("two axes", {"axis": (0, -1)}),
    ("all kept", {"keepdims": True}),
)


def _reduction(function: Any, values: Any = _values, *, complex: bool = False) -> list[Sample]:
    def call(options: dict[str, Any]) -> Any:
        return lambda x: function(x, **options)

    samples = [
        Sample(function, call(options), (values(3, 4, 2),), label=label, complex=complex)
        for label, options in _AXES
    ]
    single = Sample(function, call({}), (values(1)[0],), label="0-d", complex=complex)
    return [*samples, single]


def _with_nan(*where: tuple[int, ...]) -> Any:
    """`function(x)` of an array in which some elements have been replaced by nan."""
    mask = np.zeros((3, 4), bool)
    for index in where:
        mask[index] = True
    return lambda x: np.where(mask, np.nan, x)


_holes = _with_nan((0, 0), (1, 2), (1, 3))

_zeros = _factors(3, 4)
_zeros[0, 1] = 0
_zeros[1, :2] = 0
_zeros[2, 1:] = 0

SAMPLES = [
    *_reduction(np.sum, complex=True),
    *_reduction(np.prod, _factors, complex=True),
    *_reduction(np.mean, complex=True),
    *_reduction(np.max),
    *_reduction(np.min),
    *_reduction(np.amax),
    *_reduction(np.amin),
    *_reduction(np.ptp),
    *_reduction(np.var, complex=True)[:-1],
    *_reduction(np.std, complex=True)[:-1],
    Sample(np.sum, lambda x: np.sum(x, axis=()), (_values(2, 3),), label="no axis"),
    Sample(np.sum, lambda x: np.sum(x, axis=0), (_values(0, 3),), label="empty"),
    Sample(np.sum, lambda x: np.sum(x, 1, where=_MASK), (_values(3, 4),), label="where"),
    Sample(np.sum, lambda x: np.sum(x, 0, initial=2.0), (_values(3, 4),), label="initial"),
    Sample(
        np.sum,
        lambda x: np.sum(x, 0, dtype=np.float64),
        (_values(3, 4),),
        label="dtype",
    ),
    Sample(np.prod, lambda x: np.prod(x, axis=()), (_values(2, 3),), label="no axis"),
    Sample(np.prod, lambda x: np.prod(x, axis=0), (_values(0, 3),), label="empty"),
    Sample(np.prod, lambda x: np.prod(x, axis=1), (_zeros,), label="zeros", order=3),
    Sample(np.prod, np.prod, (_zeros[2:, :],), label="zeros, all axes", complex=True),
    Sample(np.prod, lambda x: np.prod(x, 1, where=_MASK), (_factors(3, 4),), label="where"),
    Sample(np.prod, lambda x: np.prod(x, 0, initial=2.0), (_factors(3, 4),), label="initial"),
    Sample(np.mean, lambda x: np.mean(x, 1, where=_MASK), (_values(3, 4),), label="where"),
    Sample(np.var, lambda x: np.var(x, 1, ddof=1), (_values(3, 4),), label="ddof"),
    Sample(np.var, lambda x: np.var(x, 0, correction=1), (_values(3, 4),), label="correction"),
    Sample(np.var, lambda x: np.var(x, 1, where=_MASK), (_values(3, 4),), label="where"),
    Sample(
        np.var,
        lambda x, m: np.var(x, 1, mean=m),
        (_values(3, 4), _values(3, 1)),
        label="mean",
    ),
    Sample(np.std, lambda x: np.std(x, 1, ddof=1), (_values(3, 4),), label="ddof"),
    Sample(np.std, lambda x: np.std(x, 1, where=_MASK), (_values(3, 4),), label="where"),
    Sample(
        np.std,
        lambda x: np.std(x, 1, mean=x.mean(1, keepdims=True)),
        (_values(3, 4),),
        label="mean",
    ),
    Sample(np.max, lambda x: np.max(x, 1, initial=0.1), (_values(3, 4),), label="initial"),
    Sample(
        np.min,
        lambda x: np.min(x, 1, initial=0.1, where=_MASK),
        (_values(3, 4),),
        label="initial and where",
    ),
    Sample(np.max, lambda x: np.max(x, axis=1), (_values(0, 3),), label="empty"),
    # Cumulative functions
    Sample(np.cumsum, np.cumsum, (_values(3, 4),), label="all", complex=True),
    Sample(np.cumsum, lambda x: np.cumsum(x, 0), (_values(3, 4),), label="axis", complex=True),
    Sample(np.cumsum, np.cumsum, (1.3,), label="0-d"),
    Sample(np.cumsum, lambda x: np.cumsum(x, 0), (_values(0, 3),), label="empty"),
    Sample(np.cumprod, np.cumprod, (_factors(2, 3),), label="all", complex=True),
    Sample(np.cumprod, lambda x: np.cumprod(x, -2), (_factors(3, 4),), label="axis", complex=True),
    Sample(np.cumprod, lambda x: np.cumprod(x, 1), (_zeros,), label="zeros", order=3),
    Sample(np.cumprod, np.cumprod, (_factors(40),), label="long"),
    # Functions that skip nans
    *(
        Sample(
            function,
            lambda x, function=function, options=options: function(_holes(x), **options),
            (values(3, 4),),
            label=label,
        )
        for function, values in (
            (np.nansum, _values),
            (np.nanprod, _factors),
            (np.nanmean, _values),
            (np.nanvar, _values),
            (np.nanstd, _values),
            (np.nanmax, _values),
            (np.nanmin, _values),
        )
        for label, options in (("all", {}), ("axis", {"axis": -1, "keepdims": True}))
    ),
    Sample(np.nancumsum, lambda x: np.nancumsum(_holes(x), 1), (_values(3, 4),)),
    Sample(np.nancumprod, lambda x: np.nancumprod(_holes(x), 0), (_factors(3, 4),)),
]

if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    SAMPLES += [
        Sample(np.cumulative_sum, np.cumulative_sum, (_values(4),)),
        Sample(
            np.cumulative_sum,
            lambda x: np.cumulative_sum(x, axis=1, include_initial=True),
            (_values(3, 4),),
            label="initial",
        ),
        Sample(np.cumulative_prod, np.cumulative_prod, (_factors(4),)),
        Sample(
            np.cumulative_prod,
            lambda x: np.cumulative_prod(x, axis=0, include_initial=True),
            (_factors(3, 4),),
            label="initial",
        ),
    ]
