"""NumPy's makers and `math` as a program sees them while a transform runs (see `interception`).

NumPy's protocols do not see `np.array([x, y])`, an `np.zeros(n)` that is then filled, or
`math.sin(x)`.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from ...backends.numpy import NumpyBackend
from ...callers import package_of
from ..interception import Interception, switch
from .dispatch import functions
from .elements import call_vectorized
from .makers import wrapped
from .mathematics import followed_math

interception = Interception("programs", functions)
runs = interception.runs
_NUMPY = package_of(np.__file__)

_vectorize: Any = np.vectorize
_numpys_vectorize_call: Any = _vectorize._vectorize_call  # noqa: SLF001


@functools.wraps(_numpys_vectorize_call)
def _vectorize_call(vectorized: Any, func: Callable[..., Any], args: Any) -> Any:
    """The method that `np.vectorize` objects call, however they were made."""
    programs = interception.programs.get()
    if programs is not None:
        frame: Any = sys._getframe(1)  # noqa: SLF001
        while package_of(frame.f_code.co_filename) == _NUMPY:
            frame = frame.f_back
        if package_of(frame.f_code.co_filename) in programs:
            return call_vectorized(vectorized, func, args)
    return _numpys_vectorize_call(vectorized, func, args)


def _wrapped_in(module: ModuleType) -> dict[str, Callable[..., Any]]:
    functions = {name: f for name, f in vars(module).items() if callable(f) and f in wrapped}
    return {name: interception.for_programs(f, wrapped[f]) for name, f in functions.items()}


_stand_ins = [
    *interception.watch(np, _wrapped_in(np)),
    *interception.watch(np.linalg, _wrapped_in(np.linalg)),
    *interception.watch(math, followed_math),
]
interception.attributes.append(
    (_vectorize, "_vectorize_call", _vectorize_call, _numpys_vectorize_call)
)


class vectorize(_vectorize):
    """`np.vectorize`, for traced elements and results too while a transform runs."""

    @functools.wraps(_numpys_vectorize_call)
    def _vectorize_call(self, func: Callable[..., Any], args: Any) -> Any:
        if runs():
            return call_vectorized(self, func, args)
        return super()._vectorize_call(func, args)


# What stands in for NumPy's functions and `math`'s where a program asks for it, by the original and
# by what replaces that while a transform runs.
explicit: dict[Any, Any] = {_vectorize: vectorize}
explicit |= {
    original: interception.while_one_runs(original, ours) for original, ours in wrapped.items()
}
for _one in _stand_ins:
    explicit[_one.ours] = explicit.setdefault(_one.original, _one.ours)

NumpyBackend.start = staticmethod(interception.start)
NumpyBackend.stop = staticmethod(interception.stop)
NumpyBackend.outside = staticmethod(interception.outside)


class intercept:
    """Switch on or off, for the whole process, what pullback does to NumPy's makers and `math`.

    While a transform runs a function, `np.zeros`, `np.array` and the like give that function arrays
    that can take traced values, and `math.sin` and the like take traced numbers. Off, NumPy is
    never touched; `pullback.numpy` and `pullback.adopt` do the same explicitly.

    Args:
        enabled: What to do from now on. In a `with` statement, the former setting comes back at
            its end.

    Example:
        >>> import numpy as np, pullback
        >>> def f(x):
        ...     return np.array([x, x * x])
        >>> with pullback.intercept(False):
        ...     try:
        ...         pullback.vjp(f, 3.0)
        ...     except pullback.ConversionError:
        ...         print("not followed")
        not followed
    """

    def __init__(self, enabled: bool) -> None:
        self._before = switch.on
        switch.on = bool(enabled)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        switch.on = self._before
