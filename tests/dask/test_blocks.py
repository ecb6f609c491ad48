"""Functions of blocks: derivatives are NumPy's of the whole, in both modes and to order two."""

from __future__ import annotations

import numpy as np
import pytest

import pullback

da = pytest.importorskip("dask.array")

from .helpers import assert_same, built  # noqa: E402

_rng = np.random.default_rng(0)
A = _rng.normal(size=(6, 5))
B = _rng.normal(size=(6, 5))
ROW = _rng.normal(size=5)
CHUNKS = ((1, 3, 2), (3, 2))
X = da.from_array(A, chunks=CHUNKS)
Y = da.from_array(B, chunks=CHUNKS)
R = da.from_array(ROW, chunks=(CHUNKS[1],))


def numbered(b, block_id=None):
    return b**2 * (1 + block_id[0] + 10 * block_id[1])


NUMBERS = 1 + np.repeat([0, 1, 2], [1, 3, 2])[:, None] + 10 * np.repeat([0, 1], [3, 2])

# A function of blocks, and what it does to the whole.
FUNCTIONS = {
    "one": (lambda x: x.map_blocks(lambda b: np.sin(b) * b), lambda a: np.sin(a) * a),
    "broadcast": (lambda x: da.map_blocks(lambda b, r: b**2 * r, x, R), lambda a: a**2 * ROW),
    "shared": (
        lambda x: da.map_blocks(lambda b, r: b * r**2, Y, x[:1]),
        lambda a: B * a[:1] ** 2,
    ),
    "shared row": (
        lambda x: da.map_blocks(lambda b, r: b * r**2, Y, x[0]),
        lambda a: B * a[0] ** 2,
    ),
    "weights": (
        lambda x: da.map_blocks(
            lambda b, w: np.tanh(b @ w), Y.rechunk({1: -1}), x[0].rechunk(-1), drop_axis=1
        ),
        lambda a: np.tanh(B @ a[0]),
    ),
    "drop_axis": (
        lambda x: x.map_blocks(lambda b: (b**2).sum(1), drop_axis=1, dtype=float),
        lambda a: (a**2).sum(1),
    ),
    "new_axis": (
        lambda x: x.map_blocks(lambda b: b[None] ** 2, new_axis=0),
        lambda a: a[None] ** 2,
    ),
    "both": (
        lambda x: x.map_blocks(
            lambda b: np.stack([(b**2).sum(1)] * 2, 1), drop_axis=1, new_axis=1,
            chunks=(CHUNKS[0], (2,)), dtype=float,
        ),
        lambda a: np.stack([(a**2).sum(1)] * 2, 1),
    ),
    "longer": (
        lambda x: x.map_blocks(lambda b: b.repeat(2, 0) ** 2, chunks=((2, 6, 4), CHUNKS[1])),
        lambda a: a.repeat(2, 0) ** 2,
    ),
    "block_id": (lambda x: x.map_blocks(numbered, dtype=float), lambda a: a**2 * NUMBERS),
    "plain array": (
        lambda x: x.map_blocks(lambda b, c: b**2 * c.sum(), ROW, dtype=float),
        lambda a: a**2 * ROW.sum(),
    ),
    "blockwise": (
        lambda x: da.blockwise(lambda a, b: a**2 @ b.T, "ik", x, "ij", Y, "kj", concatenate=True,
                               dtype=float),
        lambda a: a**2 @ B.T,
    ),
    "blockwise of other chunks": (
        lambda x: da.blockwise(lambda a, b: a**2 * b, "ij", x, "ij", Y.rechunk((2, 5)), "ij",
                               dtype=float),
        lambda a: a**2 * B,
    ),
    "gufunc of other chunks": (
        lambda x: da.apply_gufunc(
            lambda a, b: (a**2 * b).sum(-1), "(i),(i)->()", x, Y.rechunk((2, 5)),
            output_dtypes=float, allow_rechunk=True,
        ),
        lambda a: (a**2 * B).sum(-1),
    ),
    "gufunc": (
        lambda x: da.apply_gufunc(
            lambda b: (b**3).sum(-1), "(i)->()", x, output_dtypes=float, allow_rechunk=True
        ),
        lambda a: (a**3).sum(-1),
    ),
    "two arrays": (
        lambda x: da.apply_gufunc(
            lambda a, b: np.einsum("...i,...j->...ij", a, b), "(i),(j)->(i,j)",
            x, R, output_dtypes=float, allow_rechunk=True,
        ),
        lambda a: a[:, :, None] * ROW,
    ),
    "two results": (
        lambda x: da.add(*da.apply_gufunc(
            lambda b: (b.sum(-1) ** 2, (b**2).sum(-1)), "(i)->(),()", x,
            output_dtypes=(float, float), allow_rechunk=True,
        )),
        lambda a: a.sum(-1) ** 2 + (a**2).sum(-1),
    ),
    "vectorize": (
        lambda x: da.apply_gufunc(
            lambda r, s: r @ r * s[0], "(i),(j)->()", x, R, vectorize=True,
            output_dtypes=float, allow_rechunk=True,
        ),
        lambda a: (a**2).sum(1) * ROW[0],
    ),
    "as_gufunc": (
        lambda x: da.as_gufunc(signature="(i)->(i)", output_dtypes=float, allow_rechunk=True)(
            lambda b: np.cumsum(b, -1) ** 2
        )(x),
        lambda a: np.cumsum(a, -1) ** 2,
    ),
    "along axis": (
        lambda x: da.apply_along_axis(lambda r: r[:2] * r.sum(), 0, x, dtype=float, shape=(2,)),
        lambda a: np.apply_along_axis(lambda r: r[:2] * r.sum(), 0, a),
    ),
    "median": (lambda x: da.median(x, axis=1), lambda a: np.median(a, axis=1)),
    "nanmedian": (lambda x: da.nanmedian(x, axis=0), lambda a: np.nanmedian(a, axis=0)),
    "quantile": (lambda x: da.quantile(x, 0.3, axis=0), lambda a: np.quantile(a, 0.3, axis=0)),
    "quantiles": (
        lambda x: da.quantile(x, np.array([0.3, 0.9]), axis=1),
        lambda a: np.quantile(a, np.array([0.3, 0.9]), axis=1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_modes_and_order_two_are_numpys(name):
    of_blocks, whole = FUNCTIONS[name]
    if name.startswith("quantile") and not hasattr(da, "quantile"):
        pytest.skip("this Dask has no quantile")
    loss = lambda out: (out * out).sum()
    expected = pullback.hvp(lambda a: loss(whole(a)), (A,), (B,))
    value, (gradient, product) = built(
        lambda: (
            of_blocks(X),
            (
                pullback.grad(lambda x: loss(of_blocks(x)))(X),
                pullback.hvp(lambda x: loss(of_blocks(x)), (X,), (Y,)),
            ),
        )
    )
    assert gradient.chunks == X.chunks
    assert_same(value, whole(A))
    assert_same((gradient, product), (pullback.grad(lambda a: loss(whole(a)))(A), expected))
    assert_same(
        pullback.jvp(of_blocks, (X,), (Y,))[1], pullback.jvp(whole, (A,), (B,))[1], rtol=1e-9
    )


@pytest.mark.parametrize("name", ["one", "shared row", "drop_axis", "block_id", "gufunc"])
def test_batches(name):
    """The batch axis is one more axis of blocks; what all examples share is summed over."""
    of_blocks, whole = FUNCTIONS[name]
    stack = np.stack([A, B, A + B])
    x = da.from_array(stack, chunks=((2, 1), *CHUNKS))
    assert_same(built(lambda: pullback.vmap(of_blocks)(x)), pullback.vmap(whole)(stack))
    per = lambda f: pullback.grad(lambda one: (f(one) ** 2).sum())
    assert_same(pullback.vmap(per(of_blocks))(x), pullback.vmap(per(whole))(stack))
    scaled = lambda f: lambda s, one: (f(one * s) ** 2).sum()
    batch = lambda f: lambda s, xs: pullback.vmap(scaled(f), (None, 0))(s, xs).sum()
    s = np.array(1.5)
    got = pullback.grad(batch(of_blocks))(da.from_array(s), x)
    assert_same(got, pullback.grad(batch(whole))(s, stack))


REFUSED = {
    "block_info": (lambda x: x.map_blocks(lambda b, block_info=None: b), "block_id"),
    "keyword": (lambda x: Y.map_blocks(lambda b, c: b, c=x), "by position"),
    "gufunc axis": (
        lambda x: da.apply_gufunc(np.sum, "(i)->()", x.rechunk(6), axis=0, output_dtypes=float),
        "moveaxis",
    ),
    "histogram": (lambda x: da.histogram(x, bins=3, range=(0, 1))[0], "step function"),
    "percentile": (lambda x: da.percentile(x[0], 50), r"da\.quantile"),
    "piecewise": (lambda x: da.piecewise(x, [x > 0], [np.sin]), r"da\.where"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_what_works(name):
    function, instead = REFUSED[name]
    with pytest.raises(pullback.UnsupportedError, match=instead):
        pullback.grad(lambda x: function(x).sum())(X)


def test_blocks_are_read_and_written_back():
    expected = np.zeros_like(A)
    expected[1:4, 3:] = 2 * A[1:4, 3:]
    assert_same(pullback.grad(lambda x: (x.blocks[1, 1] ** 2).sum())(X), expected)
    expected = np.zeros_like(A)
    expected[[0, 4, 5]] = 2 * A[[0, 4, 5]]
    assert_same(pullback.grad(lambda x: (x.partitions[[0, 2]] ** 2).sum())(X), expected)
    with pytest.raises(AttributeError, match=r"x\.to_delayed of a traced"):
        pullback.grad(lambda x: x.to_delayed())(X)
