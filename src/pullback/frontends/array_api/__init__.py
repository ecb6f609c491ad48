"""The array API standard's operators, methods and functions on boxes of any library."""

from . import box, creation, elementwise, fft, index, linalg, mutation, reduce, shape
from .box import StandardBox
from .namespace import Namespace, namespace_for

__all__ = [
    "Namespace",
    "StandardBox",
    "box",
    "creation",
    "elementwise",
    "fft",
    "index",
    "linalg",
    "mutation",
    "namespace_for",
    "reduce",
    "shape",
]
