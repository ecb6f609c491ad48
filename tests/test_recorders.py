"""The generated hot path gives what the general way gives, for every op and in both modes."""

from __future__ import annotations

import numpy as np
import pytest

import pullback
from pullback.ops.declare import registry

OPS = [
    getattr(np, primitive.name)
    for primitive in registry.values()
    if primitive.kind == "elementwise"
    and isinstance(getattr(np, primitive.name, None), np.ufunc)
    and primitive.name != "ldexp"  # which takes integers
]
X = np.array([0.0, 0.25, 0.5, 0.75])
Y = np.array([[0.5], [0.0], [0.75]])
V = np.array([1.0, 0.0, -2.0, 0.5])


def after_a_write(f):
    """`f` where its trace has met a write, from which on nothing takes the hot path."""

    def g(*args):
        written = args[0] * 1.0
        written[...] = 0.0
        return f(*args)

    return g


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_the_hot_path_is_the_general_way_in_both_modes(op):
    args = (X,) if op.nin == 1 else (X, Y)
    tangents = (V,) if op.nin == 1 else (V, Y + 1)
    for complex_part in (0.0, 0.3j):
        at = tuple(arg + 0.1 + complex_part if complex_part else arg + 0.1 for arg in args)
        try:
            with np.errstate(all="ignore"):
                out = op(*at)
        except TypeError:
            continue
        if out.dtype.kind not in "fc":
            continue
        expected = pullback.jvp(after_a_write(op), at, tangents)
        for got, wanted in zip(pullback.jvp(op, at, tangents), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
            assert got.dtype == wanted.dtype
        cotangent = np.ones_like(out)
        pulled = pullback.vjp(op, *at)[1](cotangent)
        for got, wanted in zip(
            pulled, pullback.vjp(after_a_write(op), *at)[1](cotangent), strict=True
        ):
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_the_hot_path_of_a_trace_above_another_one_is_the_general_way(op):
    args = (X + 0.1,) if op.nin == 1 else (X + 0.1, Y + 0.1)
    inner = {
        "jvp": lambda f: lambda *a: pullback.jvp(f, a, args)[1],
        "vjp": lambda f: lambda *a: pullback.vjp(f, *a)[1](np.ones_like(op(*args)))[0],
    }
    for transform in inner.values():
        got = pullback.jvp(transform(op), args, args)[1]
        wanted = pullback.jvp(after_a_write(transform(after_a_write(op))), args, args)[1]
        np.testing.assert_allclose(got, wanted, rtol=1e-14)


def _sum_of_both(x):
    return np.sin(x) + 3 * np.cos(x)


def _cos_first(x):
    return np.cos(x) * np.sin(x)


def _argument_written_between(x):
    y = x * 1.0
    s = np.sin(y)
    y *= 2.0
    return s * np.cos(y)


def _result_written_between(x):
    s = np.sin(x)
    s *= x
    return s + np.cos(x)


def _result_written_after(x):
    s, c = np.sin(x), np.cos(x)
    c *= s
    s[...] = 0.0
    return c * np.sin(x) + s


def _thrice(x):
    return np.sin(x) * np.sin(x) + np.cos(x) * np.sin(x) * np.cos(x)


def _hyperbolic(x):
    return np.cosh(x) * np.sinh(x) + np.sinh(x)


def _of_a_view(x):
    y = x + 0.0
    s = np.sin(y[:2])
    y[0] = 3.0
    return s * np.cos(y[:2])


@pytest.mark.parametrize(
    "f",
    [
        _sum_of_both,
        _cos_first,
        _argument_written_between,
        _result_written_between,
        _result_written_after,
        _thrice,
        _hyperbolic,
        _of_a_view,
    ],
)
def test_twins_share_their_results_and_nothing_else_changes(f):
    x = np.array([0.3, -1.2, 2.0])

    def total(x):
        return np.sum(f(x) ** 2)

    def slope(x):
        return np.array([(total(x + h) - total(x - h)).imag / 2e-30 for h in 1e-30j * np.eye(3)])

    expected = slope(x.astype(complex))
    for gradient in (
        pullback.grad(total)(x),
        pullback.vjp(total, x)[1](1.0)[0],
        np.array([pullback.jvp(total, (x,), (v,))[1] for v in np.eye(3)]),
        pullback.jacfwd(total)(x),
        pullback.vmap(pullback.grad(total))(x[None])[0],
    ):
        np.testing.assert_allclose(gradient, expected, rtol=1e-12)
    pushed, pull = pullback.linearize(total, x)[1], pullback.vjp(total, x)[1]
    np.testing.assert_allclose([pushed(v) for v in np.eye(3)], expected, rtol=1e-12)
    np.testing.assert_array_equal(pull(1.0)[0], pull(1.0)[0])
    h = 1e-5
    second = np.array(
        [(slope(x + h * v + 0j) - slope(x - h * v + 0j)) / (2 * h) for v in np.eye(3)]
    )
    for hessian in (
        pullback.hessian(total)(x),
        pullback.jacfwd(pullback.grad(total))(x),
        pullback.jacrev(pullback.jacfwd(total))(x),
        pullback.jacrev(pullback.grad(total))(x),
        np.array([pullback.hvp(total, (x,), (v,))[1][0] for v in np.eye(3)]),
    ):
        np.testing.assert_allclose(hessian, second, rtol=1e-6, atol=1e-6)
