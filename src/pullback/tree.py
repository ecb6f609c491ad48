"""Trees: the thin layer over optree, with a fast path for a single array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

NAMESPACE = "pullback"
_array: Any = 0
LEAF = optree.tree_structure(_array)  # the structure of a single array


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of `tree`, and its structure."""
    return optree.tree_flatten(tree, None, namespace=NAMESPACE)


def unflatten(structure: Any, leaves: Any) -> Any:
    """The tree of this structure with these leaves."""
    if structure is LEAF:
        (leaf,) = leaves
        return leaf
    return optree.tree_unflatten(structure, leaves)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `function` applied to every leaf."""
    return optree.tree_map(function, tree, namespace=NAMESPACE)


def path_of(structure: Any, place: int, root: str) -> str:
    """How a user would write the leaf number `place` of a tree called `root`: `root[1]['w']`."""
    return structure.accessors()[place].codify(root)


def register_node(
    cls: type,
    flatten_function: Callable[[Any], Any],
    unflatten_function: Callable[[Any, Any], Any],
) -> type:
    """Let instances of `cls` be trees in pullback's transforms.

    Args:
        cls: The class to register.
        flatten_function: From an instance to `(children, metadata)`; the metadata must be hashable.
        unflatten_function: From `(metadata, children)` back to an instance.

    Returns:
        `cls`, so that the call can stand where a class is expected.

    Raises:
        ValueError: If `cls` is registered already.

    Example:
        >>> import numpy as np, pullback
        >>> class Line:
        ...     def __init__(self, slope, offset):
        ...         self.slope, self.offset = slope, offset
        >>> _ = pullback.register_node(
        ...     Line, lambda l: ((l.slope, l.offset), None), lambda _, c: Line(*c))
        >>> g = pullback.grad(lambda l: l.slope * 2.0 + l.offset)(Line(3.0, 1.0))
        >>> float(g.slope)
        2.0
    """
    optree.register_pytree_node(cls, flatten_function, unflatten_function, namespace=NAMESPACE)
    return cls
