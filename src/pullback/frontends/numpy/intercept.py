"""While a transform runs a program's function: NumPy's makers and `math` as it sees them.

NumPy's protocols do not see `np.array([x, y])`, an `np.zeros(n)` that is then filled, or
`math.sin(x)`.  So while a transform runs, those attributes of the modules are functions of ours
(the modules get another class, which has them; their dictionaries stay as they are).
They do their work for the context (a ContextVar) and the program that is differentiated; for other
threads, and for the libraries that the program calls, they call NumPy's own.  When the last
transform ends, the modules are as they were.
"""

from __future__ import annotations

import contextlib
import functools
import math
import sys
import threading
from collections.abc import Callable, Generator
from contextvars import ContextVar, Token
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from ...backends.numpy import NumpyBackend
from ...callers import calls, package_of, package_of_function
from .elements import call_vectorized
from .makers import wrapped
from .mathematics import followed_math

Programs = frozenset[str | None]

# The packages whose code is the program's; None stands for code that is in no package. Where the
# variable is empty, no transform runs in this context.
_programs: ContextVar[Programs | None] = ContextVar("programs", default=None)
_lock = threading.Lock()
_NUMPY = package_of(np.__file__)


def _for_programs(original: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """`original`, or `ours` where a program calls it that a transform runs in this context."""

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        programs = _programs.get()
        if programs is not None:
            caller = sys._getframe(1)  # noqa: SLF001
            if package_of(caller.f_code.co_filename) in programs and calls(caller, function):
                return ours(*args, **kwargs)
        return original(*args, **kwargs)

    return function


_vectorize: Any = np.vectorize
_numpys_vectorize_call: Any = _vectorize._vectorize_call  # noqa: SLF001


@functools.wraps(_numpys_vectorize_call)
def _vectorize_call(vectorized: Any, func: Callable[..., Any], args: Any) -> Any:
    """The method that `np.vectorize` objects call, however they were made."""
    programs = _programs.get()
    if programs is not None:
        frame: Any = sys._getframe(1)  # noqa: SLF001
        while package_of(frame.f_code.co_filename) == _NUMPY:
            frame = frame.f_back
        if package_of(frame.f_code.co_filename) in programs:
            return call_vectorized(vectorized, func, args)
    return _numpys_vectorize_call(vectorized, func, args)


class _StandIn:
    """A module's attribute as it is seen while a transform runs: ours in place of the original.

    The module's own dictionary is never touched, so that what somebody else puts there counts.
    """

    __slots__ = ("name", "original", "ours")

    def __init__(self, name: str, original: Any, ours: Any) -> None:
        self.name = name
        self.original = original
        self.ours = ours

    def __get__(self, module: Any, owner: Any = None) -> Any:
        try:
            value = module.__dict__[self.name]
        except KeyError:
            raise AttributeError(self.name) from None
        return self.ours if value is self.original else value

    def __set__(self, module: Any, value: Any) -> None:
        module.__dict__[self.name] = value

    def __delete__(self, module: Any) -> None:
        del module.__dict__[self.name]


def _with_stand_ins(module: ModuleType, ours: dict[str, Callable[..., Any]]) -> type[ModuleType]:
    """A class of modules in which `module` has stand-ins for some of its attributes.

    To give it that class, and its own back, costs the same for one attribute as for a hundred.
    """
    stand_ins = {name: _StandIn(name, vars(module)[name], ours[name]) for name in ours}
    return type("module", (ModuleType,), {"__slots__": (), **stand_ins})


def _wrapped_in(module: ModuleType) -> dict[str, Callable[..., Any]]:
    functions = {name: f for name, f in vars(module).items() if callable(f) and f in wrapped}
    return {name: _for_programs(f, wrapped[f]) for name, f in functions.items()}


_classes: list[tuple[Any, type[ModuleType]]] = [
    (np, _with_stand_ins(np, _wrapped_in(np))),
    (np.linalg, _with_stand_ins(np.linalg, _wrapped_in(np.linalg))),
    (math, _with_stand_ins(math, followed_math)),
]


class Interception:
    """The switch, and the number of transforms that run."""

    def __init__(self) -> None:
        self.on = True
        self.running = 0

    def start(self, function: Callable[..., Any], _: Any = None) -> Token[Programs | None] | None:
        """Begin to run `function` under a transform; hand what this returns to `stop`."""
        if not self.on:
            return None
        package = package_of_function(function)
        programs = _programs.get()
        if programs is not None and package in programs:
            return None  # the transform around this one has begun it
        token = _programs.set((programs or frozenset((None,))) | {package})
        with _lock:
            self.running += 1
            if self.running == 1:
                for module, watched in _classes:
                    module.__class__ = watched
                _vectorize._vectorize_call = _vectorize_call  # noqa: SLF001
        return token

    def stop(self, token: Token[Programs | None] | None) -> None:
        """End what `start` began."""
        if token is None:
            return
        _programs.reset(token)
        with _lock:
            self.running -= 1
            if self.running == 0:
                for module, _ in _classes:
                    module.__class__ = ModuleType
                _vectorize._vectorize_call = _numpys_vectorize_call  # noqa: SLF001

    @staticmethod
    @contextlib.contextmanager
    def outside() -> Generator[None]:
        """A block that runs code which is no part of the program: it gets plain arrays."""
        token = _programs.set(None)
        try:
            yield
        finally:
            _programs.reset(token)


interception = Interception()
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
        self._before = interception.on
        interception.on = bool(enabled)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        interception.on = self._before
