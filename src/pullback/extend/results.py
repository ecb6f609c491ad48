"""A user's function and its rules, with results that are as their kind has them, or an error.

What they get is theirs to write into, or cannot be written into: it may be the caller's, or on a
tape.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backends import backend_of
from ..core import box_types, raw
from ..frontends.numpy.buffers import read_only
from ..rules import JOINT, TRANSPOSE, Rule, shape_of


def checked_function(
    function: Callable[..., Any], kind: str, outputs: int | None
) -> Callable[..., Any]:
    """`function`, with results that are arrays as their kind has them, or an error."""
    name = getattr(function, "__name__", repr(function))

    def run(*args: Any, **params: Any) -> Any:
        with backend_of(args).outside():
            out = function(*map(_read_only, args), **params)
        if outputs is None:
            return one(out, args)
        if not isinstance(out, (tuple, list)) or len(out) != outputs:
            raise TypeError(f"{name} was declared with outputs={outputs}, but returned {out!r}")
        return tuple(one(part, args) for part in out)

    def one(out: Any, args: Any) -> Any:
        backend = backend_of([])
        why = backend.refusal(out)
        if why is not None:
            raise TypeError(f"{name}, which is declared as an op, returned no array: {why}")
        if kind == "elementwise" and np.shape(out) != np.broadcast_shapes(*map(np.shape, args)):
            raise ValueError(
                f"{name} is declared as elementwise, but its result has shape {np.shape(out)} for "
                f"arguments of shapes {[*map(np.shape, args)]}; declare it with opaque"
            )
        if not hasattr(out, "dtype"):
            return backend.enter(out)
        shared = type(out) is np.ndarray and not out.flags.writeable
        return out.copy() if shared else out

    return functools.wraps(function)(run)


def _read_only(value: Any) -> Any:
    """An array that the function cannot write into: it may be the caller's, or on a tape."""
    return read_only(value) if type(value) is np.ndarray else value


def checked_partial(
    function: Any, partial: Callable[..., Any], name: str, called: dict[str, str]
) -> Callable[..., Any]:
    """A partial whose result is checked, and whose arguments are `called` otherwise."""
    title = f"{getattr(function, '__name__', repr(function))}: the partial of {name!r}"
    signature = inspect.signature(partial)
    wanted = list(signature.parameters)

    @functools.wraps(partial)
    def run(*saved: Any) -> Any:
        return _of_shape(title, partial(*saved), _shapes_in(wanted, saved))

    run.__signature__ = signature.replace(  # pyright: ignore[reportAttributeAccessIssue]
        parameters=[
            p.replace(name=called.get(p.name, p.name)) for p in signature.parameters.values()
        ]
    )
    return run


def _shapes_in(names: list[str], saved: Sequence[Any]) -> list[Any]:
    """The shapes of what a partial was given by these names."""
    shapes: list[Any] = []
    for name, value in zip(names, saved, strict=True):
        if name == "shape":
            shapes.append(value)
        elif name in ("args", "others"):
            shapes += [shape_of(part) for part in value]
        elif name not in ("xp", "dtype", "position"):
            shapes.append(shape_of(value))
    return shapes


def _of_shape(title: str, value: Any, shapes: list[Any]) -> Any:
    """What a partial returned, if it is a number for each element of arrays of these shapes."""
    backend = backend_of([value])
    if (why := backend.refusal(raw(value))) is not None:
        raise TypeError(f"{title}: {why}")
    got, _ = backend.aval(value)
    if got == () or got in shapes:
        return value
    expected = np.broadcast_shapes(*shapes)
    try:
        fits = np.broadcast_shapes(got, expected) == expected
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{title}: got shape {got}, expected {expected}, an element for each of what it is "
            "computed from"
        )
    return value


def checked_rule(
    function: Any, back: Callable[..., Any], names: list[str], place: int | None
) -> Rule:
    """A transpose for the argument at `place`, or a vjp (None) for all, whose results are checked.

    It gets copies of the cotangents, for what it writes there is nobody else's.
    """
    title = f"a rule of {getattr(function, '__name__', function)!r}"

    @functools.wraps(back)
    def run(cotangent: Any, *saved: Any) -> Any:
        *values, shapes = saved
        if type(cotangent) is list:
            result = back([ct if ct is None else _copy(ct) for ct in cotangent], *values)
        else:
            result = back(_copy(cotangent), *values)
        if place is not None:
            return _cotangent(title, result, names[place], shapes[place])
        if not isinstance(result, (tuple, list)) or len(result) != len(names):
            count = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
            raise TypeError(
                f"{title} must return a tuple with one cotangent for each array argument "
                f"({', '.join(names)}), got {type(result).__name__}{count}"
            )
        return [
            None if part is None else _cotangent(title, part, name, shape)
            for part, name, shape in zip(result, names, shapes, strict=False)
        ]

    signature = inspect.signature(back)
    shapes = inspect.Parameter("every_shape", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = signature.replace(  # pyright: ignore[reportAttributeAccessIssue]
        parameters=[*signature.parameters.values(), shapes]
    )
    return Rule(TRANSPOSE if place is not None else JOINT, run, names)


def _copy(cotangent: Any) -> Any:
    return backend_of([cotangent]).copy(cotangent)


def _cotangent(title: str, value: Any, name: str, shape: tuple[int, ...]) -> Any:
    """What a rule returned for an argument of this shape, as an array, or an error."""
    backend = backend_of([value])
    if type(value) not in box_types and (why := backend.refusal(value)) is not None:
        raise TypeError(f"{title} returned no cotangent for {name}: {why}")
    got, _ = backend.aval(value)
    # An axis of length 1 stands for all: the argument's is summed to, the cotangent's repeated.
    pairs = zip(reversed(got), reversed(shape), strict=False)
    if any(n != m and 1 not in (n, m) for n, m in pairs):
        raise ValueError(f"{title} returned shape {got} for {name}, which has shape {shape}")
    return value if hasattr(value, "dtype") else backend.enter(value)
