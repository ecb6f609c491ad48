"""Arrays made like a traced one, or of traced values, while a transform runs."""

from __future__ import annotations

from typing import Any

import dask.array as da

from ...backends.array_api import is_running
from ...backends.dask import backend
from ...backends.dask.blockwise import full as filled
from ...callers import package_of
from ...core import box_types
from ..array_api.dispatch import boxes_in
from .dispatch import buffer, functions, implements, operand
from .shape import rechunk

# Dask's functions that make arrays of nothing: these can take traced values (`x[i] = v`).
MAKERS = frozenset("empty empty_like full full_like ones ones_like zeros zeros_like".split())
_LIBRARIES = {package_of(da.__file__), package_of(__file__)}


def made(array: Any, filename: str) -> Any:
    """What a maker gave to code in the file `filename`: a program may write into it."""
    if not is_running() or type(array) is not da.Array or array.dtype.kind not in "fc":
        return array
    package = package_of(filename)
    ours = package in _LIBRARIES or (package or "").endswith("array_api_compat")
    return array if ours else buffer(backend.copy(array))


def _like(name: str, value: int) -> None:
    @implements(f"{name}_like")
    def make(
        x: Any, dtype: Any = None, order: str = "C", chunks: Any = None, shape: Any = None, **_: Any
    ) -> Any:
        chunks = x.chunks if chunks is None and shape is None else chunks or "auto"
        array = filled(tuple(shape or x.shape), value, dtype or x.dtype, chunks)
        return buffer(backend.copy(array)) if is_running() else array


for _name, _value in (("empty", 0), ("ones", 1), ("zeros", 0)):
    _like(_name, _value)


@implements("full_like")
def full_like(x: Any, fill_value: Any, order: str = "C", dtype: Any = None, **_: Any) -> Any:
    value = operand(fill_value)
    out = functions["broadcast_to"](
        value if hasattr(value, "dtype") else backend.asarray(value), x.shape
    )
    return functions["astype"](out, dtype or x.dtype)


@implements("full")
def full(shape: Any, fill_value: Any, dtype: Any = None, chunks: Any = "auto", **_: Any) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    out = functions["broadcast_to"](fill_value, shape)
    return rechunk(out if dtype is None else functions["astype"](out, dtype), chunks)


@implements("asarray", "asanyarray", "array", "from_array")
def asarray(a: Any, dtype: Any = None, **options: Any) -> Any:
    out = _nested(a)
    if dtype is not None and out.dtype != dtype:
        out = functions["astype"](out, dtype)
    chunks = options.get("chunks")
    return out if chunks is None else rechunk(out, chunks)


def _nested(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and boxes_in(value):
        return functions["stack"]([_nested(one) for one in value])
    value = value if type(value) in box_types else operand(value)
    return value if hasattr(value, "dtype") else backend.asarray(value)
