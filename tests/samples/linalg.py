"""Samples of np.linalg.

Eigenvectors and singular vectors are checked through what does not depend on their phase.  A
matrix that NumPy takes to be Hermitian is made so inside the function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import linalg

from pullback.testing import Sample

_rng = np.random.default_rng(5)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _adjoint(x: Any) -> Any:
    return np.conjugate(np.swapaxes(x, -1, -2))


def _hermitian(x: Any) -> Any:
    return x + _adjoint(x)


def _positive(x: Any) -> Any:
    return x @ _adjoint(x) + np.eye(x.shape[-1], dtype=x.dtype)


def _projectors(v: Any) -> Any:
    """Of each column, its projector: the same for every choice of phase."""
    return v[..., :, None, :] * np.conjugate(v)[..., None, :, :]


def _invariants(u: Any, vh: Any) -> Any:
    """The rank-one matrices of a singular value decomposition."""
    return u[..., :, None, :] * np.swapaxes(vh, -1, -2)[..., None, :, :]


def _eigh(x: Any, uplo: str) -> Any:
    w, v = linalg.eigh(_hermitian(x), uplo)
    return w, _projectors(v)


def _eig(x: Any) -> Any:
    # A complex matrix: those of a real one may turn complex beside it, or sort differently.
    w, v = linalg.eig(x)
    return w, _projectors(v)


def _svd(hermitian: bool) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        x = _hermitian(x) if hermitian else x
        u, s, vh = linalg.svd(x, full_matrices=False, hermitian=hermitian)
        return s, _invariants(u, vh)

    return function


def _full_svd(x: Any) -> Any:
    u, s, vh = linalg.svd(x)
    k = s.shape[-1]
    others = u[..., k:], _adjoint(vh)[..., k:]
    return _invariants(u[..., :k], vh[..., :k, :]), s, [q @ _adjoint(q) for q in others]


def _complete_qr(x: Any) -> Any:
    q, r = linalg.qr(x, mode="complete")
    k = min(x.shape[-2:])
    rest = q[..., k:]
    return q[..., :k], r, rest @ _adjoint(rest)


def _lstsq(a: Any, b: Any) -> Any:
    x, residuals, _, singular = linalg.lstsq(a, b)
    return x, residuals, singular


def _with(numpy_function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    return lambda x: numpy_function(x, *args, **kwargs)


_SQUARE = _normal(3, 3)
_STACK = _normal(2, 3, 3)
_TALL = _normal(2, 4, 3)
_WIDE = _normal(3, 4)
_EMPTY = np.zeros((0, 0))
_NONE = np.zeros((0, 3, 3))
_SINGULAR = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 2.0], [1.3, 1.0, 2.5]])

_SYSTEMS = [
    Sample(linalg.inv, linalg.inv, (_STACK,), "stack", complex=True),
    Sample(linalg.inv, linalg.inv, (_EMPTY,), "empty"),
    Sample(linalg.solve, linalg.solve, (_SQUARE, _normal(3)), "vector", complex=True),
    Sample(linalg.solve, linalg.solve, (_SQUARE, _normal(3, 2)), "matrix", complex=True),
    Sample(linalg.solve, linalg.solve, (_STACK, _normal(3)), "stack, one vector"),
    Sample(linalg.solve, linalg.solve, (_SQUARE, _normal(2, 3, 2)), "one matrix, stack"),
    Sample(linalg.solve, linalg.solve, (_normal(2, 1, 3, 3), _normal(4, 3, 2)), "stacks"),
    Sample(linalg.solve, linalg.solve, (_EMPTY, np.zeros((0, 2))), "empty"),
    Sample(linalg.det, linalg.det, (_STACK,), "stack", complex=True, order=3),
    Sample(linalg.det, linalg.det, (_SINGULAR,), "rank n - 1", complex=True),
    Sample(linalg.det, linalg.det, (_normal(4, 1) @ _normal(1, 4),), "rank 1"),
    Sample(linalg.det, linalg.det, (np.eye(3),), "identity", order=3),
    Sample(linalg.det, linalg.det, (_EMPTY,), "empty"),
    Sample(linalg.det, linalg.det, (_NONE,), "no matrices"),
    Sample(linalg.slogdet, linalg.slogdet, (_STACK,), "stack", complex=True),
    Sample(linalg.slogdet, linalg.slogdet, (_SQUARE,), "one matrix", complex=True, order=3),
    Sample(linalg.det, linalg.det, (_SQUARE,), "one matrix", complex=True),
    Sample(linalg.pinv, linalg.pinv, (_TALL,), "tall", complex=True),
    Sample(linalg.pinv, _with(linalg.pinv, rtol=None), (_WIDE,), "wide", complex=True),
    Sample(
        linalg.pinv,
        lambda x: linalg.pinv(_hermitian(x), hermitian=True),
        (_STACK,),
        "hermitian",
        complex=True,
    ),
    Sample(linalg.lstsq, _lstsq, (_normal(5, 3), _normal(5)), "vector", complex=True),
    Sample(linalg.lstsq, _lstsq, (_normal(5, 3), _normal(5, 2)), "matrix", complex=True),
    Sample(linalg.lstsq, _lstsq, (_WIDE, _normal(3, 2)), "minimum norm", complex=True),
    Sample(linalg.tensorinv, linalg.tensorinv, (_normal(4, 6, 8, 3),), "2", order=1),
    Sample(linalg.tensorinv, _with(linalg.tensorinv, 1), (_normal(6, 2, 3),), "1", complex=True),
    Sample(linalg.tensorsolve, linalg.tensorsolve, (_normal(2, 3, 6), _normal(2, 3)), complex=True),
    Sample(
        linalg.tensorsolve,
        lambda a, b: linalg.tensorsolve(a, b, axes=(0, 2)),
        (_normal(2, 6, 3), _normal(6)),
        "axes",
    ),
    *[
        Sample(linalg.matrix_power, _with(linalg.matrix_power, n), (_STACK,), f"{n}", complex=True)
        for n in (0, 1, 2, 3, 5, -1, -2)
    ],
]

_DECOMPOSITIONS = [
    Sample(linalg.cholesky, lambda x: linalg.cholesky(_positive(x)), (_STACK,), complex=True),
    Sample(
        linalg.cholesky,
        lambda x: linalg.cholesky(_positive(x), upper=True),
        (_SQUARE,),
        "upper",
        complex=True,
    ),
    Sample(linalg.cholesky, linalg.cholesky, (_EMPTY,), "empty"),
    Sample(linalg.eigh, lambda x: _eigh(x, "L"), (_STACK,), "stack", complex=True),
    Sample(linalg.eigh, lambda x: _eigh(x, "U"), (_SQUARE,), "U", complex=True),
    Sample(linalg.eigh, lambda x: _eigh(x, "L"), (_EMPTY,), "empty"),
    Sample(linalg.eigvalsh, lambda x: linalg.eigvalsh(_hermitian(x)), (_STACK,), complex=True),
    Sample(
        linalg.eig, lambda x: _eig(x + 1j * np.diag([1.0, 2.0, 4.0])), (_SQUARE,), float32=False
    ),
    Sample(linalg.eig, _eig, (np.diag([1.0, 3.0, 6.0]) + 0.1 * _SQUARE,), "real eigenvalues"),
    Sample(linalg.eigvals, linalg.eigvals, (np.diag([1.0, 3.0, 6.0]) + 0.1 * _STACK,)),
    *[
        sample
        for shape, x in {"tall": _TALL, "wide": _WIDE, "square": _SQUARE}.items()
        for sample in (
            Sample(linalg.svd, _svd(hermitian=False), (x,), shape, complex=True),
            Sample(linalg.svd, _full_svd, (x,), f"{shape}, full", complex=True, float32=False),
            Sample(linalg.svdvals, linalg.svdvals, (x,), shape, complex=True),
            Sample(linalg.qr, lambda x: tuple(linalg.qr(x)), (x,), shape, complex=True),
            Sample(linalg.qr, _complete_qr, (x,), f"{shape}, complete", complex=True),
            Sample(linalg.qr, _with(linalg.qr, "r"), (x,), f"{shape}, r", complex=True),
        )
    ],
    Sample(linalg.svd, _svd(hermitian=True), (_STACK,), "hermitian", complex=True),
    Sample(linalg.svd, _with(linalg.svd, compute_uv=False), (_TALL,), "values only"),
    Sample(
        linalg.svd,
        lambda x: linalg.svd(_hermitian(x), compute_uv=False, hermitian=True),
        (_STACK,),
        "hermitian, values only",
    ),
]

_ORDERS = (1, -1, 2, -2, np.inf, -np.inf)

_NORMS = [
    Sample(linalg.norm, linalg.norm, (_normal(3),), "vector", complex=True),
    Sample(linalg.norm, linalg.norm, (_TALL,), "flattened", complex=True),
    Sample(linalg.norm, _with(linalg.norm, axis=1), (_TALL,), "axis", complex=True),
    Sample(linalg.norm, _with(linalg.norm, keepdims=True), (_TALL,), "keepdims"),
    Sample(linalg.norm, linalg.norm, (np.zeros(0),), "empty"),
    *[
        sample
        for p in (*_ORDERS, 0, 3, 2.5, 0.5, -1.5)
        for sample in (
            Sample(linalg.norm, _with(linalg.norm, p), (_normal(4),), f"{p}", complex=True),
            Sample(linalg.norm, _with(linalg.norm, p, 0, keepdims=True), (_TALL,), f"{p}, axis"),
            Sample(linalg.vector_norm, _with(linalg.vector_norm, ord=p), (_WIDE,), f"{p}"),
        )
    ],
    *[
        sample
        for p in ("fro", "nuc", *_ORDERS)
        for sample in (
            Sample(linalg.norm, _with(linalg.norm, p), (_WIDE,), f"matrix, {p}", complex=True),
            Sample(
                linalg.norm, _with(linalg.norm, p, (2, 0), keepdims=True), (_TALL,), f"axes, {p}"
            ),
            Sample(linalg.matrix_norm, _with(linalg.matrix_norm, ord=p), (_TALL,), f"{p}"),
        )
    ],
    Sample(linalg.vector_norm, _with(linalg.vector_norm, axis=(0, -1)), (_TALL,), "axes"),
    *[
        Sample(linalg.cond, _with(linalg.cond, p), (_STACK,), f"{p}", complex=True)
        for p in (None, "fro", "nuc", *_ORDERS)
    ],
]

SAMPLES = [*_SYSTEMS, *_DECOMPOSITIONS, *_NORMS]
