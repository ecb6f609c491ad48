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
from dask.array.gufunc import gufunc

from ...backends.array_api import ArrayApiBackend, is_running
from ...backends.dask import DaskBackend
from ...callers import where
from ...errors import ConversionError
from ..array_api.dispatch import boxes_in
from ..interception import StandIn, module_with
from .blocks import check_functions
from .creation import MAKERS, made
from .dispatch import call

# What takes anything: Dask asks its arguments by protocols, and boxes answer.
_ASKING = frozenset(
    "compute optimize store to_hdf5 to_npy_stack to_tiledb to_zarr assert_eq ndim shape "
    "result_type iscomplexobj register_chunk_type array_expr_enabled".split()
)
# The methods of plain arrays that take other arrays, or functions, and ask for no protocol.
_METHODS = ("clip", "dot", "map_blocks", "map_overlap")
# Those that make an array of a program's own, which it may write traced values into.
_COPIES = ("copy", "astype")


def _stand_in(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    makes = name in MAKERS

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if boxes_in((*args, *kwargs.values())):
            return call(name, args, kwargs)
        check_functions(name, _followed(name, (*args, *kwargs.values())))
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


def _method(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """A method of plain Dask arrays, as a program sees it."""

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if boxes_in(given):
            places = (*args[:1], self, *args[1:]) if name.startswith("map_") else (self, *args)
            return call(name, places, kwargs)
        check_functions(name, given)
        return original(self, *args, **kwargs)

    return method


def _copying(original: Callable[..., Any]) -> Callable[..., Any]:
    """A method that makes an array, as a program sees it."""

    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        return made(original(*args, **kwargs), sys._getframe(1).f_code.co_filename)  # noqa: SLF001

    return method


def _setitem(original: Callable[..., Any]) -> Callable[..., Any]:
    """A write into a plain array, as a program sees it."""

    @functools.wraps(original)
    def method(self: Any, key: Any, value: Any) -> None:
        if any(box.tracer.level for box in boxes_in([value, key])):
            raise ConversionError(
                f"a traced array was written into a plain Dask array, at {where()}: its derivative "
                "would be lost. Write into one that the function makes with z.copy() or da.zeros, "
                "or write da.where(mask, x, z)"
            )
        original(self, key, value)

    return method


def _of_gufunc(original: Callable[..., Any]) -> Callable[..., Any]:
    """A call of what `da.as_gufunc` makes, as a program sees it."""

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not boxes_in(args):
            return original(self, *args, **kwargs)
        names = "vectorize axes axis keepdims output_sizes output_dtypes allow_rechunk meta".split()
        options = {name: getattr(self, name) for name in names} | kwargs
        return call("apply_gufunc", (self.pyfunc, self.signature, *args), options)

    return method


class RunningStandIn(StandIn):
    """One that only contexts see in which a transform runs: other threads see Dask's function."""

    __slots__ = ()

    def __get__(self, module: Any, owner: Any = None) -> Any:
        value = super().__get__(module, owner)
        return self.original if value is self.ours and not is_running() else value


def _watched(module: ModuleType, prefix: str) -> tuple[Any, type[ModuleType]]:
    stand_ins = [
        RunningStandIn(name, value, _stand_in(prefix + name, value))
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
        wrappers: list[tuple[Any, str, Any]] = [
            *((da.Array, name, functools.partial(_method, name)) for name in _METHODS),
            *((da.Array, name, _copying) for name in _COPIES),
            (da.Array, "__setitem__", _setitem),
            (gufunc, "__call__", _of_gufunc),
        ]
        # The class, the method's name, ours, and the original.
        self.methods = [
            (owner, name, wrap(vars(owner)[name]), vars(owner)[name])
            for owner, name, wrap in wrappers
        ]
        self.running = 0
        self.lock = threading.Lock()

    def start(self, function: Callable[..., Any], trace: Any) -> Token[int]:
        """Begin to run a function under a transform."""
        with self.lock:
            self.running += 1
            if self.running == 1:
                for module, watched in self.classes:
                    module.__class__ = watched
                for owner, name, ours, _ in self.methods:
                    setattr(owner, name, ours)
        return ArrayApiBackend.start(function, trace)

    def stop(self, token: Token[int]) -> None:
        """End what `start` began."""
        ArrayApiBackend.stop(token)
        with self.lock:
            self.running -= 1
            if self.running == 0:
                for module, _ in self.classes:
                    module.__class__ = ModuleType
                for owner, name, _, original in self.methods:
                    setattr(owner, name, original)


swap = _Swap()
DaskBackend.start = staticmethod(swap.start)
DaskBackend.stop = staticmethod(swap.stop)
