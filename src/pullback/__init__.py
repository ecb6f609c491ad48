"""pullback: exact derivatives of the array programs that people already have."""

from .api import grad, grad_and_value, hvp, stop_gradient, value_and_grad, vhp
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
from .frontends import numpy as _numpy  # noqa: F401  (teaches NumPy's functions about boxes)
from .jacobian import hessian, jacfwd, jacobian, jacrev
from .linearize import linearize
from .transpose import linear_transpose
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
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linear_transpose",
    "linearize",
    "no_grad",
    "register_node",
    "stop_gradient",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
]
