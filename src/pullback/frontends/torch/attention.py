"""Embeddings, bags of them, and attention: torch's signatures over pullback's primitives."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional as F

from ...ops import contract, neural
from . import opaque
from .dispatch import implements, is_box
from .index import getitem


@implements(F.embedding)
def embedding(
    input: Any,
    weight: Any,
    padding_idx: Any = None,
    max_norm: Any = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    if max_norm is not None or scale_grad_by_freq or sparse or weight.ndim != 2:
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return opaque.apply(F.embedding, (input, weight, *options), {})
    out = getitem(weight, input)
    if padding_idx is None:
        return out
    if not -weight.shape[0] <= padding_idx < weight.shape[0]:
        return opaque.apply(F.embedding, (input, weight, padding_idx), {})
    padding = (input == padding_idx % weight.shape[0]).unsqueeze(-1)
    return torch.where(padding, out.detach(), out)


_SUM, _MEAN, _MAX = 0, 1, 2


@implements(torch.embedding_bag)
def embedding_bag(
    weight: Any,
    input: Any,
    offsets: Any,
    scale_grad_by_freq: bool = False,
    mode: int = _SUM,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: Any = None,
) -> Any:
    options = (scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset)
    args = (weight, input, offsets, *options, padding_idx)
    if scale_grad_by_freq or sparse or is_box(input) or is_box(offsets):
        return opaque.apply(torch.embedding_bag, args, {})
    _, *found = opaque.of_values(torch.embedding_bag, *args)
    _, sizes, largest = found
    ends = (
        offsets if include_last_offset else torch.cat((offsets, offsets.new_tensor([len(input)])))
    )
    bags = torch.arange(len(ends) - 1, device=weight.device).repeat_interleave(ends.diff())
    shape = (len(ends) - 1, weight.shape[1])
    kept = input != (-1 if padding_idx is None else padding_idx % len(weight))
    counts = torch.zeros(shape[:1], dtype=torch.long, device=weight.device)
    counts = counts.index_add(0, bags, kept.long()).unsqueeze(1)
    if mode == _MAX:
        return torch.where(counts == 0, 0, weight.gather(0, largest)), *found
    rows = getitem(weight, input)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(1)
    rows = torch.where(kept.unsqueeze(1), rows, 0)
    out = torch.zeros(shape, dtype=weight.dtype, device=weight.device).index_add(0, bags, rows)
    if mode == _MEAN:
        out = out / counts.clamp_min(1)
    return out, bags, sizes, largest


@implements(F.scaled_dot_product_attention)
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Any:
    if is_causal and attn_mask is not None:  # torch refuses
        args = (query, key, value, attn_mask, dropout_p, is_causal)
        return opaque.apply(
            F.scaled_dot_product_attention, args, {"scale": scale, "enable_gqa": enable_gqa}
        )
    if enable_gqa:
        key, value = (
            one.repeat_interleave(query.shape[-3] // one.shape[-3], -3) for one in (key, value)
        )
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = contract.matmul(query * scale, key.transpose(-1, -2))
    if is_causal:
        rows, columns = scores.shape[-2:]
        attn_mask = torch.ones(rows, columns, dtype=torch.bool, device=scores.device).tril()
    if attn_mask is None:
        weights = neural.softmax(scores, axis=(-1,))
    else:
        weights = _masked_softmax(scores, attn_mask)
    return contract.matmul(F.dropout(weights, dropout_p) if dropout_p else weights, value)


def _masked_softmax(scores: Any, mask: Any) -> Any:
    """The weights, which are zero where nothing may be attended to."""
    is_bool = mask.dtype is torch.bool
    scores = scores.masked_fill(~mask, -math.inf) if is_bool else scores + mask
    nothing = (scores == -math.inf).all(-1, keepdim=True)
    return torch.where(nothing, 0, neural.softmax(scores, axis=(-1,)))
