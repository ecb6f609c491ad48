"""NumPy's signatures: indexing, selection and sorting."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...backends.libraries import check_index
from ...core import current, detached, is_batched, new_box, open_pauses, raw
from ...errors import UnsupportedError
from ...mutate import View, boxes_of
from ...ops import index as ops
from ...ops import reduce as reductions
from ...ops import shape as shape_ops
from ...ops.declare import registry
from ...ops.lift import is_array, with_operands
from ...ops.shape import along
from .batched import agreed, example, form, one_value, refusal
from .box import ArrayBox, backend, define, method
from .buffers import buffers
from .dispatch import (
    as_array,
    constant,
    implements,
    is_box,
    name_of,
    normalize_axis,
    of_form,
    plain,
    refuse,
)
from .layout import laid_out_as
from .shape import as_operand

# Reading by brackets


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


def refuse_overlap(what: str, target: Any, value: Any) -> None:
    """Raise for values that NumPy's writes would change before they are read."""
    values = raw(value)
    if type(values) is not np.ndarray or values.size < 2 or not is_box(value):
        return
    if value.tracer.level and np.may_share_memory(values, raw(target)):
        raise UnsupportedError(
            f"{what}: v shares memory with the array that it is written into, and here NumPy's "
            "result depends on the order in which it writes. Assign a copy: v.copy()."
        )


class Flat:
    """`x.flat` of a traced array: its elements in C order."""

    __slots__ = ("base",)

    def __init__(self, base: Any) -> None:
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        flat = self.base.reshape(-1)
        return (flat[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        part = self.base.reshape(-1)[index]
        return part.copy() if isinstance(part, np.ndarray) and part.ndim else part

    def __setitem__(self, index: Any, value: Any) -> None:
        refuse_overlap("x.flat[i] = v", self.base, value)
        np.put(self.base, np.arange(len(self))[index], value)

    def copy(self) -> Any:
        """The elements as an array of one axis."""
        return self.base.flatten()


def _write_flat(self: Any, value: Any) -> None:
    Flat(self)[:] = value


define("flat", property(Flat, _write_flat, doc="The elements in C order, to read and to write."))


# Reading by position


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    refuse(np.take, out=out)
    a = as_array(a)
    if axis is None or not a.ndim:
        a = a.reshape(-1)
        axis = -1
    axis = normalize_axis(axis, a.ndim)
    indices = _in_range(_positions(np.take, indices), a.shape[axis], mode)
    return _number(read(a, along(axis, indices)))


def _number(x: Any) -> Any:
    """A result of no dimensions as NumPy's functions return it: a number, not an array."""
    return x if x.ndim else x[()]


def _positions(function: Any, indices: Any) -> Any:
    """Integers of our own: booleans are 0 and 1 here, not a mask."""
    if is_box(indices):
        indices = _whole(function, indices)
    elif isinstance(indices, (list, tuple)) and not np.size(indices):
        return np.empty(np.shape(indices), np.intp)
    return as_array(indices).astype(np.intp, casting="same_kind")


def _whole(function: Any, indices: Any) -> Any:
    """Traced indices, which have no derivative: those that are integers or booleans."""
    if indices.dtype.kind not in "iub":
        raise TypeError(
            f"{name_of(function)}: the indices are traced, but they have no derivative. Use the "
            "integers that np.argmax, np.argsort and the like give, or "
            "pullback.stop_gradient(i).astype(int)."
        )
    return detached(indices)


def _in_range(indices: Any, size: int, mode: str) -> Any:
    """Indices as `mode` reads those outside; `raise` leaves that to the indexing."""
    if mode == "wrap":
        return indices % size
    if mode == "clip":
        return indices.clip(0, size - 1)
    if mode != "raise":
        raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got '{mode}')")
    return indices


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    indices = _whole(np.take_along_axis, indices) if is_box(indices) else np.array(indices)
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        arr = arr.reshape(-1)
        axis = 0
    axis = normalize_axis(axis, arr.ndim) + arr.ndim
    if indices.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    return read(arr, _grid(arr.shape, indices, axis))


def _grid(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    ndim = len(shape)
    return tuple(
        indices if i == axis else np.arange(n).reshape((-1,) + (1,) * (ndim - 1 - i))
        for i, n in enumerate(shape)
    )


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    refuse(np.compress, out=out)
    condition = np.asarray(one_value(condition, "np.compress with a condition"))
    if condition.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    return np.take(a, condition.nonzero()[0], axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    (chosen,) = np.ravel(one_value(condition, "np.extract with a condition")).nonzero()
    return as_array(arr).reshape(-1)[chosen]


# Choosing between arrays


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None and y is None:
        return np.where(one_value(condition, "np.where of a condition alone"))
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    condition = as_array(detached(condition))
    condition = condition.astype(bool)  # a copy: the tape holds it
    if not (is_box(condition) or is_box(x) or is_box(y)):
        return np.where(condition, x, y)
    return ops.where(condition, as_operand(x), as_operand(y))


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    conditions = [as_array(detached(condition)) for condition in condlist]
    if len(conditions) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not conditions:
        raise ValueError("select with an empty condition list is not possible")
    for i, condition in enumerate(conditions):
        if condition.dtype != bool:
            raise TypeError(f"invalid entry {i} in condlist: should be boolean ndarray")
    choices = [as_operand(choice) for choice in (*choicelist, default)]
    dtype = np.result_type(*map(raw, choices))
    shape = np.broadcast_shapes(*(np.shape(item) for item in (*conditions, *choices)))
    result = choices.pop()
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return _fit(as_array(result), shape, dtype)


def _fit(x: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    if x.dtype != dtype:
        x = x.astype(dtype)
    return x if x.shape == shape else np.broadcast_to(x, shape)


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    x = as_array(x)
    condlist = plain(condlist)
    if not x.ndim:
        conditions = condlist if np.ndim(condlist) or isinstance(condlist, list) else [condlist]
        conditions = [np.reshape(condition, 1) for condition in conditions]
        return piecewise(x.reshape(1), conditions, funclist, *args, **kw).reshape(())
    if np.isscalar(condlist) or (
        not isinstance(condlist[0], (list, np.ndarray)) and not is_box(condlist[0]) and x.ndim != 0
    ):
        condlist = [condlist]
    conditions = [as_array(condition).astype(bool) for condition in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~functools.reduce(np.logical_or, conditions))
    if len(funclist) != len(conditions):
        raise ValueError(
            f"with {len(condlist)} condition(s), either {len(condlist)} or {len(condlist) + 1} "
            "functions are expected"
        )
    result: Any = buffers.box(np.zeros(x.shape, x.dtype))
    for condition, function in zip(conditions, funclist, strict=True):
        value: Any = function
        if is_batched(condition):
            # How many elements are chosen differs: the function gets all of them.
            value: Any = function(x, *args, **kw) if callable(function) else function
            result = np.where(condition, value, result)
            continue
        if callable(function):
            chosen = x[condition]
            if not chosen.size:
                continue
            value = function(chosen, *args, **kw)
        result[condition] = value
    return result


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    refuse(np.choose, out=out)
    options = [as_operand(choice) for choice in choices]
    chosen = _whole(np.choose, a) if is_box(a) else np.asarray(a)
    dtype = np.result_type(*map(raw, options))
    shape = np.broadcast_shapes(chosen.shape, *map(np.shape, options))
    # NumPy's own call reads the positions, and raises what it raises.
    number = _on_raw(lambda a: np.choose(a, list(range(len(options))), mode=mode), chosen)
    result = options[0]
    for i, option in enumerate(options[1:], 1):
        result = np.where(number == i, option, result)
    if len(options) == 1:
        result = +as_array(result)  # never the choice itself
    return _number(_fit(as_array(result), shape, dtype))


# Order


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return _reorder(
        a, axis, lambda x, axis: np.argsort(x, axis, kind, order, **_given(stable=stable))
    )


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    return _reorder(a, axis, lambda x, axis: np.argpartition(x, kth, axis, kind, order))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _reorder(a: Any, axis: Any, positions: Any) -> Any:
    if axis is None:
        a = a.reshape(-1)
        axis = -1
    return np.take_along_axis(a, positions(detached(a), axis), axis)


def _on_raw(function: Any, x: Any) -> Any:
    """An elementwise `function` of a constant `x`, batched or not."""
    return x.tracer.box(_on_raw(function, x.value)) if is_box(x) else function(x)


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **options: Any,
) -> Any:
    options |= {"return_inverse": return_inverse, "return_counts": return_counts, "axis": axis}
    values = one_value(ar, "np.unique")
    _, index, *others = np.unique(values, return_index=True, **options)
    values = np.take(ar, index, axis)
    results = [index] * bool(return_index) + others
    return (values, *results) if results else values


@implements(np.unique_values)
def unique_values(x: Any, /) -> Any:
    return unique(x, equal_nan=False)


def _unique_with(numpy_function: Any, **asked: bool) -> None:
    result_type = type(numpy_function(np.zeros(1)))  # a named tuple
    implements(numpy_function)(
        lambda x: result_type(*unique(as_array(x), equal_nan=False, **asked))
    )


_unique_with(np.unique_all, return_index=True, return_inverse=True, return_counts=True)
_unique_with(np.unique_counts, return_counts=True)
_unique_with(np.unique_inverse, return_inverse=True)


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    return np.sort(a.astype(np.sort_complex(np.empty(0, a.dtype)).dtype))


# Sets: which elements are taken is a constant, what they are is followed


def _set(ar: Any, *, assume_unique: bool) -> Any:
    return as_array(ar).reshape(-1) if assume_unique else np.unique(ar)


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate((ar1, ar2), axis=None))


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1 = _set(ar1, assume_unique=assume_unique)
    return ar1[one_value(np.isin(ar1, ar2, invert=True), "np.setdiff1d")]


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1, ar2 = (_set(ar, assume_unique=assume_unique) for ar in (ar1, ar2))
    return np.sort(
        np.concatenate(
            (np.setdiff1d(ar1, ar2, assume_unique=True), np.setdiff1d(ar2, ar1, assume_unique=True))
        )
    )


@implements(np.intersect1d)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    values1, values2 = (one_value(ar, "np.intersect1d") for ar in (ar1, ar2))
    _, *indices = np.intersect1d(values1, values2, assume_unique, return_indices=True)
    common = as_array(ar1).reshape(-1)[indices[0]]
    return (common, *indices) if return_indices else common


# Where elements are: constants


def _argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    a, axis = _line(a, axis)
    return registry["argsort"](a, axis=axis, kind="stable" if stable else kind)


def _argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    a, axis = _line(a, axis)
    return registry["argpartition"](a, axis=axis, kth=kth, kind=kind)


def _line(a: Any, axis: Any) -> tuple[Any, int]:
    return (a.reshape(-1), -1) if axis is None else (a, normalize_axis(axis, a.ndim))


def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    a, v = as_array(a), as_array(v)
    if sorter is not None:
        a = np.take_along_axis(a, as_array(sorter), -1)
    return reductions.searchsorted(a, v.reshape(-1), side=side).reshape(v.shape)


def _digitize(x: Any, bins: Any, right: bool = False) -> Any:
    bins = as_array(bins)
    falling = agreed(bins[-1] < bins[0], "the order of the bins of np.digitize")
    if falling:
        return bins.shape[0] - np.searchsorted(bins[::-1], x, "right" if right else "left")
    return np.searchsorted(bins, x, "left" if right else "right")


def _isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    found = np.any(np.equal(as_array(element)[..., None], np.ravel(test_elements)), axis=-1)
    return ~found if invert else found


def _lexsort(keys: Any, axis: int = -1) -> Any:
    first, *others = keys if isinstance(keys, (tuple, list)) else tuple(keys)
    order = np.argsort(first, axis, stable=True)
    for key in others:
        again = np.argsort(np.take_along_axis(as_array(key), order, axis), axis, stable=True)
        order = np.take_along_axis(order, again, axis)
    return order


def _unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    places = []
    for size in reversed(shape) if order == "C" else shape:
        indices, place = indices // size, indices % size
        places.append(place)
    return tuple(reversed(places)) if order == "C" else tuple(places)


def _bit_values(bitorder: str) -> Any:
    return 1 << (np.arange(8)[::-1] if bitorder == "big" else np.arange(8))


def _packbits(a: Any, /, axis: Any = None, bitorder: Any = "big") -> Any:
    np.packbits(form(a), axis, bitorder)  # for NumPy's own errors
    bits = np.moveaxis(a, axis, -1) if axis is not None else a.reshape(-1)
    rest = np.zeros((*bits.shape[:-1], -bits.shape[-1] % 8), bool)
    bits = np.concatenate([bits != 0, rest], axis=-1)
    bits = bits.reshape(*bits.shape[:-1], -1, 8)
    packed = np.sum(np.where(bits, _bit_values(bitorder), 0), axis=-1).astype(np.uint8)
    return packed if axis is None else np.moveaxis(packed, -1, axis)


def _unpackbits(a: Any, /, axis: Any = None, count: Any = None, bitorder: Any = "big") -> Any:
    wanted = np.unpackbits(form(a), axis, count, bitorder).shape[axis or 0]
    packed = np.moveaxis(a, axis, -1) if axis is not None else a.reshape(-1)
    bits = (packed[..., None] & _bit_values(bitorder).astype(np.uint8)) != 0
    bits = bits.reshape(*packed.shape[:-1], -1)[..., :wanted]
    rest = np.zeros((*bits.shape[:-1], wanted - bits.shape[-1]), bool)
    bits = np.concatenate([bits, rest], axis=-1).astype(np.uint8)
    return bits if axis is None else np.moveaxis(bits, -1, axis)


constant(np.packbits, batched=_packbits)
constant(np.unpackbits, batched=_unpackbits)
constant(np.argsort, batched=_argsort)
constant(np.argpartition, batched=_argpartition)
constant(np.searchsorted, batched=_searchsorted)
constant(np.digitize, batched=_digitize)
constant(np.isin, batched=_isin)
constant(np.lexsort, batched=_lexsort)
constant(np.unravel_index, batched=_unravel_index)
# How many there are depends on values.
constant(np.argwhere, np.flatnonzero, np.nonzero, np.ravel_multi_index)
of_form(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from)


# The box's methods


def _refuse_method(name: str, instead: str) -> None:
    def raise_(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedError(
            f"x.{name}(...) changes a traced array in place, which is not followed. Write "
            f"{instead} instead."
        )

    define(name, raise_)


_refuse_method("resize", "y = np.resize(x, shape)")

method("argpartition", np.argpartition)
method("argsort", np.argsort)
method("choose", np.choose)
method("nonzero", np.nonzero)
method("searchsorted", np.searchsorted)
method("take", np.take)
define(
    "compress",
    lambda self, condition, axis=None, out=None: np.compress(condition, self, axis, out),
)
