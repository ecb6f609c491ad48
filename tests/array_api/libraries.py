"""The libraries that the tests run on, and what they need of each."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

NAMES = ("numpy", "array_api_strict", "torch")


def namespace(name):
    """The library's namespace of the standard; the test skips where it is not installed."""
    pytest.importorskip("array_api_strict")
    pytest.importorskip("array_api_compat")
    if name == "array_api_strict":
        return importlib.import_module(name)
    pytest.importorskip(name)
    return importlib.import_module(f"array_api_compat.{name}")


def array(xp, values):
    """A NumPy array as one of the library's."""
    values = np.asarray(values)
    return (
        xp.asarray(values.tolist(), dtype=getattr(xp, values.dtype.name))
        if values.size
        else (xp.zeros(values.shape, dtype=getattr(xp, values.dtype.name)))
    )


def numbers(x):
    """An array of any library as NumPy's."""
    return np.asarray(x.resolve_conj() if hasattr(x, "resolve_conj") else x)
