"""Lifts: how an op takes a leading batch axis, which is how `vmap` batches it.

A batching rule is `rule(primitive, args, batched, params, size)`: `batched` says which of `args`
have the batch axis in front, and the result must have it in front. A rule applies primitives, so
outer transforms follow it. Because axes in parameters are counted from the end, most ops need no
more than their arguments brought together; a `lift` adapts the parameters of those that do:
`lift(params, shape, size)`, with the shape that the first argument has in one example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backends.numpy import xp
from ..core import Primitive, bind, box_types, implementations
from ..rules import shape_of

Params = dict[str, Any]
Lift = Callable[[Params, tuple[int, ...], int], Params]
Rule = Callable[[Primitive, Sequence[Any], Sequence[bool], Params, int], Any]


def canonical(*arrays: Any) -> Any:
    """The canonical functions for these arrays, raw or traced: those of their library."""
    for array in arrays:
        if type(array) in box_types:
            return array.tracer.backend.xp
        if type(array) in implementations:
            return implementations[type(array)].xp
    return xp


def aligned(lift: Lift | None = None) -> Rule:
    """For ops that broadcast their arguments, or stacks of them: align the ranks."""

    def rule(
        primitive: Primitive,
        args: Sequence[Any],
        batched: Sequence[bool],
        params: Params,
        size: int,
    ) -> Any:
        if lift is not None:
            params = lift(params, _shape(args[0], batched[0]), size)
        if len(args) > 1:
            args = same_ranks(args, batched)
        return bind(primitive, args, params)

    return rule


def same_ranks(args: Sequence[Any], batched: Sequence[bool]) -> list[Any]:
    """Axes of length 1 behind the batch axis of those that have fewer axes than another."""
    ranks = [len(shape_of(arg)) - b for arg, b in zip(args, batched, strict=True)]
    most = max(ranks)
    return [
        canonical(arg).reshape(arg, (arg.shape[0], *(1,) * (most - rank), *arg.shape[1:]))
        if b and rank < most
        else arg
        for arg, b, rank in zip(args, batched, ranks, strict=True)
    ]


def expanded(lift: Lift | None = None) -> Rule:
    """For ops whose arguments must all have the batch axis."""

    def rule(
        primitive: Primitive,
        args: Sequence[Any],
        batched: Sequence[bool],
        params: Params,
        size: int,
    ) -> Any:
        if lift is not None:
            params = lift(params, _shape(args[0], batched[0]), size)
        args = [spread(arg, b, size) for arg, b in zip(args, batched, strict=True)]
        return bind(primitive, args, params)

    return rule


def looped() -> Rule:
    """For ops that know one example only: one after another."""

    def rule(
        primitive: Primitive,
        args: Sequence[Any],
        batched: Sequence[bool],
        params: Params,
        size: int,
    ) -> Any:
        if not size:
            raise ValueError(
                f"pullback.vmap: the op {primitive.name!r} takes one example at a time, so a batch "
                "of size 0 has no shape; declare the op with stacks=True if it can take all at once"
            )
        outs = [
            bind(
                primitive,
                [_example(a, k) if b else a for a, b in zip(args, batched, strict=True)],
                params,
            )
            for k in range(size)
        ]
        if primitive.outputs is None:
            return canonical(outs[0]).stack(outs)
        return tuple(canonical(parts[0]).stack(parts) for parts in zip(*outs, strict=True))

    return rule


def _example(arg: Any, k: int) -> Any:
    return canonical(arg).getitem(arg, index=k)


def spread(arg: Any, batched: bool, size: int) -> Any:
    """`arg` with a batch axis in front, of copies that take no memory, where it has none yet."""
    if batched:
        return arg
    arg = arg if hasattr(arg, "shape") else np.asarray(arg)
    return canonical(arg).broadcast_to(arg, (size, *arg.shape))


def _shape(arg: Any, batched: bool) -> tuple[int, ...]:
    return shape_of(arg)[batched:]


# Lifts of parameters


def all_axes(params: Params, shape: tuple[int, ...], size: int) -> Params:
    """Reductions: None means all axes of one example."""
    return params | {"axis": tuple(range(-len(shape), 0))} if params["axis"] is None else params


def longer_shape(params: Params, shape: tuple[int, ...], size: int) -> Params:
    """Ops that are told the shape of their result."""
    return params | {"shape": (size, *params["shape"])}


def spread_shape(params: Params, shape: tuple[int, ...], size: int) -> Params:
    """The transpose of a reduction: both."""
    return longer_shape(all_axes(params, params["shape"], size), shape, size)


def more_axes(params: Params, shape: tuple[int, ...], size: int) -> Params:
    """A permutation of all axes."""
    axes = params["axes"]
    return params | {"axes": (-len(axes) - 1, *axes)}


def read_index(params: Params, shape: tuple[int, ...], size: int) -> Params:
    """A read of a part of `x`."""
    return params | {"index": lifted_index(params["index"], size)}


def written_index(params: Params, shape: tuple[int, ...], size: int) -> Params:
    """The transpose of a read."""
    return longer_shape(read_index(params, shape, size), shape, size)


def broadcast_shape(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Params, size: int
) -> Any:
    """`broadcast_to`: new axes come behind the batch axis."""
    (x,) = args
    shape = params["shape"]
    missing = len(shape) - (len(x.shape) - 1)
    if missing > 0:
        x = canonical(x).reshape(x, (size, *(1,) * missing, *x.shape[1:]))
    return bind(primitive, (x,), {"shape": (size, *shape)})


# Indices. NumPy puts the axes of advanced indices (arrays, and integers beside them) where they
# stand, or in front where something stands between them.


def lifted_index(index: Any, size: int) -> tuple[Any, ...]:
    """The index that reads in every example what `index` reads in one."""
    parts = index if type(index) is tuple else (index,)
    if _apart(parts):
        return (_each(size, _advanced_ndim(parts)), *parts)
    return (slice(None), *parts)


def _each(size: int, ndim: int) -> Any:
    """The numbers of the examples, as an advanced index before others of `ndim` axes."""
    return np.arange(size).reshape((-1,) + (1,) * ndim)


def is_array(part: Any) -> bool:
    """Is this part of an index an array, or does it count as one?"""
    if isinstance(part, (np.ndarray, list, bool, np.bool_, Operand)):
        return True
    return getattr(part, "ndim", 0) > 0  # another library's array


def _places(parts: Sequence[Any]) -> list[int]:
    """Which parts are advanced indices: arrays, and integers if there are arrays."""
    if not any(map(is_array, parts)):
        return []
    plain = (slice, type(None), type(...))
    return [place for place, part in enumerate(parts) if not isinstance(part, plain)]


def _apart(parts: Sequence[Any]) -> bool:
    places = _places(parts)
    return bool(places) and places[-1] - places[0] >= len(places)


def _advanced_ndim(parts: Sequence[Any]) -> int:
    """How many axes the advanced indices make together."""
    return max(_ndim_of(parts[place]) for place in _places(parts))


def _ndim_of(part: Any) -> int:
    if isinstance(part, Operand):
        return part.ndim
    array = np.asarray(part)
    return 1 if array.dtype == bool else array.ndim


class Operand:
    """In an index: the place of an array that is an argument of the op."""

    __slots__ = ("ndim", "place")

    def __init__(self, place: int, ndim: int) -> None:
        self.place = place
        self.ndim = ndim


def with_operands(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """An index with traced arrays in it as one with operands in their places, and these arrays."""
    parts = index if type(index) is tuple else (index,)
    arrays: list[Any] = []
    template: list[Any] = []
    for part in parts:
        if type(part) in box_types:
            template.append(Operand(len(arrays), part.ndim))
            arrays.append(part)
        else:
            template.append(part)
    return tuple(template), arrays


def filled(index: tuple[Any, ...], operands: Sequence[Any]) -> tuple[Any, ...]:
    """`index` with its operands in their places."""
    return tuple(operands[part.place] if type(part) is Operand else part for part in index)


def each_example(
    index: tuple[Any, ...], operands: Sequence[Any], batched: Sequence[bool], size: int, ndim: int
) -> tuple[tuple[Any, ...], list[Any], tuple[int, ...] | None]:
    """`index`, whose operands differ from example to example, as one index of the whole batch.

    Also its operands, and the permutation by which what it reads (the batch axis, those of the
    advanced indices, the others) is put into the order of one example's; None if it is in order.
    """
    parts = _without_masks(index)
    places, depth = _places(parts), _advanced_ndim(parts)
    arrays = [
        canonical(a).reshape(a, (size, *(1,) * (depth - part.ndim), *a.shape[1:])) if b else a
        for a, b, part in zip(
            operands, batched, (p for p in parts if type(p) is Operand), strict=True
        )
    ]
    whole = (
        _each(size, depth),
        *(
            Operand(p.place, depth + 1 if batched[p.place] else p.ndim) if type(p) is Operand else p
            for p in parts
        ),
    )
    before = 0 if _apart(parts) else _width(parts, places[0], ndim)
    if not before:
        return whole, arrays, None
    # NumPy reads the axes that an index does not mention as if an ellipsis stood at its end.
    full = parts if any(part is ... for part in parts) else (*parts, ...)
    count = _width(full, len(full), ndim)
    rest = range(1 + depth, 1 + depth + count)
    order = (0, *rest[:before], *range(1, 1 + depth), *rest[before:])
    return whole, arrays, order


def _without_masks(index: tuple[Any, ...]) -> tuple[Any, ...]:
    """The positions that a mask is true at, in its place."""
    parts: list[Any] = []
    for part in index:
        if isinstance(part, (bool, np.bool_)):
            raise IndexError("True or False beside batched positions is not followed in an index")
        array = np.asarray(part) if isinstance(part, (list, np.ndarray)) else None
        if array is not None and array.dtype == bool:
            parts.extend(array.nonzero())
        else:
            parts.append(part)
    return tuple(parts)


def _consumed(parts: Sequence[Any]) -> int:
    return sum(part is not None and part is not ... for part in parts)


def _width(parts: Sequence[Any], stop: int, ndim: int) -> int:
    """How many axes of the result the parts before `stop` make that are no advanced indices."""
    return sum(
        ndim - _consumed(parts) if part is ... else 1
        for part in parts[:stop]
        if part is None or part is ... or isinstance(part, slice)
    )
