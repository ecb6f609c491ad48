"""What rules call beside primitives, under NumPy's names: made of primitives, so on boxes too."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import elementwise, index, reduce, shape
from ...ops.declare import registry


def sum(lib: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reduce.sum(x, axis=axis, keepdims=keepdims)


def mean(lib: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reduce.mean(x, axis=axis, keepdims=keepdims)


def any(lib: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return registry["any"](x, axis=axis, keepdims=keepdims)


def cumsum(lib: Any, x: Any, axis: int, reverse: bool = False) -> Any:
    return reduce.cumsum(x, axis=axis, reverse=reverse)


def astype(lib: Any, x: Any, dtype: Any) -> Any:
    return elementwise.astype(x, dtype=dtype)


def weight(lib: Any, mask: Any, *like: Any) -> Any:
    """1 where the mask is true, else 0: the standard does not multiply with booleans."""
    dtypes = [one.dtype for one in like if hasattr(one, "dtype")]
    return elementwise.astype(mask, dtype=lib.namespace.result_type(*dtypes))


# Parts of complex numbers


def conj(lib: Any, x: Any) -> Any:
    return elementwise.conjugate(x) if lib.is_complex(x.dtype) else x


def real(lib: Any, x: Any) -> Any:
    return elementwise.real(x) if lib.is_complex(x.dtype) else x


def imag(lib: Any, x: Any) -> Any:
    return elementwise.imag(x) if lib.is_complex(x.dtype) else lib.zeros(x.shape, x.dtype)


def sign(lib: Any, x: Any) -> Any:
    return elementwise.sign(x) if lib.is_complex(x.dtype) else elementwise.real_sign(x)


# Shapes


def _shape(sizes: Any) -> tuple[int, ...]:
    """A tuple as it is: a library's own kind of shape may know more than the sizes."""
    return sizes if isinstance(sizes, tuple) else tuple(sizes)


def reshape(lib: Any, x: Any, sizes: Any) -> Any:
    return shape.reshape(x, shape=_shape(sizes))


def broadcast_to(lib: Any, x: Any, sizes: Any) -> Any:
    return shape.broadcast_to(x, shape=_shape(sizes))


def transpose(lib: Any, x: Any, axes: Any) -> Any:
    return shape.transpose(x, axes=tuple(a % x.ndim - x.ndim for a in axes))


def expand_dims(lib: Any, x: Any, axis: tuple[int, ...]) -> Any:
    ndim = x.ndim + len(axis)
    new = {a % ndim for a in axis}
    sizes = iter(x.shape)
    return shape.reshape(x, shape=tuple(1 if a in new else next(sizes) for a in range(ndim)))


def moveaxis(lib: Any, x: Any, source: int, destination: int) -> Any:
    axes = [*range(x.ndim)]
    axes.insert(destination % x.ndim, axes.pop(source % x.ndim))
    return transpose(lib, x, axes)


def swapaxes(lib: Any, x: Any, axis1: int, axis2: int) -> Any:
    axes = [*range(x.ndim)]
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(lib, x, axes)


def flip(lib: Any, x: Any, axis: Any) -> Any:
    return shape.flip(x, axis=axis)


def roll(lib: Any, x: Any, shift: Any, axis: Any) -> Any:
    return shape.roll(x, shift=shift, axis=axis)


def concatenate(lib: Any, arrays: Any, axis: int = 0) -> Any:
    arrays = tuple(arrays)
    axis = axis % arrays[0].ndim - arrays[0].ndim
    starts = np.cumsum([0, *(one.shape[axis] for one in arrays)]).tolist()
    return shape.concatenate(*arrays, axis=axis, starts=tuple(starts[:-1]))


def stack(lib: Any, arrays: Any, axis: int = 0) -> Any:
    arrays = tuple(arrays)
    ndim = arrays[0].ndim + 1
    return shape.stack(*arrays, axis=axis % ndim - ndim)


def one_minus_square(lib: Any, x: Any) -> Any:
    return 1 - x * x


# Matrices


def diagonal(lib: Any, x: Any, axis1: int = -2, axis2: int = -1) -> Any:
    return shape.diagonal(x, offset=0)


def trace(lib: Any, x: Any, axis1: int = -2, axis2: int = -1) -> Any:
    return reduce.sum(shape.diagonal(x, offset=0), axis=(-1,), keepdims=False)


def tril(lib: Any, x: Any, k: int = 0) -> Any:
    mask = lib.asarray(np.tri(x.shape[-2], x.shape[-1], k, bool))
    return index.where(mask, x, 0)


def times_read(lib: Any, n: int, axis: int, dtype: Any) -> Any:
    """How often `irfft` to length `n` reads each element along `axis`, in `dtype`'s precision."""
    times = np.full((n // 2 + 1,) + (1,) * (-axis - 1), 2.0)
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    return lib.asarray(times, dtype=lib.real_dtype(dtype))
