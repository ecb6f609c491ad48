"""`map_overlap`: blocks with their neighbours' elements, a function of these, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
from dask.array import overlap as dasks
from dask.base import normalize_token

from ...backends.dask.blocks import overlapped
from ...errors import UnsupportedError
from .blocks import OfBlocks, aligned, apply, function_of, plain_form, with_ids
from .box import method
from .dispatch import functions, implements
from .shape import rechunk

_map_overlap = vars(da)["map_overlap"]
# Dask's word for what is beyond an end -> that of `pad`.
_MODES = {"reflect": "symmetric", "periodic": "wrap", "nearest": "edge"}

Depths = dict[int, Any]


class Trimmed:
    """A function of blocks, without the margins of its result.

    The last blocks are the numbers of the block. At an end that has no margin, nothing is cut off.
    """

    __slots__ = ("counts", "function", "margins")

    def __init__(self, function: OfBlocks, margins: Any, counts: Any) -> None:
        self.function = function
        self.margins = margins
        self.counts = counts

    def __call__(self, *blocks: Any) -> Any:
        """The middle of the function's result."""
        given = blocks if self.function.ids else blocks[: len(blocks) - len(self.counts)]
        out = self.function(*given)
        parts: list[slice] = []
        numbers = blocks[len(blocks) - len(self.counts) :]
        for n, number, count, (before, after, ends) in zip(
            out.shape, numbers, self.counts, self.margins, strict=True
        ):
            start = before if ends or number[0] > 0 else 0
            parts.append(slice(start, n - (after if ends or number[0] < count - 1 else 0)))
        return out[tuple(parts)]

    def __dask_tokenize__(self) -> Any:
        return normalize_token((type(self).__name__, self.function, self.margins, self.counts))


@implements("map_overlap")
def map_overlap(
    func: Callable[..., Any],
    *args: Any,
    depth: Any = None,
    boundary: Any = None,
    trim: bool = True,
    align_arrays: bool = True,
    allow_rechunk: bool = True,
    **options: Any,
) -> Any:
    for name in ("drop_axis", "new_axis", "chunks"):
        if options.get(name) is not None:
            raise UnsupportedError(
                f"da.map_overlap of a traced array does not take {name}=: change the axes before, "
                "or after"
            )
    forms = [plain_form(arg) for arg in args]
    own = {"depth": depth, "boundary": boundary, "trim": trim}
    like = _map_overlap(
        func, *forms, align_arrays=align_arrays, allow_rechunk=allow_rechunk, **own, **options
    )
    function, arrays, _ = function_of(func, args, options)
    ins = [tuple(range(like.ndim - array.ndim, like.ndim)) for array in arrays]
    if align_arrays:
        arrays = aligned(arrays, ins)
    depths = _each(depth, arrays, dasks.coerce_depth)
    boundaries = _each(boundary, arrays, dasks.coerce_boundary)
    if allow_rechunk:
        arrays = [
            rechunk(x, tuple(map(dasks.ensure_minimum_chunksize, map(_most, d.values()), x.chunks)))
            for x, d in zip(arrays, depths, strict=True)
        ]
    shared = [_shared(*one) for one in zip(arrays, depths, boundaries, strict=True)]
    if trim:
        largest = max(range(len(arrays)), key=lambda i: (arrays[i].ndim, -i))
        margins = _margins(depths[largest], boundaries[largest], like.ndim)
        asks = function.ids
        shared, ins = with_ids(shared, ins, range(like.ndim), like)
        function.ids = like.ndim if asks else 0
        return apply(
            Trimmed(function, margins, like.numblocks), shared, ins, range(like.ndim), like
        )
    if function.ids:
        shared, ins = with_ids(shared, ins, range(like.ndim), like)
        function.ids = like.ndim
    return apply(function, shared, ins, range(like.ndim), like)


def _each(given: Any, arrays: Any, coerce: Callable[[int, Any], Depths]) -> list[Depths]:
    values = given if isinstance(given, list) else [given] * len(arrays)
    return [coerce(array.ndim, value) for array, value in zip(arrays, values, strict=True)]


def _most(depth: Any) -> int:
    return max(depth) if isinstance(depth, tuple) else depth


def _both(depth: Any) -> tuple[int, int]:
    return depth if isinstance(depth, tuple) else (depth, depth)


def _margins(depths: Depths, boundaries: Depths, ndim: int) -> Any:
    """What is cut off along each axis: before, after, and whether at the ends of the array too."""
    return tuple((*_both(depths[axis]), boundaries[axis] != "none") for axis in range(ndim))


def _shared(x: Any, depths: Depths, boundaries: Depths) -> Any:
    """`x` continued beyond its ends, each block with its neighbours' elements."""
    for axis, depth in depths.items():
        before, after = _both(depth)
        if boundaries[axis] == "none" or not (before or after):
            continue
        sizes = [*x.chunks[axis]]
        sizes[0] += before
        sizes[-1] += after
        widths = [(0, 0)] * x.ndim
        widths[axis] = before, after
        x = rechunk(_continued(x, widths, boundaries[axis]), {axis: tuple(sizes)})
    chosen = {axis - x.ndim: _both(depth) for axis, depth in depths.items() if any(_both(depth))}
    return overlapped(x, depths=chosen) if chosen else x


def _continued(x: Any, widths: Any, boundary: Any) -> Any:
    if boundary in _MODES:
        return functions["pad"](x, widths, mode=_MODES[boundary])
    return functions["pad"](x, widths, constant_values=boundary)


def _method(
    self: Any, func: Any, depth: Any, boundary: Any = None, trim: bool = True, **options: Any
) -> Any:
    return map_overlap(func, self, depth=depth, boundary=boundary, trim=trim, **options)


method("map_overlap", _method)
