"""NumPy's functions, methods and operators on boxes, through NEP 13 and NEP 18."""

from . import (
    calculus,
    contract,
    elementwise,
    fft,
    index,
    intercept,
    layout,
    linalg,
    makers,
    mathematics,
    mutation,
    padding,
    ranges,
    rebind,
    reduce,
    shape,
    statistics,
    ufuncs,
)
from .box import ArrayBox

mutation.follow_out()
layout.follow_layouts()
rebind.calibrate()

__all__ = [
    "ArrayBox",
    "calculus",
    "contract",
    "elementwise",
    "fft",
    "index",
    "intercept",
    "layout",
    "linalg",
    "makers",
    "mathematics",
    "mutation",
    "padding",
    "ranges",
    "rebind",
    "reduce",
    "shape",
    "statistics",
    "ufuncs",
]
