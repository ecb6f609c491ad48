"""Elements written, or put together in groups, at the positions that an index names.

Where a group is a product or an extreme, its elements are brought side by side, in blocks of groups
of about one size, so that the rules of `prod`, `amax` and `amin` hold for it at every order.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from ...ops import along
from . import opaque
from .dispatch import is_box
from .index import getitem, static_index
from .selection import defined, own_copy

_REDUCTIONS = {"prod": 1.0, "amax": -math.inf, "amin": math.inf}


@defined("scatter_reduce")
def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    if is_box(index) or reduce not in ("sum", "mean", *_REDUCTIONS):
        args = (input, dim, index, src, reduce)
        return opaque.apply(torch.scatter_reduce, args, {"include_self": include_self})
    if not input.ndim:
        parts = (x if x.ndim else x.reshape(1) for x in (input, index, src))
        input, index, src = parts
        out = scatter_reduce(input, dim, index, src, reduce, include_self=include_self)
        return out.reshape(())
    if not index.numel():
        return input.clone()
    index = static_index(index)
    read = src[tuple(map(slice, index.shape))]
    axis = dim % input.ndim - input.ndim
    counts = torch.zeros(tuple(input.shape), dtype=torch.long, device=input.device)
    counts.scatter_add_(axis, index, torch.ones_like(index))
    if reduce in ("sum", "mean"):
        added = along.add_along(read, index, shape=tuple(input.shape), axis=axis)
        base = input if include_self else torch.where(counts > 0, 0, input)
        total = base + added
        return total if reduce == "sum" else total / (counts + include_self).clamp_min(1)
    places = torch.arange(counts.numel(), device=input.device).reshape(counts.shape)
    groups = places.gather(axis, index).reshape(-1)
    return _reduced(input, groups, read.reshape(-1), counts.reshape(-1), reduce, include_self)


def _reduced(
    input: Any, groups: Any, elements: Any, counts: Any, reduce: str, include_self: bool
) -> Any:
    """`input`, flat, with those of its elements reduced that `groups` names for `elements`."""
    flat = input.reshape(-1)
    order = groups.argsort(stable=True)
    starts = counts.cumsum(0) - counts
    filling = torch.full((1,), _REDUCTIONS[reduce], dtype=input.dtype, device=input.device)
    source = torch.cat((getitem(elements, order), filling))
    rows: list[Any] = []
    places: list[Any] = []
    for width in (1 << bits for bits in range(int(counts.max()).bit_length() + 1)):
        mine = ((counts > width // 2) & (counts <= width)).nonzero().squeeze(1)
        if not len(mine):
            continue
        step = torch.arange(width, device=input.device)
        inside = step < counts[mine].unsqueeze(1)
        block = getitem(source, torch.where(inside, starts[mine].unsqueeze(1) + step, len(groups)))
        if include_self:
            block = torch.cat((getitem(flat, mine).unsqueeze(1), block), 1)
        rows.append(getattr(block, reduce)(1))
        places.append(mine)
    out = own_copy(flat)
    out[torch.cat(places)] = torch.cat(rows)
    return out.reshape(input.shape)


@defined("index_reduce")
def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    if is_box(index):
        args = (input, dim, index, source, reduce)
        return opaque.apply(torch.index_reduce, args, {"include_self": include_self})
    if not source.ndim:
        source = source.reshape(1)
    after = source.ndim - 1 - dim % source.ndim
    everywhere = index.reshape(-1, *(1,) * after).expand(tuple(source.shape))
    return scatter_reduce(input, dim, everywhere, source, reduce, include_self=include_self)


@defined("put")
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    flat = torch.index_put(input.reshape(-1), (index.reshape(-1),), source.reshape(-1), accumulate)
    return flat.reshape(input.shape)


@defined("masked_scatter")
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    if is_box(mask):
        return opaque.apply(torch.masked_scatter, (input, mask, source), {})
    shape = torch.broadcast_shapes(input.shape, mask.shape)
    mask = mask.expand(shape)
    count = int(mask.count_nonzero())
    if count > source.numel():
        return opaque.apply(torch.masked_scatter, (input, mask, source), {})
    out = own_copy(input.expand(shape))
    out[mask] = source.reshape(-1)[:count]
    return out
