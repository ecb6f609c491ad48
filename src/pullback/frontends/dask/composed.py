"""Functions that are combinations of others: NumPy's frontend has them, in NumPy's functions.

Those come to Dask's table by NumPy's protocol. Where a combination would look at values, which
Dask does not have yet, it is written here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np

from ...core import box_types, detached
from ...errors import UnsupportedError
from ..array_api.dispatch import axis_of
from ..numpy.dispatch import functions as numpys
from .dispatch import buffer, functions, implements, operand, original, unsupported
from .elementwise import isclose, where
from .reduce import mean


def _own(value: Any) -> Any:
    """`value` with Dask's arrays that nothing follows in buffers, for which NumPy asks ours."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_own, value))
    return buffer(value) if isinstance(value, da.Array) else value


def _composed(name: str) -> None:
    ours = numpys[functools.reduce(getattr, name.split("."), np)]
    ours = getattr(ours, "__wrapped__", ours)  # without what brings NumPy's layout about

    @implements(name)
    def function(*args: Any, **kwargs: Any) -> Any:
        return ours(*map(_own, args), **{key: _own(value) for key, value in kwargs.items()})


for _name in (
    "apply_over_axes atleast_3d block column_stack corrcoef cov delete dstack ediff1d einsum "
    "gradient inner insert iscomplex isin isreal kron meshgrid nancumprod nancumsum "
    "nanmax nanmin nanprod pad rollaxis rot90 trapezoid"
).split():
    _composed(_name)


@implements("shape")
def shape(x: Any) -> Any:
    return tuple(operand(x).shape)


@implements("ndim")
def ndim(x: Any) -> int:
    return operand(x).ndim if hasattr(operand(x), "ndim") else 0


@implements("linspace")
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0, **options: Any
) -> Any:
    if any(value not in (None, False, "auto") for value in options.values()):
        raise UnsupportedError(f"linspace of traced ends does not take {', '.join(options)}")
    start, gap = operand(start), operand(stop) - operand(start)
    steps = np.arange(num) / max(num - endpoint, 1)
    out = start + gap * steps.reshape((num,) + (1,) * gap.ndim)
    return functions["moveaxis"](out, 0, axis)


@implements("fix")
def fix(x: Any) -> Any:
    return functions["trunc"](x)


@implements("allclose")
def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> Any:
    return functions["all"](isclose(x, y, rtol, atol))


@implements("moment")
def moment(
    x: Any, order: int, axis: Any = None, dtype: Any = None, keepdims: bool = False, ddof: int = 0
) -> Any:
    if ddof:
        raise UnsupportedError("da.moment of a traced array does not take ddof=")
    powers = (x - mean(x, axis, dtype, keepdims=True)) ** order
    return mean(powers, axis, dtype, keepdims)


@implements("compress")
def compress(condition: Any, x: Any, axis: Any = None) -> Any:
    if isinstance(condition, da.Array) or type(condition) in box_types:
        raise UnsupportedError(
            "da.compress with a condition of Dask's: write da.compress(condition.compute(), x)"
        )
    x, axis = (functions["ravel"](x), 0) if axis is None else (x, axis)
    return functions["take"](x, np.flatnonzero(condition), axis)


@implements("select")
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


@implements("choose")
def choose(a: Any, choices: Sequence[Any]) -> Any:
    chosen = operand(detached(a))
    result = choices[0]
    for place, choice in enumerate(choices[1:], 1):
        result = where(chosen == place, choice, result)
    return result


@implements("coarsen")
def coarsen(
    reduction: Callable[..., Any], x: Any, axes: Any, trim_excess: bool = False, **kwargs: Any
) -> Any:
    axes = {axis_of(axis, x.ndim) + x.ndim: size for axis, size in axes.items()}
    if not trim_excess and any(x.shape[axis] % size for axis, size in axes.items()):
        raise ValueError(f"Coarsening factors {axes} do not align with array shape {x.shape}.")
    sizes = [axes.get(axis, 1) for axis in range(x.ndim)]
    x = x[tuple(slice(n // size * size) for n, size in zip(x.shape, sizes, strict=True))]
    cut = [part for n, size in zip(x.shape, sizes, strict=True) for part in (n // size, size)]
    return reduction(x.reshape(cut), axis=tuple(range(1, 2 * x.ndim, 2)), **kwargs)


def _places(name: str) -> None:
    """A function that gives whole numbers, by Dask's own: a constant."""

    @implements(name)
    def place(*args: Any, **kwargs: Any) -> Any:
        args, options = tuple(map(detached, args)), {k: detached(v) for k, v in kwargs.items()}
        if any(type(one) in box_types for one in (*args, *options.values())):
            raise unsupported(f"da.{name} under vmap", "Compare with the edges by operators")
        return original(name)(*args, **options)


for _name in ("digitize", "searchsorted"):
    _places(_name)
