"""Quantiles, covariances, differences and distances, written with the functions below them."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from ...core import raw
from ...ops import matrices
from . import opaque
from .dispatch import implements
from .selection import defined, gather, sort

# Quantiles: two neighbours in order, and what lies between them


def _quantiles(name: str, *, ignore: bool) -> None:
    function = getattr(torch, name)

    @defined(name)
    def quantile(
        input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear"
    ) -> Any:
        levels = q if isinstance(q, torch.Tensor) else torch.tensor(q, dtype=input.dtype)
        if not _accepts(input, levels) or interpolation not in _BETWEEN:
            args = (input, q, dim, keepdim)
            return opaque.apply(function, args, {"interpolation": interpolation})
        x = input.reshape(-1) if dim is None or not input.ndim else input.movedim(dim, -1)
        out = _between_ranks(x, levels.reshape(-1), interpolation, ignore=ignore)
        if keepdim and input.ndim:
            out = (
                out.reshape((*out.shape, *(1,) * input.ndim))
                if dim is None
                else out.unsqueeze(dim if dim < 0 else dim + 1)
            )
        return out if levels.ndim else out.squeeze(0)


def _accepts(x: Any, levels: Any) -> bool:
    within = (raw(levels) >= 0) & (raw(levels) <= 1)
    return bool(x.numel()) and levels.ndim < 2 and levels.dtype is x.dtype and bool(within.all())


def _between_ranks(x: Any, levels: Any, interpolation: str, *, ignore: bool) -> Any:
    ordered, _ = sort(x, -1)
    absent = x.isnan()
    last = x.shape[-1] - 1
    if ignore:
        ranks = levels * (last - absent.sum(-1, keepdim=True)).clamp_min(0)
    else:  # one nan makes all of them nan, and stands at the end
        ranks = torch.where(absent.any(-1, keepdim=True), last, levels * last)
    below, above = _BETWEEN[interpolation](ranks.detach())
    low, high = (gather(ordered, -1, place.long()) for place in (below, above))
    weight = 0.5 if interpolation == "midpoint" else ranks - below
    out = low if interpolation in _EXACT else torch.lerp(low, high, _like(weight, low))
    return out.movedim(-1, 0)


def _like(weight: Any, x: Any) -> Any:
    return weight if isinstance(weight, float) else weight.expand(x.shape)


_EXACT = ("lower", "higher", "nearest")
_BETWEEN: dict[str, Any] = {
    "lower": lambda ranks: (ranks.floor(), ranks.floor()),
    "higher": lambda ranks: (ranks.ceil(), ranks.ceil()),
    "nearest": lambda ranks: (ranks.round(), ranks.round()),
    "linear": lambda ranks: (ranks.floor(), ranks.ceil()),
    "midpoint": lambda ranks: (ranks.floor(), ranks.ceil()),
}
_quantiles("quantile", ignore=False)
_quantiles("nanquantile", ignore=True)


# Covariances


@defined("cov")
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    if input.ndim > 2 or not (input.dtype.is_floating_point or input.dtype.is_complex):
        options = {"correction": correction, "fweights": fweights, "aweights": aweights}
        return opaque.apply(torch.cov, (input,), options)
    x = input if input.ndim == 2 else input.reshape(1, -1)
    weights = fweights if aweights is None else aweights
    if fweights is not None and aweights is not None:
        weights = fweights * aweights
    total: Any = x.shape[1] if weights is None else weights.sum()
    centre = (x if weights is None else x * weights).sum(1, keepdim=True) / total
    freedom = total - correction
    if aweights is not None and correction:
        freedom = total - correction * (weights * aweights).sum() / total
    if bool(raw(freedom) <= 0):
        warnings.warn("cov(): degrees of freedom is <= 0", UserWarning, stacklevel=2)
        freedom = 0 * freedom if isinstance(freedom, torch.Tensor) else 0
    x = x - centre
    products = (x if weights is None else x * weights) @ x.mH
    return (products / freedom).squeeze()


@defined("corrcoef")
def corrcoef(input: Any) -> Any:
    c = cov(input)
    if not c.ndim:
        return c / c
    deviations = c.diagonal().real.sqrt()
    c = c / deviations.unsqueeze(-1) / deviations
    if c.dtype.is_complex:
        return torch.complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1))
    return c.clamp(-1, 1)


# Differences


@defined("diff")
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    ends = [one for one in (prepend, input, append) if one is not None]
    if not input.ndim or n < 0 or any(one.dtype is torch.bool for one in ends):
        return opaque.apply(torch.diff, (input, n, dim, prepend, append), {})
    x = input if len(ends) == 1 else torch.cat(ends, dim)
    if n == 0:
        return x.clone()
    for _ in range(min(n, x.shape[dim])):
        rest = max(x.shape[dim] - 1, 0)
        x = x.narrow(dim, x.shape[dim] - rest, rest) - x.narrow(dim, 0, rest)
    return x


@defined("gradient")
def gradient(input: Any, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> Any:
    """Central differences, and one-sided ones at the ends, for each dimension."""
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    spacing = 1 if spacing is None else spacing
    each = spacing if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    short = any(input.shape[axis] <= edge_order for axis in dims)
    if short or len(each) != len(dims) or edge_order not in (1, 2):
        options = {"spacing": spacing, "dim": dim, "edge_order": edge_order}
        return opaque.apply(torch.gradient, (input,), options)
    pairs = zip(dims, each, strict=True)
    return [_slopes(input.movedim(axis, 0), h, edge_order).movedim(0, axis) for axis, h in pairs]


def _slopes(f: Any, spacing: Any, edge_order: int) -> Any:
    """Those along the first axis, whose points lie `spacing` apart, or at these places."""
    if isinstance(spacing, torch.Tensor) and spacing.ndim:
        h = spacing.diff().reshape((-1,) + (1,) * (f.ndim - 1))
    else:
        h = torch.ones((len(f) - 1,) + (1,) * (f.ndim - 1), device=f.device).to(f.dtype) * spacing
    slopes = (f[1:] - f[:-1]) / h
    total = h[:-1] + h[1:]
    inner = (slopes[:-1] * h[1:] + slopes[1:] * h[:-1]) / total
    first, last = slopes[:1], slopes[-1:]
    if edge_order == 2:  # of the parabola through three points
        bend = (slopes[1:] - slopes[:-1]) / total
        first, last = first - bend[:1] * h[:1], last + bend[-1:] * h[-1:]
    return torch.cat((first, inner, last))


# Distances


@defined("dist")
def dist(input: Any, other: Any, p: Any = 2) -> Any:
    return torch.linalg.vector_norm(input - other, p)


@implements(torch.cdist, torch._VF.cdist)
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Any:
    mode = _MODES.get(compute_mode, compute_mode)
    # Of other norms torch has kernels that keep no array of all differences.
    bad = x1.ndim < 2 or x2.ndim < 2 or x1.dtype is not x2.dtype or x1.shape[-1] != x2.shape[-1]
    if p != 2 or bad or not x1.numel() or not x2.numel():
        return opaque.apply(torch._VF.cdist, (x1, x2, p, mode), {})
    return matrices.distances(x1, x2, mode=mode)


_MODES = {
    "use_mm_for_euclid_dist_if_necessary": None,
    "use_mm_for_euclid_dist": 1,
    "donot_use_mm_for_euclid_dist": 2,
}


@implements(torch.pdist)
def pdist(input: Any, p: float = 2) -> Any:
    if p != 2 or input.ndim != 2 or not input.numel():
        return opaque.apply(torch.pdist, (input, p), {})
    rows, columns = torch.triu_indices(len(input), len(input), 1, device=input.device)
    return matrices.distances(input, input, mode=2)[rows, columns]


@defined("renorm")
def renorm(input: Any, p: Any, dim: int, maxnorm: Any) -> Any:
    torch.renorm(torch.empty(tuple(input.shape), dtype=input.dtype), p, dim, maxnorm)
    others = [axis for axis in range(input.ndim) if axis != dim % input.ndim]
    sizes = torch.linalg.vector_norm(input, p, others, keepdim=True)
    return input * torch.where(sizes > maxnorm, maxnorm / (sizes + 1e-7), 1)
