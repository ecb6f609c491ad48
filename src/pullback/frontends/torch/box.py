"""The box that is a torch.Tensor: torch's override protocol, and what a tensor says of itself.

To C code it is an empty tensor that refuses every operation: what bypasses `__torch_function__`
raises instead of losing a derivative.
"""

from __future__ import annotations

import importlib
import math
import operator
from typing import Any

import numpy as np
import torch

from ...backends.libraries import numpys_refused
from ...backends.torch import TorchBackend
from ...callers import where
from ...core import box_types, detached, is_batched, is_buffer, raw
from ...errors import ConversionError, UnsupportedError
from ..numpy.dispatch import OPERATORS
from ..traced import Traced
from . import opaque
from .buffers import lent
from .dispatch import functions, name_of, recorded, spelled


class TensorBox(Traced, torch.Tensor):
    """A traced tensor. Its attributes are those of `core.Box`."""

    __slots__ = ("alias", "index", "tangent", "tracer", "value")
    advice = "torch's functions (torch.sin for math.sin or np.sin)"
    choice = "torch.where(condition, x, y)"
    constants = "x.item() or x.detach()"

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not kwargs:
            record = recorded.get(func)
            if record is not None:
                return record(*args)
        elif kwargs.get("out") is not None:
            return written_out(func, args, kwargs)
        ours = functions.get(func)
        if ours is None:
            return opaque.apply(func, args, kwargs or {})
        return ours(*args, **spelled(kwargs)) if kwargs else ours(*args)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # No TypeError: torch's operators would take that for "not my operand".
        raise RuntimeError(
            f"a traced tensor reached {func}, which pullback cannot follow from there: its "
            "derivative would be lost. For a transform of torch.func's that was bound to a name "
            "before (from torch.func import grad) write pullback's, which nest; for a "
            "torch.tensor bound before write torch.stack; for a constant x.detach() or x.item()."
        )

    # What the tensor is

    @property
    def device(self) -> Any:
        return self.value.device

    @property
    def layout(self) -> Any:
        return self.value.layout

    @property
    def requires_grad(self) -> bool:
        return True

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        _refuse_flag()

    @property
    def is_leaf(self) -> bool:
        return True

    @property
    def grad(self) -> Any:
        return None

    @property
    def grad_fn(self) -> Any:
        return None

    @property
    def data(self) -> Any:
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        raise ConversionError(
            "an assignment to .data of a traced tensor would not be followed; write x.copy_(value)"
        )

    def size(self, dim: int | None = None) -> Any:
        """As `Tensor.size`."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """As `Tensor.dim`."""
        return self.ndim

    def numel(self) -> int:
        """As `Tensor.numel`."""
        return math.prod(self.shape)

    nelement = numel

    def is_inference(self) -> bool:
        """As `Tensor.is_inference`."""
        return raw(self).is_inference()

    def is_contiguous(self, memory_format: Any = torch.contiguous_format) -> bool:
        """As `Tensor.is_contiguous`; of a batch, no other format is known."""
        if is_batched(self) and memory_format is not torch.contiguous_format:
            return False
        return raw(self).is_contiguous(memory_format=memory_format)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError(
                "len() of a 0-d tensor (to build a tensor of traced values, use torch.stack)"
            )
        return self.shape[0]

    def __hash__(self) -> int:
        return id(self)

    def __str__(self) -> str:
        return repr(raw(self))

    def __format__(self, spec: str) -> str:
        value = raw(self)
        return format(str(value) if is_batched(self) else value, "" if is_batched(self) else spec)

    # Ways out: reading a value for a branch is allowed, losing a derivative is not

    def item(self) -> Any:
        """The value as a Python number: a constant."""
        return self._one_value(".item()").item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers: constants."""
        return self._one_value(".tolist()").tolist()

    def detach(self) -> Any:
        """The values as a tensor of their own: constants, at every level."""
        if is_buffer(self):
            return self.clone()
        value = detached(self)
        return value.clone() if type(value) is TensorBox else value.detach().clone()

    def _constant(self, how: str) -> Any:
        """The raw tensor of what no transform follows; of anything else an error."""
        if is_buffer(self):
            return self.value
        raise self._lost(how)

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        standard = importlib.import_module("pullback.frontends.array_api")
        return standard.namespace_for(self.tracer.backend, api_version)

    def numpy(self, *, force: bool = False) -> Any:
        """Refused: NumPy would not follow it. Of a buffer, a read-only view."""
        return lent(self._constant(".numpy()"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:  # type: ignore[override]
        return np.array(lent(self._constant("conversion to a NumPy array")), dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if is_buffer(self) and method == "__call__" and "out" not in kwargs:
            return ufunc(*(lent(raw(arg)) if arg is self else arg for arg in args), **kwargs)
        operate = _OPERATORS.get(ufunc)
        if operate is not None and not kwargs:  # np.float64(2) * x: a number to torch
            args = tuple(arg.item() if isinstance(arg, np.generic) else arg for arg in args)
            if not any(isinstance(arg, np.ndarray) for arg in args):
                return operate(*args)
        raise numpys_refused(ufunc, self)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.clone()

    def __copy__(self) -> Any:
        return self.clone()

    # What belongs to torch's own autograd

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """A traced tensor is followed already."""
        return self if requires_grad else _refuse_flag()

    def retain_grad(self) -> Any:
        """Refused: no `.grad` is filled."""
        return _refuse_backward("retain_grad()")

    def backward(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: no `.grad` is filled."""
        return _refuse_backward("backward()")


# What an operator of a NumPy scalar calls.
_OPERATORS = {ufunc: getattr(operator, f"__{name}__") for name, ufunc in OPERATORS.items()}


def written_out(function: Any, args: Any, kwargs: Any) -> Any:
    """`function(*args, **kwargs)` with what `out=` names as where the results are written."""
    out = kwargs["out"]
    rest = {name: value for name, value in kwargs.items() if name != "out"}
    results = function(*args, **rest)
    many = isinstance(out, (tuple, list))
    for target, result in zip(out if many else [out], results if many else [results], strict=True):
        if type(target) not in box_types:
            raise UnsupportedError(
                f"{name_of(function)} with out= cannot write a traced result into a plain tensor, "
                f"where its derivative would be lost, at {where()}: write y = f(x), or make the "
                "tensor inside the function, with torch.empty"
            )
        if target.shape != result.shape:
            raise RuntimeError(
                f"{name_of(function)} with out= of shape {tuple(target.shape)}: the result has "
                f"shape {tuple(result.shape)}, and a traced tensor is not resized"
            )
        target.copy_(result)
    return out


def _refuse_flag() -> Any:
    raise ConversionError(
        "requires_grad of a traced tensor cannot be switched off: write y = x.detach()"
    )


def _refuse_backward(what: str) -> Any:
    raise ConversionError(
        f"{what} of a tensor that pullback traces, at {where()}: torch's own graph does not know "
        "it (torch.func's transforms are made of such calls). Write pullback.grad, pullback.vjp or "
        "pullback.jvp, which nest; pullback.custom_vjp for a function whose gradient a hook would "
        "change."
    )


def _refusing(function: Any) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        return _refuse_backward(name_of(function))

    functions[function] = refuse


for _function in (torch.autograd.backward, torch.Tensor.register_post_accumulate_grad_hook):
    _refusing(_function)


box_types.add(TensorBox)
TorchBackend.box_type = TensorBox
TorchBackend.operands.add(TensorBox)

__all__ = ["TensorBox", "name_of"]
