"""NumPy's signatures: order.

The positions that sort an array are constants; what stands there is followed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import detached
from ...ops import reduce as reductions
from ...ops.declare import registry
from .batched import agreed
from .box import method
from .dispatch import as_array, constant, implements, normalize_axis


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return _reorder(
        a, axis, lambda x, axis: np.argsort(x, axis, kind, order, **_given(stable=stable))
    )


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    return _reorder(a, axis, lambda x, axis: np.argpartition(x, kth, axis, kind, order))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _reorder(a: Any, axis: Any, positions: Any) -> Any:
    if axis is None:
        a = a.reshape(-1)
        axis = -1
    return np.take_along_axis(a, positions(detached(a), axis), axis)


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    return np.sort(a.astype(np.sort_complex(np.empty(0, a.dtype)).dtype))


# Where elements are: constants


def _argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    a, axis = _line(a, axis)
    return registry["argsort"](a, axis=axis, kind="stable" if stable else kind)


def _argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    a, axis = _line(a, axis)
    return registry["argpartition"](a, axis=axis, kth=kth, kind=kind)


def _line(a: Any, axis: Any) -> tuple[Any, int]:
    return (a.reshape(-1), -1) if axis is None else (a, normalize_axis(axis, a.ndim))


def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    a, v = as_array(a), as_array(v)
    if sorter is not None:
        a = np.take_along_axis(a, as_array(sorter), -1)
    return reductions.searchsorted(a, v.reshape(-1), side=side).reshape(v.shape)


def _digitize(x: Any, bins: Any, right: bool = False) -> Any:
    bins = as_array(bins)
    falling = agreed(bins[-1] < bins[0], "the order of the bins of np.digitize")
    if falling:
        return bins.shape[0] - np.searchsorted(bins[::-1], x, "right" if right else "left")
    return np.searchsorted(bins, x, "left" if right else "right")


def _lexsort(keys: Any, axis: int = -1) -> Any:
    first, *others = keys if isinstance(keys, (tuple, list)) else tuple(keys)
    order = np.argsort(first, axis, stable=True)
    for key in others:
        again = np.argsort(np.take_along_axis(as_array(key), order, axis), axis, stable=True)
        order = np.take_along_axis(order, again, axis)
    return order


constant(np.argsort, batched=_argsort)
constant(np.argpartition, batched=_argpartition)
constant(np.searchsorted, batched=_searchsorted)
constant(np.digitize, batched=_digitize)
constant(np.lexsort, batched=_lexsort)


# The box's methods


method("argpartition", np.argpartition)
method("argsort", np.argsort)
method("searchsorted", np.searchsorted)
