"""The namespace that `__array_namespace__` gives: the standard's names, for traced and raw arrays.

A function is the library's own where nothing is traced, and ours (see `dispatch.py`) where
something is; what makes arrays of nothing gives arrays that can take traced values.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ...backends.array_api import lacking
from ...errors import UnsupportedError
from .dispatch import boxes_in, constants, functions

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

# What has no derivative: on boxes these see the values.
CONSTANTS = frozenset(
    "isin unique_all unique_counts unique_inverse unique_values isdtype finfo iinfo".split()
)
# What asks for dtypes only.
_OF_FORM = frozenset("result_type can_cast isdtype finfo iinfo".split())


class Namespace:
    """The standard's functions for one library's arrays, traced or not.

    Everything else that the library's namespace has (constants, dtypes) is the library's.
    """

    def __init__(self, backend: Any, theirs: Any, prefix: str = "") -> None:
        self._backend = backend
        self._theirs = theirs
        self._prefix = prefix
        self.__name__ = f"pullback.array_api[{backend.name}]{prefix and '.'}{prefix.rstrip('.')}"

    @property
    def __array_api_version__(self) -> str:
        return "2024.12"

    def __array_namespace_info__(self) -> Any:
        """The library's own."""
        return self._theirs.__array_namespace_info__()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = self._made(name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*dir(self._theirs), "__array_namespace_info__", "__array_api_version__"})

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    def _made(self, name: str) -> Any:
        if not self._prefix and name in ("linalg", "fft"):
            return Namespace(self._backend, self._backend.function(name), f"{name}.")
        full = self._prefix + name
        theirs = getattr(self._theirs, name, None)
        ours = functions.get(full)
        if theirs is None and ours is None:
            raise AttributeError(
                f"{self._backend.name} has no {full}, and it is not in the array API standard"
            )
        if theirs is not None and (not callable(theirs) or isinstance(theirs, type)):
            return theirs
        return _dispatching(full, theirs, ours, self._backend)


def _dispatching(
    name: str, theirs: Any, ours: Callable[..., Any] | None, backend: Any
) -> Callable[..., Any]:
    """The library's function `theirs`, but ours where an argument is traced."""
    from .creation import MAKERS, buffer  # noqa: PLC0415 (it needs the box, and that this)

    makes = name in MAKERS

    def function(*args: Any, **kwargs: Any) -> Any:
        boxes = boxes_in((*args, *kwargs.values()))
        if not boxes:
            if theirs is None:
                raise lacking(name, backend.name)
            out = theirs(*args, **kwargs)
            return buffer(backend, out) if makes else out
        check_one_library(name, backend, boxes, (*args, *kwargs.values()))
        if ours is not None:
            return ours(*args, **kwargs)
        return _of_values(name, theirs, args, kwargs)

    shown = theirs if theirs is not None else ours
    functools.update_wrapper(function, shown)
    try:
        function.__signature__ = inspect.signature(shown)  # type: ignore[attr-defined]
    except (TypeError, ValueError):  # a builtin that does not tell
        pass
    return function


def _of_values(name: str, theirs: Any, args: Any, kwargs: Any) -> Any:
    """A function that has no derivative, on the values."""
    if name in _OF_FORM:
        args = tuple(arg.dtype if boxes_in([arg]) else arg for arg in args)
        return theirs(*args, **kwargs)
    if name not in CONSTANTS:
        raise UnsupportedError(
            f"{name} has no derivative rule in pullback. Use functions that have one, or compute "
            "it on pullback.stop_gradient(x)."
        )
    args, kwargs = constants(args), {k: constants(v) for k, v in kwargs.items()}
    if boxes_in((*args, *kwargs.values())):
        raise UnsupportedError(
            f"pullback.vmap: {name} of a batched value gives another shape for each example: use "
            "vmap(..., fallback='loop')"
        )
    return theirs(*args, **kwargs)


def check_one_library(name: str, backend: Any, boxes: Any, values: Any) -> None:
    """Raise if arrays of two libraries meet in one call."""
    others = [box.tracer.backend for box in boxes if box.tracer.backend.box_type is not None]
    names = {other.name for other in others} | {backend.name}
    for value in values:
        if hasattr(value, "dtype") and hasattr(value, "shape") and not boxes_in([value]):
            if not backend.is_array(value):
                names.add(f"{type(value).__module__}.{type(value).__name__}")
    if len(names) > 1:
        raise TypeError(
            f"{name}: got arrays of {' and '.join(sorted(names))} in one call; convert them to "
            f"one library before the transform, with {backend.name}.asarray or from_dlpack"
        )


@functools.cache
def _namespace(backend: Any) -> Namespace:
    return Namespace(backend, backend.namespace)


def namespace_for(backend: Any, api_version: str | None = None) -> Namespace:
    """The namespace for boxes of a backend's arrays."""
    if api_version is not None and api_version not in VERSIONS:
        raise ValueError(f"the array API standard {api_version!r} is none of {VERSIONS}")
    return _namespace(backend)
