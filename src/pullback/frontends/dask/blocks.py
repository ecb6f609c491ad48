"""Functions of blocks: `map_blocks` differentiates the NumPy function of one block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dask.base import normalize_token

from ...backends.dask.blocks import map_blocks as primitive
from ...errors import UnsupportedError
from ..array_api.dispatch import boxes_in
from .box import method
from .dispatch import functions, implements, operand

_REFUSED = ("drop_axis", "new_axis", "enforce_ndim")


@implements("map_blocks")
def map_blocks(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
    for name in _REFUSED:
        if options.get(name) not in (None, [], ()):
            raise UnsupportedError(
                f"da.map_blocks of a traced array does not take {name}=: a block of the result "
                "belongs to one block of each argument; reduce or reshape outside of map_blocks"
            )
    theirs = {name: options.pop(name) for name in _OPTIONS if name in options}
    if boxes_in([*options.values()]):
        raise UnsupportedError(
            "da.map_blocks: a traced array as a keyword argument is not followed: pass it by "
            "position, in blocks as the others"
        )
    numbers = {i: arg for i, arg in enumerate(args) if not hasattr(arg, "shape")}
    arrays = [operand(arg) for i, arg in enumerate(args) if i not in numbers]
    if len({array.numblocks for array in arrays}) > 1 or any(not array.ndim for array in arrays):
        raise UnsupportedError(
            "da.map_blocks of traced arrays takes arrays of as many blocks each, got "
            f"{[array.numblocks for array in arrays]}: bring them to one shape first, with "
            "da.broadcast_arrays(...) and x.rechunk(...)"
        )
    function = OfBlocks(func, numbers, options)
    return primitive(*arrays, function=function, like=None, options=theirs)


_OPTIONS = ("name", "token", "dtype", "chunks", "meta")


class OfBlocks:
    """`func` with its numbers and keywords in their places, as a function of blocks alone."""

    __slots__ = ("func", "numbers", "options")

    def __init__(
        self, func: Callable[..., Any], numbers: dict[int, Any], options: dict[str, Any]
    ) -> None:
        self.func = func
        self.numbers = numbers
        self.options = options

    def __call__(self, *blocks: Any) -> Any:
        """The function of one block of each array."""
        left = iter(blocks)
        count = len(blocks) + len(self.numbers)
        args = [self.numbers[i] if i in self.numbers else next(left) for i in range(count)]
        return self.func(*args, **self.options)

    def __dask_tokenize__(self) -> Any:
        return normalize_token((type(self).__name__, self.func, self.numbers, self.options))


def _refused(name: str, instead: str) -> None:
    @implements(name)
    def refuse(*_: Any, **__: Any) -> Any:
        raise UnsupportedError(f"da.{name} of a traced array is not differentiated: {instead}")


_refused("map_overlap", "write the neighbours as slices (x[1:] - x[:-1]) or with da.roll")
_refused("apply_gufunc", "use da.map_blocks with a function of whole blocks")
_refused("blockwise", "use da.map_blocks, da.einsum or operators, whose broadcasting is that")
_refused("apply_along_axis", "use da.map_blocks with a function of whole blocks")
_refused("reduction", "use da.sum, da.max and the like, or da.map_blocks and then one of these")
method("map_blocks", lambda self, func, *args, **options: map_blocks(func, self, *args, **options))
method("map_overlap", lambda self, *_, **__: functions["map_overlap"](self))
