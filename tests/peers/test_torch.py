"""pullback beside torch.func: the same programs, the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import pullback

torch = pytest.importorskip("torch", reason="torch is not installed: make test-peers")

pytestmark = pytest.mark.peers

X = np.array([0.1, 0.5, 1.5])
A = np.random.default_rng(0).normal(size=(4, 3))
Z = X + 1j * X[::-1]


def assert_vjp_agrees(ours, theirs, *args):
    """The same value and pullback at `args`, and the same derivative of the pullback."""
    out, pull = pullback.vjp(ours, *args)
    tensors = [torch.tensor(arg) for arg in args]
    their_out, their_pull = torch.func.vjp(theirs, *tensors)
    np.testing.assert_allclose(out, their_out.detach().numpy(), rtol=1e-12, atol=1e-14)
    rng = np.random.default_rng(1)
    cotangents = np.asarray(rng.normal(size=np.shape(out)), dtype=np.asarray(out).dtype)
    got = pull(cotangents)
    expected = their_pull(torch.tensor(cotangents))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-11, atol=1e-13)

    # Each entry of the gradient, weighted and summed, is differentiated once more.
    weights = [np.asarray(rng.normal(size=np.shape(a))) for a in args]

    def our_second(*args):
        gradients = pullback.vjp(ours, *args)[1](cotangents)
        return sum(np.sum(np.real(g * w)) for g, w in zip(gradients, weights, strict=True))

    def their_second(*args):
        gradients = torch.func.vjp(theirs, *args)[1](torch.tensor(cotangents))
        total = torch.zeros((), dtype=torch.float64)
        for g, w in zip(gradients, weights, strict=True):
            total = total + torch.sum((g * torch.tensor(w)).real)
        return total

    places = tuple(range(len(args)))
    got = pullback.grad(our_second, argnums=places)(*args)
    expected = torch.func.grad(their_second, argnums=places)(*tensors)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-10, atol=1e-12)


def of_both(function):
    """`function` of the symmetric part, which both triangles matter to alike."""
    symmetric = lambda x: function((x + x.T) / 2)
    symmetric.__name__ = function.__name__
    return symmetric


@pytest.mark.parametrize(
    ("ours", "theirs", "args"),
    [
        (lambda x: np.sin(x) * x, lambda x: torch.sin(x) * x, (X,)),
        (lambda x, y: np.exp(x) / y, lambda x, y: torch.exp(x) / y, (X, A + 3.0)),
        (np.matmul, torch.matmul, (A, A.T.copy())),
        (lambda x: np.sum(x**3, axis=0), lambda x: torch.sum(x**3, 0), (A,)),
        (lambda x: np.log(np.sum(np.exp(x))), lambda x: torch.logsumexp(x, 0), (X,)),
        (lambda x: np.mean(x, axis=1) ** 2, lambda x: torch.mean(x, 1) ** 2, (A,)),
        (lambda x: np.var(x, axis=0), lambda x: torch.var(x, 0, correction=0), (A,)),
        (lambda x: np.prod(x, axis=1), lambda x: torch.prod(x, 1), (A,)),
        (lambda x: np.cumsum(x * x), lambda x: torch.cumsum((x * x).reshape(-1), 0), (A,)),
        (lambda x: x[1:, ::2].T * 2.0, lambda x: x[1:, ::2].T * 2.0, (A,)),
        (lambda x: x[[0, 0, 2]] ** 2, lambda x: x[[0, 0, 2]] ** 2, (A,)),
        (
            lambda x: np.concatenate([x, np.sin(x)], axis=1),
            lambda x: torch.cat([x, torch.sin(x)], 1),
            (A,),
        ),
        (
            lambda x: np.where(x > 0, x * x, np.exp(x)),
            lambda x: torch.where(x > 0, x * x, torch.exp(x)),
            (A,),
        ),
        (
            lambda x, y: np.einsum("ij,kj->ik", x, y),
            lambda x, y: torch.einsum("ij,kj->ik", x, y),
            (A, A),
        ),
        (np.linalg.inv, torch.linalg.inv, (A.T @ A + np.eye(3),)),
        (np.linalg.det, torch.linalg.det, (A.T @ A + np.eye(3),)),
        (np.linalg.solve, torch.linalg.solve, (A.T @ A + np.eye(3), X)),
        # torch spreads the cotangent over both triangles, we give it to the one that is read.
        (of_both(np.linalg.cholesky), of_both(torch.linalg.cholesky), (A.T @ A + np.eye(3),)),
        (of_both(np.linalg.eigvalsh), of_both(torch.linalg.eigvalsh), (A.T @ A,)),
        (
            lambda x: np.linalg.svd(x, compute_uv=False),
            torch.linalg.svdvals,
            (A,),
        ),
        (
            lambda x: np.abs(np.fft.fft(x)) ** 2,
            lambda x: torch.abs(torch.fft.fft(x)) ** 2,
            (A,),
        ),
        (
            lambda x: np.fft.irfft(np.fft.rfft(x) ** 2),
            lambda x: torch.fft.irfft(torch.fft.rfft(x) ** 2),
            (np.array([1.0, 2.0, 0.5, 0.3]),),
        ),
        (lambda z: z * z, lambda z: z * z, (Z,)),
        (lambda z: np.exp(z) * np.conj(z), lambda z: torch.exp(z) * z.conj(), (Z,)),
        (lambda z: np.abs(z), torch.abs, (Z,)),
        (lambda z: np.angle(z), torch.angle, (Z,)),
        (lambda x: x * (1 + 2j), lambda x: x * (1 + 2j), (X,)),
    ],
)
def test_values_pullbacks_and_second_derivatives(ours, theirs, args):
    assert_vjp_agrees(ours, theirs, *args)


@pytest.mark.parametrize(
    ("ours", "theirs", "at"),
    [
        (np.abs, torch.abs, [0.0]),
        (np.max, torch.amax, [2.0, 2.0, 1.0]),
        (lambda x: np.maximum(x, 1.0), lambda x: torch.maximum(x, torch.ones(1).double()), [1.0]),
        (lambda x: np.clip(x, 0.0, 1.0), lambda x: torch.clamp(x, 0.0, 1.0), [0.0, 1.0]),
        (np.linalg.norm, torch.linalg.norm, [0.0, 0.0]),
        (np.prod, torch.prod, [0.0, 2.0, 3.0]),
        (np.prod, torch.prod, [0.0, 0.0, 3.0]),
        (np.sqrt, torch.sqrt, [0.0]),
        (np.sinc, torch.sinc, [0.0]),
        (lambda x: x**0, lambda x: x**0, [0.0]),
        (np.std, lambda x: torch.std(x, correction=0), [1.0, 1.0, 1.0]),
        (lambda x: np.arctan2(x[0], x[1]), lambda x: torch.atan2(x[0], x[1]), [0.0, 0.0]),
    ],
)
def test_row_87_conventions_at_kinks(ours, theirs, at):
    x = np.array(at)
    got = pullback.grad(lambda x: np.sum(ours(x)))(x)
    expected = torch.func.grad(lambda x: torch.sum(theirs(x)))(torch.tensor(x))
    np.testing.assert_array_equal(got, expected.numpy())


def test_the_shape_of_results_is_that_of_torch():
    f = lambda x, y: {"a": x * y, "b": [x]}
    out, pull = pullback.vjp(f, X, X)
    t = torch.tensor(X)
    their_out, their_pull = torch.func.vjp(f, t, t)
    assert type(out) is type(their_out)
    got = pull({"a": X, "b": [X]})
    expected = their_pull({"a": t, "b": [t]})
    assert type(got) is type(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def test_grad_and_value_has_the_order_of_torch():
    gradient, (value, aux) = pullback.grad_and_value(lambda x: (np.sum(x * x), x), has_aux=True)(X)
    theirs = torch.func.grad_and_value(lambda x: (torch.sum(x * x), x), has_aux=True)
    their_gradient, (their_value, their_aux) = theirs(torch.tensor(X))
    np.testing.assert_array_equal(gradient, their_gradient.numpy())
    np.testing.assert_allclose(value, their_value.numpy())
    np.testing.assert_array_equal(aux, their_aux.numpy())
