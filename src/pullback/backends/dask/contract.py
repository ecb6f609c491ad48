"""Contractions: products of blocks, added up by a tree."""

from __future__ import annotations

from typing import Any

import dask.array as da

from .chunks import as_dask

_matmul = vars(da)["matmul"]
_einsum = vars(da)["einsum"]


def matmul(lib: Any, x: Any, y: Any) -> Any:
    x, y = (v if isinstance(v, da.Array) else as_dask(v) for v in (x, y))
    return _matmul(x, y)


def contract(lib: Any, x: Any, y: Any, subscripts: str) -> Any:
    """Two-operand einsum in the plainest form (see `ops/contract.py`)."""
    x, y = (v if isinstance(v, da.Array) else as_dask(v) for v in (x, y))
    return _einsum(subscripts, x, y)
