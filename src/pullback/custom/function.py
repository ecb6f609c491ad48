"""A function with rules of its own: what `custom_vjp` and `custom_jvp` make of one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

from .. import tree
from ..api import Argnums
from ..backends import backend_of
from ..calls import any_traced, pack
from ..core import bind
from ..errors import UnsupportedError
from .call import CustomCall
from .rules import Rules


class CustomFunction(Rules):
    """A function whose derivative is what its rules say; see `custom_vjp` and `custom_jvp`."""

    def __init__(
        self, function: Callable[..., Any], transform: str, nondiff_argnums: Argnums
    ) -> None:
        functools.update_wrapper(self, function)
        super().__init__(function, transform, nondiff_argnums)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value; under a transform, with its rule."""
        if self.forward is None and self.rule is None:
            raise TypeError(
                f"{self.title} has no rule yet: give it one with def_vjp(forward, backward) or "
                "def_jvp(rule)"
            )
        args, keywords = self._bound(args, kwargs)
        places = [place for place in range(len(args)) if place not in self.nondiff]
        self._check_constants(args, keywords)
        values, inputs = pack(tuple(args[place] for place in places))
        call = CustomCall(self, args, keywords, places, inputs)
        outs: Any = None
        if any_traced(values):
            outs = bind(call, values, {})
        elif run := backend_of(values).call_with_rule:
            outs = run(call, values, forwards=self.backward is None)
        if outs is None:
            return self.function(*call.arguments(values), **keywords)
        return call.outputs.unpack(outs)

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call's arguments by position where they have one, defaults filled in."""
        if self.signature is None:
            return args, kwargs
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def _check_constants(self, args: Sequence[Any], keywords: dict[str, Any]) -> None:
        constants = [(self.argument(p), args[p], True) for p in self.nondiff if p < len(args)]
        constants += [(repr(name), value, False) for name, value in keywords.items()]
        for name, value, listed in constants:
            if any_traced(tree.flatten(value)[0]):
                why = "is in nondiff_argnums" if listed else "can only be passed by keyword"
                raise UnsupportedError(
                    f"{self.title}: the argument {name} {why}, so its derivative would be lost, "
                    "but the value it got is traced. Make it a positional argument that the rule "
                    "knows of, or pass pullback.stop_gradient(value)."
                )


def custom_vjp(func: Callable[..., Any] | None = None, *, nondiff_argnums: Argnums = ()) -> Any:
    """A function whose derivative is a rule for reverse mode: `func.def_vjp(forward, backward)`.

    Forward mode is read off the same rule, unless `func.def_jvp` gives one. Derivatives of higher
    order are those of the rule itself, which then sees the outer transform's traced arrays: call
    NumPy's functions and `func` in it. The rule gets copies of the arguments.

    Args:
        func: A function of trees. Its positional arguments are differentiable, defaults included;
            arguments that can only be passed by keyword are constants.
        nondiff_argnums: Positions of the arguments that are constants too. They may be any object.

    Returns:
        The function, with the methods `def_vjp` and `def_jvp`; or a decorator without `func`.

    Raises:
        TypeError: If the function has no rule yet, or a rule returns no pair or tuple as described.
        ValueError: If what a rule returns has another structure or shape than it must have.
        UnsupportedError: If a constant argument is traced, or the function captured a traced value
            whose derivative the rule would lose.

    Example:
        >>> import numpy as np, pullback
        >>> @pullback.custom_vjp
        ... def log1pexp(x):
        ...     return np.logaddexp(0.0, x)
        >>> def forward(x):
        ...     return log1pexp(x), x
        >>> def backward(x, cotangent):
        ...     return (cotangent / (1 + np.exp(-x)),)
        >>> _ = log1pexp.def_vjp(forward, backward)
        >>> float(pullback.grad(log1pexp)(0.0))
        0.5
    """
    return _declared(func, "custom_vjp", nondiff_argnums)


def custom_jvp(func: Callable[..., Any] | None = None, *, nondiff_argnums: Argnums = ()) -> Any:
    """A function whose derivative is a rule for forward mode: `func.def_jvp(rule)`.

    Reverse mode is read off the same rule, unless `func.def_vjp` gives one. All else is as with
    `custom_vjp`.

    Args:
        func: A function of trees.
        nondiff_argnums: Positions of the arguments that are constants.

    Returns:
        The function, with the methods `def_jvp` and `def_vjp`; or a decorator without `func`.

    Raises:
        TypeError, ValueError, UnsupportedError: As `custom_vjp`.

    Example:
        >>> import numpy as np, pullback
        >>> @pullback.custom_jvp
        ... def cube(x):
        ...     return x * x * x
        >>> _ = cube.def_jvp(lambda primals, tangents: (
        ...     cube(primals[0]), 3.0 * primals[0] ** 2 * tangents[0]))
        >>> float(pullback.grad(cube)(2.0))
        12.0
    """
    return _declared(func, "custom_jvp", nondiff_argnums)


def _declared(func: Any, transform: str, nondiff_argnums: Argnums) -> Any:
    if func is None:
        return lambda func: CustomFunction(func, transform, nondiff_argnums)
    if not callable(func):
        raise TypeError(f"pullback.{transform}: func must be a function, got {type(func).__name__}")
    return CustomFunction(func, transform, nondiff_argnums)
