"""When a result is what it must be, and the error that says where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..backends.numpy import backend


class GradientError(AssertionError):
    """A derivative, or a value under a transform, differs from what it is checked against."""


def compare(got: Any, expected: Any, what: str, rtol: float) -> None:
    """Raise unless two trees agree in structure, shapes, dtypes and (to `rtol`) values."""
    got_leaves, got_structure = tree.flatten(got)
    expected_leaves, structure = tree.flatten(expected)
    if got_structure != structure:
        raise GradientError(f"{what}: got the structure {got_structure}, expected {structure}")
    for place, (ours, theirs) in enumerate(zip(got_leaves, expected_leaves, strict=True)):
        path = tree.path_of(structure, place, "")
        where = f"{what}: " + (f"at {path}, " if path else "")
        check_aval(ours, theirs, where)
        if not close(ours, theirs, rtol):
            a, b = np.asarray(ours), np.asarray(theirs)
            index = worst_index(np.subtract(a, b, dtype=complex))
            raise GradientError(f"{where}element {index}: got {a[index]!r}, expected {b[index]!r}")


def close(a: Any, b: Any, rtol: float) -> bool:
    """Do two leaves agree, relative to the largest element expected?"""
    return np.allclose(a, b, rtol=rtol, atol=rtol * largest(b), equal_nan=True)


def check_aval(got: Any, expected: Any, where: str) -> None:
    """Raise unless two leaves agree in shape and dtype; `where` begins the message."""
    if np.shape(got) != np.shape(expected):
        raise GradientError(f"{where}got shape {np.shape(got)}, expected {np.shape(expected)}")
    got_dtype, dtype = np.asarray(got).dtype, np.asarray(expected).dtype
    if got_dtype != dtype:
        raise GradientError(f"{where}got dtype {got_dtype}, expected {dtype}")


def check_like(gradient: Any, leaf: Any, path: str) -> None:
    """A gradient has the shape and dtype of its leaf, or is None for a constant."""
    if backend.differentiable(leaf):
        if gradient is None:
            raise GradientError(f"the gradient with respect to {path} is None")
        check_aval(gradient, leaf, f"the gradient with respect to {path}: ")
    elif gradient is not None:
        raise GradientError(f"{path} is a constant, but has a gradient")


def largest(x: Any) -> float:
    """The largest modulus among the elements; zero where there are none."""
    return float(np.max(np.abs(x), initial=0.0))


def worst_index(difference: Any) -> tuple[int, ...]:
    """Where the largest difference stands."""
    sizes = np.abs(np.asarray(difference))
    return tuple(int(i) for i in np.unravel_index(np.argmax(sizes), sizes.shape))


def subscript(index: tuple[int, ...]) -> str:
    """An index as it is written behind an array; nothing for a number."""
    return f"[{', '.join(map(str, index))}]" if index else ""
