"""Dask's operators, methods and functions on boxes, under NumPy's names."""

from . import (
    blocks,
    box,
    composed,
    contract,
    creation,
    elementwise,
    gufuncs,
    intercept,
    linalg,
    order,
    overlap,
    reduce,
    shape,
)
from .box import DaskBox

__all__ = [
    "DaskBox",
    "blocks",
    "box",
    "composed",
    "contract",
    "creation",
    "elementwise",
    "gufuncs",
    "intercept",
    "linalg",
    "order",
    "overlap",
    "reduce",
    "shape",
]
