"""torch.func's transforms as a program sees them while one of pullback's runs: pullback's own.

torch's are made of calls that no traced tensor can follow, and pullback's take the same arguments
and nest in one another. What a program bound to a name before (`from torch.func import grad`) stays
torch's, unless the program is adopted.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import torch

from ...errors import UnsupportedError

_NAMES = "grad grad_and_value vjp jvp jacrev jacfwd hessian linearize vmap".split()


def _ours(name: str) -> Callable[..., Any]:
    @functools.wraps(getattr(torch.func, name))
    def transform(*args: Any, **kwargs: Any) -> Any:
        if kwargs.pop("randomness", "error") != "error":
            raise UnsupportedError(
                f"torch.func.{name} with randomness= inside of a transform of pullback's: draw the "
                "random numbers before, and pass them as an argument"
            )
        return getattr(importlib.import_module("pullback"), name)(*args, **kwargs)

    return transform


# torch's transform -> pullback's.
transforms: dict[Any, Callable[..., Any]] = {
    getattr(torch.func, name): _ours(name) for name in _NAMES
}
