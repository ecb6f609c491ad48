"""`custom_root` and `custom_fixed_point`: the derivative at the root, whatever found it."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

from pullback import (
    ConvergenceError,
    ConversionError,
    UnsupportedError,
    custom_fixed_point,
    custom_root,
    grad,
    hessian,
    jvp,
    krylov,
    no_grad,
    stop_gradient,
    vjp,
    vmap,
)
from pullback.testing import check_grads

RNG = np.random.default_rng(0)
M = 0.3 * RNG.normal(size=(4, 4))


def newton(residual, slope, start, *params):
    x = start
    for _ in range(60):
        x = x - residual(x, *params) / slope(x, *params)
    return x


def square_root():
    return custom_root(
        lambda x, a: x * x - a,
        lambda a: newton(lambda x, a: x * x - a, lambda x, a: 2 * x, 1.0 + 0 * a, a),
    )


def test_the_value_is_the_solvers_and_the_derivative_the_roots():
    sqrt = square_root()
    assert sqrt(4.0) == 2.0
    check_grads(sqrt, 4.0, order=3)
    check_grads(sqrt, np.array([1.0, 2.0, 5.0]))
    np.testing.assert_allclose(grad(grad(grad(sqrt)))(4.0), 3 / 8 * 4.0**-2.5)
    both = jvp(lambda a: grad(sqrt)(a), (4.0,), (1.0,))[1]
    np.testing.assert_allclose(both, -1 / 32)


def test_float32_and_complex_roots():
    root = square_root()(np.float32(4.0))
    assert vjp(square_root(), np.float32(4.0))[1](np.float32(1.0))[0].dtype == np.float32
    assert root == 2.0
    cubic = custom_root(
        lambda x, a: x**3 + x - a,
        lambda a: newton(lambda x, a: x**3 + x - a, lambda x, a: 3 * x * x + 1, a, a),
    )
    check_grads(cubic, np.array([0.3 + 0.2j, 1 + 1j]))
    check_grads(lambda a: np.real(cubic(a)), np.array([0.3 + 0.2j, 1 + 1j]))


def test_a_residual_that_is_not_holomorphic():
    def step(x, a):
        return a - 0.3 * np.conj(x) ** 2

    def iterate(a):
        x = a
        for _ in range(200):
            x = step(x, a)
        return x

    check_grads(custom_fixed_point(step, iterate), np.array([0.3 + 0.2j, 0.1 + 0.1j]))


def residual(x, p, q):
    return {
        "u": x["u"] + M @ np.tanh(x["v"]) - p["b"],
        "v": (x["v"][0] ** 3 + x["v"] - p["c"] * x["u"]) * q,
    }


def test_trees_several_parameters_and_aux_with_a_solver_of_scipy():
    optimize = pytest.importorskip("scipy.optimize")
    runs = []

    def solve(p, q, tol=1e-13):
        assert type(p["b"]) is np.ndarray
        runs.append(tol)

        def flat(z):
            r = residual({"u": z[:4], "v": z[4:]}, p, q)
            return np.concatenate([r["u"], r["v"]])

        result = optimize.root(flat, np.zeros(8), tol=tol)
        return {"u": result.x[:4], "v": result.x[4:]}, result

    root = custom_root(residual, solve, has_aux=True)
    p = {"b": np.array([0.3, 0.5, 0.7, 0.1]), "c": 1.1}
    _, pull, aux = vjp(lambda p, q: root(p, q, tol=1e-9), p, 2.0, has_aux=True)
    assert runs == [1e-9]
    assert aux.success
    dp, dq = pull({"u": np.ones(4), "v": None})
    assert abs(dq) < 1e-8  # a factor of the residual does not move the root
    assert dp["c"] != 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the complex step is not for this solver
        check_grads(lambda p: root(p, 2.0)[0], p, rtol=1e-5)


def test_brentq_newton_and_minimize():
    optimize = pytest.importorskip("scipy.optimize")
    f = lambda x, a: np.exp(x) + x - a
    for solve in (
        lambda a: optimize.brentq(f, -5.0, 5.0, args=(float(a.real),), xtol=1e-15),
        lambda a: optimize.newton(f, 0.5, args=(a,), tol=1e-14),
    ):
        check_grads(custom_root(f, solve), 2.0)

    def energy(x, w):
        return np.sum((x - w) ** 2) + 0.1 * np.sum(x**4) + x[0] * x[1]

    def minimum(w):
        slope = grad(energy)
        return optimize.minimize(energy, np.zeros(3), args=(w,), jac=slope, tol=1e-12).x

    argmin = custom_root(lambda x, w: grad(energy)(x, w), minimum)
    check_grads(argmin, np.array([0.3, 1.0, -0.4]), rtol=1e-4, order=1)
    # The envelope theorem.
    w = np.array([0.3, 1.0, -0.4])
    x = minimum(w)
    through = grad(lambda w: energy(argmin(w), w))(w)
    np.testing.assert_allclose(through, grad(energy, 1)(x, w), atol=1e-5)


def contraction(n):
    scale = np.linspace(1.0, 2.0, n)

    def step(x, a):
        return 0.4 * np.tanh(np.roll(x, 1)) * a / scale + 0.1

    def iterate(a):
        x = np.zeros(n)
        for _ in range(100):
            x = step(x, a)
        return x

    return custom_fixed_point(step, iterate)


@pytest.mark.parametrize("n", [3, 99, 1500])
def test_a_fixed_point_directly_and_without_a_matrix(n):
    if n > 100:
        pytest.importorskip("scipy.sparse.linalg")
    x = contraction(n)
    check_grads(lambda a: np.sum(x(a) ** 2), np.linspace(0.5, 1.0, n), order=1 if n > 3 else 2)


def test_no_matrix_is_built_for_a_large_system(monkeypatch):
    pytest.importorskip("scipy.sparse.linalg")
    monkeypatch.setattr(krylov, "_solve_directly", None)
    x = contraction(400)
    assert grad(lambda a: np.sum(x(a)))(np.ones(400)).shape == (400,)


def test_without_scipy_the_matrix_is_built(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    x = contraction(150)
    check_grads(lambda a: np.sum(x(a) ** 2), np.linspace(0.5, 1.0, 150), order=1)


def test_a_linear_solve_of_the_users_own():
    calls = []

    def richardson(matvec, b):
        calls.append(b.shape)
        v = np.zeros_like(b)
        for _ in range(200):
            v = v + 0.2 * (b - matvec(v))
        return v

    root = custom_root(lambda x, a: x * x - a, lambda a: np.sqrt(a), linear_solve=richardson)
    check_grads(root, np.array([4.0, 2.0]))
    assert (2,) in calls
    bad = custom_root(lambda x, a: x * x - a, lambda a: np.sqrt(a), linear_solve=lambda m, b: b[:1])
    with pytest.raises(ValueError, match=r"linear_solve returned shape \(1,\), expected \(2,\)"):
        vjp(bad, np.array([4.0, 2.0]))[1](np.ones(2))


@pytest.mark.parametrize(
    "linear_solve", [None, lambda matvec, b: 0.9 * b, lambda matvec, b: b * np.nan]
)
def test_a_system_that_is_not_solved_is_an_error(linear_solve):
    double = custom_root(lambda x, a: (x - a) ** 2, lambda a: a, linear_solve=linear_solve)
    with pytest.raises(ConvergenceError, match="was not solved"):
        grad(double)(2.0)


def test_a_singular_system_is_an_error_even_for_a_zero_right_hand_side():
    """At a double root B is zero too, and zero is no derivative."""
    double = custom_root(lambda x, a: (x - a) ** 2, lambda a: a)
    with pytest.raises(ConvergenceError, match="singular"):
        jvp(double, (2.0,), (1.0,))


def test_krylov_failure_is_an_error(monkeypatch):
    pytest.importorskip("scipy.sparse.linalg")
    monkeypatch.setattr(krylov, "_DIRECT", 3)
    monkeypatch.setattr(krylov, "_RESTARTS", 1)
    shuffled = lambda x, a: np.roll(x, 1) - a  # GMRES needs as many products as unknowns
    root = custom_root(shuffled, lambda a: np.roll(a, -1))
    with pytest.raises(ConvergenceError, match="is off by"):
        vjp(root, np.arange(20.0))[1](np.eye(20)[0])


# What the functions capture


def test_what_the_residual_captures_has_its_derivative():
    def f(w, a):
        solve = lambda a: np.sqrt(a * stop_gradient(w))
        return custom_root(lambda x, a: x * x - a * w, solve)(a) * w

    check_grads(f, 1.5, 2.0)
    check_grads(lambda w: f(w, 2.0), 1.5)
    check_grads(lambda w: grad(lambda a: f(w, a))(w), 1.5)


def test_the_solver_sees_plain_arrays_even_of_what_it_captures():
    def f(w):
        root = custom_root(lambda x, a: x * x - a * w, lambda a: np.asarray(np.sqrt(a * w)))
        return root(2.0)

    check_grads(f, 1.5)


def test_no_grad_and_untraced_calls():
    sqrt = square_root()
    with no_grad():
        assert sqrt(4.0) == 2.0

    def f(a):
        with no_grad():
            c = sqrt(a)
        return c * a

    assert grad(f)(4.0) == 2.0


# Batches


def test_batches_are_solved_one_by_one():
    calls = []

    def solve(a, b):
        calls.append((type(a), np.shape(b)))
        return np.sqrt(a) * b, "info"

    root = custom_root(lambda x, a, b: x * x / b**2 - a, solve, has_aux=True)
    a, b = np.array([1.0, 4.0, 9.0]), np.array([1.0, 2.0])
    infos = []

    def f(a, b):
        x, info = root(a, b)
        infos.append(info)
        return x

    batched = vmap(f, (0, None))
    np.testing.assert_allclose(batched(a, b), np.sqrt(a)[:, None] * b)
    assert calls == [(np.float64, (2,))] * 3
    assert infos == [["info"] * 3]
    check_grads(batched, a, b)


def test_a_batch_of_no_examples():
    """The shape of a root is known from a run on ones; no derivative solves anything."""
    root = custom_root(lambda x, a: x * x - a, np.sqrt)
    none = np.ones((0, 2), np.float32)
    for f in (root, grad(lambda a: np.sum(root(a))), hessian(lambda a: np.sum(root(a)))):
        got, one = vmap(f)(none), f(none.dtype.type(1) * np.ones(2, np.float32))
        assert (got.shape, got.dtype) == ((0, *one.shape), one.dtype)
        assert vmap(vmap(f))(np.ones((3, 0, 2))).shape == (3, 0, *one.shape)
        assert vmap(vmap(f))(np.ones((0, 3, 2))).shape == (0, 3, *one.shape)
    value, moved = jvp(vmap(root), (none,), (none,))
    assert value.shape == moved.shape == none.shape
    assert grad(lambda b: np.sum(vmap(lambda a: root(a * b))(none)))(2.0) == 0.0

    def picky(a):
        raise RuntimeError("not here")

    with pytest.raises(ValueError, match=r"size 0 the solver is run once, on ones.* not here"):
        vmap(custom_root(lambda x, a: x - a, picky))(none)


# Arrays of other libraries


def solved_by_newton(a):
    x = a * 0 + 1.0
    for _ in range(7):
        x = (x + a / x) / 2
    return x


def total_of(y):
    return y.sum() if hasattr(y, "sum") else y.__array_namespace__().sum(y)


@pytest.fixture(params=["torch", "jax", "dask", "array_api_strict"])
def array(request):
    """What makes a float64 array of another library of one of NumPy's."""
    pytest.importorskip("array_api_compat")
    if request.param == "jax":
        jax = pytest.importorskip("jax")
        enabled = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
        with enabled(True):
            yield jax.numpy.asarray
    elif request.param == "dask":
        yield pytest.importorskip("dask.array").from_array
    else:
        xp = pytest.importorskip(request.param)
        yield lambda a: xp.asarray(a.tolist(), dtype=xp.float64)


def test_roots_of_arrays_of_other_libraries_have_numpys_derivatives(array):
    root = custom_root(lambda x, a: x * x - a, solved_by_newton)
    fixed = custom_fixed_point(lambda x, a: (x + a / x) / 2, solved_by_newton)
    at, tangent = np.array([2.0, 3.0, 5.0]), np.array([1.0, -0.5, 0.25])
    f = lambda a: total_of(root(a) * a)
    for run in (
        grad(f),
        grad(lambda a: total_of(fixed(a) * a)),
        grad(lambda a: total_of(grad(f)(a) * a)),
        lambda a: jvp(f, (a,), (a * (tangent if a is at else array(tangent)),))[1],
        lambda a: vmap(grad(f))(a[None, :] * 1.0)[0, ...],
    ):
        got = run(array(at))
        assert type(got) is type(array(at))
        np.testing.assert_allclose(np.asarray(got), run(at), rtol=1e-8)


def test_many_unknowns_of_another_library_are_solved_by_krylovs_method(array):
    pytest.importorskip("scipy")
    n = 120
    at = np.linspace(1.0, 2.0, n)
    root = custom_root(lambda x, a: x * x * x - a + 0.1 * x, lambda a: cubic(a))

    def cubic(a):
        x = a * 0 + 1.0
        for _ in range(8):
            x = x - (x * x * x - a + 0.1 * x) / (3 * x * x + 0.1)
        return x

    f = lambda a: total_of(root(a))
    np.testing.assert_allclose(np.asarray(grad(f)(array(at))), grad(f)(at), rtol=1e-8)


def test_a_root_whose_values_are_not_known_says_so():
    jax = pytest.importorskip("jax")
    root = custom_root(lambda x, a: x * x - a, solved_by_newton)
    with pytest.raises(UnsupportedError, match=r"outside of jax\.jit"):
        jax.jit(grad(lambda a: total_of(root(a))))(jax.numpy.ones(2))


def test_a_root_of_tensors_that_require_grad_says_that_torchs_graph_is_lost():
    torch = pytest.importorskip("torch")
    root = custom_root(lambda x, a: x * x - a, solved_by_newton)
    a = torch.ones(2, requires_grad=True)
    with pytest.raises(ConversionError, match=r"x\.detach\(\)"):
        grad(lambda a: total_of(root(a)))(a)
    assert grad(lambda a: total_of(root(a)))(a.detach()).tolist() == [0.5, 0.5]


# Errors


def test_results_of_the_wrong_kind():
    with pytest.raises(ValueError, match=r"residual\['x'\]: got shape \(2,\), expected \(\)"):
        grad(custom_root(lambda x, a: {"x": np.ones(2) * a}, lambda a: {"x": a}))(1.0)
    with pytest.raises(ValueError, match="must return a tree like the root"):
        grad(custom_root(lambda x, a: {"y": a}, lambda a: {"x": a}))(1.0)
    with pytest.raises(TypeError, match="has_aux=True for anything else"):
        grad(custom_root(lambda x, a: x - a, lambda a: (a, "info")))(1.0)
    with pytest.raises(TypeError, match="has_aux=True"):
        grad(custom_root(lambda x, a: x - a, lambda a: a, has_aux=True))(1.0)
    with pytest.raises(TypeError, match="passed by keyword"):
        grad(lambda a: custom_root(lambda x, a: x - a, lambda a: a)(a=a))(1.0)
    with pytest.raises(TypeError, match="solve returned integers"):
        grad(custom_root(lambda x, a: x - a, lambda a: np.arange(3)))(1.0)


def test_errors_of_a_fixed_point_name_it():
    for step, solve, match in (
        (lambda x, a: np.ones(2) * a * x, lambda a: a, r"custom_fixed_point: step: got shape"),
        (lambda x, a: (x, a), lambda a: (a,), "custom_fixed_point: the step must return a tree"),
        (lambda x, a: x * a, lambda a: "a", "custom_fixed_point: solve must return"),
        (lambda x, a: x + 0 * a, lambda a: a, "custom_fixed_point: the linear system"),
    ):
        with pytest.raises((TypeError, ValueError, ConvergenceError), match=match):
            grad(custom_fixed_point(step, solve))(1.0)
    with pytest.raises(TypeError, match=r"custom_fixed_point: .* passed by keyword"):
        grad(lambda a: custom_fixed_point(lambda x, a: a, lambda a: a)(a=a))(1.0)
