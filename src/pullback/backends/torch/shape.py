"""torch spellings of the canonical functions: shapes."""

from __future__ import annotations

from typing import Any

import torch


def copy(x: Any, order: str = "K") -> Any:
    return x.clone(memory_format=_FORMATS[order])


# NumPy's name of an order -> torch's.
_FORMATS = {"K": torch.preserve_format, "C": torch.contiguous_format}


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    return x.expand(shape)


def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


def transpose(x: Any, axes: tuple[int, ...]) -> Any:
    return x.permute(axes)


def expand_dims(x: Any, axis: tuple[int, ...]) -> Any:
    """Put axes of length 1 where the result has `axis` (negative)."""
    ndim = x.ndim + len(axis)
    new = {a % ndim for a in axis}
    sizes = iter(x.shape)
    return x.reshape(tuple(1 if a in new else next(sizes) for a in range(ndim)))


def flip(x: Any, axis: Any) -> Any:
    return torch.flip(x, axis if type(axis) is tuple else (axis,))


def roll(x: Any, shift: Any, axis: Any) -> Any:
    return torch.roll(x, shift, axis)


def concatenate(*arrays: Any, axis: int, starts: tuple[int, ...]) -> Any:
    return torch.cat(arrays, axis)


def stack(*arrays: Any, axis: int) -> Any:
    return torch.stack(arrays, axis)


def diagonal(x: Any, offset: int) -> Any:
    return torch.diagonal(x, offset, -2, -1)
