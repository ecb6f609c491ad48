"""The smallest arrays: 0-d, empty and of one element, in every dtype that has derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from pullback import grad, vjp

DTYPES = [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128]
SHAPES = [(), (0,), (1,), (1, 1), (0, 3), (3, 0), (2, 0, 2)]
FUNCTIONS = {
    "arithmetic": lambda x: (x * x + 1) / 2 - x,
    "exp": np.exp,
    "reshape": lambda x: x.reshape(-1),
    "transpose": lambda x: x.T * x.T,
    "sum": np.sum,
    "sum of squares over an axis": lambda x: np.sum(x * x, axis=-1) if x.ndim else x,
    "broadcast": lambda x: x * np.ones((2, *x.shape), x.dtype),
    "index": lambda x: x[...],
    "new axis": lambda x: x[None],
    "matmul": lambda x: np.matmul(x.reshape(1, -1), x.reshape(-1, 1)),
    "concatenate": lambda x: np.concatenate([x.reshape(-1), x.reshape(-1)]),
    "where": lambda x: np.where(x.real > 0, x, -x),
    "constant": lambda x: np.ones(2),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_gradient_keep_shape_and_dtype(name, shape, dtype):
    function = FUNCTIONS[name]
    x = np.full(shape, 0.5, dtype)
    out, pull = vjp(function, x)
    expected = function(x)
    assert out.shape == expected.shape
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out, expected)
    (gradient,) = pull(np.ones_like(out))
    assert gradient.shape == shape
    assert gradient.dtype == dtype
    assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("dtype", DTYPES[:4])
def test_second_order_of_a_0d_value(dtype):
    second = grad(grad(lambda x: x * x * x))(np.asarray(2.0, dtype))
    assert second == 12
    assert second.dtype == dtype


def test_gradients_of_numbers_are_numpy_numbers():
    assert type(grad(lambda x: x * x)(3.0)) is np.float64
    assert type(grad(lambda x: x * x)(np.float32(3.0))) is np.float32
    assert type(vjp(lambda x: x * x, 3j)[1](1.0)[0]) is np.complex128


def test_a_0d_array_and_a_number_have_the_same_gradient():
    f = lambda x: np.sin(x) * x
    assert grad(f)(np.array(0.5)) == grad(f)(0.5) == np.sin(0.5) + 0.5 * np.cos(0.5)


def test_a_loop_that_never_runs_is_a_constant_of_the_right_shape():
    def f(x):
        total = np.zeros(())
        for row in x:
            total = total + np.sum(row)
        return total

    assert grad(f)(np.ones((0, 3))).shape == (0, 3)
