"""Gradients and tangents of functions of Dask arrays are NumPy's, for any chunks, and lazy."""

from __future__ import annotations

import numpy as np
import pytest

import pullback

da = pytest.importorskip("dask.array")

from .helpers import assert_same, built  # noqa: E402

_rng = np.random.default_rng(0)
A = _rng.normal(size=(6, 5))
B = _rng.normal(size=(5, 4))
C = _rng.normal(size=(6, 5))
INDEX = np.array([0, 2, 2, 5])
MASK = A > 0

CHUNKS = {"many": (4, 2), "one": (6, 5), "single": (1, 1), "uneven": ((1, 5), (3, 2))}

# Functions of an array and of the module (NumPy, or dask.array) that a program calls.
FUNCTIONS = {
    "add": lambda x, m: x + C,
    "radd": lambda x, m: C * x,
    "sub": lambda x, m: 2 - x,
    "div": lambda x, m: 1 / x,
    "pow": lambda x, m: x**2,
    "pow3": lambda x, m: abs(x) ** 1.5,
    "rpow": lambda x, m: 2**x,
    "npexp": lambda x, m: np.exp(x),
    "exp": lambda x, m: m.exp(x),
    "log1p": lambda x, m: m.log1p(x * x),
    "sqrt": lambda x, m: m.sqrt(m.abs(x)),
    "where": lambda x, m: m.where(x > 0, x, 2 * x),
    "maximum": lambda x, m: m.maximum(x, 0),
    "clip": lambda x, m: m.clip(x, -0.5, 0.5),
    "mclip": lambda x, m: x.clip(-0.5, 0.5),
    "sum0": lambda x, m: x.sum(axis=0),
    "sum": lambda x, m: m.sum(x * x),
    "npsum": lambda x, m: np.sum(x**2, axis=1),
    "mean": lambda x, m: (x * x).mean(),
    "mean1": lambda x, m: m.mean(x**2, axis=1, keepdims=True),
    "max": lambda x, m: x.max(axis=0),
    "min": lambda x, m: m.min(x),
    "var": lambda x, m: x.var(axis=0, ddof=1),
    "std": lambda x, m: m.std(x),
    "prod": lambda x, m: m.prod(x, axis=0),
    "prodall": lambda x, m: x.prod(),
    "cumsum": lambda x, m: m.cumsum(x, axis=0) ** 2,
    "cumprod": lambda x, m: m.cumprod(x, axis=0),
    "diff": lambda x, m: m.diff(x, axis=1) ** 2,
    "matmul": lambda x, m: x @ B,
    "rmatmul": lambda x, m: B.T @ x.T,
    "dot": lambda x, m: m.dot(x, B),
    "mdot": lambda x, m: x.dot(B),
    "tensordot": lambda x, m: m.tensordot(x, C, axes=((0,), (0,))),
    "tensordot2": lambda x, m: m.tensordot(x, C, axes=2),
    "einsum": lambda x, m: m.einsum("ij,jk->ki", x, B),
    "einsum3": lambda x, m: m.einsum("ij,kj,kl->il", x, x, C),
    "einsumt": lambda x, m: m.einsum("ii->i", x[:5]),
    "outer": lambda x, m: m.outer(x[0], x[:, 1]),
    "vdot": lambda x, m: m.vdot(x, C),
    "T": lambda x, m: x.T * C.T,
    "transpose": lambda x, m: m.transpose(x) ** 2,
    "reshape": lambda x, m: x.reshape(2, 3, 5) ** 2,
    "ravel": lambda x, m: m.ravel(x) ** 2,
    "swap": lambda x, m: m.swapaxes(x, 0, 1) ** 2,
    "slice": lambda x, m: x[1:5:2, ::-1] ** 2,
    "int": lambda x, m: x[2] ** 2,
    "int2": lambda x, m: x[2, 3] ** 2,
    "neg": lambda x, m: x[-1, :2] ** 2,
    "none": lambda x, m: x[:, None] * x[None],
    "index": lambda x, m: x[INDEX] ** 2,
    "index1": lambda x, m: x[:, [0, 0, 3]] ** 2,
    "index2": lambda x, m: x[INDEX, np.array([0, 1, 1, 4])] ** 2,
    "mask0": lambda x, m: x[np.array([True, False, True, True, False, False])] ** 2,
    "masknd": lambda x, m: x[MASK] ** 2,
    "mixint": lambda x, m: x[2, np.array([0, 1, 1])] ** 2,
    "concat": lambda x, m: m.concatenate([x, C, x * 2]) ** 2,
    "stack": lambda x, m: m.stack([x, x * x], axis=1) ** 2,
    "vstack": lambda x, m: m.vstack([x, C]) ** 2,
    "hstack": lambda x, m: m.hstack([x, x]) ** 2,
    "expand": lambda x, m: m.expand_dims(x, 1) ** 2,
    "squeeze": lambda x, m: m.squeeze(x[:1]) ** 2,
    "bcast": lambda x, m: m.broadcast_to(x[0], (6, 5)) * C,
    "flip": lambda x, m: m.flip(x, 0) * C,
    "roll": lambda x, m: m.roll(x, 2, axis=0) * C,
    "rollflat": lambda x, m: m.roll(x, 2) * C,
    "repeat": lambda x, m: m.repeat(x, 2, axis=0) ** 2,
    "tile": lambda x, m: m.tile(x, (2, 1)) ** 2,
    "tril": lambda x, m: m.tril(x) ** 2,
    "triu": lambda x, m: m.triu(x, 1) ** 2,
    "diag": lambda x, m: m.diag(x[:5]) ** 2,
    "diag1": lambda x, m: m.diag(x[0]) ** 2,
    "diagonal": lambda x, m: m.diagonal(x) ** 2,
    "trace": lambda x, m: m.trace(x) ** 2,
    "take": lambda x, m: m.take(x, [1, 1, 2], axis=1) ** 2,
    "norm": lambda x, m: m.linalg.norm(x),
    "norm1": lambda x, m: m.linalg.norm(x, axis=1),
    "norm3": lambda x, m: m.linalg.norm(x, ord=3, axis=0),
    "norminf": lambda x, m: m.linalg.norm(x, ord=np.inf, axis=0),
    "normfro1": lambda x, m: m.linalg.norm(x, ord=1),
    "average": lambda x, m: m.average(x, axis=0, weights=np.arange(6.0)),
    "nansum": lambda x, m: m.nansum(x**2),
    "cov": lambda x, m: m.cov(x),
    "cov of columns": lambda x, m: m.cov(x, C, rowvar=False, bias=True),
    "corrcoef": lambda x, m: m.corrcoef(x),
    "pad": lambda x, m: m.pad(x, ((1, 2), (0, 3)), constant_values=2.0) ** 2,
    "pad reflect": lambda x, m: m.pad(x, 2, mode="reflect") ** 2,
    "pad mean": lambda x, m: m.pad(x, ((1, 0), (2, 1)), mode="mean") ** 2,
    "pad ramp": lambda x, m: m.pad(x, 1, mode="linear_ramp") ** 2,
    "select": lambda x, m: m.select([x > 1, x > 0], [x, x**2], default=3 * C),
    "choose": lambda x, m: m.choose(np.array([0, 1, 1, 0, 1]), [x, x**2]),
    "compress": lambda x, m: m.compress(np.array([1, 0, 0, 1, 1], bool), x, axis=1) ** 2,
    "delete": lambda x, m: m.delete(x, [1, 3], axis=0) ** 2,
    "insert": lambda x, m: m.insert(x, 2, 1.5, axis=0) ** 2,
    "block": lambda x, m: m.block([[x, x * x], [C, x]]) ** 2,
    "dstack": lambda x, m: m.dstack([x, C]) ** 2,
    "rot90": lambda x, m: m.rot90(x) ** 2,
    "rollaxis": lambda x, m: m.rollaxis(x, 1) ** 2,
    "ediff1d": lambda x, m: m.ediff1d(x) ** 2,
    "gradient": lambda x, m: m.gradient(x, axis=0) ** 2,
    "meshgrid": lambda x, m: m.meshgrid(x[0], x[:, 1])[0] ** 2,
    "over axes": lambda x, m: m.apply_over_axes(m.sum, x, [0]) ** 2,
    "digitize": lambda x, m: x * m.digitize(x, np.array([-1.0, 0.0, 1.0])),
    "fix": lambda x, m: x * m.fix(3 * x),
    "ptp": lambda x, m: m.ptp(x, axis=0),
    "arctan2": lambda x, m: m.arctan2(x, C),
    "hypot": lambda x, m: m.hypot(x, C),
    "logaddexp": lambda x, m: m.logaddexp(x, C),
    "sinc": lambda x, m: m.sinc(x),
    "mod": lambda x, m: x % 0.7,
    "floordiv": lambda x, m: x * (x // 0.7),
    "npmatmul": lambda x, m: np.matmul(x, B),
    "npadd": lambda x, m: np.add(C, x),
    "npconcat": lambda x, m: np.concatenate([x, C]) ** 2,
    "nplinalg": lambda x, m: np.linalg.norm(x),
    "nptanh": lambda x, m: np.tanh(x),
    "sigmoid": lambda x, m: 1 / (1 + m.exp(-x)),
    "softmax": lambda x, m: (
        m.exp(x - x.max(axis=1, keepdims=True))
        / m.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
    ),
    "round": lambda x, m: x * m.round(x),
    "sign": lambda x, m: x * m.sign(x),
    "absmean": lambda x, m: abs(x).mean(axis=-1),
}


# The same with nans in the array.
WITH_NANS = {
    name: lambda x, m, name=name: getattr(m, name)(x, axis=1)
    for name in "nanmax nanmin nansum nanprod nanmean nanvar nanstd nancumsum nancumprod".split()
}


@pytest.mark.parametrize("name", WITH_NANS)
def test_nans_are_left_out(name):
    array = A.copy()
    array[1, 2] = array[4, :3] = np.nan
    x = da.from_array(array, chunks=CHUNKS["uneven"])
    run = lambda x, m: pullback.value_and_grad(lambda x: (WITH_NANS[name](x, m) ** 2).sum())(x)
    assert_same(built(lambda: run(x, da)), run(array, np))


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize(("k", "axis"), [(2, 0), (-3, 1), (1, -1)])
def test_the_largest_elements(k, axis, chunks):
    def largest(x):
        rows = np.sort(x, axis=axis)
        part = slice(None, -k) if k < 0 else slice(None, -k - 1, -1)
        return rows[part] if axis == 0 else rows[:, part]

    x, t = (da.from_array(array, chunks=CHUNKS[chunks]) for array in (A, C))
    f = lambda x: x.topk(k, axis=axis) ** 3
    expected = lambda x: largest(x) ** 3
    gradient = built(lambda: pullback.grad(lambda x: f(x).sum())(x))
    assert gradient.chunks == x.chunks
    assert_same(gradient, pullback.grad(lambda x: expected(x).sum())(A))
    assert_same(pullback.jvp(f, (x,), (t,)), pullback.jvp(expected, (A,), (C,)))
    hessian = lambda f, x, t: pullback.hvp(lambda x: f(x).sum(), (x,), (t,))[1]
    assert_same(hessian(f, x, t), hessian(expected, A, C))
    stacked = da.from_array(np.stack([A, C]), chunks=(1, *CHUNKS[chunks]))
    assert_same(pullback.vmap(f)(stacked), pullback.vmap(expected)(np.stack([A, C])))
    places = lambda x: x.argtopk(k, axis=axis) * 1.0
    assert_same(pullback.jvp(places, (x,), (t,))[0], places(x).compute())


# All functions on uneven blocks, and some on the others.
SOME = "sum0 prod cumprod matmul einsum index index2 concat reshape norm max".split()
CASES = [(name, "uneven") for name in FUNCTIONS]
CASES += [
    (name, chunks) for name in SOME if name in FUNCTIONS for chunks in ("many", "one", "single")
]


@pytest.mark.parametrize(("name", "chunks"), CASES)
def test_both_modes_agree_with_numpy_and_compute_nothing(name, chunks):
    function = FUNCTIONS[name]
    expected, pull = pullback.vjp(lambda x: function(x, np), A)
    cotangent = np.random.default_rng(1).normal(size=expected.shape)
    x, t = (da.from_array(array, chunks=CHUNKS[chunks]) for array in (A, C))

    def both():
        out, lazy_pull = pullback.vjp(lambda x: function(x, da), x)
        (gradient,) = lazy_pull(da.from_array(cotangent, chunks=out.chunks))
        return out, gradient, pullback.jvp(lambda x: function(x, da), (x,), (t,))[1]

    out, gradient, tangent = built(both)
    assert gradient.chunks == x.chunks, "a cotangent is chunked as its primal"
    assert tangent.chunks == out.chunks
    moved = pullback.jvp(lambda x: function(x, np), (A,), (C,))[1]
    assert_same((out, gradient, tangent), (expected, pull(cotangent)[0], moved))


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
@pytest.mark.parametrize("name", ["add", "div", "sum0", "matmul", "einsum", "slice", "index", "T"])
def test_other_dtypes(name, dtype):
    function = FUNCTIONS[name]
    array = (A + 1j * C if dtype.startswith("complex") else A).astype(dtype)
    single = dtype in ("float32", "complex64")
    constants = {"add": lambda x, m: x + x * 2, "matmul": lambda x, m: x @ B.astype(dtype)}
    constants["einsum"] = lambda x, m: m.einsum("ij,jk->ki", x, B.astype(dtype))
    constants["T"] = lambda x, m: x.T * x.T
    function = constants.get(name, function)
    expected, pull = pullback.vjp(lambda x: function(x, np), array)
    x = da.from_array(array, chunks=(4, 2))
    out, lazy_pull = pullback.vjp(lambda x: function(x, da), x)
    (gradient,) = lazy_pull(da.ones(out.shape, dtype=out.dtype, chunks=out.chunks))
    ones = np.ones(expected.shape, expected.dtype)
    assert_same((out, gradient), (expected, pull(ones)[0]), rtol=1e-5 if single else 1e-12)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), ()])
def test_arrays_without_elements_or_axes(shape):
    x = np.full(shape, 0.5)
    expected = pullback.grad(lambda x: (np.exp(x) * x).sum())(x)
    gradient = built(lambda: pullback.grad(lambda x: (da.exp(x) * x).sum())(da.from_array(x)))
    assert_same(gradient, expected)


def test_a_zero_cotangent_stays_zero_where_a_partial_is_infinite():
    """`where` of a branch that is not taken, and its 0 * inf: decided where blocks are computed."""
    x = np.array([0.0, 1.0, 4.0])
    function = lambda x, m: m.where(x > 0, m.sqrt(x), 0).sum()
    expected = pullback.grad(lambda x: function(x, np))(x)
    got = built(lambda: pullback.grad(lambda x: function(x, da))(da.from_array(x, chunks=2)))
    assert np.isfinite(expected).all()
    assert_same(got, expected)


SYSTEM = A[:5] @ A[:5].T + 5 * np.eye(5)
MATRICES = {
    "solve": lambda s, m: m.linalg.solve(s, A[0]).sum(),
    "solve_matrix": lambda s, m: (m.linalg.solve(s, B) ** 2).sum(),
    "inv": lambda s, m: (m.linalg.inv(s) ** 2).sum(),
    "cholesky": lambda s, m: m.linalg.cholesky(s, **({"lower": True} if m is da else {})).sum(),
    "det": lambda s, m: np.linalg.det(s),
    "slogdet": lambda s, m: np.linalg.slogdet(s)[1],
    "eigh": lambda s, m: (np.linalg.eigh(s)[0] ** 3).sum(),
}


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_in_one_block(name):
    function = MATRICES[name]
    expected = pullback.grad(lambda s: function(s, np))(SYSTEM)
    s = da.from_array(SYSTEM, chunks=5)
    assert_same(built(lambda: pullback.grad(lambda s: function(s, da))(s)), expected, rtol=1e-8)


@pytest.mark.parametrize("name", ["solve", "solve_matrix", "inv", "cholesky"])
def test_matrices_cut_into_square_blocks(name):
    pytest.importorskip("scipy")
    matrix = np.kron(np.eye(2), SYSTEM[:3, :3]) + 0.1 * np.ones((6, 6))
    function = MATRICES[name]
    if name.startswith("solve"):
        right = A[:, 0] if name == "solve" else A
        function = lambda s, m: (
            m.linalg.solve(s, right if m is np else da.from_array(right, chunks=3)) ** 2
        ).sum()
    expected = pullback.grad(lambda s: function(s, np))(matrix)
    s = da.from_array(matrix, chunks=(3, 3))
    assert_same(built(lambda: pullback.grad(lambda s: function(s, da))(s)), expected, rtol=1e-8)


def test_decompositions_and_fourier_transforms_along_whole_axes():
    x = da.from_array(A, chunks=(6, 5))
    svd = pullback.grad(lambda x: da.linalg.svd(x)[1].sum())(x)
    assert_same(svd, pullback.grad(lambda x: np.linalg.svd(x, full_matrices=False)[1].sum())(A))
    qr = pullback.grad(lambda x: (da.linalg.qr(x)[1][0] ** 2).sum())(x)
    assert_same(qr, pullback.grad(lambda x: (np.linalg.qr(x)[1][0] ** 2).sum())(A))
    rows = x.rechunk((2, 5))
    for name in ("fft", "rfft"):
        power = lambda x, m: (abs(getattr(m.fft, name)(x)) ** 3).sum()
        expected = pullback.grad(lambda x: power(x, np))(A)
        assert_same(pullback.grad(lambda x: power(x, da))(rows), expected)
    with pytest.raises(pullback.UnsupportedError, match="rechunk"):
        pullback.grad(lambda x: abs(da.fft.fft(x, axis=0)).sum())(rows)
