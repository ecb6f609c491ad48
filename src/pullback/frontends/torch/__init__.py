"""torch's functions, methods and operators on boxes, through `__torch_function__`."""

from . import (
    box,
    contract,
    index,
    makers,
    mutation,
    neural,
    norms,
    opaque,
    pointwise,
    reduce,
    shape,
)
from .box import TensorBox

__all__ = [
    "TensorBox",
    "box",
    "contract",
    "fft",
    "index",
    "linalg",
    "makers",
    "mutation",
    "neural",
    "norms",
    "opaque",
    "pointwise",
    "reduce",
    "shape",
]
