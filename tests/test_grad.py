"""`grad`, `grad_and_value`, `value_and_grad`, `stop_gradient`, and the conventions of numbers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pullback
from pullback import grad, grad_and_value, stop_gradient, value_and_grad
from tests.comparisons import assert_same

X = np.array([0.1, 0.5, 1.5])


def total(x):
    return np.sum(np.sin(x))


# 1.8 grad and its two relatives


@pytest.mark.parametrize("transform", [grad, grad_and_value, value_and_grad])
def test_row_88_signature(transform):
    parameters = inspect.signature(transform).parameters
    assert list(parameters) == ["func", "argnums", "has_aux", "strict"]
    assert parameters["argnums"].default == 0
    assert parameters["has_aux"].default is False


@pytest.mark.parametrize("transform", [grad, grad_and_value, value_and_grad])
def test_row_88_the_result_wraps_the_function(transform):
    def energy(x):
        """The energy."""
        return total(x)

    wrapped = transform(energy)
    assert wrapped.__name__ == "energy"
    assert wrapped.__doc__ == "The energy."
    assert wrapped.__wrapped__ is energy


def test_row_88_keyword_arguments_are_passed_and_not_differentiated():
    def f(x, *, scale, name="n"):
        assert name == "m"
        return np.sum(x * scale)

    assert_same(grad(f)(X, scale=X, name="m"), X)


def test_row_89_order_of_the_results():
    assert_same(grad(total)(X), np.cos(X))
    gradient, value = grad_and_value(total)(X)
    assert_same(gradient, np.cos(X))
    assert_same(value, total(X))
    value, gradient = value_and_grad(total)(X)
    assert_same(gradient, np.cos(X))
    assert_same(value, total(X))


def test_row_89_order_of_the_results_with_aux():
    def f(x):
        return total(x), {"twice": x * 2.0, "note": "text"}

    gradient, aux = grad(f, has_aux=True)(X)
    assert_same(gradient, np.cos(X))
    assert_same(aux["twice"], 2 * X)
    gradient, (value, aux) = grad_and_value(f, has_aux=True)(X)
    assert_same(gradient, np.cos(X))
    assert_same(value, total(X))
    assert aux["note"] == "text"
    (value, aux), gradient = value_and_grad(f, has_aux=True)(X)
    assert_same(gradient, np.cos(X))
    assert_same(value, total(X))
    assert type(aux["twice"]) is np.ndarray


@pytest.mark.parametrize("transform", [grad, grad_and_value, value_and_grad])
@pytest.mark.parametrize("shape", [(1,), (3,), (1, 1), (0,)])
def test_row_90_an_output_that_is_no_scalar_is_refused(transform, shape):
    with pytest.raises(ValueError, match=f"{transform.__name__}: .*one real number"):
        transform(lambda x: x * np.ones(shape))(2.0)


@pytest.mark.parametrize("output", [(1.0,), [1.0, 2.0], {"a": 1.0}])
def test_row_90_an_output_that_is_a_tree_is_refused(output):
    with pytest.raises(TypeError, match=r"one real number.*has_aux=True"):
        grad(lambda x: output)(2.0)


def test_row_90_a_float_is_a_constant_output():
    assert_same(grad(lambda x: 1.5)(X), np.zeros(3))


@pytest.mark.parametrize("output", [3, True, np.int64(3), np.array(2)])
def test_row_91_an_integer_output_is_refused(output):
    with pytest.raises(TypeError, match=r"integer or boolean.*float"):
        grad(lambda x: output)(2.0)


def test_row_92_argnums():
    def f(a, b, c):
        return np.sum(a * b * c)

    a, b, c = X, X + 1.0, X + 2.0
    assert_same(grad(f, 1)(a, b, c), a * c)
    assert_same(grad(f, argnums=-1)(a, b, c), a * b)
    both = grad(f, argnums=(2, 0))(a, b, c)
    assert type(both) is tuple
    assert_same(both[0], a * b)
    assert_same(both[1], b * c)
    one = grad(f, argnums=(1,))(a, b, c)
    assert type(one) is tuple
    assert_same(one[0], a * c)


@pytest.mark.parametrize("bad", [[0], "0", 0.0, None, (0, "1"), {0}])
def test_row_92_argnums_of_another_type_are_refused_before_the_call(bad):
    with pytest.raises(TypeError, match="argnums must be an int or a tuple of ints"):
        grad(total, argnums=bad)


def test_row_92_argnums_that_fit_no_call_are_refused():
    with pytest.raises(ValueError, match="argnums must not be empty"):
        grad(total, argnums=())
    with pytest.raises(ValueError, match="argnums=1, but the call has 1 positional"):
        grad(total, argnums=1)(X)
    with pytest.raises(ValueError, match="names an argument twice"):
        grad(lambda a, b: total(a), argnums=(0, 0))(X, X)
    with pytest.raises(ValueError, match="names an argument twice"):
        grad(lambda a, b: total(a), argnums=(0, -2))(X, X)


def test_row_93_other_arguments_may_be_anything():
    assert_same(grad(lambda x, k, s, f: np.sum(f(x) * k))(X, 3, "text", np.exp), 3 * np.exp(X))


def test_row_94_keyword_arguments_cannot_be_differentiated():
    with pytest.raises(ValueError, match=r"0 positional argument.*keyword arguments"):
        grad(total)(x=X)


def test_gradient_of_a_tree():
    parameters = {"w": X, "layers": [(X * 2.0, 3.0)], "none": None, "k": 2}
    gradient = grad(lambda p: np.sum(p["w"] * p["layers"][0][0]) * p["layers"][0][1] * p["k"])(
        parameters
    )
    assert_same(gradient["w"], 12 * X)
    assert_same(gradient["layers"][0][0], 6 * X)
    assert_same(gradient["layers"][0][1], 4 * np.sum(X * X))
    assert gradient["none"] is None
    assert gradient["k"] is None


def test_errors_name_the_path_of_the_leaf():
    with pytest.raises(TypeError, match=r"pullback\.grad: args\[0\]\['w'\]\[1\]: got"):
        grad(lambda p: 1.0)({"w": [X, "text"]})


def test_strict():
    with pytest.raises(ValueError, match="strict=True"):
        grad(lambda x: 1.5, strict=True)(X)
    with pytest.raises(ValueError, match=r"args\[1\]"):
        grad(lambda x, y: total(x), argnums=(0, 1), strict=True)(X, X)
    assert_same(grad(total, strict=True)(X), np.cos(X))


# stop_gradient


def test_row_61_stop_gradient_is_a_constant_at_every_level():
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    assert grad(grad(lambda x: x * x * stop_gradient(x)))(3.0) == 6.0
    cut = grad(lambda x: grad(lambda y: y * stop_gradient(y * x))(x))(3.0)
    assert cut == 0.0


def test_stop_gradient_of_a_tree():
    def f(p):
        fixed = stop_gradient(p)
        assert fixed["name"] == "text"
        assert fixed["none"] is None
        assert type(fixed["x"]) is np.ndarray
        return np.sum(p["x"] * fixed["x"])

    x = X.copy()
    assert_same(grad(lambda x: f({"x": x, "name": "text", "none": None}))(x), X)


def test_a_stopped_value_is_a_copy_that_may_be_written_into():
    def f(x):
        fixed = stop_gradient(x)
        fixed[0] = 100.0
        return np.sum(x * x) + fixed[0]

    x = X.copy()
    assert_same(grad(f)(x), 2 * X)
    assert_same(x, X)


# 1.7 Numbers


def test_row_81_gradients_have_the_dtype_and_shape_of_their_primals():
    x, y = X.astype(np.float32), np.ones((2, 3))
    value, gradients = value_and_grad(lambda x, y: np.sum(x * y), argnums=(0, 1))(x, y)
    assert value.dtype == np.float64
    assert_same(gradients[0], np.full(3, 2.0, np.float32))
    assert_same(gradients[1], np.broadcast_to(x, (2, 3)).astype(float))


def test_row_81_python_numbers_in_the_function_are_weak():
    value, gradient = value_and_grad(lambda x: np.sum(2.0 * x * x + 1))(X.astype(np.float32))
    assert value.dtype == np.float32
    assert_same(gradient, 4 * X.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_float_dtypes_are_kept(dtype):
    value, gradient = value_and_grad(lambda x: np.sum(np.exp(x) * x / 2))(X.astype(dtype))
    assert value.dtype == dtype
    assert gradient.dtype == dtype


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_dtypes_are_kept(dtype):
    value, gradient = value_and_grad(lambda z: np.sum(np.real(z * np.conj(z))))(X.astype(dtype))
    assert value.dtype == np.empty(0, dtype).real.dtype
    assert gradient.dtype == dtype


def test_row_82_0d_and_empty_arrays():
    gradient = grad(lambda x: x * x)(np.array(3.0))
    assert np.shape(gradient) == ()
    assert gradient == 6.0
    for shape in [(0,), (0, 3), (2, 0)]:
        assert_same(grad(total)(np.ones(shape)), np.ones(shape))
        assert_same(pullback.vjp(np.exp, np.ones(shape))[1](np.ones(shape))[0], np.ones(shape))


def test_row_83_the_pullback_of_a_holomorphic_function_is_the_adjoint():
    assert pullback.vjp(lambda z: z * z, 1 + 2j)[1](1.0 + 0j) == (2 - 4j,)


def test_row_83_the_gradient_of_the_squared_modulus_is_twice_the_number():
    z = X + 1j * X[::-1]
    assert_same(grad(lambda z: np.sum(np.real(z * np.conj(z))))(z), 2 * z)


def test_row_83_a_complex_output_has_no_gradient():
    with pytest.raises(TypeError, match=r"got dtype complex128.*vjp"):
        grad(lambda z: z * z)(1 + 2j)


def test_row_84_a_real_primal_gets_the_real_part():
    (gradient,) = pullback.vjp(lambda x: x * (2 + 3j), X)[1](np.full(3, 1j))
    assert_same(gradient, np.full(3, 3.0))


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.abs, 0.0, 0.0),
        (np.linalg.norm, np.zeros(2), np.zeros(2)),
        (lambda x: np.linalg.norm(x, 1), np.zeros(2), np.zeros(2)),
        (lambda x: np.linalg.norm(x, np.inf), np.array([2.0, 2.0]), np.array([0.5, 0.5])),
        (np.max, np.array([2.0, 2.0]), np.array([0.5, 0.5])),
        (np.min, np.array([2.0, 2.0]), np.array([0.5, 0.5])),
        (np.median, np.array([1.0, 1.0]), np.array([0.5, 0.5])),
        (lambda x: np.maximum(x, 1.0), 1.0, 0.5),
        (lambda x: np.minimum(x, 1.0), 1.0, 0.5),
        (lambda x: np.clip(x, 0.0, 1.0), 1.0, 1.0),
        (lambda x: np.clip(x, 0.0, 1.0), 0.0, 1.0),
        (lambda x: x**0, 0.0, 0.0),
        (np.sinc, 0.0, 0.0),
        (np.std, np.ones(3), np.zeros(3)),
        (np.prod, np.array([0.0, 2.0, 3.0]), np.array([6.0, 0.0, 0.0])),
        (np.prod, np.array([0.0, 0.0, 3.0]), np.zeros(3)),
        (np.sqrt, 0.0, np.inf),
        (lambda x: np.arctan2(x[0], x[1]), np.zeros(2), np.zeros(2)),
        (lambda x: np.hypot(x[0], x[1]), np.zeros(2), np.zeros(2)),
        (lambda x: np.fmod(x[0], x[1]), np.array([5.0, 3.0]), np.array([1.0, -1.0])),
        (lambda x: np.remainder(x[0], x[1]), np.array([-5.0, 3.0]), np.array([1.0, 2.0])),
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, 0.0),
        (lambda x: np.where(x > 0, np.log(x), x), 0.0, 1.0),
        (lambda x: np.where(x > 0, x, np.exp(x)), 1e3, 1.0),
    ],
)
def test_row_87_conventions_at_kinks(function, at, expected):
    gradient = grad(function)(at)
    np.testing.assert_array_equal(gradient, expected)
