"""NumPy, with makers that traced values can be given to: `import pullback.numpy as np`.

It has everything that the installed NumPy has, submodules included.  While a transform runs in this
context, `zeros`, `array`, `vectorize` and the like take and give what it follows, whoever calls
them and however their names were bound; when none runs they are NumPy's own.  All else is NumPy's.

Example:
    >>> import pullback
    >>> from pullback.numpy import array, zeros
    >>> def f(x):
    ...     y = zeros(2)
    ...     y[0] = 3.0 * x
    ...     return y @ array([x, 1.0])
    >>> with pullback.intercept(False):
    ...     print(pullback.grad(f)(2.0))
    12.0
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as _numpy  # noqa: ICN001 (np would be a name of this module)

from ..frontends.numpy.intercept import explicit


class _Namespace(ModuleType):
    """A module of NumPy's as a program sees it that imports it from here."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(_ours(module.__name__), module.__doc__)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name == "_module":  # of a namespace that is not made yet
            raise AttributeError(name)
        return _attribute(self._module, name)

    def __dir__(self) -> list[str]:
        return dir(self._module)


class _Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets `import pullback.numpy.linalg` find `numpy.linalg`."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 (the protocol's)
        target: ModuleType | None = None,  # noqa: ARG002 (the protocol's)
    ) -> importlib.machinery.ModuleSpec | None:
        theirs = fullname.removeprefix(__name__ + ".")
        if theirs == fullname or importlib.util.find_spec("numpy." + theirs) is None:
            return None
        # Any module may have others in it.
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Namespace(importlib.import_module("numpy" + spec.name.removeprefix(__name__)))

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do."""


def _ours(name: str) -> str:
    return __name__ + name.removeprefix("numpy")


def _attribute(module: ModuleType, name: str) -> Any:
    value = getattr(module, name)
    if isinstance(value, ModuleType) and sys.modules.get(f"{module.__name__}.{name}") is value:
        return importlib.import_module(_ours(value.__name__))
    if callable(value) and type(value).__hash__ is not None:
        return explicit.get(value, value)
    return value


def __getattr__(name: str) -> Any:
    return _attribute(_numpy, name)


def __dir__() -> list[str]:
    return dir(_numpy)


sys.meta_path.append(_Importer())
# What is asked for most needs no `__getattr__`.
globals().update(
    {name: explicit[f] for name, f in vars(_numpy).items() if callable(f) and f in explicit}
)
