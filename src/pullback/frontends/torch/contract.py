"""The matmul family and einsum: torch's signatures over `matmul` and `contract`."""

from __future__ import annotations

from typing import Any

import torch

from ...ops import contract as ops
from ...ops import shape as shapes_ops
from ...recorders import recorder
from ..numpy.einsum import schedule_of
from . import opaque
from .box import TensorBox
from .dispatch import implements, recorded
from .pointwise import BACKEND

matmul = recorder(ops.matmul, BACKEND)


@implements(torch.matmul, torch.linalg.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__)
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
    plain = isinstance(args[0], str) and len({x.dtype for x in operands}) == 1
    try:
        shapes = tuple(tuple(x.shape) for x in operands)
        steps = schedule_of(args[0].replace(" ", ""), shapes, "greedy") if plain else None
    except ValueError:  # torch says what is wrong
        steps = None
    if steps is None:
        return opaque.apply(torch.einsum, args, {})
    values = list(operands)
    for place, name, options in steps.alone:
        values[place] = _ALONE[name](values[place], **options)
    for i, j, pair in steps.pairs:
        values.append(ops.contract(values[i], values[j], subscripts=pair))
    return values[-1] if steps.axes is None else values[-1].permute(steps.axes)


def _diagonal(x: Any, axis1: int, axis2: int) -> Any:
    return shapes_ops.diagonal(x.movedim((axis1, axis2), (-2, -1)), offset=0)


# The steps of an einsum that take one operand.
_ALONE: dict[str, Any] = {
    "diagonal": _diagonal,
    "squeeze": lambda x, axis: x.squeeze(axis),
    "sum": lambda x, axis: x.sum(axis),
}


@implements(torch.addmm, torch.Tensor.addmm)
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    out = matmul(mat1, mat2)
    out = out if alpha == 1 else out * alpha
    return out + (input if beta == 1 else input * beta)


@implements(torch.bilinear)
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    fits = weight.ndim == 3 and input1.shape[:-1] == input2.shape[:-1]
    if not fits or (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:]):
        return opaque.apply(torch.bilinear, (input1, input2, weight, bias), {})
    out = einsum("...i,oij,...j->...o", input1, weight, input2)
    return out if bias is None else out + bias


TensorBox.__matmul__ = matmul  # type: ignore[method-assign]
TensorBox.__rmatmul__ = rmatmul  # type: ignore[method-assign]
TensorBox.matmul = _matmul  # type: ignore[method-assign]
