"""Dask's operators, methods and functions on boxes, under NumPy's names."""

from . import blocks, box, contract, creation, elementwise, intercept, linalg, reduce, shape
from .box import DaskBox

__all__ = [
    "DaskBox",
    "blocks",
    "box",
    "contract",
    "creation",
    "elementwise",
    "intercept",
    "linalg",
    "reduce",
    "shape",
]
