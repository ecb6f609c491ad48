"""What neural networks are made of: torch's signatures over pullback's primitives.

Options that change more than a factor are left to torch's own derivative (see `opaque.py`), as are
convolutions and poolings.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from ...ops import contract, neural, special
from ...recorders import recorder
from . import opaque
from .box import TensorBox
from .dispatch import functions, implements, is_box
from .index import getitem
from .mutation import replace
from .pointwise import BACKEND
from .reduce import axes_of

# Pointwise

for _primitive, _functions in (
    (neural.sigmoid, (torch.sigmoid, F.sigmoid, torch.special.expit, torch.Tensor.sigmoid)),
    (special.erf, (torch.erf, torch.special.erf, torch.Tensor.erf)),
    (special.erfc, (torch.erfc, torch.special.erfc, torch.Tensor.erfc)),
    (special.gammaln, (torch.lgamma, torch.special.gammaln, torch.Tensor.lgamma)),
):
    _apply = recorder(_primitive, BACKEND)
    for _function in _functions:
        functions[_function] = _apply

_relu = recorder(neural.relu, BACKEND)
_sigmoid = recorder(neural.sigmoid, BACKEND)
_gelu = recorder(neural.gelu, BACKEND)
TensorBox.relu = _relu  # type: ignore[method-assign]
TensorBox.sigmoid = _sigmoid  # type: ignore[method-assign]


@implements(torch.relu, torch.Tensor.relu, F.relu)
def relu(input: Any, inplace: bool = False) -> Any:
    return replace(input, _relu(input)) if inplace else _relu(input)


@implements(F.silu)
def silu(input: Any, inplace: bool = False) -> Any:
    out = input * _sigmoid(input)
    return replace(input, out) if inplace else out


@implements(F.gelu)
def gelu(input: Any, approximate: str = "none") -> Any:
    if approximate != "none":
        return opaque.apply(F.gelu, (input,), {"approximate": approximate})
    return _gelu(input)


def _softmax(primitive: Any, *torch_functions: Any) -> None:
    @implements(*torch_functions)
    def softmax(
        input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None, **kwargs: Any
    ) -> Any:
        if kwargs or not isinstance(dim, int) or not input.ndim:
            options = {"dim": dim, "dtype": dtype, **kwargs}
            return opaque.apply(torch_functions[0], (input,), options)
        x = input if dtype is None else input.to(dtype)
        return primitive(x, axis=axes_of(dim, x.ndim))


_softmax(neural.softmax, torch.softmax, torch.Tensor.softmax, F.softmax)
_softmax(neural.log_softmax, torch.log_softmax, torch.Tensor.log_softmax, F.log_softmax)


# Normalisations


@implements(F.layer_norm)
def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    count = len(normalized_shape)
    if not count or tuple(input.shape[-count:]) != tuple(normalized_shape):
        return opaque.apply(F.layer_norm, (input, normalized_shape, weight, bias, eps), {})
    out = neural.standardize(input, axis=tuple(range(-count, 0)), eps=eps)
    return _affine(out, weight, bias)


@implements(F.group_norm)
def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    size, channels, *rest = input.shape
    if channels % num_groups:
        return opaque.apply(F.group_norm, (input, num_groups, weight, bias, eps), {})
    grouped = input.reshape(size, num_groups, -1)
    out = neural.standardize(grouped, axis=(-1,), eps=eps).reshape(input.shape)
    weight, bias = (
        one if one is None else one.reshape(channels, *(1,) * len(rest)) for one in (weight, bias)
    )
    return _affine(out, weight, bias)


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


# Losses


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


@implements(F.mse_loss)
def mse_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    plain = size_average is None and reduce is None and weight is None
    if not plain or input.shape != target.shape or reduction not in _REDUCTIONS:
        options = {"size_average": size_average, "reduce": reduce, "reduction": reduction}
        return opaque.apply(F.mse_loss, (input, target), {**options, "weight": weight})
    difference = input - target
    return _reduced(difference * difference, reduction)


_REDUCTIONS = ("mean", "sum", "none")


def _of_classes(function: Callable[..., Any], scores: Callable[[Any], Any]) -> None:
    """A loss that reads the score of the right class, in rows of one score for each class."""
    signature = inspect.signature(function)

    @implements(function)
    def loss(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        options = {
            name: value
            for name, value in given.arguments.items()
            if name not in ("input", "target", "reduction")
            and value is not signature.parameters[name].default
        }
        input, target = given.arguments["input"], given.arguments["target"]
        reduction = given.arguments.get("reduction", "mean")
        classes = not target.dtype.is_floating_point and input.ndim == 2 and target.ndim == 1
        ignored = classes and not is_box(target) and bool((target < 0).any())
        if options or not classes or ignored or reduction not in _REDUCTIONS or not len(target):
            return opaque.apply(function, args, kwargs)
        rows = torch.arange(input.shape[0], device=input.device)
        return _reduced(-getitem(scores(input), (rows, target)), reduction)


_of_classes(F.nll_loss, lambda scores: scores)
_of_classes(F.cross_entropy, lambda x: neural.log_softmax(x, axis=(-1,)))


# Embedding and attention


@implements(F.embedding)
def embedding(
    input: Any,
    weight: Any,
    padding_idx: Any = None,
    max_norm: Any = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    if padding_idx is not None or max_norm is not None or scale_grad_by_freq or sparse:
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return opaque.apply(F.embedding, (input, weight, *options), {})
    return getitem(weight, input)


@implements(F.scaled_dot_product_attention)
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Any:
    if dropout_p or enable_gqa or attn_mask is not None:
        args = (query, key, value, attn_mask, dropout_p, is_causal)
        return opaque.apply(
            F.scaled_dot_product_attention, args, {"scale": scale, "enable_gqa": enable_gqa}
        )
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = contract.matmul(query * scale, key.transpose(-1, -2))
    if is_causal:
        rows, columns = scores.shape[-2:]
        future = torch.ones(rows, columns, dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(future, -math.inf)
    return contract.matmul(neural.softmax(scores, axis=(-1,)), value)
