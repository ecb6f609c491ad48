"""How primitives run on one array library's raw arrays."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..core import box_types
from .numpy import backend as numpy_backend

# The libraries other than NumPy: what an array of theirs is an instance of, and whose frontend it
# needs. None is imported here: who passes an array of a library has imported it.
_LIBRARIES = (
    ("torch", "Tensor", "torch"),
    ("jax", "Array", "jax"),
    ("cupy", "ndarray", "array_api"),
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
