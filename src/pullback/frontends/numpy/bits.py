"""NumPy's signatures: bits in bytes. They have no derivative, but batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .batched import form
from .dispatch import constant


def _bit_values(bitorder: str) -> Any:
    return 1 << (np.arange(8)[::-1] if bitorder == "big" else np.arange(8))


def _packbits(a: Any, /, axis: Any = None, bitorder: Any = "big") -> Any:
    np.packbits(form(a), axis, bitorder)  # for NumPy's own errors
    bits = np.moveaxis(a, axis, -1) if axis is not None else a.reshape(-1)
    rest = np.zeros((*bits.shape[:-1], -bits.shape[-1] % 8), bool)
    bits = np.concatenate([bits != 0, rest], axis=-1)
    bits = bits.reshape(*bits.shape[:-1], -1, 8)
    packed = np.sum(np.where(bits, _bit_values(bitorder), 0), axis=-1).astype(np.uint8)
    return packed if axis is None else np.moveaxis(packed, -1, axis)


def _unpackbits(a: Any, /, axis: Any = None, count: Any = None, bitorder: Any = "big") -> Any:
    wanted = np.unpackbits(form(a), axis, count, bitorder).shape[axis or 0]
    packed = np.moveaxis(a, axis, -1) if axis is not None else a.reshape(-1)
    bits = (packed[..., None] & _bit_values(bitorder).astype(np.uint8)) != 0
    bits = bits.reshape(*packed.shape[:-1], -1)[..., :wanted]
    rest = np.zeros((*bits.shape[:-1], wanted - bits.shape[-1]), bool)
    bits = np.concatenate([bits, rest], axis=-1).astype(np.uint8)
    return bits if axis is None else np.moveaxis(bits, -1, axis)


constant(np.packbits, batched=_packbits)
constant(np.unpackbits, batched=_unpackbits)
