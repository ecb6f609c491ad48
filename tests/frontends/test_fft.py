"""Fourier transforms: what half a spectrum means, dtypes and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy import zeros  # bound before: plain arrays

import pullback
from pullback.testing import check_grads

_rng = np.random.default_rng(0)
NORMS = ("backward", "ortho", "forward")


@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("norm", NORMS)
def test_rfft_and_irfft_pull_back_by_their_transposed_matrices(n: int, norm: str) -> None:
    """Re<c, F v> = Re<F* c, v> for the matrices in real numbers, element by element."""
    count = n // 2 + 1
    of_unit = np.fft.rfft(np.eye(n), norm=norm)
    x, cotangent = _rng.normal(size=n), _rng.normal(size=count) + 1j * _rng.normal(size=count)
    _, pull = pullback.vjp(lambda x: np.fft.rfft(x, norm=norm), x)
    np.testing.assert_allclose(pull(cotangent)[0], (of_unit.conj() @ cotangent).real)

    real = np.fft.irfft(np.eye(count), n, norm=norm)
    imaginary = np.fft.irfft(1j * np.eye(count), n, norm=norm)
    _, pull = pullback.vjp(lambda z: np.fft.irfft(z, n, norm=norm), cotangent)
    np.testing.assert_allclose(pull(x)[0], real @ x + 1j * (imaginary @ x), atol=1e-15)


def test_the_imaginary_parts_that_irfft_ignores_have_zero_gradient() -> None:
    """The mean and the highest frequency of a real signal of even length are real."""
    z = _rng.normal(size=5) + 1j * _rng.normal(size=5)
    gradient = pullback.grad(lambda z: np.sum(np.fft.irfft(z) ** 3))(z)
    assert gradient.imag[0] == gradient.imag[-1] == 0
    assert np.all(gradient.imag[1:-1] != 0)
    odd = pullback.grad(lambda z: np.sum(np.fft.irfft(z, 9) ** 3))(z)
    assert odd.imag[-1] != 0


def test_parseval() -> None:
    x = _rng.normal(size=6)
    gradient = pullback.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(x)
    np.testing.assert_allclose(gradient, 12 * x)


def test_real_arguments_have_real_gradients() -> None:
    """Also where no complex value occurs between them and the result."""
    x = _rng.normal(size=5)
    for name in ("fft", "ifft", "irfft", "hfft"):
        value, pull = pullback.vjp(getattr(np.fft, name), x)
        assert pull(np.ones_like(value))[0].dtype == np.float64


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        (name, dtype)
        for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fftn", "rfft2", "irfft2")
        for dtype in (np.float16, np.float32, np.longdouble, np.complex64, np.clongdouble)
        if not (name in ("rfft", "ihfft", "rfft2") and np.dtype(dtype).kind == "c")
    ],
)
def test_precision_is_numpys(name: str, dtype: Any) -> None:
    x = np.ones((4, 4), dtype)
    function = getattr(np.fft, name)
    value, pull = pullback.vjp(function, x)
    assert value.dtype == function(x).dtype
    assert pull(np.ones_like(value))[0].dtype == dtype


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_one_axis_errors(name: str) -> None:
    function = getattr(np.fft, name)
    x = np.ones(4)
    for n in (0, -2):
        with pytest.raises(ValueError, match=rf"data points \({n}\)"):
            pullback.vjp(lambda x, n=n: function(x, n), x)
    with pytest.raises(ValueError, match="Invalid norm value"):
        pullback.vjp(lambda x: function(x, norm="other"), x)
    with pytest.raises(ValueError, match="out of bounds"):
        pullback.vjp(lambda x: function(x, axis=1), x)
    with pytest.raises(pullback.UnsupportedError, match="out="):
        pullback.vjp(lambda x: function(x, out=zeros(4)), x)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_several_axes_errors(name: str) -> None:
    function = getattr(np.fft, name)
    x = np.ones((4, 3))
    with pytest.raises(ValueError, match="different lengths"):
        pullback.vjp(lambda x: function(x, s=(4,), axes=(0, 1)), x)
    with pytest.raises(ValueError, match="out of bounds"):
        pullback.vjp(lambda x: function(x, axes=(0, 2)), x)


def test_rfft_of_complex_values_raises_as_numpys_does() -> None:
    with pytest.raises(TypeError):
        pullback.vjp(np.fft.rfft, np.ones(4) + 1j)


def test_fftfreq_of_a_traced_spacing() -> None:
    """fftfreq is plain arithmetic, which is followed."""
    gradient = pullback.grad(lambda d: np.sum(np.fft.fftfreq(4, d) ** 2))(0.5)
    expected = -2 * np.sum(np.fft.fftfreq(4, 0.5) ** 2) / 0.5
    np.testing.assert_allclose(gradient, expected)


def test_third_order() -> None:
    x = _rng.normal(size=5)
    check_grads(lambda x: np.fft.irfft(np.fft.rfft(x) ** 3 / 10, 5) * x, x, order=3)
