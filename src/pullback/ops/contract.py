"""Contractions: multilinear ops, one transpose an argument.

Every sum of products of two arrays is `contract`, whose transposes are contractions again.
`matmul` stands beside it because it is the op that programs are made of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core import Primitive, bind
from .declare import multilinear
from .lift import aligned, canonical, same_ranks

# What subscripts are made of (`string`, which has them too, is slow to import).
LETTERS = "abcdefghijklmnopqrstuvwxyz" + "abcdefghijklmnopqrstuvwxyz".upper()


def _adjoint(xp: Any, x: Any) -> Any:
    """The conjugate transpose of a matrix, or of each in a stack."""
    return xp.conj(x.T if x.ndim == 2 else xp.swapaxes(x, -1, -2))


# A batch axis that `x` or `y` lacks, or has with length 1, is summed by `project`.


def _matmul_x(cotangent: Any, xp: Any, y: Any, shape: tuple[int, ...]) -> Any:
    if y.ndim == 1:
        return xp.expand_dims(cotangent, (-1,)) * xp.conj(y)
    if len(shape) == 1:
        column = xp.expand_dims(cotangent, (-1,))
        return xp.reshape(xp.conj(y) @ column, y.shape[:-1])
    return cotangent @ _adjoint(xp, y)


def _matmul_y(cotangent: Any, xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    if x.ndim == 1:
        if len(shape) == 1:
            return cotangent * xp.conj(x)
        return xp.expand_dims(xp.conj(x), (-1,)) * xp.expand_dims(cotangent, (-2,))
    if x.ndim > len(shape) <= 2:
        # One matrix or vector for all rows of a batch: one product, not one a batch element.
        rows = math.prod(x.shape[:-1])
        x = xp.reshape(x, (rows, shape[0]))
        cotangent = xp.reshape(cotangent, (rows, *shape[1:]))
    return _adjoint(xp, x) @ cotangent


def _matmul_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    (x, y), (x_batched, y_batched) = args, batched
    xp = canonical(x, y)
    x_ndim, y_ndim = x.ndim - x_batched, y.ndim - y_batched
    # One matrix or vector for all examples: one product, not one an example.
    if not y_batched and y_ndim <= 2:
        if x_ndim == 1 or y_ndim == 1:
            return bind(primitive, (x, y), params)
        rows = xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
        rows = bind(primitive, (rows, y), params)
        return xp.reshape(rows, (*x.shape[:-1], y.shape[-1]))
    if not x_batched and x_ndim <= 2 and y_ndim == 1:
        return bind(primitive, (y, x if x_ndim == 1 else x.T), params)
    if x_ndim == 1:
        x = xp.expand_dims(x, (-2,))
    if y_ndim == 1:
        y = xp.expand_dims(y, (-1,))
    out = bind(primitive, same_ranks((x, y), batched), params)
    shape = [*out.shape]
    if y_ndim == 1:
        del shape[-1]
    if x_ndim == 1:
        del shape[-1 if y_ndim == 1 else -2]
    return out if len(shape) == out.ndim else xp.reshape(out, tuple(shape))


matmul = multilinear("matmul", _matmul_x, _matmul_y, batch=_matmul_batch)


# `subscripts` is einsum's "ab,bc->ac" in the plainest case: no label twice in one place, and each
# in two places at least. The cotangent's contractions are of that kind again.


def _contract_x(cotangent: Any, xp: Any, y: Any, subscripts: str) -> Any:
    left, right, out = subscripts.replace("->", ",").split(",")
    return xp.contract(cotangent, xp.conj(y), subscripts=f"{out},{right}->{left}")


def _contract_y(cotangent: Any, xp: Any, x: Any, subscripts: str) -> Any:
    left, right, out = subscripts.replace("->", ",").split(",")
    return xp.contract(xp.conj(x), cotangent, subscripts=f"{left},{out}->{right}")


def _contract_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    subscripts = params["subscripts"]
    label = next(c for c in LETTERS if c not in subscripts)
    left, right, out = subscripts.replace("->", ",").split(",")
    left, right = (label * b + term for b, term in zip(batched, (left, right), strict=True))
    return bind(primitive, args, {"subscripts": f"{left},{right}->{label}{out}"})


contract = multilinear("contract", _contract_x, _contract_y, batch=_contract_batch)


# Convolutions along the last axis: `mode` is "full" or "valid"; the cotangent's is the other, with
# the second reversed.


def _convolve_x(cotangent: Any, xp: Any, y: Any, shape: tuple[int, ...], mode: str) -> Any:
    kernel = xp.conj(y)[..., ::-1]
    if mode == "full":
        return xp.convolve(cotangent, kernel, mode="valid")
    if shape[-1] >= y.shape[-1]:
        return xp.convolve(cotangent, kernel, mode="full")
    return xp.convolve(kernel, cotangent, mode="valid")


def _convolve_y(cotangent: Any, xp: Any, x: Any, shape: tuple[int, ...], mode: str) -> Any:
    return _convolve_x(cotangent, xp, x, shape, mode)


convolve = multilinear("convolve", _convolve_x, _convolve_y, batch=aligned())
