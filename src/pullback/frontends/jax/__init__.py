"""JAX's functions on boxes: a box is a tracer of JAX's, so all of them reach `primitives.py`."""

from . import box, custom, opaque, primitives
from .box import JaxBox

__all__ = ["JaxBox", "box", "custom", "opaque", "primitives"]
