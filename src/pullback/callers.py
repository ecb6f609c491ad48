"""Whose code calls: the program that is being differentiated, or a library.

Errors name the program's own file and line, and what pullback does for a program (see
`frontends/numpy/intercept.py`) it does not do to the libraries that the program calls.
"""

from __future__ import annotations

import dis
import functools
import linecache
import os
import sys
import sysconfig
from types import FrameType, FunctionType
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120
_PACKAGES = ("site-packages", "dist-packages")


@functools.cache
def _standard_library() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple(paths[key] + os.sep for key in ("stdlib", "platstdlib"))


@functools.cache
def package_of(filename: str) -> str | None:
    """The library that a file belongs to, as a folder; None for a program's own file."""
    if filename.startswith((_HERE, "<frozen")):
        return _HERE
    parts = filename.split(os.sep)  # noqa: PTH206 (runs once a file, and pathlib is slow to import)
    for folder in _PACKAGES:
        if folder in parts:
            end = len(parts) - parts[::-1].index(folder)
            return os.sep.join(parts[: end + 1])  # noqa: PTH118
    return next((path for path in _standard_library() if filename.startswith(path)), None)


def package_of_function(function: Any) -> str | None:
    """The library that a function, method, partial or callable object was written in."""
    while type(function) is not FunctionType or hasattr(function, "__wrapped__"):
        for inner in ("__wrapped__", "__func__", "func"):  # a decorator's, a method's, a partial's
            if hasattr(function, inner):
                function = getattr(function, inner)
                break
        else:
            function = type(function).__call__
            if type(function) is not FunctionType:
                return None
    package = package_of(function.__code__.co_filename)
    return None if package == _HERE else package


def user_frame() -> FrameType | None:
    """The innermost frame that runs a program's own code."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and package_of(frame.f_code.co_filename) is not None:
        frame = frame.f_back
    return frame


def where(frame: FrameType | None = None) -> str:
    """The file, line and text at which `frame` is, or by default the program's own code."""
    frame = user_frame() if frame is None else frame
    if frame is None:
        return "an unknown place"
    filename, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(filename, line, frame.f_globals).strip()
    return f"{filename}:{line}" + (f": {text}" if text else "")


def operation(frame: FrameType) -> tuple[str, int]:
    """The bytecode instruction that `frame` is at: its name and its argument."""
    code, place = frame.f_code.co_code, frame.f_lasti
    return dis.opname[code[place]], code[place + 1]
