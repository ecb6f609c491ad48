"""torch's functions, methods and operators on boxes, through `__torch_function__`."""

from . import (
    arrange,
    attention,
    box,
    contract,
    convolution,
    fft,
    index,
    intercept,
    linalg,
    losses,
    makers,
    mutation,
    neural,
    norms,
    opaque,
    pointwise,
    pooling,
    reduce,
    selection,
    shape,
)

from .bodies import body  # isort: skip  (after all that has an entry of its own)
from .box import TensorBox

__all__ = [
    "TensorBox",
    "arrange",
    "attention",
    "body",
    "box",
    "contract",
    "convolution",
    "fft",
    "index",
    "intercept",
    "linalg",
    "losses",
    "makers",
    "mutation",
    "neural",
    "norms",
    "opaque",
    "pointwise",
    "pooling",
    "reduce",
    "selection",
    "shape",
]
