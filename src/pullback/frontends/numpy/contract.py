"""NumPy's signatures: products of two arrays.

They come down to `matmul`, `contract` and `convolve`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import contract as ops
from .box import method
from .dispatch import as_array, implements, normalize_axis, refuse


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """`matmul`, but for scalars and for stacks of matrices, which it does not pair."""
    refuse(np.dot, out=out)
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    if a.ndim == 1 or b.ndim <= 2:
        return ops.matmul(a, b)
    return tensordot(a, b, (-1, -2))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return ops.matmul(a, b) if b.ndim == 1 else tensordot(a, b, (-1, -1))


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    return ops.matmul(conj(np.ravel(a)), np.ravel(b))


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    refuse(np.outer, out=out)
    return ops.contract(np.ravel(a), np.ravel(b), subscripts="a,b->ab")


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    labels = ops.LETTERS
    pairs = [labels[2 * axis : 2 * axis + 2] for axis in range(ndim)]
    x = "".join(pair[0] for pair in pairs[ndim - a.ndim :])
    y = "".join(pair[1] for pair in pairs[ndim - b.ndim :])
    out = "".join(label for pair in pairs for label in pair if label in x + y)
    product = ops.contract(a, b, subscripts=f"{x},{y}->{out}")
    a_shape = (1,) * (ndim - a.ndim) + a.shape
    b_shape = (1,) * (ndim - b.ndim) + b.shape
    return np.reshape(product, tuple(n * m for n, m in zip(a_shape, b_shape, strict=True)))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_array(a), as_array(b)
    a_axes, b_axes = _tensordot_axes(axes, a.ndim, b.ndim)
    if [a.shape[axis] for axis in a_axes] != [b.shape[axis] for axis in b_axes]:
        raise ValueError(
            f"np.tensordot: shape-mismatch for sum: axes {a_axes} of shape {a.shape} and axes "
            f"{b_axes} of shape {b.shape} must have the same lengths"
        )
    labels = iter(ops.LETTERS)
    x = [next(labels) for _ in a.shape]
    y = [next(labels) for _ in b.shape]
    for i, j in zip(a_axes, b_axes, strict=True):
        y[j] = x[i]
    out = [label for label in x + y if (label in x) != (label in y)]
    return ops.contract(a, b, subscripts=f"{''.join(x)},{''.join(y)}->{''.join(out)}")


def _tensordot_axes(axes: Any, a_ndim: int, b_ndim: int) -> tuple[list[int], list[int]]:
    """The axes of each to sum over."""
    if np.ndim(axes) == 0:
        a_axes, b_axes = range(-axes, 0), range(axes)
    else:
        a_axes, b_axes = ([part] if np.ndim(part) == 0 else part for part in axes)
    first = [normalize_axis(axis, a_ndim) for axis in a_axes]
    second = [normalize_axis(axis, b_ndim) for axis in b_axes]
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ValueError("duplicate axes are not allowed in tensordot")
    if len(first) != len(second):
        raise ValueError("shape-mismatch for sum")
    return first, second


def conj(x: Any) -> Any:
    return np.conjugate(x) if x.dtype.kind == "c" else x


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    a, b = as_array(a), as_array(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("At least one array has zero dimension")
    if a.shape[axisa] != 3 or b.shape[axisb] != 3:
        # NumPy's own error, or its warning that vectors of two elements are deprecated.
        np.cross(np.zeros(a.shape[axisa]), np.zeros(b.shape[axisb]))
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = _in_space(a), _in_space(b)
    # The element i of this difference is the element i - 1 of the product.
    product = np.roll(a * np.roll(b, -1, axis=-1) - np.roll(a, -1, axis=-1) * b, -1, axis=-1)
    return np.moveaxis(product, -1, axisc)


def _in_space(vectors: Any) -> Any:
    """Vectors of two elements with a third, zero."""
    if vectors.shape[-1] == 3:
        return vectors
    return np.concatenate([vectors, np.zeros((*vectors.shape[:-1], 1), vectors.dtype)], axis=-1)


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    for name, array in (("a", a), ("v", v)):
        if array.ndim > 1:
            raise ValueError(f"{name} must have one dimension, got {array.ndim}")
        if array.shape[0] == 0:
            raise ValueError(f"{name} cannot be empty")
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode must be 'full', 'same' or 'valid', got {mode!r}")
    if mode != "same":
        return ops.convolve(a, v, mode=mode)
    n, m = a.shape[0], v.shape[0]
    start = (min(n, m) - 1) // 2
    return ops.convolve(a, v, mode="full")[start : start + max(n, m)]


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = as_array(a), as_array(v)
    if a.ndim == 0 or v.ndim == 0:
        raise ValueError("object of too small depth for desired array")
    if a.shape[0] >= v.shape[0]:
        return convolve(a, conj(v)[::-1], mode)
    # NumPy correlates the longer with the shorter, and reverses.
    return convolve(conj(v), a[::-1], mode)[::-1]


method("dot", np.dot)
