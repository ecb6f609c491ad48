"""What is said of a function's derivative: its rules, and which arguments they are for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ..api import Argnums


class Rules:
    """A function, the rules of its derivative, and how its messages call it and its arguments."""

    def __init__(
        self, function: Callable[..., Any], transform: str, nondiff_argnums: Argnums
    ) -> None:
        self.function = function
        self.name = getattr(function, "__qualname__", None) or repr(function)
        self.title = f"pullback.{transform}: {self.name}"
        self.nondiff = nondiff_argnums if isinstance(nondiff_argnums, tuple) else (nondiff_argnums,)
        if not all(type(place) is int and place >= 0 for place in self.nondiff):
            raise TypeError(
                f"{self.title}: nondiff_argnums must be positions (0 or more), got "
                f"{nondiff_argnums!r}"
            )
        self.signature = _signature_of(function)
        self.forward: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None
        self.rule: Callable[..., Any] | None = None

    def def_vjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> Self:
        """Give the function a rule for reverse mode.

        Args:
            forward: Takes the function's own arguments and returns `(output, residuals)`:
                residuals are any object.
            backward: Takes `(residuals, cotangents)`, the latter a tree like the output with an
                array for each leaf (None for leaves that are no floating-point numbers), and
                returns a tuple with one entry for each differentiable argument: a tree like the
                argument, or None for zero. It must be linear in the cotangents.

        Returns:
            The function itself.
        """
        _check_callable(self.title, forward=forward, backward=backward)
        self.forward, self.backward = forward, backward
        return self

    def def_jvp(self, rule: Callable[..., Any]) -> Self:
        """Give the function a rule for forward mode.

        Args:
            rule: Takes `(primals, tangents)`, two tuples with one entry for each positional
                argument (the tangent of an argument in `nondiff_argnums`, and of a leaf that is no
                floating-point number, is None), and returns `(output, tangent)`. The tangent is a
                tree like the output, None for zero, and linear in the tangents.

        Returns:
            The function itself.
        """
        _check_callable(self.title, rule=rule)
        self.rule = rule
        return self

    def argument(self, place: int) -> str:
        """How a message calls the argument at `place`."""
        names = list(self.signature.parameters) if self.signature else []
        return repr(names[place]) if place < len(names) else f"number {place}"

    def __repr__(self) -> str:
        return f"<{self.title}>"


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    if isinstance(function, np.ufunc):  # newer NumPys list the options of ufuncs, none of them ours
        return None
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # a builtin
        return None


def _check_callable(title: str, **rules: Any) -> None:
    for name, rule in rules.items():
        if not callable(rule):
            raise TypeError(f"{title}: {name} must be a function, got {type(rule).__name__}")
