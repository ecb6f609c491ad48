"""Any function of torch on boxes: one primitive, whose derivative is torch's own.

The boxes among the arguments, wherever they are in lists and keywords, are the primitive's
arguments; everything else is part of the function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ... import tree
from ...backends.torch import implementations, plain, shares
from ...backends.torch.autograd import Call, call
from ...backends.torch.functions import on_boxes
from ...backends.torch.tensors import version_of
from ...backends.torch.views import view
from ...core import bind, detached, is_buffer, raw
from ...errors import ConversionError
from .buffers import as_buffer
from .dispatch import is_box, name_of


def apply(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """`function(*args, **kwargs)`, of which some arguments hold boxes."""
    if kwargs.get("inplace"):
        from .mutation import replace  # noqa: PLC0415

        return replace(args[0], function(*args, **kwargs | {"inplace": False}))
    leaves, structure = tree.flatten((args, kwargs))
    if not torch.is_grad_enabled():
        leaves = [*map(detached, leaves)]
        if not any(map(is_box, leaves)):  # none is of vmap
            return on_values(function, leaves, structure)
    places = [place for place, value in enumerate(leaves) if is_box(value)]
    boxes = [leaves[place] for place in places]
    captured = _captured(leaves)
    versions = [*map(version_of, captured)]

    def evaluate(ins: Sequence[Any]) -> tuple[list[Any], Any]:
        filled = leaves[:]
        for place, value in zip(places, ins, strict=True):
            filled[place] = value
        args, kwargs = tree.unflatten(structure, filled)
        results, result_structure = tree.flatten(function(*args, **kwargs))
        return results, functools.partial(tree.unflatten, result_structure)

    if all(map(is_buffer, boxes)):  # no transform follows them
        results, rebuild = evaluate([*map(raw, boxes)])
        results = [as_buffer(one, boxes) for one in results]
        return as_views(rebuild(results), boxes, evaluate)
    evaluation = Call(evaluate, captured, [*map(is_differentiated, boxes)])
    parts = bind(call, boxes, {"evaluation": evaluation})
    for tensor, version in zip(captured, versions, strict=True):
        if version_of(tensor) != version:
            raise ConversionError(
                f"{name_of(function)} of a traced tensor wrote into a plain one (of shape "
                f"{tuple(tensor.shape)}), which would keep that after the transform. Pass a copy."
            )
    return as_views(evaluation.ran.rebuilt(parts), boxes, evaluate)


def _captured(leaves: list[Any]) -> list[Any]:
    """The plain tensors among `leaves`, in which subclasses become tensors, in place."""
    captured: list[Any] = []
    for place, value in enumerate(leaves):
        if isinstance(value, torch.Tensor) and not is_box(value):
            tensor = value if type(value) is torch.Tensor else plain(value)
            leaves[place] = tensor = tensor.clone() if tensor.is_inference() else tensor
            captured.append(tensor)
    return captured


def is_differentiated(value: Any) -> bool:
    """Does any transform but `vmap` follow `value`?"""
    while is_box(value):
        if value.tracer.level and not value.tracer.lead:
            return True
        value = value.value
    return False


def as_views(results: Any, boxes: list[Any], evaluate: Callable[..., Any]) -> Any:
    """`results`, in which a tensor that shares memory with one of `boxes` is a view of that."""
    if not any(
        isinstance(one, torch.Tensor) and shares(raw(one), raw(box))
        for one in tree.flatten(results)[0]
        for box in boxes
    ):
        return results

    values = [*map(raw, boxes)]

    def viewed(place: int, one: Any) -> Any:
        sources = [
            number
            for number, value in enumerate(values)
            if isinstance(one, torch.Tensor) and shares(raw(one), value)
        ]
        if not sources:
            return one
        number = sources[0] if len(sources) == 1 else _source(place, sources, values, evaluate)

        def of_box(value: Any) -> Any:
            return evaluate([*values[:number], value, *values[number + 1 :]])[0]

        return bind(view, (boxes[number],), {"function": of_box, "place": place})

    leaves, structure = tree.flatten(results)
    return tree.unflatten(structure, [viewed(*pair) for pair in enumerate(leaves)])


def _source(place: int, sources: list[int], values: list[Any], evaluate: Callable[..., Any]) -> int:
    """Which of arguments that share memory a result is a view of: a copy of it shows that."""
    for number in sources[1:]:
        copy = values[number].clone()
        results, _ = evaluate([*values[:number], copy, *values[number + 1 :]])
        if shares(results[place], copy):
            return number
    return sources[0]


def of_values(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`function` of what `args` hold, as a constant: of positions, orders and the like."""
    values = [*map(detached, args)]
    if any(map(is_box, values)):  # of vmap
        return apply(function, tuple(values), kwargs)
    return function(*values, **kwargs)


def on_values(function: Callable[..., Any], leaves: list[Any], structure: Any) -> Any:
    """`function` of the values, as a constant that shares no memory with a traced one."""
    args, kwargs = tree.unflatten(structure, leaves)
    return unshared(function(*args, **kwargs), leaves)


def unshared(result: Any, values: list[Any]) -> Any:
    """`result` with copies of those of its tensors that are views of `values`."""

    def copied(one: Any) -> Any:
        return implementations.constant(one, values) if isinstance(one, torch.Tensor) else one

    return copied(result) if isinstance(result, torch.Tensor) else tree.map_leaves(copied, result)


on_boxes.append(apply)
