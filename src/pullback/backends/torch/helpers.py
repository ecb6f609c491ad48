"""What rules call beside primitives, under NumPy's names: on boxes too."""

from __future__ import annotations

from typing import Any

import torch

from ...ops import shape
from .tensors import transformed


def _conj(x: Any) -> Any:
    return x.conj() if x.dtype.is_complex else x


def _weight(mask: Any, *like: Any) -> Any:
    return mask


def _is_complex(dtype: Any) -> bool:
    return dtype.is_complex


def _where(condition: Any, x: Any, y: Any) -> Any:
    return torch.where(condition, x, y)


def _swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    return x.transpose(axis1, axis2)


def _zeros_free(x: Any, axis: Any = None) -> Any:
    return torch.any(x) if axis is None else torch.any(x, dim=axis)


def _concatenate(arrays: Any, axis: int) -> Any:
    return torch.cat(tuple(arrays), axis)


def _diagonal(x: Any, axis1: int, axis2: int) -> Any:
    if (axis1, axis2) != (-2, -1):
        x = x.movedim((axis1, axis2), (-2, -1))
    return shape.diagonal(x, offset=0)


def _trace(x: Any, axis1: int, axis2: int) -> Any:
    return _diagonal(x, axis1, axis2).sum(-1)


def _has_kernels(*arrays: Any) -> bool:
    """Do torch's kernels for the way back take these? They have few derivatives themselves."""
    return all(
        type(one) is torch.Tensor and not one.requires_grad and not transformed(one)
        for one in arrays
    )


def _permutation(lu: Any, exchanges: Any) -> Any:
    """The matrix that puts rows back in the order that they had before `exchanges`."""
    return torch.lu_unpack(lu.detach(), exchanges, unpack_data=False)[0]


def _one_minus_square(x: Any) -> Any:
    if type(x) is not torch.Tensor or not x.ndim or not x.is_cpu:
        return 1 - x * x
    return torch.addcmul(_ONE, x, x, value=-1)  # in one pass


_ONE = torch.ones(())


HELPERS: dict[str, Any] = {
    "has_kernels": _has_kernels,
    "weight": _weight,
    "concatenate": _concatenate,
    "moveaxis": torch.movedim,
    "stack": torch.stack,
    "conj": _conj,
    "conjugate": _conj,
    "is_complex": _is_complex,
    "one_half": 0.5,
    "one_minus_square": _one_minus_square,
    "where": _where,
    "swapaxes": _swapaxes,
    "any": _zeros_free,
    "isnan": torch.isnan,
    "isfinite": torch.isfinite,
    "imag": torch.imag,
    "real": torch.real,
    "permutation": _permutation,
    "tril": torch.tril,
    "triu": torch.triu,
    "diagonal": _diagonal,
    "trace": _trace,
    "sign": torch.sgn,
}
