"""Writes: the box moves on to a new array, in which a part is another; no array is changed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backends.libraries import check_one_library
from ...core import box_types, check_write, is_batched, paused
from ...errors import UnsupportedError
from . import alias
from .box import method
from .index import static_index


def setitem(self: Any, key: Any, value: Any, /) -> None:
    check_write(self)
    backend = self.tracer.backend
    backend.check_mutable("x[i] = v")
    check_one_library("x[i] = v", backend, [value])
    index = static_index(key, backend)
    if self.alias is not None:
        if alias.completes(self, index, value):
            self.alias.seen = self.alias.group.writes
        self.alias.refresh(self)
    if any(map(is_batched, index if type(index) is tuple else (index,))):
        raise UnsupportedError(
            "x[i] = v at batched positions is not followed here: write xp.where(mask, v, x)"
        )
    part = np.broadcast_to(np.int8(0), self.shape)[index].shape
    if hasattr(value, "dtype"):
        value = _fitted(backend, paused(value), part, self.dtype)
    move(self, backend.written(_now(self), index, value))


def _now(box: Any) -> Any:
    """What `box` stands for before it moves on."""
    return box.tracer.backend.copy(box)


def _fitted(backend: Any, value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    xp = backend.xp
    if value.dtype != dtype:
        if backend.is_complex(value.dtype) and not backend.is_complex(dtype):
            raise TypeError(f"cannot write values of dtype {value.dtype} into an array of {dtype}")
        value = xp.astype(value, dtype)
    return value if tuple(value.shape) == shape else xp.broadcast_to(value, shape)


def move(box: Any, anew: Any) -> None:
    """Let `box` be what `anew` is."""
    if type(anew) not in box_types:
        box.value = anew
    else:
        box.tracer, box.value, box.index = anew.tracer, anew.value, anew.index
        if hasattr(anew, "tangent"):
            box.tangent = anew.tangent
    alias.wrote(box)


def _in_place(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method_(self: Any, other: Any, /) -> Any:
        backend = self.tracer.backend
        if not backend.mutable:
            return operate(self, other)
        check_write(self)
        result = operate(_now(self), other)
        if tuple(result.shape) != self.shape or result.dtype != self.dtype:
            raise TypeError(
                f"an in-place operator would change an array of shape {self.shape} and dtype "
                f"{self.dtype} to shape {tuple(result.shape)} and dtype {result.dtype}; write "
                "x = x + y"
            )
        move(self, result)
        return self

    return method_


for _name in "add and floordiv lshift matmul mod mul or pow rshift sub truediv xor".split():
    _dunder = f"__{_name}__" if _name in ("and", "or") else _name
    method(f"__i{_name}__", _in_place(getattr(operator, _dunder)))
method("__setitem__", setitem)
