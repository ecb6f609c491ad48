"""Activations and softmaxes: torch's signatures over pullback's primitives.

Options that change more than a factor are left to torch's own derivative (see `opaque.py`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from ...ops import neural, special
from ...recorders import recorder
from . import opaque
from .box import TensorBox
from .dispatch import functions, implements
from .mutation import replace
from .pointwise import BACKEND
from .reduce import axes_of

_nn: Any = torch._C._nn

# Those without options: a primitive's recorder itself

_PLAIN = (
    (neural.sigmoid, (torch.sigmoid, torch.special.expit, torch.Tensor.sigmoid)),
    (neural.log_sigmoid, (_nn.log_sigmoid,)),
    (neural.silu, (_nn.silu,)),
    (neural.mish, (_nn.mish,)),
    (neural.hardsigmoid, (_nn.hardsigmoid,)),
    (neural.hardswish, (_nn.hardswish,)),
    (neural.rsqrt, (torch.rsqrt, torch.Tensor.rsqrt)),
    (neural.erfinv, (torch.erfinv, torch.special.erfinv, torch.Tensor.erfinv)),
    (special.erf, (torch.erf, torch.special.erf, torch.Tensor.erf)),
    (special.erfc, (torch.erfc, torch.special.erfc, torch.Tensor.erfc)),
    (special.gammaln, (torch.lgamma, torch.special.gammaln, torch.Tensor.lgamma)),
)
for _primitive, _functions in _PLAIN:
    _apply = recorder(_primitive, BACKEND)
    for _function in _functions:
        functions[_function] = _apply

_relu = recorder(neural.relu, BACKEND)
_gelu = recorder(neural.gelu, BACKEND)
_gelu_tanh = recorder(neural.gelu_tanh, BACKEND)
_silu = recorder(neural.silu, BACKEND)
TensorBox.relu = _relu  # type: ignore[method-assign]
TensorBox.sigmoid = functions[torch.sigmoid]  # type: ignore[method-assign]


@implements(torch.relu, torch.Tensor.relu, F.relu)
def relu(input: Any, inplace: bool = False) -> Any:
    return replace(input, _relu(input)) if inplace else _relu(input)


@implements(F.silu)
def silu(input: Any, inplace: bool = False) -> Any:
    return replace(input, _silu(input)) if inplace else _silu(input)


@implements(F.gelu)
def gelu(input: Any, *, approximate: str = "none") -> Any:
    if approximate not in ("none", "tanh"):
        return opaque.apply(F.gelu, (input,), {"approximate": approximate})
    return _gelu(input) if approximate == "none" else _gelu_tanh(input)


# Those with scalars, which are parameters


@implements(_nn.leaky_relu)
def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    return neural.leaky_relu(input, slope=negative_slope)


@implements(torch.rrelu)
def rrelu(
    input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, **kwargs: Any
) -> Any:
    if training or kwargs:
        return opaque.apply(torch.rrelu, (input, lower, upper, training), kwargs)
    return neural.leaky_relu(input, slope=(lower + upper) / 2)


@implements(torch.prelu, torch.Tensor.prelu)
def prelu(input: Any, weight: Any) -> Any:
    channels = weight.numel()
    if channels != 1 and (input.ndim < 2 or channels != input.shape[1]):
        return opaque.apply(torch.prelu, (input, weight), {})
    if weight.ndim and input.ndim > 1:
        weight = weight.reshape(channels, *(1,) * (input.ndim - 2))
    elif weight.ndim:
        weight = weight.reshape(weight.shape if input.ndim else ())
    return torch.where(input > 0, input, weight * input)


@implements(_nn.elu)
def elu(input: Any, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> Any:
    return neural.elu(input, alpha=alpha, scale=scale, input_scale=input_scale)


@implements(torch.celu)
def celu(input: Any, alpha: float = 1.0) -> Any:
    if not alpha:
        return opaque.apply(torch.celu, (input, alpha), {})
    return neural.elu(input, alpha=alpha, scale=1.0, input_scale=1 / alpha)


_SELU = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@implements(torch.selu)
def selu(input: Any) -> Any:
    alpha, scale = _SELU
    return neural.elu(input, alpha=alpha, scale=scale, input_scale=1.0)


@implements(_nn.softplus)
def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Any:
    return neural.softplus(input, beta=beta, threshold=threshold)


@implements(_nn.hardtanh)
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    return neural.hardtanh(input, low=min_val, high=max_val)


@implements(_nn.relu6)
def relu6(input: Any) -> Any:
    return neural.hardtanh(input, low=0.0, high=6.0)


@implements(torch.hardshrink, torch.Tensor.hardshrink)
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    return neural.hardshrink(input, size=lambd)


@implements(_nn.softshrink)
def softshrink(input: Any, lambd: float = 0.5) -> Any:
    return neural.softshrink(input, size=lambd)


@implements(torch.threshold)
def threshold(input: Any, threshold: float, value: float) -> Any:
    return neural.threshold(input, level=threshold, value=value)


@implements(_nn.glu)
def glu(input: Any, dim: int = -1) -> Any:
    if input.shape[dim] % 2:
        return opaque.apply(_nn.glu, (input, dim), {})
    kept, gate = input.chunk(2, dim)
    return kept * gate.sigmoid()


@implements(torch.xlogy, torch.special.xlogy, torch.Tensor.xlogy)
def xlogy(input: Any, other: Any) -> Any:
    if not (isinstance(input, torch.Tensor) and isinstance(other, torch.Tensor)):
        return opaque.apply(torch.xlogy, (input, other), {})
    return neural.xlogy(input, other)


@implements(torch.digamma, torch.special.digamma, torch.special.psi, torch.Tensor.digamma)
def digamma(input: Any) -> Any:
    return special.polygamma(input, order=0)


@implements(torch.polygamma, torch.special.polygamma)
def polygamma(n: int, input: Any) -> Any:
    return special.polygamma(input, order=n)


@implements(torch.Tensor.polygamma)
def polygamma_method(self: Any, n: int) -> Any:
    return special.polygamma(self, order=n)


def _softmax(primitive: Any, *torch_functions: Any) -> None:
    @implements(*torch_functions)
    def softmax(
        input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None, **kwargs: Any
    ) -> Any:
        if kwargs or not isinstance(dim, int):
            options = {"dim": dim, "dtype": dtype, **kwargs}
            return opaque.apply(torch_functions[0], (input,), options)
        x = input if dtype is None else input.to(dtype)
        if not x.ndim:  # torch takes a number for a vector of one
            return primitive(x.reshape(1), axis=axes_of(dim, 1)).reshape(())
        return primitive(x, axis=axes_of(dim, x.ndim))


_softmax(neural.softmax, torch.softmax, torch.Tensor.softmax, F.softmax)
_softmax(neural.log_softmax, torch.log_softmax, torch.Tensor.log_softmax, F.log_softmax)
