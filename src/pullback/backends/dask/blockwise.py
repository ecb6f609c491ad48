"""What is done to each block alone: elementwise primitives, by NumPy's implementation of them."""

from __future__ import annotations

import functools
from typing import Any

import dask.array as da
import numpy as np

from ...ops.declare import registry
from ..array_api import elementwise as standard
from .chunks import as_dask

# The functions themselves: `da` has stand-ins while a transform runs.
arange_ = vars(da)["arange"]
full_ = vars(da)["full"]
elemwise = da.core.elemwise


def _operand(value: Any) -> Any:
    return as_dask(value) if isinstance(value, np.ndarray) else value


def _each_block(name: str) -> Any:
    impl = registry[name].impl

    def function(lib: Any, *args: Any, **params: Any) -> Any:
        run = functools.partial(impl, **params) if params else impl
        return elemwise(run, *map(_operand, args))

    return function


_NAMES = [
    name
    for name, primitive in registry.items()
    if primitive.kind == "elementwise"
    or isinstance(getattr(np, name, None), np.ufunc)
    or name in (*standard.UNARY, *standard.BINARY, *standard.OPERATORS, "sign")
]
FUNCTIONS: dict[str, Any] = {
    name: _each_block(name) for name in _NAMES if name not in ("matmul", "clip", "greater_equal")
}
FUNCTIONS["fractional_part"] = _each_block("fractional_part")


def greater_equal(lib: Any, x: Any, y: Any) -> Any:
    """Of complex numbers, as a rule asks it of an exponent: of their real parts."""
    return elemwise(_greater_equal, x, y)


def _greater_equal(x: Any, y: Any) -> Any:
    return np.real(x) >= np.real(y)


def positive(lib: Any, x: Any) -> Any:
    return x.copy()


def real(lib: Any, x: Any) -> Any:
    return elemwise(np.real, x)


def imag(lib: Any, x: Any) -> Any:
    return elemwise(np.imag, x)


def astype(lib: Any, x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


to_whole = astype


def clip(lib: Any, x: Any, y: Any, z: Any) -> Any:
    if y is not None:
        x = elemwise(np.maximum, x, _operand(y))
    return x if z is None else elemwise(np.minimum, x, _operand(z))


def where(lib: Any, condition: Any, x: Any, y: Any) -> Any:
    return elemwise(np.where, *map(_operand, (condition, x, y)))


def kept_zeros(product: Any, cotangent: Any) -> Any:
    """`product`, but zero wherever `cotangent` is."""
    return elemwise(_kept_zeros, product, cotangent)


def _kept_zeros(product: Any, cotangent: Any) -> Any:
    if not np.isnan(product).any():
        return product
    return np.where(cotangent == 0, product.dtype.type(0), product)


def arange(size: int, chunks: Any) -> Any:
    """The whole numbers below `size`; `chunks` are those of the one axis."""
    return arange_(size, chunks="auto" if chunks is None else (chunks,))


def full(shape: Any, value: Any, dtype: Any, chunks: Any) -> Any:
    """An array of one value."""
    return full_(shape, value, dtype=dtype, chunks=chunks)
