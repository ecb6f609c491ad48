"""Samples: contractions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pullback.testing import Sample

_rng = np.random.default_rng(5)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


V, W = _normal(3), _normal(3)
A, B = _normal(2, 3), _normal(3, 4)
STACK = _normal(5, 2, 3)
SCALAR = 0.7
INTEGERS = np.arange(12).reshape(3, 4)


def _product(covers: Any, function: Any, *args: Any, label: str = "") -> Sample:
    return Sample(covers, function, args, label, complex=True)


def _pairs(function: Any, *pairs: tuple[Any, Any]) -> list[Sample]:
    return [
        _product(function, function, x, y, label=f"{np.shape(x)} {np.shape(y)}") for x, y in pairs
    ]


def _einsum(subscripts: str, *shapes: tuple[int, ...], **options: Any) -> Sample:
    label = " ".join(filter(None, [subscripts, *map(str, options.values())]))
    operands = [_normal(*shape) for shape in shapes]
    return _product(
        np.einsum, lambda *args: np.einsum(subscripts, *args, **options), *operands, label=label
    )


def _multi_dot(*shapes: tuple[int, ...]) -> Sample:
    arrays = [_normal(*shape) for shape in shapes]
    label = " ".join(map(str, shapes))
    return _product(
        np.linalg.multi_dot, lambda *args: np.linalg.multi_dot(args), *arrays, label=label
    )


def _cross(*args: Any, label: str = "", **options: Any) -> Sample:
    def function(a: Any, b: Any) -> Any:
        with warnings.catch_warnings():  # for vectors of two elements
            warnings.simplefilter("ignore", DeprecationWarning)
            return np.cross(a, b, **options)

    return _product(np.cross, function, *args, label=label)


def _convolutions(function: Any) -> list[Sample]:
    sizes = [(5, 3), (5, 2), (2, 5), (3, 4), (3, 3), (1, 3)]
    return [
        _product(
            function,
            lambda a, v, mode=mode: function(a, v, mode),
            _normal(n),
            _normal(m),
            label=f"{mode} {n} {m}",
        )
        for mode in ("full", "same", "valid")
        for n, m in sizes
    ]


SAMPLES = [
    # matmul and the ufuncs like it
    *_pairs(
        np.matmul,
        (V, W),
        (A, V),
        (V, B),
        (A, B),
        (STACK, B),
        (STACK, V),
        (V, _normal(5, 3, 2)),
        (A, _normal(5, 3, 2)),
        (STACK, _normal(5, 3, 2)),
        (_normal(4, 1, 2, 3), _normal(5, 3, 2)),
        (_normal(1, 2, 3), _normal(5, 3, 2)),
        (_normal(2, 0), _normal(0, 3)),
        (_normal(0, 3), _normal(3, 2)),
    ),
    _product(np.matmul, lambda x, y: x @ y, A, B, label="operator"),
    _product(np.matmul, lambda x: x @ INTEGERS, A, label="integers"),
    _product(np.matmul, lambda x: INTEGERS.T @ x, V, label="reflected"),
    _product(
        np.matmul,
        lambda x, y: np.matmul(x, y, axes=[(0, 2), (2, 1), (2, 0)]),
        _normal(3, 5, 2),
        _normal(5, 4, 2),
        label="axes",
    ),
    *_pairs(np.vecdot, (V, W), (A, V), (STACK, A)),
    _product(np.vecdot, lambda x, y: np.vecdot(x, y, axis=0), B, V[:, None], label="axis"),
    _product(np.vecdot, lambda x, y: np.vecdot(x, y, keepdims=True), A, V, label="keepdims"),
    # dot and its kin
    *_pairs(
        np.dot,
        (SCALAR, SCALAR),
        (SCALAR, V),
        (A, SCALAR),
        (V, W),
        (A, V),
        (V, B),
        (A, B),
        (STACK, V),
        (STACK, B),
        (V, _normal(5, 3, 2)),
        (A, _normal(5, 3, 2)),
        (STACK, _normal(4, 3, 2)),
    ),
    _product(np.dot, lambda x, y: x.dot(y), A, B, label="method"),
    *_pairs(np.inner, (SCALAR, V), (V, W), (A, V), (V, A), (A, _normal(4, 3)), (STACK, A)),
    *_pairs(np.vdot, (SCALAR, SCALAR), (V, W), (A, _normal(3, 2))),
    *_pairs(np.outer, (SCALAR, V), (V, W), (A, W), (_normal(0), V)),
    *_pairs(np.kron, (SCALAR, V), (V, W), (V, A), (A, B), (STACK, A)),
    *[
        _product(
            np.tensordot, lambda x, y, axes=axes: np.tensordot(x, y, axes), x, y, label=str(axes)
        )
        for axes, x, y in [
            (0, A, V),
            (1, A, B),
            (2, STACK, _normal(2, 3, 4)),
            ((-1, 0), STACK, B),
            (([0, 2], [1, 0]), STACK, _normal(3, 5, 2)),
            (([1, 0], [0, 1]), A, _normal(3, 2)),
            (([], []), A, V),
        ]
    ],
    _product(
        np.tensordot,
        lambda x, y: np.tensordot(x, y, 1),
        _normal(20, 30),
        _normal(30, 25),
        label="large",
    ),
    # einsum
    _einsum("ij,jk->ik", (2, 3), (3, 4)),
    _einsum("ij,jk", (2, 3), (3, 4)),
    _einsum("ba", (2, 3)),
    _einsum("ij->", (2, 3)),
    _einsum("ij->j", (2, 3)),
    _einsum("ii", (3, 3)),
    _einsum("ii->i", (3, 3)),
    _einsum("iiij->ji", (2, 2, 2, 3)),
    _einsum("...ii->...i", (2, 3, 3)),
    _einsum("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    _einsum("i...,...i", (3, 2), (4, 1, 3)),
    _einsum("...,...", (3, 2), (2,)),
    _einsum("ij,ij->", (3, 1), (1, 4)),
    _einsum("ij,kl->il", (2, 3), (4, 2)),
    _einsum(" i j , j k -> k i", (2, 3), (3, 4)),
    _einsum(",ij->ji", (), (2, 3)),
    _einsum("->", ()),
    _einsum("i,i->i", (0,), (0,)),
    _einsum("bij,bjk->bik", (3, 6, 20), (3, 20, 5)),
    _einsum("jbi,kjb->kbi", (20, 3, 6), (5, 20, 3)),
    _einsum("ij,j,kk,...l->...i", (2, 3), (3,), (4, 4), (2, 5, 6)),
    _einsum("i,i,i->i", (3,), (3,), (3,)),
    _einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    _einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 2), optimize=True),
    _einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 2), optimize="optimal"),
    _einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 2), optimize=["einsum_path", (1, 2), (0, 1)]),
    _einsum("ij,ik,il,im->jklm", (2, 3), (2, 2), (2, 4), (2, 3)),
    _product(
        np.einsum, lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), A, B, label="sublists"
    ),
    _product(
        np.einsum,
        lambda x, y: np.einsum(x, [..., 27], y, [27, ...]),
        STACK,
        V,
        label="sublists, ellipsis, implicit",
    ),
    _product(np.einsum, lambda x: np.einsum("ij,jk", x, INTEGERS), A, label="integers"),
    _product(
        np.einsum,
        lambda x: np.einsum("i,i", x, W, dtype=complex, casting="unsafe"),
        V,
        label="dtype",
    ),
    # Cross products
    _cross(V, W),
    _cross(_normal(4, 3), V, label="broadcast"),
    _cross(_normal(3, 4), _normal(3, 4), axis=0, label="axis"),
    _cross(_normal(3, 4), _normal(4, 3), axisa=0, axisb=1, axisc=0, label="axes"),
    # Convolutions
    *_convolutions(np.convolve),
    *_convolutions(np.correlate),
    _product(np.convolve, np.convolve, V, SCALAR, label="scalar"),
    # np.linalg's products
    _multi_dot((3,), (3,)),
    _multi_dot((2, 3), (3, 4)),
    _multi_dot((3,), (3, 4), (4,)),
    _multi_dot((2, 3), (3, 4), (4,)),
    _multi_dot((6, 2), (2, 5), (5, 3), (3, 4)),
    _product(np.linalg.matmul, np.linalg.matmul, STACK, B),
    _product(np.linalg.outer, np.linalg.outer, V, W),
    _product(np.linalg.tensordot, lambda x, y: np.linalg.tensordot(x, y, axes=1), STACK, B),
    _product(np.linalg.vecdot, lambda x, y: np.linalg.vecdot(x, y, axis=0), B, V[:, None]),
    _product(np.linalg.cross, lambda x, y: np.linalg.cross(x, y, axis=0), B, V[:, None]),
    _product(np.linalg.trace, lambda x: np.linalg.trace(x, offset=1), STACK),
    _product(np.linalg.diagonal, lambda x: np.linalg.diagonal(x, offset=-1), STACK),
    _product(np.linalg.matrix_transpose, np.linalg.matrix_transpose, STACK),
]

if np.lib.NumpyVersion(np.__version__) < "2.5.0":  # later ones refuse vectors of two elements
    SAMPLES += [
        _cross(_normal(4, 2), _normal(4, 2), label="2 2"),
        _cross(_normal(4, 2), V, label="2 3"),
        _cross(V, _normal(2), label="3 2"),
    ]

if hasattr(np, "matvec"):
    SAMPLES += [
        *_pairs(np.matvec, (A, V), (A, _normal(5, 3)), (STACK, V), (STACK, _normal(5, 3))),
        *_pairs(np.vecmat, (V, B), (_normal(5, 3), B), (V, _normal(5, 3, 2))),
    ]
