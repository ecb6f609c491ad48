"""The standard's spellings of the canonical functions: contractions."""

from __future__ import annotations

import math
from typing import Any

from ..numpy.contract import plan_of


def matmul(lib: Any, x: Any, y: Any) -> Any:
    return lib.namespace.matmul(x, y)


def contract(lib: Any, x: Any, y: Any, subscripts: str) -> Any:
    """Two-operand einsum in the plainest form (see `ops/contract.py`), as one matrix product."""
    xp, plan = lib.namespace, plan_of(subscripts)
    sizes = dict(zip(plan.labels, (*x.shape, *y.shape), strict=True))
    batch, left, summed, right = (
        tuple([sizes[label] for label in group])
        for group in (plan.batch, plan.left, plan.summed, plan.right)
    )
    rows, inner, columns = math.prod(left), math.prod(summed), math.prod(right)
    x = xp.reshape(xp.permute_dims(x, plan.x_axes), (*batch, rows, inner))
    y = xp.reshape(xp.permute_dims(y, plan.y_axes), (*batch, inner, columns))
    return xp.permute_dims(xp.reshape(xp.matmul(x, y), batch + left + right), plan.out_axes)
