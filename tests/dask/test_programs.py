"""Programs on Dask arrays: what they capture, nestings, writes, functions of blocks, and errors."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

import pullback

da = pytest.importorskip("dask.array")

import dask  # noqa: E402

from .helpers import assert_same, built  # noqa: E402

_rng = np.random.default_rng(0)
A = _rng.normal(size=(6, 5))
W = _rng.normal(size=5)
X = da.from_array(A, chunks=(4, 2))

# Functions of NumPy's weights and of data that are captured: NumPy's or Dask's.
CAPTURING = {
    "operator": lambda w, x, m: ((x @ w) ** 2).mean(),
    "matmul": lambda w, x, m: (m.matmul(x, w) ** 2).mean(),
    "np.matmul": lambda w, x, m: (np.matmul(x, w) ** 2).mean(),
    "einsum": lambda w, x, m: (m.einsum("ij,j->i", x, w) ** 2).mean(),
    "number": lambda w, x, m: m.multiply(x, w.sum()).sum(),
    "np.multiply": lambda w, x, m: np.multiply(x, w).sum(),
    "where": lambda w, x, m: m.where(x > 0, w, 0).sum(),
    "np.where": lambda w, x, m: np.where(x > 0, w.sum(), 0).sum(),
    "before": lambda w, x, m: ((x @ (np.exp(w) / np.exp(w).sum())) ** 2).mean() + 0.1 * (w @ w),
    "concatenate": lambda w, x, m: (m.concatenate([x[0], w]) ** 2).sum(),
}


@pytest.mark.parametrize("name", CAPTURING)
def test_weights_of_numpy_and_captured_data(name):
    function = CAPTURING[name]
    expected = pullback.value_and_grad(lambda w: function(w, A, np))(W)
    got = built(lambda: pullback.value_and_grad(lambda w: function(w, X, da))(W))
    assert all(type(leaf) is da.Array for leaf in got)
    assert_same(got, expected)


@pytest.mark.parametrize(
    "transform", ["jvp", "hvp", "hessian", "jacfwd", "jacrev", "vmap", "twice"]
)
def test_other_transforms_of_numpys_weights(transform):
    transforms = {
        "jvp": lambda x: pullback.jvp(lambda w: x @ w, (W,), (W,)),
        "hvp": lambda x: pullback.hvp(lambda w: ((x @ w) ** 3).sum(), (W,), (W,)),
        "hessian": lambda x: pullback.hessian(lambda w: ((x @ w) ** 3).sum())(W),
        "jacfwd": lambda x: pullback.jacfwd(lambda w: x @ w)(W),
        "jacrev": lambda x: pullback.jacrev(lambda w: x @ w)(W),
        "vmap": lambda x: pullback.vmap(lambda w: (x @ w).sum())(A),
        "twice": lambda x: pullback.grad(
            lambda v: pullback.grad(lambda w: ((x @ w) ** 3).sum())(v).sum()
        )(W),
    }
    run = transforms[transform]
    assert_same(built(lambda: run(X)), run(A))


def test_a_tree_of_weights_and_cotangents_of_numpy():
    parameters = {"w": W, "b": 1.0}
    loss = lambda p, x: ((x @ p["w"] + p["b"]) ** 2).mean()
    got = built(lambda: pullback.grad(lambda p: loss(p, X))(parameters))
    assert_same(got, pullback.grad(lambda p: loss(p, A))(parameters))
    _, pull = pullback.vjp(lambda x, w: x @ w, X, W)
    _, expected = pullback.vjp(lambda x, w: x @ w, A, W)
    assert_same(pull(np.ones(6)), expected(np.ones(6)))


def test_numpys_weights_start_the_function_again_and_dasks_do_not():
    """What the function does before it meets the data happens twice: said in docs/dask.md."""
    calls = []

    def loss(w):
        calls.append(type(w).__name__)
        return ((X @ w) ** 2).mean()

    pullback.grad(loss)(W)
    assert calls == ["ArrayBox", "DaskBox"]
    calls.clear()
    pullback.grad(loss)(da.from_array(W))
    assert calls == ["DaskBox"]


def test_other_threads_use_of_dask_is_not_harmed_while_a_transform_runs():
    """They call Dask's own functions, and get plain arrays that they may write into."""
    running, done = threading.Event(), threading.Event()
    found = []

    def elsewhere():
        running.wait(10)
        try:
            z = da.zeros((4, 3), chunks=2)
            z[1] = 5.0
            y = X.copy()
            y[0] = 1.0
            pickled = pickle.loads(pickle.dumps(da.sum))
            found.extend(
                [type(z), type(y), pickled(z).compute(), y.map_blocks(np.sin).sum().compute()]
            )
        finally:
            done.set()

    def loss(x):
        running.set()
        assert done.wait(10)
        return (x * x).sum()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert_same(pullback.grad(loss)(X), 2 * A)
    thread.join()
    written = A.copy()
    written[0] = 1.0
    assert found[:3] == [da.Array, da.Array, 15.0]
    np.testing.assert_allclose(found[3], np.sin(written).sum())


NESTED = {
    "hvp": lambda x, m: pullback.hvp(lambda x: (m.exp(x) * x).sum(), (x,), (x,)),
    "jacrev": lambda x, m: pullback.jacrev(lambda x: m.exp(x).sum(axis=0))(x),
    "jacfwd": lambda x, m: pullback.jacfwd(lambda x: m.exp(x).sum(axis=0))(x),
    "hessian": lambda x, m: pullback.hessian(lambda x: (m.exp(x) * x[::-1]).sum())(x[0]),
    "vmap": lambda x, m: pullback.vmap(lambda r: m.exp(r) @ r)(x),
    "vmap of grad": lambda x, m: pullback.vmap(
        pullback.grad(lambda r: (m.exp(r) * r[::-1]).mean())
    )(x),
    "grad of vmap": lambda x, m: pullback.grad(
        lambda x: pullback.vmap(lambda r: m.linalg.norm(r))(x).sum()
    )(x),
    "third": lambda x, m: pullback.grad(
        lambda z: pullback.hvp(lambda x: (x**4).sum(), (z,), (z,))[1][0].sum()
    )(x),
    "linearize": lambda x, m: pullback.linearize(lambda x: m.exp(x) * 2, x)[1](x),
    "checkpoint": lambda x, m: pullback.grad(
        lambda x: pullback.checkpoint(lambda x: m.exp(x) * x)(x).sum()
    )(x),
    "namespace": lambda x, m: pullback.grad(lambda x: (x.__array_namespace__().exp(x) * x).sum())(
        x
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_nestings(name):
    run = NESTED[name]
    assert_same(built(lambda: run(X, da)), run(A, np))


# Writes


def _overwritten(x, m):
    y = x * 1
    y[0] = 0
    y[1:3, 2] = x[3:5, 1] * 2
    y[y > 1] = 0.5
    y[[4, 5]] = x[[0, 1]] ** 2
    y += x
    return (y**2).sum()


def _filled(x, m):
    y = m.zeros(6)
    y[2] = x[0, 1]
    y[3:] = x[:3, 2]
    return (y**2).sum()


@pytest.mark.parametrize("function", [_overwritten, _filled])
def test_writes_are_followed(function):
    before = X.name
    got = built(lambda: pullback.grad(lambda x: function(x, da))(X))
    assert_same(got, pullback.grad(lambda x: function(x, np))(A))
    assert X.name == before, "the caller's array is not modified"


def _copied(x, m):
    y, z = (X.copy(), X.astype(float)) if m is da else (np.copy(A), np.copy(A))
    y[0] = x[1] * 2
    z[1:3, 2] = x[3:5, 1] ** 2
    return (y * z).sum()


def test_copies_of_captured_arrays_take_traced_values():
    got = built(lambda: pullback.grad(lambda x: _copied(x, da))(X))
    assert_same(got, pullback.grad(lambda x: _copied(x, np))(A))


def test_a_write_into_a_plain_array_is_refused_and_not_done():
    plain = X * 1.0
    before = plain.name

    def write(x):
        plain[0] = x[1]
        return plain.sum()

    with pytest.raises(pullback.ConversionError, match=r"z\.copy\(\)"):
        pullback.grad(write)(X)
    assert plain.name == before


def test_a_copy_that_takes_no_traced_value_is_plain_to_any_function():
    def loss(x):
        counts, _ = da.histogram(X.copy(), bins=3, range=(-1, 1))
        return (x * counts.sum()).sum()

    inside = np.histogram(A, bins=3, range=(-1, 1))[0].sum()
    assert_same(pullback.grad(loss)(X), np.full(A.shape, float(inside)))


def test_a_write_after_the_transform_does_not_reach_the_pullback():
    x, captured = da.from_array(A, chunks=3), da.from_array(A, chunks=3)
    _, pull = pullback.vjp(lambda x: (x * captured).sum(), x)
    captured[0] = 100.0
    assert_same(pull(1.0), (A,))


# Functions of blocks


def test_map_blocks_differentiates_the_function_of_a_block():
    block = lambda b: np.sin(b) * b
    loss = lambda x: (x.map_blocks(block, dtype=float) ** 2).sum()
    plain = lambda x: (block(x) ** 2).sum()
    assert_same(pullback.grad(loss)(X), pullback.grad(plain)(A))
    assert_same(pullback.hvp(loss, (X,), (X,)), pullback.hvp(plain, (A,), (A,)))
    two = pullback.grad(lambda x: da.map_blocks(lambda a, b, k: a * b**k, x, X, 2).sum())
    assert_same(two(X), A**2)
    rows = lambda b: (b**2).sum(1, keepdims=True)
    chunks = (X.chunks[0], (1, 1, 1))
    assert_same(pullback.grad(lambda x: da.map_blocks(rows, x, chunks=chunks).sum())(X), 2 * A)


def test_rechunk_and_persist():
    with dask.config.set(scheduler="sync"):
        gradient = pullback.grad(lambda x: (x.rechunk((2, 5)).persist() ** 2).sum())(X)
    assert gradient.chunks == X.chunks
    assert_same(gradient, 2 * A)


# What is asked of values


def test_a_branch_on_a_value_computes_as_dask_does():
    function = lambda x: x.sum() if x.sum() > 0 else -x.sum()
    with pytest.raises(AssertionError, match="computed"):
        built(lambda: pullback.grad(function)(X))
    assert_same(pullback.grad(function)(X), np.full_like(A, np.sign(A.sum())))


LOST = {
    "float": lambda x: float(x.sum()),
    "compute": lambda x: x.sum().compute(),
    "dask.compute": lambda x: dask.compute(x.sum())[0],
    "asarray": lambda x: np.asarray(x).sum(),
}


@pytest.mark.parametrize("name", LOST)
def test_a_value_that_would_lose_its_derivative(name):
    with pytest.raises(pullback.ConversionError, match="lose its derivative"):
        built(lambda: pullback.grad(LOST[name])(X))


def test_a_function_imported_by_name_is_no_silent_constant():
    from dask.array import add, exp
    from dask.array import sum as dask_sum

    for function in (dask_sum, lambda x: exp(x).sum(), lambda x: add(X, x).sum()):
        with pytest.raises(pullback.ConversionError, match=r"da\.name"):
            pullback.grad(function)(X)


REFUSED = {
    "unique": lambda x: da.unique(x).sum(),
    "reduction": lambda x: da.reduction(x, np.sum, np.sum, dtype=float),
    "np.sort": lambda x: np.sort(x).sum(),
    "reduce": lambda x: np.add.reduce(x).sum(),
    "mask": lambda x: x[x > 0].sum(),
    "unknown": lambda x: (x.sum() * X[X > 0]).sum(),
    "out": lambda x: np.exp(x, out=x),
    "compress": lambda x: da.compress(X[:, 0] > 0, x, axis=0).sum(),
    "rows": lambda x: x[X[:, 0] > 0].sum(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_followed_says_so(name):
    with pytest.raises(pullback.UnsupportedError):
        built(lambda: pullback.grad(REFUSED[name])(X))


def test_primals_and_cotangents_are_checked():
    with pytest.raises(TypeError, match="compute_chunk_sizes"):
        pullback.grad(lambda x: x.sum())(X[X > 0])
    with pytest.raises(ValueError, match=r"got shape \(3,\), expected \(5,\)"):
        pullback.vjp(lambda x: x.sum(0), X)[1](da.ones(3))
    with pytest.raises(TypeError):
        pullback.grad(lambda x: (x + "a").sum())(X)


def test_dask_is_as_it_was_after_a_transform():
    before = type(da), da.sum, da.linalg.norm
    pullback.grad(lambda x: da.linalg.norm(x))(X)
    with pytest.raises(pullback.UnsupportedError):
        pullback.grad(lambda x: da.unique(x))(X)
    assert (type(da), da.sum, da.linalg.norm) == before


# Memory


def test_the_graph_has_a_few_tasks_a_block_and_no_large_ones():
    """What is saved on the tape are graphs: the work of a block does not grow with their number."""

    def tasks(blocks):
        x = da.ones((8 * blocks, 5), chunks=(8, 5))
        gradient = pullback.grad(lambda w: da.log1p(da.exp(-(x @ w))).mean())(W)
        return len(dask.optimize(gradient)[0].dask)

    assert tasks(64) < 12 * 64
    assert tasks(128) < 2.5 * tasks(64)


def test_sums_are_spread_in_blocks():
    x = da.zeros(1_000_000_000, chunks=10_000_000)
    gradient = built(lambda: pullback.grad(lambda x: x.sum())(x))
    assert gradient.chunks == x.chunks
    assert gradient[-3:].compute().tolist() == [1.0] * 3
