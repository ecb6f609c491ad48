"""The namespace that `__array_namespace__` gives: the standard's names, for traced and raw arrays.

A function is the library's own where nothing is traced, and ours (see `dispatch.py`) where
something is; what makes arrays of nothing gives arrays that can take traced values.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backends.array_api import lacking
from ...backends.libraries import check_one_library, mixed
from ...backends.numpy import backend as numpy_backend
from ...errors import UnsupportedError, closest
from . import numpy, torch
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

    def __init__(self, backend: Any, theirs: Any, name: str, prefix: str = "") -> None:
        self._backend = backend
        self._theirs = theirs
        self._prefix = prefix
        # The library's own: array_api_compat takes namespaces of one name for one.
        self.__name__ = name

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
        return f"<pullback's namespace of the array API standard for {self.__name__}>"

    def _made(self, name: str) -> Any:
        if not self._prefix and name in ("linalg", "fft"):
            theirs = self._backend.function(name)
            return Namespace(self._backend, theirs, f"{self.__name__}.{name}", f"{name}.")
        full = self._prefix + name
        ours = functions.get(full)
        if ours is None and not hasattr(self._theirs, name):
            raise AttributeError(
                f"{self._backend.name} has no {full}, and it is not in the array API standard."
                f"{closest(name, dir(self))}"
            )
        theirs = getattr(self._theirs, name, None)
        if ours is None and (not callable(theirs) or isinstance(theirs, type)):
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
        check_one_library(name, backend, (*args, *kwargs.values()))
        if ours is not None:
            return ours(*args, **kwargs)
        return _of_values(name, backend.name, theirs, args, kwargs)

    shown: Any = theirs if theirs is not None else ours
    functools.update_wrapper(function, shown)
    with contextlib.suppress(TypeError, ValueError):  # a builtin does not tell
        function.__signature__ = inspect.signature(shown)  # type: ignore[attr-defined]
    return function


def _of_values(name: str, library: str, theirs: Any, args: Any, kwargs: Any) -> Any:
    """A function that has no derivative, on the values."""
    if name in _OF_FORM:
        args = tuple(arg.dtype if boxes_in([arg]) else arg for arg in args)
        return theirs(*args, **kwargs)
    if name not in CONSTANTS:
        hint = "Use functions that have one, or compute it on pullback.stop_gradient(x)."
        raise functions.lacking(name, library, hint)
    args, kwargs = constants(args), {k: constants(v) for k, v in kwargs.items()}
    if boxes_in((*args, *kwargs.values())):
        raise UnsupportedError(
            f"pullback.vmap: {name} of a batched value gives another shape for each example: use "
            "vmap(..., fallback='loop')"
        )
    return theirs(*args, **kwargs)


def is_operand(name: str, box: Any, other: Any) -> bool:
    """Can an operator take `other` beside this box? An array of another library is an error."""
    backend = box.tracer.backend
    check_one_library(name, backend, [other])
    number = isinstance(other, (bool, int, float, complex))
    if isinstance(other, np.generic):
        raise mixed(name, backend, ["numpy"])
    return number or backend.is_array(other) or bool(boxes_in([other]))


class SelfDispatching(Namespace):
    """The standard's functions of a library that hands its own calls to boxes itself."""

    def __init__(
        self, backend: Any, theirs: Any, name: str, ours: dict[str, Any], prefix: str = ""
    ) -> None:
        super().__init__(backend, theirs, name, prefix)
        self._ours = ours

    def _made(self, name: str) -> Any:
        full = self._prefix + name
        if full in self._ours:
            return self._ours[full]
        theirs = getattr(self._theirs, name)
        if any(known.startswith(f"{full}.") for known in self._ours):
            return SelfDispatching(
                self._backend, theirs, f"{self.__name__}.{name}", self._ours, f"{full}."
            )
        return theirs


@functools.cache
def _namespace(backend: Any) -> Namespace:
    return Namespace(backend, backend.namespace, backend.namespace.__name__)


@functools.cache
def of_numpy() -> Namespace:
    """The namespace for traced NumPy arrays: NumPy's, with makers that take traced values."""
    theirs = importlib.import_module("pullback.numpy")
    # Not "numpy", by which libraries know arrays that they may convert and hand to C.
    return SelfDispatching(numpy_backend, theirs, "array_api_compat.numpy", numpy.FUNCTIONS)


@functools.cache
def of_torch(backend: Any) -> Namespace:
    """The namespace for traced torch tensors: that of array_api_compat."""
    try:
        theirs = importlib.import_module("array_api_compat.torch")
    except ImportError as error:
        raise TypeError(
            "torch has no namespace of the array API standard of its own: "
            "pip install array-api-compat, which gives it one"
        ) from error
    return SelfDispatching(backend, theirs, "array_api_compat.torch", torch.FUNCTIONS)


def namespace_for(backend: Any, api_version: str | None = None) -> Namespace:
    """The namespace for boxes of a backend's arrays."""
    if api_version is not None and api_version not in VERSIONS:
        raise ValueError(f"the array API standard {api_version!r} is none of {VERSIONS}")
    if backend.name == "numpy":
        return of_numpy()
    return of_torch(backend) if backend.name == "torch" else _namespace(backend)
