"""vmap on torch tensors: torch.func's numbers, in every nesting with the other transforms."""

from __future__ import annotations

import pytest

import pullback
from pullback import grad, jvp, vjp, vmap

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

F = torch.nn.functional
torch.manual_seed(0)
X = torch.randn(4, 3, dtype=torch.float64)
W = torch.randn(3, dtype=torch.float64)

FUNCTIONS = {
    "own": lambda w, x: ((w * x).sin().sum() + w @ x) ** 2,
    "torch's": lambda w, x: torch.special.erfcx(w * x).sum(),
    "softmax": lambda w, x: F.softmax(w * x, -1)[0],
    "several outputs": lambda w, x: (x[1:] * w[:2]).sort().values[0],
    "where": lambda w, x: torch.where(x > 0, w, 0 * w).sum(),
    "outer": lambda w, x: torch.outer(w, x).exp().mean(),
    "norms": lambda w, x: F.layer_norm(w * x, (3,))[1],
}


@pytest.fixture(params=FUNCTIONS.values(), ids=FUNCTIONS)
def f(request):
    return request.param


def assert_close(got, expected):
    torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-10)


def test_values_and_per_example_gradients(f):
    assert_close(vmap(f, (None, 0))(W, X), torch.func.vmap(f, (None, 0))(W, X))
    per_example = torch.func.vmap(torch.func.grad(f), (None, 0))(W, X)
    assert_close(vmap(grad(f), (None, 0))(W, X), per_example)


def test_gradient_of_a_batch(f):
    ours = grad(lambda w: vmap(lambda x: f(w, x))(X).sum())(W)
    assert_close(ours, torch.func.grad(lambda w: sum(f(w, x) for x in X))(W))


def test_forward_mode_and_second_derivatives(f):
    moved = vmap(lambda x: jvp(lambda w: f(w, x), (W,), (x,))[1])(X)
    assert_close(moved, torch.stack([torch.func.grad(f)(W, x) @ x for x in X]))
    hessian = torch.func.jacrev(torch.func.jacrev(f))(W, X[0])
    along = vmap(lambda v: jvp(grad(lambda w: f(w, X[0])), (W,), (v,))[1])(torch.eye(3).double())
    assert_close(along, hessian)
    g = lambda w, x: (grad(f)(w, x) ** 2).sum()
    theirs = lambda w, x: (torch.func.grad(f)(w, x) ** 2).sum()
    assert_close(
        vmap(grad(g), (None, 0))(W, X), torch.stack([torch.func.grad(theirs)(W, x) for x in X])
    )


def test_a_pullback_of_many_cotangents(f):
    _, pull = vjp(lambda w: f(w, X[0]) * w, W)
    jacobian = torch.func.jacrev(lambda w: f(w, X[0]) * w)(W)
    assert_close(vmap(pull)(torch.eye(3).double())[0], jacobian)


def test_batches_of_batches():
    f = lambda a, b: torch.special.erfcx(a * b).sum() + (a * b).sin().sum()
    ours = vmap(lambda a: vmap(lambda b: f(a, b))(X))(X)
    assert_close(ours, torch.stack([torch.stack([f(a, b) for b in X]) for a in X]))


def test_in_place_writes_and_indices_of_each_example():
    def written(x):
        y = x.clone()
        y[0] = y[1] * 2
        y.mul_(x)
        return y.sum()

    assert_close(vmap(grad(written))(X), torch.stack([grad(written)(x) for x in X]))
    i = torch.tensor([0, 1, 2, 0])
    assert_close(vmap(lambda x, i: x[i])(X, i), X[torch.arange(4), i])
    z = torch.randn(4, 2, 3, 2)
    apart = lambda z: z[[0, 1], :, [1, 0]]
    assert_close(vmap(apart)(z), torch.stack([apart(one) for one in z]))


def test_values_that_differ_cannot_decide():
    with pytest.raises(pullback.BatchingError, match=r"torch\.where"):
        vmap(lambda x: x if x.sum() > 0 else -x)(X)
    assert_close(
        vmap(lambda x: x if x.sum() > 0 else -x, fallback="loop")(X).sum(-1), X.sum(-1).abs()
    )


def test_constants_under_no_grad_keep_their_batch_axis():
    def f(w, x):
        with torch.no_grad():
            scale = torch.special.erfcx(w * x) + x.detach()
        return (scale * w).sum()

    expected = torch.special.erfcx(W * X) + X
    assert_close(vmap(grad(f), (None, 0))(W, X), expected)
