"""Buffers: tensors that no transform follows yet, but that a traced value may be written into.

What a program makes for itself while a transform runs (`torch.zeros(n)`, to be filled) is a box of
level 0.  torch's functions on such boxes alone are torch's own, run on the tensors inside.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from ... import tree
from ...backends.torch import backend_for, shares
from ...core import raw
from ...mutate import BufferTrace, Loan

_of_backend = functools.cache(BufferTrace)


def as_buffer(result: Any, *sources: Any) -> Any:
    """`result` (a tensor, or a tuple or list of them) with its new tensors as buffers.

    A tensor that shares memory with one of `sources`, or belongs to torch's own autograd, is
    somebody else's, and stays as it is; so do integers and booleans, which are indices and masks.
    """
    if type(result) in (tuple, list):
        return type(result)(as_buffer(part, *sources) for part in result)
    if type(result) is not torch.Tensor or not _can_be_followed(result):
        return result
    if sources and any(
        isinstance(one, torch.Tensor) and shares(result, raw(one))
        for one in tree.flatten(sources)[0]
    ):
        return result
    return _of_backend(backend_for(result)).box(result)


def _can_be_followed(tensor: Any) -> bool:
    if tensor.requires_grad or tensor.layout is not torch.strided or tensor.is_inference():
        return False
    return tensor.is_floating_point() or tensor.is_complex()


def lent(tensor: Any) -> Any:
    """A read-only NumPy array on the memory of a buffer, for code that may keep it (see `Loan`)."""
    return np.asarray(Loan(tensor.detach().numpy(), tensor))
