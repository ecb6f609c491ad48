"""torch spellings of the canonical functions: linear algebra on stacks of matrices.

NumPy's spellings say what each of them is.
"""

from __future__ import annotations

from typing import Any

import torch

from .. import degenerate
from ..degenerate import WELL_CONDITIONED

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
    if bool((info != 0).any()) or not bool((condition <= WELL_CONDITIONED).all()):
        return degenerate.cofactor(Standard, x)
    return _linalg.det(x)[..., None, None] * inverse.mT


def _size(x: Any) -> Any:
    return _linalg.vector_norm(x, dim=(-2, -1))


class Standard:
    """torch as what `degenerate.py` asks of a library that follows the standard."""

    namespace = torch
    linalg = _linalg
    where = torch.where
    known = bool

    @staticmethod
    def mixed_product(x: Any, y: Any) -> Any:
        return x.to(y.dtype) @ y

    @staticmethod
    def running_product(x: Any, *, reverse: bool = False) -> Any:
        return x.flip(-1).cumprod(-1).flip(-1) if reverse else x.cumprod(-1)

    @staticmethod
    def is_complex(dtype: Any) -> bool:
        return dtype.is_complex

    @staticmethod
    def real_zeros(shape: Any, like: Any) -> Any:
        return torch.zeros(shape, dtype=like.dtype.to_real(), device=like.device)

    @staticmethod
    def shape_together(*arrays: Any) -> tuple[int, ...]:
        return torch.broadcast_shapes(*(array.shape for array in arrays))

    @staticmethod
    def device_of(x: Any) -> Any:
        return x.device
