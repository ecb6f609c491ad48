"""Any function of torch on boxes: one primitive, whose derivative is torch's own.

The boxes among the arguments, wherever they are in lists and keywords, are the primitive's
arguments; everything else is part of the function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ... import tree
from ...backends.torch import plain, shares
from ...backends.torch.autograd import Call, call, on_boxes
from ...core import bind, raw
from .dispatch import is_box


def apply(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """`function(*args, **kwargs)`, of which some arguments hold boxes."""
    leaves, structure = tree.flatten((args, kwargs))
    places = [place for place, value in enumerate(leaves) if is_box(value)]
    boxes = [leaves[place] for place in places]
    if not torch.is_grad_enabled():
        return on_values(function, leaves, structure)
    captured: list[Any] = []
    versions: list[int] = []
    for place, value in enumerate(leaves):
        if isinstance(value, torch.Tensor) and not is_box(value):
            leaves[place] = tensor = value if type(value) is torch.Tensor else plain(value)
            captured.append(tensor)
            versions.append(tensor._version)

    def evaluate(ins: list[Any]) -> tuple[list[Any], Any]:
        for place, value in zip(places, ins, strict=True):
            leaves[place] = value
        args, kwargs = tree.unflatten(structure, leaves)
        results, result_structure = tree.flatten(function(*args, **kwargs))
        followed = [isinstance(one, torch.Tensor) and one.requires_grad for one in results]
        outs = [one for one, follows in zip(results, followed, strict=True) if follows]
        constants = [
            None if follows else one for one, follows in zip(results, followed, strict=True)
        ]

        def rebuild(parts: Any) -> Any:
            rest = iter(parts)
            full = [
                next(rest) if follows else one
                for one, follows in zip(constants, followed, strict=True)
            ]
            return tree.unflatten(result_structure, full)

        return outs, rebuild

    evaluation = Call(evaluate, captured)
    parts = bind(call, boxes, {"evaluation": evaluation})
    return evaluation.rebuild(parts)


def on_values(function: Callable[..., Any], leaves: list[Any], structure: Any) -> Any:
    """`function` of the values, as a constant that shares no memory with a traced one."""
    values = [raw(leaf) for leaf in leaves]
    args, kwargs = tree.unflatten(structure, values)
    return unshared(function(*args, **kwargs), values)


def unshared(result: Any, values: list[Any]) -> Any:
    """`result` with copies of those of its tensors that are views of `values`."""
    tensors = [value for value in values if isinstance(value, torch.Tensor)]

    def copied(one: Any) -> Any:
        if isinstance(one, torch.Tensor) and any(shares(one, value) for value in tensors):
            return one.clone()
        return one

    return copied(result) if isinstance(result, torch.Tensor) else tree.map_leaves(copied, result)


on_boxes.append(apply)
