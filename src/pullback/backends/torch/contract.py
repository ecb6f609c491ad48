"""torch spellings of the canonical functions: contractions."""

from __future__ import annotations

from typing import Any

import torch

matmul = torch.matmul


def contract(x: Any, y: Any, subscripts: str) -> Any:
    return torch.einsum(subscripts, x, y)
