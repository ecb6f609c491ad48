"""JAX's spellings of the canonical functions: indexing, also at positions not known yet."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ...ops.lift import filled


def getitem(lib: Any, x: Any, index: Any) -> Any:
    return x[index]


def unindex(lib: Any, x: Any, shape: Any, index: Any) -> Any:
    """The transpose of `getitem`: zeros of `shape` with `x` added at `index`."""
    return jnp.zeros(tuple(shape), x.dtype).at[index].add(x)


def scatter_add(lib: Any, x: Any, y: Any, index: Any) -> Any:
    return x.at[index].add(y)


def gather(lib: Any, x: Any, *operands: Any, index: Any) -> Any:
    return getitem(lib, x, filled(index, operands))


def scatter(lib: Any, x: Any, *operands: Any, shape: Any, index: Any) -> Any:
    return unindex(lib, x, shape, filled(index, operands))
