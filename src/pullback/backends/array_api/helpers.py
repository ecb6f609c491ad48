"""What rules call beside primitives, under NumPy's names: made of primitives, so on boxes too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ops import elementwise, index, reduce, shape
from ...ops.declare import registry


def helpers(lib: Any) -> dict[str, Callable[..., Any]]:
    """The canonical functions whose arguments are not those of the primitive of that name."""

    def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return reduce.sum(x, axis=axis, keepdims=keepdims)

    def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return reduce.mean(x, axis=axis, keepdims=keepdims)

    def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return registry["any"](x, axis=axis, keepdims=keepdims)

    def astype(x: Any, dtype: Any) -> Any:
        return elementwise.astype(x, dtype=dtype)

    def weight(mask: Any, *like: Any) -> Any:
        dtypes = [one.dtype for one in like if hasattr(one, "dtype")]
        return elementwise.astype(mask, dtype=lib.namespace.result_type(*dtypes))

    def reshape(x: Any, shape_: Any) -> Any:
        return shape.reshape(x, shape=_tuple(shape_))

    def broadcast_to(x: Any, shape_: Any) -> Any:
        return shape.broadcast_to(x, shape=_tuple(shape_))

    def transpose(x: Any, axes: Any) -> Any:
        return shape.transpose(x, axes=tuple(a % x.ndim - x.ndim for a in axes))

    def expand_dims(x: Any, axis: tuple[int, ...]) -> Any:
        ndim = x.ndim + len(axis)
        new = {a % ndim for a in axis}
        sizes = iter(x.shape)
        return reshape(x, tuple(1 if a in new else next(sizes) for a in range(ndim)))

    def moveaxis(x: Any, source: int, destination: int) -> Any:
        axes = [*range(x.ndim)]
        axes.insert(destination % x.ndim, axes.pop(source % x.ndim))
        return transpose(x, axes)

    def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
        axes = [*range(x.ndim)]
        axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
        return transpose(x, axes)

    def flip(x: Any, axis: Any) -> Any:
        return shape.flip(x, axis=axis)

    def roll(x: Any, shift: Any, axis: Any) -> Any:
        return shape.roll(x, shift=shift, axis=axis)

    def concatenate(arrays: Any, axis: int = 0) -> Any:
        arrays = tuple(arrays)
        axis = axis % arrays[0].ndim - arrays[0].ndim
        starts = np.cumsum([0, *(one.shape[axis] for one in arrays)]).tolist()
        return shape.concatenate(*arrays, axis=axis, starts=tuple(starts[:-1]))

    def stack(arrays: Any, axis: int = 0) -> Any:
        arrays = tuple(arrays)
        ndim = arrays[0].ndim + 1
        return shape.stack(*arrays, axis=axis % ndim - ndim)

    def conj(x: Any) -> Any:
        return elementwise.conjugate(x) if lib.is_complex(x.dtype) else x

    def real(x: Any) -> Any:
        return elementwise.real(x) if lib.is_complex(x.dtype) else x

    def imag(x: Any) -> Any:
        return elementwise.imag(x) if lib.is_complex(x.dtype) else lib.zeros(x.shape, x.dtype)

    def sign(x: Any) -> Any:
        return elementwise.sign(x) if lib.is_complex(x.dtype) else elementwise.real_sign(x)

    def diagonal(x: Any, axis1: int = -2, axis2: int = -1) -> Any:
        return shape.diagonal(x, offset=0)

    def trace(x: Any, axis1: int = -2, axis2: int = -1) -> Any:
        return sum(shape.diagonal(x, offset=0), axis=(-1,))

    def tril(x: Any, k: int = 0) -> Any:
        mask = lib.asarray(np.tri(x.shape[-2], x.shape[-1], k, bool), like=x)
        return index.where(mask, x, 0)

    def cumsum(x: Any, axis: int, reverse: bool = False) -> Any:
        return reduce.cumsum(x, axis=axis, reverse=reverse)

    def times_read(n: int, axis: int, dtype: Any) -> Any:
        times = np.full((n // 2 + 1,) + (1,) * (-axis - 1), 2.0)
        times[0] = 1
        if n % 2 == 0:
            times[-1] = 1
        return lib.asarray(times, dtype=lib.real_dtype(dtype))

    def scatter_add_at(*_: Any) -> Any:
        raise NotImplementedError("nothing is added in place here")

    named = {name: value for name, value in locals().items() if name != "lib"}
    named["add_at"] = named.pop("scatter_add_at")
    return named | {
        "conjugate": conj,
        "zeros": lib.zeros,
        "ones": lib.ones,
        "eye": lib.eye,
        "is_complex": lib.is_complex,
        "one_half": 0.5,
    }


def _tuple(shape: Any) -> tuple[int, ...]:
    """A shape as it is: a library's own kind may know more than the sizes."""
    return shape if isinstance(shape, tuple) else tuple(shape)
