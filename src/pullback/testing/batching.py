"""`check_batching`: `vmap` of a function, and of its derivatives, against a loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..backends.numpy import backend
from ..batch import vmap
from ..errors import BatchingError, ConversionError, UnsupportedError
from ..forward import jvp
from ..vjp import vjp
from .compare import GradientError, compare
from .leaves import random_tree


def check_batching(function: Callable[..., Any], *args: Any, batched: bool = True) -> None:
    """Check that `vmap` of `function`, and of its derivatives in both modes, is a loop's result.

    Each differentiable leaf of `args` is varied from example to example, alone and all together.

    Args:
        function: A function of arrays, or trees of arrays, that returns the same.
        *args: One example.
        batched: False if `function` cannot be batched: then it must raise `BatchingError`.

    Raises:
        GradientError: Where `vmap` and the loop differ.

    Example:
        >>> import numpy as np
        >>> from pullback.testing import check_batching
        >>> check_batching(lambda x, y: np.sin(x) @ y, np.ones((2, 3)), np.ones(3))
    """
    leaves, structure = tree.flatten(args)
    places = [i for i, leaf in enumerate(leaves) if backend.differentiable(leaf)]

    def of_leaves(*values: Any) -> Any:
        return function(*tree.unflatten(structure, values))

    for chosen in [*([place] for place in places), *([places] if len(places) > 1 else [])]:
        if not _is_followed(of_leaves, leaves, chosen):
            continue
        stacks = _examples(of_leaves, leaves, chosen)
        dims = tuple(0 if place in chosen else None for place in range(len(leaves)))
        if batched:
            _check_batched(of_leaves, stacks, dims)
            continue
        try:
            vmap(of_leaves, dims)(*stacks)
        except BatchingError:
            continue
        raise GradientError("vmap batched a call that is declared not to be batched")


def _is_followed(function: Callable[..., Any], leaves: list[Any], chosen: list[int]) -> bool:
    """Can `function` be called where only the leaves `chosen` are traced?

    NumPy hands a call on only for some of a function's arguments; for others it asks for a plain
    array, which a traced one refuses to become.
    """
    tangents = [leaf if place in chosen else None for place, leaf in enumerate(leaves)]
    try:
        jvp(function, tuple(leaves), tuple(tangents))
    except (ConversionError, UnsupportedError):
        return False
    return True


# How many examples a batch has: no other axis of a sample is as long.
_EXAMPLES = 7


def _examples(function: Callable[..., Any], leaves: list[Any], chosen: list[int]) -> list[Any]:
    """`leaves` with those `chosen` varied on a leading axis, and still arguments of `function`.

    Rolled along the last axis, they are in another order in every example; where that is no
    argument (a matrix that must be definite), they differ by a little.
    """
    rolled, moved = list(leaves), list(leaves)
    for place in chosen:
        leaf = np.asarray(leaves[place])
        turns = range(_EXAMPLES)
        rolled[place] = np.stack([np.roll(leaf, k, -1) if leaf.ndim else leaf for k in turns])
        moved[place] = np.stack([leaf * (1 + 1e-5 * k) for k in turns]).astype(leaf.dtype)
    try:
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            avals = [
                [
                    backend.aval(out)
                    for out in tree.flatten(function(*_example(rolled, chosen, i)))[0]
                ]
                for i in range(_EXAMPLES)
            ]
    except Exception:  # noqa: BLE001 (whatever a function raises for what is no argument of it)
        return moved
    return rolled if all(aval == avals[0] for aval in avals) else moved


def _example(stacks: list[Any], chosen: list[int], i: int) -> list[Any]:
    return [stack[i] if place in chosen else stack for place, stack in enumerate(stacks)]


def _check_batched(function: Callable[..., Any], stacks: list[Any], dims: tuple[Any, ...]) -> None:
    out = _compare_with_loop(function, stacks, dims, "vmap")
    if not any(map(backend.differentiable, tree.flatten(out)[0])):
        return

    def pulled(cotangents: Any, *values: Any) -> Any:
        return vjp(function, *values)[1](cotangents)

    def pushed(tangents: Any, *values: Any) -> Any:
        return jvp(function, values, tangents)[1]

    tangents = tuple(
        None if dim is None else random_tree(stack, 6)
        for stack, dim in zip(stacks, dims, strict=True)
    )
    _compare_with_loop(pulled, [random_tree(out, 5), *stacks], (0, *dims), "vmap of vjp")
    _compare_with_loop(pushed, [tangents, *stacks], (0, *dims), "vmap of jvp")


def _compare_with_loop(
    function: Callable[..., Any], stacks: list[Any], dims: tuple[Any, ...], what: str
) -> Any:
    """The batched result, which is compared with the loop's."""

    def example(i: int) -> list[Any]:
        return [
            stack if dim is None else tree.map_leaves(lambda leaf: leaf[i], stack)
            for stack, dim in zip(stacks, dims, strict=True)
        ]

    rows = [function(*example(i)) for i in range(_EXAMPLES)]
    flat = [tree.flatten(row)[0] for row in rows]
    _, structure = tree.flatten(rows[0])
    stacked = [np.stack(column) for column in zip(*flat, strict=True)]
    expected = tree.unflatten(structure, stacked)
    got = vmap(function, dims)(*stacks)
    compare(got, expected, f"{what} differs from the loop", 1e-8)
    return got
