"""While a transform runs a program: Dask's functions as it sees them.

Most of Dask's functions ask their arguments for no protocol, so a box would be taken for a constant
of unknown type.  As for NumPy's makers (see `interception.py`) the module gets a
class with stand-ins while a transform runs: with a traced argument they call ours, or say what to
write; otherwise they are Dask's own.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextvars import Token
from types import ModuleType
from typing import Any

import dask.array as da

from ...backends.array_api import ArrayApiBackend
from ...backends.dask import DaskBackend
from ...callers import where
from ...captures import captured_by
from ...errors import UnsupportedError
from ..array_api.dispatch import boxes_in
from ..interception import StandIn, module_with
from .creation import MAKERS, made
from .dispatch import call

# What takes anything: Dask asks its arguments by protocols, and boxes answer.
_ASKING = frozenset(
    "compute optimize store to_hdf5 to_npy_stack to_tiledb to_zarr assert_eq ndim shape "
    "result_type iscomplexobj register_chunk_type array_expr_enabled".split()
)
# The methods of plain arrays that take other arrays, or functions, and ask for no protocol.
_METHODS = ("clip", "dot", "map_blocks", "map_overlap")


def _stand_in(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    makes = name in MAKERS

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if boxes_in((*args, *kwargs.values())):
            return call(name, args, kwargs)
        _check_functions(name, _followed(name, (*args, *kwargs.values())))
        out = original(*args, **kwargs)
        return made(out, sys._getframe(1).f_code.co_filename) if makes else out  # noqa: SLF001

    return function


def _followed(name: str, values: Sequence[Any]) -> Iterable[Any]:
    """The values, and in place of what is delayed the functions of its graph."""
    if name != "from_delayed":
        return values
    graphs = (getattr(value, "dask", {}) for value in values)
    tasks = (task for graph in graphs for task in dict(graph).values())
    return (task.func for task in tasks if hasattr(task, "func"))


def _check_functions(name: str, values: Iterable[Any]) -> None:
    """Raise if a function of blocks holds a traced array: the graph would run it too late."""
    functions = [value for value in values if callable(value) and not isinstance(value, da.Array)]
    if any(box.tracer.level for box in captured_by(*functions)):
        raise UnsupportedError(
            f"da.{name}: a function of the graph captured a traced array, whose derivative would "
            "be lost when the graph is computed, at "
            f"{where()}. Pass the array to da.map_blocks as an argument, in blocks as the others"
        )


def _method(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """A method of plain Dask arrays, as a program sees it."""

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if boxes_in(given):
            places = (*args[:1], self, *args[1:]) if name.startswith("map_") else (self, *args)
            return call(name, places, kwargs)
        _check_functions(name, given)
        return original(self, *args, **kwargs)

    return method


def _watched(module: ModuleType, prefix: str) -> tuple[Any, type[ModuleType]]:
    stand_ins = [
        StandIn(name, value, _stand_in(prefix + name, value))
        for name, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and name[0] != "_"
        and name not in _ASKING
    ]
    return module, module_with(stand_ins)


class _Swap:
    """The modules' stand-ins, and the number of functions that run with them."""

    def __init__(self) -> None:
        self.classes = [_watched(da, ""), _watched(da.linalg, "linalg."), _watched(da.fft, "fft.")]
        originals = [(name, vars(da.Array)[name]) for name in _METHODS]
        self.methods = [(name, _method(name, one), one) for name, one in originals]
        self.running = 0
        self.lock = threading.Lock()

    def start(self, function: Callable[..., Any], trace: Any) -> Token[int]:
        """Begin to run a function under a transform."""
        with self.lock:
            self.running += 1
            if self.running == 1:
                for module, watched in self.classes:
                    module.__class__ = watched
                for name, ours, _ in self.methods:
                    setattr(da.Array, name, ours)
        return ArrayApiBackend.start(function, trace)

    def stop(self, token: Token[int]) -> None:
        """End what `start` began."""
        ArrayApiBackend.stop(token)
        with self.lock:
            self.running -= 1
            if self.running == 0:
                for module, _ in self.classes:
                    module.__class__ = ModuleType
                for name, _, original in self.methods:
                    setattr(da.Array, name, original)


swap = _Swap()
DaskBackend.start = staticmethod(swap.start)
DaskBackend.stop = staticmethod(swap.stop)
