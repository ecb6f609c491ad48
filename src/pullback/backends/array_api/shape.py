"""The standard's spellings of the canonical functions: shapes."""

from __future__ import annotations

import math
from typing import Any


def broadcast_to(lib: Any, x: Any, shape: Any) -> Any:
    return lib.namespace.broadcast_to(x, tuple(shape))


def reshape(lib: Any, x: Any, shape: Any) -> Any:
    shape = tuple(shape)
    if -1 in shape and 0 in shape:  # nothing to infer a size from
        raise ValueError(f"cannot reshape an array of size {math.prod(x.shape)} into {shape}")
    return lib.namespace.reshape(x, shape)


def copy(lib: Any, x: Any, order: Any = "K") -> Any:
    return lib.copy(x)


def diagonal(lib: Any, x: Any, offset: int) -> Any:
    return lib.linalg.diagonal(x, offset=offset)


def transpose(lib: Any, x: Any, axes: Any) -> Any:
    return lib.namespace.permute_dims(x, tuple(a % x.ndim for a in axes))


def flip(lib: Any, x: Any, axis: Any) -> Any:
    return lib.namespace.flip(x, axis=axis)


def roll(lib: Any, x: Any, shift: Any, axis: Any) -> Any:
    return lib.namespace.roll(x, shift, axis=axis)


def concatenate(lib: Any, *arrays: Any, axis: int, starts: Any = None) -> Any:
    return lib.namespace.concat(arrays, axis=axis)


def stack(lib: Any, *arrays: Any, axis: int) -> Any:
    return lib.namespace.stack(arrays, axis=axis)
