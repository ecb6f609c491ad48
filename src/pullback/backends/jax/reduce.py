"""JAX's spellings of the canonical functions: reductions."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def sum(lib: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.sum(x, axis=axis, keepdims=keepdims)
