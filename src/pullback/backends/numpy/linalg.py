"""NumPy spellings of the canonical functions: linear algebra on stacks of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import degenerate
from ..degenerate import WELL_CONDITIONED


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
    """The derivative of `det`, by the inverse where that is as good, for it is much quicker."""
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return degenerate.cofactor(Standard, x)
    condition = np.linalg.norm(x, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    if np.any(condition > WELL_CONDITIONED):
        return degenerate.cofactor(Standard, x)
    return np.linalg.det(x)[..., None, None] * inverse.mT


class Standard:
    """NumPy as what `degenerate.py` asks of a library that follows the standard."""

    namespace = np
    linalg = np.linalg
    where = np.where
    mixed_product = np.matmul
    known = bool

    @staticmethod
    def running_product(x: Any, *, reverse: bool = False) -> Any:
        # The standard's name is new in NumPy 2.1, and its `flip` is slow there.
        return x[..., ::-1].cumprod(-1)[..., ::-1] if reverse else x.cumprod(-1)

    @staticmethod
    def is_complex(dtype: Any) -> bool:
        return dtype.kind == "c"

    @staticmethod
    def real_zeros(shape: Any, like: Any) -> Any:
        return np.zeros(shape, like.real.dtype)

    @staticmethod
    def shape_together(*arrays: Any) -> tuple[int, ...]:
        return np.broadcast_shapes(*(array.shape for array in arrays))

    @staticmethod
    def device_of(_: Any) -> Any:
        return None
