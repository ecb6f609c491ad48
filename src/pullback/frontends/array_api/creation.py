"""Arrays made while a transform runs, of nothing or like a traced one, can take what it follows.

They are buffers: no transform follows them until a traced value is written into one.
"""

from __future__ import annotations

from typing import Any

from ...backends.array_api import is_running
from ...core import box_types, raw
from ...mutate import BufferTrace
from .dispatch import backend_among, functions, implements, is_box

# The standard's functions that make arrays of nothing.
MAKERS = """
    arange empty empty_like eye full full_like linspace ones ones_like zeros zeros_like
""".split()


def buffer(backend: Any, array: Any) -> Any:
    """`array`, made here, as a box that can take traced values; an integer one as it is."""
    if not is_running() or type(array) in box_types or not backend.differentiable(array):
        return array
    return BufferTrace(backend).box(array)


def _like(name: str) -> None:
    @implements(f"{name}_like")
    def make(x: Any, /, *args: Any, dtype: Any = None, device: Any = None) -> Any:
        backend = backend_among(x, args)
        if is_box(args[0] if args else None):
            filled = functions["broadcast_to"](args[0], x.shape)
            return filled if dtype is None else functions["astype"](filled, dtype)
        maker = backend.function(name)
        dtype = x.dtype if dtype is None else dtype
        device = backend.device_of(raw(x)) if device is None else device
        return buffer(backend, maker(tuple(x.shape), *args, dtype=dtype, device=device))


for _name in ("empty", "full", "ones", "zeros"):
    _like(_name)


@implements("full")
def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    filled = functions["broadcast_to"](fill_value, shape)
    return filled if dtype is None else functions["astype"](filled, dtype)


@implements("asarray")
def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    backend = backend_among(obj)
    array = _nested(obj, backend)
    if dtype is not None and array.dtype != dtype:
        array = functions["astype"](array, dtype)
    elif copy:
        array = backend.copy(array)
    return array if device is None else array.to_device(device)


def _nested(obj: Any, backend: Any) -> Any:
    """Nested lists of numbers and traced values as one traced array."""
    if is_box(obj) or backend.is_array(obj):
        return obj
    if isinstance(obj, (list, tuple)):
        parts = [_nested(one, backend) for one in obj]
        return functions["stack"](parts)
    return backend.asarray(obj)


@implements("meshgrid")
def meshgrid(*arrays: Any, indexing: str = "xy") -> Any:
    xp, count = backend_among(*arrays).xp, len(arrays)
    places = [*range(count)]
    if indexing == "xy" and count > 1:
        places[:2] = [1, 0]
    shaped = [
        xp.reshape(a, tuple(a.size if axis == place else 1 for axis in range(count)))
        for a, place in zip(arrays, places, strict=True)
    ]
    return list(functions["broadcast_arrays"](*shaped))


@implements("from_dlpack")
def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    return asarray(x, device=device, copy=copy)
