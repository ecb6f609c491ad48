"""Linear algebra: torch's signatures over the decompositions that pullback has rules for.

What torch calls otherwise, or returns more of, is made of them (see `factors.py` too).
"""

from __future__ import annotations

import math
from typing import Any

import torch

from ...ops import linalg as ops
from ...ops import matrices as native
from . import opaque
from .dispatch import implements
from .reduce import axes_of

_linalg = torch.linalg


def is_square(A: Any) -> bool:
    """Is it a stack of square matrices, not empty? Where not, torch says what is wrong."""
    return A.ndim >= 2 and A.shape[-1] == A.shape[-2] and bool(A.numel())


# Systems and determinants


@implements(_linalg.inv, torch.inverse, torch.Tensor.inverse)
def inv(A: Any) -> Any:
    return ops.inv(A) if is_square(A) else opaque.apply(_linalg.inv, (A,), {})


@implements(_linalg.solve)
def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    if not is_square(A) or not B.numel():
        return opaque.apply(_linalg.solve, (A, B), {"left": left})
    if B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]):
        return ops.solve(A, B.unsqueeze(-1)).squeeze(-1)
    if B.ndim < 2 or A.shape[-1] != B.shape[-2 if left else -1]:
        return opaque.apply(_linalg.solve, (A, B), {"left": left})
    return ops.solve(A, B) if left else ops.solve(A.mT, B.mT).mT


@implements(_linalg.det, torch.det, torch.Tensor.det)
def det(A: Any) -> Any:
    return ops.det(A) if is_square(A) else opaque.apply(_linalg.det, (A,), {})


@implements(_linalg.slogdet, torch.slogdet, torch.Tensor.slogdet)
def slogdet(A: Any) -> Any:
    if not is_square(A):
        return opaque.apply(_linalg.slogdet, (A,), {})
    return torch.return_types.linalg_slogdet(ops.slogdet(A))


@implements(torch.logdet, torch.Tensor.logdet)
def logdet(A: Any) -> Any:
    if not is_square(A):
        return opaque.apply(torch.logdet, (A,), {})
    sign, logarithm = ops.slogdet(A)
    if A.dtype.is_complex:
        return torch.complex(logarithm, sign.angle())
    return torch.where(sign == -1, math.nan, logarithm)


@implements(_linalg.tensorinv)
def tensorinv(A: Any, ind: int = 2) -> Any:
    rows = math.prod(A.shape[:ind])
    if ind < 1 or rows != math.prod(A.shape[ind:]):
        return opaque.apply(_linalg.tensorinv, (A, ind), {})
    return inv(A.reshape(rows, rows)).reshape(A.shape[ind:] + A.shape[:ind])


# Decompositions


@implements(_linalg.cholesky)
def cholesky(A: Any, *, upper: bool = False) -> Any:
    if not is_square(A):
        return opaque.apply(_linalg.cholesky, (A,), {"upper": upper})
    factor = ops.cholesky(A)
    return factor.mH if upper else factor


@implements(torch.cholesky, torch.Tensor.cholesky)
def cholesky_of_old(input: Any, upper: bool = False) -> Any:
    return cholesky(input, upper=upper)


@implements(_linalg.eigh)
def eigh(A: Any, UPLO: str = "L") -> Any:
    if not is_square(A):
        return opaque.apply(_linalg.eigh, (A, UPLO), {})
    return torch.return_types.linalg_eigh(ops.eigh(A, UPLO=UPLO))


@implements(_linalg.eigvalsh)
def eigvalsh(A: Any, UPLO: str = "L") -> Any:
    if not is_square(A):
        return opaque.apply(_linalg.eigvalsh, (A, UPLO), {})
    return ops.eigh(A, UPLO=UPLO)[0]


@implements(_linalg.svd)
def svd(A: Any, full_matrices: bool = True, *, driver: Any = None) -> Any:
    if driver is not None or A.ndim < 2 or not A.numel():
        return opaque.apply(_linalg.svd, (A, full_matrices), {"driver": driver})
    return torch.return_types.linalg_svd(ops.svd(A, full_matrices=full_matrices))


@implements(torch.svd, torch.Tensor.svd)
def svd_of_old(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv or input.ndim < 2 or not input.numel():
        return opaque.apply(torch.svd, (input, some, compute_uv), {})
    u, s, vh = ops.svd(input, full_matrices=not some)
    return torch.return_types.svd((u, s, vh.mH))


@implements(_linalg.svdvals)
def svdvals(A: Any, *, driver: Any = None) -> Any:
    if driver is not None or A.ndim < 2 or not A.numel():
        return opaque.apply(_linalg.svdvals, (A,), {"driver": driver})
    return ops.svd(A, full_matrices=False)[1]


@implements(_linalg.qr)
def qr(A: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete") or A.ndim < 2 or not A.numel():
        return opaque.apply(_linalg.qr, (A, mode), {})
    rows, columns = A.shape[-2:]
    if rows >= columns:
        return torch.return_types.linalg_qr(ops.qr(A, mode=mode))
    # Of a wide matrix the first columns alone make q.
    q, r = ops.qr(A[..., :rows], mode=mode)
    return torch.return_types.linalg_qr((q, torch.cat((r, q.mH @ A[..., rows:]), -1)))


@implements(torch.qr, torch.Tensor.qr)
def qr_of_old(input: Any, some: bool = True) -> Any:
    return torch.return_types.qr(tuple(qr(input, "reduced" if some else "complete")))


@implements(_linalg.pinv)
def pinv(A: Any, rcond: Any = None, hermitian: bool = False, **kwargs: Any) -> Any:
    args = (A,) if rcond is None else (A, rcond)
    # torch's derivative of the Hermitian case has no symmetry.
    if kwargs or hermitian or isinstance(rcond, torch.Tensor) or A.ndim < 2 or not A.numel():
        return opaque.apply(_linalg.pinv, args, {"hermitian": hermitian, **kwargs})
    return ops.pinv(A, rcond=rcond, hermitian=False)


@implements(torch.pinverse, torch.Tensor.pinverse)
def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    return pinv(input, rcond)


@implements(_linalg.lstsq)
def lstsq(A: Any, B: Any, rcond: Any = None, *, driver: Any = None) -> Any:
    """Only the solution has a derivative, as the pseudoinverse times `B` has it."""
    found = opaque.apply(_linalg.lstsq, (A.detach(), B.detach(), rcond), {"driver": driver})
    vectors = B.ndim == A.ndim - 1 and B.ndim > 0
    if not A.numel() or not B.numel() or rcond is not None or driver == "gelsy":
        return opaque.apply(_linalg.lstsq, (A, B, rcond), {"driver": driver})
    inverse = ops.pinv(A, rcond=None, hermitian=False)
    solution = (inverse @ B.unsqueeze(-1)).squeeze(-1) if vectors else inverse @ B
    residuals = found[1]
    if residuals.numel() and not vectors:
        rest = abs(A @ solution - B)
        residuals = (rest * rest).sum(-2)
    return torch.return_types.linalg_lstsq((solution, residuals, *tuple(found)[2:]))


@implements(torch.linalg.matrix_exp, torch.matrix_exp, torch.Tensor.matrix_exp)
def matrix_exp(A: Any) -> Any:
    return native.matrix_exp(A) if is_square(A) else opaque.apply(torch.matrix_exp, (A,), {})


# Norms


@implements(_linalg.vector_norm)
def vector_norm(
    x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Any:
    if not isinstance(ord, (int, float)) or (not x.numel() and (ord < 0 or math.isinf(ord))):
        return opaque.apply(_linalg.vector_norm, (x, ord, dim, keepdim), {"dtype": dtype})
    x = x if dtype is None else x.to(dtype)
    if not x.ndim:
        return vector_norm(x.reshape(1), ord)
    return ops.vector_norm(x, ord=ord, axis=axes_of(dim, x.ndim), keepdims=keepdim)


@implements(_linalg.matrix_norm)
def matrix_norm(
    A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Any:
    args, kwargs = (A, ord, dim, keepdim), {"dtype": dtype}
    if A.ndim < 2 or not A.numel() or len(dim) != 2:
        return opaque.apply(_linalg.matrix_norm, args, kwargs)
    A = A if dtype is None else A.to(dtype)
    rows, columns = (d % A.ndim for d in dim)
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord in (1, -1, math.inf, -math.inf):
        summed, left = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = vector_norm(A, 1, summed, keepdim=True)
        out = (sums.amax if ord > 0 else sums.amin)(left, keepdim=True)
    elif ord in ("nuc", 2, -2):
        values = svdvals(A.movedim((rows, columns), (-2, -1)))
        out = {"nuc": values.sum, 2: values.amax, -2: values.amin}[ord](-1)
        for place in sorted((rows, columns)):
            out = out.unsqueeze(place)
    else:
        return opaque.apply(_linalg.matrix_norm, args, kwargs)
    return out if keepdim else out.squeeze((rows, columns))


@implements(_linalg.norm)
def norm(
    A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Any:
    count = 1 if isinstance(dim, int) else A.ndim if dim is None else len(dim)
    if ord is not None and count == 2:
        dims = (-2, -1) if dim is None else dim
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    if isinstance(ord, str) or (ord is not None and dim is None and A.ndim != 1):
        return opaque.apply(_linalg.norm, (A, ord, dim, keepdim), {"dtype": dtype})
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


# Products


@implements(_linalg.vecdot)
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    return (x.conj() * y).sum(dim)


@implements(_linalg.matrix_power, torch.matrix_power, torch.Tensor.matrix_power)
def matrix_power(A: Any, n: int) -> Any:
    if not is_square(A) or n == 0:
        return opaque.apply(_linalg.matrix_power, (A, n), {})
    power, base, left = None, inv(A) if n < 0 else A, abs(n)
    while left:
        if left & 1:
            power = base if power is None else power @ base
        left >>= 1
        base = base @ base if left else base
    return power


@implements(_linalg.cross, torch.cross, torch.Tensor.cross)
def cross(input: Any, other: Any, dim: Any = -1) -> Any:
    if dim is None or input.ndim != other.ndim or not input.shape[dim] == other.shape[dim] == 3:
        return opaque.apply(torch.cross, (input, other, dim), {})
    (a, b, c), (x, y, z) = input.unbind(dim), other.unbind(dim)
    return torch.stack((b * z - c * y, c * x - a * z, a * y - b * x), dim)


@implements(torch.frobenius_norm)
def frobenius_norm(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return vector_norm(input, 2, dim, keepdim)


@implements(torch.nuclear_norm)
def nuclear_norm(input: Any, dim: Any = (-2, -1), keepdim: bool = False) -> Any:
    return matrix_norm(input, "nuc", dim, keepdim)
