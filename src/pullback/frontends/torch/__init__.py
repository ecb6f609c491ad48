"""torch's functions, methods and operators on boxes, through `__torch_function__`."""

from . import (
    box,
    contract,
    index,
    intercept,
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
    "intercept",
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
