"""NumPy's signatures: reading by brackets."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...backends.libraries import check_index
from ...core import current, detached, is_batched, new_box, open_pauses
from ...mutate import View, boxes_of
from ...ops import index as ops
from ...ops import shape as shape_ops
from ...ops.lift import is_array, with_operands
from .batched import example, refusal
from .box import ArrayBox, backend, define
from .dispatch import is_box
from .layout import laid_out_as

_READ = ops.getitem.rules[0].step


def _getitem(self: Any, index: Any) -> Any:
    """What `bind` and `process` do for this one rule, in a third of the time."""
    if type(index) is not int:
        index = static_index(index)
        if boxes_of(index):
            return read(self, index)
    trace, value = self.tracer, self.value
    if not trace.recording or open_pauses or type(value) is not np.ndarray:
        trace, value = current(self), self.value
    if trace is None or type(value) is not np.ndarray or not value.shape:
        return read(self, index)
    out = value[index]
    dtype = out.dtype
    if dtype is not backend.float64:
        trace.note(dtype)
    place = trace.next_index()
    edge = (self.index, _READ, (backend.xp, value.shape, index))
    trace.tape[place] = ((edge,), out.shape, dtype)
    box = new_box(ArrayBox, trace, out, place)
    if type(out) is np.ndarray and backend.is_view(out, value):
        box.alias = View(self, ops.getitem, {"index": index})
    return box


def read(x: Any, index: Any) -> Any:
    """`x[index]`, for a static index or one with batched arrays in it."""
    if boxes_of(index):
        template, operands = with_operands(index)
        return _as_read(ops.gather(x, *operands, index=template), x, index)
    if x.ndim:
        return _as_read(ops.getitem(x, index=index), x, index)
    # The cotangent of a number cannot be added into: read from an array of one element.
    parts = index if type(index) is tuple else (index,)
    if any(isinstance(part, (int, slice)) and not isinstance(part, bool) for part in parts):
        raise IndexError("invalid index to scalar variable or 0-dimensional array")
    return ops.getitem(shape_ops.reshape(x, shape=(1,)), index=(0, *parts))


def _as_read(out: Any, x: Any, index: Any) -> Any:
    """`out`, which is `x[index]`: each example in the order of memory that it has alone."""
    if not is_batched(out) or out.ndim < 2:
        return out
    parts = index if type(index) is tuple else (index,)
    if not any(map(is_array, parts)):
        return out  # a view
    return laid_out_as(out, example(x)[tuple(map(example, parts))])


def unindex_at(x: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of `shape` with `x` added at `index`, which may be a batched array."""
    if not boxes_of(index):
        return ops.unindex(x, shape=shape, index=index)
    template, operands = with_operands(index)
    return ops.scatter(x, *operands, shape=shape, index=template)


def static_index(index: Any) -> Any:
    """`index` as the tape keeps it: nothing in it is the caller's to change."""
    return tuple(map(_static_part, index)) if isinstance(index, tuple) else _static_part(index)


_AS_THEY_ARE = {int, slice, type(None), type(...), bool, np.bool_}


def _static_part(part: Any) -> Any:
    if type(part) in _AS_THEY_ARE:
        return part
    if is_box(part) and part.dtype.kind in "iub":
        part = detached(part)
        if is_batched(part) and part.dtype.kind == "b":
            raise refusal("x[mask] with a batched mask", "Write np.where(mask, x, 0)")
        if is_batched(part):
            return part.copy()
    if is_box(part):
        raise IndexError(
            "a traced array cannot be an index: indices are integers or booleans, which have no "
            "derivative. np.argmax, np.argsort and comparisons give plain arrays; for another "
            "value write x[pullback.stop_gradient(i).astype(int)]"
        )
    if not isinstance(part, (np.ndarray, list, tuple)):
        check_index(backend, part)
        return operator.index(part) if hasattr(type(part), "__index__") else part
    array = np.array(part)
    if not array.size and isinstance(part, (list, tuple)):
        return array.astype(np.intp)
    if not array.ndim and array.dtype.kind in "iu":
        return int(array)
    return array


define("__getitem__", _getitem)
