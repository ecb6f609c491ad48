"""Ufuncs that contract, and the options that they take."""

from __future__ import annotations

from typing import Any

import numpy as np

from .contract import conj
from .dispatch import as_array, ufunc_methods, ufuncs
from .einsum import einsum
from .mutation import write_out


def _vecdot(x: Any, y: Any) -> Any:
    x, y = _matching("vecdot", x, y, 1)
    return einsum("...i,...i->...", conj(x), y)


def _matvec(x: Any, y: Any) -> Any:
    x, y = _matching("matvec", x, y, 1)
    return einsum("...ij,...j->...i", x, y)


def _vecmat(x: Any, y: Any) -> Any:
    x, y = _matching("vecmat", x, y, 2)
    return einsum("...i,...ij->...j", conj(x), y)


def _matching(name: str, x: Any, y: Any, place: int) -> tuple[Any, Any]:
    """Both as arrays; raises where the axes to sum differ (einsum would broadcast a 1)."""
    x, y = as_array(x), as_array(y)
    if x.shape[-1:] != y.shape[y.ndim - place :][:1]:
        raise ValueError(
            f"np.{name}: the axes to sum over have different lengths: the last of {x.shape} and "
            f"the last{' but one' * (place - 1)} of {y.shape}"
        )
    return x, y


def call_with_options(ufunc: Any, x: Any, y: Any, out: Any = None, **options: Any) -> Any:
    """`ufunc` with the options of a generalised ufunc's call."""
    if out is not None:
        return write_out(ufunc, ufunc(x, y, **options), out[0])
    x, y = as_array(x), as_array(y)
    # NumPy's own complaint about the options, if there is one to make.
    ufunc(*[np.ones((1,) * array.ndim, array.dtype) for array in (x, y)], **options)
    if (dtype := options.get("dtype")) is not None:
        x, y = x.astype(dtype), y.astype(dtype)
    keepdims = options.get("keepdims", False)
    axes = options.get("axes")
    if (axis := options.get("axis")) is not None:
        axes = [axis, axis, axis] if keepdims else [axis, axis, ()]
    if axes is None:
        return _keepdims(ufunc(x, y), keepdims)
    x_axes, y_axes, *rest = [part if isinstance(part, tuple) else (part,) for part in axes]
    x = np.moveaxis(x, x_axes, range(-len(x_axes), 0))
    y = np.moveaxis(y, y_axes, range(-len(y_axes), 0))
    result = _keepdims(ufunc(x, y), keepdims)
    result_axes = rest[0] if rest else ()
    return np.moveaxis(result, range(-len(result_axes), 0), result_axes) if result_axes else result


def _keepdims(result: Any, keepdims: bool) -> Any:
    return np.expand_dims(result, -1) if keepdims else result


for _name, _ours in (("vecdot", _vecdot), ("matvec", _matvec), ("vecmat", _vecmat)):
    if hasattr(np, _name):  # matvec and vecmat are new in NumPy 2.2
        ufuncs[getattr(np, _name)] = _ours


for _name in ("matmul", "vecdot", "matvec", "vecmat"):
    if hasattr(np, _name):
        ufunc_methods[getattr(np, _name), "__call__"] = call_with_options
