"""In-place writes with NumPy's meaning: item assignment, augmented assignment, and their kin."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backends.libraries import check_given
from ...callers import where
from ...core import detached, is_batched, raw
from ...errors import UnsupportedError
from ...mutate import boxes_of, write
from .batched import form, one_value, refusal
from .box import BINARY, ArrayBox, backend, define, method
from .dispatch import array_of, as_array, functions, implements, is_box, name_of, writers
from .index import static_index
from .rebind import can_rebind


def assign(target: Any, index: Any, value: Any) -> None:
    """`target[index] = value` for a traced target."""
    plain = raw(target)
    if type(plain) is not np.ndarray or backend.is_number(target):
        kind = target.dtype.type if is_batched(target) else type(plain)
        raise TypeError(f"'{kind.__name__}' object does not support item assignment")
    if not plain.flags.writeable:
        raise ValueError("assignment destination is read-only")
    if type(value) not in backend.operands:
        check_given("x[i] = v", backend, [value])
        value = array_of(value)
    if is_batched(index) and index.dtype.kind == "b":
        index, value = ..., _chosen(target, detached(index), value)
    index = static_index(index)
    if _has_mask(index):
        refuse_overlap("x[mask] = v", target, value)
    if is_box(value) and value.alias is not None and value.alias.reads(target, index):
        return  # the second half of `target[index] += ...`, which has written already
    if plain.ndim != target.ndim or boxes_of(index):
        value = fit(as_array(value), _part_of_form(target, index).shape, plain.dtype)
    elif is_box(value):
        value = fit(value, plain[index].shape, plain.dtype)
    write(target, index, value)


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


def _has_mask(index: Any) -> bool:
    parts = index if type(index) is tuple else (index,)
    return any(type(part) is np.ndarray and part.dtype == bool for part in parts)


def _part_of_form(target: Any, index: Any) -> Any:
    """An array with the shape that `target[index]` has in one example."""
    parts = index if type(index) is tuple else (index,)
    parts = tuple(np.zeros(part.shape, np.intp) if is_box(part) else part for part in parts)
    return form(target)[parts]


def _chosen(target: Any, mask: Any, value: Any) -> Any:
    """`target` with `value` where a batched `mask` of its first axes is true."""
    if mask.shape != target.shape[: mask.ndim]:
        raise IndexError(
            f"boolean index did not match indexed array: the mask has shape {mask.shape}, the "
            f"array {target.shape}"
        )
    ndim = mask.ndim
    mask = mask.reshape(mask.shape + (1,) * (target.ndim - mask.ndim))
    if np.ndim(value) > target.ndim - ndim:
        raise refusal("x[mask] = values, one for each place of a batched mask,", "Write np.where")
    return np.where(mask, value, target)


def fit(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A traced value in the shape and dtype of what it is written into, by NumPy's rules."""
    if value.dtype != dtype:
        value = value.astype(dtype)
    if value.shape == shape:
        return value
    extra = len(value.shape) - len(shape)
    if extra > 0 and value.shape[:extra] == (1,) * extra:
        value = value.reshape(value.shape[extra:])
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        raise ValueError(
            f"could not broadcast input array from shape {value.shape} into shape {shape}"
        ) from None


def store(target: Any, result: Any, casting: Any = "same_kind") -> Any:
    """Write a whole `result` into `target` as a ufunc does into `out=`, and return `target`."""
    check_stored(target, result, casting)
    assign(target, ..., result)
    return target


def check_stored(target: Any, result: Any, casting: Any) -> None:
    """Raise, as a ufunc does, unless `target` can take `result`."""
    if result.shape != target.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {target.shape} doesn't match the "
            f"broadcast shape {result.shape}"
        )
    if not np.can_cast(result.dtype, target.dtype, casting):
        raise TypeError(
            f"cannot cast the result from {result.dtype} to {target.dtype} with casting rule "
            f"'{casting}'"
        )


def _in_place(ufunc: Any) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Any) -> Any:
        result = ufunc(self, other)
        # NumPy's scalars are immutable: `s += 1` gives the name `s` a new value.
        return result if backend.is_number(self) else store(self, result)

    return operate


for _name, _ufunc in BINARY.items():
    define(f"__i{_name}__", _in_place(_ufunc))
define("__setitem__", assign)


# NumPy's functions that write into their first argument


def check_traced(name: str, target: Any) -> None:
    if not is_box(target):
        raise UnsupportedError(
            f"{name} cannot write a traced value into a plain array, where its "
            "derivative would be lost. Make the array from the traced one (np.zeros_like(x), "
            "1.0 * x), or write np.where, np.stack or np.concatenate; np.broadcast_to(value, "
            "shape) for np.full."
        )


def _writes(function: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Use the decorated function for `function`, whose first argument must be traced."""

    def register(ours: Callable[..., None]) -> Callable[..., None]:
        def call(target: Any, *args: Any, **kwargs: Any) -> None:
            check_traced(name_of(function), target)
            ours(target, *args, **kwargs)

        implements(function)(call)
        writers.add(function)
        return call

    return register


@_writes(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    src = array_of(src)
    src = src if is_box(src) else np.asarray(src)
    if not np.can_cast(src.dtype, dst.dtype, casting):
        raise TypeError(
            f"Cannot cast array data from {src.dtype!r} to {dst.dtype!r} according to the rule "
            f"'{casting}'"
        )
    assign(dst, ..., src if where is True else np.where(where, src, dst))


@_writes(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """The values are repeated, or cut, to as many as there are positions."""
    ind = as_array(detached(ind)).astype(np.intp, casting="same_kind").reshape(-1)
    v = _flat_values(v)
    if not (ind.size and v.size):
        return
    if mode == "wrap":
        ind = ind % a.size
    elif mode == "clip":
        ind = ind.clip(0, a.size - 1)
    np.arange(a.size)[raw(ind)]  # for NumPy's own error
    _write_at(a, ind % a.size, v[np.arange(ind.size) % v.size])


def _flat_values(values: Any) -> Any:
    values = array_of(values)
    return np.reshape(values if is_box(values) else np.asarray(values), -1)


def _write_at(a: Any, positions: Any, values: Any) -> None:
    """Write at positions in the flat array; the last value wins where one is named twice."""
    if a.ndim:
        assign(a, np.unravel_index(positions, a.shape), values)
    elif positions.size:
        assign(a, (), values[-1])


@_writes(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    mask, values = as_array(detached(mask)), _flat_values(values)
    if mask.size != a.size:
        raise ValueError("putmask: mask and data must be the same size")
    if is_batched(mask):
        repeated = values[np.arange(a.size) % max(values.size, 1)].reshape(a.shape)
        assign(a, ..., np.where(mask.reshape(a.shape), repeated.astype(a.dtype), a))
        return
    positions = np.flatnonzero(mask)
    if values.size:
        _write_at(a, positions, values[positions % values.size])


@_writes(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    mask = np.asarray(one_value(mask, "np.place with a mask"))
    if mask.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    refuse_overlap("np.place(x, mask, v)", arr, vals)
    positions, vals = np.flatnonzero(mask), _flat_values(vals)
    if positions.size and not vals.size:
        raise ValueError("Cannot insert from an empty array!")
    if positions.size:
        _write_at(arr, positions, vals[np.arange(positions.size) % vals.size])


@_writes(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    """The elements that np.take_along_axis would read."""
    positions = np.arange(arr.size).reshape(arr.shape)
    positions = np.take_along_axis(positions, as_array(detached(indices)), axis)
    values = array_of(values)
    values = np.broadcast_to(values, positions.shape)
    _write_at(arr, positions.reshape(-1), np.reshape(values, -1))


@_writes(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    places = np.zeros(a.shape, bool)
    np.fill_diagonal(places, val=True, wrap=wrap)  # and NumPy's own errors
    np.put(a, np.flatnonzero(places), val)


def _method(name: str, body: Callable[..., None]) -> None:
    body.__name__ = name
    body.__doc__ = f"As `ndarray.{name}`: it writes into this array."
    define(name, body)


_method("fill", lambda self, value: assign(self, ..., value))
method("put", np.put)
_method("sort", lambda self, *args, **kwargs: assign(self, ..., np.sort(self, *args, **kwargs)))
_method(
    "partition",
    lambda self, *args, **kwargs: assign(self, ..., np.partition(self, *args, **kwargs)),
)


# out=


def write_out(function: Any, result: Any, out: Any, casting: str = "same_kind") -> Any:
    """Write `result` into what a call of `function` got as `out=`, and return that."""
    if out is None:
        return result
    result = result if hasattr(result, "dtype") else np.asarray(result)
    if is_box(out):
        return store(out, result, casting)
    if is_box(result) and can_rebind(out):
        check_stored(out, result, casting)
        return fit(result, out.shape, out.dtype)
    raise UnsupportedError(
        f"{name_of(function)} cannot write a traced result into a plain array, where its "
        f"derivative would be lost, at {where()}. Write y = y + x instead of y += x "
        "where another name or a view knows y, and y = f(x) instead of f(x, out=y); or make y "
        "inside the function, with np.zeros, np.array(y) or np.copy(y)."
    )


def _with_out(function: Any, ours: Callable[..., Any], place: int) -> Callable[..., Any]:
    """`ours`, where the argument at `place` may be a traced array to write into."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) <= place and "out" not in kwargs:
            return ours(*args, **kwargs)
        if "out" in kwargs:
            out = kwargs.pop("out")
        else:
            out, args = args[place], (*args[:place], None, *args[place + 1 :])
        if out is None:
            return ours(*args, **kwargs)
        return write_out(function, function(*args, **kwargs), out)

    return functools.wraps(ours)(call)


def follow_out() -> None:
    """Let every function of the table that has `out=` write into a traced array."""
    for function, ours in functions.items():
        code = ours.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if "out" in names:
            place = names.index("out")
            by_keyword = place >= code.co_argcount
            followed = _with_out(function, ours, 99 if by_keyword else place)
            functions[function] = followed
            if getattr(ArrayBox, function.__name__, None) is ours:
                define(function.__name__, followed)
