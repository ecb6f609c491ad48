"""The matmul family: torch's signatures over `matmul` and `contract`."""

from __future__ import annotations

from typing import Any

import torch

from ...ops import contract as ops
from ...recorders import recorder
from . import opaque
from .box import TensorBox
from .dispatch import implements, recorded
from .pointwise import BACKEND

matmul = recorder(ops.matmul, BACKEND)


@implements(torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__)
def _matmul(input: Any, other: Any) -> Any:
    return matmul(input, other)


for _function in (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__):
    recorded[_function] = matmul


@implements(torch.Tensor.__rmatmul__)
def rmatmul(self: Any, other: Any) -> Any:
    return matmul(other, self)


def _of_rank(name: str, *ranks: int) -> None:
    @implements(getattr(torch, name), getattr(torch.Tensor, name))
    def product(input: Any, other: Any) -> Any:
        for one, rank in zip((input, other), ranks, strict=True):
            if one.ndim != rank:
                raise RuntimeError(f"torch.{name}: expected {rank} dimensions, got {one.ndim}")
        return matmul(input, other)


_of_rank("mm", 2, 2)
_of_rank("bmm", 3, 3)
_of_rank("mv", 2, 1)
_of_rank("dot", 1, 1)


@implements(torch.nn.functional.linear)
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    if weight.ndim == 2:
        weight = weight.t()
    out = matmul(input, weight)
    return out if bias is None else out + bias


@implements(torch.einsum)
def einsum(*args: Any) -> Any:
    operands = args[1:] if len(args) != 2 or isinstance(args[1], torch.Tensor) else args[1]
    subscripts = args[0].replace(" ", "") if isinstance(args[0], str) else ""
    if len(operands) != 2 or not _is_product(subscripts):
        return opaque.apply(torch.einsum, args, {})
    x, y = operands
    sizes: dict[str, int] = {}
    left, right, _ = subscripts.replace("->", ",").split(",")
    for label, size in zip(left + right, (*x.shape, *y.shape), strict=False):
        if sizes.setdefault(label, size) != size:  # one of them is 1, and broadcasts
            return opaque.apply(torch.einsum, args, {})
    if (len(left), len(right)) != (x.ndim, y.ndim) or x.dtype is not y.dtype:
        return opaque.apply(torch.einsum, args, {})
    return ops.contract(x, y, subscripts=subscripts)


def _is_product(subscripts: str) -> bool:
    """Is this the plainest form: no label twice in one place, and each in two places at least?"""
    if "." in subscripts or "->" not in subscripts or subscripts.count(",") != 1:
        return False
    terms = subscripts.replace("->", ",").split(",")
    if any(len(set(term)) != len(term) for term in terms):
        return False
    return all(sum(label in term for term in terms) >= 2 for label in set("".join(terms)))


@implements(torch.addmm, torch.Tensor.addmm)
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    out = matmul(mat1, mat2)
    out = out if alpha == 1 else out * alpha
    return out + (input if beta == 1 else input * beta)


TensorBox.__matmul__ = matmul  # type: ignore[method-assign]
TensorBox.__rmatmul__ = rmatmul  # type: ignore[method-assign]
TensorBox.matmul = _matmul  # type: ignore[method-assign]
