"""NumPy's signatures: functions that call one of the program's own."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...core import is_batched
from .buffers import buffers
from .dispatch import as_array, implements, is_box, normalize_axis, plain


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = as_array(arr)
    axis = normalize_axis(axis, arr.ndim) + arr.ndim
    lines = np.moveaxis(arr, axis, -1)
    outer = lines.shape[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [func1d(lines[index], *args, **kwargs) for index in np.ndindex(outer)]
    stacked = np.stack([as_array(result) for result in results])
    inner = stacked.shape[1:]
    stacked = stacked.reshape(outer + inner)
    # The result's own axes take the place of the one that was reduced.
    source = tuple(range(len(outer), stacked.ndim))
    return np.moveaxis(stacked, source, tuple(range(axis, axis + len(inner))))


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for one in axes if np.ndim(axes) else (axes,):
        axis = normalize_axis(one, a.ndim) + a.ndim
        result = func(a, axis)
        if result.ndim != a.ndim:
            result = np.expand_dims(result, axis)
        if result.ndim != a.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        a = result
    return a


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    x = as_array(x)
    condlist = plain(condlist)
    if not x.ndim:
        conditions = condlist if np.ndim(condlist) or isinstance(condlist, list) else [condlist]
        conditions = [np.reshape(condition, 1) for condition in conditions]
        return piecewise(x.reshape(1), conditions, funclist, *args, **kw).reshape(())
    if np.isscalar(condlist) or (
        not isinstance(condlist[0], (list, np.ndarray)) and not is_box(condlist[0]) and x.ndim != 0
    ):
        condlist = [condlist]
    conditions = [as_array(condition).astype(bool) for condition in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~functools.reduce(np.logical_or, conditions))
    if len(funclist) != len(conditions):
        raise ValueError(
            f"with {len(condlist)} condition(s), either {len(condlist)} or {len(condlist) + 1} "
            "functions are expected"
        )
    result: Any = buffers.box(np.zeros(x.shape, x.dtype))
    for condition, function in zip(conditions, funclist, strict=True):
        value: Any = function
        if is_batched(condition):
            # How many elements are chosen differs: the function gets all of them.
            value: Any = function(x, *args, **kw) if callable(function) else function
            result = np.where(condition, value, result)
            continue
        if callable(function):
            chosen = x[condition]
            if not chosen.size:
                continue
            value = function(chosen, *args, **kw)
        result[condition] = value
    return result
