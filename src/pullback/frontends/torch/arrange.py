"""What is written with other functions: copies, triangles, diagonals, repetitions, small products.

A function without a rule of its own here is a line or two over those that have one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ...ops import elementwise as ops
from ...ops import index as indexing
from ...ops import shape as shapes
from . import opaque
from .box import TensorBox
from .dispatch import functions, implements, is_box
from .index import getitem
from .selection import defined


@implements(torch.functional.broadcast_tensors)
def broadcast_tensors(*tensors: Any) -> Any:
    values = tensors[0] if len(tensors) == 1 and not _is_tensor(tensors[0]) else tensors
    shape = torch.broadcast_shapes(*(value.shape for value in values))
    return tuple(value if value.shape == shape else value.expand(shape) for value in values)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


# Pointwise


@defined("positive")
def positive(input: Any) -> Any:
    return input * 1


@defined("conj")
def conj(input: Any) -> Any:
    return ops.conjugate(input) if input.dtype.is_complex else input


@defined("sgn")
def sgn(input: Any) -> Any:
    return ops.sign(input) if input.dtype.is_complex else ops.real_sign(input)


@implements(torch.Tensor.norm)
def norm(
    self: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Any:
    return torch.norm(self, p, dim, keepdim, dtype=dtype)


@defined("lerp")
def lerp(input: Any, end: Any, weight: Any) -> Any:
    return input + weight * (end - input)


@defined("addcmul")
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    product = tensor1 * tensor2
    return input + (product if value == 1 else product * value)


@defined("addcdiv")
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    quotient = tensor1 / tensor2
    return input + (quotient if value == 1 else quotient * value)


@defined("logit")
def logit(input: Any, eps: Any = None) -> Any:
    x = input if eps is None else input.clamp(eps, 1 - eps)
    return (x / (1 - x)).log()


# Triangles and diagonals


def _triangle(name: str) -> None:
    function = getattr(torch, name)

    @defined(name)
    def triangle(input: Any, diagonal: int = 0) -> Any:
        if input.ndim < 2:
            return opaque.apply(function, (input, diagonal), {})
        mask = torch.ones(input.shape[-2:], dtype=torch.bool, device=input.device)
        return torch.where(function(mask, diagonal), input, 0)


_triangle("tril")
_triangle("triu")


@defined("trace")
def trace(input: Any) -> Any:
    if input.ndim != 2:
        return opaque.apply(torch.trace, (input,), {})
    places = torch.arange(min(input.shape), device=input.device)
    return getitem(input, (places, places)).sum()


# Repetitions


@implements(torch.Tensor.repeat)
def repeat(self: Any, *repeats: Any) -> Any:
    counts = tuple(repeats[0]) if len(repeats) == 1 and not isinstance(repeats[0], int) else repeats
    return (
        tile(self, counts)
        if len(counts) >= self.ndim
        else opaque.apply(torch.Tensor.repeat, (self, *repeats), {})
    )


@implements(torch.Tensor.tile)
def tile_method(self: Any, *dims: Any) -> Any:
    return tile(self, dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims)


@implements(torch.tile)
def tile(input: Any, dims: Any) -> Any:
    counts = (1,) * (input.ndim - len(dims)) + tuple(dims)
    sizes = (1,) * (len(counts) - input.ndim) + tuple(input.shape)
    pairs = [n for pair in zip(counts, sizes, strict=True) for n in pair]
    spread = input.reshape([n if place % 2 else 1 for place, n in enumerate(pairs)]).expand(pairs)
    return spread.reshape([count * n for count, n in zip(counts, sizes, strict=True)])


@defined("repeat_interleave")
def repeat_interleave(input: Any, repeats: Any, dim: Any = None, **kwargs: Any) -> Any:
    if kwargs or is_box(repeats) or not is_box(input) or not input.ndim:
        return opaque.apply(torch.repeat_interleave, (input, repeats, dim), kwargs)
    x = input.reshape(-1) if dim is None else input
    axis = (0 if dim is None else dim) % x.ndim
    places = torch.arange(x.shape[axis], device=x.device).repeat_interleave(repeats)
    return torch.index_select(x, axis, places)


@defined("roll")
def roll(input: Any, shifts: Any, dims: Any = ()) -> Any:
    if dims in ((), [], None):
        return roll(input.reshape(-1), shifts, 0).reshape(input.shape)
    shifts, axes = ((v,) if isinstance(v, int) else tuple(v) for v in (shifts, dims))
    if len(shifts) != len(axes) or not input.ndim:
        return opaque.apply(torch.roll, (input, shifts, axes), {})
    axes = tuple(a % input.ndim - input.ndim for a in axes)
    return shapes.roll(input, shift=shifts, axis=axes)


# Products


@defined("outer ger")
def outer(input: Any, vec2: Any) -> Any:
    return input.unsqueeze(-1) * vec2


@defined("inner")
def inner(input: Any, other: Any) -> Any:
    if not input.ndim or not other.ndim:
        return input * other
    return torch.tensordot(input, other, ([-1], [-1]))


@defined("vdot")
def vdot(input: Any, other: Any) -> Any:
    return torch.dot(conj(input), other)


def tensordot(a: Any, b: Any, dims: Any) -> Any:
    """As the function below `torch.tensordot`, which has read `dims`."""
    left, right = ([d % x.ndim for d in ds] for x, ds in zip((a, b), dims, strict=True))
    for one, other in zip(left, right, strict=True):  # an axis of length 1 broadcasts
        if a.shape[one] == 1 != b.shape[other]:
            b = b.sum(other, keepdim=True)
        elif b.shape[other] == 1 != a.shape[one]:
            a = a.sum(one, keepdim=True)
    rows = [place for place in range(a.ndim) if place not in left]
    columns = [place for place in range(b.ndim) if place not in right]
    count = math.prod(a.shape[place] for place in left)
    shape = [a.shape[place] for place in rows] + [b.shape[place] for place in columns]
    product = a.permute(rows + left).reshape(-1, count) @ b.permute(right + columns).reshape(
        count, -1
    )
    return product.reshape(shape)


@implements(torch._VF.tensordot)
def tensordot_of_lists(a: Any, b: Any, dims_a: Any, dims_b: Any) -> Any:
    return tensordot(a, b, (dims_a, dims_b))


@defined("kron")
def kron(input: Any, other: Any) -> Any:
    ndim = max(input.ndim, other.ndim)
    first, second = (x.reshape((1,) * (ndim - x.ndim) + tuple(x.shape)) for x in (input, other))
    pairs = [
        x.reshape([n for size in x.shape for n in ((size, 1) if place == 0 else (1, size))])
        for place, x in enumerate((first, second))
    ]
    shape = [n * m for n, m in zip(first.shape, second.shape, strict=True)]
    return (pairs[0] * pairs[1]).reshape(shape)


def _with_product(name: str, product: Callable[[Any, Any], Any]) -> None:
    @defined(name)
    def added(input: Any, one: Any, two: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        out = product(one, two)
        out = out if alpha == 1 else out * alpha
        if beta == 0:  # then a nan in the input counts for nothing
            return out.expand(torch.broadcast_shapes(out.shape, input.shape))
        return (input if beta == 1 else input * beta) + out


_with_product("addmv", torch.mv)
_with_product("addr", outer)
_with_product("baddbmm", torch.bmm)
_with_product("addbmm", lambda one, two: torch.bmm(one, two).sum(0))


# Padding with a constant: the other modes are filters


@implements(torch._C._nn.pad)
def pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    if mode == "constant":
        return constant_pad(input, pad, value or 0)
    if mode == "circular":
        return _circular(input, pad)
    kind = {"reflect": "reflection", "replicate": "replication"}.get(mode)
    count = len(pad) // 2
    if kind is None or input.ndim not in (count + 1, count + 2):
        return opaque.apply(torch._C._nn.pad, (input, pad, mode, value), {})
    return getattr(torch._C._nn, f"{kind}_pad{count}d")(input, tuple(pad))


@implements(torch.constant_pad_nd)
def constant_pad(input: Any, pad: Any, value: Any = 0) -> Any:
    amounts = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    before = input.ndim - len(amounts)
    sizes = [
        n + sum(amounts[place - before] if place >= before else ())
        for place, n in enumerate(input.shape)
    ]
    if len(pad) % 2 or before < 0 or any(n <= 0 for n in sizes):
        return opaque.apply(torch.constant_pad_nd, (input, pad, value), {})
    for place, (low, high) in enumerate(amounts, before):
        cut_low, cut_high = max(-low, 0), max(-high, 0)
        if cut_low or cut_high:
            input = input.narrow(place, cut_low, input.shape[place] - cut_low - cut_high)
    parts = tuple(
        slice(max(amounts[place - before][0], 0), max(amounts[place - before][0], 0) + n)
        if place >= before
        else slice(None)
        for place, n in enumerate(input.shape)
    )
    out = _placed(input, tuple(sizes), parts)
    if not value:
        return out
    inside = torch.zeros(sizes, dtype=torch.bool, device=input.device)
    inside[parts] = True
    return torch.where(inside, out, value)


def _placed(x: Any, shape: tuple[int, ...], parts: tuple[Any, ...]) -> Any:
    return indexing.unindex(x, shape=shape, index=(..., *parts))


def _circular(input: Any, pad: Any) -> Any:
    count = len(pad) // 2
    if input.ndim not in (count + 1, count + 2):
        return opaque.apply(torch._C._nn.pad, (input, pad, "circular"), {})
    for place in range(count):
        low, high = pad[2 * place : 2 * place + 2]
        axis = input.ndim - 1 - place
        size = input.shape[axis]
        if low > size or high > size or size + low + high <= 0:
            return opaque.apply(torch._C._nn.pad, (input, pad, "circular"), {})
        places = torch.arange(-low, size + high, device=input.device) % size
        input = torch.index_select(input, axis, places)
    return input


# Adjoint matrices


def _adjoint(x: Any) -> Any:
    return conj(x.transpose(-2, -1))


for _name in ("mH", "H"):
    functions.setdefault(getattr(torch.Tensor, _name).__get__, _adjoint)
    setattr(TensorBox, _name, property(_adjoint))


# Parts of complex numbers: views, as torch's are


def _part(name: str) -> None:
    attribute, primitive = getattr(torch.Tensor, name), getattr(ops, name)

    def part(x: Any) -> Any:
        if x.dtype.is_complex:
            return primitive(x)
        return x if name == "real" else opaque.apply(attribute.__get__, (x,), {})

    functions.setdefault(attribute.__get__, part)
    functions.setdefault(getattr(torch, name), part)
    setattr(TensorBox, name, property(part))


_part("real")
_part("imag")
