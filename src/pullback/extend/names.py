"""What rules call the arguments of a user's function, and what else they may name."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

_ANY = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
_BUILT_IN = {"xp", "out", "shape", "dtype", "args", "others", "position"}


def argument_names(function: Any, count: int) -> list[str]:
    """What rules call the first `count` arguments."""
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, np.ufunc):
        if function.nin != count:
            raise TypeError(
                f"the ufunc {name} has {function.nin} argument(s); declare as many, got {count}"
            )
        if function.nout != 1:
            raise TypeError(
                f"the ufunc {name} has {function.nout} results: wrap it in a function, and declare "
                f"that with opaque(..., outputs={function.nout})"
            )
        return ["x", "y", "z", "w"][:count] if count <= 4 else [f"x{k}" for k in range(count)]
    parameters = list(inspect.signature(function).parameters.values())
    if count > len(parameters) or any(p.kind in _ANY for p in parameters):
        raise TypeError(
            f"{name} must have {count} named array argument(s) or more, none of them * or **, got "
            f"{inspect.signature(function)}; wrap it in a function that has"
        )
    return [parameter.name for parameter in parameters[:count]]


def check_names(function: Any, rule: Any, names: list[str], skip: int) -> None:
    """Raise unless what `rule` asks for exists."""
    known = {*names, *_BUILT_IN}
    if not isinstance(function, np.ufunc):
        known |= set(inspect.signature(function).parameters)
    wanted = list(inspect.signature(rule).parameters)[skip:]
    for name in wanted:
        if name not in known:
            raise TypeError(
                f"a rule of {getattr(function, '__name__', function)!r} names {name!r}; what it "
                f"may name is {', '.join(sorted(known))}"
            )


def is_bare(function: Any, names: Sequence[str]) -> bool:
    """Are these all of its arguments, so that it has no parameters?"""
    if isinstance(function, np.ufunc):
        return True
    return len(inspect.signature(function).parameters) == len(names)


def recorded_names(function: Any, names: list[str]) -> list[str]:
    """The arguments' names as generated recorders have them, where there are no parameters."""
    if not is_bare(function, names):
        return names
    return ["x", "y", "z"][: len(names)] if len(names) <= 3 else names
