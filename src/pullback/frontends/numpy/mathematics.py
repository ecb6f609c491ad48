"""`math`'s functions of traced numbers: the same values, errors and derivatives.

`math` takes what converts to a float, and a traced value does not: while a transform runs, these
stand in for its functions (see `intercept.py`).  Each calls the original on the values first, which
raises what that raises.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import box_types, detached, is_batched
from ...ops import special
from .dispatch import array_of, holds_boxes


def _item(value: Any) -> Any:
    """A Python number, where there is one for all examples."""
    return value.item() if type(value) in box_types else value


def _number(value: Any) -> Any:
    """An array of one element is a number to `math`, and no other is."""
    if type(value) not in box_types:
        return value
    if value.size != 1:
        raise TypeError("only length-1 arrays can be converted to Python scalars")
    return value.reshape(()) if value.ndim else value


def _follows(original: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any) -> Any:
        if not any(type(arg) in box_types for arg in args):
            return original(*args)
        numbers = [_number(arg) for arg in args]
        if not any(map(is_batched, numbers)):
            original(*map(_item, numbers))
        return ours(*numbers)

    return function


def _reads(original: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose results are integers or booleans: constants."""

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        return original(*map(_item, args), **{name: _item(kwargs[name]) for name in kwargs})

    return function


def _follows_items(original: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """A function of iterables."""

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        lists = [
            [*arg] if hasattr(type(arg), "__iter__") and type(arg) not in box_types else arg
            for arg in args
        ]
        if not holds_boxes([*lists, *kwargs.values()]):
            return original(*lists, **kwargs)
        return ours(*map(array_of, lists), **kwargs)

    return function


def _log(x: Any, base: Any = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


def _remainder(x: Any, y: Any) -> Any:
    return x - y * np.rint(detached(x) / detached(y))


def _modf(x: Any) -> Any:
    part, whole = np.modf(x)
    return part, whole if is_batched(whole) else float(whole)


def _frexp(x: Any) -> Any:
    mantissa, exponent = np.frexp(x)
    return mantissa, exponent if is_batched(exponent) else int(exponent)


def _hypot(*coordinates: Any) -> Any:
    return (
        np.hypot(*coordinates)
        if len(coordinates) == 2
        else np.linalg.norm(
            np.stack([np.asarray(c) if type(c) not in box_types else c for c in coordinates])
        )
    )


_SAME_NAME = (
    "cbrt copysign cos cosh degrees exp exp2 expm1 fabs fmod ldexp log10 log1p log2 nextafter "
    "radians sin sinh sqrt tan tanh"
)
_ARCS = {f"a{name}": f"arc{name}" for name in "cos cosh sin sinh tan tanh".split()}

_FOLLOWED: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in _SAME_NAME.split()},
    **{name: getattr(np, theirs) for name, theirs in _ARCS.items()},
    "atan2": np.arctan2,
    "erf": special.erf,
    "erfc": special.erfc,
    "fma": lambda x, y, z: x * y + z,
    "frexp": _frexp,
    "gamma": special.gamma,
    "hypot": _hypot,
    "lgamma": special.gammaln,
    "log": _log,
    "modf": _modf,
    "pow": np.power,
    "remainder": _remainder,
}
_ITEMS: dict[str, Callable[..., Any]] = {
    "dist": lambda p, q: np.linalg.norm(p - q),
    "fsum": np.sum,
    "prod": lambda x, start=1: np.prod(x) * start,
    "sumprod": np.dot,
}
_READ = "ceil floor isclose isfinite isinf isnan trunc ulp".split()
_KINDS: tuple[tuple[Callable[..., Any], Any], ...] = (
    (_follows, _FOLLOWED.items()),
    (_follows_items, _ITEMS.items()),
    (_reads, [(name,) for name in _READ]),
)

# What stands in for `math`'s functions, by name; some are newer than the oldest Python.
followed_math = {
    name: wrap(getattr(math, name), *ours)
    for wrap, named in _KINDS
    for name, *ours in named
    if hasattr(math, name)
}
