"""The box that code written to the standard sees: its attributes, operators and methods."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from ...backends.array_api import ArrayApiBackend
from ...core import Box, box_types, raw
from ...errors import ConversionError
from ..traced import Traced
from .dispatch import functions
from .namespace import namespace_for


class StandardMethods(Traced):
    """What every traced array of a library that follows the standard has."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __array_ufunc__ = None  # NumPy's operators leave it to ours

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        return namespace_for(self.tracer.backend, api_version)

    @property
    def device(self) -> Any:
        return self.tracer.backend.device_of(raw(self))

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:  # noqa: ARG002
        """Itself on the device where it is; a move is not followed."""
        if device == self.device:
            return self
        raise ConversionError(
            f"to_device({device!r}) of a value traced by pullback.{self.tracer.name} is not "
            "followed: move the primals before the transform"
        )

    @property
    def T(self) -> Any:
        if self.ndim != 2:
            raise ValueError("x.T requires x to have 2 dimensions. Use x.mT for stacks of matrices")
        return functions["matrix_transpose"](self)

    @property
    def mT(self) -> Any:
        return functions["matrix_transpose"](self)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over an array of no dimensions")
        array: Any = self
        return (array[i, ...] for i in range(self.shape[0]))

    def __str__(self) -> str:
        return str(raw(self))

    def __format__(self, spec: str) -> str:
        return format(self._constant(f"formatting as {spec!r}"), spec) if spec else str(self)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: Any = None,
        dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:
        options = {"max_version": max_version, "dl_device": dl_device, "copy": copy}
        return self._constant("export by dlpack").__dlpack__(stream=stream, **options)

    def __dlpack_device__(self) -> Any:
        return raw(self).__dlpack_device__()


def method(name: str, function: Callable[..., Any]) -> None:
    """Give the boxes a method or property."""
    setattr(StandardMethods, name, function)


class StandardBox(StandardMethods, Box):
    """A traced array of a library whose operators give way to those of a box."""

    __slots__ = ()


class _Stranger:
    """An operand that no library knows; its operators are to be asked."""

    __array_priority__ = StandardMethods.__array_priority__
    __array_ufunc__ = None

    def __radd__(self, other: Any) -> Any:
        return self


def box_type_for(array: Any) -> Any:
    """The class of the boxes of arrays like this one.

    An operator whose left operand raises, where it should give way, is asked second if the right
    one is of a derived class: so the box of such arrays is derived from theirs.
    """
    stranger: Any = _Stranger()
    try:
        if array + stranger is stranger:
            return StandardBox
    except TypeError:
        pass
    return _derived(type(array))


@functools.cache
def _derived(array_type: type) -> type:
    def refuse(self: Any) -> Any:
        raise ConversionError(
            f"a value traced by pullback.{self.tracer.name} was given to a function of "
            f"{array_type.__module__.split('.')[0]} itself, which cannot follow it: call the "
            "function of that name in the namespace that x.__array_namespace__() gives"
        )

    def make(cls: Any) -> Any:
        return object.__new__(cls)

    theirs = [slot for slot in getattr(array_type, "__slots__", ()) if slot[:2] != "__"]
    slots = tuple(slot for slot in Box.__slots__ if not hasattr(array_type, slot))
    hidden = {slot: property(refuse) for slot in theirs}
    body = {"__slots__": slots, "__new__": make, "__module__": __name__, **hidden}
    derived = type("StandardBox", (StandardMethods, array_type), body)
    box_types.add(derived)
    return derived


box_types.add(StandardBox)
ArrayApiBackend.box_type = StandardBox
