"""The table that every frontend fills: a library's function -> what does its work on boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..callers import where
from ..errors import UnsupportedError, closest

F = TypeVar("F", bound=Callable[..., Any])


class Table(dict[Any, Callable[..., Any]]):
    """A library's function -> ours, called with the very arguments of the user's call.

    `name_of` writes such a function as a user does.
    """

    def __init__(self, name_of: Callable[[Any], str]) -> None:
        super().__init__()
        self.name_of = name_of

    def lacking(self, function: Any, library: str, hint: str) -> UnsupportedError:
        """The error for a function of a library's, given or named, that is not in the table."""
        name = function if isinstance(function, str) else self.name_of(function)
        return UnsupportedError(
            f"{name} of a traced array of {library} has no derivative rule in pullback, at "
            f"{where()}.{closest(name, map(self.name_of, self))} {hint}"
        )

    def implements(self, *library_functions: Any) -> Callable[[F], F]:
        """Use the decorated function for each of these when it is called on boxes."""

        def register(ours: F) -> F:
            for function in library_functions:
                if function in self:
                    raise ValueError(f"{self.name_of(function)} is implemented twice")
                self[function] = ours
            return ours

        return register
