"""Matrices that are singular, and values that coincide: what rules ask of them.

Written in the functions of the array API standard, which are NumPy's too. `lib` is the library's
backend, or what stands for NumPy there: beside the standard's `namespace` and `linalg` it has
functions that take numbers and mixed dtypes, and the truth of a condition where that is known.
"""

from __future__ import annotations

import functools
import math
from typing import Any

# Below this condition number the inverse is as good as the decomposition, and much quicker.
WELL_CONDITIONED = 1e4


def functions(lib: Any) -> dict[str, Any]:
    """The functions here by name, for one library."""
    ours = (
        cofactor,
        cofactor_derivative,
        nearly_singular,
        coincide,
        vanish,
        indeterminate,
        objection,
        unseen,
    )
    return {function.__name__: functools.partial(function, lib) for function in ours}


def cofactor(lib: Any, x: Any) -> Any:
    """The derivative of `det`: `det(x) * inv(x).mT`, but right for singular matrices too."""
    u, s, vh, phase = _svd_with_phase(lib, x)
    return phase * ((_conj(lib, u) * _products_but_one(lib, s)[..., None, :]) @ _conj(lib, vh))


def cofactor_derivative(lib: Any, x: Any, y: Any) -> Any:
    """The derivative of `cofactor` at `x` in the direction `y`, for singular matrices too."""
    xp = lib.namespace
    u, s, vh, phase = _svd_with_phase(lib, x)
    y = _conj(lib, u).mT @ y @ _conj(lib, vh).mT
    eye = xp.eye(s.shape[-1], device=lib.device_of(x)) == 1
    products = lib.where(eye, 0, _products_but_one(lib, lib.where(eye, 1, s[..., None, :])))
    diagonal = lib.mixed_product(products, lib.linalg.diagonal(y)[..., None])
    turned = lib.where(eye, diagonal, -products * y.mT)
    return phase * (_conj(lib, u) @ turned @ _conj(lib, vh))


def nearly_singular(lib: Any, x: Any) -> Any:
    """Which matrices have lost two thirds of their digits to their condition number."""
    s = lib.linalg.svdvals(x)
    small = s <= _epsilon(lib, s) ** (1 / 3) * s[..., :1]
    return lib.namespace.any(small, axis=-1)[..., None, None]


def _svd_with_phase(lib: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """The singular value decomposition, and the determinant of its two unitary factors."""
    u, s, vh = lib.linalg.svd(x, full_matrices=True)
    return u, s, vh, (lib.linalg.det(u) * lib.linalg.det(vh))[..., None, None]


def _products_but_one(lib: Any, s: Any) -> Any:
    """For each element, the product of the others: without a division, so zeros are no matter."""
    xp, size = lib.namespace, s.shape[-1]
    ones = xp.ones_like(s[..., :1])
    before = xp.concat([ones, s[..., :-1]], axis=-1)[..., :size]
    after = xp.concat([s[..., 1:], ones], axis=-1)[..., :size]
    return lib.running_product(before) * lib.running_product(after, reverse=True)


def coincide(lib: Any, w: Any) -> Any:
    """Which pairs of the eigenvalues or singular values `w` are equal, as far as rounding tells."""
    gaps = abs(w[..., None, :] - w[..., :, None])
    return gaps <= _rounding(lib, w)[..., None]


def vanish(lib: Any, s: Any) -> Any:
    """Which of the singular values `s` are zero, as far as rounding tells."""
    return s <= _rounding(lib, s)


def _epsilon(lib: Any, x: Any) -> float:
    return float(lib.namespace.finfo(x.dtype).eps)


def _rounding(lib: Any, w: Any) -> Any:
    return 4 * _epsilon(lib, w) * lib.namespace.sum(abs(w), axis=-1, keepdims=True)


def indeterminate(lib: Any, x: Any, where: Any) -> Any:
    """X times 0 / 0, `where` a derivative divides by zero: nan, or 0 where x vanishes.

    An element vanishes if it is no more than rounding beside the whole matrix.
    """
    xp = lib.namespace
    if x.shape != where.shape:
        x = xp.broadcast_to(x, lib.shape_together(x, where))
    zeros = xp.zeros_like(x)
    if lib.known(xp.any(where)) is False:
        return zeros
    return lib.where(where & _counts(lib, x, x), math.nan, zeros)


def objection(lib: Any, x: Any, beside: Any) -> Any:
    """For each matrix, nan if any element of x is more than rounding `beside` another matrix."""
    seen = lib.namespace.any(_counts(lib, x, beside), axis=(-2, -1), keepdims=True)
    return lib.where(seen, math.nan, lib.real_zeros(seen.shape, x))


def unseen(lib: Any, values: Any, ambiguous: Any, inner: Any) -> Any:
    """For each matrix, nan if the cotangent of one of its `ambiguous` values cannot be placed.

    That is so where the cotangent of the value counts while the diagonal of `inner`, that of
    its vectors, vanishes: `V @ diag(h(w)) @ V.T` with h(w) = 0 looks no other than the sum of
    h(w) then, and their derivatives differ.
    """
    if lib.known(lib.namespace.any(ambiguous)) is False:
        shape = lib.shape_together(values[..., None], ambiguous[..., None], inner[..., :1])
        return lib.real_zeros((*shape[:-2], 1, 1), inner)
    diagonal = lib.linalg.diagonal(inner)[..., None, :]
    values = values[..., None, :]
    lost = ambiguous[..., None, :] & _counts(lib, values, values) & ~_counts(lib, diagonal, inner)
    lost = lib.namespace.any(lost, axis=-1, keepdims=True)
    return lib.where(lost, math.nan, lib.real_zeros(lost.shape, inner))


def _counts(lib: Any, x: Any, beside: Any) -> Any:
    size = lib.linalg.matrix_norm(beside, keepdims=True)
    return ~(abs(x) <= math.sqrt(_epsilon(lib, x)) * size)


def _conj(lib: Any, x: Any) -> Any:
    return lib.namespace.conj(x) if lib.is_complex(x.dtype) else x
