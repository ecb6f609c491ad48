"""The array API standard's namespaces, one a library, whose functions follow traced arrays.

`namespace(library)` is what a traced array of that library gives as `x.__array_namespace__()`.  The
module itself has the names of NumPy's, so that it can be given where a module is asked for, as the
public conformance suite does: `ARRAY_API_TESTS_MODULE=pullback.array_api pytest array_api_tests`.
The environment variable `PULLBACK_ARRAY_API_LIBRARY` names another library.

Example:
    >>> import pullback, pullback.array_api as xp
    >>> x = xp.asarray([0.0, 1.0])
    >>> pullback.grad(lambda x: xp.sum(xp.exp(x)))(x).tolist() == xp.exp(x).tolist()
    True
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

from .backends import backend_of
from .frontends.array_api import namespace_for

__all__ = ["namespace"]


def namespace(library: ModuleType) -> Any:
    """The namespace of the standard for a library's arrays, traced or not.

    Args:
        library: A module that has the standard's functions: `numpy`, `array_api_strict`,
            `jax.numpy`, `array_api_compat.torch`, ...

    Returns:
        An object with the standard's names, its extensions `linalg` and `fft` included. What makes
        arrays (`zeros`, `full`, ...) gives arrays that can take traced values, while a transform
        runs; all else is the library's where nothing is traced.

    Raises:
        TypeError: If the library's arrays are of no kind that pullback knows.

    Example:
        >>> import numpy as np, pullback.array_api
        >>> xp = pullback.array_api.namespace(np)
        >>> float(xp.linalg.vector_norm(xp.asarray([3.0, 4.0])))
        5.0
    """
    return namespace_for(backend_of([library.zeros(1)]))


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name not in ("__array_namespace_info__", "__array_api_version__"):
        raise AttributeError(name)
    library = importlib.import_module(os.environ.get("PULLBACK_ARRAY_API_LIBRARY", "numpy"))
    return getattr(namespace(library), name)


def __dir__() -> list[str]:
    library = importlib.import_module(os.environ.get("PULLBACK_ARRAY_API_LIBRARY", "numpy"))
    return dir(namespace(library))
