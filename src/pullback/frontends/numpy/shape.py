"""NumPy's signatures: other shapes, and axes in another order."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import raw
from ...errors import UnsupportedError
from ...ops import shape as ops
from .batched import example
from .box import define, method
from .dispatch import as_array, implements, normalize_axes, normalize_axis


def with_size(x: Any, axis: int, size: int) -> tuple[int, ...]:
    """The shape of `x` with another `size` on one axis."""
    shape = [*x.shape]
    shape[axis] = size
    return tuple(shape)


# One shape for another


@implements(np.reshape)
def reshape(a: Any, shape: Any = None, order: Any = "C", *, copy: Any = None, **old: Any) -> Any:
    if shape is None:
        shape = old.pop("newshape")  # its name before NumPy 2.1
    if copy is False:
        np.reshape(example(a), shape, order, copy=False)  # raises where a copy is needed
    if order == "C" or (order == "A" and not _is_fortran(a)):
        return _reshape(a, _full_shape(a, shape))
    if order not in ("F", "A"):
        raise ValueError("order must be one of 'C', 'F', or 'A'")
    return _reverse(_reshape(_reverse(a), _full_shape(a, shape)[::-1]))


def _reshape(a: Any, shape: tuple[int, ...]) -> Any:
    if a.shape == shape and (shape or isinstance(raw(a), np.ndarray)):
        return a
    return ops.reshape(a, shape=shape)  # a number becomes an array of no dimensions


def _full_shape(a: Any, shape: Any) -> tuple[int, ...]:
    """`shape` as a tuple with its -1 written out, where there is one and it can be."""
    sizes = (
        tuple(map(operator.index, shape)) if hasattr(shape, "__len__") else (operator.index(shape),)
    )
    if -1 not in sizes:
        return sizes
    known = -math.prod(sizes)
    if known <= 0 or a.size % known:
        return sizes  # NumPy raises
    return tuple(a.size // known if n == -1 else n for n in sizes)


def _is_fortran(a: Any) -> bool:
    return a.size > 0 and example(a).flags.fnc


def _reverse(a: Any) -> Any:
    return a if a.ndim < 2 else ops.transpose(a, axes=tuple(range(-1, -a.ndim - 1, -1)))


@implements(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    flat = _ravel(a, order)
    return flat if raw(flat).flags.c_contiguous else ops.copy(flat, order="C")


def _ravel(a: Any, order: Any) -> Any:
    if order == "K":
        # The order in memory: as the strides fall.
        strides = raw(a).strides[raw(a).ndim - a.ndim :]
        axes = sorted(range(-a.ndim, 0), key=lambda axis: -abs(strides[axis]))
        return _reshape(_permute(a, axes), (a.size,))
    return reshape(a, (a.size,), order)


def _flatten(self: Any, order: Any = "C") -> Any:
    return ops.copy(_ravel(self, order), order="C")


@implements(np.copy)
def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return ops.copy(a, order=order)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    if axis is None:
        return _reshape(a, tuple(n for n in a.shape if n != 1))
    if not a.ndim and axis in (0, -1):  # as NumPy has it
        return _reshape(a, ())
    axes = normalize_axes(axis, a.ndim)
    if any(a.shape[i] != 1 for i in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return _reshape(a, tuple(n for i, n in enumerate(a.shape, -a.ndim) if i not in axes))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    ndim = a.ndim + len(axes)
    new = normalize_axes(tuple(axes), ndim)
    sizes = iter(a.shape)
    return _reshape(a, tuple(1 if i in new else next(sizes) for i in range(-ndim, 0)))


def _each(function: Callable[[Any], Any], arrays: tuple[Any, ...]) -> Any:
    """One result, or a tuple of them, as the `atleast` functions give."""
    results = tuple(function(as_array(array)) for array in arrays)
    return results[0] if len(results) == 1 else results


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return _each(lambda a: a if a.ndim else a.reshape(1), arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return _each(lambda a: a if a.ndim > 1 else a.reshape(1, -1), arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    def three(a: Any) -> Any:
        if a.ndim > 2:
            return a
        return a.reshape(*a.shape, 1) if a.ndim > 1 else a.reshape(1, -1, 1)

    return _each(three, arys)


# The same elements with axes in another order


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    if axes is None:
        return _reverse(a)
    if len(axes) != a.ndim:
        raise ValueError("axes don't match array")
    return _permute(a, normalize_axes(tuple(axes), a.ndim) or ())


def _permute(a: Any, axes: Any) -> Any:
    """Transpose by a full tuple of axes, of either sign."""
    axes = tuple(axis if axis < 0 else axis - a.ndim for axis in axes)
    return a if axes == tuple(range(-a.ndim, 0)) else ops.transpose(a, axes=axes)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    first, second = (normalize_axis(axis, a.ndim) for axis in (axis1, axis2))
    axes = list(range(-a.ndim, 0))
    axes[first], axes[second] = second, first
    return _permute(a, axes)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    sources = normalize_axes(source, a.ndim)
    destinations = normalize_axes(destination, a.ndim)
    if len(sources) != len(destinations):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    axes = [axis for axis in range(-a.ndim, 0) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        axes.insert(place + a.ndim, axis)
    return _permute(a, axes)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    ndim = a.ndim
    axis = normalize_axis(axis, ndim) + ndim
    if not -ndim <= start <= ndim:
        raise np.exceptions.AxisError(f"start must be in [{-ndim}, {ndim}], got {start}")
    start += ndim * (start < 0)
    axes = [i for i in range(ndim) if i != axis]
    axes.insert(start - (axis < start), axis)
    return _permute(a, axes)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return swapaxes(x, -1, -2)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    return ops.flip(m, axis=normalize_axes(range(m.ndim) if axis is None else axis, m.ndim))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    if m.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    if m.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    first, second = normalize_axes(tuple(axes), m.ndim)
    match k % 4:
        case 0:
            return m[:]
        case 1:
            return swapaxes(flip(m, second), first, second)
        case 2:
            return flip(m, (first, second))
        case _:
            return flip(swapaxes(m, first, second), second)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return roll(a.reshape(-1), shift, 0).reshape(a.shape)
    pairs = np.broadcast(shift, axis)
    if pairs.ndim > 1:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    shifts, axes = (tuple(map(int, column)) for column in zip(*pairs, strict=True))
    return ops.roll(a, shift=shifts, axis=tuple(normalize_axis(i, a.ndim) for i in axes))


# The box's methods, with ndarray's own signatures


def _copy_method(self: Any, order: Any = "C") -> Any:
    """As `ndarray.copy`: the copy of a number is a number."""
    return ops.copy(self, order=order) if isinstance(raw(self), np.ndarray) else +self


def _reshape_method(self: Any, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
    return reshape(self, shape[0] if len(shape) == 1 else shape, order=order, copy=copy)


def _transpose_method(self: Any, *axes: Any) -> Any:
    if len(axes) == 1 and (axes[0] is None or hasattr(axes[0], "__len__")):
        return transpose(self, axes[0])
    return transpose(self, axes or None)


def _view(self: Any, dtype: Any = None, type: Any = None) -> Any:
    if dtype is np.ndarray or (dtype is None and type in (None, np.ndarray)):
        return ops.reshape(self, shape=self.shape)
    raise UnsupportedError(
        "x.view(dtype) of a traced array reads its bytes, which have no derivative; for the parts "
        "of a complex array use x.real and x.imag, for another precision x.astype(dtype)"
    )


define("reshape", _reshape_method)
define("ravel", lambda self, order="C": ravel(self, order))
define("flatten", _flatten)
define("transpose", _transpose_method)
define("T", property(_reverse, doc="The array with its axes reversed."))
define("mT", property(matrix_transpose, doc="The array with its last two axes exchanged."))
define("copy", _copy_method)
define("view", _view)
method("swapaxes", np.swapaxes)
method("squeeze", np.squeeze)
