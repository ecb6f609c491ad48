"""Whose code calls: the program that is being differentiated, or a library.

Errors name the program's own file and line, and what pullback does for a program (see
`frontends/numpy/intercept.py`) it does not do to the libraries that the program calls.
"""

from __future__ import annotations

import dis
import functools
import importlib
import itertools
import linecache
import os
import sys
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120
_PACKAGES = ("site-packages", "dist-packages")
# Where decorators, methods, partials and the like keep the function that they are for.
_INNER = ("__wrapped__", "__func__", "func", "function")


@functools.cache
def _standard_library() -> tuple[str, ...]:
    sysconfig = importlib.import_module("sysconfig")  # here, for it is slow to import
    paths = sysconfig.get_paths()
    return tuple(paths[key] + os.sep for key in ("stdlib", "platstdlib"))


@functools.cache
def package_of(filename: str) -> str | None:
    """The library that a file belongs to, as a folder; None for a program's own file."""
    if filename.startswith((OURS, "<frozen")):
        return OURS
    parts = filename.split(os.sep)  # noqa: PTH206 (runs once a file, and pathlib is slow to import)
    for folder in _PACKAGES:
        if folder in parts:
            end = len(parts) - parts[::-1].index(folder)
            return os.sep.join(parts[: end + 1])  # noqa: PTH118
    return next((path for path in _standard_library() if filename.startswith(path)), None)


def package_of_function(function: Any) -> str | None:
    """The library that a function, method, partial or callable object was written in."""
    while type(function) is not FunctionType or hasattr(function, "__wrapped__"):
        for inner in _INNER:
            if hasattr(function, inner):
                function = getattr(function, inner)
                break
        else:
            function = type(function).__call__
            if type(function) is not FunctionType:
                return None
    package = package_of(function.__code__.co_filename)
    return None if package == OURS else package


def user_frame() -> FrameType | None:
    """The innermost frame that runs a program's own code."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and package_of(frame.f_code.co_filename) is not None:
        frame = frame.f_back
    return frame


def where(frame: FrameType | None = None, line: int = 0) -> str:
    """The file, line and text at which `frame` is, or by default the program's own code.

    An ended frame, of a traceback, is at the `line` that is given.
    """
    frame = user_frame() if frame is None else frame
    if frame is None:
        return "an unknown place"
    filename, line = frame.f_code.co_filename, line or frame.f_lineno
    text = linecache.getline(filename, line, frame.f_globals).strip()
    return f"{filename}:{line}" + (f": {text}" if text else "")


def operation(frame: FrameType) -> tuple[str, int]:
    """The bytecode instruction that `frame` is at: its name and its argument."""
    code, place = frame.f_code.co_code, frame.f_lasti
    return dis.opname[code[place]], code[place + 1]


def calls(frame: FrameType, function: Any) -> bool:
    """Is `frame` at a call of `function` by a name such as `np.zeros` or `zeros`?

    A C function has no frame: what it calls seems to be called by the program that called it. So
    the name that is called there is looked up; where it is no plain name, the answer is no.
    """
    scope, names = _called_name(frame.f_code, frame.f_lasti)
    if not names:
        return False
    # Reading f_locals makes references to all of them, so globals are not looked up there.
    variables = frame.f_locals if scope == "local" else frame.f_globals
    value = variables.get(names[0])
    for name in names[1:]:
        if not isinstance(value, ModuleType):
            return False
        value = getattr(value, name, None)
    return value is function


@functools.lru_cache(maxsize=4096)
def _called_name(code: CodeType, place: int) -> tuple[str, tuple[str, ...]]:
    """The scope and the dotted name of what the instruction at `place` calls, if it is a name.

    What is called starts where the call does, and ends before its arguments: it is the longest
    such expression among the instructions before.
    """
    # A frame that called a Python function is at the last of the call's inline caches.
    *before, call = itertools.takewhile(lambda i: i.offset <= place, dis.get_instructions(code))
    if not call.opname.startswith("CALL") or call.positions is None:
        return "", ()
    start, end = call.positions[0::2], call.positions[1::2]
    names: list[str] = []
    scope, reach = "", (0, 0)
    for previous, instruction in itertools.pairwise([call, *before]):
        where_it_is = instruction.positions
        if where_it_is is None or None in where_it_is or where_it_is[0::2] != start:
            continue
        if where_it_is[1::2] >= end or where_it_is[1::2] < reach:
            continue
        reach = where_it_is[1::2]
        if instruction.opname in _SCOPES:
            scope, names = _SCOPES[instruction.opname], [instruction.argval]
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            if not names and previous.opname == "STORE_FAST_LOAD_FAST":  # two in one, since 3.13
                scope, names = "local", [previous.argval[-1]]
            names.append(instruction.argval)
        elif instruction.opname not in ("PUSH_NULL", "CACHE", "EXTENDED_ARG", "KW_NAMES"):
            scope, names = "", []
    return (scope, tuple(names)) if scope else ("", ())


_SCOPES = {
    "LOAD_GLOBAL": "global",
    "LOAD_NAME": "global",
    "LOAD_FAST": "local",
    "LOAD_FAST_CHECK": "local",
    "LOAD_DEREF": "local",
    "LOAD_CLASSDEREF": "local",
}
