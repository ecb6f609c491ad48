"""NumPy's signatures: np.linalg.  What is no decomposition itself is a combination of them."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...core import raw
from ...errors import UnsupportedError
from ...ops import linalg as ops
from .batched import agreed
from .dispatch import (
    NO_VALUE,
    as_array,
    constant,
    implements,
    normalize_axes,
    normalize_axis,
    plain,
)

# NumPy's own result types, which have no public name.
_EighResult = type(np.linalg.eigh(np.eye(1)))
_EigResult = type(np.linalg.eig(np.eye(1)))
_QRResult = type(np.linalg.qr(np.eye(1)))
_SVDResult = type(np.linalg.svd(np.eye(1)))
_SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


# Systems and determinants


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    return ops.inv(a)


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    if b.ndim == 1:
        return np.squeeze(ops.solve(a, b[:, None]), -1)
    return ops.solve(a, b)


@implements(np.linalg.det)
def det(a: Any) -> Any:
    return ops.det(a)


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    return _SlogdetResult(*ops.slogdet(a))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = NO_VALUE) -> Any:
    if rcond is None:
        if rtol is NO_VALUE:
            rcond = 1e-15
        elif rtol is None:
            rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps
        else:
            rcond = rtol
    elif rtol is not NO_VALUE:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    if hermitian:
        a = _of_triangle(a, lower=True)
    return ops.pinv(a, rcond=plain(rcond), hermitian=bool(hermitian))


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The minimum-norm solution, its residuals, the rank (a constant) and the singular values."""
    a, b = as_array(a), as_array(b)
    if a.ndim != 2:
        raise np.linalg.LinAlgError(
            f"{a.ndim}-dimensional array given. Array must be two-dimensional"
        )
    if b.ndim not in (1, 2):
        raise np.linalg.LinAlgError(
            f"{b.ndim}-dimensional array given. Array must be one- or two-dimensional"
        )
    if b.shape[0] != a.shape[0]:
        raise np.linalg.LinAlgError("Incompatible dimensions")
    dtype = np.result_type(a.dtype, b.dtype, np.float32)
    wide = np.result_type(dtype, np.float64)  # NumPy computes in double precision and decides so
    a, b = a.astype(wide), b.astype(wide)
    epsilon = np.finfo(wide).eps
    rcond = epsilon * max(a.shape) if rcond is None else plain(rcond)
    cutoff = epsilon if rcond < 0 else rcond
    singular = np.linalg.svdvals(a)
    values = plain(singular)
    rank = np.count_nonzero(values > cutoff * np.max(values, initial=0))
    rank = np.int32(agreed(rank, "the rank in np.linalg.lstsq"))
    x = ops.pinv(a, rcond=cutoff, hermitian=False) @ b
    rows, columns = a.shape
    real = np.finfo(dtype).dtype
    if rank != columns or rows <= columns:
        residuals = np.empty(0, real)
    else:
        difference = b - a @ x
        squares = np.real(difference * np.conjugate(difference))
        residuals = np.sum(squares, axis=0, keepdims=b.ndim == 1).astype(real)
    return x.astype(dtype), residuals, rank, singular.astype(real)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    matrix = np.reshape(a, (math.prod(a.shape[ind:]), -1))
    return np.reshape(np.linalg.inv(matrix), a.shape[ind:] + a.shape[:ind])


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = as_array(a), as_array(b)
    if axes is not None:
        order = list(range(a.ndim))
        for axis in axes:
            order.remove(axis)
            order.append(axis)
        a = np.transpose(a, order)
    shape = a.shape[-(a.ndim - b.ndim) :]
    size = math.prod(shape)
    if a.size != size**2:
        raise np.linalg.LinAlgError(
            "Input arrays must satisfy the requirement "
            "prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        )
    matrix = np.reshape(a, (size, size))
    return np.reshape(np.linalg.solve(matrix, np.ravel(b)), shape)


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    _check_stacked(a)
    if a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    n = operator.index(n)
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape).copy()
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power = None
    while n:
        if n & 1:
            power = a if power is None else power @ a
        n >>= 1
        if n:
            a = a @ a
    return power


def _check_stacked(a: Any) -> None:
    if a.ndim < 2:
        raise np.linalg.LinAlgError(
            f"{a.ndim}-dimensional array given. Array must be at least two-dimensional"
        )


# Decompositions


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    factor = ops.cholesky(_of_triangle(a, lower=not upper))
    return _adjoint(factor) if upper else factor


def _of_triangle(a: Any, *, lower: bool) -> Any:
    """The Hermitian matrix that `a` has one triangle of: the other is never read."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return a  # NumPy's own error follows
    half = np.tril(a, -1) if lower else np.triu(a, 1)
    return np.where(np.eye(a.shape[-1], dtype=bool), np.real(a), half + _adjoint(half))


def _adjoint(a: Any) -> Any:
    return np.conjugate(np.swapaxes(a, -1, -2))


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    return _EighResult(*ops.eigh(_of_triangle(a, lower=UPLO in "Ll"), UPLO=UPLO))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return ops.eigh(_of_triangle(a, lower=UPLO in "Ll"), UPLO=UPLO)[0]


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    return _EigResult(*ops.eig(a))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    return ops.eig(a)[0]


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        return _svd_of_hermitian(a, compute_uv)
    if not compute_uv:
        return ops.svd(a, full_matrices=False)[1]
    return _SVDResult(*ops.svd(a, full_matrices=bool(full_matrices)))


def _svd_of_hermitian(a: Any, compute_uv: bool) -> Any:
    s, u = np.linalg.eigh(a)
    order = np.argsort(abs(plain(s)), axis=-1)[..., ::-1]
    s = np.take_along_axis(s, order, axis=-1)
    if not compute_uv:
        return abs(s)
    u = np.take_along_axis(u, order[..., None, :], axis=-1)
    return _SVDResult(u, abs(s), _adjoint(u * np.sign(s)[..., None, :]))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    return ops.svd(x, full_matrices=False)[1]


@implements(np.linalg.qr)
def qr(a: Any, mode: Any = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        np.linalg.qr(np.eye(1), mode)  # NumPy's own error for a mode it does not know
        raise UnsupportedError(
            f"np.linalg.qr with mode={mode!r} has no derivative rule in pullback; "
            "use mode='reduced'"
        )
    _check_stacked(a)
    rows, columns = a.shape[-2:]
    # The first columns decide; those beyond the rows are only expressed in their basis.
    q, r = ops.qr(a[..., :rows] if columns > rows else a, mode="reduced" if mode == "r" else mode)
    if columns > rows:
        r = np.concatenate([r, _adjoint(q) @ a[..., rows:]], axis=-1)
    return r if mode == "r" else _QRResult(q, r)


def _matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if A.ndim < 2:
        return np.any(A != 0).astype(int)
    values = abs(eigvalsh(A)) if hermitian else svdvals(A)
    largest = np.max(values, axis=-1, keepdims=True, initial=0)
    if tol is None:
        rtol = max(A.shape[-2:]) * np.finfo(values.dtype).eps if rtol is None else rtol
        tol = largest * as_array(rtol)[..., None]
    else:
        tol = as_array(tol)[..., None]
    return np.count_nonzero(values > tol, axis=-1)


constant(np.linalg.matrix_rank, batched=_matrix_rank)


# Norms


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = as_array(x)
    if axis is None:
        if ord is None:
            return ops.vector_norm(x, ord=2, axis=None, keepdims=bool(keepdims))
        axis = tuple(range(x.ndim))
    axis = axis if isinstance(axis, tuple) else (operator.index(axis),)
    if len(axis) == 1:
        return _vector_norm(x, ord, axis, keepdims)
    if len(axis) == 2:
        return _matrix_norm(x, ord, axis, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")  # noqa: TRY004 (NumPy's own)
    ord = 2 if ord is None else ord
    axes = normalize_axes(axis, x.ndim)
    return ops.vector_norm(x, ord=ord, axis=axes, keepdims=bool(keepdims))


def _matrix_norm(x: Any, ord: Any, axis: tuple[int, int], keepdims: bool) -> Any:
    row, column = (normalize_axis(one, x.ndim) for one in axis)
    if row == column:
        raise ValueError("Duplicate axes given.")
    if ord in (None, "fro", "f"):
        return ops.vector_norm(x, ord=2, axis=(row, column), keepdims=bool(keepdims))
    if ord in ("nuc", 2, -2):
        values = np.linalg.svdvals(np.moveaxis(x, (row, column), (-2, -1)))
        reduce = np.sum if ord == "nuc" else _extreme(ord, values.shape[-1])
        value = reduce(values, axis=-1)
        return np.expand_dims(value, (row, column)) if keepdims else value
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    added, compared = (row, column) if abs(ord) == 1 else (column, row)
    sums = np.sum(abs(x), axis=added, keepdims=True)
    value = _extreme(ord, x.shape[compared])(sums, axis=compared, keepdims=True)
    if keepdims:
        return value
    value = np.squeeze(value, (row, column))
    return value if value.ndim else value[()]


def _extreme(ord: Any, count: int) -> Any:
    """What takes the largest (or smallest) of `count` sizes; the largest of none is zero."""
    if ord < 0:
        return np.min
    return np.max if count else np.sum


@implements(np.linalg.vector_norm)
def vector_norm(
    x: Any,
    /,
    *,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,
) -> Any:
    return _vector_norm(x, ord, axis, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    x = as_array(x)
    if x.size == 0 and math.prod(x.shape[-2:]) == 0:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        values = np.linalg.svdvals(x)
        first, last = values[..., 0], values[..., -1]
        with np.errstate(all="ignore"):
            ratio = last / first if p == -2 else first / last
    else:
        # A singular matrix has an infinite condition number, and no derivative.
        expected = ops.condition(plain(x), p=p)
        singular = ~np.isfinite(expected)
        regular = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
        ratio = norm(regular, p, (-2, -1)) * norm(np.linalg.inv(regular), p, (-2, -1))
        # Before NumPy 2.3, that of a complex matrix is a complex number.
        ratio = np.where(singular, np.inf, ratio).astype(expected.dtype, copy=False)
    undefined = np.isnan(ratio) & ~np.any(np.isnan(x), axis=(-2, -1))
    return np.where(undefined, np.inf, ratio) if np.any(raw(undefined)) else ratio
