"""How primitives run on one array library's raw arrays."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from ..core import box_types
from .numpy import backend as numpy_backend

T = TypeVar("T")

# The libraries other than NumPy: what an array of theirs is an instance of, and whose frontend it
# needs. None is imported here: who passes an array of a library has imported it.
_LIBRARIES = (
    ("torch", "Tensor", "torch"),
    ("jax", "Array", "jax"),
    ("cupy", "ndarray", "array_api"),
    ("dask.array", "Array", "dask"),
)


def backend_of(leaves: Iterable[Any]) -> Any:
    """The backend that these leaves belong to: NumPy's where no leaf says otherwise."""
    for leaf in leaves:
        if type(leaf) in numpy_backend.operands:
            if type(leaf) is numpy_backend.box_type:
                return numpy_backend
            continue
        if type(leaf) in box_types:
            return leaf.tracer.backend
        choose = _choices[type(leaf)] if type(leaf) in _choices else _look_for(leaf)
        if choose is not None:
            return choose(leaf)
    return numpy_backend


# Type of a leaf -> the function that gives its backend; None for what is of no library.
_choices: dict[type, Callable[[Any], Any] | None] = {}


def _look_for(leaf: Any) -> Callable[[Any], Any] | None:
    for module, array_type, name in _LIBRARIES:
        library = sys.modules.get(module)
        if library is not None and isinstance(leaf, getattr(library, array_type)):
            importlib.import_module(f"pullback.frontends.{name}")
            backend = importlib.import_module(f"pullback.backends.{name}")
            return _choices.setdefault(type(leaf), backend.backend_for)
    if hasattr(type(leaf), "__array_namespace__") and not isinstance(leaf, np.generic | np.ndarray):
        standard = importlib.import_module("pullback.backends.array_api")
        return _choices.setdefault(type(leaf), standard.backend_for)
    return None


class Captured(TypeError):
    """Traced arrays of NumPy met an array of a library that can take their place.

    A transform whose primals are NumPy's starts again then, with `backend` (see `with_backend`).
    """

    def __init__(self, backend: Any) -> None:
        # Dask raises an error of its functions anew: the same class, with a text of its own.
        self.backend = None if isinstance(backend, str) else backend
        super().__init__(
            backend
            if isinstance(backend, str)
            else f"arrays of NumPy that a transform follows met an array of {backend.name} that "
            f"the function captured; convert the primals before the transform, with "
            f"{backend.name}.from_array(w)"
        )


def with_backend(leaves: Iterable[Any], run: Callable[[Any], T]) -> T:
    """`run(backend)` with the backend of these leaves.

    A function of NumPy's arrays may have captured larger ones, of a library whose functions take
    NumPy's arrays too: then the library of the results is that one, and the function is started
    again, with its primals as arrays of that library.
    """
    leaves = list(leaves)
    backend = backend_of(leaves)
    try:
        return run(backend)
    except Captured as met:
        # Where an outer transform follows the leaves, it has to start again.
        if backend is not numpy_backend or any(type(leaf) in box_types for leaf in leaves):
            raise
        captured = _library_of(met)
        if captured is None:
            raise
    return run(captured)


def _library_of(error: BaseException | None) -> Any:
    """The backend that `Captured` was raised with, before a library raised it anew."""
    while isinstance(error, Captured) and error.backend is None:
        error = error.__cause__ or error.__context__
    return error.backend if isinstance(error, Captured) else None


def check_captured(types: Iterable[type]) -> None:
    """Raise `Captured` if one of these types, which met NumPy's traced arrays, asks for that."""
    for kind in types:
        backend = _captured(kind)
        if backend is not None:
            raise Captured(backend)


def _captured(kind: type) -> Any:
    for module, array_type, name in _LIBRARIES:
        library = sys.modules.get(module)
        if library is not None and issubclass(kind, getattr(library, array_type)):
            backends = importlib.import_module(f"pullback.backends.{name}")
            return (
                backends.backend_for(None) if getattr(backends, "TAKES_CAPTURED", False) else None
            )
    return None
