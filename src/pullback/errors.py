"""The errors that pullback raises, each a subclass of the Python error it specialises."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EscapedTracerError(RuntimeError):
    """A traced value was used after the transform that made it had ended.

    Return the value from the function (as an output or as ``aux``) instead of storing it elsewhere.
    """


class ConversionError(TypeError):
    """A traced value was about to become a plain number or array, and lose its derivative."""


class UnsupportedError(TypeError):
    """A function that has no derivative rule, or not with these arguments, met a traced value.

    So it is where arrays of two libraries meet in one call.
    """


class BatchingError(UnsupportedError):
    """Under ``vmap``, something that cannot be done for all examples at once.

    A branch on a traced value, a shape that depends on values, or an op without a batching rule.
    """


class StaleValueError(RuntimeError):
    """Something that a pullback needs was changed in place after it was saved."""


class ConvergenceError(RuntimeError):
    """The linear system of an implicit derivative could not be solved."""


def closest(name: str, names: Iterable[str]) -> str:
    """How an error ends that says that there is no `name`: with those of `names` that are like it.

    They come in the order of likeness, which is that of what follows the module; there may be none.
    """
    known = {one.rpartition(".")[2]: one for one in sorted(names)}
    alike = difflib.get_close_matches(name.rpartition(".")[2], known, n=3, cutoff=0.7)
    return f" The closest that there is: {', '.join(known[one] for one in alike)}." if alike else ""
