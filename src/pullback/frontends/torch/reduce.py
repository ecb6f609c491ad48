"""Reductions and running sums, with torch's signatures."""

from __future__ import annotations

from typing import Any

import torch

from ...ops import reduce as ops
from ...recorders import reduction_recorder
from . import opaque, selection
from .box import TensorBox
from .dispatch import as_method, functions, implements, is_box
from .pointwise import BACKEND

_NOTHING: Any = object()


def axes_of(dim: Any, ndim: int) -> Any:
    """None for all, or a tuple of axes counted from the end."""
    if dim is None or dim == ():
        return None
    if type(dim) is int and -ndim <= dim < ndim:
        return (dim - ndim if dim >= 0 else dim,)
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    for one in dims:
        if not -max(ndim, 1) <= one < max(ndim, 1):
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but "
                f"got {one})"
            )
    if not ndim:
        return None
    axes = tuple(one - ndim if one >= 0 else one for one in dims)
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"dim {dims[-1]} appears multiple times in the list of dims")
    return axes


def _in(dtype: Any, x: Any) -> Any:
    return x if dtype is None or x.dtype is dtype else x.to(dtype)


_sum = reduction_recorder(ops.sum, BACKEND)
_mean = reduction_recorder(ops.mean, BACKEND)


@implements(torch.sum, torch.Tensor.sum)
def sum(input: Any, *dims: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    dim, keepdim = _positional(dims, dim, keepdim)
    x = _in(dtype, input)
    return _in(dtype, _sum(x, axis=axes_of(dim, x.ndim), keepdims=keepdim))


@implements(torch.mean, torch.Tensor.mean)
def mean(input: Any, *dims: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    dim, keepdim = _positional(dims, dim, keepdim)
    x = _in(dtype, input)
    return _mean(x, axis=axes_of(dim, x.ndim), keepdims=keepdim)


def _positional(dims: tuple[Any, ...], dim: Any, keepdim: bool) -> tuple[Any, bool]:
    """`x.sum(0, 1)`, `x.sum((0, 1), True)`, `x.sum(0, True)`."""
    if not dims:
        return dim, keepdim
    if isinstance(dims[-1], bool):
        *dims_, keepdim = dims
    else:
        dims_ = dims
    return (dims_[0] if len(dims_) == 1 else tuple(dims_)), keepdim


def _extreme(name: str) -> Any:
    primitive = getattr(ops, name[1:])

    @implements(getattr(torch, name), getattr(torch.Tensor, name))
    def extreme(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
        return primitive(input, axis=axes_of(dim, input.ndim), keepdims=keepdim)

    return extreme


_extremes = {name: _extreme(name) for name in ("amax", "amin")}


def _whole(name: str) -> None:
    """`max()` and `min()` of all elements; with a dimension, torch gives indices too."""
    function, primitive = getattr(torch, name), getattr(ops, name)

    @implements(function, getattr(torch.Tensor, name))
    def whole(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and is_box(args[0]):
            return primitive(args[0], axis=None, keepdims=False)
        x, *rest = args
        if is_box(x) and isinstance(rest[0] if rest else kwargs.get("dim"), int):
            return selection.extreme_along(name, *args, **kwargs)
        if len(args) == 2 and not kwargs and isinstance(args[1], torch.Tensor):
            return ops_of_two[name](*args)
        return opaque.apply(function, args, kwargs)


ops_of_two = {"max": torch.maximum, "min": torch.minimum}
for _name in ("max", "min"):
    _whole(_name)


def _spread_of_values(name: str) -> None:
    primitive = getattr(ops, name)

    @implements(getattr(torch, name), getattr(torch.Tensor, name))
    def spread_of_values(
        input: Any,
        dim: Any = None,
        unbiased: Any = None,
        keepdim: bool = False,
        *,
        correction: Any = _NOTHING,
    ) -> Any:
        if isinstance(dim, bool):  # x.var(False)
            dim, unbiased = None, dim
        if correction is _NOTHING:
            correction = 1 if unbiased is None else int(unbiased)
        elif correction is None:
            correction = 1
        axis = axes_of(dim, input.ndim)
        return primitive(input, axis=axis, keepdims=keepdim, ddof=correction)


for _name in ("var", "std"):
    _spread_of_values(_name)


@implements(torch.logsumexp, torch.Tensor.logsumexp, torch.special.logsumexp)
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    return ops.logsumexp(input, axis=axes_of(dim, input.ndim), keepdims=keepdim)


@implements(torch.cumsum, torch.Tensor.cumsum)
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    x = _in(dtype, input)
    axes = axes_of(dim, x.ndim)
    return x.clone() if axes is None else _in(dtype, ops.cumsum(x, axis=axes[0], reverse=False))


def _moments(name: str) -> None:
    spread_of_values = functions[getattr(torch, name)]

    @implements(getattr(torch, f"{name}_mean"))
    def moments(
        input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **kwargs: Any
    ) -> Any:
        spread = spread_of_values(input, dim, unbiased, keepdim, **kwargs)
        dims = None if isinstance(dim, bool) else dim
        return spread, mean(input, dim=dims, keepdim=keepdim)


for _name in ("var", "std"):
    _moments(_name)


@implements(torch.aminmax, torch.Tensor.aminmax)
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    dims = () if dim is None else dim
    parts = tuple(_extremes[name](input, dims, keepdim) for name in ("amin", "amax"))
    return torch.return_types.aminmax(parts)


@implements(torch.prod, torch.Tensor.prod)
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    x = _in(dtype, input)
    return _in(dtype, ops.prod(x, axis=axes_of(dim, x.ndim), keepdims=keepdim))


def _cumulative(name: str) -> None:
    primitive = getattr(ops, name)

    @implements(getattr(torch, name), getattr(torch.Tensor, name))
    def cumulative(input: Any, dim: int, *, dtype: Any = None) -> Any:
        x = _in(dtype, input)
        axes = axes_of(dim, x.ndim)
        return x.clone() if axes is None else _in(dtype, primitive(x, axis=axes[0]))


for _name in ("cumprod", "logcumsumexp"):
    _cumulative(_name)


@implements(torch.nansum, torch.Tensor.nansum)
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    return sum(torch.where(input.isnan(), 0, input), dim=dim, keepdim=keepdim, dtype=dtype)


@implements(torch.nanmean, torch.Tensor.nanmean)
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    count = sum(~input.isnan(), dim=dim, keepdim=keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


@implements(torch.trapezoid, torch.trapz)
def trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    return _trapezia(y, x, dx, dim).sum(dim)


@implements(torch.cumulative_trapezoid)
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    return _trapezia(y, x, dx, dim).cumsum(dim)


def _trapezia(y: Any, x: Any, dx: Any, dim: int) -> Any:
    size = y.shape[dim]
    if x is not None:
        axis = dim if x.ndim == y.ndim else 0
        dx = x.narrow(axis, 1, x.shape[axis] - 1) - x.narrow(axis, 0, x.shape[axis] - 1)
        if x.ndim != y.ndim:
            after = y.ndim - 1 - dim % y.ndim
            dx = dx.reshape(-1, *(1,) * after)
    return (y.narrow(dim, 1, size - 1) + y.narrow(dim, 0, size - 1)) * dx / 2


for _name, _ours in {"sum": sum, "mean": mean}.items():
    setattr(TensorBox, _name, as_method(_ours))
