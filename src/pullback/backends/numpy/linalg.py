"""NumPy spellings of the canonical functions: linear algebra on stacks of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np


def inv(x: Any) -> Any:
    return np.linalg.inv(x)


def solve(x: Any, y: Any) -> Any:
    """The solution of `x @ out = y` for a (stack of) matrices `y`."""
    return np.linalg.solve(x, y)


def det(x: Any) -> Any:
    return np.linalg.det(x)


def slogdet(x: Any) -> Any:
    return np.linalg.slogdet(x)


def cholesky(x: Any) -> Any:
    return np.linalg.cholesky(x)


def eigh(x: Any, UPLO: Any) -> Any:
    return np.linalg.eigh(x, UPLO)


def eig(x: Any) -> Any:
    return np.linalg.eig(x)


def svd(x: Any, full_matrices: bool) -> Any:
    return np.linalg.svd(x, full_matrices)


def qr(x: Any, mode: Any) -> Any:
    return np.linalg.qr(x, mode)


def pinv(x: Any, rcond: Any, hermitian: bool) -> Any:
    return np.linalg.pinv(x, rcond, hermitian)


def vector_norm(x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    if axis is None and ord == 2:
        return np.linalg.norm(x, None, None, keepdims)  # the quick way through NumPy's function
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


def condition(x: Any, p: Any) -> Any:
    return np.linalg.cond(x, p)


def cofactor(x: Any) -> Any:
    """The derivative of `det`: `det(x) * inv(x).mT`, but right for singular matrices too."""
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return _cofactor_by_svd(x)
    condition = np.linalg.norm(x, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    if np.any(condition > _WELL_CONDITIONED):
        return _cofactor_by_svd(x)
    return np.linalg.det(x)[..., None, None] * inverse.mT


# Below this the inverse is as good as the decomposition, and much quicker.
_WELL_CONDITIONED = 1e4


def _cofactor_by_svd(x: Any) -> Any:
    u, s, vh, phase = _svd_with_phase(x)
    return phase * ((u.conj() * _products_but_one(s)[..., None, :]) @ vh.conj())


def cofactor_derivative(x: Any, y: Any) -> Any:
    """The derivative of `cofactor` at `x` in the direction `y`, for singular matrices too."""
    u, s, vh, phase = _svd_with_phase(x)
    y = u.conj().mT @ y @ vh.conj().mT
    eye = np.eye(s.shape[-1], dtype=bool)
    products = np.where(eye, 0, _products_but_one(np.where(eye, 1, s[..., None, :])))
    diagonal = products @ np.diagonal(y, axis1=-2, axis2=-1)[..., None]
    return phase * (u.conj() @ np.where(eye, diagonal, -products * y.mT) @ vh.conj())


def nearly_singular(x: Any) -> Any:
    """Which matrices have lost two thirds of their digits to their condition number."""
    s = np.linalg.svd(x, compute_uv=False)
    small = s <= np.cbrt(np.finfo(s.dtype).eps) * s[..., :1]
    return np.any(small, axis=-1)[..., None, None]


def _svd_with_phase(x: Any) -> tuple[Any, Any, Any, Any]:
    """The singular value decomposition, and the determinant of its two unitary factors."""
    u, s, vh = np.linalg.svd(x)
    return u, s, vh, (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]


def _products_but_one(s: Any) -> Any:
    """For each element, the product of the others: without a division, so zeros are no matter."""
    ones = np.ones_like(s[..., :1])
    before = np.concatenate([ones, s[..., :-1]], axis=-1)[..., : s.shape[-1]]
    after = np.concatenate([ones, s[..., :0:-1]], axis=-1)[..., : s.shape[-1]]
    return np.cumprod(before, axis=-1) * np.cumprod(after, axis=-1)[..., ::-1]


def coincide(w: Any) -> Any:
    """Which pairs of the eigenvalues or singular values `w` are equal, as far as rounding tells."""
    gaps = abs(w[..., None, :] - w[..., :, None])
    return gaps <= _rounding(w)[..., None]


def vanish(s: Any) -> Any:
    """Which of the singular values `s` are zero, as far as rounding tells."""
    return s <= _rounding(s)


def _rounding(w: Any) -> Any:
    return 4 * np.finfo(w.dtype).eps * np.sum(abs(w), axis=-1, keepdims=True)


def indeterminate(x: Any, where: Any) -> Any:
    """X times 0 / 0, `where` a derivative divides by zero: nan, or 0 where x vanishes.

    An element vanishes if it is no more than rounding beside the whole matrix.
    """
    if not np.any(where):
        return np.zeros_like(x)
    return np.where(where & _counts(x, x), np.nan, 0).astype(x.dtype)


def objection(x: Any, beside: Any) -> Any:
    """For each matrix, nan if any element of x is more than rounding `beside` another matrix."""
    seen = np.any(_counts(x, beside), axis=(-2, -1), keepdims=True)
    return np.where(seen, np.nan, 0).astype(x.real.dtype)


def unseen(values: Any, ambiguous: Any, inner: Any) -> Any:
    """For each matrix, nan if the cotangent of one of its `ambiguous` values cannot be placed.

    That is so where the cotangent of the value counts while the diagonal of `inner`, that of
    its vectors, vanishes: `V @ diag(h(w)) @ V.T` with h(w) = 0 looks no other than the sum of
    h(w) then, and their derivatives differ.
    """
    if not np.any(ambiguous):
        stack = np.broadcast_shapes(values.shape[:-1], ambiguous.shape[:-1], inner.shape[:-2])
        return np.zeros((*stack, 1, 1), inner.real.dtype)
    diagonal = np.diagonal(inner, axis1=-2, axis2=-1)[..., None, :]
    values = values[..., None, :]
    lost = ambiguous[..., None, :] & _counts(values, values) & ~_counts(diagonal, inner)
    return np.where(np.any(lost, axis=-1, keepdims=True), np.nan, 0).astype(inner.real.dtype)


def _counts(x: Any, beside: Any) -> Any:
    size = np.linalg.norm(beside, axis=(-2, -1), keepdims=True)
    return ~(abs(x) <= np.sqrt(np.finfo(x.dtype).eps) * size)
