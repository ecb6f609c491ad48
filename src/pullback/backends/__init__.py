"""How primitives run on one array library's raw arrays."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from ..core import box_types
from .libraries import Captured, listed
from .numpy import backend as numpy_backend

T = TypeVar("T")


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
    library = listed(leaf)
    if library is not None:
        importlib.import_module(f"pullback.frontends.{library.frontend}")
        return _choices.setdefault(type(leaf), library.backends().backend_for)
    if hasattr(type(leaf), "__array_namespace__") and not isinstance(leaf, np.generic | np.ndarray):
        standard = importlib.import_module("pullback.backends.array_api")
        return _choices.setdefault(type(leaf), standard.backend_for)
    return None


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
