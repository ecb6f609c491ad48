"""What the tests of Dask arrays share: a scheduler that computes nothing, and a comparison."""

from __future__ import annotations

import dask
import numpy as np

from pullback import tree


def _refuse(*_, **__):
    raise AssertionError("a graph was computed while it was built")


def built(make):
    """What `make()` gives, which must compute nothing."""
    with dask.config.set(scheduler=_refuse):
        return make()


def assert_same(got, expected, rtol=1e-10):
    """Compare trees: Dask's arrays, computed at once, with NumPy's."""
    got, structure = tree.flatten(got)
    expected, expected_structure = tree.flatten(expected)
    assert structure == expected_structure
    expected = map(np.asarray, expected)
    for ours, theirs in zip(dask.compute(*got, scheduler="sync"), expected, strict=True):
        assert np.shape(ours) == theirs.shape
        assert np.asarray(ours).dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)
