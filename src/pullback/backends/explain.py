"""What a library's own error says, where it was given arrays of two.

A C function that takes its library's arrays only, or an operator that neither operand knows, asks
no protocol.  Its error is explained when it leaves the function that a transform runs.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
import traceback
from types import FrameType
from typing import Any

import numpy as np

from ..callers import package_of, where
from ..core import box_types
from ..errors import UnsupportedError
from .libraries import LIBRARIES, arrays_in, foreign, library_names, library_of, mixed


def of_error(backend: Any, error: BaseException) -> UnsupportedError | None:
    """`mixed`, where a library raised `error` because it was given arrays of two."""
    calls = [*traceback.walk_tb(error.__traceback__)]
    place = max((i for i, (frame, _) in enumerate(calls) if _is_program(frame)), default=0)
    frame, line = calls[place]
    given = [value for callee, _ in calls[place + 1 : place + 2] for value in _arguments(callee)]
    if any(type(value) in box_types for value in arrays_in(given)):
        others = {str(library_of(value)) for value in foreign(backend, given)}
    else:
        others = set[str]()
    others = others or _named_in(str(error), backend, frame)
    if not others and "Multiple namespaces" in str(error):
        return _of_two_namespaces(_text_at(error, place), where(frame, line))
    if not others:
        return None
    reason = f" ({str(error).splitlines()[0]:.200})" if str(error) else ""
    return mixed(_text_at(error, place), backend, others, where(frame, line), reason)


def _of_two_namespaces(name: str, place: str) -> UnsupportedError:
    """The error of a function that is written to the standard, for a traced and a plain array."""
    return UnsupportedError(
        f"{name}: got a traced array beside a plain one, at {place}, and takes arrays of one "
        "namespace of the array API standard. Pass the transform the other array too, as an "
        "argument of the function"
    )


def _is_program(frame: FrameType) -> bool:
    return package_of(frame.f_code.co_filename) is None


def _arguments(frame: FrameType) -> list[Any]:
    """What the function of `frame` was called with."""
    code, variables = frame.f_code, frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return [variables[name] for name in code.co_varnames[:count] if name in variables]


def _text_at(error: BaseException, place: int) -> str:
    """What the program calls there, as it writes it; the whole expression of an operator."""
    entry = traceback.TracebackException.from_exception(error).stack[place]
    if entry.colno is None or entry.end_colno is None or entry.lineno != entry.end_lineno:
        return entry.name
    source = linecache.getline(entry.filename, entry.lineno or 0).encode()
    text = source[entry.colno : entry.end_colno].decode()
    try:
        expression = ast.parse(text, mode="eval").body
    except SyntaxError:  # `x += y` is a statement
        return text or entry.name
    return ast.unparse(expression.func) if isinstance(expression, ast.Call) else text


def _named_in(text: str, backend: Any, frame: FrameType) -> set[str]:
    """The libraries other than the backend's whose arrays an error's text is about.

    A class that is named without its module may be another library's, or no array: it counts where
    the text is about an array of the backend's too.
    """
    near = {*map(library_of, arrays_in(frame.f_locals.values()))}
    sure: set[str] = set()
    unsure: set[str] = set()
    for word in re.findall(r"[\w.]*\w", text):
        path, _, name = word.rpartition(".")
        root = path.split(".")[0]
        found = _libraries_with(name, near)
        if name in ("ufunc", "ufuncs") or root == "pullback":
            sure |= found
        elif path:
            sure |= {one for one in found if one.split(".")[0] == _ROOTS.get(root, root)}
        else:
            unsure |= found
    if backend.name in sure | unsure:
        sure |= (unsure & near) or unsure
    taken = {"numpy"} if np.ndarray in backend.takes else set[str]()
    return sure - taken - {backend.name}


# The package of a library's classes -> the first part of its backend's name.
_ROOTS = {"jaxlib": "jax"}


def _libraries_with(name: str, near: set[str | None]) -> set[str]:
    """The libraries of this name, or with a class of arrays, or of boxes, of this name."""
    boxes = [kind for kind in box_types if kind.__name__ == name]
    if boxes:
        return _libraries_of_box(boxes[0], near)
    if name in ("ufunc", "ufuncs", "ndarray"):
        return {"numpy"}
    found = {
        library for kind, library in [*library_names.items()] if library and kind.__name__ == name
    }
    loaded = (library for library in LIBRARIES if library.module in sys.modules)
    return found | {
        library.name
        for library in loaded
        if library.array in name or library.module == name.lower()
    }


def _libraries_of_box(box_type: type, near: set[str | None]) -> set[str]:
    """Those of its frontend; one serves every library that follows the standard."""
    frontend = box_type.__module__.split(".")[2]
    if frontend != "array_api":
        own = {library.name for library in LIBRARIES if library.frontend == frontend}
        return own or {frontend}
    listed = {"numpy", *(library.name for library in LIBRARIES)}
    return {name for name in near if name and name not in listed} or {"the array API standard"}
