"""Functions of blocks: the NumPy function of one block is differentiated, and mapped over blocks.

What Dask itself makes of the call says the dtype and the chunks of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dask.array as da
import numpy as np
from dask.base import normalize_token
from dask.utils import has_keyword

from ...backends.dask.blocks import blockwise as primitive
from ...backends.dask.chunks import marked
from ...callers import where
from ...captures import captured_by
from ...core import box_types
from ...errors import UnsupportedError
from ..array_api.dispatch import boxes_in
from .box import method
from .dispatch import implements, operand, refusals
from .shape import rechunk

_dasks = vars(da)


def check_functions(name: str, values: Iterable[Any]) -> None:
    """Raise if a function of blocks holds a traced array: the graph would run it too late."""
    functions = [value for value in values if callable(value) and not isinstance(value, da.Array)]
    if any(box.tracer.level for box in captured_by(*functions)):
        raise UnsupportedError(
            f"da.{name}: a function of the graph captured a traced array, whose derivative would "
            "be lost when the graph is computed, at "
            f"{where()}. Pass the array to da.map_blocks as an argument, in blocks as the others"
        )


class OfBlocks:
    """`func` with its other arguments in their places, as a function of blocks alone.

    With `ids`, the last blocks are the numbers of the block along so many axes.
    """

    __slots__ = ("func", "ids", "options", "others")

    def __init__(
        self, func: Callable[..., Any], others: dict[int, Any], options: Any, ids: int = 0
    ) -> None:
        check_functions("map_blocks", [func, *others.values()])
        self.func = func
        self.others = others
        self.options = options
        self.ids = ids

    def __call__(self, *blocks: Any) -> Any:
        """The function of one block of each array."""
        count = len(blocks) - self.ids
        left = iter(blocks[:count])
        places = range(count + len(self.others))
        args = [self.others[i] if i in self.others else next(left) for i in places]
        if not self.ids:
            return self.func(*args, **self.options)
        block_id = tuple(int(number[0]) for number in blocks[count:])
        return self.func(*args, block_id=block_id, **self.options)

    def __dask_tokenize__(self) -> Any:
        content = (type(self).__name__, self.func, self.others, self.options, self.ids)
        return normalize_token(content)


def _is_array(value: Any) -> bool:
    return type(value) in box_types or isinstance(value, da.Array)


def plain_form(value: Any) -> Any:
    """What Dask is asked about: a form of a traced array, in its chunks."""
    if type(value) not in box_types:
        return value
    return da.empty(tuple(value.shape), dtype=value.dtype, chunks=value.chunks)


def _labelled(arrays: Sequence[Any], ins: Sequence[Any]) -> list[tuple[int, ...]]:
    """`ins`, with a label of its own for an axis of one block where others have more of them."""
    most: dict[int, int] = {}
    for array, labels in zip(arrays, ins, strict=True):
        for label, count in zip(labels, array.numblocks, strict=True):
            most[label] = max(most.get(label, 0), count)
    fresh = iter(range(1 + max((*most, 0)), 10_000))
    out: list[tuple[int, ...]] = []
    for array, labels in zip(arrays, ins, strict=True):
        pairs = [*zip(labels, array.numblocks, strict=True)]
        if any(1 != count != most[label] for label, count in pairs):
            raise UnsupportedError(
                "a function of blocks of traced arrays takes arrays of as many blocks each, or of "
                f"one along an axis, got {[array.numblocks for array in arrays]}: bring them to "
                "the same chunks first, with x.rechunk(...)"
            )
        out.append(tuple(label if count == most[label] else next(fresh) for label, count in pairs))
    return out


def apply(
    function: Callable[..., Any], arrays: Sequence[Any], ins: Any, labels: Any, like: Any
) -> Any:
    """The function of blocks, with a result of the chunks and dtype that `like` has."""
    return primitive(
        *arrays,
        function=function,
        labels=tuple(labels),
        ins=tuple(_labelled(arrays, ins)),
        chunks=dict(zip(labels, like.chunks, strict=True)),
        dtype=like.dtype,
    )


def _axes(value: Any, ndim: int) -> list[int]:
    """The axes that `drop_axis` or `new_axis` names."""
    if value is None:
        return []
    return [axis % ndim for axis in ((value,) if isinstance(value, int) else value)]


@implements("map_blocks")
def map_blocks(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
    function, arrays, theirs = function_of(func, args, options)
    like = _dasks["map_blocks"](func, *map(plain_form, args), **options)
    ndim = max(array.ndim for array in arrays)
    ins = [tuple(range(ndim - array.ndim, ndim)) for array in arrays]
    drop = _axes(theirs.get("drop_axis"), ndim)
    labels = [label for label in range(ndim) if label not in drop]
    chunks = theirs.get("chunks")
    new = _axes(theirs.get("new_axis"), like.ndim)
    if not new and theirs.get("new_axis") is None and chunks is not None:
        new = [*range(max(0, like.ndim - len(labels)))]
    for axis in sorted(new):
        labels.insert(axis, ndim + len(new) + axis)
    arrays = in_one_block(arrays, ins, drop)
    if function.ids:
        arrays, ins = with_ids(arrays, ins, labels, like)
        function.ids = len(labels)
    return apply(function, arrays, ins, labels, like)


def function_of(func: Any, args: Any, options: dict[str, Any]) -> tuple[OfBlocks, list[Any], Any]:
    """The function of blocks, the arrays whose blocks it takes, and the options that are Dask's."""
    theirs = {name: value for name, value in options.items() if name in _OPTIONS}
    options = {name: value for name, value in options.items() if name not in _OPTIONS}
    if has_keyword(func, "block_info") and "block_info" not in options:
        raise UnsupportedError(
            "da.map_blocks of a traced array does not give the function block_info=: take "
            "block_id=, or pass what it says as an argument"
        )
    if boxes_in([*options.values()]):
        raise UnsupportedError(
            "da.map_blocks: a traced array as a keyword argument is not followed: pass it by "
            "position, in blocks as the others"
        )
    copied = (np.array(arg) if isinstance(arg, np.ndarray) else arg for arg in args)
    others = {i: arg for i, arg in enumerate(copied) if not _is_array(arg)}
    arrays = [operand(arg) for i, arg in enumerate(args) if i not in others]
    asks = has_keyword(func, "block_id") and "block_id" not in options
    return OfBlocks(func, others, options, ids=int(asks)), arrays, theirs


_OPTIONS = "name token dtype chunks meta drop_axis new_axis enforce_ndim".split()


def aligned(arrays: Sequence[Any], ins: Any) -> list[Any]:
    """The arrays in blocks of the same sizes where they share a label, as Dask brings them to."""
    pairs = [part for pair in zip(map(plain_form, arrays), ins, strict=True) for part in pair]
    unified = _dasks["unify_chunks"](*pairs, warn=False)[1]
    return [
        array if array.chunks == like.chunks else rechunk(array, like.chunks)
        for array, like in zip(arrays, unified, strict=True)
    ]


def in_one_block(arrays: Sequence[Any], ins: Any, labels: Any) -> list[Any]:
    """The arrays with one block along the axes of these labels, which the result lacks."""
    out: list[Any] = []
    for array, mine in zip(arrays, ins, strict=True):
        axes = [axis for axis, label in enumerate(mine) if label in labels]
        cut = {axis: -1 for axis in axes if array.numblocks[axis] > 1}
        out.append(rechunk(array, cut) if cut else array)
    return out


def with_ids(arrays: Any, ins: Any, labels: Any, like: Any) -> tuple[list[Any], list[Any]]:
    """Behind the arrays one for each axis of the result, with the numbers of its blocks."""
    numbers = [marked(da.from_array(np.arange(count), chunks=1)) for count in like.numblocks]
    return [*arrays, *numbers], [*ins, *((label,) for label in labels)]


@implements("blockwise")
def blockwise(func: Callable[..., Any], out_ind: Any, *args: Any, **options: Any) -> Any:
    if options.get("align_arrays", True) is False:
        raise UnsupportedError("da.blockwise of a traced array does not take align_arrays=False")
    pairs = [*zip(args[::2], args[1::2], strict=True)]
    arrays = [operand(value) for value, labels in pairs if labels is not None]
    plain = [part for value, labels in pairs for part in (plain_form(value), labels)]
    like = _dasks["blockwise"](func, out_ind, *plain, **options)
    given = [tuple(labels) for _, labels in pairs if labels is not None]
    names = {name: i for i, name in enumerate(dict.fromkeys(sum(given, tuple(out_ind))))}
    ins = [tuple(map(names.__getitem__, labels)) for labels in given]
    labels = [names[name] for name in out_ind]
    summed = [label for label in names.values() if label not in labels]
    cut = any(
        count > 1 and label in summed
        for array, mine in zip(arrays, ins, strict=True)
        for label, count in zip(mine, array.numblocks, strict=True)
    )
    if cut and not options.get("concatenate"):
        raise UnsupportedError(
            "da.blockwise of a traced array gives the function no lists of blocks: pass "
            "concatenate=True, or bring what is summed into one block"
        )
    skipped = "adjust_chunks align_arrays concatenate dtype meta name new_axes token".split()
    rest = {name: value for name, value in options.items() if name not in skipped}
    others = {i: value for i, (value, labels) in enumerate(pairs) if labels is None}
    function = OfBlocks(func, others, rest)
    arrays = aligned(in_one_block(arrays, ins, summed), ins)
    return apply(function, arrays, ins, labels, like)


_COUNTS = (
    "What it counts is a step function of the values: count on pullback.stop_gradient(x), or sum "
    "weights that are smooth in x"
)
_SIZES = "How many elements it has depends on the values: write it on x.compute(), before"
refusals |= {
    "reduction": "Use da.sum, da.max and the like, or da.map_blocks and then one of these",
    "percentile": "It is an approximation where x has several blocks: use da.quantile(x, q / 100, "
    "axis=0), along an axis that is brought into one",
    "piecewise": "Its functions get as many elements as the values say: write da.where(condition, "
    "f(x), g(x)), or da.select",
}
refusals |= dict.fromkeys(("histogram", "histogramdd", "histogram2d", "bincount"), _COUNTS)
refusals |= dict.fromkeys(("unique", "union1d", "extract"), _SIZES)
method("map_blocks", lambda self, func, *args, **options: map_blocks(func, self, *args, **options))
