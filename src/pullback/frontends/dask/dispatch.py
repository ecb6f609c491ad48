"""The table from names to ours: NumPy's names and signatures, which are Dask's too.

A name is written with its module: `exp`, `linalg.norm`.  What a program calls may be NumPy's
function (NEP 13 and NEP 18 lead here) or Dask's (see `intercept.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np

from ...backends.dask import backend
from ...backends.libraries import captured, check_one_library
from ...core import box_types, detached, raw
from ...errors import UnsupportedError
from ...mutate import BufferTrace
from ..array_api.dispatch import boxes_in
from ..table import Table

# NumPy's name -> ours.
functions = Table("da.{}".format)
implements = functions.implements
# What has no derivative -> what to write instead.
refusals: dict[str, str] = {}
_ADVICE = (
    "Write it in functions that have one, as x.map_blocks(function) with a NumPy function of one "
    "block, or on pullback.stop_gradient(x)"
)


@functools.cache
def known_as(name: str) -> Callable[..., Any] | None:
    """What the table has for a function of this name; ufuncs have other names too."""
    if name in functions:
        return functions[name]
    ufunc = getattr(np, name, None)
    return functions.get(ufunc.__name__) if isinstance(ufunc, np.ufunc) else None


def call(name: str, args: Any, kwargs: Any) -> Any:
    """Ours for the function of this name, of which an argument is traced."""
    ours = known_as(name)
    if ours is None:
        plain, options = (_unboxed(part) for part in (args, kwargs))
        if not boxes_in([*plain, *options.values()]):
            return original(name)(*plain, **options)
        raise functions.lacking(f"da.{name}", backend.name, refusals.get(name, _ADVICE))
    check_one_library(f"da.{name}", backend, (*args, *kwargs.values()))
    out = kwargs.get("out")
    if out is not None:
        raise UnsupportedError(
            f"da.{name} on a traced array does not take out=: write y = da.{name}(x)"
        )
    where = kwargs.pop("where", True) if isinstance(getattr(np, name, None), np.ufunc) else True
    if where is not True:
        raise UnsupportedError(
            f"da.{name} on a traced array does not take where=: write da.where(mask, x, y)"
        )
    return ours(*args, **{k: v for k, v in kwargs.items() if k not in ("out", "split_every")})


def _unboxed(tree: Any) -> Any:
    """`tree` with what no transform follows out of its buffers."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(_unboxed, tree))
    if isinstance(tree, dict):
        return {key: _unboxed(value) for key, value in tree.items()}
    return raw(tree) if type(tree) in box_types and not tree.tracer.level else tree


def original(name: str) -> Callable[..., Any]:
    """Dask's own function of this name."""
    module: Any = da
    *modules, name = name.split(".")
    for one in modules:
        module = vars(module)[one]
    return vars(module)[name]


def unsupported(what: str, instead: str = "") -> UnsupportedError:
    """The error for a function without a derivative rule."""
    usual = (
        "Write it in functions that have one, as x.map_blocks(function) with a NumPy function of "
        "one block, or on pullback.stop_gradient(x)"
    )
    return UnsupportedError(
        f"{what} of a traced Dask array has no derivative rule in pullback. {instead or usual}"
    )


def operand(value: Any) -> Any:
    """An operand as the primitives take it: NumPy's arrays and lists as Dask arrays."""
    if type(value) in box_types:
        if value.tracer.backend is backend:
            return value
        if not value.tracer.level:
            return operand(raw(value))
        check_one_library("da.asarray", backend, [value])
        raise captured(backend.name)
    check_one_library("da.asarray", backend, [value])
    if isinstance(value, da.Array) or type(value) in (bool, int, float, complex):
        return value
    if isinstance(value, (list, tuple)) and boxes_in(value):
        return functions["stack"](value)
    array = np.asarray(value)
    if array.dtype.kind not in "fciub":
        raise TypeError(
            f"a traced Dask array was combined with a {type(value).__module__}."
            f"{type(value).__name__}, which is no array of numbers to Dask; convert it, with "
            "da.from_array or float()"
        )
    return backend.asarray(array)


def buffer(array: Any) -> Any:
    """A raw Dask array as a box that no transform follows; anything else as it is."""
    return BufferTrace(backend).box(array)


def constant(value: Any) -> Any:
    """`value` without the boxes of what is differentiated."""
    return detached(value)
