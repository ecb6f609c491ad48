"""`da.linalg` and `da.fft` on traced arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...ops import linalg as ops
from ..array_api import linalg as standard
from ..array_api.dispatch import axes_of
from ..array_api.dispatch import functions as standards
from .dispatch import functions, implements, operand


@implements("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = operand(x)
    if axis is None and ord is None:
        return ops.vector_norm(x, ord=2, axis=None, keepdims=keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        order = 2 if ord is None else ord
        return ops.vector_norm(x, ord=order, axis=axes_of(axes, x.ndim), keepdims=keepdims)
    if len(axes) != 2:
        raise ValueError("a norm of this order takes one axis, or two")
    if ord in (None, "fro"):
        return ops.vector_norm(x, ord=2, axis=axes_of(axes, x.ndim), keepdims=keepdims)
    x = functions["moveaxis"](x, axes, (-2, -1))
    if ord in ("nuc", 2, -2):
        values = ops.svd(x, full_matrices=False)[1]
        out = functions["sum" if ord == "nuc" else "max" if ord > 0 else "min"](values, -1)
    elif ord in (1, -1, math.inf, -math.inf):
        added, compared = (-2, -1) if abs(ord) == 1 else (-1, -1)
        sums = functions["sum"](abs(x), added)
        out = functions["max" if ord > 0 else "min"](sums, compared)
    else:
        raise ValueError(f"a matrix has no norm of order {ord!r}")
    if not keepdims:
        return out
    return functions["expand_dims"](out, tuple(sorted(a % x.ndim for a in axes)))


@implements("linalg.solve")
def solve(a: Any, b: Any, sym_pos: bool = False, assume_a: str = "gen") -> Any:
    a, b = operand(a), operand(b)
    if b.ndim != 1:
        return ops.solve(a, b)
    return ops.solve(a, functions["reshape"](b, (-1, 1)))[..., 0]


@implements("linalg.inv")
def inv(a: Any) -> Any:
    return ops.inv(operand(a))


@implements("linalg.cholesky")
def cholesky(a: Any, lower: bool = False) -> Any:
    return standard.cholesky(operand(a), upper=not lower)


@implements("linalg.svd")
def svd(a: Any, coerce_signs: bool = True) -> Any:
    return tuple(ops.svd(operand(a), full_matrices=False))


@implements("linalg.qr")
def qr(a: Any) -> Any:
    return tuple(standard.qr(operand(a)))


@implements("linalg.lstsq")
def lstsq(a: Any, b: Any) -> Any:
    """The solution for a matrix of full rank; rank and the others have no derivative."""
    q, r = qr(a)
    x = solve(r, functions["matmul"](functions["conjugate"](q).T, b))
    residuals = functions["sum"]((functions["matmul"](a, x) - b) ** 2, 0, keepdims=True)
    return x, residuals, a.shape[1], ops.svd(r, full_matrices=False)[1]


def _of_numpy(name: str, *arguments: int) -> Callable[..., Any]:
    """NumPy's function of stacks of matrices, which Dask has not: for `np.linalg.det(x)`."""

    def function(*args: Any) -> Any:
        return standards[f"linalg.{name}"](*(operand(arg) for arg in args))

    return function


for _name in ("det", "slogdet", "eigh", "eigvalsh", "pinv", "matrix_power"):
    functions[f"linalg.{_name}"] = _of_numpy(_name)


# Fourier transforms


def _fourier(name: str) -> Callable[..., Any]:
    ours = standards[f"fft.{name}"]

    def function(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
        return ours(operand(a), n=n, axis=axis, norm=norm or "backward")

    return function


def _fourier_n(name: str) -> Callable[..., Any]:
    ours = standards[f"fft.{name}"]

    def function(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        return ours(operand(a), s=s, axes=axes, norm=norm or "backward")

    return function


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    functions[f"fft.{_name}"] = _fourier(_name)
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    functions[f"fft.{_name}"] = _fourier_n(_name)
    for _two in (_name[:-1] + "2",):
        functions[f"fft.{_two}"] = (
            lambda a, s=None, axes=(-2, -1), norm=None, ours=functions[f"fft.{_name}"]: ours(
                a, s, axes, norm
            )
        )
for _name in ("fftshift", "ifftshift"):
    functions[f"fft.{_name}"] = lambda x, axes=None, ours=standards[f"fft.{_name}"]: ours(
        operand(x), axes=axes
    )
