"""pullback beside JAX: the same programs through `np` and `jnp`, the same numbers."""

from __future__ import annotations

import os

import numpy as np
import pytest

import pullback

os.environ.setdefault("JAX_PLATFORMS", "cpu")
jax = pytest.importorskip("jax", reason="JAX is not installed: make test-peers")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

X = np.array([0.1, 0.5, 1.5])
A = np.random.default_rng(0).normal(size=(4, 3))
S = A.T @ A + np.eye(3)

PROGRAMS = {
    "logistic regression": (lambda np, w, x: np.mean(np.log1p(np.exp(-x @ w))), X, A),
    "softmax": (lambda np, x: np.sum(np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))) * x), X),
    "quadratic form": (lambda np, x, s: x @ np.linalg.solve(s, x), X, S),
    "log likelihood": (lambda np, s: np.linalg.slogdet(s)[1] + np.trace(np.linalg.inv(s)), S),
    "covariance": (lambda np, a: np.sum(np.cov(a.T) ** 2), A),
    "correlation": (lambda np, a: np.sum(np.corrcoef(a) ** 3), A),
    "polynomial": (lambda np, c, x: np.sum(np.polyval(c, x) ** 2), X, A),
    "interpolation": (
        lambda np, y: np.sum(np.interp(np.linspace(0.1, 1.9, 7), np.arange(3.0), y) ** 2),
        X,
    ),
    "convolution": (lambda np, x, y: np.sum(np.convolve(x, y) ** 2), X, X[:2]),
    "spectrum": (lambda np, x: np.sum(np.abs(np.fft.fft(x)) ** 3), A),
    "sort": (lambda np, x: np.sum(np.sort(x, axis=0) ** 2 * np.arange(3.0)), A),
    "quantile": (lambda np, x: np.quantile(x, 0.3) * np.median(x), A),
    "cumprod": (lambda np, x: np.sum(np.cumprod(x) ** 2), X),
    "tensor contraction": (lambda np, a: np.sum(np.tensordot(a, a, axes=([0], [0])) ** 2), A),
    "kron": (lambda np, a, b: np.sum(np.kron(a, b) ** 2), A, S),
    "gather": (
        lambda np, x: np.sum(np.take_along_axis(x, np.array([[0], [2], [1], [1]]), 1) ** 2),
        A,
    ),
    "trapezoid": (lambda np, y, x: np.trapezoid(y * y, x), X, np.array([0.0, 1.0, 3.0])),
    # Not at x = y, where the second derivative of jnp.hypot is zero.
    "hypot": (lambda np, x, y: np.sum(np.hypot(x, y) * np.arctan2(y, x)), X, X[::-1] + 0.2),
    "logaddexp": (lambda np, x, y: np.sum(np.logaddexp(x, y) * np.logaddexp2(x, y)), X, X[::-1]),
    "eigenvalues": (lambda np, s: np.sum(np.linalg.eigvalsh((s + s.T) / 2) ** 3), S),
    "eigenvectors": (lambda np, s: np.sum(np.linalg.eigh((s + s.T) / 2)[1][:, 0] ** 4), S),
    "qr": (lambda np, a: np.sum(np.abs(np.linalg.qr(a)[1]) ** 3), A),
    "pseudoinverse": (lambda np, a: np.sum(np.linalg.pinv(a) ** 3), A),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_value_gradient_and_hessian_product(name):
    program, *args = PROGRAMS[name]
    ours, theirs = (lambda *a: program(np, *a)), (lambda *a: program(jnp, *a))
    places = tuple(range(len(args)))
    value, gradients = pullback.value_and_grad(ours, argnums=places)(*args)
    their_value, their_gradients = jax.value_and_grad(theirs, argnums=places)(*args)
    np.testing.assert_allclose(value, their_value, rtol=1e-11)
    for a, b in zip(gradients, their_gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)

    rng = np.random.default_rng(1)
    weights = [rng.normal(size=np.shape(a)) for a in args]

    def along(grad, np, f):
        def directional(*a):
            parts = zip(grad(f, argnums=places)(*a), weights, strict=True)
            return sum(np.sum(g * w) for g, w in parts)

        return grad(directional, argnums=places)(*args)

    got, expected = along(pullback.grad, np, ours), along(jax.grad, jnp, theirs)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_the_adjoint_of_a_complex_function_is_the_conjugate_of_jaxs_vjp():
    z = X + 1j * X[::-1]
    c = X * (1 - 2j)
    (ours,) = pullback.vjp(lambda z: np.exp(z) * z, z)[1](c)
    (theirs,) = jax.vjp(lambda z: jnp.exp(z) * z, z)[1](c.conj())
    np.testing.assert_allclose(ours, np.conj(theirs), rtol=1e-12)
