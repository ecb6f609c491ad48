"""NumPy: the canonical functions, each in its fastest spelling.

Rules and ops call these through `xp`.  Most are NumPy's own.  Where a public function spends more
time on its arguments than on a small array, or where NumPy has no such function, the family's
file in this folder has one, and it takes precedence.
"""

from __future__ import annotations

import contextlib
import math
import sys
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from ...core import detached, is_batched, is_buffer, memory_of, raw
from ...mutate import boxes_of, writable
from .. import degenerate
from ..libraries import called, gives_way, refusal
from . import contract, elementwise, fft, index, linalg, reduce, shape, special
from .index import compact, places

# What rules call.  `ops/declare.py` adds the primitives that have no NumPy name, so that they
# dispatch on boxes as NumPy's functions do.
xp: Any = SimpleNamespace(**{k: v for k, v in vars(np).items() if not k.startswith("_")})


def _functions_of(module: ModuleType) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


vars(xp).update(degenerate.functions(linalg.Standard))
for _family in (elementwise, reduce, shape, index, contract, linalg, fft, special):
    vars(xp).update(_functions_of(_family))
xp.one_half = elementwise.one_half


class NumpyBackend:
    """What the transforms ask of an array library, answered for NumPy."""

    name = "numpy"
    xp = xp
    adopts: Any = None  # makes arrays of NumPy's beside this library's into arrays of it
    aligned: Any = None  # gives a cotangent the layout of its primal, which `layout` tells
    call_with_rule: Any = None  # a call that has a user's rule, where the library's transforms run
    takes: ClassVar[tuple[type, ...]] = ()  # of other libraries' arrays, those that it reads
    converts = "np.asarray(x)"  # what makes its array of another library's
    following = None  # NumPy has no mode that makes what is computed constants
    in_place = True  # a write changes the array itself
    lends = True  # without a copy before the first write, as a plain array's buffer
    array_type = np.ndarray
    float64 = np.dtype(np.float64)
    # Set by the frontend: its box, and what makes an array of anything.
    box_type: Any = None
    as_array: Any = None
    # And what it does while a transform runs a program's function (`intercept.py`).
    start: Any = None
    stop: Any = None
    outside: Any = None
    # What an op takes as it is; anything else (a list, a foreign array) is converted.
    operands: ClassVar[set[type]] = {np.ndarray, float, int, complex, bool, *np.sctypeDict.values()}

    @staticmethod
    def copies(array: Any) -> bool:
        """Does the tape copy this plain array? Larger ones are fingerprinted."""
        return array.nbytes <= _COPIED_BYTES

    @staticmethod
    def implementation(primitive: Any) -> Any:
        """What runs `primitive` on raw arrays."""
        return primitive.impl

    @staticmethod
    def fingerprint(array: Any) -> Any:
        """What any change of an element changes: sums of its bits, over columns of a prime length.

        It reads the array once. None for an array whose memory has gaps, or whose elements are no
        whole words: it is to be copied.
        """
        flags = array.flags
        if not (flags.c_contiguous or flags.f_contiguous) or array.nbytes % 8:
            return None
        words = array.reshape(-1, order="A").view(np.uint64)
        whole = words.size - words.size % _COLUMNS
        sums = np.add.reduce(words[:whole].reshape(-1, _COLUMNS), axis=0)
        return sums.tobytes() + words[whole:].tobytes()

    @staticmethod
    def convert(apply: Any, x: Any, y: Any) -> Any:
        """`apply` with those of its two arguments that are no operands as arrays."""
        operands = NumpyBackend.operands
        if gives_way(called(apply), NumpyBackend, (x, y)):
            return NotImplemented
        if any(getattr(type(arg), "__array_ufunc__", True) is None for arg in (x, y)):
            return NotImplemented
        args = [arg if type(arg) in operands else NumpyBackend.as_array(arg) for arg in (x, y)]
        for given, arg in zip((x, y), args, strict=True):
            if getattr(getattr(arg, "dtype", None), "kind", "") == "O":
                raise TypeError(
                    f"a traced array was combined with a {type(given).__name__}, which is no "
                    "number or array of numbers to NumPy; convert it, with float() or np.array"
                )
        return apply(*args)

    @staticmethod
    def refusal(value: Any) -> str | None:
        """Why `value` cannot be a leaf, or None where it can."""
        if type(value) is np.ndarray or isinstance(value, np.generic):
            if value.dtype.kind in "fciub":
                return None
            return f"got an array of dtype {value.dtype}, expected numbers"
        if isinstance(value, np.ndarray):
            return (
                f"got {type(value).__module__}.{type(value).__name__}, a subclass of ndarray "
                "whose own behaviour would be lost; pass np.asarray(it)"
            )
        if isinstance(value, (bool, int, float, complex)):
            return None
        return refusal(NumpyBackend, value)

    @staticmethod
    def differentiable(value: Any) -> bool:
        """Is this leaf of a floating-point or complex dtype?"""
        dtype = getattr(value, "dtype", None)
        return isinstance(value, (float, complex)) if dtype is None else dtype.kind in "fc"

    @staticmethod
    def enter(value: Any, trace: Any = None) -> Any:  # noqa: ARG004
        """A primal as a transform holds it.

        Arrays are copied: later changes by the caller cannot reach the tape, nor writes the caller.
        """
        if isinstance(value, (float, complex)):
            return np.asarray(value)[()]
        if type(value) is NumpyBackend.box_type and value.tracer.level == 0:
            value = value.value  # the copy is nobody else's
        return NumpyBackend.copy(value)

    @staticmethod
    def cast(value: Any, dtype: Any) -> Any:
        """A number or array as an array (or NumPy scalar) of `dtype`, never the same memory."""
        return np.array(value, dtype=dtype)[()]

    @staticmethod
    def computed(value: Any) -> Any:
        """A raw array, or a number, as an array for a solver that is not followed."""
        return np.asarray(value)

    @staticmethod
    def like(array: Any, value: Any) -> Any:  # noqa: ARG004 (where it is to lie, in others)
        """An array of NumPy's as one of the library's, beside the array `value`."""
        return array[()]

    @staticmethod
    def aval(value: Any) -> tuple[tuple[int, ...], Any]:
        """Shape and dtype."""
        if hasattr(value, "dtype"):
            return value.shape, value.dtype
        return (), np.result_type(type(value))

    @staticmethod
    def copy(value: Any) -> Any:
        """`value` in memory of its own; a number, which nothing can change, as it is."""
        if type(value) is np.ndarray:
            return value.copy("K")  # in its own layout, which order="K" and "A" can see
        box_type = NumpyBackend.box_type
        raw = value
        while type(raw) is box_type:
            raw = raw.value
        return value.copy() if type(value) is box_type and type(raw) is np.ndarray else value

    @staticmethod
    def copy_examples(value: Any) -> Any:
        """A copy in which every example, on the first axis, lies as in a copy of it alone.

        What is a view of an example and what a copy, such as its `reshape(-1)`, depends on that.
        """
        if is_buffer(value):
            value = value.value
        strides = raw(value).strides[raw(value).ndim - value.ndim :]
        axes = (0, *sorted(range(1, value.ndim), key=lambda axis: -abs(strides[axis])))
        if axes == tuple(range(value.ndim)):
            return value.copy()
        return value.transpose(axes).copy().transpose(tuple(map(axes.index, range(value.ndim))))

    @staticmethod
    def copy_like(cotangent: Any, like: Any) -> Any:
        """A copy of `cotangent` whose memory is laid out as that of `like`, to take views of.

        Where `like` has a batch axis, so has the copy, whether or not `cotangent` has.
        """
        if is_buffer(cotangent):
            cotangent = cotangent.value
        if type(cotangent) is NumpyBackend.box_type and not is_batched(like):
            return np.copy(cotangent, order=_memory_order(raw(like)))
        like = detached(like)
        copy = _empty_like(like, getattr(cotangent, "dtype", None))
        copy[...] = cotangent
        return copy

    @staticmethod
    def has_values(_: Any) -> bool:
        """Can the values of an array be looked at?"""
        return True

    @staticmethod
    def is_number(value: Any) -> bool:
        """Is this an immutable scalar, of which `+=` makes a new one?"""
        while type(value) is NumpyBackend.box_type:
            if value.tracer.lead:
                return not value.index
            value = value.value
        return type(value) is not np.ndarray

    @staticmethod
    def is_view(out: Any, value: Any) -> bool:
        """Does `out`, computed from `value`, share its memory?"""
        if type(out) is NumpyBackend.box_type:
            while out is not value and out.alias is not None:
                out = out.alias.base
            return out is value
        if type(out) is not np.ndarray or type(value) is not np.ndarray:
            return False
        return out is value or (out.base is not None and memory_of(out) is memory_of(value))

    @staticmethod
    def last_writes(index: Any, shape: tuple[int, ...]) -> Any:
        """Which of the elements written by `x[index] = v` stay, where `index` repeats; or None.

        As in NumPy, the last write to an element wins.
        """
        parts = index if type(index) is tuple else (index,)
        if not any(isinstance(part, np.ndarray) and part.dtype != bool for part in parts):
            return None
        if boxes_of(index):
            winner = writable(np.empty(shape, np.intp), 0, index)
            order = np.arange(winner[index].size).reshape(winner[index].shape)
            winner[index] = order
            last = winner[index] == order
            return None if raw(last).all() else last
        size = math.prod(shape)
        flat = places(shape, index)
        written = flat.shape
        names, flat = compact(flat.reshape(-1), size)
        order = np.arange(flat.size)
        winner = np.empty(size if names is None else names.size, np.intp)
        winner[flat] = order
        last = winner[flat] == order
        return None if last.all() else last.reshape(written)

    @staticmethod
    def is_complex(dtype: Any) -> bool:
        return dtype.kind == "c"

    @staticmethod
    def conjugate(value: Any) -> Any:
        """The conjugate of an array or number."""
        return value.conjugate()

    @staticmethod
    def has_zeros(cotangent: Any) -> bool:
        """Is any element exactly zero?"""
        while type(cotangent) is NumpyBackend.box_type:
            cotangent = cotangent.value
        if cotangent.size > _SMALL:
            return not cotangent.all()
        return np.count_nonzero(cotangent) < cotangent.size  # at a quarter of the fixed cost

    @staticmethod
    def zeros(shape: tuple[int, ...], dtype: Any) -> Any:
        return np.zeros(shape, dtype)[()]

    @staticmethod
    def inside(_: Any) -> Any:
        """Entered while rules run on the boxes of a trace that runs no program."""
        return contextlib.nullcontext()

    @staticmethod
    def units(rows: int, size: int, first: int, dtype: Any) -> Any:
        """A matrix whose rows are unit vectors: the one numbered `first`, and those after it."""
        return np.eye(rows, size, first, dtype)

    @staticmethod
    def keep_zeros(product: Any, cotangent: Any) -> Any:
        """`product`, but zero wherever `cotangent` is: a branch not taken contributes nothing."""
        raw = product
        while type(raw) is NumpyBackend.box_type:
            raw = raw.value
        flat = raw.ravel()
        total = flat.dot(flat)
        return np.where(cotangent == 0, 0, product) if math.isnan(abs(total)) else product

    @staticmethod
    def quiet() -> Any:
        """Rules divide by zero where the mathematics does: no warning from a walk back."""
        return np.errstate(all="ignore")

    @staticmethod
    def own(value: Any, held: int = 0) -> Any:
        """`value` for a caller: writable, and sharing memory with nothing.

        It is copied only where it would: a view, or an array that something refers to beside the
        caller's local variable and the `held` places that the caller knows of.
        """
        if is_buffer(value):
            value = value.value
        if type(value) is np.ndarray:
            shared = value.base is not None or not value.flags.writeable
        elif type(value) is NumpyBackend.box_type:
            shared = value.alias is not None
        else:
            return value
        if shared or _references(value) > _FRESH + held:
            return NumpyBackend.copy(value)
        return value


def _memory_order(array: Any) -> Any:
    """Its axes, counted from the end, from the slowest to the fastest."""
    return tuple(sorted(range(-array.ndim, 0), key=lambda axis: -abs(array.strides[axis])))


_COPIED_BYTES = 1 << 16
_SMALL = 1000
# A prime: what moves by whole rows or columns of an array moves to another column here.
_COLUMNS = 1021


def _empty_like(value: Any, dtype: Any) -> Any:
    """`np.empty_like`, with the batch axes of a constant `value`."""
    if type(value) is NumpyBackend.box_type:
        return value.tracer.box(_empty_like(value.value, dtype), 1)
    return np.empty_like(value, dtype)


def _references(value: Any) -> int:
    return sys.getrefcount(value)


def _count_of_a_fresh_array() -> int:
    """The count that `own` sees for an array that only its caller's local variable refers to."""
    fresh = np.empty(1)

    def own(value: Any) -> int:
        return _references(value)

    return own(fresh)


_FRESH = _count_of_a_fresh_array()
backend = NumpyBackend()
