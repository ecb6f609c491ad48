"""While a transform runs a program's function: a library's attributes as that program sees them.

No protocol hands over what makes an array from nothing, or from a list.  So while a transform runs,
those attributes of the library's modules are functions of ours (the modules get another class,
which has them; their dictionaries stay as they are).  They do their work for the context (a
ContextVar) and the program that is differentiated; for other threads, and for the libraries that
the program calls, they call the original.  When the last transform ends, the modules are as they
were.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Container, Generator, Iterable
from contextvars import ContextVar, Token
from types import ModuleType
from typing import Any

from ..callers import OURS, calls, package_of, package_of_function
from ..core import box_types

Programs = frozenset[str | None]


class StandIn:
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


class ProgramsStandIn(StandIn):
    """One that only programs see: other code may look at what it finds, not only call it."""

    __slots__ = ("programs",)

    programs: ContextVar[Programs | None]

    def __get__(self, module: Any, owner: Any = None) -> Any:
        value = super().__get__(module, owner)
        if value is not self.ours or (programs := self.programs.get()) is None:
            return self.original if value is self.ours else value
        package = package_of(sys._getframe(1).f_code.co_filename)  # noqa: SLF001
        return value if package in programs or package == OURS else self.original


def module_with(stand_ins: Iterable[StandIn]) -> type[ModuleType]:
    """The class that a module gets to have these in place of its own attributes."""
    return type("module", (ModuleType,), {"__slots__": (), **{one.name: one for one in stand_ins}})


class Switch:
    """Whether anything is replaced, for the whole process."""

    on = True


switch = Switch()


class Interception:
    """One library's stand-ins, and the number of transforms that run.

    `handed_over` are the functions that the library's own protocol hands over if the first argument
    is a box.
    """

    def __init__(self, name: str, handed_over: Container[Any]) -> None:
        # The packages whose code is the program's; None stands for code that is in no package.
        # Where the variable is None, no transform runs in this context; where it holds no package,
        # one runs that replaces nothing (see `Switch`).
        self.programs: ContextVar[Programs | None] = ContextVar(name, default=None)
        self.handed_over = handed_over
        self.running = 0
        self.lock = threading.Lock()
        self.watched: list[tuple[Any, type[ModuleType]]] = []
        # Attributes of other things: the owner, the name, ours, the original.
        self.attributes: list[tuple[Any, str, Any, Any]] = []

    def watch(
        self,
        module: ModuleType,
        ours: dict[str, Callable[..., Any]],
        kind: type[StandIn] = StandIn,
    ) -> list[StandIn]:
        """Have stand-ins for some attributes of `module` while a transform runs.

        To give it the class that has them, and its own back, costs the same for one attribute as
        for a hundred.
        """
        stand_ins = [kind(name, vars(module)[name], one) for name, one in ours.items()]
        for one in stand_ins:
            if isinstance(one, ProgramsStandIn):
                one.programs = self.programs
        watched = module_with(stand_ins)
        with self.lock:
            self.watched.append((module, watched))
            if self.running:
                module.__class__ = watched
        return stand_ins

    def runs(self) -> bool:
        """Does a transform run in this context?"""
        return self.programs.get() is not None

    def for_programs(
        self, original: Callable[..., Any], ours: Callable[..., Any]
    ) -> Callable[..., Any]:
        """`original`, or `ours` where a program calls it that a transform runs in this context."""
        dispatches = original in self.handed_over

        @functools.wraps(original)
        def function(*args: Any, **kwargs: Any) -> Any:
            if dispatches and args and type(args[0]) in box_types:
                return original(*args, **kwargs)  # which the library hands to ours
            programs = self.programs.get()
            if programs is not None:
                caller = sys._getframe(1)  # noqa: SLF001
                if package_of(caller.f_code.co_filename) in programs and calls(caller, function):
                    return ours(*args, **kwargs)
            return original(*args, **kwargs)

        return function

    def while_one_runs(
        self, original: Callable[..., Any], ours: Callable[..., Any]
    ) -> Callable[..., Any]:
        """`original`, or `ours` while a transform runs in this context, whoever calls it."""

        @functools.wraps(original)
        def function(*args: Any, **kwargs: Any) -> Any:
            return (original if self.programs.get() is None else ours)(*args, **kwargs)

        return function

    def start(self, function: Callable[..., Any], _: Any = None) -> Token[Programs | None] | None:
        """Begin to run `function` under a transform; hand what this returns to `stop`."""
        programs = self.programs.get()
        if not switch.on:
            return self.programs.set(frozenset()) if programs is None else None
        package = package_of_function(function)
        if programs is not None and package in programs:
            return None  # the transform around this one has begun it
        token = self.programs.set((programs or _NO_PACKAGE) | {package})
        with self.lock:
            self.running += 1
            if self.running == 1:
                for module, watched in self.watched:
                    module.__class__ = watched
                for owner, name, ours, _ in self.attributes:
                    setattr(owner, name, ours)
        return token

    def stop(self, token: Token[Programs | None] | None) -> None:
        """End what `start` began."""
        if token is None:
            return
        replaced = self.programs.get()
        self.programs.reset(token)
        if not replaced:
            return
        with self.lock:
            self.running -= 1
            if self.running == 0:
                for module, _ in self.watched:
                    module.__class__ = ModuleType
                for owner, name, _, original in self.attributes:
                    setattr(owner, name, original)

    @contextlib.contextmanager
    def outside(self) -> Generator[None]:
        """A block that runs code which is no part of the program: it gets plain arrays."""
        token = self.programs.set(None)
        try:
            yield
        finally:
            self.programs.reset(token)


_NO_PACKAGE: Programs = frozenset((None,))
