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

from ...core import Primitive
from ...errors import UnsupportedError
from ...ops import lift
from ...rules import JOINT, TRANSPOSE, Rule

_blockwise = vars(da)["blockwise"]
_map_blocks = vars(da)["map_blocks"]


def _as_before(cotangent: Any, xp: Any, shape: Any) -> Any:
    chunks = getattr(shape, "chunks", None)
    if chunks is None:
        return cotangent
    return xp.rechunk(cotangent, chunks={i - len(shape): one for i, one in enumerate(chunks)})


# `chunks` are the sizes by axis, counted from the end.
rechunk = Primitive(
    "rechunk",
    "linear",
    lambda x, chunks: x.rechunk(chunks),
    [Rule(TRANSPOSE, _as_before, ("x",))],
    batch=lift.expanded(),
)
persist = Primitive(
    "persist",
    "linear",
    lambda x, options: x.persist(**options),
    [Rule(TRANSPOSE, lambda cotangent: cotangent, ("x",))],
    batch=lift.expanded(),
)


class Pulled:
    """A function of blocks: the cotangent of one argument of `function`, from that of its result.

    The cotangent is its first argument, and `function`'s arguments are the others.
    """

    __slots__ = ("function", "position")

    def __init__(self, function: Callable[..., Any], position: int) -> None:
        self.function = function
        self.position = position

    def __call__(self, cotangent: Any, *blocks: Any) -> Any:
        """The cotangent of the block at `position`."""
        from ... import vjp  # noqa: PLC0415 (the package imports its backends)

        position = self.position

        def alone(block: Any) -> Any:
            return self.function(*blocks[:position], block, *blocks[position + 1 :])

        _, pull = vjp(alone, blocks[position])
        return pull(cotangent)[0]

    def __dask_tokenize__(self) -> Any:
        return dask.base.normalize_token((type(self).__name__, self.function, self.position))


def _on_blocks(*arrays: Any, function: Any, like: int | None, options: dict[str, Any]) -> Any:
    if like is None:
        return _map_blocks(function, *arrays, **options)
    chunks, dtype = arrays[like].chunks, arrays[like].dtype
    axes = tuple(range(len(chunks)))
    operands = [part for array in arrays for part in (array, axes[len(axes) - array.ndim :])]
    return _blockwise(
        function,
        axes,
        *operands,
        dtype=dtype,
        meta=np.empty((0,) * len(chunks), dtype),
        align_arrays=False,
        adjust_chunks=dict(enumerate(chunks)),
    )


def _blocks_vjp(
    cotangent: Any, xp: Any, args: Sequence[Any], out: Any, function: Any
) -> tuple[Any, ...]:
    results: list[Any] = []
    for position, arg in enumerate(args):
        if arg.dtype.kind not in "fc":
            results.append(None)
            continue
        if tuple(map(len, arg.chunks)) != tuple(map(len, out.chunks)):
            raise UnsupportedError(
                "map_blocks: the gradient needs one block of the result for each block of an "
                f"argument, got {tuple(map(len, out.chunks))} and {tuple(map(len, arg.chunks))} "
                "blocks; broadcast or reduce outside of map_blocks"
            )
        pulled = Pulled(function, position)
        results.append(
            xp.map_blocks(cotangent, *args, function=pulled, like=position + 1, options={})
        )
    return tuple(results)


def _not_batched(*_: Any) -> Any:
    raise UnsupportedError(
        "pullback.vmap: map_blocks of a batched array is not followed: its blocks would have an "
        "axis more than the function takes. Use vmap(..., fallback='loop')"
    )


# `like` is the argument whose chunks and dtype the result has; None: `options` are Dask's.
map_blocks = Primitive(
    "map_blocks",
    "opaque",
    _on_blocks,
    [Rule(JOINT, _blocks_vjp, ("x",))],
    joint=True,
    variadic=True,
    batch=_not_batched,
)

PRIMITIVES: dict[str, Primitive] = {
    primitive.name: primitive for primitive in (rechunk, persist, map_blocks)
}
FUNCTIONS: dict[str, Any] = {
    name: functools.partial(lambda impl, _, *args, **params: impl(*args, **params), primitive.impl)
    for name, primitive in PRIMITIVES.items()
}
