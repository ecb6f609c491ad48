"""`map_overlap`: against finite differences of Dask's own, for every boundary."""

from __future__ import annotations

import numpy as np
import pytest

import pullback

da = pytest.importorskip("dask.array")

from .helpers import assert_same, built  # noqa: E402

_rng = np.random.default_rng(0)
A = _rng.normal(size=(7, 6))
B = _rng.normal(size=(7, 6))
CHUNKS = ((2, 3, 2), (4, 2))
X = da.from_array(A, chunks=CHUNKS)


def smooth(b):
    """Reads the neighbours up to one step away along both axes."""
    return np.sin(b) * np.roll(b, 1, 0) + np.roll(b, -1, 1) ** 2


PROGRAMS = {
    boundary: lambda x, boundary=boundary: x.map_overlap(smooth, depth=1, boundary=boundary)
    for boundary in ("reflect", "periodic", "nearest", "none", 0.5)
} | {
    "deep": lambda x: da.map_overlap(smooth, x, depth={0: 2, 1: 1}, boundary="reflect"),
    "one axis": lambda x: da.map_overlap(smooth, x, depth={0: 1}, boundary={0: "periodic"}),
    "asymmetric": lambda x: da.map_overlap(
        smooth, x, depth={0: (2, 0), 1: (0, 1)}, boundary="none"
    ),
    "mixed": lambda x: da.map_overlap(smooth, x, depth=1, boundary=("none", "nearest")),
    "two arrays": lambda x: da.map_overlap(
        lambda a, b: smooth(a) * b, x, x[:, :] * 2, depth=1, boundary="reflect"
    ),
    "rechunked": lambda x: da.map_overlap(smooth, x, depth=3, boundary="reflect"),
    "untrimmed": lambda x: da.map_overlap(
        lambda b: b[1:-1, 1:-1] ** 2 * b[2:, 1:-1], x, depth=1, boundary="nearest", trim=False
    ),
    "block_id": lambda x: x.map_overlap(
        lambda b, block_id=None: b**2 * (1 + block_id[0]), depth=1, boundary="none", dtype=float
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_derivatives_are_those_of_dasks_values(name):
    f = lambda x: (PROGRAMS[name](x) * da.from_array(np.cos(A))).sum()
    lazy = lambda array: da.from_array(array, chunks=CHUNKS)
    value, gradient = built(lambda: pullback.value_and_grad(f)(X))
    assert gradient.chunks == X.chunks
    assert_same(value, f(X))
    h = 1e-6
    slope = (f(lazy(A + h * B)) - f(lazy(A - h * B))).compute() / (2 * h)
    np.testing.assert_allclose((gradient * B).sum().compute(), slope, rtol=1e-6, atol=1e-7)
    assert_same(pullback.jvp(f, (X,), (lazy(B),))[1], (gradient * B).sum().compute(), rtol=1e-8)
    product = pullback.hvp(f, (X,), (lazy(B),))[1][0]
    moved = [pullback.grad(f)(lazy(A + s * h * B)).compute() for s in (1, -1)]
    np.testing.assert_allclose(product, (moved[0] - moved[1]) / (2 * h), rtol=1e-5, atol=1e-6)


def test_batches():
    f = PROGRAMS["reflect"]
    x = da.from_array(np.stack([A, B]), chunks=(1, *CHUNKS))
    grad = pullback.grad(lambda one: (f(one) ** 2).sum())
    expected = np.stack([grad(da.from_array(a, chunks=CHUNKS)).compute() for a in (A, B)])
    assert_same(pullback.vmap(grad)(x), expected)


def test_axes_that_change_are_refused():
    with pytest.raises(pullback.UnsupportedError, match="drop_axis"):
        pullback.grad(lambda x: x.map_overlap(np.sum, depth=1, drop_axis=0).sum())(X)
