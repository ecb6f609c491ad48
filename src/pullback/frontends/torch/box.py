"""The box that is a torch.Tensor: torch's override protocol, and what a tensor says of itself.

To C code it is an empty tensor that refuses every operation: what bypasses `__torch_function__`
raises instead of losing a derivative.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import torch

from ...backends.torch import TorchBackend
from ...callers import where
from ...core import box_types, detached, is_batched, raw
from ...errors import BatchingError, ConversionError
from . import opaque
from .dispatch import functions, implements, name_of, recorded

# NumPy's names for some arguments, which torch takes too.
_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input"}
_NAMES["x2"] = "other"


class TensorBox(torch.Tensor):
    """A traced tensor. Its attributes are those of `core.Box`."""

    __slots__ = ("alias", "index", "tangent", "tracer", "value")

    alias: Any
    index: int
    tangent: Any
    tracer: Any
    value: Any

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not kwargs:
            record = recorded.get(func)
            if record is not None:
                return record(*args)
        else:
            kwargs = {_NAMES.get(name, name): value for name, value in kwargs.items()}
        ours = functions.get(func)
        if ours is None:
            return opaque.apply(func, args, kwargs or {})
        return ours(*args, **kwargs) if kwargs else ours(*args)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # No TypeError: torch's operators would take that for "not my operand".
        raise RuntimeError(
            f"a traced tensor reached {func}, which pullback cannot follow from there: its "
            "derivative would be lost. Build tensors of traced values with torch.stack instead of "
            "torch.tensor([...]); for a constant write x.detach() or x.item()."
        )

    # What the tensor is

    @property
    def shape(self) -> Any:
        return self.value.shape[self.tracer.lead :]

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def device(self) -> Any:
        return self.value.device

    @property
    def ndim(self) -> int:
        return self.value.ndim - self.tracer.lead

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

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError(
                "len() of a 0-d tensor (to build a tensor of traced values, use torch.stack)"
            )
        return self.shape[0]

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Traced<{self.tracer.name}, level {self.tracer.level}>({raw(self)!r})"

    def __str__(self) -> str:
        return repr(raw(self))

    def __format__(self, spec: str) -> str:
        return format(raw(self), spec)

    # Ways out: reading a value for a branch is allowed, losing a derivative is not

    def __bool__(self) -> bool:
        return bool(self._one_value("bool()"))

    def item(self) -> Any:
        """The value as a Python number: a constant."""
        return self._one_value(".item()").item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers: constants."""
        return self._one_value(".tolist()").tolist()

    def detach(self) -> Any:
        """The values as a tensor of their own: constants, at every level."""
        value = detached(self)
        return value.clone() if type(value) is TensorBox else value.detach().clone()

    def _one_value(self, how: str) -> Any:
        """The raw tensor, or an error where there is one an example."""
        if is_batched(self):
            raise BatchingError(
                f"pullback.vmap: {how} of a batched value at {where()}: under vmap the value is "
                "another for each example. Write torch.where(condition, x, y) for a branch, or run "
                "the function example by example, with vmap(..., fallback='loop')."
            )
        return raw(self)

    def _refuse_conversion(self, how: str) -> Any:
        raise ConversionError(
            f"{how} of a value traced by pullback.{self.tracer.name} would lose its derivative. "
            "Use the value itself and torch's functions (torch.sin for math.sin or np.sin); for "
            "a constant write x.item() or x.detach()."
        )

    def __float__(self) -> float:
        return self._refuse_conversion("float()")

    def __int__(self) -> int:
        return self._refuse_conversion("int()")

    def __complex__(self) -> complex:
        return self._refuse_conversion("complex()")

    def __index__(self) -> int:
        return self._refuse_conversion("use as an index")

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        standard = importlib.import_module("pullback.frontends.array_api")
        return standard.namespace_for(self.tracer.backend, api_version)

    def numpy(self, *, force: bool = False) -> Any:
        """Refused: NumPy would not follow it."""
        return self._refuse_conversion(".numpy()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:  # type: ignore[override]
        return self._refuse_conversion("conversion to a NumPy array")

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        raise ConversionError(
            f"np.{ufunc.__name__} of a torch tensor traced by pullback.{self.tracer.name}: NumPy "
            "cannot follow it. Use torch's own function, and torch.from_numpy(a) for arrays."
        )

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise ConversionError(
            f"a value traced by pullback.{self.tracer.name} cannot be pickled; return it from the "
            "function, or send x.detach()"
        )

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


def _refuse_flag() -> Any:
    raise ConversionError(
        "requires_grad of a traced tensor cannot be switched off: write y = x.detach()"
    )


def _refuse_backward(what: str) -> Any:
    raise ConversionError(
        f"{what} on a tensor that pullback traces: return the value, and call pullback.vjp or "
        "pullback.grad, which nest"
    )


@implements(torch.autograd.grad, torch.autograd.backward, torch.Tensor.register_hook)
def _torch_autograd(*args: Any, **kwargs: Any) -> Any:
    return _refuse_backward("torch's own autograd")


box_types.add(TensorBox)
TorchBackend.box_type = TensorBox
TorchBackend.operands.add(TensorBox)

__all__ = ["TensorBox", "name_of"]
