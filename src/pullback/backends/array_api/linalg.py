"""The standard's spellings of the canonical functions: linear algebra on stacks of matrices."""

from __future__ import annotations

from typing import Any


def _theirs(name: str) -> Any:
    return lambda lib, *args: getattr(lib.linalg, name)(*args)


FUNCTIONS: dict[str, Any] = {
    name: _theirs(name) for name in "cholesky det inv slogdet solve".split()
}


def eigh(lib: Any, x: Any, UPLO: Any = "L") -> Any:
    return lib.linalg.eigh(x)


def svd(lib: Any, x: Any, full_matrices: bool) -> Any:
    return lib.linalg.svd(x, full_matrices=full_matrices)


def qr(lib: Any, x: Any, mode: Any) -> Any:
    return lib.linalg.qr(x, mode=mode)


def pinv(lib: Any, x: Any, rcond: Any, hermitian: bool) -> Any:
    return lib.linalg.pinv(x, rtol=rcond)


def vector_norm(lib: Any, x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    return lib.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
