"""pullback: exact derivatives of the array programs that people already have."""

from .adopt import adopt
from .api import grad, grad_and_value, hvp, stop_gradient, value_and_grad, vhp
from .batch import vmap
from .checkpoint import checkpoint
from .core import no_grad
from .custom import custom_jvp, custom_vjp
from .errors import (
    BatchingError,
    ConvergenceError,
    ConversionError,
    EscapedTracerError,
    StaleValueError,
    UnsupportedError,
)
from .extend import constant, elementwise, linear, multilinear, opaque
from .forward import jvp
from .frontends.numpy.intercept import intercept  # teaches NumPy's functions about boxes
from .implicit import custom_fixed_point, custom_root
from .jacobian import hessian, jacfwd, jacobian, jacrev
from .linearize import linearize
from .loops import checkpointed_loop
from .transpose import linear_transpose
from .tree import register_node
from .vjp import vjp

__version__ = "0.1.0"

__all__ = [
    "BatchingError",
    "ConvergenceError",
    "ConversionError",
    "EscapedTracerError",
    "StaleValueError",
    "UnsupportedError",
    "adopt",
    "checkpoint",
    "checkpointed_loop",
    "constant",
    "custom_fixed_point",
    "custom_jvp",
    "custom_root",
    "custom_vjp",
    "elementwise",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "intercept",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linear",
    "linear_transpose",
    "linearize",
    "multilinear",
    "no_grad",
    "opaque",
    "register_node",
    "stop_gradient",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
]
