"""torch spellings of the canonical functions: linear algebra on stacks of matrices.

NumPy's spellings say what each of them is.
"""

from __future__ import annotations

from typing import Any

import torch

_linalg = torch.linalg

inv, solve, det = _linalg.inv, _linalg.solve, _linalg.det
matrix_exp = torch.matrix_exp


def solve_triangular(x: Any, y: Any, upper: bool, unit: bool) -> Any:
    return _linalg.solve_triangular(x, y, upper=upper, unitriangular=unit)


def cholesky_solve(x: Any, y: Any, upper: bool) -> Any:
    return torch.cholesky_solve(y, x, upper)


def lu_factor(x: Any) -> Any:
    return tuple(_linalg.lu_factor(x))


def eig(x: Any) -> Any:
    return tuple(_linalg.eig(x))


def distances(x: Any, y: Any, mode: Any) -> Any:
    return torch._VF.cdist(x, y, 2.0, mode)


def slogdet(x: Any) -> Any:
    return tuple(_linalg.slogdet(x))


def cholesky(x: Any) -> Any:
    return _linalg.cholesky(x)


def eigh(x: Any, UPLO: str) -> Any:
    return tuple(_linalg.eigh(x, UPLO))


def svd(x: Any, full_matrices: bool) -> Any:
    return tuple(_linalg.svd(x, full_matrices))


def qr(x: Any, mode: str) -> Any:
    return tuple(_linalg.qr(x, mode))


def pinv(x: Any, rcond: Any, hermitian: bool) -> Any:
    return _linalg.pinv(x, hermitian=hermitian, **({} if rcond is None else {"rcond": rcond}))


def vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    return _linalg.vector_norm(x, ord, axis, keepdims)


def cofactor(x: Any) -> Any:
    inverse, info = _linalg.inv_ex(x)
    condition = _size(x) * _size(inverse)
    if bool((info != 0).any()) or not bool((condition <= _WELL_CONDITIONED).all()):
        u, s, vh, phase = _svd_with_phase(x)
        return phase * ((u.conj() * _products_but_one(s)[..., None, :]) @ vh.conj())
    return _linalg.det(x)[..., None, None] * inverse.mT


_WELL_CONDITIONED = 1e4


def cofactor_derivative(x: Any, y: Any) -> Any:
    u, s, vh, phase = _svd_with_phase(x)
    y = u.mH @ y @ vh.mH
    eye = torch.eye(s.shape[-1], dtype=torch.bool, device=x.device)
    products = torch.where(eye, 0, _products_but_one(torch.where(eye, 1, s[..., None, :])))
    products = products.to(y.dtype)
    diagonal = products @ torch.diagonal(y, 0, -2, -1)[..., None]
    return phase * (u.conj() @ torch.where(eye, diagonal, -products * y.mT) @ vh.conj())


def nearly_singular(x: Any) -> Any:
    s = _linalg.svdvals(x)
    small = s <= torch.finfo(s.dtype).eps ** (1 / 3) * s[..., :1]
    return small.any(-1)[..., None, None]


def _svd_with_phase(x: Any) -> tuple[Any, Any, Any, Any]:
    u, s, vh = _linalg.svd(x)
    return u, s, vh, (_linalg.det(u) * _linalg.det(vh))[..., None, None]


def _products_but_one(s: Any) -> Any:
    ones = torch.ones_like(s[..., :1])
    before = torch.cat((ones, s[..., :-1]), -1)
    after = torch.cat((ones, s[..., 1:].flip(-1)), -1)
    return before.cumprod(-1) * after.cumprod(-1).flip(-1)


def _size(x: Any) -> Any:
    return torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True)


def coincide(w: Any) -> Any:
    return abs(w[..., None, :] - w[..., :, None]) <= _rounding(w)[..., None]


def vanish(s: Any) -> Any:
    return s <= _rounding(s)


def _rounding(w: Any) -> Any:
    return 4 * torch.finfo(w.dtype).eps * abs(w).sum(-1, keepdim=True)


def indeterminate(x: Any, where: Any) -> Any:
    if not bool(where.any()):
        return torch.zeros_like(x)
    return _nan_where(where & _counts(x, x), x)


def _nan_where(condition: Any, like: Any) -> Any:
    return torch.zeros(condition.shape, dtype=like.dtype, device=like.device).masked_fill(
        condition, torch.nan
    )


def objection(x: Any, beside: Any) -> Any:
    return _nan_where(_counts(x, beside).any(-1, keepdim=True).any(-2, keepdim=True), abs(x[:0]))


def unseen(values: Any, ambiguous: Any, inner: Any) -> Any:
    diagonal = torch.diagonal(inner, 0, -2, -1)[..., None, :]
    values = values[..., None, :]
    lost = ambiguous[..., None, :] & _counts(values, values) & ~_counts(diagonal, inner)
    return _nan_where(lost.any(-1, keepdim=True), abs(inner[:0]))


def _counts(x: Any, beside: Any) -> Any:
    return ~(abs(x) <= torch.finfo(x.dtype).eps ** 0.5 * _size(beside))
