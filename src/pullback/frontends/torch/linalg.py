"""Inverses and systems; decompositions are left to torch's own derivative."""

from __future__ import annotations

from typing import Any

import torch

from ...ops import linalg as ops
from . import opaque
from .dispatch import implements


@implements(torch.linalg.inv, torch.inverse, torch.Tensor.inverse)
def inv(A: Any) -> Any:
    return ops.inv(A)


@implements(torch.linalg.solve)
def solve(A: Any, B: Any, *, left: bool = True, out: Any = None) -> Any:
    if out is not None or not left or B.ndim != A.ndim or A.shape[:-2] != B.shape[:-2]:
        return opaque.apply(torch.linalg.solve, (A, B), {"left": left, "out": out})
    return ops.solve(A, B)
