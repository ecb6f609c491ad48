"""Tensors made like a traced one: what they are made for is often to be written into.

They are buffers: no transform follows them until a traced value is written into one.
"""

from __future__ import annotations

from typing import Any

import torch

from ...mutate import BufferTrace
from . import opaque
from .dispatch import functions, is_box
from .mutation import form

_MAKERS = (
    *(
        getattr(torch, f"{name}_like")
        for name in "empty full ones rand randint randn zeros".split()
    ),
    *(getattr(torch.Tensor, f"new_{name}") for name in "empty full ones zeros".split()),
)


def _made(maker: Any) -> Any:
    def make(like: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_box(like) or any(map(is_box, (*args, *kwargs.values()))):
            return opaque.apply(maker, (like, *args), kwargs)
        backend, tensor = like.tracer.backend, maker(form(like), *args, **kwargs)
        return BufferTrace(backend).box(tensor) if backend.differentiable(tensor) else tensor

    return make


for _maker in _MAKERS:
    functions[_maker] = _made(_maker)
