"""Linear algebra: NumPy's on matrices of one block each, Dask's on those cut into blocks."""

from __future__ import annotations

import functools
import math
from typing import Any

import dask.array as da
import numpy as np

from ...errors import UnsupportedError
from ...ops.declare import registry
from .blockwise import elemwise
from .chunks import as_dask

_apply_gufunc = vars(da)["apply_gufunc"]
# Primitive -> the axes of its matrices, in and out.
_SIGNATURES = {
    "cholesky": "(n,n)->(n,n)",
    "cofactor": "(n,n)->(n,n)",
    "cofactor_derivative": "(n,n),(n,n)->(n,n)",
    "coincide": "(n)->(n,n)",
    "det": "(n,n)->()",
    "eigh": "(n,n)->(n),(n,n)",
    "inv": "(n,n)->(n,n)",
    "pinv": "(m,n)->(n,m)",
    "slogdet": "(n,n)->(),()",
    "solve": "(n,n),(n,k)->(n,k)",
    "vanish": "(n)->(n)",
}


def _per_matrix(name: str) -> Any:
    impl = registry[name].impl

    def function(lib: Any, *arrays: Any, **params: Any) -> Any:
        arrays = tuple(a if isinstance(a, da.Array) else as_dask(a) for a in arrays)
        cut = _is_cut(arrays, _SIGNATURES[name])
        if cut and name in _OF_BLOCKS:
            return _OF_BLOCKS[name](*arrays)
        if cut:
            raise cut_up(name)
        return _applied(functools.partial(impl, **params), _SIGNATURES[name], arrays)

    return function


def _is_cut(arrays: Any, signature: str) -> bool:
    """Is an axis of a matrix cut into blocks?"""
    ins = signature.split("->", maxsplit=1)[0]
    widths = [one.count(",") + 1 for one in ins.strip("()").split("),(")]
    return any(
        len(chunks) > 1
        for array, width in zip(arrays, widths, strict=True)
        for chunks in array.chunks[array.ndim - width :]
    )


def cut_up(name: str) -> UnsupportedError:
    """The error for a matrix that lies in several blocks."""
    return UnsupportedError(
        f"{name} of a matrix that is cut into blocks is not differentiated: bring it into one, "
        "with x.rechunk({-1: -1, -2: -1}), where that fits the memory"
    )


def _applied(run: Any, signature: str, arrays: Any, **sizes: int) -> Any:
    widths = [
        one.count(",") + 1 for one in signature.split("->", maxsplit=1)[0].strip("()").split("),(")
    ]
    probes = [
        np.eye(2, dtype=a.dtype) if w == 2 else np.ones(2, a.dtype)
        for a, w in zip(arrays, widths, strict=True)
    ]
    results = run(*probes)
    many = isinstance(results, tuple)
    dtypes = [r.dtype for r in results] if many else results.dtype
    return _apply_gufunc(
        run, signature, *arrays, output_dtypes=dtypes, output_sizes=sizes or None, vectorize=False
    )


# What Dask does with matrices cut into blocks.
_OF_BLOCKS: dict[str, Any] = {
    "cholesky": lambda x: da.linalg.cholesky(x, lower=True),
    "inv": da.linalg.inv,
    "solve": da.linalg.solve,
}
FUNCTIONS: dict[str, Any] = {name: _per_matrix(name) for name in _SIGNATURES}


def svd(lib: Any, x: Any, full_matrices: bool) -> Any:
    signature = "(m,n)->(m,m),(k),(n,n)" if full_matrices else "(m,n)->(m,k),(k),(k,n)"
    if _is_cut([x], signature):
        if full_matrices or x.ndim != 2:
            raise cut_up("svd")
        return tuple(da.linalg.svd(x))
    run = functools.partial(registry["svd"].impl, full_matrices=full_matrices)
    return _applied(run, signature, (x,), k=min(x.shape[-2:]))


def qr(lib: Any, x: Any, mode: Any) -> Any:
    signature = "(m,n)->(m,m),(m,n)" if mode == "complete" else "(m,n)->(m,k),(k,n)"
    if _is_cut([x], signature):
        if mode == "complete" or x.ndim != 2:
            raise cut_up("qr")
        return tuple(da.linalg.qr(x))
    run = functools.partial(registry["qr"].impl, mode=mode)
    sizes = {} if mode == "complete" else {"k": min(x.shape[-2:])}
    return _applied(run, signature, (x,), **sizes)


def vector_norm(lib: Any, x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    reductions = lib.implementations
    size = elemwise(np.absolute, x)
    options = {"axis": axis, "keepdims": keepdims}
    if ord == 2:
        return np.sqrt(reductions["sum"](size * size, **options))
    if ord == 0:
        return reductions["sum"](x != 0, **options).astype(size.dtype)
    if math.isinf(ord):
        return reductions["max" if ord > 0 else "min"](size, **options)
    return reductions["sum"](size**ord, **options) ** (1 / ord)


def _fourier(name: str) -> Any:
    def function(lib: Any, x: Any, **params: Any) -> Any:
        axes = params.get("axes") or (params["axis"],)
        if any(x.numblocks[axis] > 1 for axis in axes):
            raise UnsupportedError(
                f"{name} along an axis that is cut into blocks: bring it into one, with "
                f"x.rechunk({{{axes[0]}: -1}})"
            )
        run = functools.partial(registry[name].impl, **params)
        probe = run(np.ones((4,) * x.ndim, x.dtype)) if name != "irfft" else None
        chunks = [*x.chunks]
        if name in ("rfft", "irfft"):
            n = params["n"] if name == "irfft" else x.shape[params["axis"]] // 2 + 1
            chunks[params["axis"]] = (n,)
        dtype = np.fft.irfft(np.ones(2, x.dtype)).dtype if probe is None else probe.dtype
        meta = np.empty((0,) * x.ndim, dtype)
        return vars(da)["map_blocks"](run, x, chunks=tuple(chunks), dtype=dtype, meta=meta)

    return function


FUNCTIONS |= {name: _fourier(name) for name in ("fftn", "ifftn", "rfft", "irfft")}
