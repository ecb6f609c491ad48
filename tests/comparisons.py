"""Comparisons that more than one file of tests makes."""

from __future__ import annotations

from typing import Any

import numpy as np


def assert_same(got: Any, expected: Any) -> None:
    """Equal values, shape and dtype."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-14)
