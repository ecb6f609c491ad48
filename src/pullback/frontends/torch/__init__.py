"""torch's functions, methods and operators on boxes, through `__torch_function__`."""

from . import box, index, mutation, opaque, pointwise
from .box import TensorBox

__all__ = ["TensorBox", "box", "index", "mutation", "opaque", "pointwise"]
