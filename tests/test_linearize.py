"""`linearize` and `linear_transpose`: derivatives as linear maps, from one run of the function."""

from __future__ import annotations

import numpy as np
import pytest

import pullback
from pullback import grad, jacrev, jvp, linear_transpose, linearize, no_grad, vjp, vmap
from tests.threads import at_once

X = np.array([0.4, -0.7, 1.3])
V = np.array([0.3, 1.1, -0.5])


def program(x, w):
    """Branches, views, writes, ops of every kind; several outputs."""
    u = x * 1.0
    for _ in range(2):
        u[1:] += 0.1 * np.sin(u[:-1]) * x[0]
        if u[0] > 0:
            u[0] = u[1] * x[2]
        tail = u[1:]
        kept = u.copy()
        tail *= kept[:2]
        u[[0, 2]] = u[[2, 0]]
    return {
        "u": u,
        "solved": np.linalg.solve(w @ w.T + np.eye(3), kept),
        "values": np.linalg.svd(w)[1],
        "stacked": np.stack([x.sum(), np.prod(x), np.where(x[0] > 0, x[1], 0.0)]),
        "count": np.argmax(x),
    }


W = np.array([[1.0, 0.2, 0.3], [0.1, 2.0, -0.4], [0.5, 0.6, 3.0]])


def assert_trees_equal(got, expected, rtol=1e-12):
    leaves, structure = pullback.tree.flatten(got)
    others, other_structure = pullback.tree.flatten(expected)
    assert structure == other_structure
    for a, b in zip(leaves, others, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def test_row_107_the_value_and_a_reusable_pushforward():
    out, push = linearize(program, X, W)
    assert_trees_equal(out, program(X, W))
    rng = np.random.default_rng(0)
    for _ in range(3):
        tangents = rng.normal(size=3), rng.normal(size=(3, 3))
        expected = jvp(program, (X, W), tangents)[1]
        assert_trees_equal(push(*tangents), expected)
        assert_trees_equal(push(*tangents), expected)
    assert push(V, W)["count"] is None
    assert "steps" in repr(push)


def test_row_109_the_function_runs_once():
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(x) * np.linalg.norm(x)

    _, push = linearize(f, X)
    push(V)
    push(V)
    assert len(calls) == 1


def test_row_110_a_branch_on_a_value_is_the_one_taken():
    f = lambda x: np.sin(x) if x[0] > 0 else x * 2
    np.testing.assert_allclose(linearize(f, X)[1](V), np.cos(X) * V)
    np.testing.assert_allclose(linearize(f, -X)[1](V), 2 * V)


@pytest.mark.parametrize("transform", ["grad", "jacrev", "vmap", "jvp", "linearize"])
def test_row_111_inside_every_transform(transform):
    f = lambda x: linearize(lambda y: y**3, x)[1](1.0)
    derivative = {
        "grad": lambda: grad(f)(2.0),
        "jacrev": lambda: jacrev(f)(2.0),
        "vmap": lambda: vmap(grad(f))(np.array([2.0]))[0],
        "jvp": lambda: jvp(f, (2.0,), (1.0,))[1],
        "linearize": lambda: linearize(f, 2.0)[1](1.0),
    }
    assert derivative[transform]() == 12.0


def test_the_pushforward_is_linear_and_differentiable_in_its_tangents():
    push = linearize(lambda x: np.exp(x) * x, X)[1]
    pulled = vjp(push, V)[1](np.ones(3))[0]
    np.testing.assert_allclose(pulled, np.exp(X) * (X + 1))
    batch = np.stack([V, 2 * V, 0 * V])
    np.testing.assert_allclose(vmap(push)(batch), batch * np.exp(X) * (X + 1))
    assert np.all(push(0 * V) == 0)


def test_none_is_a_zero_tangent_and_outputs_that_do_not_move_are_zero():
    push = linearize(lambda x, y: (x * y, np.ones(2)), 2.0, 3.0)[1]
    assert push(None, 1.0)[0] == 2.0
    assert push(1.0, None)[0] == 3.0
    product, constant = push(None, None)
    assert product == 0.0
    assert constant.tolist() == [0.0, 0.0]


def test_tangents_keep_the_dtype_of_the_output_and_share_no_memory():
    x = X.astype(np.float32)
    v = V.astype(np.float32)
    out, push = linearize(lambda x: (x, x, x.astype(np.float64), x[1:]), x)
    moved = push(v)
    assert [t.dtype for t in moved] == [np.float32, np.float32, np.float64, np.float32]
    for place, tangent in enumerate(moved):
        assert tangent.flags.writeable
        for other in (v, x, *out, *moved[:place]):
            assert not np.shares_memory(tangent, other)


def test_a_pushforward_of_writes_leaves_the_buffers_as_they_were():
    out, push = linearize(program, X, W)
    kept = pullback.tree.map_leaves(np.copy, out)
    for _ in range(2):
        with pytest.raises(ValueError, match="shape"):
            push(V, V)
        push(V, W)
    assert_trees_equal(out, kept, rtol=0)


def test_a_pushforward_leaves_writes_after_its_run_as_they_were():
    buffers = []

    def program(x):
        buffers.append(np.ones(3))
        return x * buffers[0]

    _, pushforward = linearize(program, X)
    (buffer,) = buffers
    buffer[:] = 5.0
    np.testing.assert_allclose(pushforward(V), V)
    np.testing.assert_allclose(buffer, 5.0)


def test_a_captured_array_that_was_changed_is_noticed():
    w = np.ones(100_000)
    push = linearize(lambda x: x * w, np.ones(100_000))[1]
    w[:] = 2.0
    with pytest.raises(pullback.StaleValueError):
        push(np.ones(100_000))


def test_zero_tangents_stay_zero_behind_an_infinite_partial():
    x = np.array([0.0, 4.0])
    push = linearize(np.sqrt, x)[1]
    assert push(np.array([0.0, 1.0])).tolist() == [0.0, 0.25]
    where = linearize(lambda x: np.where(x > 0, np.sqrt(x), 0), x)[1]
    assert where(np.ones(2)).tolist() == [0.0, 0.25]


def test_under_no_grad_the_map_is_not_kept_without_its_derivative():
    """What the pushforward records at its first call must not lose the outer transform's part."""

    def f(x, first):
        push = linearize(lambda y: np.prod(y), x)[1]
        if first:
            with no_grad():
                push(V)
        return push(V)

    expected = grad(lambda x: f(x, first=False))(X)
    np.testing.assert_allclose(grad(lambda x: f(x, first=True))(X), expected)


def test_a_pushforward_may_be_called_in_many_threads():
    push = linearize(program, X, W)[1]
    expected = [push(k * V, None)["u"] for k in range(8)]

    def work(k):
        return [push(k * V, None)["u"] for _ in range(20)]

    for got, alone in zip(at_once(work, 8), expected, strict=True):
        np.testing.assert_array_equal(got, [alone] * 20)


def test_aux_is_handed_through():
    out, push, aux = linearize(lambda x: (x * 2, {"seen": x, "name": "a"}), X, has_aux=True)
    assert aux["name"] == "a"
    assert type(aux["seen"]) is np.ndarray
    assert np.array_equal(push(V), 2 * V)
    assert np.array_equal(out, 2 * X)


@pytest.mark.parametrize(
    ("tangents", "error", "message"),
    [
        (({"w": V},), ValueError, "another structure"),
        (({"w": V, "n": None}, V), ValueError, "another structure"),
        (({"w": V[:2], "n": None},), ValueError, r"tangents\[0\]\['w'\]: got shape \(2,\)"),
        (({"w": V.astype(np.float32), "n": None},), TypeError, r"\['w'\]: got dtype float32"),
        (({"w": V * 1j, "n": None},), TypeError, r"\['w'\]: got a complex tangent"),
        (({"w": V, "n": 1.0},), TypeError, r"\['n'\]: the primal there is not differentiable"),
        (({"w": "v", "n": None},), TypeError, r"\['w'\]: got builtins.str"),
    ],
)
def test_row_108_tangents_are_checked_strictly_and_errors_have_paths(tangents, error, message):
    push = linearize(lambda p: p["w"] * p["n"], {"w": X, "n": 2})[1]
    with pytest.raises(error, match=rf"pullback.linearize: .*{message}"):
        push(*tangents)


# jvp: what the table asks beside what other tests cover


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jvp(np.sin, [X], (V,)), TypeError, r"jvp: primals must be a tuple .* got list"),
        (lambda: jvp(np.sin, (X,), V), TypeError, r"jvp: tangents must be a tuple .* got ndarray"),
        (lambda: jvp(np.sin, (X,), (V, V)), ValueError, "another structure"),
        (lambda: jvp(np.sin, (X,), (V[:2],)), ValueError, r"tangents\[0\]: got shape \(2,\)"),
        (lambda: jvp(np.sin, (X,), (1j * V,)), TypeError, r"tangents\[0\]: got a complex tangent"),
        (lambda: jvp(lambda x: x, (3,), (1.0,)), TypeError, r"primals\[0\] is of dtype int"),
        (lambda: jvp(lambda x: None, (X,), (V,)), TypeError, "returned no array"),
        (
            lambda: jvp(lambda x: {"a": x, "b": np.ones(2)}, (X,), (V,), strict=True),
            ValueError,
            r"output\['b'\] does not depend",
        ),
    ],
)
def test_rows_97_to_103_what_is_wrong_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_rows_100_to_102_dtypes_of_tangents_and_integer_outputs():
    out, tangent = jvp(lambda x: (x, np.argmax(x)), (X.astype(np.float32),), (V,))
    assert tangent[0].dtype == np.float32
    assert tangent[1] is None
    assert out[1] == 2


def test_a_primal_without_a_tangent_can_be_written_into_and_stays_the_callers():
    def f(x, y, count):
        y[0] = x[1]
        count[0] = 7
        return x * y

    y, count = np.ones(3), np.arange(3)
    _, tangent = jvp(f, (X, y, count), (V, None, None))
    np.testing.assert_allclose(tangent, [V[0] * X[1] + X[0] * V[1], V[1], V[2]])
    assert y.tolist() == [1.0, 1.0, 1.0]
    assert count.tolist() == [0, 1, 2]


# linear_transpose


def test_the_transpose_of_linear_maps_of_trees():
    def f(p, y):
        z = p["a"] * 0.0
        z[1:] = p["a"][:-1] * 3
        return z, np.linalg.solve(W, y) + p["a"].sum()

    transpose = linear_transpose(f, {"a": np.empty(3)}, np.empty(3))
    u, v = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
    p, y = transpose((u, v))
    a, b = np.array([0.1, 0.2, 0.3]), np.array([1.0, -1.0, 0.5])
    out = f({"a": a}, b)
    np.testing.assert_allclose(a @ p["a"] + b @ y, u @ out[0] + v @ out[1])


def test_only_shapes_and_dtypes_of_the_primals_matter():
    class Like:
        shape, dtype = (3,), np.dtype(np.float32)

    filled = np.full(3, np.nan, np.float32)
    for like in (Like(), filled):
        (got,) = linear_transpose(lambda x: np.cumsum(x), like)(np.array([1.0, 2.0, 4.0]))
        assert got.dtype == np.float32
        assert got.tolist() == [7.0, 6.0, 4.0]
    assert linear_transpose(lambda x: x * 2.0, 5.0)(1.0) == (2.0,)


def test_a_complex_map_has_its_adjoint_and_an_outer_transform_sees_the_coefficients():
    (got,) = linear_transpose(lambda z: z * (1 + 2j), np.empty(2, complex))(np.ones(2))
    assert got.tolist() == [1 - 2j, 1 - 2j]
    assert grad(lambda c: linear_transpose(lambda x: c * c * x, 1.0)(1.0)[0])(3.0) == 6.0


@pytest.mark.parametrize(
    "f",
    [
        np.sin,
        np.cos,
        np.abs,
        lambda x: x * x,
        lambda x: x + 1,
        lambda x: np.maximum(x, 0),
        lambda x: np.where(x > 0, x, 2 * x),
        lambda x: np.linalg.inv(np.diag(x) + 3 * np.eye(3)) @ x,
        lambda x: x if x[0] >= 0 else 2 * x,
    ],
)
def test_what_is_not_linear_is_refused(f):
    with pytest.raises(ValueError, match="not linear"):
        linear_transpose(f, X)


@pytest.mark.parametrize("size", [3, 20000])
def test_a_rule_that_undoes_writes_is_transposed_as_it_was(size):
    """A custom rule's pullback walks a tape with writes on it; its transpose is walked later."""

    def program(x):
        y = np.sin(x)
        y *= x
        y[1:] *= y[:-1]
        return y

    function = pullback.custom_vjp(program)
    function.def_vjp(lambda x: vjp(program, x), lambda pull, cotangent: pull(cotangent))
    x, v = np.linspace(0.2, 1.5, size), np.linspace(1.0, -1.0, size)
    expected = jvp(program, (x,), (v,))[1]
    _, push = linearize(function, x)
    for _ in range(2):
        np.testing.assert_allclose(push(v), expected, rtol=1e-12)
    along = lambda f: lambda x: np.sum(linearize(f, x)[1](v))
    np.testing.assert_allclose(grad(along(function))(x), grad(along(program))(x), rtol=1e-12)


@pytest.mark.parametrize("wrap", [pullback.checkpoint, lambda f: f], ids=["checkpoint", "plain"])
def test_a_call_is_linear_if_its_derivative_is_constant(wrap):
    """What comes of a call is traced as a whole, so there values decide; both kinds are refused."""
    x, v = np.array([0.3, 0.2, 0.5]), np.array([1.0, -2.0, 0.5])
    f = wrap(lambda x: np.sin(x) * x[0])
    _, push = linearize(f, x)
    (expected,) = vjp(f, x)[1](v)
    np.testing.assert_allclose(linear_transpose(push, x)(v)[0], expected)
    assert linear_transpose(wrap(lambda x: 2 * x), np.empty(0))(np.empty(0))[0].shape == (0,)
    for bent in (
        lambda x: x + np.sin(2 * np.pi * x),  # whose derivative is the same at whole numbers
        lambda x: np.stack([x[0] * x[1], -x[0] * x[1]]),  # the sum is flat
        lambda x: x**3,
    ):
        with pytest.raises(ValueError, match="not linear in primals"):
            linear_transpose(wrap(bent), x)
