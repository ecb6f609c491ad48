"""`np.pad`: one axis after the other, as NumPy does, so that a later axis pads earlier corners."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...ops.shape import along
from .batched import form
from .dispatch import as_array, as_dtype, implements, is_box
from .shape import with_size


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    array = as_array(array)
    if callable(mode):
        raise UnsupportedError(
            "np.pad with a function as mode writes into a plain array, which a traced array "
            f"cannot be; use one of the modes {sorted(_PADDINGS)}, or np.concatenate"
        )
    if kwargs or mode not in _PADDINGS:
        options = {name: form(value) for name, value in kwargs.items()}
        np.pad(
            np.empty((1,) * array.ndim, array.dtype), 0, mode, **options
        )  # raises for what NumPy refuses
    widths = _pairs(_widths(pad_width, array.ndim), array.ndim, int)
    make = _PADDINGS[mode]
    if not any(map(any, widths)):
        return +array  # never the argument itself
    for axis, (before, after) in enumerate(widths, -array.ndim):
        if before < 0 or after < 0:
            raise ValueError("index can't contain negative values")
        if before or after:
            array = make(array, axis, before, after, **kwargs)
    return array


def _widths(pad_width: Any, ndim: int) -> Any:
    if not isinstance(pad_width, dict):
        return pad_width
    widths: list[Any] = [(0, 0)] * ndim
    for axis, width in pad_width.items():
        widths[axis] = width if isinstance(width, tuple) else (width, width)
    return widths


def _pairs(values: Any, ndim: int, kind: Any = None) -> list[Any]:
    """One (before, after) for each axis, from the forms that np.pad takes."""
    if is_box(values):
        pairs = np.broadcast_to(values, (ndim, 2))
    else:
        pairs = np.broadcast_to(np.asarray(values), (ndim, 2))
    return [tuple(pair if kind is None else map(kind, pair)) for pair in pairs]


def _joined(x: Any, axis: int, before: Any, after: Any) -> Any:
    """`x` between two pieces that are cast to its dtype."""
    return np.concatenate((as_dtype(before, x.dtype), x, as_dtype(after, x.dtype)), axis)


def _pad_constant(x: Any, axis: int, before: int, after: int, constant_values: Any = 0) -> Any:
    values = _pairs(constant_values, x.ndim)[axis]
    pieces = (
        np.broadcast_to(as_array(value), with_size(x, axis, width))
        for value, width in zip(values, (before, after), strict=True)
    )
    return _joined(x, axis, *pieces)


def _pad_gathered(mode: str) -> Any:
    def make(x: Any, axis: int, before: int, after: int, reflect_type: str = "even") -> Any:
        if reflect_type == "odd" and x.shape[axis] > (mode == "reflect"):
            return _pad_odd(x, axis, before, after, edge=mode == "symmetric")
        positions = np.pad(np.arange(x.shape[axis]), (before, after), mode)  # type: ignore[call-overload]
        return np.take(x, positions, axis)

    return make


def _pad_odd(x: Any, axis: int, before: int, after: int, *, edge: bool) -> Any:
    """Reflect about the ends with the other sign; what is longer than `x` in several steps."""
    longest = x.shape[axis] - (not edge)
    while before or after:
        left, right = min(before, longest), min(after, longest)
        size = x.shape[axis]
        first, last = x[along(axis, slice(0, 1))], x[along(axis, slice(size - 1, None))]
        shift = int(not edge)
        head = np.flip(x[along(axis, slice(shift, shift + left))], axis)
        tail = np.flip(x[along(axis, slice(size - shift - right, size - shift))], axis)
        x = np.concatenate((2 * first - head, x, 2 * last - tail), axis)
        before -= left
        after -= right
    return x


def _pad_statistic(function: Any) -> Any:
    def make(x: Any, axis: int, before: int, after: int, stat_length: Any = None) -> Any:
        size = x.shape[axis]
        lengths = (None, None) if stat_length is None else _pairs(stat_length, x.ndim)[axis]
        low, high = (size if n is None else min(int(n), size) for n in lengths)
        ends = (slice(0, low), slice(size - high, None))
        pieces = (
            np.broadcast_to(
                function(x[along(axis, end)], axis=axis, keepdims=True), with_size(x, axis, width)
            )
            for end, width in zip(ends, (before, after), strict=True)
        )
        return _joined(x, axis, *pieces)

    return make


def _pad_ramp(x: Any, axis: int, before: int, after: int, end_values: Any = 0) -> Any:
    low, high = (as_array(value) for value in _pairs(end_values, x.ndim)[axis])
    first, last = x[along(axis, 0)], x[along(axis, -1)]
    head = np.linspace(low, first, before, endpoint=False, axis=axis)
    tail = np.flip(np.linspace(high, last, after, endpoint=False, axis=axis), axis)
    return _joined(x, axis, head, tail)


_PADDINGS: dict[str, Any] = {
    "constant": _pad_constant,
    "edge": _pad_gathered("edge"),
    "empty": _pad_constant,
    "linear_ramp": _pad_ramp,
    "maximum": _pad_statistic(np.max),
    "mean": _pad_statistic(np.mean),
    "median": _pad_statistic(np.median),
    "minimum": _pad_statistic(np.min),
    "reflect": _pad_gathered("reflect"),
    "symmetric": _pad_gathered("symmetric"),
    "wrap": _pad_gathered("wrap"),
}
