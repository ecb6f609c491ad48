"""What a traced array says of itself in every library: its form, and that it is no constant.

A box that shows one library's arrays derives from `Traced` what is the same for all.  Reading a
value for a branch is allowed, losing a derivative is not: `_constant` says of which boxes the plain
value may be handed out.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from ..backends.libraries import numpys_refused
from ..callers import where
from ..core import box_types, is_batched, paused, raw
from ..errors import BatchingError, ConversionError


class Conversions:
    """The ways from a box to plain values."""

    __slots__ = ()
    alias: Any
    index: int
    tangent: Any
    tracer: Any
    value: Any
    advice = "the functions of x.__array_namespace__()"  # what an error tells to use
    choice = "xp.where(condition, x, y)"
    constants = "pullback.stop_gradient(x)"  # how a program writes a constant

    def _constant(self, how: str) -> Any:
        """The raw array, or an error if its derivative would be lost."""
        if self.alias is not None:
            self.alias.refresh(self)
        value = paused(self)
        if is_batched(value) or (type(value) in box_types and value.tracer.level):
            raise self._lost(how)
        return raw(value)

    def _lost(self, how: str) -> ConversionError:
        return ConversionError(
            f"{how} of a value traced by pullback.{self.tracer.name} would lose its derivative, at "
            f"{where()}. Use the value itself and {self.advice}; for a constant write "
            f"{self.constants}."
        )

    def _one_value(self, how: str) -> Any:
        """The raw array, or an error where there is one an example."""
        if is_batched(self):
            raise BatchingError(
                f"pullback.vmap: {how} of a batched value at {where()}: under vmap the value is "
                f"another for each example. Write {self.choice} for a branch, or run the function "
                "example by example, with vmap(..., fallback='loop')."
            )
        return raw(self)

    def __bool__(self) -> bool:
        return bool(self._one_value("bool()"))

    def __float__(self) -> float:
        return float(self._constant("float()"))

    def __int__(self) -> int:
        return int(self._constant("int()"))

    def __complex__(self) -> complex:
        return complex(self._constant("complex()"))

    def __index__(self) -> int:
        return operator.index(self._constant("use as an index"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self.tracer.backend.host(self._constant("conversion to a NumPy array"))
        return array if dtype is None else array.astype(dtype)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """As NumPy does where there is no such method, but for what an error says."""
        try:
            return function._implementation(*args, **kwargs)  # noqa: SLF001
        except ConversionError as error:
            raise numpys_refused(function, self) from error

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise ConversionError(
            f"a value traced by pullback.{self.tracer.name} cannot be pickled; return it from the "
            f"function, or send {self.constants}"
        )


class Traced(Conversions):
    """And the form of what it stands for: under `vmap`, that of one example."""

    __slots__ = ()

    @property
    def shape(self) -> Any:
        return self.value.shape[self.tracer.lead :]

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def ndim(self) -> int:
        return self.value.ndim - self.tracer.lead

    @property
    def size(self) -> int:
        return math.prod(self.shape) if self.tracer.lead else self.value.size

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        if not self.tracer.level:
            return repr(self.value)
        return f"Traced<{self.tracer.name}, level {self.tracer.level}>({raw(self)!r})"

    __hash__: Any = None
