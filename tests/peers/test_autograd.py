"""pullback beside HIPS autograd, whose users can bring their programs as they are."""

from __future__ import annotations

import numpy as np
import pytest

import pullback

pytest.importorskip("autograd", reason="autograd is not installed: make test-peers")

import autograd
import autograd.numpy as anp

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

X = np.array([0.1, 0.5, 1.5])
A = np.random.default_rng(0).normal(size=(4, 3))

PROGRAMS = {
    "tanh by hand": (lambda np, x: np.sum((1.0 - np.exp(-2 * x)) / (1.0 + np.exp(-2 * x))), X),
    "network": (lambda np, w, x: np.sum(np.tanh(np.dot(x, np.tanh(w)))), A, A.T),
    "lower triangle": (lambda np, a: np.sum(np.tril(np.dot(a, a.T)) ** 2), A),
    "norms": (lambda np, a: np.sum(np.sqrt(np.sum(a**2, axis=1))) * np.std(a), A),
    "stack": (lambda np, a: np.sum(np.vstack([a, a * a])[::2] ** 3), A),
    "outer": (lambda np, x: np.sum(np.outer(x, np.sin(x)) * np.outer(x, x)), X),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradient_and_its_gradient(name):
    program, *args = PROGRAMS[name]
    ours, theirs = (lambda *a: program(np, *a)), (lambda *a: program(anp, *a))
    np.testing.assert_allclose(
        pullback.grad(ours)(*args), autograd.grad(theirs)(*args), rtol=1e-11, atol=1e-13
    )
    second = pullback.grad(lambda *a: np.sum(np.sin(pullback.grad(ours)(*a))))(*args)
    expected = autograd.grad(lambda *a: anp.sum(anp.sin(autograd.grad(theirs)(*a))))(*args)
    np.testing.assert_allclose(second, expected, rtol=1e-10, atol=1e-12)
