"""A user's function as an op: what the declarators return."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backends import backend_of
from ..core import Primitive, bind, box_types
from ..errors import UnsupportedError
from ..recorders import recorder
from .names import is_bare


class Op:
    """A user's function as an op: what `elementwise` and the other declarators return."""

    def __init__(self, function: Any, primitive: Primitive, arguments: Sequence[str]) -> None:
        functools.update_wrapper(self, function)
        self.__name__ = primitive.name
        self.primitive = primitive
        self.wrapped = function
        self.arguments = tuple(arguments)
        self._signature = None if isinstance(function, np.ufunc) else inspect.signature(function)
        self.apply = recorder(primitive, backend_of([])) if self._is_recorded() else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function on plain arrays; on traced ones, with its rules."""
        arrays, params = self._split(args, kwargs)
        traced = any(type(array) in box_types for array in arrays)
        if not traced:
            backend = backend_of(arrays)
            if not all(map(backend.has_values, arrays)):
                raise UnsupportedError(
                    f"{self.__name__}: an op by kind runs on NumPy's arrays, and a transform of "
                    "JAX's would lose its rule here: declare it with pullback.custom_vjp"
                )
            return self.primitive.impl(*arrays, **params)
        if self.apply is not None:
            return self.apply(*arrays)
        return bind(self.primitive, arrays, params)

    def _is_recorded(self) -> bool:
        """Are its arguments, and what its rules name, all that a generated recorder knows of?"""
        named = {name for rule in self.primitive.rules if rule is not None for name in rule.names}
        return is_bare(self.wrapped, self.arguments) and named <= {"x", "y", "out", "xp"}

    def _split(self, args: Any, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The array arguments, and the parameters by keyword, defaults included."""
        if self._signature is None:
            if len(args) != len(self.arguments) or kwargs:
                raise TypeError(
                    f"{self.__name__}() takes {len(self.arguments)} array argument(s) and no "
                    f"options as an op of pullback, got {len(args)} and {sorted(kwargs)}"
                )
            named, params = list(args), {}
        else:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            params = dict(bound.arguments)
            named = [params.pop(name) for name in self.arguments]
        for name, value in params.items():
            if type(value) in box_types:
                raise UnsupportedError(
                    f"{self.__name__}: the argument {name!r} was declared to be no array (it has "
                    "no derivative rule), but the value it got is traced. Declare a rule for it, "
                    "or pass pullback.stop_gradient(value)."
                )
        arrays = [a if type(a) in box_types or hasattr(a, "dtype") else _array(a) for a in named]
        return arrays, params

    def __repr__(self) -> str:
        return f"<pullback op {self.__name__}, {self.primitive.kind}>"


def _array(value: Any) -> Any:
    return value if isinstance(value, (float, int, complex)) else np.asarray(value)
