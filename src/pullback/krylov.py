"""Linear systems given by products alone: solved directly when small, by GMRES beyond.

The vectors of the solver are NumPy's, whatever library the arrays are of that the products take.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backends import backend_of
from .errors import ConvergenceError, UnsupportedError

Vector = np.ndarray[Any, Any]
LinearSolve = Callable[[Callable[[Vector], Vector], Vector], Vector]

# Up to so many unknowns the matrix is built, one product a column.
_DIRECT = 100
# Restarts of GMRES, each of as many products as `_DIRECT`.
_RESTARTS = 20


def solve_linear(
    title: str,
    operator: Callable[[list[Any]], list[Any]],
    b: Sequence[Any],
    linear_solve: LinearSolve | None = None,
) -> tuple[Any, ...]:
    """The v with operator(v) = b, all lists of raw arrays.

    The operator is linear over the real numbers, so a complex element counts as two unknowns.
    Raises `ConvergenceError`, which begins with `title`, unless the residual of what was found is
    small, and `UnsupportedError` for arrays without values (JAX's, under `jax.jit`).
    """
    if not all(backend_of([part]).has_values(part) for part in b):
        raise UnsupportedError(
            f"{title}: the linear system of the derivative is solved with values, and a transform "
            "of JAX's gives none here: differentiate outside of jax.jit and jax.vmap"
        )
    backend = backend_of(b)
    arrays = [backend.computed(part) for part in b]
    vector = _to_vector(arrays)

    def of_library(v: Vector) -> tuple[Any, ...]:
        pairs = zip(_from_vector(v, arrays), b, strict=True)
        return tuple(backend.like(array, part) for array, part in pairs)

    def matvec(v: Vector) -> Vector:
        products = operator([*of_library(np.asarray(v, vector.dtype))])
        return _to_vector([backend.computed(part) for part in products])

    if not vector.size:
        return of_library(vector)
    solve = linear_solve or functools.partial(_solve, title)
    found = np.asarray(solve(matvec, vector))
    if found.shape != vector.shape:
        raise ValueError(
            f"{title}: linear_solve returned shape {found.shape}, expected "
            f"{vector.shape}, that of its right-hand side"
        )
    _check(title, matvec, found, vector, _precision(arrays))
    return of_library(found)


def _solve(title: str, matvec: Callable[[Vector], Vector], b: Vector) -> Vector:
    if b.size <= _DIRECT:
        return _solve_directly(title, matvec, b)
    try:
        sparse: Any = importlib.import_module("scipy.sparse.linalg")
    except ImportError:
        return _solve_directly(title, matvec, b)
    operator = sparse.LinearOperator((b.size, b.size), matvec=matvec, dtype=b.dtype)
    tight = 1e-13
    found, _ = sparse.gmres(operator, b, rtol=tight, atol=0.0, restart=_DIRECT, maxiter=_RESTARTS)
    return found


def _solve_directly(title: str, matvec: Callable[[Vector], Vector], b: Vector) -> Vector:
    matrix = np.stack([matvec(unit) for unit in np.eye(b.size)], axis=1)
    try:
        return np.linalg.solve(matrix, b)
    except np.linalg.LinAlgError:
        raise _failure(title, "the residual's Jacobian there is singular") from None


def _check(
    title: str,
    matvec: Callable[[Vector], Vector],
    found: Vector,
    b: Vector,
    precision: float,
) -> None:
    off = np.linalg.norm(matvec(found) - b)
    if not off <= np.sqrt(precision) * np.linalg.norm(b):
        raise _failure(
            title,
            f"what was found is off by {off:.2g}, for a right-hand side of norm "
            f"{np.linalg.norm(b):.2g}",
        )


def _failure(title: str, why: str) -> ConvergenceError:
    return ConvergenceError(
        f"{title}: the linear system of the derivative was not solved: {why}. Is this a simple "
        "root? Else give a method that suits the system, as linear_solve=."
    )


def _precision(parts: Sequence[Any]) -> float:
    return max(float(np.finfo(part.dtype).eps) for part in parts)


def _to_vector(parts: Sequence[Any]) -> Vector:
    """All elements as one real vector in double precision."""
    flat: list[Any] = []
    for array in parts:
        wide = np.complex128 if array.dtype.kind == "c" else np.float64
        flat.append(np.ascontiguousarray(array, wide).reshape(-1).view(np.float64))
    return np.concatenate(flat)


def _from_vector(vector: Vector, like: Sequence[Any]) -> list[Any]:
    """Arrays shaped and typed as those of `like`, with the elements of `vector`."""
    parts: list[Any] = []
    start = 0
    for array in like:
        size = array.size * (2 if array.dtype.kind == "c" else 1)
        flat = vector[start : start + size]
        start += size
        if array.dtype.kind == "c":
            flat = np.ascontiguousarray(flat).view(np.complex128)
        parts.append(flat.reshape(array.shape).astype(array.dtype))
    return parts
