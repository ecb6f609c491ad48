"""The checks check: right derivatives pass, and each kind of wrong one is found and named."""

from __future__ import annotations

import numpy as np
import pytest

import pullback
from pullback import stop_gradient
from pullback.testing import GradientError, Sample, check_grads, check_op

X = np.array([0.1, 0.5, 1.5])
Z = X + 1j * X[::-1]


def half_wrong(x):
    """Its value is x squared, its derivative x."""
    return x * stop_gradient(x)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (lambda x: np.exp(x) * x, (X,)),
        (lambda x: np.sum(x * x), (2.0,)),
        (lambda x, y: {"a": x @ y, "n": 3, "mask": x > 0}, (X, np.ones((3, 2)))),
        (lambda d: (d["x"] * d["k"], d["y"]), ({"x": X, "k": np.arange(3), "y": (1.0, None)},)),
        (lambda z: z * z * np.conj(z), (Z,)),
        (lambda x: x * (1 + 2j), (X,)),
        (lambda x: np.ones(3), (X,)),
        (lambda x: x > 0, (X,)),
        (np.exp, (np.ones((0, 3)),)),
        (lambda x: np.exp(x) * x, (X.astype(np.float32),)),
        (lambda x, y: x * y, (X.astype(np.float32), X)),
    ],
)
def test_right_derivatives_pass(function, args):
    check_grads(function, *args, order=3)


def test_a_wrong_derivative_is_named_by_order_path_and_element():
    def f(p):
        wrong = np.concatenate([p["w"][:2], stop_gradient(p["w"][2:])])
        return np.sum(wrong * wrong) + p["b"]

    with pytest.raises(
        GradientError, match=r"order 1: wrong gradient at args\[0\]\['w'\]\[2\]: got"
    ):
        check_grads(f, {"b": 1.0, "w": X})


def test_it_is_an_assertion_error():
    assert issubclass(GradientError, AssertionError)


def test_a_derivative_that_is_wrong_at_second_order_only_is_found_there():
    def f(x):
        # x^2 by a product whose first derivative is right: 2 x, but as a constant.
        return 2.0 * stop_gradient(x) * x - stop_gradient(x * x)

    with pytest.raises(GradientError, match=r"order 2: .*args\[0\]"):
        check_grads(f, X)
    check_grads(f, X, order=1)


def test_a_small_error_is_found_by_the_complex_step():
    def f(x):
        return np.exp(x) + 1e-8 * stop_gradient(x)

    with pytest.raises(GradientError, match="off by"):
        check_grads(f, X)


def test_a_wrong_conjugate_is_found():
    with pytest.raises(GradientError, match=r"args\[0\]"):
        check_grads(lambda z: z * stop_gradient(np.conj(z)), Z)


def test_a_float32_derivative_is_compared_with_float64():
    with pytest.raises(GradientError):
        check_grads(half_wrong, X.astype(np.float32))


def test_a_kink_is_suggested_where_the_differences_disagree():
    with pytest.raises(GradientError, match="is the function smooth"):
        check_grads(lambda x: np.where(x > 1e-4, x, 2.0 * x), 0.0, order=1)


@pytest.mark.parametrize("function", [np.conj, lambda z: np.real(z) * z, np.abs, np.imag])
def test_functions_that_are_not_analytic_pass(function):
    check_grads(function, Z)
    check_grads(function, X)


def test_an_order_below_one_is_refused():
    with pytest.raises(ValueError, match="order must be at least 1"):
        check_grads(np.sin, X, order=0)


def test_check_op_passes_on_what_is_right():
    check_op(Sample(np.multiply, np.multiply, (X, np.ones((2, 3))), complex=True))


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (half_wrong, "wrong gradient"),
        (lambda x: x * (2.0 if isinstance(x, pullback.core.Box) else 1.0), "value under vjp"),
        (lambda x: (x, x) if isinstance(x, pullback.core.Box) else [x, x], "structure"),
        (lambda x: x[None] if type(x) is not np.ndarray else x, "shape"),
        (lambda x: x.astype(np.float32) if type(x) is not np.ndarray else x, "dtype"),
    ],
)
def test_check_op_finds_what_is_wrong(function, what):
    with pytest.raises(GradientError, match=what):
        check_op(Sample(np.multiply, function, (X,)))


def test_check_op_finds_a_layout_that_matters():
    def f(x):
        traced = isinstance(x, pullback.core.Box)
        reads_memory = traced and pullback.core.raw(x).flags.f_contiguous
        return x * (2.0 if reads_memory else 1.0)

    with pytest.raises(GradientError, match="another value for fortran arguments"):
        check_op(Sample(np.multiply, f, (np.ones((2, 3)),)))


def test_check_op_finds_a_dtype_that_is_lost_in_float32():
    with pytest.raises(GradientError, match="float32"):
        check_op(
            Sample(np.sum, lambda x: x * 1.0 if type(x) is np.ndarray else x * np.ones(3), (X,))
        )
