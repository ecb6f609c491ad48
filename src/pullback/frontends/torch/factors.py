"""Triangular systems, what LU and Cholesky factors solve, products of reflections, eigenvectors.

torch's functions that also say whether they failed (`inv_ex` and its like) are those that raise,
where they succeed.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from ...core import raw
from ...ops import linalg as ops
from ...ops import matrices
from . import opaque
from .contract import einsum
from .dispatch import implements
from .linalg import cholesky, inv, is_square, matrix_norm, solve, svdvals
from .selection import both, defined

_linalg = torch.linalg
_LABELS = "abcdefghijklmnopqrstuvwxyz"


# Triangular systems


@implements(_linalg.solve_triangular)
def solve_triangular(
    A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Any:
    if not _fits(A, B, left=left):
        options = {"upper": upper, "left": left, "unitriangular": unitriangular}
        return opaque.apply(_linalg.solve_triangular, (A, B), options)
    if left:
        return matrices.solve_triangular(A, B, upper=upper, unit=unitriangular)
    out = matrices.solve_triangular(A.mT, B.mT, upper=not upper, unit=unitriangular)
    return out.mT


def _fits(A: Any, B: Any, *, left: bool = True) -> bool:
    if not is_square(A) or B.ndim < 2 or not B.numel() or A.dtype is not B.dtype:
        return False
    return A.shape[-1] == B.shape[-2 if left else -1]


@defined("triangular_solve")
def triangular_solve(
    input: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    if not _fits(A, input):
        args = (input, A, upper, transpose, unitriangular)
        return opaque.apply(torch.triangular_solve, args, {})
    matrix = A.mH if transpose else A
    x = solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular)
    shape = torch.broadcast_shapes(A.shape[:-2], input.shape[:-2]) + A.shape[-2:]
    return torch.return_types.triangular_solve((x, A.expand(shape).clone()))


@defined("cholesky_solve")
def cholesky_solve(input: Any, L: Any, upper: bool = False) -> Any:
    if not _fits(L, input):
        return opaque.apply(torch.cholesky_solve, (input, L, upper), {})
    return matrices.cholesky_solve(L, input, upper=upper)


@defined("cholesky_inverse")
def cholesky_inverse(L: Any, upper: bool = False) -> Any:
    if not is_square(L):
        return opaque.apply(torch.cholesky_inverse, (L, upper), {})
    return cholesky_solve(torch.eye(L.shape[-1], dtype=L.dtype, device=L.device), L, upper)


# LU factors


def _factored(A: Any) -> tuple[Any, Any]:
    return matrices.lu_factor(A)


def _has_elements(A: Any) -> bool:
    return A.ndim >= 2 and bool(A.numel())


@implements(_linalg.lu_factor)
def lu_factor(A: Any, *, pivot: bool = True) -> Any:
    if not pivot or not _has_elements(A):
        return opaque.apply(_linalg.lu_factor, (A,), {"pivot": pivot})
    return torch.return_types.linalg_lu_factor(_factored(A))


@implements(_linalg.lu_factor_ex)
def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> Any:
    options = {"pivot": pivot, "check_errors": check_errors}
    _, _, info = opaque.of_values(_linalg.lu_factor_ex, A, **options)
    if not pivot or not _has_elements(A) or bool(raw(info).any()):
        return opaque.apply(_linalg.lu_factor_ex, (A,), options)
    return torch.return_types.linalg_lu_factor_ex((*_factored(A), info))


@implements(torch.functional.lu, torch.Tensor.lu)
def lu_of_old(A: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    both, exchanges, info = lu_factor_ex(A, pivot=pivot)
    return (both, exchanges, info) if get_infos else (both, exchanges)


@implements(_linalg.lu)
def lu(A: Any, *, pivot: bool = True) -> Any:
    if not pivot or not _has_elements(A):
        return opaque.apply(_linalg.lu, (A,), {"pivot": pivot})
    return torch.return_types.linalg_lu(tuple(lu_unpack(*_factored(A))))


@implements(torch.lu_unpack)
def lu_unpack(
    LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    permutation, *_ = opaque.of_values(
        torch.lu_unpack, LU_data, LU_pivots, unpack_data=False, unpack_pivots=unpack_pivots
    )
    if not unpack_data or not _has_elements(LU_data):
        args = (LU_data, LU_pivots, unpack_data, unpack_pivots)
        return opaque.apply(torch.lu_unpack, args, {})
    k = min(LU_data.shape[-2:])
    ones = torch.eye(LU_data.shape[-2], k, dtype=LU_data.dtype, device=LU_data.device)
    lower, upper = LU_data[..., :, :k].tril(-1) + ones, LU_data[..., :k, :].triu()
    return torch.return_types.lu_unpack((permutation, lower, upper))


@implements(_linalg.lu_solve)
def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    if not _fits(LU, B, left=left):
        options = {"left": left, "adjoint": adjoint}
        return opaque.apply(_linalg.lu_solve, (LU, pivots, B), options)
    if not left:
        return lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    rows, *_ = opaque.of_values(torch.lu_unpack, LU, pivots, unpack_data=False)
    if not adjoint:
        y = solve_triangular(LU, rows.mT @ B, upper=False, unitriangular=True)
        return solve_triangular(LU, y, upper=True)
    y = solve_triangular(LU.mH, B, upper=False)
    return rows @ solve_triangular(LU.mH, y, upper=True, unitriangular=True)


@defined("lu_solve")
def lu_solve_of_old(b: Any, LU_data: Any, LU_pivots: Any) -> Any:
    return lu_solve(LU_data, LU_pivots, b)


# Products of the reflections 1 - tau v v^H, whose vectors stand below the diagonal


def _reflected(A: Any, tau: Any, x: Any, *, adjoint: bool, in_order: bool) -> Any:
    """`x` with the reflections, or their adjoints, from the left: the first of them is last."""
    ones = torch.eye(*A.shape[-2:], dtype=A.dtype, device=A.device)
    vectors = A.tril(-1) + ones
    factors = tau.conj() if adjoint else tau
    places = range(tau.shape[-1])
    for place in places if in_order else reversed(places):
        v = vectors[..., :, place].unsqueeze(-1)
        x = x - factors[..., place].unsqueeze(-1).unsqueeze(-1) * v @ (v.mH @ x)
    return x


def _are_reflections(A: Any, tau: Any) -> bool:
    rows, columns = A.shape[-2:] if A.ndim >= 2 else (0, 1)
    return rows >= columns >= tau.shape[-1] and A.shape[:-2] == tau.shape[:-1] and bool(A.numel())


@implements(_linalg.householder_product, *both("orgqr"))
def householder_product(A: Any, tau: Any) -> Any:
    if not tau.ndim or not _are_reflections(A, tau):
        return opaque.apply(_linalg.householder_product, (A, tau), {})
    ones = torch.eye(*A.shape[-2:], dtype=A.dtype, device=A.device)
    return _reflected(A, tau, ones, adjoint=False, in_order=False)


@defined("ormqr")
def ormqr(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Any:
    if not tau.ndim or not _are_reflections(input, tau) or other.ndim != input.ndim:
        return opaque.apply(torch.ormqr, (input, tau, other, left, transpose), {})
    x = other if left else other.mH
    adjoint = transpose == left
    out = _reflected(input, tau, x, adjoint=adjoint, in_order=adjoint)
    return out if left else out.mH


# Eigenvectors


@implements(_linalg.eig)
def eig(A: Any) -> Any:
    if not is_square(A):
        return opaque.apply(_linalg.eig, (A,), {})
    return torch.return_types.linalg_eig(ops.eig(A))


@implements(_linalg.eigvals)
def eigvals(A: Any) -> Any:
    return ops.eig(A)[0] if is_square(A) else opaque.apply(_linalg.eigvals, (A,), {})


# With a word on whether they failed


def _telling(name: str, ours: Any) -> None:
    function = getattr(_linalg, name)

    @implements(function)
    def tell(*args: Any, check_errors: bool = False, **kwargs: Any) -> Any:
        *_, info = opaque.of_values(function, *args, check_errors=check_errors, **kwargs)
        if bool(raw(info).any()):
            return opaque.apply(function, args, kwargs)
        returned = getattr(torch.return_types, f"linalg_{name}")
        return returned((ours(*args, **kwargs), info))


_telling("inv_ex", inv)
_telling("cholesky_ex", cholesky)


@implements(_linalg.solve_ex)
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    options = {"left": left, "check_errors": check_errors}
    _, info = opaque.of_values(_linalg.solve_ex, A, B, **options)
    if bool(raw(info).any()):
        return opaque.apply(_linalg.solve_ex, (A, B), options)
    return torch.return_types.linalg_solve_ex((solve(A, B, left=left), info))


@implements(_linalg.cond)
def cond(A: Any, p: Any = None) -> Any:
    if A.ndim < 2 or not A.numel():
        return opaque.apply(_linalg.cond, (A, p), {})
    if p in (None, 2, -2):
        values = svdvals(A)
        ends = values[..., 0], values[..., -1]
        return ends[1] / ends[0] if p == -2 else ends[0] / ends[1]
    _, info = opaque.of_values(_linalg.inv_ex, A)
    if bool(raw(info).any()):
        return opaque.apply(_linalg.cond, (A, p), {})
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


# Products and systems of tensors


@implements(_linalg.multi_dot)
def multi_dot(tensors: Any) -> Any:
    ends = tensors[0].ndim, tensors[-1].ndim
    inner = [x.ndim for x in tensors[1:-1]]
    if len(tensors) < 2 or not {*ends} <= {1, 2} or any(n != 2 for n in inner):
        return opaque.apply(_linalg.multi_dot, (tensors,), {})
    terms = [_LABELS[place : place + 2] for place in range(len(tensors))]
    if ends[0] == 1:
        terms[0] = terms[0][1]
    if ends[1] == 1:
        terms[-1] = terms[-1][0]
    out = terms[0][: ends[0] - 1] + terms[-1][1:]
    return einsum(f"{','.join(terms)}->{out}", *tensors)


@implements(_linalg.tensorsolve)
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(-len(dims), 0)))
    shape = A.shape[B.ndim :]
    size = math.prod(shape)
    if A.shape[: B.ndim] != B.shape or size != B.numel():
        return opaque.apply(_linalg.tensorsolve, (A, B), {})
    return solve(A.reshape((size, size)), B.reshape(-1)).reshape(shape)


@implements(_linalg.vander)
def vander(x: Any, *, N: Any = None) -> Any:
    count = x.shape[-1] if N is None and x.ndim else N
    if not x.ndim or count < 1 or not (x.dtype.is_floating_point or x.dtype.is_complex):
        return opaque.apply(_linalg.vander, (x,), {"N": N})
    return x.unsqueeze(-1) ** torch.arange(count, device=x.device)


@implements(torch.vander)
def vander_of_old(x: Any, N: Any = None, increasing: bool = False) -> Any:
    if x.ndim != 1:
        return opaque.apply(torch.vander, (x, N, increasing), {})
    powers = vander(x, N=len(x) if N is None else N)
    return powers if increasing else powers.flip(-1)
