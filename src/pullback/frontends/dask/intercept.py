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
from collections.abc import Callable
from contextvars import Token
from types import ModuleType
from typing import Any

import dask.array as da

from ...backends.array_api import ArrayApiBackend
from ...backends.dask import DaskBackend
from ..array_api.dispatch import boxes_in
from ..interception import StandIn, module_with
from .creation import MAKERS, made
from .dispatch import call

# What takes anything: Dask asks its arguments by protocols, and boxes answer.
_ASKING = frozenset(
    "compute optimize store to_hdf5 to_npy_stack to_tiledb to_zarr assert_eq ndim shape "
    "result_type iscomplexobj register_chunk_type array_expr_enabled".split()
)


def _stand_in(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    makes = name in MAKERS

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if boxes_in((*args, *kwargs.values())):
            return call(name, args, kwargs)
        out = original(*args, **kwargs)
        return made(out, sys._getframe(1).f_code.co_filename) if makes else out  # noqa: SLF001

    return function


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
        self.running = 0
        self.lock = threading.Lock()

    def start(self, function: Callable[..., Any], trace: Any) -> Token[int]:
        """Begin to run a function under a transform."""
        with self.lock:
            self.running += 1
            if self.running == 1:
                for module, watched in self.classes:
                    module.__class__ = watched
        return ArrayApiBackend.start(function, trace)

    def stop(self, token: Token[int]) -> None:
        """End what `start` began."""
        ArrayApiBackend.stop(token)
        with self.lock:
            self.running -= 1
            if self.running == 0:
                for module, _ in self.classes:
                    module.__class__ = ModuleType


swap = _Swap()
DaskBackend.start = staticmethod(swap.start)
DaskBackend.stop = staticmethod(swap.stop)
