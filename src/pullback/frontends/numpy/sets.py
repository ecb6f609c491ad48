"""NumPy's signatures: sets. Which elements are taken is a constant, what they are is followed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .batched import one_value
from .dispatch import as_array, constant, implements


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **options: Any,
) -> Any:
    options |= {"return_inverse": return_inverse, "return_counts": return_counts, "axis": axis}
    values = one_value(ar, "np.unique")
    _, index, *others = np.unique(values, return_index=True, **options)
    values = np.take(ar, index, axis)
    results = [index] * bool(return_index) + others
    return (values, *results) if results else values


@implements(np.unique_values)
def unique_values(x: Any, /) -> Any:
    return unique(x, equal_nan=False)


def _unique_with(numpy_function: Any, **asked: bool) -> None:
    result_type = type(numpy_function(np.zeros(1)))  # a named tuple
    implements(numpy_function)(
        lambda x: result_type(*unique(as_array(x), equal_nan=False, **asked))
    )


_unique_with(np.unique_all, return_index=True, return_inverse=True, return_counts=True)
_unique_with(np.unique_counts, return_counts=True)
_unique_with(np.unique_inverse, return_inverse=True)


def _set(ar: Any, *, assume_unique: bool) -> Any:
    return as_array(ar).reshape(-1) if assume_unique else np.unique(ar)


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate((ar1, ar2), axis=None))


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1 = _set(ar1, assume_unique=assume_unique)
    return ar1[one_value(np.isin(ar1, ar2, invert=True), "np.setdiff1d")]


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1, ar2 = (_set(ar, assume_unique=assume_unique) for ar in (ar1, ar2))
    return np.sort(
        np.concatenate(
            (np.setdiff1d(ar1, ar2, assume_unique=True), np.setdiff1d(ar2, ar1, assume_unique=True))
        )
    )


@implements(np.intersect1d)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    values1, values2 = (one_value(ar, "np.intersect1d") for ar in (ar1, ar2))
    _, *indices = np.intersect1d(values1, values2, assume_unique, return_indices=True)
    common = as_array(ar1).reshape(-1)[indices[0]]
    return (common, *indices) if return_indices else common


def _isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    found = np.any(np.equal(as_array(element)[..., None], np.ravel(test_elements)), axis=-1)
    return ~found if invert else found


constant(np.isin, batched=_isin)
