"""What torch knows of a tensor, and has no public name for."""

from __future__ import annotations

from typing import Any

import torch


def transformed(value: Any) -> bool:
    """Is this tensor inside a transform of torch.func's?"""
    return torch._C._functorch.is_functorch_wrapped_tensor(value)


def version_of(tensor: Any) -> int:
    """How often the tensor was written into; torch does not count in inference mode."""
    return 0 if tensor.is_inference() else tensor._version
