"""`jacrev`, `jacfwd`, `jacobian`, `hessian`, `hvp`, `vhp`: one structure, whichever way."""

from __future__ import annotations

import builtins
import multiprocessing
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest

import pullback
from pullback import grad, hessian, hvp, jacfwd, jacobian, jacrev, no_grad, vhp, vjp, vmap
from tests import differences

JACOBIANS = [jacrev, jacfwd, jacobian]
WAYS: list[dict[str, Any]] = [{}, {"chunk_size": 1}, {"chunk_size": 2}, {"chunk_size": 100}]
X = np.array([0.4, -0.7, 1.3])
W = np.array([[1.0, 0.2, 0.3], [0.1, 2.0, -0.4]])

jacobians = pytest.mark.parametrize("transform", JACOBIANS, ids=lambda t: t.__name__)
ways = pytest.mark.parametrize("way", WAYS, ids=str)


def layer(w, x, power=2):
    """Module level, so that it can be sent to another process."""
    return np.tanh(w @ x) ** power


def energy(x):
    return np.sum(np.sin(x) * x**2) * x[0]


@jacobians
@ways
def test_agrees_with_finite_differences(transform, way):
    def f(w):
        y = w * 1.0
        y[0] += np.sin(y[1]) * w[0, 0]
        return np.stack([np.linalg.svd(y)[1], y @ X, y[:, 1]]) if w[0, 0] > 0 else None

    got = transform(f, **way)(W)
    assert got.shape == (3, 2, 2, 3)
    np.testing.assert_allclose(got, differences.jacobian(f, W, 1e-5), atol=1e-8)


class Params(NamedTuple):
    w: Any
    b: Any


@jacobians
@ways
def test_row_114_output_trees_outside_and_input_trees_inside(transform, way):
    def f(p, x, scale=1.0):
        y = (p.w @ x + p.b) * scale
        return {"y": y, "norm": np.sum(y**2), "argmax": np.argmax(y)}

    params = Params(W, np.array([0.5, -0.5]))
    got = transform(f, argnums=(1, 0), **way)(params, X, scale=3.0)
    assert list(got) == ["y", "norm", "argmax"]
    assert got["argmax"] is None
    dx, dp = got["y"]
    assert type(dp) is Params
    np.testing.assert_allclose(dx, 3 * W)
    np.testing.assert_allclose(dp.w, 3 * np.einsum("ij,k->ijk", np.eye(2), X))
    np.testing.assert_allclose(dp.b, 3 * np.eye(2))
    assert got["norm"][1].w.shape == (2, 3)
    single = transform(f, **way)(params, X)
    assert type(single["y"]) is Params


@jacobians
def test_argnums_as_for_grad_and_none_for_all(transform):
    f = lambda x, y: x * y
    assert transform(f, -1)(2.0, 3.0) == 2.0
    assert transform(f, (0,))(2.0, 3.0) == (3.0,)
    assert transform(f, None)(2.0, 3.0) == (3.0, 2.0)
    for argnums, error in [
        ("a", TypeError),
        ((), ValueError),
        ((0, 0), ValueError),
        (2, ValueError),
    ]:
        with pytest.raises(error, match=f"pullback.{transform.__name__}: .*argnums"):
            transform(f, argnums)(2.0, 3.0)


@jacobians
@ways
def test_the_function_runs_once_and_aux_is_its_own(transform, way):
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(x) * np.sum(x), {"x": x, "label": "seen"}

    derivative, aux = transform(f, has_aux=True, **way)(X)
    assert len(calls) == 1
    assert aux["label"] == "seen"
    assert type(aux["x"]) is np.ndarray
    np.testing.assert_array_equal(aux["x"], X)
    np.testing.assert_allclose(
        derivative, differences.jacobian(lambda x: f(x)[0], X, 1e-5), atol=1e-9
    )


def test_row_119_functions_branch_on_values():
    f = lambda x: x**2 if x[0] > 0 else x
    for transform in JACOBIANS:
        assert np.array_equal(transform(f)(X), 2 * np.diag(X))
        assert np.array_equal(transform(f)(-X), np.eye(3))


def test_jacrev_of_many_outputs_is_one_walk_back():
    walks = []
    original = pullback.reverse.Walk.run

    def counting(self, *args, **kwargs):
        walks.append(1)
        return original(self, *args, **kwargs)

    f = lambda x: np.sin(np.outer(np.arange(100), x)).sum(axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pullback.reverse.Walk, "run", counting)
        jacrev(f)(X)
        assert len(walks) == 1
        walks.clear()
        jacrev(f, chunk_size=30)(X)
        assert len(walks) == 4


def test_jacobian_walks_in_the_direction_that_takes_fewer():
    tall = jacobian(lambda x: np.repeat(x, 2)).linear_map((X,), {})
    wide = jacobian(np.sum).linear_map((X,), {})
    assert tall.forward
    assert not wide.forward


@jacobians
@ways
def test_row_116_a_derivative_has_its_inputs_dtype(transform, way):
    x = X.astype(np.float32)
    got = transform(lambda x, y: x.astype(np.float64) * y, (0, 1), **way)(x, X)
    assert [g.dtype for g in got] == [np.float32, np.float64]
    widened = transform(lambda x: x.astype(np.float32), **way)(X)
    assert widened.dtype == np.float64


@jacobians
@ways
def test_row_118_empty_and_zero_dimensional_inputs_and_outputs(transform, way):
    assert transform(lambda x: np.ones(2) * np.sum(x), **way)(np.zeros((0, 3))).shape == (2, 0, 3)
    assert transform(lambda x: x[:0], **way)(X).shape == (0, 3)
    slope = transform(lambda x: x * x, **way)(3.0)
    assert type(slope) is np.float64
    assert slope == 6.0


@jacobians
@ways
def test_results_are_writable_and_share_memory_with_nothing(transform, way):
    got = transform(lambda x, y: (x, x, np.ones(3), y), (0, 1), **way)(X, X)
    arrays = [block for row in got for block in row]
    for place, array in enumerate(arrays):
        assert array.flags.writeable
        for other in (X, *arrays[:place]):
            assert not np.shares_memory(array, other)
    assert np.array_equal(arrays[0], np.eye(3))
    assert not arrays[4].any()


@jacobians
@ways
def test_row_86_holomorphic_functions_have_their_complex_derivative(transform, way):
    z = np.array([1 + 2j, 0.5 - 1j])
    f = lambda z: np.exp(z) * z[0] ** 2
    expected = np.diag(np.exp(z) * z[0] ** 2)
    expected[:, 0] += np.exp(z) * 2 * z[0]
    np.testing.assert_allclose(transform(f, holomorphic=True, **way)(z), expected)


def test_row_86_the_holomorphic_second_derivative():
    z = 1 + 2j
    np.testing.assert_allclose(hessian(lambda z: z**3, holomorphic=True)(z), 6 * z)


@pytest.mark.parametrize("transform", [*JACOBIANS, hessian], ids=lambda t: t.__name__)
def test_row_86_complex_values_need_holomorphic(transform):
    name = f"pullback.{transform.__name__}"
    with pytest.raises(
        TypeError, match=rf"{name}: args\[0\] is of dtype complex128: .*holomorphic"
    ):
        transform(lambda z: np.abs(z) ** 2)(1j)
    with pytest.raises(TypeError, match=rf"{name}: output is of dtype complex128"):
        transform(lambda x: x * 1j)(X)
    with pytest.raises(TypeError, match=rf"{name}: args\[0\] is of dtype float64; with holo"):
        transform(lambda x: x, holomorphic=True)(X)


@jacobians
def test_row_117_integer_outputs(transform):
    with pytest.raises(TypeError, match="no output is differentiable"):
        transform(np.argmax)(X)


@pytest.mark.parametrize("size", [0, -1, 1.5, "2", True])
@jacobians
def test_row_115_a_chunk_size_must_be_positive(transform, size):
    with pytest.raises(
        ValueError, match=f"{transform.__name__}: chunk_size must be an integer of at least 1"
    ):
        transform(np.sin, chunk_size=size)


@pytest.mark.parametrize("transform", [jacrev, jacfwd, jacobian])
def test_a_chunk_size_is_any_integer_and_no_argument_has_no_jacobian(transform):
    assert np.allclose(transform(np.sin, chunk_size=np.int64(2))(X), transform(np.sin)(X))
    for f in (lambda _: 1.0, lambda _: np.ones(2)):
        assert transform(f)({}) == {}


def test_the_transform_keeps_the_functions_name():
    assert jacrev(layer).__name__ == "layer"
    assert jacrev(layer).__doc__ == layer.__doc__


# Hessians


@ways
def test_a_hessian_of_trees_has_trees_of_trees(way):
    f = lambda p: np.sum(p["a"] ** 2 * p["b"]) * np.array([1.0, 2.0])
    p = {"a": X, "b": 3.0, "n": 2}
    got = hessian(f, **way)(p)
    assert got["a"]["a"].shape == (2, 3, 3)
    np.testing.assert_allclose(got["a"]["a"][1], 2 * 6.0 * np.eye(3))
    np.testing.assert_allclose(got["a"]["b"][0], 2 * X)
    np.testing.assert_allclose(got["b"]["a"], got["a"]["b"])
    assert got["b"]["b"].tolist() == [0.0, 0.0]
    assert got["a"]["n"] is None
    assert got["n"] is None


@ways
def test_a_hessian_agrees_with_differences_of_the_gradient(way):
    got, aux = hessian(lambda x: (energy(x), "aux"), has_aux=True, **way)(X)
    assert aux == "aux"
    np.testing.assert_allclose(got, differences.jacobian(grad(energy), X, 1e-5), atol=1e-8)
    np.testing.assert_allclose(got, jacrev(jacfwd(energy))(X))
    np.testing.assert_allclose(got, jacrev(jacrev(energy))(X))


def test_hvp_and_vhp_are_products_with_the_hessian():
    v = np.array([0.3, 1.1, -0.5])
    for transform in (hvp, vhp):
        value, (product,) = transform(energy, (X,), (v,))
        assert value == energy(X)
        np.testing.assert_allclose(product, hessian(energy)(X) @ v)


def test_hvp_of_trees_has_the_cross_terms_of_all_primals():
    f = lambda p, y: np.sum(p["a"] ** 2 * y) * p["b"]
    primals = {"a": X, "b": 2.0, "n": 3}, X + 1
    tangents = {"a": X * 0 + 1, "b": 0.5, "n": None}, None
    value, (p, y), aux = hvp(lambda *args: (f(*args), "aux"), primals, tangents, has_aux=True)
    a, b, y0 = X, 2.0, X + 1
    assert value == f(*primals)
    assert aux == "aux"
    assert p["n"] is None
    np.testing.assert_allclose(p["a"], 2 * y0 * b + 2 * a * y0 * 0.5)
    np.testing.assert_allclose(p["b"], np.sum(2 * a * y0))
    np.testing.assert_allclose(y, 2 * a * b + a**2 * 0.5)


def test_hvp_names_what_is_wrong():
    with pytest.raises(TypeError, match=r"pullback.hvp: primals must be a tuple"):
        hvp(energy, X, (X,))
    with pytest.raises(ValueError, match=r"pullback.hvp: tangents\[0\]: got shape"):
        hvp(energy, (X,), (X[:2],))
    with pytest.raises(ValueError, match=r"pullback.vhp: the function must return one real number"):
        vhp(np.sin, (X,), (X,))


# Chunks, executors, progress


class Elsewhere(Executor):
    """An executor of another kind: it sees what a worker elsewhere would be sent."""

    def __init__(self):
        self.sent = []

    def submit(self, task, /, *args, **kwargs):
        self.sent.append((task, args))
        future = Future()
        future.set_result(task(*args, **kwargs))
        return future


@pytest.mark.parametrize("transform", [*JACOBIANS, hessian], ids=lambda t: t.__name__)
@pytest.mark.parametrize("size", [None, 1, 2, 100])
def test_an_executor_computes_the_same(transform, size):
    f = lambda w: layer(w, X) * w[0, 0]
    expected = transform(f)(W)
    with ThreadPoolExecutor(2) as executor:
        got = transform(f, chunk_size=size, executor=executor)(W)
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    np.testing.assert_allclose(
        transform(f, chunk_size=size, executor=Elsewhere())(W), expected, rtol=1e-13
    )


def test_processes_are_sent_the_function_and_its_arguments():
    # Not forked: this process may have threads, of JAX's or of an executor.
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(2, context) as executor:
        for transform in (*JACOBIANS, hessian):
            got, aux = transform(_with_aux, has_aux=True, chunk_size=2, executor=executor)(
                W, X, power=3
            )
            expected = transform(layer)(W, X, power=3)
            np.testing.assert_allclose(got, expected, rtol=1e-13)
            assert aux == "aux"


def _with_aux(w, x, power):
    return layer(w, x, power), "aux"


def test_threads_share_one_run_of_the_function():
    calls = []

    def f(x):
        calls.append(threading.get_ident())
        y = np.sin(x)
        y[0] *= x[1]
        return y

    with ThreadPoolExecutor(3) as executor:
        for transform in JACOBIANS:
            got = transform(f, chunk_size=1, executor=executor)(X)
            np.testing.assert_allclose(got, jacrev(f)(X))
    assert set(calls) == {threading.get_ident()}
    elsewhere = Elsewhere()
    calls.clear()
    jacrev(f, chunk_size=1, executor=elsewhere)(X)
    assert len(elsewhere.sent) == 3
    assert len(calls) == 4


def test_threads_work_under_the_transforms_and_contexts_around():
    f = lambda x: np.sin(x) * np.sum(x)
    with ThreadPoolExecutor(2) as executor:
        chunked = lambda x: jacrev(f, chunk_size=1, executor=executor)(x)
        total = lambda j: lambda x: np.sum(j(x) ** 2)
        np.testing.assert_allclose(grad(total(chunked))(X), grad(total(jacrev(f)))(X))

        def constant(x):
            with no_grad():
                c = np.sum(chunked(x))
            return x * c

        np.testing.assert_allclose(vjp(constant, X)[1](np.ones(3))[0], np.sum(jacrev(f)(X)))


def test_an_error_in_a_chunk_reaches_the_caller():
    def f(x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), ThreadPoolExecutor(2) as executor:
        jacrev(f, executor=executor)(X)


@jacobians
def test_progress_draws_a_bar_with_a_step_a_chunk(transform, capsys):
    pytest.importorskip("tqdm")
    got = transform(np.sin, chunk_size=2, progress=True)(X)
    np.testing.assert_allclose(got, np.diag(np.cos(X)))
    shown = capsys.readouterr().err
    assert transform.__name__ in shown
    assert "2/2" in shown


def test_progress_without_tqdm_names_the_extra(monkeypatch):
    original = builtins.__import__

    def without_tqdm(name, *args, **kwargs):
        if name == "tqdm":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_tqdm)
    with pytest.raises(ImportError, match=r"pullback.jacrev: progress=True .*pullback\[progress\]"):
        jacrev(np.sin, progress=True)(X)


def test_per_sample_jacobians():
    batch = np.stack([X, X + 1])
    np.testing.assert_allclose(vmap(jacrev(np.sin))(batch), [np.diag(np.cos(x)) for x in batch])
    np.testing.assert_allclose(vmap(jacfwd(np.sin))(batch), [np.diag(np.cos(x)) for x in batch])
    np.testing.assert_allclose(vmap(hessian(energy))(batch), [hessian(energy)(x) for x in batch])


@pytest.mark.parametrize("executor", [3, "threads"])
def test_what_is_no_executor_is_refused(executor):
    with pytest.raises(
        TypeError, match=r"jacrev: executor must be a concurrent\.futures\.Executor"
    ):
        jacrev(np.sin, executor=executor)(X)
