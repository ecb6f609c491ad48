"""Diagonals, cuts, stacks and other ways to move elements, written with those in `shape.py`.

torch itself says what such a call gives: it makes the call on a tensor without memory, which has
the shape alone, and complains there of arguments that do not fit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch

from ...core import raw
from ...ops import along
from ...ops import shape as shapes
from . import opaque
from .arrange import conj, constant_pad
from .dispatch import functions, implements, is_box
from .index import getitem
from .selection import defined, own_copy
from .shape import cat

_Tensor = torch.Tensor
_VF: Any = torch._C._VariableFunctions


def _form(x: Any) -> Any:
    """A tensor of the shape of `x` without memory."""
    return torch.empty(tuple(x.shape), dtype=x.dtype, device="meta")


# Diagonals


@defined("diagonal")
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    torch.diagonal(_form(input), offset, dim1, dim2)
    if (dim1 % input.ndim, dim2 % input.ndim) != (input.ndim - 2, input.ndim - 1):
        input = input.movedim((dim1, dim2), (-2, -1))
    return shapes.diagonal(input, offset=offset)


@implements(torch.linalg.diagonal)
def diagonal_of_matrices(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    return diagonal(A, offset, dim1, dim2)


@defined("diag_embed")
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    torch.diag_embed(_form(input), offset, dim1, dim2)
    more = abs(offset)
    longer = constant_pad(input, [0, more]) if more else input
    size = longer.shape[-1]
    on = torch.ones(size, size, dtype=torch.bool, device=input.device)
    on = on.tril(offset).triu(offset)
    matrices = torch.where(on, longer.unsqueeze(-1 if offset >= 0 else -2), 0)
    return matrices.movedim((-2, -1), (dim1, dim2))


@defined("diag")
def diag(input: Any, diagonal: int = 0) -> Any:
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        return opaque.apply(torch.diag, (input, diagonal), {})
    return functions[torch.diagonal](input, diagonal).clone()


@defined("diagflat")
def diagflat(input: Any, offset: int = 0) -> Any:
    return diag_embed(input.reshape(-1), offset)


@defined("diagonal_scatter")
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    torch.diagonal_scatter(_form(input), _form(src), offset, dim1, dim2)
    out = own_copy(input)
    diagonal(out, offset, dim1, dim2).copy_(src)
    return out


# Windows, which overlap


@implements(_Tensor.unfold)
def unfold(self: Any, dimension: int, size: int, step: int) -> Any:
    if not self.ndim:
        return opaque.apply(_Tensor.unfold, (self, dimension, size, step), {})
    _form(self).unfold(dimension, size, step)
    axis = dimension % self.ndim - self.ndim
    return along.windows(self, axis=axis, size=size, step=step)


# Cuts along one axis: where each part begins, a tensor of one number for each place tells


def _cutting(name: str, axis_of: Callable[[int], int] | None = None) -> None:
    """Along the axis that the rank tells, or the argument `dim`."""
    function = getattr(torch, name)

    @defined(name)
    def cut(tensor: Any, sizes: Any = None, dim: int = 0, **kwargs: Any) -> Any:
        given = {"dim": dim} if axis_of is None else {}
        args = (tensor, sizes) if sizes is not None else (tensor,)
        if not is_box(tensor) or is_box(sizes) or not tensor.ndim:
            return opaque.apply(function, args, kwargs | given)
        axis = (dim if axis_of is None else axis_of(tensor.ndim)) % tensor.ndim
        size = tensor.shape[axis]
        places = torch.empty(size).reshape(size, *(1,) * (tensor.ndim - axis - 1))
        places = places.expand(tuple(tensor.shape))
        return tuple(
            tensor.narrow(axis, one.storage_offset() if one.shape[axis] else 0, one.shape[axis])
            for one in function(places, *args[1:], **kwargs, **given)
        )


for _name in (
    "split_with_sizes unsafe_split_with_sizes unsafe_split unsafe_chunk tensor_split"
).split():
    _cutting(_name)
_cutting("hsplit", lambda ndim: min(ndim - 1, 1))
_cutting("vsplit", lambda _: 0)
_cutting("dsplit", lambda _: 2)


# Other shapes of the same elements


@defined("unflatten")
def unflatten(input: Any, dim: Any, sizes: Any) -> Any:
    return input.reshape(tuple(torch.unflatten(_form(input), dim, sizes).shape))


def _of_rank(name: str) -> Callable[[Any], Any]:
    function = getattr(_VF, name)

    @implements(function)
    def at_least(*tensors: Any) -> Any:
        if len(tensors) == 1:
            (tensors,) = tensors
        if not isinstance(tensors, (list, tuple)):
            return one(tensors)
        return tuple(map(one, tensors))

    def one(x: Any) -> Any:
        return x.reshape(tuple(function(_form(x)).shape))

    return one


_at_least = [None, *(_of_rank(f"atleast_{rank}d") for rank in (1, 2, 3))]


def _stacking(names: str, rank: int, axis: int) -> None:
    made: Any = _at_least[rank]

    @defined(names)
    def stacked(tensors: Any) -> Any:
        parts = [*map(made, tensors)]
        return cat(parts, 0 if parts[0].ndim == 1 else axis)


_stacking("hstack", 1, 1)
_stacking("vstack row_stack", 2, 0)
_stacking("dstack", 3, 2)


@defined("column_stack")
def column_stack(tensors: Any) -> Any:
    return cat([x.reshape(-1, 1) if x.ndim < 2 else x for x in tensors], 1)


@implements(_VF.block_diag)
def block_diag(tensors: Any) -> Any:
    blocks = [x.reshape((1, -1)) if x.ndim < 2 else x for x in tensors]
    if any(x.ndim > 2 for x in blocks):
        return opaque.apply(torch.block_diag, tuple(tensors), {})
    width, start = sum(x.shape[1] for x in blocks), 0
    rows: list[Any] = []
    for x in blocks:
        rows.append(constant_pad(x, [start, width - start - x.shape[1]]))
        start += x.shape[1]
    return cat(rows)


@implements(_VF.cartesian_prod)
def cartesian_prod(tensors: Any) -> Any:
    if len(tensors) == 1:
        return tensors[0]
    grids = torch.meshgrid(*tensors, indexing="ij")
    return torch.stack([grid.reshape(-1) for grid in grids], 1)


@defined("combinations")
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    if input.ndim != 1:
        return opaque.apply(torch.combinations, (input, r, with_replacement), {})
    places = torch.arange(len(input), device=input.device)
    return getitem(input, torch.combinations(places, r, with_replacement).long())


@defined("sum_to_size")
def sum_to_size(self: Any, *size: Any) -> Any:
    sizes = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    _form(self).sum_to_size(sizes)
    lead = self.ndim - len(sizes)
    summed = [axis for axis, n in enumerate(self.shape) if axis < lead or sizes[axis - lead] != n]
    return self.sum(summed, keepdim=True).reshape(sizes) if summed else self


@defined("fill")
def fill(input: Any, value: Any) -> Any:
    out = own_copy(input)
    return out.fill_(value)


# Turns and flips


@defined("flipud")
def flipud(input: Any) -> Any:
    return input.flip(0)


@defined("fliplr")
def fliplr(input: Any) -> Any:
    return input.flip(1)


@defined("rot90")
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    torch.rot90(_form(input), k, dims)
    first, second = dims
    turned = k % 4
    if turned == 0:
        return input.clone()
    if turned == 2:
        return input.flip((first, second))
    return input.flip(second if turned == 1 else first).transpose(first, second)


# Pixels and channels


@implements(torch.pixel_shuffle)
def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    shape = tuple(torch.pixel_shuffle(_form(input), upscale_factor).shape)
    *_, rows, columns = input.shape
    stack = math.prod(shape[:-2])
    parts = input.reshape((stack, upscale_factor, upscale_factor, rows, columns))
    return parts.permute((0, 3, 1, 4, 2)).reshape(shape)


@implements(torch.pixel_unshuffle)
def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    shape = tuple(torch.pixel_unshuffle(_form(input), downscale_factor).shape)
    *lead, _, _, _ = input.shape
    rows, columns = shape[-2:]
    stack = math.prod((*lead, input.shape[-3]))
    parts = input.reshape((stack, rows, downscale_factor, columns, downscale_factor))
    return parts.permute((0, 2, 4, 1, 3)).reshape(shape)


@implements(torch.channel_shuffle, torch.native_channel_shuffle)
def channel_shuffle(input: Any, groups: int) -> Any:
    torch.channel_shuffle(torch.empty(tuple(input.shape)), groups)
    size, channels = input.shape[:2]
    parts = input.reshape((size, groups, channels // groups, math.prod(input.shape[2:])))
    return parts.transpose(1, 2).reshape(tuple(input.shape))


# Complex numbers


@defined("adjoint")
def adjoint(input: Any) -> Any:
    return conj(input.transpose(-2, -1))


def _resolved(name: str) -> None:
    function, is_lazy = getattr(torch, f"resolve_{name}"), getattr(_Tensor, f"is_{name}")

    @defined(f"resolve_{name}")
    def resolved(input: Any) -> Any:
        return opaque.apply(function, (input,), {}) if is_lazy(raw(input)) else input


_resolved("conj")
_resolved("neg")


# Copies of what the views are


@defined("alias_copy")
def alias_copy(input: Any) -> Any:
    return input.clone()


def _copying(name: str) -> None:
    base = name.removesuffix("_copy")
    view = functions.get(getattr(torch, base, None)) or functions.get(getattr(_Tensor, base, None))
    if view is None:
        return

    @defined(name)
    @functools.wraps(view)
    def copies(*args: Any, **kwargs: Any) -> Any:
        out = view(*args, **kwargs)
        return tuple(one.clone() for one in out) if isinstance(out, tuple) else out.clone()


for _name in dir(torch):
    if _name.endswith("_copy") and not _name.startswith("_"):
        _copying(_name)
