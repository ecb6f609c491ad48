"""torch: what the transforms ask of an array library, answered for its tensors."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from contextvars import ContextVar
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch

from ... import core
from ...errors import ConversionError, UnsupportedError, closest
from ...ops.declare import registry
from ...ops.native import FAMILIES
from ...ops.native import registry as native_registry
from .. import degenerate
from ..libraries import called, check_one_library, refusal
from . import (
    along,
    autograd,
    contract,
    convolution,
    elementwise,
    fft,
    filters,
    index,
    linalg,
    losses,
    neural,
    reduce,
    scalars,
    shape,
    views,
)
from .helpers import HELPERS
from .tensors import transformed, version_of

for _name in FAMILIES:
    importlib.import_module(f"pullback.ops.{_name}")


class _Implementations(dict[str, Any]):
    """Primitive's name -> what runs it on tensors."""

    def __missing__(self, name: str) -> Any:
        raise UnsupportedError(
            f"the op {name!r} does not run on torch tensors: convert them with x.numpy(), and "
            f"differentiate the NumPy program.{closest(name, self)}"
        )

    xp: Any

    @staticmethod
    def constant(value: Any, args: Any) -> Any:
        """`value`, which is not followed, without the memory of `args`, which may be."""
        if not any(isinstance(arg, torch.Tensor) and shares(value, arg) for arg in args):
            return value
        copy = value.clone()
        if _handed_out.get() is not None:
            _handed_out.get().append((copy, version_of(copy)))
        return copy

    @staticmethod
    def memory_of(value: Any) -> Any:
        """The storage, which all views of it share; of a tensor that has none, the tensor."""
        if transformed(value) or value.layout is not torch.strided:
            return value
        return value.untyped_storage()


# Copies given for views under no_grad to the function that runs now: a write into one would be
# a write into the traced tensor to torch.
_handed_out: ContextVar[Any] = ContextVar("handed_out", default=None)


def written_back(copy: Any) -> None:
    """Note that a copy was assigned to where it came from, as `x[0] *= 2` does."""
    handed_out = _handed_out.get() or []
    handed_out[:] = [pair for pair in handed_out if pair[0] is not copy]


def _functions_of(module: ModuleType) -> dict[str, Any]:
    return {
        name: function
        for name, function in vars(module).items()
        if name in registry
        or name in native_registry
        or getattr(function, "__module__", None) == module.__name__
    }


implementations = _Implementations()
implementations.update(degenerate.functions(linalg.Standard))
for _family in (
    elementwise,
    contract,
    reduce,
    shape,
    index,
    linalg,
    fft,
    neural,
    convolution,
    along,
    filters,
    losses,
    scalars,
    autograd,
    views,
):
    implementations.update(_functions_of(_family))
core.implementations[torch.Tensor] = implementations


class TorchBackend:
    """Answers for the tensors of one device."""

    name = "torch"
    in_place = True
    lends = False
    array_type = torch.Tensor
    float64 = torch.float64
    # Set by the frontend: its box, and what it does while a transform runs a program's function.
    box_type: Any = None
    interception: Any = None
    # Under torch.no_grad nothing that is computed has a derivative.
    following = staticmethod(torch.is_grad_enabled)
    takes: ClassVar[tuple[type, ...]] = (np.generic,)  # as numbers
    converts = "torch.from_numpy(np.asarray(x))"
    adopts: Any = None  # makes arrays of NumPy's beside this library's into arrays of it
    aligned: Any = None  # gives a cotangent the layout of its primal, which `layout` tells
    call_with_rule: Any = None  # a call that has a user's rule, where the library's transforms run
    operands: ClassVar[set[type]] = {torch.Tensor, float, int, complex, bool}

    def __init__(self, device: torch.device, functions: dict[str, Any]) -> None:
        self.device = device
        made = {
            name: functools.partial(getattr(torch, name), device=device)
            for name in ("zeros", "ones", "eye", "arange")
        }
        made["zeros"] = self.zeros
        self.xp = SimpleNamespace(**(functions | made))

    @staticmethod
    def implementation(primitive: Any) -> Any:
        """What runs `primitive` on raw tensors."""
        return implementations[primitive.name]

    @staticmethod
    def copies(_: Any) -> bool:
        """A tensor counts its writes: none need be copied onto the tape."""
        return False

    @staticmethod
    def fingerprint(array: Any) -> Any:
        """What changes when `array` is written into."""
        if type(array) is not TorchBackend.box_type:
            return version_of(array)
        if array.alias is not None:
            array.alias.refresh(array)
        return array.tracer, array.index

    @staticmethod
    def convert(apply: Any, x: Any, y: Any) -> Any:
        """`apply` with those of its two arguments that are no operands as plain tensors."""
        args: list[Any] = []
        for arg in (x, y):
            if type(arg) in TorchBackend.operands:
                args.append(arg)
            elif isinstance(arg, torch.Tensor):
                args.append(plain(arg))
            elif isinstance(arg, np.generic):
                args.append(arg.item())
            elif isinstance(arg, (float, int, complex)):
                args.append(arg)
            else:
                check_one_library(called(apply), TorchBackend, (arg,))
                return NotImplemented
        return apply(*args)

    @staticmethod
    def refusal(value: Any) -> str | None:
        """Why `value` cannot be a leaf, or None where it can."""
        if isinstance(value, (torch.Tensor, bool, int, float, complex)):
            return None
        return refusal(TorchBackend, value)

    @staticmethod
    def differentiable(value: Any) -> bool:
        """Is this leaf of a floating-point or complex dtype?"""
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            return isinstance(value, (float, complex))
        return dtype.is_floating_point or dtype.is_complex

    def enter(self, value: Any, trace: Any) -> Any:
        """A primal as a transform holds it.

        It is not copied until it is written into (see `frontends/torch/mutation.py`), and checked
        for writes by others before a walk back.
        """
        if not isinstance(value, torch.Tensor):
            return torch.tensor(value, device=self.device)
        if type(value) not in self.operands:
            value = plain(value)
        if not hasattr(trace, "kept") or value.is_inference():
            return value.clone()
        trace.kept[id(value)] = (value, self.fingerprint(value))
        return value

    def cast(self, value: Any, dtype: Any) -> Any:
        """A number or tensor as a tensor of `dtype`."""
        if isinstance(value, torch.Tensor):
            return value.to(dtype)
        return torch.tensor(value, dtype=dtype, device=self.device)

    @staticmethod
    def computed(value: Any) -> Any:
        """A raw tensor's values as a NumPy array, for a solver that is not followed."""
        if torch.is_grad_enabled() and value.requires_grad:
            raise ConversionError(
                "the derivative of a solver's result is not attached to torch's own graph: pass "
                "primals, and capture tensors, that do not require grad (x.detach()), and nest "
                "pullback's transforms"
            )
        return value.detach().cpu().resolve_conj().resolve_neg().numpy()

    @staticmethod
    def like(array: Any, value: Any) -> Any:
        """An array of NumPy's as a tensor, on the device of `value`."""
        return torch.as_tensor(array, device=value.device)

    @staticmethod
    def aval(value: Any) -> tuple[tuple[int, ...], Any]:
        """Shape and dtype."""
        if isinstance(value, torch.Tensor):
            return value.shape, value.dtype
        return (), torch.tensor(value).dtype

    @staticmethod
    def copy(value: Any) -> Any:
        """`value` in memory of its own; a number, which nothing can change, as it is."""
        return value.clone() if isinstance(value, torch.Tensor) else value

    @staticmethod
    def copy_examples(value: Any) -> Any:
        """A copy of a batch, with the examples on the first axis."""
        return TorchBackend.copy(value)

    @staticmethod
    def copy_like(cotangent: Any, like: Any) -> Any:
        """A copy of `cotangent` whose memory is laid out as that of `like`, to take views of."""
        if type(cotangent) is TorchBackend.box_type:
            return cotangent.clone()
        like = core.detached(like)
        copy = torch.empty_like(like, dtype=cotangent.dtype)
        return copy.copy_(cotangent)

    @staticmethod
    def is_view(out: Any, value: Any) -> bool:
        """Does `out`, computed from `value`, share its memory?"""
        if type(out) is TorchBackend.box_type:
            while out is not value and out.alias is not None:
                out = out.alias.base
            return out is value
        return type(value) is torch.Tensor and type(out) is torch.Tensor and shares(out, value)

    @staticmethod
    def last_writes(index: Any, shape: tuple[int, ...]) -> Any:
        """Which of the elements written by `x[index] = v` stay, where `index` repeats; or None."""
        parts = index if type(index) is tuple else (index,)
        tensors = [part for part in parts if isinstance(part, torch.Tensor)]
        if all(part.dtype is torch.bool for part in tensors):
            return None
        winner = torch.empty(shape, dtype=torch.long, device=tensors[0].device)
        order = torch.arange(winner[index].numel(), device=winner.device)
        order = order.reshape(winner[index].shape)
        winner[index] = order
        last = winner[index] == order
        return None if last.all() else last

    @staticmethod
    def has_values(_: Any) -> bool:
        """Can the values of a tensor be looked at?"""
        return True

    @staticmethod
    def is_number(value: Any) -> bool:
        """Whether `+=` makes a new value of it: a 0-d tensor is written into."""
        return not isinstance(value, torch.Tensor)

    @staticmethod
    def is_complex(dtype: Any) -> bool:
        return dtype.is_complex

    @staticmethod
    def conjugate(value: Any) -> Any:
        """The conjugate of a tensor or number."""
        return value.conj() if isinstance(value, torch.Tensor) else value.conjugate()

    @staticmethod
    def has_zeros(cotangent: Any) -> bool:
        """Is any element exactly zero?"""
        cotangent = core.raw(cotangent)
        return transformed(cotangent) or int(cotangent.count_nonzero()) != cotangent.numel()

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return torch.zeros(shape, dtype=dtype, device=self.device)

    def units(self, rows: int, size: int, first: int, dtype: Any) -> Any:
        """A matrix whose rows are unit vectors: the one numbered `first`, and those after it."""
        places = torch.arange(size, device=self.device)
        numbers = torch.arange(first, first + rows, device=self.device)
        return (numbers[:, None] == places).to(dtype)

    @staticmethod
    def keep_zeros(product: Any, cotangent: Any) -> Any:
        """`product`, but zero wherever `cotangent` is: a branch not taken contributes nothing."""
        raw = core.raw(product)
        if not transformed(raw) and not raw.isnan().any():
            return product
        return torch.where(cotangent == 0, 0, product)

    @staticmethod
    def quiet() -> Any:
        """A division by zero brings no warning."""
        return contextlib.nullcontext()

    @staticmethod
    def own(value: Any, held: int = 0) -> Any:
        """`value` for a caller: writable, and sharing memory with nothing.

        Outside torch's grad mode it is also detached from torch's own graph.
        """
        if type(value) is TorchBackend.box_type:
            return value.clone() if value.alias is not None else value
        if not isinstance(value, torch.Tensor):
            return value
        if sys.getrefcount(value) > _FRESH + held or _users(value) > 1:
            value = value.clone()
        if value.requires_grad and not torch.is_grad_enabled():
            value = value.detach()
        return value

    @staticmethod
    def outside() -> Any:
        """Entered while code that is none of the program's runs: torch's makers are torch's own."""
        return TorchBackend.interception.outside()

    @staticmethod
    def inside(_: Any) -> Any:
        """Entered while rules run on the boxes of a trace that runs no program."""
        return contextlib.nullcontext()

    @staticmethod
    def start(function: Any, trace: Any) -> Any:
        """Begin to run a function: in torch's grad mode, whatever the mode outside.

        Where that is off, the transforms around this one are switched off instead.
        """
        enabled, modes = torch.is_grad_enabled(), None
        if not enabled:
            modes = contextlib.ExitStack()
            if torch.is_inference_mode_enabled():
                modes.enter_context(torch.inference_mode(mode=False))
            modes.enter_context(core.Pause()).level = trace.level - 1
            torch._C._set_grad_enabled(True)  # noqa: FBT003
        intercepted = TorchBackend.interception.start(function)
        # torch.compile leaves alone what runs here.
        compiler = torch._C._dynamo.eval_frame.set_eval_frame(None)
        return enabled, modes, _handed_out.set([]), intercepted, compiler, trace

    @staticmethod
    def stop(token: Any) -> None:
        """End what `start` began."""
        enabled, modes, handed_out, intercepted, compiler, trace = token
        torch._C._dynamo.eval_frame.set_eval_frame(compiler)
        TorchBackend.interception.stop(intercepted)
        torch._C._set_grad_enabled(enabled)
        if modes is not None:
            modes.close()
        copies = _handed_out.get()
        _handed_out.reset(handed_out)
        if not copies or sys.exc_info()[0] is not None:
            return
        if any(version_of(copy) != version for copy, version in copies):
            raise ConversionError(
                f"pullback.{trace.name}: a view that was made of a traced tensor under no_grad was "
                "written into, which pullback does not follow: write x[index] = value"
            )


def plain(value: Any) -> Any:
    """A Parameter, or another subclass, as a tensor that shares its memory and its gradient."""
    return value.as_subclass(torch.Tensor)


def shares(out: Any, value: Any) -> bool:
    """Do these two tensors share memory?"""
    return out is value or torch._C._is_alias_of(out, value)


def _users(value: Any) -> int:
    """How many tensors (and other things) refer to the memory of `value`."""
    if value.layout is not torch.strided:
        return 1
    if transformed(value):
        return 2  # nobody can tell
    return torch._C._storage_Use_Count(value.untyped_storage()._cdata) - _UNSHARED


_UNSHARED = 0
_UNSHARED = _users(torch.empty(1)) - 1


def _count_of_a_fresh_tensor() -> int:
    fresh = torch.empty(1)

    def own(value: Any) -> int:
        return sys.getrefcount(value)

    return own(fresh)


_FRESH = _count_of_a_fresh_tensor()


def _direct(primitive: Any, impl: Any) -> Any:
    """`primitive`, without a search for a transform where its one argument is a raw tensor."""

    def apply(*args: Any, **params: Any) -> Any:
        if len(args) == 1 and type(args[0]) is torch.Tensor:
            return impl(*args, **params)
        return primitive(*args, **params)

    return apply


# What rules call: the primitives, which dispatch on boxes, and functions of torch's, which do too.
functions: dict[str, Any] = dict(implementations)
functions |= {
    name: _direct(primitive, implementations[name]) if name in implementations else primitive
    for name, primitive in registry.items()
    if not hasattr(np, name)
}
functions |= native_registry
functions |= HELPERS
implementations.xp = SimpleNamespace(**functions)  # for what is of any device


@functools.cache
def backend_of_device(device: torch.device) -> TorchBackend:
    """The backend for the tensors of `device`."""
    return TorchBackend(device, functions)


def backend_for(leaf: Any) -> TorchBackend:
    """The backend that a tensor belongs to."""
    return _CPU if leaf.is_cpu else backend_of_device(leaf.device)


_CPU = backend_of_device(torch.device("cpu"))
