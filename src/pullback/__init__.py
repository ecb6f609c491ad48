"""pullback: exact derivatives of the array programs that people already have."""

from .api import grad, grad_and_value, stop_gradient, value_and_grad
from .batch import vmap
from .core import no_grad
from .errors import (
    BatchingError,
    ConversionError,
    EscapedTracerError,
    StaleValueError,
    UnsupportedError,
)
from .forward import jvp
from .frontends.numpy.intercept import intercept  # teaches NumPy's functions about boxes
from .tree import register_node
from .vjp import vjp

__version__ = "0.1.0"

__all__ = [
    "BatchingError",
    "ConversionError",
    "EscapedTracerError",
    "StaleValueError",
    "UnsupportedError",
    "grad",
    "grad_and_value",
    "intercept",
    "jvp",
    "no_grad",
    "register_node",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
