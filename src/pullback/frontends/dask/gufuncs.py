"""Functions of whole core axes: generalised ufuncs, functions of rows, and order statistics.

Each is a function of blocks (see `blocks.py`) that are whole along those axes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np
from dask.array.gufunc import _parse_gufunc_signature as parse_signature
from dask.base import normalize_token

from ...errors import UnsupportedError
from ..array_api.dispatch import axis_of, boxes_in
from .blocks import OfBlocks, apply, in_one_block, plain_form
from .dispatch import implements, operand
from .shape import rechunk

_dasks = vars(da)


class Looped:
    """A function of core axes, called once for each of the others' elements."""

    __slots__ = ("core", "func")

    def __init__(self, func: Callable[..., Any], core: Sequence[int]) -> None:
        self.func = func
        self.core = tuple(core)

    def __call__(self, *blocks: Any) -> Any:
        """The function of every element's core."""
        from ... import vmap  # noqa: PLC0415 (the package imports its frontends)

        cores = [block.shape[block.ndim - n :] for block, n in zip(blocks, self.core, strict=True)]
        loops = [block.shape[: block.ndim - n] for block, n in zip(blocks, self.core, strict=True)]
        loop = np.broadcast_shapes(*loops)
        function = self.func
        for _ in loop:
            function = vmap(function, fallback="loop")
        return function(
            *(np.broadcast_to(b, (*loop, *core)) for b, core in zip(blocks, cores, strict=True))
        )

    def __dask_tokenize__(self) -> Any:
        return normalize_token((type(self).__name__, self.func, self.core))


class Nth:
    """One of the results of a function: each is computed by a call of its own."""

    __slots__ = ("function", "place")

    def __init__(self, function: Callable[..., Any], place: int) -> None:
        self.function = function
        self.place = place

    def __call__(self, *blocks: Any) -> Any:
        """The result at `place`."""
        return self.function(*blocks)[self.place]

    def __dask_tokenize__(self) -> Any:
        return normalize_token((type(self).__name__, self.function, self.place))


@implements("apply_gufunc")
def apply_gufunc(
    func: Callable[..., Any], signature: str, *args: Any, vectorize: Any = None, **options: Any
) -> Any:
    asked = [
        name
        for name in ("axes", "axis", "keepdims")
        if options.get(name) is not None and options[name] is not False
    ]
    if asked:
        raise UnsupportedError(
            f"da.apply_gufunc of a traced array does not take {asked[0]}=: move the core axes to "
            "the end, with da.moveaxis"
        )
    if boxes_in([*options.values()]):
        raise UnsupportedError("da.apply_gufunc: pass a traced array by position, in the signature")
    arrays = [operand(arg) for arg in args]
    like = _dasks["apply_gufunc"](
        func, signature, *map(plain_form, arrays), vectorize=vectorize, **options
    )
    ins, outs = parse_signature(signature)
    loops = [array.ndim - len(core) for array, core in zip(arrays, ins, strict=True)]
    most = max(loops)
    many = isinstance(outs, list)
    names = dict.fromkeys(name for core in (*ins, *(outs if many else [outs])) for name in core)
    core_labels = {name: most + i for i, name in enumerate(names)}
    labelled = [
        (*range(most - loop, most), *(core_labels[name] for name in core))
        for loop, core in zip(loops, ins, strict=True)
    ]
    arrays = in_one_block(arrays, labelled, set(core_labels.values()))
    theirs = "output_dtypes output_sizes allow_rechunk meta axes axis keepdims signature".split()
    rest = {name: value for name, value in options.items() if name not in theirs}
    function: Any = OfBlocks(func, {}, rest)
    if vectorize:
        function = Looped(function, [len(core) for core in ins])

    def result(out: Any, core: Any, function: Any) -> Any:
        labels = (*range(most), *(core_labels[name] for name in core))
        return apply(function, _unified(arrays, loops, out), labelled, labels, out)

    if not many:
        return result(like, outs, function)
    return tuple(
        result(out, core, Nth(function, place))
        for place, (out, core) in enumerate(zip(like, outs, strict=True))
    )


def _unified(arrays: Sequence[Any], loops: Sequence[int], like: Any) -> list[Any]:
    """The arrays in the chunks that the result has along the axes that are looped over."""
    most = max(loops)
    out: list[Any] = []
    for array, loop in zip(arrays, loops, strict=True):
        wanted = {
            axis: like.chunks[most - loop + axis]
            for axis in range(loop)
            if array.shape[axis] != 1 and array.chunks[axis] != like.chunks[most - loop + axis]
        }
        out.append(rechunk(array, wanted) if wanted else array)
    return out


@implements("apply_along_axis")
def apply_along_axis(
    func1d: Any,
    axis: int,
    arr: Any,
    *args: Any,
    dtype: Any = None,
    shape: Any = None,
    **kwargs: Any,
) -> Any:
    if boxes_in([*args, *kwargs.values()]):
        raise UnsupportedError(
            "da.apply_along_axis: a traced array beside the one whose rows are taken is not "
            "followed: use da.apply_gufunc, which takes several"
        )
    options = {"dtype": dtype, "shape": shape} | kwargs
    like = _dasks["apply_along_axis"](func1d, axis, plain_form(arr), *args, **options)
    others = {0: func1d, 1: axis} | {3 + i: arg for i, arg in enumerate(args)}
    function = OfBlocks(np.apply_along_axis, others, kwargs)
    return _along(function, arr, (axis,), like)


def _along(function: Any, x: Any, axes: Any, like: Any, *, first: bool = False) -> Any:
    """A function of blocks that are whole along `axes`, which it may replace by others.

    What replaces them stands in the place of the one axis there is, or `first`.
    """
    axes = [axis_of(axis, x.ndim) + x.ndim for axis in axes]
    ins = [(*range(x.ndim),)]
    if like.ndim == x.ndim and not first and len(axes) == 1:
        labels = [x.ndim if axis in axes else axis for axis in range(x.ndim)]
    else:
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        fresh = [*range(x.ndim, x.ndim + like.ndim - len(kept))]
        place = 0 if first else min(axes)
        labels = [*kept[:place], *fresh, *kept[place:]]
    arrays = in_one_block([x], ins, axes)
    wanted = {
        axis: like.chunks[labels.index(axis)]
        for axis in range(x.ndim)
        if axis in labels and arrays[0].chunks[axis] != like.chunks[labels.index(axis)]
    }
    if wanted:
        arrays = [rechunk(arrays[0], wanted)]
    return apply(function, arrays, ins, labels, like)


# Order statistics along whole axes, as Dask has them


def _statistic(name: str) -> None:
    asks = ("q",) if "quantile" in name else ()

    @implements(name)
    def statistic(a: Any, *args: Any, keepdims: bool = False, **options: Any) -> Any:
        options |= dict(zip((*asks, "axis"), args, strict=False))
        if keepdims or boxes_in([*options.values()]):
            raise UnsupportedError(
                f"da.{name} of a traced array takes neither keepdims=True nor a traced q"
            )
        like = _dasks[name](plain_form(a), **options)
        axis = options.get("axis")
        axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
        numpys = OfBlocks(getattr(np, name), {}, options | {"axis": axes})
        return _along(numpys, a, axes, like, first=bool(asks))


for _name in ("median", "nanmedian", "quantile", "nanquantile"):
    if _name in _dasks:
        _statistic(_name)
