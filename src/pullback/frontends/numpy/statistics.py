"""NumPy's signatures: averages, order statistics, covariances and histograms, from other functions.

An order statistic is followed into the elements that attain it, in even parts where several do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import detached, raw
from ...ops import index as index_ops
from ...ops import reduce as ops
from .batched import agreed, form, one_value
from .dispatch import (
    NO_VALUE,
    any_box,
    as_array,
    implements,
    is_box,
    normalize_axes,
    plain,
    refuse,
    unsupported,
)
from .index import unindex_at

# Averages


@implements(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = NO_VALUE,
) -> Any:
    a = as_array(a)
    keepdims = keepdims is not NO_VALUE and bool(keepdims)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        total = mean.dtype.type(a.size / max(mean.size, 1))
    else:
        weights = _weights_along(a, as_array(weights), axis)
        dtype = np.result_type(a.dtype, weights.dtype)
        total = np.sum(weights, axis=axis, dtype=dtype, keepdims=keepdims)
        if np.any(raw(total) == 0.0):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, np.broadcast_to(total, mean.shape)) if returned else mean


def _weights_along(a: Any, weights: Any, axis: Any) -> Any:
    """The weights in a shape that broadcasts against `a`."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = [a.ndim + one for one in normalize_axes(axis, a.ndim) or ()]
    if weights.shape != tuple(a.shape[one] for one in axes):
        raise ValueError("Shape of weights must be consistent with shape of a along axis.")
    order = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    shape = tuple(n if one in axes else 1 for one, n in enumerate(a.shape))
    return np.reshape(np.transpose(weights, order), shape)


# Order statistics


def _rows(a: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """`a` with the reduced axes as one last axis, and the shape that keepdims gives the result."""
    axes = normalize_axes(axis, a.ndim)
    if axes is None:
        return a.reshape(-1), (1,) * a.ndim
    reduced = sorted(a.ndim + one for one in axes)
    kept = [one for one in range(a.ndim) if one not in reduced]
    shape = tuple(1 if one in reduced else n for one, n in enumerate(a.shape))
    rows = a if [*kept, *reduced] == list(range(a.ndim)) else a.transpose([*kept, *reduced])
    if len(reduced) != 1:
        size = math.prod(a.shape[one] for one in reduced)
        rows = rows.reshape((*(a.shape[one] for one in kept), size))
    return rows, shape


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    refuse(np.median, out=out)
    if a.size == 0:
        return np.median(form(a), axis=axis, keepdims=keepdims)
    rows, kept = _rows(a, axis)
    size = rows.shape[-1]
    middle = ((size - 1) // 2,) if size % 2 else (size // 2 - 1, size // 2)
    result = _spoil(np.mean(ops.kth(rows, ranks=middle), axis=-1), rows)[()]
    return result.reshape(kept) if keepdims else result


def _spoil(result: Any, rows: Any) -> Any:
    """The nan of every row that has one: its derivative goes to it, as an extreme's does."""
    missing = np.any(np.isnan(rows), axis=-1)
    if not np.any(raw(missing)):
        return result
    extra = (1,) * (result.ndim - missing.ndim)
    spoiled = np.max(rows, axis=-1).reshape(missing.shape + extra)
    return np.where(missing.reshape(missing.shape + extra), spoiled, result)


def _hyndman_fan(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


# The place (from 0, not whole) of the quantile q among n sorted elements, by method.
_PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "linear": lambda n, q: (n - 1) * q,
    "interpolated_inverted_cdf": _hyndman_fan(0, 1),
    "hazen": _hyndman_fan(0.5, 0.5),
    "weibull": _hyndman_fan(0, 0),
    "median_unbiased": _hyndman_fan(1 / 3, 1 / 3),
    "normal_unbiased": _hyndman_fan(3 / 8, 3 / 8),
}


def _midpoint(n: Any, q: Any) -> Any:
    return 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q))


def _inverted_cdf(n: Any, q: Any) -> Any:
    return np.ceil(n * q - 1)


def _averaged_inverted_cdf(n: Any, q: Any) -> Any:
    place = n * q - 1
    return np.where(place % 1 == 0, place + 0.5, np.ceil(place))


def _closest_observation(n: Any, q: Any) -> Any:
    place = n * q - 1.5
    below = np.floor(place)
    return np.where((place == below) & (below % 2 == 1), below, below + 1)


# The same for methods by which the place is piecewise constant in q.
_STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.around((n - 1) * q),
    "midpoint": _midpoint,
    "inverted_cdf": _inverted_cdf,
    "averaged_inverted_cdf": _averaged_inverted_cdf,
    "closest_observation": _closest_observation,
}


# Those by which it is a rank.
_WHOLE = {"lower", "higher", "nearest", "inverted_cdf", "closest_observation"}


def _place(method: str, n: Any, q: Any, dtype: Any) -> tuple[Any, Any, Any]:
    """The ranks below and above the quantile, and how far from the one to the other it is.

    The last is in `dtype` if one is given, and None where the quantile is one of the elements.
    """
    if method in _PLACES:
        place = _PLACES[method](n, q)
    elif method in _STEPS:
        place = _STEPS[method](n, detached(q))
    else:
        raise ValueError(f"{method!r} is not a valid method. Use one of: {[*_PLACES, *_STEPS]}")
    below = np.floor(place)
    part = place - below
    last = np.maximum(n - 1, 0)
    low = np.clip(below, 0, last).astype(np.intp)
    if method in _WHOLE or (method == "linear" and q.dtype.kind == "i"):
        return low, low, None
    high = np.clip(below + 1, 0, last).astype(np.intp)
    return low, high, part if dtype is None else part.astype(dtype)


def _between(low: Any, high: Any, part: Any) -> Any:
    """Linear interpolation, from the nearer end."""
    if part is None:
        return low
    gap = high - low
    return np.where(part >= 0.5, high - gap * (1 - part), low + gap * part)


def _quantile(
    a: Any, q: Any, axis: Any, method: str, keepdims: bool, *, skip_nans: bool, weak: bool
) -> Any:
    a = as_array(a)
    if a.dtype.kind == "c":
        raise TypeError("a must be an array of real numbers")
    q = as_array(q)
    if not np.all((raw(q) >= 0) & (raw(q) <= 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    rows, kept = _rows(a, axis)
    flat = q.reshape(-1)
    reach = _skipping_nans if skip_nans else _plainly
    # A Python number is weak: it does not change the dtype.
    result = reach(rows, flat, method, rows.dtype if weak and rows.dtype.kind == "f" else None)
    if q.ndim == 0:
        return result[..., 0].reshape(kept) if keepdims else result[..., 0]
    order = (result.ndim - 1, *range(result.ndim - 1))
    rest = kept if keepdims else rows.shape[:-1]
    return result.transpose(order).reshape(q.shape + rest)


def _plainly(rows: Any, q: Any, method: str, dtype: Any) -> Any:
    low, high, part = _place(method, rows.shape[-1], q, dtype)
    if is_box(low):
        return _spoil(_at_ranks(rows, low, high, part), rows)
    ranks = np.unique(np.concatenate([low, high]))
    found = ops.kth(rows, ranks=tuple(ranks.tolist()))
    low, high = (np.searchsorted(ranks, one) for one in (low, high))
    return _spoil(_between(found[..., low], found[..., high], part), rows)


def _skipping_nans(rows: Any, q: Any, method: str, dtype: Any) -> Any:
    missing = np.isnan(rows)
    if not np.any(raw(missing)):
        return _plainly(rows, q, method, dtype)
    count = np.add.reduce(~missing, axis=-1, keepdims=True)
    low, high, part = _place(method, count, q, dtype)
    # Sorted, the nans come last: the ranks of a row count its numbers alone.
    result = _at_ranks(rows, low, high, part)
    return np.where(count == 0, result.dtype.type(np.nan), result)


def _at_ranks(rows: Any, low: Any, high: Any, part: Any) -> Any:
    """Between two order statistics of each row, whose ranks differ from row to row."""
    size = low.shape[-1]
    ranks = np.concatenate([low, high], axis=-1)
    found = ops.kth_of_rows(rows, np.broadcast_to(ranks, (*rows.shape[:-1], 2 * size)))
    return _between(found[..., :size], found[..., size:], part)


def _quantile_function(numpy_function: Any, scale: int, *, skip_nans: bool) -> Any:
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        refuse(numpy_function, out=out, weights=weights)
        keepdims = keepdims is not NO_VALUE and bool(keepdims)
        a = as_array(a)
        if a.size == 0:
            return numpy_function(form(a), form(q), axis=axis, method=method, keepdims=keepdims)
        weak = type(q) in (int, float)
        if scale != 1:
            hundred = a.dtype.type(scale) if a.dtype.kind == "f" else scale
            q = (q if weak else as_array(q)) / hundred
        return _quantile(a, q, axis, method, keepdims, skip_nans=skip_nans, weak=weak)[()]

    return quantile


implements(np.quantile)(_quantile_function(np.quantile, 1, skip_nans=False))
implements(np.percentile)(_quantile_function(np.percentile, 100, skip_nans=False))
implements(np.nanquantile)(_quantile_function(np.nanquantile, 1, skip_nans=True))
implements(np.nanpercentile)(_quantile_function(np.nanpercentile, 100, skip_nans=True))


@implements(np.nanmedian)
def nanmedian(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: Any = NO_VALUE,
) -> Any:
    refuse(np.nanmedian, out=out)
    keepdims = keepdims is not NO_VALUE and bool(keepdims)
    if a.size == 0:
        return np.nanmedian(form(a), axis=axis, keepdims=keepdims)
    rows, kept = _rows(a, axis)
    count = np.add.reduce(~np.isnan(rows), axis=-1, keepdims=True)
    # Sorted, the nans come last: the ranks of a row count its numbers alone.
    middle = np.concatenate([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    result = np.mean(ops.kth_of_rows(rows, np.minimum(middle, rows.shape[-1] - 1)), axis=-1)
    result = np.where(count[..., 0] == 0, result.dtype.type(np.nan), result)[()]
    return result.reshape(kept) if keepdims else result


# Covariances


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    data = _variables(m, rowvar, "m", first=True)
    if data.shape[0] == 0:
        return np.array([]).reshape(0, 0)
    if y is not None:
        data = np.concatenate([data, _variables(y, rowvar, "y", first=False)], axis=0)
    wanted = np.result_type(data.dtype, np.float64) if dtype is None else np.dtype(dtype)
    data = data if data.dtype == wanted else data.astype(wanted)
    if ddof is None:
        ddof = 0 if bias else 1
    weights = _sample_weights(fweights, aweights, data.shape[1])
    if weights is None:
        freedom = data.shape[1] - ddof
        centred = weighted = data - np.mean(data, axis=1, keepdims=True)
    else:
        total = np.sum(weights)
        freedom = total
        if ddof != 0:
            spread = 1 if aweights is None else np.sum(weights * as_array(aweights)) / total
            freedom = total - ddof * spread
        centred = data - (np.sum(data * weights, axis=1) / total)[:, None]
        weighted = centred * weights
    if agreed(freedom <= 0, "the sign of what np.cov divides by"):
        freedom = np.float64(0.0)
    if wanted.kind == "c":
        weighted = np.conjugate(weighted)
    result = np.matmul(centred, weighted.T) * np.true_divide(1, freedom)
    return result[0, 0] if result.shape == (1, 1) else result


def _variables(data: Any, rowvar: bool, name: str, *, first: bool) -> Any:
    """The data as a matrix with a variable a row."""
    data = as_array(data)
    if data.ndim > 2:
        raise ValueError(f"{name} has more than 2 dimensions")
    matrix = data if data.ndim == 2 else data.reshape(1, -1)
    as_columns = not rowvar and (data.ndim != 1 if first else matrix.shape[0] != 1)
    return matrix.T if as_columns else matrix


def _sample_weights(fweights: Any, aweights: Any, size: int) -> Any:
    """The product of the two kinds of weights, or None."""
    product = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        weights = as_array(given)
        values = raw(weights)  # of all examples: what holds for one of them is an error
        if name == "fweights" and not np.all(values == np.around(values)):
            raise TypeError("fweights must be integer")
        if weights.ndim > 1:
            raise RuntimeError(f"cannot handle multidimensional {name}")
        if weights.shape[0] != size:
            raise RuntimeError(f"incompatible numbers of samples and {name}")
        if np.any(values < 0):
            raise ValueError(f"{name} cannot be negative")
        product = weights * 1.0 if product is None else product * weights
    return product


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    # Rounding can lead out of [-1, 1]: the values are put back, the derivative is as it was.
    values = detached(c)
    clipped = np.clip(values.real, -1, 1) - values.real
    if values.dtype.kind == "c":
        clipped = clipped + 1j * (np.clip(values.imag, -1, 1) - values.imag)
    return c + np.nan_to_num(clipped).astype(values.dtype)


# Histograms: counts are whole numbers, sums of traced weights are linear in them


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    x = np.array(one_value(x, "np.bincount"))  # a copy: the tape holds it
    if not is_box(weights):
        return np.bincount(x, weights, minlength)
    size = len(np.bincount(x, minlength=minlength))
    if weights.shape != x.shape:
        raise ValueError("The weights and list don't have the same length.")
    return index_ops.unindex(weights.astype(np.float64), shape=(size,), index=x)


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    values = as_array(detached(a)).reshape(-1)
    edges = _edges(values, bins, range)
    if is_box(weights):
        total = _weighted_histogram(values, edges, weights.reshape(-1))
    elif is_box(values) or is_box(edges):
        ones = np.ones(values.shape, int) if weights is None else as_array(weights).reshape(-1)
        total = _weighted_histogram(values, edges, ones)
    else:
        total = np.histogram(values, edges, weights=weights)[0]
    edges = _traced_edges(a, bins, range, edges)
    if density:
        return total / np.diff(edges) / np.sum(total), edges
    return total, edges


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    edges = _edges(as_array(detached(a)), bins, range)
    return _traced_edges(a, bins, range, edges)


def _edges(values: Any, bins: Any, limits: Any) -> Any:
    """The edges of the bins, as constants."""
    bins, limits = plain(bins), plain(limits)
    if is_box(bins):
        return bins
    if not any_box([values, *(limits or ())]) or (limits is not None and not any_box(limits)):
        return np.histogram_bin_edges(form(values), bins, limits)
    if isinstance(bins, str):
        raise unsupported(f"np.histogram with bins={bins!r} of a batched array")
    if np.ndim(bins):
        return as_array(bins)
    low, high = (np.min(values), np.max(values)) if limits is None else map(as_array, limits)
    apart = np.where(low == high, 0.5, 0.0)
    return np.linspace(low - apart, high + apart, bins + 1)


def _weighted_histogram(values: Any, edges: Any, weights: Any) -> Any:
    """The sum of the weights in each bin; the last bin has both of its edges."""
    count = edges.shape[0] - 1
    place = np.searchsorted(edges, values, side="right") - 1
    place = np.where(values == edges[-1], count - 1, place)
    inside = (values >= edges[0]) & (values <= edges[-1])
    # What is in no bin adds zero to one of them.
    place, weights = np.where(inside, place, 0), np.where(inside, weights, weights.dtype.type(0))
    return unindex_at(weights, (count,), place)


def _traced_edges(a: Any, bins: Any, limits: Any, edges: Any) -> Any:
    """The edges of the bins, which follow the data or the limits where those are traced."""
    if is_box(bins):
        return bins
    if np.ndim(bins) != 0 or not any_box([a] if limits is None else limits):
        return edges
    if isinstance(bins, str):
        raise unsupported(f"np.histogram with bins={bins!r} of a traced array")
    low, high = (np.min(a), np.max(a)) if limits is None else limits
    steps = np.arange(bins + 1) / bins
    following = low * (1 - steps) + high * steps
    # Where all of the data are equal, NumPy moves both limits apart by a half.
    return (following + (edges - detached(following))).astype(edges.dtype)
