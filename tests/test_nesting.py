"""Transforms inside transforms: higher orders, levels that stay apart, and `no_grad`."""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import pytest

import pullback
from pullback import grad, no_grad, vjp

X = np.array([0.1, 0.5, 1.5])


def derivative(f):
    return lambda x: vjp(f, x)[1](1.0)[0]


@pytest.mark.parametrize("transform", [grad, derivative])
def test_row_42_derivatives_of_any_order(transform):
    f = lambda x: x * x * x * x
    orders = [f]
    for _ in range(5):
        orders.append(transform(orders[-1]))
    assert [float(g(2.0)) for g in orders] == [16.0, 32.0, 48.0, 48.0, 24.0, 0.0]


def test_row_42_mixed_partials_commute():
    def f(x, y):
        return np.sin(x * y) * np.exp(x) + y * y * x

    for first, second, third in itertools.product([0, 1], repeat=3):
        orders = {
            grad(grad(grad(f, p), q), r)(0.3, 0.7)
            for p, q, r in itertools.permutations([first, second, third])
        }
        values = sorted(map(float, orders))
        assert values[-1] - values[0] < 1e-12


def test_a_hessian_by_rows_is_symmetric_and_right():
    def f(x):
        return np.sum(np.sin(x) * x) * np.sum(np.exp(x))

    def row(i):
        return grad(lambda x: np.sum(grad(f)(x) * np.eye(3)[i]))(X)

    hessian = np.stack([row(i) for i in range(3)])
    a, b = np.sum(np.sin(X) * X), np.sum(np.exp(X))
    da, dda = np.cos(X) * X + np.sin(X), 2 * np.cos(X) - np.sin(X) * X
    e = np.exp(X)
    expected = np.outer(da, e) + np.outer(e, da) + np.diag(dda * b + a * e)
    np.testing.assert_allclose(hessian, expected, rtol=1e-13)


def test_row_73_perturbations_are_not_confused():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert vjp(lambda x: x * vjp(lambda y: x * y, 1.0)[1](1.0)[0], 3.0)[1](1.0) == (6.0,)


def test_row_40_a_pullback_is_followed_by_the_transform_around_it():
    def f(x):
        y, pull = vjp(lambda z: z * z * z, x)
        return y * pull(x)[0]

    # f = x^3 * 3x^2 * x = 3 x^6
    assert grad(f)(2.0) == 18.0 * 2.0**5
    assert grad(grad(f))(2.0) == 90.0 * 2.0**4


def test_the_inner_function_may_close_over_outer_values_at_every_level():
    f = lambda x: grad(lambda y: grad(lambda z: x * y * z)(y) * y)(x)
    # grad of x y z in z is x y; of x y y in y is 2 x y; at y = x it is 2 x^2
    assert f(3.0) == 18.0
    assert grad(f)(3.0) == 12.0


def test_pullbacks_of_one_run_nest_in_the_primal_and_the_cotangent():
    def f(x, c):
        _, pull = vjp(np.exp, x)
        return np.sum(pull(c)[0] * c)

    gradients = grad(f, argnums=(0, 1))(X, X)
    np.testing.assert_allclose(gradients[0], X * X * np.exp(X))
    np.testing.assert_allclose(gradients[1], 2 * X * np.exp(X))


def test_second_order_of_complex_functions():
    def squared_modulus(z):
        return np.real(z * np.conj(z))

    def f(z):
        g = grad(lambda z: np.sum(squared_modulus(z * z)))(z)
        return np.sum(squared_modulus(g))

    # |z^2|^2 has gradient 4 |z|^2 z, whose squared modulus 16 |z|^6 has gradient 96 |z|^4 z.
    z = X + 1j * X[::-1]
    np.testing.assert_allclose(grad(f)(z), 96 * np.abs(z) ** 4 * z, rtol=1e-13)


# no_grad: table 1.5. A stands around the making of the outer vjp, B around that of the inner one,
# C around a product inside, D around the call of the inner pullback, E around that of the outer.


class Around:
    def __init__(self, name, where):
        self.block = no_grad() if name in where else None

    def __enter__(self):
        if self.block is not None:
            self.block.__enter__()

    def __exit__(self, *exception):
        if self.block is not None:
            self.block.__exit__(*exception)


ALL_PLACES = ["".join(w) for n in range(6) for w in itertools.combinations("ABCDE", n)]


@pytest.mark.parametrize("where", ALL_PLACES)
def test_table_1_5_no_grad_in_all_32_combinations_of_places(where):
    def inner(y):
        with Around("C", where):
            square = y * y
        return square * y

    def outer(x):
        with Around("B", where):
            _, pull = vjp(inner, x)
        with Around("D", where):
            return pull(1.0)[0]

    with Around("A", where):
        value, pull = vjp(outer, 3.0)
    with Around("E", where):
        (slope,) = pull(1.0)
    if "C" in where:
        assert (value, slope) == (9.0, 0.0)
    elif "B" in where or "D" in where:
        assert (value, slope) == (27.0, 0.0)
    else:
        assert (value, slope) == (27.0, 18.0)


def test_row_55_no_grad_is_respected_at_all_levels():
    def f(x):
        with no_grad():
            c = x * x
        return x * x * x - c * x

    assert grad(f)(3.0) == 27.0 - 9.0
    assert grad(grad(f))(3.0) == 18.0


def test_row_58_a_function_all_under_no_grad_is_a_constant():
    def f(x):
        with no_grad():
            return np.sum(np.exp(x) * x)

    np.testing.assert_array_equal(grad(f)(X), np.zeros(3))


def test_row_59_grad_inside_no_grad_inside_grad():
    def f(x):
        with no_grad():
            slope = grad(lambda y: y * y * y)(x)
        return slope * x

    value, pull = vjp(f, 3.0)
    assert value == 81.0
    assert pull(1.0) == (27.0,)


def test_row_64_no_grad_ends_with_its_block_even_by_an_exception():
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert grad(lambda x: x * x)(3.0) == 6.0

    def f(x):
        with contextlib.suppress(ZeroDivisionError), no_grad():
            _ = 1 // 0
        return x * x

    assert grad(f)(3.0) == 6.0


def test_no_grad_blocks_nest():
    def f(x):
        with no_grad():
            with no_grad():
                a = x * x
            b = x * x
        return a * x + b * x + x * x

    assert grad(f)(3.0) == 9.0 + 9.0 + 6.0


def test_what_no_grad_computes_is_plain_and_may_be_written_into():
    def f(x):
        with no_grad():
            c = x.reshape(3) * 1.0
            view = x[1:]
        assert type(c) is np.ndarray
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 100.0
        c[0] = 0.0
        return np.sum(x * c)

    x = X.copy()
    np.testing.assert_array_equal(grad(f)(x), [0.0, *X[1:]])
    np.testing.assert_array_equal(x, X)
    assert pullback.core.open_pauses == {}
