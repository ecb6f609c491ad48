"""Rules: what a derivative needs is what its parameters name, and the tape keeps only that.

A rule is a function in the notation of calculus.  Its parameters are looked up by name when the
op runs: `xp` (the backend's canonical namespace), `out` (the op's result), an argument's name, a
parameter's name, `shape` and `dtype` (those of the argument that the rule is for), `args` (all of
them), `others` (all but the one the rule is for) and `position` (which one that is).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

# How a cotangent passes an argument's rule on the way back.
PARTIAL = 0  # times the conjugate of a partial derivative
VALUE = 1  # the same, where the partial is a saved value itself
IDENTITY = 2  # unchanged
NEGATE = 3  # with the other sign
TRANSPOSE = 4  # through a linear map of the cotangent
JOINT = 5  # one map gives the cotangents of all arguments
SCATTER = 6  # added into a part of the argument's cotangent, in place where that is ours
OUTPUT = 7  # one output of a primitive that has several
WRITE = 8  # split between the value written into a part of an array, and the rest of it


class Rule:
    """One argument's derivative: how to apply it, the function, and what the function needs.

    `save(xp, out, args, params, position)` is the tuple of values that `function` is called with
    (after the cotangent, where it takes one). `masks` says that the rule turns some of the
    cotangent's elements into exact zeros, which then stand for branches that were not taken.
    """

    __slots__ = ("arguments", "names", "save", "step")

    def __init__(
        self,
        how: int,
        function: Callable[..., Any] | None,
        argument_names: Sequence[str],
        *,
        masks: bool = False,
    ) -> None:
        takes_cotangent = how in (TRANSPOSE, JOINT, SCATTER)
        names = [] if function is None else parameters_of(function)
        self.arguments = tuple(argument_names)
        self.names = names[takes_cotangent:]
        if how == PARTIAL and len(names) == 1 and _returns_its_argument(function):
            how = VALUE
        self.save = compile_save(self.names, argument_names, bare=how == VALUE)
        self.step = (how, function, masks)

    def names_argument(self, position: int) -> bool:
        """Does the rule need the value of the argument at `position`?"""
        if "args" in self.names or "others" in self.names:
            return True
        return position < len(self.arguments) and self.arguments[position] in self.names


def parameters_of(function: Any) -> list[str]:
    """The names of its parameters: read off its code where that says it all, which is quick."""
    if hasattr(function, "__code__") and not {"__signature__", "__wrapped__"} & {*vars(function)}:
        code = function.__code__
        return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    return list(inspect.signature(function).parameters)


def _returns_its_argument(function: Any) -> bool:
    return function.__code__.co_code == (lambda value: value).__code__.co_code


_EXPRESSIONS = {
    "xp": "xp",
    "out": "out",
    "args": "tuple(args)",
    "others": "(*args[:position], None, *args[position + 1 :])",
    "position": "position",
    "shape": "shape_of(args[position])",
    "dtype": "dtype_of(args[position])",
    "every_shape": "tuple(map(shape_of, args))",
}


def compile_save(
    names: Sequence[str], argument_names: Sequence[str], *, bare: bool = False
) -> Callable[..., Any]:
    """A function that picks the named values: a tuple of them, or the only one itself if `bare`.

    It is generated, as a namedtuple's methods are, because it runs once for every argument of
    every op, and a loop over names would cost more than the rest of recording.
    """
    fields: list[str] = []
    for name in names:
        if name in argument_names:
            fields.append(f"args[{list(argument_names).index(name)}]")
        else:
            fields.append(_EXPRESSIONS.get(name, f"params[{name!r}]"))
    return _save(source_of(fields, bare=bare))


@functools.cache
def _save(source: str) -> Callable[..., Any]:
    source = f"lambda xp, out, args, params, position: {source}"
    return eval(source, {"shape_of": shape_of, "dtype_of": dtype_of})  # noqa: S307


def source_of(fields: Sequence[str], *, bare: bool) -> str:
    """The source of a tuple of these expressions, or of the only one if `bare`."""
    return fields[0] if bare else f"({', '.join(fields)}{',' if fields else ''})"


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an array or a Python number."""
    return getattr(value, "shape", ())


def dtype_of(value: Any) -> Any:
    """The dtype of an array, or a Python number's type."""
    return getattr(value, "dtype", type(value))
