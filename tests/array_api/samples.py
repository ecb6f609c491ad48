"""For every differentiable function of the standard, calls of it: what the tests differentiate.

A sample is a function of the namespace and of arrays; where no inputs are given, they are drawn
in `low` to `high`. Derivatives are taken in all arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Sample:
    """`call(xp, *arrays)`, a function of the standard at arrays of these shapes."""

    name: str
    call: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    low: float = -1.0
    high: float = 1.0
    dtype: str = "float64"
    second: bool = True
    libraries: tuple[str, ...] = field(default=("numpy", "array_api_strict", "torch"))

    def inputs(self, seed=0):
        """Arrays to call it at."""
        rng = np.random.default_rng(seed)
        arrays = []
        for shape in self.shapes:
            array = rng.uniform(self.low, self.high, shape)
            if self.dtype == "complex128":
                array = array + 1j * rng.uniform(self.low, self.high, shape)
            arrays.append(np.asarray(array))
        return arrays


def unary(name, low=-1.0, high=1.0, **options):
    return Sample(name, lambda xp, x: getattr(xp, name)(x), ((2, 3),), low, high, **options)


def binary(name, low=-1.0, high=1.0, **options):
    return Sample(
        name, lambda xp, x, y: getattr(xp, name)(x, y), ((2, 3), (3,)), low, high, **options
    )


def of(name, call, *shapes, **options):
    return Sample(name, call, shapes, **options)


def symmetric(x):
    return x + x.mT


SQUARE = (3, 3)
REAL_UNARY = """
    abs acos asin asinh atan atanh cos cosh exp expm1 log1p negative positive sign sin sinh
    square tan tanh reciprocal ceil floor round trunc
""".split()
SAMPLES = [
    *(unary(name, -0.9, 0.9) for name in REAL_UNARY),
    *(unary(name, 0.2, 2.0) for name in "log log2 log10 sqrt".split()),
    unary("acosh", 1.2, 3.0),
    *(
        unary(name, 0.3, 0.9, dtype="complex128")
        for name in "conj real imag exp sin sqrt log abs square tanh".split()
    ),
    *(
        binary(name)
        for name in "add subtract multiply atan2 hypot logaddexp maximum minimum copysign".split()
    ),
    *(binary(name, 0.5, 2.0) for name in "divide pow remainder".split()),
    *(
        of(name, call, (3,), low=0.2, high=0.9, libraries=("numpy", "array_api_strict"))
        for name in "atan2 copysign divide hypot logaddexp maximum pow remainder".split()
        for call in (
            lambda xp, x, n=name: getattr(xp, n)(x, 1.5),
            lambda xp, x, n=name: getattr(xp, n)(1.5, x),
        )
    ),
    # torch has no derivative of its own for it.
    binary("floor_divide", 0.5, 2.0, libraries=("numpy", "array_api_strict")),
    of("clip", lambda xp, x: xp.clip(x, -0.3, 0.4), (2, 5)),
    of("clip", lambda xp, x, y: xp.clip(x, y, 2.0), (2, 5), (5,)),
    of("where", lambda xp, x, y: xp.where(x > 0, x * y, y), (2, 3), (3,)),
    of("astype", lambda xp, x: xp.astype(x, xp.complex128) * 1j, (3,)),
    *(
        of(name, lambda xp, x, n=name: getattr(xp, n)(x), (2, 3))
        for name in "sum prod max min mean std var".split()
    ),
    *(
        of(name, lambda xp, x, n=name: getattr(xp, n)(x, axis=(0, 2), keepdims=True), (2, 3, 2))
        for name in "sum prod max min mean std var".split()
    ),
    *(
        of(name, lambda xp, x, n=name: getattr(xp, n)(x, axis=1), (2, 3))
        for name in "sum prod max min mean cumulative_sum cumulative_prod".split()
    ),
    of("var", lambda xp, x: xp.var(x, axis=0, correction=1), (4, 2)),
    of("cumulative_sum", lambda xp, x: xp.cumulative_sum(x, include_initial=True), (4,)),
    of("cumulative_prod", lambda xp, x: xp.cumulative_prod(x, include_initial=True), (4,)),
    of("diff", lambda xp, x: xp.diff(x, n=2, axis=0), (5, 2)),
    of("diff", lambda xp, x, y: xp.diff(x, prepend=y), (2, 3), (2, 1)),
    of("sort", lambda xp, x: xp.sort(x, axis=0), (4, 2)),
    of("sort", lambda xp, x: xp.sort(x, descending=True), (4, 2)),
    of("take", lambda xp, x: xp.take(x, xp.asarray([2, 0, 2]), axis=1), (2, 3)),
    of(
        "take_along_axis",
        lambda xp, x: xp.take_along_axis(x, xp.asarray([[2, 0, 2], [1, 1, 1]]), axis=1),
        (2, 3),
    ),
    of("__getitem__", lambda xp, x: x[1:, None, ::2], (3, 4)),
    of("__getitem__", lambda xp, x: x[xp.asarray([0, 2, 0])], (3,)),
    of("__getitem__", lambda xp, x: x[xp.asarray([0, 1, 0]), xp.asarray([1, 1, 1])], (2, 3)),
    of("__getitem__", lambda xp, x: x[xp.asarray([True, False, True])], (3,)),
    of("__getitem__", lambda xp, x: x[-1, 0], (3, 2)),
    of("reshape", lambda xp, x: xp.reshape(x, (3, -1)), (2, 6)),
    of("permute_dims", lambda xp, x: xp.permute_dims(x, (2, 0, 1)), (2, 3, 4)),
    of("moveaxis", lambda xp, x: xp.moveaxis(x, (0, 1), (2, 0)), (2, 3, 4)),
    of("matrix_transpose", lambda xp, x: xp.matrix_transpose(x), (2, 3, 4)),
    of("T", lambda xp, x: x.T * 2, (2, 3)),
    of("mT", lambda xp, x: x.mT * 2, (2, 3, 1)),
    of("expand_dims", lambda xp, x: xp.expand_dims(x, axis=1), (2, 3)),
    of("squeeze", lambda xp, x: xp.squeeze(x, axis=1), (2, 1, 3)),
    of("broadcast_to", lambda xp, x: xp.broadcast_to(x, (4, 2, 3)), (2, 1)),
    of("broadcast_arrays", lambda xp, x, y: xp.broadcast_arrays(x, y)[0], (2, 1), (3,)),
    of("flip", lambda xp, x: xp.flip(x), (2, 3)),
    of("flip", lambda xp, x: xp.flip(x, axis=0), (2, 3)),
    of("roll", lambda xp, x: xp.roll(x, 1), (2, 3)),
    of("roll", lambda xp, x: xp.roll(x, (1, -1), axis=(0, 1)), (2, 3)),
    of("concat", lambda xp, x, y: xp.concat([x, y], axis=1), (2, 3), (2, 1)),
    of("concat", lambda xp, x, y: xp.concat([x, y], axis=None), (2, 3), (4,)),
    of("stack", lambda xp, x, y: xp.stack([x, y], axis=-1), (2, 3), (2, 3)),
    of("unstack", lambda xp, x: xp.unstack(x, axis=1)[1], (2, 3)),
    of("repeat", lambda xp, x: xp.repeat(x, 2, axis=0), (2, 3)),
    of("tile", lambda xp, x: xp.tile(x, (2, 1, 3)), (2, 3)),
    of("tril", lambda xp, x: xp.tril(x, k=1), (3, 4)),
    of("triu", lambda xp, x: xp.triu(x), (2, 3, 3)),
    of("meshgrid", lambda xp, x, y: xp.meshgrid(x, y)[0] * xp.meshgrid(x, y)[1], (2,), (3,)),
    of("asarray", lambda xp, x: xp.asarray(x, copy=True) * 2, (3,)),
    of("matmul", lambda xp, x, y: xp.matmul(x, y), (2, 2, 3), (3, 2)),
    of("matmul", lambda xp, x, y: x @ y, (3,), (3, 2)),
    of("matmul", lambda xp, x, y: x @ y, (2, 3), (3,)),
    of("matmul", lambda xp, x, y: x @ y, (2, 3), (3, 2), dtype="complex128"),
    of("tensordot", lambda xp, x, y: xp.tensordot(x, y, axes=1), (2, 3), (3, 2)),
    of(
        "tensordot",
        lambda xp, x, y: xp.tensordot(x, y, axes=((0, 2), (1, 0))),
        (2, 3, 4),
        (4, 2),
    ),
    of("vecdot", lambda xp, x, y: xp.vecdot(x, y), (2, 3), (2, 3)),
    of("vecdot", lambda xp, x, y: xp.vecdot(x, y, axis=-2), (2, 3), (2, 3), dtype="complex128"),
    of("linalg.outer", lambda xp, x, y: xp.linalg.outer(x, y), (2,), (3,)),
    of("linalg.cross", lambda xp, x, y: xp.linalg.cross(x, y), (2, 3), (2, 3)),
    of("linalg.diagonal", lambda xp, x: xp.linalg.diagonal(x, offset=1), (2, 3, 3)),
    of("linalg.trace", lambda xp, x: xp.linalg.trace(x), (2, 3, 3)),
    of("linalg.matrix_power", lambda xp, x: xp.linalg.matrix_power(x, 3), SQUARE),
    of("linalg.inv", lambda xp, x: xp.linalg.inv(x + 3 * xp.eye(3)), SQUARE),
    of("linalg.det", lambda xp, x: xp.linalg.det(x), (2, *SQUARE)),
    of("linalg.slogdet", lambda xp, x: xp.linalg.slogdet(x + 3 * xp.eye(3))[1], SQUARE),
    of("linalg.solve", lambda xp, x, y: xp.linalg.solve(x + 3 * xp.eye(3), y), SQUARE, (3,)),
    of("linalg.solve", lambda xp, x, y: xp.linalg.solve(x + 3 * xp.eye(3), y), SQUARE, (3, 2)),
    of("linalg.pinv", lambda xp, x: xp.linalg.pinv(x), (4, 2)),
    of(
        "linalg.cholesky",
        lambda xp, x: xp.linalg.cholesky(symmetric(x) + 6 * xp.eye(3)),
        SQUARE,
    ),
    of(
        "linalg.cholesky",
        lambda xp, x: xp.linalg.cholesky(symmetric(x) + 6 * xp.eye(3), upper=True),
        SQUARE,
    ),
    of("linalg.eigh", lambda xp, x: xp.linalg.eigh(symmetric(x))[0], SQUARE),
    of("linalg.eigvalsh", lambda xp, x: xp.linalg.eigvalsh(symmetric(x)), (2, *SQUARE)),
    of("linalg.svd", lambda xp, x: xp.linalg.svd(x, full_matrices=False)[1], (4, 3)),
    of("linalg.svdvals", lambda xp, x: xp.linalg.svdvals(x), (2, 4, 3)),
    of("linalg.qr", lambda xp, x: xp.linalg.qr(x)[1], (4, 3)),
    of("linalg.qr", lambda xp, x: xp.linalg.qr(x)[0], (3, 3)),
    of("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x, axis=1), (2, 3)),
    of("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x, ord=3, keepdims=True), (2, 3)),
    of("linalg.vector_norm", lambda xp, x: xp.linalg.vector_norm(x, ord=float("inf")), (5,)),
    *(
        of("linalg.matrix_norm", lambda xp, x, o=o: xp.linalg.matrix_norm(x, ord=o), (2, 3, 2))
        for o in ("fro", "nuc", 1, -1, 2, float("inf"))
    ),
    *(
        of(f"fft.{name}", lambda xp, x, n=name: getattr(xp.fft, n)(x), (2, 5), dtype=dtype)
        for name, dtype in (
            ("fft", "complex128"),
            ("ifft", "complex128"),
            ("fftn", "complex128"),
            ("ifftn", "complex128"),
            ("rfft", "float64"),
            ("rfftn", "float64"),
            ("irfft", "complex128"),
            ("irfftn", "complex128"),
            ("hfft", "complex128"),
            ("ihfft", "float64"),
            ("fftshift", "float64"),
            ("ifftshift", "float64"),
        )
    ),
    of("fft.rfft", lambda xp, x: xp.fft.rfft(x, n=7, norm="ortho"), (2, 5)),
    of("fft.irfft", lambda xp, x: xp.fft.irfft(x, n=7), (2, 5), dtype="complex128"),
    of("fft.fft", lambda xp, x: xp.fft.fft(x, n=3, axis=0), (2, 5), dtype="complex128"),
]
