"""How primitives run on one array library's raw arrays."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import Any

from ..core import box_types
from .numpy import backend as numpy_backend

# The libraries other than NumPy: what an array of theirs is an instance of, and whose frontend it
# needs. None is imported here: who passes an array of a library has imported it.
_LIBRARIES = (("torch", "Tensor", "torch"),)


def backend_of(leaves: Iterable[Any]) -> Any:
    """The backend that these leaves belong to: NumPy's where no leaf says otherwise."""
    for leaf in leaves:
        if type(leaf) in numpy_backend.operands:
            if type(leaf) is numpy_backend.box_type:
                return numpy_backend
            continue
        if type(leaf) in box_types:
            return leaf.tracer.backend
        for module, array_type, frontend in _LIBRARIES:
            library = sys.modules.get(module)
            if library is not None and isinstance(leaf, getattr(library, array_type)):
                importlib.import_module(f"pullback.frontends.{frontend}")
                return importlib.import_module(f"pullback.backends.{frontend}").backend_for(leaf)
    return numpy_backend
