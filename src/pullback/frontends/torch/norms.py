"""Normalisations that keep running statistics, which a transform must not write into."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from ...errors import UnsupportedError
from . import opaque
from .dispatch import functions, is_box, name_of

# The functions, and the parameters that say that the running statistics are updated.
_UPDATING = {
    torch.nn.functional.batch_norm: ("running_mean", "training"),
    torch.nn.functional.instance_norm: ("running_mean", "use_input_stats"),
}


def _guarded(function: Callable[..., Any], statistics: str, updating: str) -> Callable[..., Any]:
    signature = inspect.signature(function)

    def ours(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        running = given.arguments[statistics]
        if given.arguments[updating] and running is not None and not is_box(running):
            raise UnsupportedError(
                f"{name_of(function)} with {updating}=True would write its running statistics into "
                "the caller's tensors, which a transform never does: call module.eval(), make the "
                "module with track_running_stats=False, or pass no running statistics"
            )
        return opaque.apply(function, args, kwargs)

    return ours


for _function, _names in _UPDATING.items():
    functions[_function] = _guarded(_function, *_names)
