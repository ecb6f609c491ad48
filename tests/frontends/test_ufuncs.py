"""Ufuncs where a sweep of smooth points says nothing: kinks, singular points, options, methods."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from numpy import zeros  # bound before: plain arrays

import pullback
from pullback.core import raw
from pullback.frontends.numpy.dispatch import ufuncs

nan, inf = math.nan, math.inf


def gradients(f: Any, *args: Any) -> list[Any]:
    """The gradient of sum(f) with respect to every argument, as numbers or lists."""
    with np.errstate(all="ignore"):
        return [g.tolist() for g in pullback.vjp(lambda *xs: np.sum(f(*xs)), *args)[1](1.0)]


def traced(f: Any, x: Any) -> Any:
    """What `f` gives on a traced array, whatever it is."""
    result = []
    pullback.vjp(lambda x: (result.append(f(x)), x)[1], x)
    return result[0]


def test_every_ufunc_of_numpy_is_known() -> None:
    assert {v for v in vars(np).values() if isinstance(v, np.ufunc)} <= set(ufuncs)


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        (np.absolute, (0.0,), [0.0]),
        (np.absolute, (0j,), [0j]),
        (np.sign, (0j,), [0j]),
        (np.maximum, (1.0, 1.0), [0.5, 0.5]),
        (np.minimum, (1.0, 1.0), [0.5, 0.5]),
        (np.minimum, (nan, 1.0), [1.0, 1.0]),
        (np.maximum, (inf, inf), [0.5, 0.5]),
        (np.fmax, (nan, 1.0), [0.0, 1.0]),
        (np.fmin, (1.0, nan), [1.0, 0.0]),
        (np.fmax, (1.0, 1.0), [0.5, 0.5]),
        (lambda x: np.clip(x, 0, 1), (0.0,), [1.0]),
        (lambda x: np.clip(x, 0, 1), (1.0,), [1.0]),
        (np.clip, (5.0, 2.0, 1.0), [0.0, 0.0, 1.0]),
        (lambda x: x**0, (0.0,), [0.0]),
        (np.power, (0.0, 0.0), [0.0, 0.0]),
        (np.power, (0.0, 2.0), [0.0, 0.0]),
        (lambda x: 0**x, (2.0,), [0.0]),
        (lambda x: x / 0, (1.0,), [inf]),
        (np.sqrt, (0.0,), [inf]),
        (np.cbrt, (0.0,), [inf]),
        (np.sinc, (0.0,), [0.0]),
        (np.arctan2, (0.0, 0.0), [0.0, 0.0]),
        (np.hypot, (0.0, 0.0), [0.0, 0.0]),
        (np.hypot, (3e200, 4e200), [0.6, 0.8]),
        (np.fmod, (5.0, 3.0), [1.0, -1.0]),
        (np.remainder, (-5.0, 3.0), [1.0, 2.0]),
        (np.logaddexp, (-inf, -inf), [nan, nan]),
        (np.logaddexp, (0.0, -inf), [1.0, 0.0]),
        (np.copysign, (0.0, -1.0), [0.0, 0.0]),
        (np.copysign, (2.0, -0.0), [-1.0, 0.0]),
        (np.nan_to_num, (nan,), [0.0]),
        (np.nan_to_num, (complex(nan, 2),), [1j]),
    ],
)
def test_convention_at_a_kink(f: Any, args: Any, expected: Any) -> None:
    """The subgradients of the specification's table; complex ones differentiate the real part."""
    out, pull = pullback.vjp(f, *args)
    cotangent = 1j if out.dtype.kind == "c" else 1.0
    np.testing.assert_allclose(pull(cotangent), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "second"),
    [
        (lambda x: x**0, 0.0),
        (lambda x: x**1, 0.0),
        (lambda x: x**2, 2.0),
        (lambda x: np.power(x, 3), 0.0),
        (lambda x: x ** np.array(2), 2.0),
        (np.sinc, -(math.pi**2) / 3),
        (np.i0, 0.5),
        (lambda x: np.hypot(x, 0.0), 0.0),
    ],
)
def test_second_derivative_at_zero(f: Any, second: float) -> None:
    assert pullback.grad(pullback.grad(f))(0.0) == pytest.approx(second)


def test_higher_derivatives_of_i0_at_zero_are_its_taylor_coefficients() -> None:
    """Rules in terms of I1(x) / x would be wrong here, silently, from the fourth on."""
    f = np.i0
    found = []
    for _ in range(6):
        f = pullback.grad(f)
        found.append(float(f(0.0)))
    assert found == [0, 0.5, 0, 0.375, 0, 0.3125]


def test_power_of_a_negative_base_takes_no_logarithm() -> None:
    """With a constant exponent there is no log(-2) anywhere, so no nan and no warning."""
    x = np.array([-2.0, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradients(lambda x: x**3, x) == [[12.0, 27.0]]
        assert gradients(lambda x: np.power(x, np.array([2, 3])), x) == [[-4.0, 27.0]]
        assert gradients(lambda x: x ** np.array([0, 2], np.uint8), x) == [[0.0, 6.0]]
    assert math.isnan(gradients(np.power, -2.0, 2.0)[1])


@pytest.mark.parametrize("exponent", [2, 2.0, 3, 0.5, -1, 0, 1, 1.7])
@pytest.mark.parametrize("make", [np.float64, lambda x: np.array([x, x]), np.float32])
def test_operator_power_is_numpys_to_the_last_bit(exponent: Any, make: Any) -> None:
    x = make(1.2345678)
    out = pullback.vjp(lambda x: x**exponent, x)[0]
    assert out.dtype == (x**exponent).dtype
    np.testing.assert_array_equal(out, x**exponent)


def test_small_integer_arrays_do_not_lower_the_precision() -> None:
    """NumPy's log(int8) is float16: a rule must not compute with it."""
    base = np.array([3, 100], np.int8)
    got = gradients(lambda y: np.power(base, y), np.array([2.0, 2.0]))[0]
    assert got == pytest.approx([9 * math.log(3), 1e4 * math.log(100)], rel=1e-14)
    got = gradients(lambda y: np.arctan2(base, y), np.array([1.0, 2.0]))[0]
    assert got == pytest.approx([-3 / 10, -100 / 10004], rel=1e-14)


def test_logaddexp_of_large_numbers_keeps_its_digits() -> None:
    """exp(x - logaddexp(x, y)) would have an error of |x| times the machine's."""
    x, y = np.float32(-30000.0), np.float32(-30001.0)
    share = 1 / (1 + math.exp(-1))
    assert gradients(np.logaddexp, x, y) == pytest.approx([share, 1 - share], rel=1e-6)
    slope = pullback.grad(pullback.grad(np.logaddexp))(0.0, 800.0)
    assert slope == 0  # no inf / inf at the second order


@pytest.mark.parametrize("f", [np.arcsin, np.arccos, np.arccosh, np.sqrt, np.log])
@pytest.mark.parametrize(
    "x", [complex(-2, 0.0), complex(-2, -0.0), complex(2, 0.0), complex(2, -0.0)]
)
def test_derivative_on_the_side_of_the_branch_cut_that_the_value_is_on(f: Any, x: complex) -> None:
    h = 1e-6
    expected = (f(complex(x.real + h, x.imag)) - f(complex(x.real - h, x.imag))) / (2 * h)
    assert pullback.vjp(f, x)[1](1.0)[0].conjugate() == pytest.approx(expected)


def test_abs_of_complex_follows_torchs_convention() -> None:
    assert gradients(np.abs, 3 + 4j) == [pytest.approx(0.6 + 0.8j)]
    assert gradients(lambda z: np.abs(z) ** 2, 1 + 2j) == [pytest.approx(2 + 4j)]
    assert gradients(np.imag, 1 + 2j) == [1j]


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")  # NumPy 2.5
def test_constants_are_followed_by_no_transform() -> None:
    x = np.array([0.5, -1.5])
    for f in (
        *(np.floor, np.ceil, np.trunc, np.rint, np.sign, np.signbit, np.isnan, np.spacing),
        *(np.round, np.around, np.fix, np.isreal, np.isneginf, lambda x: x.round(1)),
        *(
            lambda x: x > 0,
            lambda x: x == 0.5,
            lambda x: np.logical_and(x, [True]),
            lambda x: x // 2,
        ),
        *(lambda x: np.isclose(x, x), np.logical_or.reduce, lambda x: x.imag),
        *(lambda x: x.astype(int), lambda x: np.floor_divide.outer(x, x)),
    ):
        result = traced(f, x)
        assert isinstance(result, (np.ndarray, np.generic))
        assert type(raw(result)) is type(f(x))
        assert type(result) is type(f(x)) or result.tracer.level == 0
        np.testing.assert_array_equal(result, f(x))
    assert traced(lambda x: np.allclose(x, x), x) is True


def test_float32_stays() -> None:
    x = np.array([0.3, 0.7], np.float32)

    def f(x: Any) -> Any:
        parts = [
            *(g(x) for g in (np.exp2, np.log2, np.log10, np.deg2rad, np.sinc, np.sqrt, np.tanh)),
            *(g(x, x[::-1]) for g in (np.maximum, np.hypot, np.arctan2, np.logaddexp2, np.power)),
            *(x**0.5, x**3, 2**x, np.clip(x, 0.4, 1), np.maximum(x, 0.5), np.ldexp(x, 3)),
        ]
        assert {part.dtype for part in parts} == {np.dtype(np.float32)}
        return np.sum(np.stack(parts))

    assert pullback.grad(f)(x).dtype == np.float32
    assert pullback.grad(lambda x: np.sum(pullback.grad(f)(x)))(x).dtype == np.float32


def test_dtype_casts_the_arguments_first() -> None:
    x = np.float32(1.5)
    out, pull = pullback.vjp(lambda x: np.multiply(x, 1e-9, dtype=np.float64), x)
    assert out.dtype == np.float64
    assert pull(1.0)[0].dtype == np.float32
    out = pullback.vjp(lambda x: np.exp(x, signature="d->d"), x)[0]
    assert out == np.exp(x, dtype=np.float64)
    with pytest.raises(TypeError, match="casting"):
        pullback.vjp(lambda x: np.exp(x, dtype=np.float32, casting="safe"), 1.0)


def test_refused_options_say_what_to_write() -> None:
    x = np.ones(2)
    with pytest.raises(pullback.UnsupportedError, match=r"np\.where"):
        pullback.vjp(lambda x: np.sqrt(x, where=np.array([True, False])), x)
    with pytest.raises(pullback.UnsupportedError, match=r"y = f\(x\)"):
        pullback.vjp(lambda x: np.sqrt(x, out=zeros(2)), x)
    with pytest.raises(pullback.UnsupportedError, match=r"np\.add\.at"):
        pullback.vjp(lambda x: np.add.at(zeros(2), [0], x), x)
    with pytest.raises(TypeError, match="unexpected keyword"):
        pullback.vjp(lambda x: np.sqrt(x, axis=0), x)


def test_reductions_take_numpys_options() -> None:
    x = np.array([[3.0, 1.0, 2.0], [0.5, 4.0, 1.0]])
    mask = x < 3.5
    for f in (
        np.add.reduce,
        lambda x: np.add.reduce(x, axis=None, initial=3, where=mask),
        lambda x: np.multiply.reduce(x, axis=(0, 1), keepdims=True),
        lambda x: np.maximum.reduce(x, axis=1, initial=-1, where=mask),
        lambda x: np.subtract.reduce(x, axis=1, keepdims=True),
        lambda x: np.hypot.reduce(x, axis=(0, 1)),
        lambda x: np.hypot.reduce(x, axis=None, keepdims=True),
        lambda x: np.multiply.reduceat(x, [0, 1], axis=1),
        lambda x: np.power.accumulate(x, axis=-1),
        lambda x: np.logaddexp.accumulate(x, 1),
        lambda x: np.subtract.outer(x, [1, 2]),
        lambda x: np.add.reduce(x[0, 0]),
    ):
        np.testing.assert_allclose(pullback.vjp(f, x)[0], f(x), rtol=1e-14)
    with pytest.raises(ValueError, match="not reorderable"):
        pullback.vjp(lambda x: np.subtract.reduce(x, axis=None), x)
    with pytest.raises(ValueError, match="initial"):
        pullback.vjp(lambda x: np.maximum.reduce(x, where=mask), x)
    with pytest.raises(ValueError, match="no identity"):
        pullback.vjp(lambda x: np.subtract.reduce(x[:0]), x)


def test_astype() -> None:
    x = np.array([1.5, 2.0])
    assert traced(lambda x: x.astype(x.dtype, copy=False) is x, x)
    assert gradients(lambda x: x.astype(np.float32) ** 2, x) == [[3.0, 4.0]]
    with pytest.raises(TypeError, match="Cannot cast"):
        pullback.vjp(lambda x: x.astype(np.float32, casting="safe"), x)
    with pytest.warns(np.exceptions.ComplexWarning):
        _, pull = pullback.vjp(lambda z: z.astype(float), x + 1j)
    assert pull(np.ones(2))[0].tolist() == [1, 1]


def test_clip_signature() -> None:
    """Positional bounds, the method's keywords, and NumPy's errors."""
    x = np.array([-1.0, 0.5, 2.0])
    assert gradients(lambda x: x.clip(min=0), x) == [[0.0, 1.0, 1.0]]
    assert gradients(lambda x: x.clip(0, 1), x) == [[0.0, 1.0, 0.0]]
    assert gradients(lambda x: np.clip(x, None, None), x) == [[1.0, 1.0, 1.0]]
    with pytest.raises(TypeError, match="a_max"):
        pullback.vjp(lambda x: np.clip(x, 0), x)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="new in NumPy 2.1")
def test_clip_keywords() -> None:
    x = np.array([-1.0, 0.5, 2.0])
    assert gradients(lambda x: np.clip(x, min=0), x) == [[0.0, 1.0, 1.0]]
    assert gradients(lambda x: np.clip(x, max=1), x) == [[1.0, 1.0, 0.0]]
    with pytest.raises(ValueError, match="forbidden"):
        pullback.vjp(lambda x: np.clip(x, 0, 1, min=2), x)


def test_a_branch_not_taken_contributes_nothing() -> None:
    """sqrt has an infinite slope at 0, but the maximum does not take it."""
    assert pullback.grad(lambda x: np.maximum(np.sqrt(x), 1.0))(0.0) == 0
    assert pullback.grad(lambda x: np.clip(np.sqrt(x), 0.5, 1.0))(0.0) == 0


def test_a_running_floor_divide_starts_with_an_element_itself() -> None:
    """Its quotients are constants, but what it starts from has a derivative."""
    x = np.array([[2.7, 0.4], [0.9, 7.1]])
    gradient = pullback.grad(lambda x: np.floor_divide.accumulate(x, axis=1).sum())(x)
    assert gradient.tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_running_ufuncs_over_nothing() -> None:
    """No element: NumPy's own empty result, or its identity."""
    x = np.zeros((0, 3))
    assert pullback.vjp(np.hypot.accumulate, x)[0].shape == (0, 3)
    assert pullback.vjp(np.hypot.reduce, x)[0].tolist() == [0.0] * 3
