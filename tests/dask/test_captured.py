"""Traced arrays that plain Dask arrays meet otherwise than by operators: followed, or refused."""

import numpy as np
import pytest

da = pytest.importorskip("dask.array")
import dask  # noqa: E402

import pullback  # noqa: E402

A = np.arange(24.0).reshape(6, 4) / 7
X = da.from_array(A, chunks=((1, 3, 2), (4,)))
W = np.array([0.5, -1.0, 2.0, 1.5])


@pytest.mark.parametrize("of_dask", [False, True])
def test_dot_of_a_plain_array_is_followed(of_dask):
    w = da.from_array(W) if of_dask else W
    gradient = pullback.grad(lambda w: (X.dot(w) ** 2).sum())(w)
    np.testing.assert_allclose(gradient.compute(), 2 * A.T @ (A @ W))


@pytest.mark.parametrize("of_dask", [False, True])
def test_full_of_a_traced_number_is_followed(of_dask):
    s = da.from_array(np.array(2.0)) if of_dask else np.array(2.0)
    gradient = pullback.grad(lambda s: (da.full(6, s**2, chunks=2) * X[:, 0]).sum())(s)
    np.testing.assert_allclose(gradient.compute(), 4 * A[:, 0].sum())


PROGRAMS = {
    "method": lambda w: X.map_blocks(lambda block: block * w),
    "function": lambda w: da.map_blocks(lambda block: block * w, X, dtype=float),
    "default": lambda w: X.map_blocks(lambda block, w=w: block * w, dtype=float),
    "overlap": lambda w: X.map_overlap(lambda block: block * w, depth=1, dtype=float),
    "delayed": lambda w: da.from_delayed(dask.delayed(lambda: w.sum())(), (), dtype=float),
    "fromfunction": lambda w: da.fromfunction(lambda i: i * w[0], shape=(4,), dtype=float),
}


@pytest.mark.parametrize("of_dask", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_function_of_blocks_that_captured_a_traced_array_is_refused(name, of_dask):
    w = da.from_array(W) if of_dask else W
    with pytest.raises(pullback.UnsupportedError, match=r"captured a traced array.*argument"):
        # The other summand is followed: without the error, its part would pass for all.
        pullback.grad(lambda w: PROGRAMS[name](w).sum() + (w * X).sum())(w)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: x.map_blocks(lambda block: block * x[:1], dtype=float),
        lambda x: da.map_overlap(lambda block: block * x[:1], x, depth=1, dtype=float),
        lambda x: da.apply_gufunc(lambda b: b * x[:1], "()->()", x, output_dtypes=float),
        lambda x: da.blockwise(lambda b: b * x[:1], "ij", x, "ij", dtype=float),
        lambda x: da.apply_along_axis(lambda r: r * x[0], 1, x, dtype=float, shape=(4,)),
    ],
)
def test_a_function_of_traced_blocks_that_captured_a_traced_array_is_refused(program):
    with pytest.raises(pullback.UnsupportedError, match=r"captured a traced array.*argument"):
        pullback.grad(lambda x: program(x).sum())(X)


def test_methods_of_plain_arrays_are_dasks_own_afterwards():
    before = [vars(da.Array)[name] for name in ("dot", "map_blocks")]
    with pytest.raises(ZeroDivisionError):
        pullback.grad(lambda x: x.sum() / (1 // 0))(X)
    assert before == [vars(da.Array)[name] for name in ("dot", "map_blocks")]
