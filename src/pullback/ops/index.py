"""Indexing: linear maps that read a part of an array, and their transposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backends.numpy.index import getitem as _read
from ..backends.numpy.index import scatter_add as _scatter_add
from ..backends.numpy.index import unindex as _add_into_zeros
from ..core import Primitive, bind
from . import declare, lift


def _branch(cotangent: Any, xp: Any, position: int, condition: Any) -> Any:
    if position == 1:
        return xp.where(condition, cotangent, 0)
    return xp.where(condition, 0, cotangent)


def _added(cotangent: Any, xp: Any, position: int, index: Any) -> Any:
    return cotangent if position == 0 else xp.getitem(cotangent, index=index)


getitem = declare.index(
    "getitem",
    lambda cotangent, xp, shape, index: xp.unindex(cotangent, shape=shape, index=index),
    lift=lift.read_index,
)
unindex = declare.linear(
    "unindex",
    lambda cotangent, xp, index: xp.getitem(cotangent, index=index),
    lift=lift.written_index,
)


def _scatter_add_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    x, y = (lift.spread(arg, is_, size) for arg, is_ in zip(args, batched, strict=True))
    index = params["index"]
    parts = index if type(index) is tuple else (index,)
    return bind(primitive, (x, y), {"index": (slice(None), *parts)})


scatter_add = declare.linear(
    "scatter_add", _added, arguments="x y", batch=_scatter_add_batch, impl=_scatter_add
)
# Linear in the two branches together.
where = declare.linear(
    "where",
    _branch,
    arguments="condition x y",
    operands="condition",
    masks=True,
    batch=lift.aligned(),
)


# The same two with index arrays as arguments, each of its own for every example of a batch; in
# `index`, an `Operand` stands for each.


def _gather_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    x, *operands = args
    x = lift.spread(x, batched[0], size)
    ndim = len(x.shape) - 1
    index, operands, order = lift.each_example(params["index"], operands, batched[1:], size, ndim)
    read = bind(primitive, (x, *operands), {"index": index})
    return read if order is None else lift.canonical(read).transpose(read, order)


def _scatter_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    x, *operands = args
    x = lift.spread(x, batched[0], size)
    ndim = len(params["shape"])
    index, operands, order = lift.each_example(params["index"], operands, batched[1:], size, ndim)
    if order is not None:
        x = lift.canonical(x).transpose(x, sorted(range(len(order)), key=order.__getitem__))
    params = {"shape": (size, *params["shape"]), "index": index}
    return bind(primitive, (x, *operands), params)


def _gather_transpose(cotangent: Any, xp: Any, shape: Any, others: Any, index: Any) -> Any:
    return xp.scatter(cotangent, *others[1:], shape=shape, index=index)


def _scatter_transpose(cotangent: Any, xp: Any, others: Any, index: Any) -> Any:
    return xp.gather(cotangent, *others[1:], index=index)


gather = declare.linear(
    "gather",
    _gather_transpose,
    masks=True,
    batch=_gather_batch,
    impl=lambda x, *operands, index: _read(x, lift.filled(index, operands)),
)
scatter = declare.linear(
    "scatter",
    _scatter_transpose,
    batch=_scatter_batch,
    impl=lambda x, *operands, shape, index: _add_into_zeros(x, shape, lift.filled(index, operands)),
)
