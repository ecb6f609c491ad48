"""NumPy's signatures: differences, integrals, interpolation and polynomials, from others."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ...core import detached, raw
from ...ops import reduce as ops
from .batched import agreed, form
from .dispatch import NO_VALUE, as_array, implements, is_box, normalize_axis, refuse, unsupported
from .index import read


def _along(axis: int, ndim: int) -> Any:
    """`cut(start, stop)` is the index that takes that part of `axis`."""

    def cut(start: int | None, stop: int | None) -> tuple[slice, ...]:
        index = [slice(None)] * ndim
        index[axis] = slice(start, stop)
        return tuple(index)

    return cut


# Differences


@implements(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = NO_VALUE, append: Any = NO_VALUE
) -> Any:
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    a = as_array(a)
    if a.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = normalize_axis(axis, a.ndim)
    if prepend is not NO_VALUE or append is not NO_VALUE:
        a = _extended(a, axis, prepend, append)
    for _ in range(min(n, a.shape[axis])):  # after that, there is nothing left
        a = ops.difference(a, axis=axis)
    return a


def _extended(a: Any, axis: int, prepend: Any, append: Any) -> Any:
    shape = list(a.shape)
    shape[axis] = 1
    parts = [a]
    if prepend is not NO_VALUE:
        prepend = as_array(prepend)
        parts.insert(0, prepend if prepend.ndim else np.broadcast_to(prepend, tuple(shape)))
    if append is not NO_VALUE:
        append = as_array(append)
        parts.append(append if append.ndim else np.broadcast_to(append, tuple(shape)))
    return np.concatenate(parts, axis=axis)


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = as_array(ary).reshape(-1)
    parts = [ary[1:] - ary[:-1]]
    for name, given in (("to_begin", to_begin), ("to_end", to_end)):
        if given is None:
            continue
        part = as_array(given).reshape(-1)
        if not np.can_cast(part.dtype, ary.dtype, casting="same_kind"):
            raise TypeError(
                f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule."
            )
        part = part.astype(ary.dtype)
        parts = [part, *parts] if name == "to_begin" else [*parts, part]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_array(f)
    if f.dtype.kind not in "fc":
        f = f.astype(np.float64)
    axes = range(-f.ndim, 0) if axis is None else [normalize_axis(a, f.ndim) for a in _listed(axis)]
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    spacings = _spacings(f, axes, varargs)
    results = [
        _gradient_along(f, spacing, one, edge_order)
        for one, spacing in zip(axes, spacings, strict=True)
    ]
    return results[0] if len(results) == 1 else tuple(results)


def _listed(axis: Any) -> tuple[Any, ...]:
    return axis if isinstance(axis, tuple) else (axis,)


def _spacings(f: Any, axes: Any, given: tuple[Any, ...]) -> list[Any]:
    """For each axis the step, or the steps between its coordinates."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return [given[0]] * len(axes)
    if len(given) != len(axes):
        raise TypeError("invalid number of arguments")
    return [_steps(f.shape[axis], one) for axis, one in zip(axes, given, strict=True)]


def _steps(size: int, coordinates: Any) -> Any:
    coordinates = as_array(coordinates)
    if coordinates.ndim == 0:
        return coordinates
    if coordinates.ndim != 1:
        raise ValueError("distances must be either scalars or 1d")
    if coordinates.shape[0] != size:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    if coordinates.dtype.kind in "iu":
        coordinates = coordinates.astype(np.float64)
    steps = np.diff(coordinates)
    # Traced coordinates may be equally spaced by chance, and each has its own derivative.
    equal = not is_box(steps) and (steps == steps[0]).all()
    return steps[0] if equal else steps


def _gradient_along(f: Any, steps: Any, axis: int, edge_order: int) -> Any:
    """Second-order differences inside, one-sided ones of `edge_order` at the two ends."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required."
        )
    cut = _along(axis, f.ndim)
    if np.ndim(steps) == 0:
        first = second = before_last = last = steps
        inside = (f[cut(2, None)] - f[cut(None, -2)]) / (2.0 * steps)
    else:
        first, last = steps[0], steps[-1]
        second, before_last = (steps[1], steps[-2]) if edge_order > 1 else (first, last)
        column = steps.reshape([-1 if a - f.ndim == axis else 1 for a in range(f.ndim)])
        left, right = column[cut(None, -1)], column[cut(1, None)]
        inside = (
            f[cut(None, -2)] * (-right / (left * (left + right)))
            + f[cut(1, -1)] * ((right - left) / (left * right))
            + f[cut(2, None)] * (left / (right * (left + right)))
        )
    slopes = [f[cut(1, 2)] - f[cut(0, 1)], f[cut(-1, None)] - f[cut(-2, -1)]]
    start, end = slopes[0] / first, slopes[1] / last
    if edge_order == 2:
        # The parabola through three points, by Newton's divided differences.
        inner = (f[cut(2, 3)] - f[cut(1, 2)]) / second
        start = start - (inner - start) * (first / (first + second))
        inner = (f[cut(-2, -1)] - f[cut(-3, -2)]) / before_last
        end = end + (end - inner) * (last / (last + before_last))
    result = np.concatenate([start, inside, end], axis=axis)
    return result if result.dtype == f.dtype else result.astype(f.dtype)


# Integrals, interpolation, phases


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_array(y)
    cut = _along(axis, y.ndim)
    if x is None:
        steps = dx
    else:
        x = as_array(x)
        steps = np.diff(x) if x.ndim == 1 else np.diff(x, axis=axis)
        if x.ndim == 1:
            shape = [1] * y.ndim
            shape[axis] = -1
            steps = steps.reshape(shape)
    return np.sum(steps * (y[cut(1, None)] + y[cut(None, -1)]) / 2.0, axis=axis)


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    x, xp, fp = as_array(x), _as_dtype(xp, np.float64), as_array(fp)
    fp = _as_dtype(fp, np.complex128 if fp.dtype.kind == "c" else np.float64)
    x = _as_dtype(x, np.float64)
    if xp.ndim != 1 or fp.ndim != 1:
        raise ValueError("Data points must be 1-D sequences")
    if xp.shape != fp.shape:
        raise ValueError("fp and xp are not of the same length")
    if xp.shape[0] == 0:
        raise ValueError("array of sample points is empty")
    if period is not None:
        if np.any(raw(period) == 0):
            raise ValueError("period must be a non-zero value")
        left = right = None
        x, xp, fp = _one_period(x, xp, fp, abs(period))
    points, values = detached(xp), detached(x)
    size = points.shape[0]
    place = np.clip(np.searchsorted(points, values, side="right") - 1, 0, max(size - 2, 0))
    after = np.minimum(place + 1, size - 1)
    gap = _at(xp, after) - _at(xp, place)
    gap = np.where(gap == 0, 1.0, gap)
    base = np.where(values == points[-1], size - 1, place)
    slope = (_at(fp, after) - _at(fp, place)) / gap
    result = _at(fp, base) + (x - _at(xp, base)) * slope
    result = np.where(values < points[0], fp[0] if left is None else left, result)
    result = np.where(values > points[-1], fp[-1] if right is None else right, result)
    return result if result.ndim else result[()]


def _at(points: Any, places: Any) -> Any:
    """`points[places]`, of which either may be batched."""
    return read(points, places) if is_box(places) else points[places]


def _as_dtype(value: Any, dtype: Any) -> Any:
    value = as_array(value)
    return value if value.dtype == dtype else value.astype(dtype)


def _one_period(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Everything in one period, with a point more on either side."""
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


@implements(np.unwrap)
def unwrap(
    p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi
) -> Any:
    if is_box(period) or is_box(discont):
        raise unsupported("np.unwrap with a traced period or discont")
    values = detached(p)
    jumps = (
        ops.unwrapped(values, discont=discont, axis=normalize_axis(axis, p.ndim), period=period)
        - values
    )
    # Whole periods: the rounding of the subtraction goes.
    return p + (np.around(jumps / period) * period).astype(jumps.dtype)


# Polynomials, the highest power first


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    count = x.shape[0] if N is None else N
    if count <= 0:
        return np.vander(form(x), count)
    x = _as_dtype(x, np.promote_types(x.dtype, int))
    powers = [np.ones(x.shape, x.dtype), x]
    while len(powers) < count:
        powers.append(powers[-1] * x)
    powers = powers[:count]
    return np.stack(powers if increasing else powers[::-1], axis=-1)


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    if isinstance(x, np.poly1d):
        raise unsupported("np.polyval at a poly1d", "Compose the polynomials at an array instead.")
    p, x = as_array(p), as_array(x)
    y = np.zeros(x.shape, x.dtype)
    for place in range(p.shape[0]):
        y = y * x + p[place]
    return y


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    m = int(m)
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    for _ in range(m):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    m = int(m)
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = np.zeros(m) if k is None else as_array(k).reshape(-1)
    if constants.shape[0] == 1 and m > 1:
        constants = constants * np.ones(m)
    if constants.shape[0] < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    p = as_array(p)
    for one in range(m):
        divided = p / np.arange(p.shape[0], 0, -1)
        p = np.concatenate([divided, constants[one : one + 1]])
    return p


def _aligned(a: Any, b: Any) -> tuple[Any, Any]:
    a, b = as_array(a).reshape(-1), as_array(b).reshape(-1)
    size = max(a.shape[0], b.shape[0])
    return _lengthened(a, size), _lengthened(b, size)


def _lengthened(p: Any, size: int) -> Any:
    missing = size - p.shape[0]
    return np.concatenate([np.zeros(missing, p.dtype), p]) if missing else p


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = _aligned(a1, a2)
    return a1 + a2


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = _aligned(a1, a2)
    return a1 - a2


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_trimmed(a1), _trimmed(a2))


def _trimmed(p: Any) -> Any:
    """Without the leading zeros, as a poly1d is."""
    p = as_array(p).reshape(-1)
    leading = int(agreed(_leading_zeros(p), "how many leading zeros a polynomial has"))
    return p[leading:] if leading < p.shape[0] else p[-1:]


def _leading_zeros(p: Any) -> Any:
    """How many coefficients come before the first that is not zero."""
    return np.count_nonzero(np.logical_and.accumulate(detached(p) == 0))


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    u, v = as_array(u), as_array(v)
    dtype = (form(u).ravel()[:1] + form(v).ravel()[:1] + 0.0).dtype
    u, v = (_as_dtype(p.reshape(-1), dtype) for p in (u, v))
    remainder, steps = u, max(u.shape[0] - v.shape[0] + 1, 1)
    if u.shape[0] < v.shape[0]:
        quotient = np.zeros(1, dtype)
    else:
        factors = []
        scale = 1.0 / v[0]
        for step in range(steps):
            factors.append(scale * remainder[step])
            before, after = np.zeros(step, dtype), np.zeros(steps - 1 - step, dtype)
            remainder = remainder - np.concatenate([before, factors[-1] * v, after])
        quotient = np.stack(factors)
    values = detached(remainder)
    first = 0
    what = "how many leading zeros a remainder has"
    while first < len(values) - 1 and agreed(np.allclose(values[first], 0, rtol=1e-14), what):
        first += 1
    return quotient, remainder[first:]


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    roots = np.atleast_1d(seq_of_zeros)
    if roots.ndim == 2 and roots.shape[0] == roots.shape[1] != 0:
        roots = np.linalg.eigvals(roots)
    elif roots.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if roots.shape[0] == 0:
        return 1.0
    one = np.ones(1, roots.dtype)
    result = one
    for root in roots:
        result = np.convolve(result, np.concatenate([one, -root.reshape(1)]))
    if result.dtype.kind != "c":
        return result
    values = detached(roots)
    paired = np.array_equal(np.sort(values), np.sort(values.conjugate()))
    paired = agreed(paired, "whether the roots are conjugate pairs")
    return result.real * 1 if paired else result


@implements(np.roots)
def roots(p: Any) -> Any:
    p = np.atleast_1d(p)
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    what = "how many zeros a polynomial starts or ends with"
    first, at_zero = (int(agreed(_leading_zeros(q), what)) for q in (p, p[::-1]))
    if first == p.shape[0]:
        return np.array([])
    p = p[first : p.shape[0] - at_zero]
    if p.dtype.kind not in "fc":
        p = p.astype(np.float64)
    size = p.shape[0] - 1
    if not size:
        return np.zeros(at_zero)
    companion = np.concatenate([(-p[1:] / p[0])[None], np.eye(size - 1, size, dtype=p.dtype)])
    found = np.linalg.eigvals(companion)
    if p.dtype.kind == "f" and agreed(np.isreal(found).all(), "whether the roots are real"):
        found = found.real  # since NumPy 2.5, eigenvalues are complex numbers all the same
    return np.concatenate([found, np.zeros(at_zero, found.dtype)])


@implements(np.polyfit)
def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    refuse(np.polyfit, full=full or None)
    x, y, w = _checked_fit(x, y, deg, w)
    order = int(deg) + 1
    if rcond is None:
        rcond = x.shape[0] * np.finfo(x.dtype).eps
    design = np.vander(x, order)
    if w is not None:
        design = design * w[:, None]
        y = y * (w[:, None] if y.ndim > 1 else w)
    # Columns of length one: the coefficients are then well conditioned as far as they can be.
    scale = np.sqrt(np.sum(design * design, axis=0))
    design = design / scale
    solution, residuals, rank, _ = np.linalg.lstsq(design, y, rcond)
    if rank != order:
        message = "Polyfit may be poorly conditioned"
        warnings.warn(message, np.exceptions.RankWarning, stacklevel=2)
    solution = (solution.T / scale).T
    if not cov:
        return solution
    base = np.linalg.inv(np.matmul(design.T, design)) / np.outer(scale, scale)
    if cov != "unscaled":
        if x.shape[0] <= order:
            raise ValueError(
                "the number of data points must exceed order to scale the covariance matrix"
            )
        factor = residuals / (x.shape[0] - order)
    else:
        factor = np.ones(1)
    return solution, base * factor if y.ndim == 1 else base[:, :, None] * factor


def _checked_fit(x: Any, y: Any, deg: int, w: Any) -> tuple[Any, Any, Any]:
    x, y = (as_array(v) for v in (x, y))
    x, y = (v if v.dtype.kind in "fc" else v + 0.0 for v in (x, y))
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if x.size == 0:
        raise TypeError("expected non-empty vector for x")
    if not 1 <= y.ndim <= 2:
        raise TypeError("expected 1D or 2D array for y")
    if x.shape[0] != y.shape[0]:
        raise TypeError("expected x and y to have same length")
    if w is not None:
        w = as_array(w)
        if w.ndim != 1:
            raise TypeError("expected a 1-d array for weights")
        if w.shape[0] != y.shape[0]:
            raise TypeError("expected w and y to have the same length")
    return x, y, w
