"""The standard's linear algebra, in the main namespace and in the extension."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from ...errors import UnsupportedError
from ...ops import contract as contractions
from ...ops import linalg as ops
from ...ops import reduce, shape
from . import alias
from .box import method
from .dispatch import axes_of, backend_among, constants, functions, implements, is_box
from .namespace import is_operand


class EighResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """An orthogonal and a triangular factor."""

    Q: Any
    R: Any


class SlogdetResult(NamedTuple):
    """A determinant's sign and the logarithm of its size."""

    sign: Any
    logabsdet: Any


class SVDResult(NamedTuple):
    """Singular vectors and values."""

    U: Any
    S: Any
    Vh: Any


def _adjoint(x: Any) -> Any:
    xp = backend_among(x).xp
    return xp.conj(xp.swapaxes(x, -1, -2))


# Products


@implements("matmul", "linalg.matmul")
def matmul(x1: Any, x2: Any, /) -> Any:
    if not getattr(x1, "ndim", 0) or not getattr(x2, "ndim", 0):
        raise TypeError("matmul takes arrays of one dimension or more")
    return contractions.matmul(x1, x2)


def _matmul_operator(self: Any, other: Any, /) -> Any:
    return matmul(self, other) if is_operand("matmul", self, other) else NotImplemented


def _reflected_matmul(self: Any, other: Any, /) -> Any:
    return matmul(other, self) if is_operand("matmul", self, other) else NotImplemented


method("__matmul__", _matmul_operator)
method("__rmatmul__", _reflected_matmul)


@implements("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError("matrix_transpose takes arrays of two dimensions or more")
    return alias.view(x, backend_among(x).xp.swapaxes(x, -1, -2))


@implements("tensordot", "linalg.tensordot")
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        axes = (range(x1.ndim - axes, x1.ndim), range(axes))
    first, second = ([a % x.ndim for a in one] for one, x in zip(axes, (x1, x2), strict=True))
    for one, other in zip(first, second, strict=True):
        if x1.shape[one] != x2.shape[other]:
            raise ValueError(f"shapes {x1.shape} and {x2.shape} do not match in axes {axes}")
    xp = backend_among(x1, x2).xp
    kept1 = [a for a in range(x1.ndim) if a not in first]
    kept2 = [a for a in range(x2.ndim) if a not in second]
    inner = math.prod(x1.shape[a] for a in first)
    lead = tuple(x1.shape[a] for a in kept1)
    rest = tuple(x2.shape[a] for a in kept2)
    left = xp.reshape(xp.transpose(x1, (*kept1, *first)), (math.prod(lead), inner))
    right = xp.reshape(xp.transpose(x2, (*second, *kept2)), (inner, math.prod(rest)))
    return xp.reshape(contractions.matmul(left, right), (*lead, *rest))


@implements("vecdot", "linalg.vecdot")
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"x1 and x2 must have the same length along axis {axis}")
    return reduce.sum(backend_among(x1, x2).xp.conj(x1) * x2, axis=(axis,), keepdims=False)


@implements("linalg.outer")
def outer(x1: Any, x2: Any, /) -> Any:
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError("outer takes arrays of one dimension")
    return x1[:, None] * x2[None, :]


@implements("linalg.cross")
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("cross takes vectors of three elements")
    x, y = (functions["unstack"](v, axis=axis) if is_box(v) else _parts(v, axis) for v in (x1, x2))
    parts = [x[(i + 1) % 3] * y[(i + 2) % 3] - x[(i + 2) % 3] * y[(i + 1) % 3] for i in range(3)]
    return functions["stack"](parts, axis=axis)


def _parts(x: Any, axis: int) -> list[Any]:
    index = [slice(None)] * x.ndim
    parts: list[Any] = []
    for i in range(x.shape[axis]):
        index[axis] = i  # type: ignore[call-overload]
        parts.append(x[tuple(index)])
    return parts


# Diagonals and powers


@implements("linalg.diagonal")
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return alias.view(x, shape.diagonal(x, offset=offset))


@implements("linalg.trace")
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return functions["sum"](shape.diagonal(x, offset=offset), axis=-1, dtype=dtype)


@implements("linalg.matrix_power")
def matrix_power(x: Any, n: int, /) -> Any:
    n = operator.index(n)
    backend = backend_among(x)
    if n == 0:
        return backend.xp.broadcast_to(backend.eye(x.shape[-1], dtype=x.dtype), x.shape)
    if n < 0:
        x, n = ops.inv(x), -n
    power = None
    while n:
        if n & 1:
            power = x if power is None else contractions.matmul(power, x)
        n >>= 1
        if n:
            x = contractions.matmul(x, x)
    return power


# Systems and determinants


@implements("linalg.inv")
def inv(x: Any, /) -> Any:
    return ops.inv(x)


@implements("linalg.det")
def det(x: Any, /) -> Any:
    return ops.det(x)


@implements("linalg.slogdet")
def slogdet(x: Any, /) -> Any:
    return SlogdetResult(*ops.slogdet(x))


@implements("linalg.solve")
def solve(x1: Any, x2: Any, /) -> Any:
    if x2.ndim != 1:
        return ops.solve(x1, x2)
    return functions["squeeze"](ops.solve(x1, x2[:, None]), axis=-1)


@implements("linalg.pinv")
def pinv(x: Any, /, *, rtol: Any = None) -> Any:
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(backend_among(x).namespace.finfo(x.dtype).eps)
    rtol = constants(rtol)
    if is_box(rtol):
        raise UnsupportedError(
            "pullback.vmap: linalg.pinv with another rtol for each example: use "
            "vmap(..., fallback='loop')"
        )
    return ops.pinv(x, rcond=rtol, hermitian=False)


# Decompositions


def _of_triangle(x: Any) -> Any:
    """The Hermitian matrix that `x` has the lower triangle of: the other is never read."""
    xp = backend_among(x).xp
    half = xp.tril(x, -1)
    diagonal = backend_among(x).asarray(np.eye(x.shape[-1], dtype=bool))
    real = xp.real(x)
    return xp.where(diagonal, real, half + _adjoint(half))


@implements("linalg.cholesky")
def cholesky(x: Any, /, *, upper: bool = False) -> Any:
    factor = ops.cholesky(_of_triangle(x))
    return _adjoint(factor) if upper else factor


@implements("linalg.eigh")
def eigh(x: Any, /) -> Any:
    return EighResult(*ops.eigh(_of_triangle(x), UPLO="L"))


@implements("linalg.eigvalsh")
def eigvalsh(x: Any, /) -> Any:
    return eigh(x).eigenvalues


@implements("linalg.svd")
def svd(x: Any, /, *, full_matrices: bool = True) -> Any:
    return SVDResult(*ops.svd(x, full_matrices=full_matrices))


@implements("linalg.svdvals")
def svdvals(x: Any, /) -> Any:
    return ops.svd(x, full_matrices=False)[1]


@implements("linalg.qr")
def qr(x: Any, /, *, mode: str = "reduced") -> Any:
    rows, columns = x.shape[-2:]
    # The first columns decide; those beyond the rows are only expressed in their basis.
    q, r = ops.qr(x[..., :rows] if columns > rows else x, mode=mode)
    if columns > rows:
        rest = contractions.matmul(_adjoint(q), x[..., rows:])
        r = functions["concat"]([r, rest], axis=-1)
    return QRResult(q, r)


@implements("linalg.matrix_rank")
def matrix_rank(x: Any, /, *, rtol: Any = None) -> Any:
    values = svdvals(x)
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(backend_among(x).namespace.finfo(values.dtype).eps)
    elif hasattr(rtol, "dtype"):
        rtol = rtol[..., None]
    tol = reduce.max(values, axis=(-1,), keepdims=True) * rtol
    return (
        functions["count_nonzero"](values > tol, axis=-1)
        if is_box(values > tol)
        else (backend_among(x).function("count_nonzero")(values > tol, axis=-1))
    )


# Norms


@implements("linalg.vector_norm")
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    return ops.vector_norm(x, ord=ord, axis=axes_of(axis, x.ndim), keepdims=keepdims)


@implements("linalg.matrix_norm")
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    if ord in ("fro", None):
        return ops.vector_norm(x, ord=2, axis=(-2, -1), keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        values = svdvals(x)
        name = "sum" if ord == "nuc" else "max" if ord > 0 else "min"
        value = functions[name](values, axis=-1)
        return backend_among(x).xp.expand_dims(value, (-2, -1)) if keepdims else value
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(f"a matrix has no norm of order {ord!r}")
    added, compared = (-2, -1) if abs(ord) == 1 else (-1, -2)
    sums = reduce.sum(abs(x), axis=(added,), keepdims=True)
    value = functions["max" if ord > 0 else "min"](sums, axis=compared, keepdims=True)
    return value if keepdims else functions["squeeze"](value, axis=(-2, -1))
