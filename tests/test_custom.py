"""`custom_vjp` and `custom_jvp`: the rule is used, in both modes and at every order, or refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback
from pullback import (
    UnsupportedError,
    custom_jvp,
    custom_vjp,
    grad,
    jvp,
    linearize,
    no_grad,
    vjp,
    vmap,
)
from pullback.testing import GradientError, check_grads

X = np.array([0.3, 0.5, 1.2])


def by_vjp(nondiff_argnums=()):
    """sin(k x) y, with residuals of several kinds."""

    @custom_vjp(nondiff_argnums=nondiff_argnums)
    def wave(x, y=2.0, k=1):
        return {"out": np.sin(k * x) * y, "k": k, "name": "wave"}

    def forward(x, y, k):
        return wave(x, y, k), (x, {"y": y}, k, object(), "text")

    def backward(residuals, cotangents):
        x, held, k, _, _ = residuals
        assert cotangents["name"] is None or cotangents["name"] == "wave"
        ct = cotangents["out"]
        parts = ct * np.cos(k * x) * k * held["y"], np.sum(ct * np.sin(k * x))
        return parts if nondiff_argnums else (*parts, None)

    return wave.def_vjp(forward, backward)


def by_jvp():
    @custom_jvp
    def wave(p, y=2.0, *, k=1):
        return np.sin(k * p["x"]) * y, p["note"]

    def rule(primals, tangents, k):
        p, y = primals
        dp, dy = tangents
        assert dp["note"] is None
        dx = dp["x"]
        out = np.cos(k * p["x"]) * k * dx * y + np.sin(k * p["x"]) * dy
        return wave(p, y, k=k), (out, None)

    return wave.def_jvp(rule)


def test_outside_of_a_transform_it_is_the_function():
    assert by_vjp()(0.0)["name"] == "wave"
    assert by_vjp().__name__ == "wave"
    assert "custom_vjp" in repr(by_vjp())


def test_a_vjp_in_both_modes_to_third_order():
    for wave in (by_vjp(), by_vjp((2,))):
        check_grads(lambda x, y: wave(x, y, 2)["out"], X, 0.7, order=3)
        check_grads(lambda x: wave(x)["out"], X, order=3)
        check_grads(lambda x: wave(k=3, x=x)["out"], X)


def test_a_jvp_in_both_modes_to_third_order():
    wave = by_jvp()
    check_grads(lambda x, y: wave({"x": x, "note": "n"}, y, k=2)[0], X, 0.7, order=3)
    check_grads(lambda x: wave({"x": x, "note": 1})[0], X)
    check_grads(lambda x, y: wave({"x": x, "note": 1}, y)[0], X + 0.2j, 0.7 + 1j)


def test_the_rule_is_what_counts():
    """A rule that is deliberately not the function's derivative shows in both modes."""
    for double in (
        custom_vjp(np.sin).def_vjp(lambda x: (np.sin(x), x), lambda x, ct: (7.0 * ct,)),
        custom_jvp(np.sin).def_jvp(lambda p, t: (np.sin(p[0]), 7.0 * t[0])),
    ):
        assert grad(double)(1.0) == 7.0
        assert jvp(double, (1.0,), (1.0,))[1] == 7.0
        assert grad(vmap_sum(double))(X).tolist() == [7.0] * 3
        assert jvp(vmap_sum(double), (X,), (X,))[1] == pytest.approx(7.0 * X.sum())
        assert vmap(grad(double))(X).tolist() == [7.0] * 3
        with pytest.raises(GradientError):
            check_grads(double, X)


def vmap_sum(f):
    return lambda x: np.sum(vmap(f)(x))


def test_both_rules_each_for_its_mode():
    f = custom_vjp(lambda x: x * x)
    f.def_vjp(lambda x: (f(x), x), lambda x, ct: (ct * 10.0,))
    f.def_jvp(lambda p, t: (f(p[0]), t[0] * 20.0))
    assert grad(f)(1.0) == 10.0
    assert jvp(f, (1.0,), (1.0,))[1] == 20.0


def test_a_compiled_function_sees_plain_numbers():
    f = custom_vjp(lambda x: math.sin(x))
    f.def_vjp(lambda x: (f(x), x), lambda x, ct: (ct * np.cos(x),))
    check_grads(f, 0.4, order=3)
    with no_grad():
        assert f(0.4) == math.sin(0.4)


def test_forward_runs_once_and_residuals_are_kept():
    runs = []
    f = custom_vjp(lambda x: x * x)
    f.def_vjp(lambda x: (runs.append(1), (x * x, x))[1], lambda x, ct: (2 * x * ct,))
    _, pull = vjp(f, 3.0)
    pull(1.0)
    pull(1.0)
    assert runs == [1]


def test_a_rule_may_write_into_what_it_gets():
    @custom_vjp
    def f(x):
        x *= 2
        return x

    def forward(x):
        x *= 2
        return x, None

    f.def_vjp(forward, lambda _, ct: (2 * ct,))
    kept = X.copy()
    out, pull = vjp(lambda x: f(x) * x, X)
    np.testing.assert_array_equal(X, kept)
    np.testing.assert_allclose(out, 2 * X * X)
    np.testing.assert_allclose(pull(X)[0], 4 * X * X)
    np.testing.assert_allclose(grad(lambda x: np.sum(grad(lambda x: np.sum(f(x) * x))(x)))(X), 4.0)


def test_methods():
    class Model:
        scale = 3.0

        @custom_vjp(nondiff_argnums=0)
        def apply(self, x):
            return self.scale * x

        apply.def_vjp(lambda self, x: (self.apply(x), self), lambda self, ct: (self.scale * ct,))

    assert grad(Model().apply)(1.0) == 3.0


def test_nested_trees_and_integers():
    @custom_vjp
    def f(p):
        return [p["a"] * p["n"], {"b": p["b"][0] ** 2, "i": np.arange(3)}]

    f.def_vjp(
        lambda p: (f(p), p),
        lambda p, ct: ({"a": ct[0] * p["n"], "b": [2 * p["b"][0] * ct[1]["b"]], "n": None},),
    )
    tree = {"a": X, "b": [X + 1], "n": 3}
    check_grads(lambda p: [f(p)[0], f(p)[1]["b"]], tree)


def test_none_is_zero():
    f = custom_vjp(lambda x, p: x * p["w"])
    f.def_vjp(lambda x, p: (f(x, p), p), lambda p, ct: (ct * p["w"], None))
    assert vjp(f, 2.0, {"w": 3.0})[1](1.0) == (3.0, {"w": 0.0})
    assert jvp(f, (2.0, {"w": 3.0}), (1.0, {"w": 1.0}))[1] == 3.0
    g = custom_jvp(lambda x: x * x).def_jvp(lambda p, t: (p[0] * p[0], None))
    assert grad(g)(2.0) == 0.0


# Errors


@pytest.mark.parametrize(
    ("backward", "error", "message"),
    [
        (
            lambda r, c: c,
            TypeError,
            r"f: backward must return a tuple .* \('x', 'y'\), got ndarray",
        ),
        (lambda r, c: (c,), TypeError, "got a tuple of 1"),
        (lambda r, c: (c[:2], None), ValueError, r"'x'\['w'\]|structure"),
        (lambda r, c: ({"w": c[:2]}, None), ValueError, r"'x'\['w'\]: got shape \(2,\), expected"),
        (
            lambda r, c: ({"w": c}, 1j),
            TypeError,
            "'y': got a complex cotangent for a real argument",
        ),
        (lambda r, c: ({"w": "c"}, 1.0), TypeError, r"'x'\['w'\]: got builtins.str"),
        (lambda r, c: ({"v": c}, None), ValueError, "the entry for 'x': got a tree of another"),
    ],
)
def test_a_backward_that_returns_something_else(backward, error, message):
    f = custom_vjp(lambda x, y: x["w"] * y)
    f.__name__ = "f"
    f.title = "pullback.custom_vjp: f"
    f.def_vjp(lambda x, y: (x["w"] * y, None), backward)
    with pytest.raises(error, match=message):
        vjp(f, {"w": X}, 2.0)[1](X)
    with pytest.raises(error, match=message):
        jvp(f, ({"w": X}, 2.0), ({"w": X}, 1.0))


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (lambda p, t: p[0], TypeError, r"the rule must return a pair \(output, tangent\)"),
        (lambda p, t: (p[0], t[0][:2]), ValueError, r"got shape \(2,\), expected \(3,\)"),
        (lambda p, t: (p[0], [t[0]]), TypeError, "got builtins.list"),
        (lambda p, t: (p[0], 1j * t[0]), TypeError, "complex"),
    ],
)
def test_a_rule_that_returns_something_else(rule, error, message):
    f = custom_jvp(lambda x: x).def_jvp(rule)
    with pytest.raises(error, match=message):
        jvp(f, (X,), (X,))
    with pytest.raises(error, match=message):
        vjp(f, X)


def test_a_function_without_a_rule_and_bad_declarations():
    with pytest.raises(TypeError, match="has no rule yet: give it one with def_vjp"):
        custom_vjp(np.sin)(1.0)
    with pytest.raises(TypeError, match="backward must be a function, got NoneType"):
        custom_vjp(np.sin).def_vjp(np.sin, None)
    with pytest.raises(TypeError, match="func must be a function"):
        custom_vjp(3)
    with pytest.raises(TypeError, match="nondiff_argnums must be positions"):
        custom_vjp(np.sin, nondiff_argnums="x")
    with pytest.raises(TypeError, match="forward must return a pair"):
        grad(custom_vjp(np.sin).def_vjp(np.sin, np.sin))(1.0)


def test_a_traced_value_where_no_derivative_is_declared_is_refused():
    wave = by_vjp((2,))
    with pytest.raises(UnsupportedError, match="'k' is in nondiff_argnums"):
        grad(lambda k: wave(1.0, 1.0, k)["out"])(2.0)
    with pytest.raises(UnsupportedError, match="'k' can only be passed by keyword"):
        grad(lambda k: by_jvp()({"x": 1.0, "note": 1}, 1.0, k=k)[0])(2.0)
    with pytest.raises(UnsupportedError, match="'k' is in nondiff_argnums"):
        vmap(lambda k: wave(1.0, 1.0, k)["out"])(X)


def test_row_76_a_traced_value_inside_a_container_argument_is_differentiated():
    f = custom_vjp(lambda p: p["w"] * 2).def_vjp(
        lambda p: (p["w"] * 2, None), lambda _, ct: ({"w": 2 * ct},)
    )
    assert grad(lambda w: f({"w": w}))(1.0) == 2.0


def test_a_captured_traced_value_is_refused_or_differentiated():
    def outer(w):
        f = custom_vjp(lambda x: x * w)
        f.def_vjp(lambda x: (x * w, None), lambda _, ct: (ct * w,))
        return f

    with pytest.raises(
        UnsupportedError, match=r"<lambda> captured a value traced by pullback.grad"
    ):
        grad(lambda w: outer(w)(w))(2.0)
    assert grad(lambda w: outer(w)(5.0))(2.0) == 5.0  # nothing is boxed: it is the function itself
    assert grad(lambda w: grad(outer(w))(5.0))(2.0) == 1.0
    stopped = lambda w: outer(pullback.stop_gradient(w))(w)
    assert grad(stopped)(2.0) == 2.0


def test_residuals_that_hide_a_batch_are_refused_not_wrong():
    class Hidden:
        def __init__(self, x):
            self.x = x

    f = custom_vjp(lambda x: x * x)
    f.def_vjp(lambda x: (x * x, Hidden(x)), lambda r, ct: (2 * r.x * ct,))
    np.testing.assert_allclose(grad(vmap_sum(f))(X), 2 * X)
    np.testing.assert_allclose(vmap(grad(f))(X), 2 * X)
    np.testing.assert_allclose(vjp(vmap(vmap(f)), X[None])[1](X[None])[0], 2 * X[None] ** 2)


def test_batches_of_size_zero_and_shared_arguments():
    f = custom_jvp(lambda x, w: np.sum(x * w)).def_jvp(
        lambda p, t: (np.sum(p[0] * p[1]), np.sum(t[0] * p[1] + p[0] * t[1]))
    )
    xs = np.arange(6.0).reshape(2, 3)
    batched = vmap(f, (0, None))
    check_grads(batched, xs, X)
    assert vmap(grad(f), (0, None))(xs[:0], X).shape == (0, 3)
    check_grads(batched, xs[:0], X, order=1)


@pytest.mark.parametrize("rule", ["vjp", "jvp"])
def test_a_rule_may_write_into_the_vectors_that_it_gets(rule):
    """Neither the caller's vectors nor those that other ops still need are changed by that."""
    double = pullback.custom_vjp(lambda x: 2 * x)
    if rule == "vjp":
        double.def_vjp(lambda x: (2 * x, None), lambda _, ct: (np.multiply(ct, 2, out=ct),))
    else:
        double.def_jvp(lambda p, t: (2 * p[0], np.multiply(t[0], 2, out=t[0])))
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def f(x):
        y = x * 1.0
        return double(y) + y

    _, pull = vjp(f, x)
    assert pull(v)[0].tolist() == [9.0, 12.0]
    assert vjp(double, x)[1](v)[0].tolist() == [6.0, 8.0]
    assert jvp(f, (x,), (v,))[1].tolist() == [9.0, 12.0]
    assert jvp(double, (x,), (v,))[1].tolist() == [6.0, 8.0]
    assert linearize(double, x)[1](v).tolist() == [6.0, 8.0]
    assert grad(lambda x: np.sum(double(x)))(x).tolist() == [2.0, 2.0]
    assert v.tolist() == [3.0, 4.0]


def test_a_complex_vector_for_real_values_is_called_what_it_is():
    pushed = pullback.custom_jvp(lambda x: 2 * x)
    pushed.def_jvp(lambda primals, tangents: (2 * primals[0], 2j * tangents[0]))
    with pytest.raises(TypeError, match="got a complex tangent for a real output"):
        pullback.jvp(pushed, (1.0,), (1.0,))
    pulled = pullback.custom_vjp(lambda x: 2 * x)
    pulled.def_vjp(lambda x: (2 * x, None), lambda _, cotangent: (2j * cotangent,))
    with pytest.raises(TypeError, match="got a complex cotangent for a real argument"):
        pullback.grad(pulled)(1.0)
