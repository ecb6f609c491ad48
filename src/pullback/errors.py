"""The errors that pullback raises, each a subclass of the Python error it specialises."""

from __future__ import annotations

import sys
from types import FrameType


class EscapedTracerError(RuntimeError):
    """A traced value was used after the transform that made it had ended.

    Return the value from the function (as an output or as ``aux``) instead of storing it elsewhere.
    """


class ConversionError(TypeError):
    """A traced value was about to become a plain number or array, and lose its derivative."""


class UnsupportedError(TypeError):
    """A function, or an option of one, that has no derivative rule was called on a traced value."""


class BatchingError(UnsupportedError):
    """Under ``vmap``, something that cannot be done for all examples at once.

    A branch on a traced value, a shape that depends on values, or an op without a batching rule.
    """


class StaleValueError(RuntimeError):
    """Something that a pullback needs was changed in place after it was saved."""


def user_frame() -> FrameType | None:
    """The innermost frame of the caller's own code: neither pullback's nor NumPy's."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and _is_library(frame):
        frame = frame.f_back
    return frame


def _is_library(frame: FrameType) -> bool:
    # Generated functions have no module.
    module = frame.f_globals.get("__name__") or "pullback"
    return module.partition(".")[0] in ("pullback", "numpy")


def where() -> str:
    """Where in the caller's own code this happens: `at path/to/file.py, line 3, in f`."""
    frame = user_frame()
    if frame is None:
        return "at an unknown place"
    return f"at {frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}"
