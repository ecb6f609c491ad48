"""The functions of the standard that torch does not hand to a traced tensor."""

from __future__ import annotations

import importlib
from typing import Any

from ...errors import ConversionError
from .dispatch import boxes_in, is_box


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    if is_box(obj):
        array = obj if dtype is None else obj.to(dtype)
        array = array if device is None else array.to(device)
        return array.clone() if copy and array is obj else array
    if boxes_in([obj]):
        raise ConversionError(
            "asarray of a list that holds traced values is not followed by torch: write xp.stack"
        )
    theirs = importlib.import_module("array_api_compat.torch")
    return theirs.asarray(obj, dtype=dtype, device=device, copy=copy)


def sign(x: Any, /) -> Any:
    torch = importlib.import_module("torch")
    return torch.where(torch.isnan(x), x, torch.sgn(x))


FUNCTIONS: dict[str, Any] = {"asarray": asarray, "sign": sign}
