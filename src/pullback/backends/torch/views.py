"""One of the views that a torch function takes of a tensor, as a linear primitive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.func import vmap

from ...core import Primitive, bind, box_types
from ...rules import TRANSPOSE, Rule
from .functions import on_boxes


def torch_view(x: Any, function: Callable[[Any], Any], place: int) -> Any:
    """The result number `place` of a function whose results are views of `x`."""
    return function(x)[place]


def _view_transpose(
    cotangent: Any, shape: Any, dtype: Any, function: Callable[[Any], Any], place: int
) -> Any:
    def transpose(cotangent: Any) -> Any:
        with torch.enable_grad():
            x = torch.zeros(shape, dtype=dtype, device=cotangent.device, requires_grad=True)
            out = torch_view(x, function, place)
            (found,) = torch.autograd.grad(out, x, cotangent, create_graph=True)
        return found

    return (
        on_boxes[0](transpose, (cotangent,), {})
        if type(cotangent) in box_types
        else transpose(cotangent)
    )


def _view_batch(_: Primitive, args: Any, __: Any, params: Any, ___: int) -> Any:
    function, place = params["function"], params["place"]

    def of_batch(x: Any) -> list[Any]:
        return [vmap(lambda one: function(one)[place])(x)]

    return bind(view, args, {"function": of_batch, "place": 0})


view = Primitive(
    "torch_view",
    "linear",
    torch_view,
    [Rule(TRANSPOSE, _view_transpose, ("x",))],
    batch=_view_batch,
)
