"""Functions of matrices that NumPy lacks."""

from __future__ import annotations

from typing import Any

from .native import opaque


def _matrix_exp_vjp(cotangent: Any, xp: Any, x: Any) -> tuple[Any]:
    # Najfeld and Havel: the exponential of [[A, G], [0, A]] has the derivative at A in the
    # direction G in its corner; the transpose is that at the adjoint of A.
    adjoint = xp.conj(xp.swapaxes(x, -1, -2))
    size = x.shape[-1]
    zeros = xp.zeros(adjoint.shape, dtype=x.dtype)
    upper = xp.concatenate([adjoint, cotangent + zeros], -1)
    block = xp.concatenate([upper, xp.concatenate([zeros, adjoint], -1)], -2)
    return (xp.matrix_exp(block)[..., :size, size:],)


matrix_exp = opaque("matrix_exp", _matrix_exp_vjp)
