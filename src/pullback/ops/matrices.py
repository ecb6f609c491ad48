"""Functions of matrices that NumPy lacks: the exponential, triangular systems, LU, distances."""

from __future__ import annotations

from typing import Any

from .lift import aligned
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


def _adjoint(xp: Any, x: Any) -> Any:
    return xp.conj(xp.swapaxes(x, -1, -2))


# Systems whose matrix is a triangle of `x`, with ones on its diagonal if `unit`.


def _triangle(xp: Any, x: Any, upper: bool, unit: bool) -> Any:
    return xp.triu(x, 1 if unit else 0) if upper else xp.tril(x, -1 if unit else 0)


def _solve_triangular_vjp(
    cotangent: Any, xp: Any, x: Any, out: Any, upper: bool, unit: bool
) -> tuple[Any, Any]:
    adjoint = _adjoint(xp, x)
    g_y = xp.solve_triangular(adjoint, cotangent, upper=not upper, unit=unit)
    return _triangle(xp, -(g_y @ _adjoint(xp, out)), upper, unit), g_y


solve_triangular = opaque(
    "solve_triangular", _solve_triangular_vjp, arguments="x y", batch=aligned()
)


# Of the system whose matrix is `x x^H`, or `x^H x` if `upper`. As in torch's derivative, it is a
# function of the whole `x`, though only a triangle of that is read.


def _cholesky_solve_vjp(cotangent: Any, xp: Any, x: Any, out: Any, upper: bool) -> tuple[Any, Any]:
    g_y = xp.cholesky_solve(x, cotangent, upper=upper)
    product = g_y @ _adjoint(xp, out)
    product = product + _adjoint(xp, product)
    return -(x @ product if upper else product @ x), g_y


cholesky_solve = opaque("cholesky_solve", _cholesky_solve_vjp, arguments="x y", batch=aligned())


# P A = L U, where L has ones on its diagonal: both in one matrix, and the exchanges of rows. Of
# matrices that are not square, a part has a triangle in one factor alone.


def _lu_vjp(cotangents: Any, xp: Any, out: Any) -> tuple[Any]:
    (g, _), (both, exchanges) = cotangents, out
    k = min(both.shape[-2:])
    square = both[..., :k, :k]
    lower = xp.tril(square, -1) + xp.eye(k, dtype=both.dtype)
    upper = xp.triu(square, 0)
    g_square = g[..., :k, :k]
    left = _adjoint(xp, lower) @ xp.tril(g_square, -1)
    right = xp.triu(g_square, 0) @ _adjoint(xp, upper)
    below, beside = g[..., k:, :], g[..., :, k:]
    if both.shape[-1] > k:
        left = left - beside @ _adjoint(xp, both[..., :, k:])
    if both.shape[-2] > k:
        right = right - _adjoint(xp, both[..., k:, :]) @ below
    inner = xp.tril(left, -1) + xp.triu(right, 0)

    def over_lower(y: Any) -> Any:
        return xp.solve_triangular(_adjoint(xp, lower), y, upper=True, unit=True)

    def over_upper(y: Any) -> Any:
        return _adjoint(xp, xp.solve_triangular(upper, _adjoint(xp, y), upper=True, unit=False))

    g_x = over_upper(over_lower(inner))
    if both.shape[-1] > k:
        g_x = xp.concatenate([g_x, over_lower(beside)], -1)
    if both.shape[-2] > k:
        g_x = xp.concatenate([g_x, over_upper(below)], -2)
    return (xp.permutation(both, exchanges) @ g_x,)


lu_factor = opaque("lu_factor", _lu_vjp, outputs=2)


# The Euclidean distances of all rows of `x` from all rows of `y`; zero where two are one.


def _distances_vjp(cotangent: Any, xp: Any, x: Any, y: Any, out: Any) -> tuple[Any, Any]:
    same = out == 0
    weights = xp.where(same, 0, cotangent / xp.where(same, 1, out))
    by_row = xp.sum(weights, axis=(-1,), keepdims=True)
    by_column = xp.swapaxes(xp.sum(weights, axis=(-2,), keepdims=True), -1, -2)
    return x * by_row - weights @ y, y * by_column - xp.swapaxes(weights, -1, -2) @ x


distances = opaque("distances", _distances_vjp, arguments="x y", batch=aligned())
