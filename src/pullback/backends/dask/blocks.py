"""Primitives that only Dask has: other chunks, blocks that are computed now, a function of blocks.

They are declared here and not in `ops/`, since they have a meaning for no other library.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.array.overlap import overlap_internal

from ...core import Primitive, bind
from ...ops import lift
from ...rules import JOINT, TRANSPOSE, Rule

_blockwise = vars(da)["blockwise"]
_argtopk = vars(da)["argtopk"]
Labels = tuple[int, ...]


def _as_before(cotangent: Any, xp: Any, shape: Any) -> Any:
    chunks = getattr(shape, "chunks", None)
    if chunks is None:
        return cotangent
    return xp.rechunk(cotangent, chunks={i - len(shape): one for i, one in enumerate(chunks)})


# `chunks` are the sizes by axis, counted from the end.
def _linear(name: str, impl: Callable[..., Any], transpose: Callable[..., Any]) -> Primitive:
    rules = [Rule(TRANSPOSE, transpose, ("x",))]
    return Primitive(name, "linear", impl, rules, batch=lift.expanded())


rechunk = _linear("rechunk", lambda x, chunks: x.rechunk(chunks), _as_before)
persist = _linear("persist", lambda x, options: x.persist(**options), lambda cotangent: cotangent)


class Pulled:
    """A function of blocks: the cotangent of one argument of `function`, from that of its result.

    The cotangent is its first argument, and `function`'s arguments are the others; `lead` axes of
    length 1 stand in front of what it returns.
    """

    __slots__ = ("function", "lead", "position")

    def __init__(self, function: Callable[..., Any], position: int, lead: int) -> None:
        self.function = function
        self.position = position
        self.lead = lead

    def __call__(self, cotangent: Any, *blocks: Any) -> Any:
        """The cotangent of the block at `position`."""
        from ... import vjp  # noqa: PLC0415 (the package imports its backends)

        position = self.position

        def alone(block: Any) -> Any:
            return self.function(*blocks[:position], block, *blocks[position + 1 :])

        _, pull = vjp(alone, blocks[position])
        return pull(cotangent)[0][(None,) * self.lead]

    def __dask_tokenize__(self) -> Any:
        content = (type(self).__name__, self.function, self.position, self.lead)
        return dask.base.normalize_token(content)


class OfExamples:
    """A function of blocks that have a batch axis in front, where `batched` says so."""

    __slots__ = ("batched", "function")

    def __init__(self, function: Callable[..., Any], batched: Sequence[bool]) -> None:
        self.function = function
        self.batched = tuple(batched)

    def __call__(self, *blocks: Any) -> Any:
        """The function of each example's blocks."""
        from ... import vmap  # noqa: PLC0415 (the package imports its backends)

        in_dims = tuple(0 if is_ else None for is_ in self.batched)
        return vmap(self.function, in_dims, fallback="loop")(*blocks)

    def __dask_tokenize__(self) -> Any:
        return dask.base.normalize_token((type(self).__name__, self.function, self.batched))


def _on_blocks(
    *arrays: Any,
    function: Any,
    labels: Labels,
    ins: tuple[Labels, ...],
    chunks: dict[int, Any],
    dtype: Any,
) -> Any:
    known = {label for one in ins for label in one}
    operands = [part for pair in zip(arrays, ins, strict=True) for part in pair]
    return _blockwise(
        function,
        labels,
        *operands,
        dtype=dtype,
        meta=np.empty((0,) * len(labels), dtype),
        new_axes={label: chunks[label] for label in labels if label not in known},
        adjust_chunks={label: one for label, one in chunks.items() if label in known},
        align_arrays=False,
        concatenate=True,
    )


def _blocks_vjp(
    cotangent: Any,
    xp: Any,
    args: Sequence[Any],
    function: Any,
    labels: Labels,
    ins: tuple[Labels, ...],
) -> tuple[Any, ...]:
    """The blocks of the result that share a block of an argument each give it a cotangent."""
    results: list[Any] = []
    for position, (arg, mine) in enumerate(zip(args, ins, strict=True)):
        if arg.dtype.kind not in "fc":
            results.append(None)
            continue
        extra = tuple(label for label in labels if label not in mine)
        parts = xp.blockwise(
            cotangent,
            *args,
            function=Pulled(function, position, len(extra)),
            labels=(*extra, *mine),
            ins=(labels, *ins),
            chunks=dict.fromkeys(extra, 1) | dict(zip(mine, arg.chunks, strict=True)),
            dtype=arg.dtype,
        )
        lead = range(-len(extra) - len(mine), -len(mine))
        results.append(xp.sum(parts, axis=tuple(lead), keepdims=False) if extra else parts)
    return tuple(results)


def _blocks_of_examples(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, _: int
) -> Any:
    """The batch axis is one more axis of blocks, with a label of its own."""
    label = 1 + max((-1, *params["labels"], *(one for ins in params["ins"] for one in ins)))
    sizes = next(arg.chunks[0] for arg, is_ in zip(args, batched, strict=True) if is_)
    args = [
        rechunk(arg, chunks={-arg.ndim: sizes}) if is_ else arg
        for arg, is_ in zip(args, batched, strict=True)
    ]
    ins = [(label, *one) if is_ else one for one, is_ in zip(params["ins"], batched, strict=True)]
    return bind(
        primitive,
        args,
        params
        | {
            "function": OfExamples(params["function"], batched),
            "labels": (label, *params["labels"]),
            "ins": tuple(ins),
        },
    )


# A function of one block of each array. As in `da.blockwise`, the axes of the arrays (`ins`) and
# of the result (`labels`) have labels, here numbers; an axis that the result lacks is one block.
# `chunks` are the sizes of the result's blocks by label.
blockwise = Primitive(
    "blockwise",
    "opaque",
    _on_blocks,
    [Rule(JOINT, _blocks_vjp, ("x",))],
    joint=True,
    variadic=True,
    batch=_blocks_of_examples,
)


# Blocks with some of their neighbours' elements: `depths` are the numbers before and after by axis,
# counted from the end. The transpose adds what was shared to where it came from.


def _with_neighbours(x: Any, depths: dict[int, tuple[int, int]]) -> Any:
    return overlap_internal(x, {axis % x.ndim: depth for axis, depth in depths.items()})


def _shared_added(x: Any, depths: dict[int, tuple[int, int]]) -> Any:
    for axis, depth in depths.items():
        x = _added_along(x, axis % x.ndim, *depth)
    return x


def _added_along(x: Any, axis: int, before: int, after: int) -> Any:
    count = x.numblocks[axis]
    starts = [before if i else 0 for i in range(count)]
    ends = [after if i < count - 1 else 0 for i in range(count)]
    sizes = [n - i - j for n, i, j in zip(x.chunks[axis], starts, ends, strict=True)]
    previous, following = _moved(x, axis, 1), _moved(x, axis, -1)
    labels = tuple(range(x.ndim))
    places = da.from_array(np.arange(count), chunks=1) if count else None
    run = functools.partial(_added_to_block, axis=axis, depth=(before, after), count=count)
    return _blockwise(
        run, labels, x, labels, previous, labels, following, labels, places, (axis,),
        dtype=x.dtype, meta=np.empty((0,) * x.ndim, x.dtype), align_arrays=False,
        adjust_chunks={axis: tuple(sizes)},
    )  # fmt: skip


def _moved(x: Any, axis: int, step: int) -> Any:
    """The blocks, each in the place of the one after it (before it, with -1); the first twice."""
    order = [min(max(i - step, 0), x.numblocks[axis] - 1) for i in range(x.numblocks[axis])]
    return x.blocks[(slice(None),) * axis + (order,)]


def _added_to_block(
    block: Any, previous: Any, following: Any, place: Any, axis: int, depth: Any, count: int
) -> Any:
    before, after = depth
    lead = (slice(None),) * axis
    first, last = place[0] == 0, place[0] == count - 1
    start, end = 0 if first else before, block.shape[axis] - (0 if last else after)
    out = np.array(block[(*lead, slice(start, end))])
    if after and not first:  # the previous block had our first elements at its end
        out[(*lead, slice(0, after))] += previous[(*lead, slice(-after, None))]
    if before and not last:
        out[(*lead, slice(-before, None))] += following[(*lead, slice(0, before))]
    return out


overlapped = _linear(
    "overlapped",
    _with_neighbours,
    lambda cotangent, xp, depths: xp.shared_added(cotangent, depths=depths),
)
shared_added = _linear(
    "shared_added",
    _shared_added,
    lambda cotangent, xp, depths: xp.overlapped(cotangent, depths=depths),
)

# Where the `k` largest elements along an axis stand, by size (the -k smallest, for negative `k`).
argtopk = Primitive(
    "argtopk",
    "constant",
    lambda x, k, axis: _argtopk(x, k, axis=axis),
    [None],
    batch=lift.expanded(),
)

PRIMITIVES: dict[str, Primitive] = {
    primitive.name: primitive
    for primitive in (rechunk, persist, blockwise, overlapped, shared_added, argtopk)
}
FUNCTIONS: dict[str, Any] = {
    name: functools.partial(lambda impl, _, *args, **params: impl(*args, **params), primitive.impl)
    for name, primitive in PRIMITIVES.items()
}
