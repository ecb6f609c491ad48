"""Everyday torch programs, as they are written: gradients against differences of the program."""

from __future__ import annotations

import math

import pytest

import pullback

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

from torch.func import grad as bound_before  # noqa: E402
from torch.func import vmap as vmap_bound_before  # noqa: E402

F64 = torch.float64
X = torch.tensor([0.9, 1.3, 0.6, 1.1], dtype=F64)
M = 4 * torch.eye(4, dtype=F64) + torch.linspace(0, 1, 16, dtype=F64).reshape(4, 4)


def written_at_indices(x):
    y = x.clone()
    y[torch.tensor([0, 1])] += x[:2] * 2
    y[1:] -= x[:-1]
    return y.square().sum()


def unpacked(x):
    a, b, c, d = x
    return a * b + c * d


def on_a_grid(x):
    a, b = torch.meshgrid(x, x, indexing="ij")
    return (a * b * b * M).sum()


def recurrent(x):
    h = torch.zeros(4, dtype=F64)
    for t in range(3):
        h = torch.tanh(M @ h / 5 + x * t)
    return h.sum()


def kalman_filter(x):
    mean, covariance = torch.zeros(2, dtype=F64), torch.eye(2, dtype=F64)
    step = torch.tensor([[1.0, x[0]], [0, 1.0]], dtype=F64)
    seen = torch.tensor([[1.0, 0.0]], dtype=F64)
    likelihood = 0.0
    for y in (0.1, 0.5, 0.9):
        mean = step @ mean
        covariance = step @ covariance @ step.T + x[2] * torch.eye(2, dtype=F64)
        innovation = seen @ covariance @ seen.T + x[1] * torch.eye(1, dtype=F64)
        gain = covariance @ seen.T @ torch.linalg.inv(innovation)
        residual = y - seen @ mean
        mean = mean + gain @ residual
        covariance = (torch.eye(2, dtype=F64) - gain @ seen) @ covariance
        weighted = residual @ torch.linalg.solve(innovation, residual)
        likelihood = likelihood - 0.5 * (torch.logdet(innovation) + weighted)
    return likelihood


def attention(x):
    q = x.outer(x)
    k, v = q + M, q * M
    scores = q @ k.transpose(-2, -1) / math.sqrt(4)
    mask = torch.tril(torch.ones(4, 4))
    return (scores.masked_fill(mask == 0, float("-inf")).softmax(-1) @ v).sum()


def gaussian_process(x):
    points = torch.linspace(0, 1, 5, dtype=F64)
    values = torch.sin(points)[:, None]
    kernel = x[0] * torch.exp(-0.5 * (points[:, None] - points[None]) ** 2 / x[1] ** 2)
    factor = torch.linalg.cholesky(kernel + x[2] * torch.eye(5, dtype=F64))
    weights = torch.cholesky_solve(values, factor)
    return (values.T @ weights).squeeze() + factor.diagonal().log().sum()


def regularised(x):
    w = x.outer(x)
    loss = torch.nn.functional.mse_loss(M @ w, M) + 1e-2 * w.norm(p=2) + 0.1 * w.abs().sum()
    return loss + sum(part.pow(2).sum() for part in [w, x])


def newton(x):
    def objective(y):
        return (y**4).sum() / 4 + (y * x).sum()

    y = x.clone()
    for _ in range(2):
        step = torch.linalg.solve(pullback.hessian(objective)(y), pullback.grad(objective)(y))
        y = y - step
    return y.sum()


def springs(x):
    places, speeds = torch.arange(4.0, dtype=F64), torch.zeros(4, dtype=F64)
    for _ in range(5):
        force = torch.zeros(4, dtype=F64)
        stretch = places[1:] - places[:-1] - x[:3]
        force[:-1] += stretch
        force[1:] -= stretch
        speeds += 0.1 * force
        places += 0.1 * speeds
    return (places * places).sum()


PROGRAMS = {
    "axis and keepdims": lambda x: x.outer(x).sum(axis=1, keepdims=True).prod(),
    "axis of a function": lambda x: torch.sum(x.outer(x), axis=0).prod(),
    "axis of mean": lambda x: x.outer(x).mean(axis=(0, 1)),
    "axis of var": lambda x: x.var(axis=0),
    "size": lambda x: torch.zeros(x.size(), dtype=F64).add(x).prod(),
    "view of a Size": lambda x: x.view(torch.Size([2, 2])).det(),
    "integer tensors": lambda x: (x * torch.tensor(3)).reshape(torch.tensor(2), 2).det(),
    "to a tensor's dtype": lambda x: x.to(M).type_as(M).double().sum() ** 2,
    "to a device": lambda x: x.cpu().to("cpu").to(device="cpu", dtype=F64).sum() ** 2,
    "device": lambda x: torch.ones(4, device=x.device, dtype=x.dtype).dot(x) ** 2,
    "contiguous": lambda x: x.outer(x).T.contiguous().view(16)[3] * x.is_contiguous(),
    "iteration": lambda x: sum(a * a for a in x),
    "transposes": lambda x: (x.outer(x).T @ x + x.outer(x).mT @ x + x.outer(x).H @ x).sum(),
    "new axes": lambda x: (x[..., None] * x[None] * M).sum(),
    "lists as indices": lambda x: (x[[0, 2]] * x[-1] * x[::2]).sum(),
    "text": lambda x: x.sum() * bool(f"{x} {x!r} {x.sum():.2f}"),
    "sum of a list": lambda x: sum([x, x * x, x**3]).sum(),
    "whole quotients": lambda x: (x // 0.25 * x + 7 // x * x).sum(),
    "special": lambda x: torch.special.digamma(x).sum() + torch.special.xlogy(x, x).sum(),
    "linalg": lambda x: torch.linalg.norm(x.outer(x) + M) * torch.linalg.slogdet(M * x)[1],
    "fft": lambda x: torch.fft.irfft(torch.fft.rfft(x) * torch.arange(3), n=4).square().sum(),
    "meshgrid xy": lambda x: torch.meshgrid([x, x[:2]], indexing="xy")[1][1].prod(),
    "queries": lambda x: x.sum() * torch.is_tensor(x) * isinstance(x, torch.Tensor) * len(x),
    "order": lambda x: (x.sort().values * torch.arange(4)).sum() + x.topk(2).values.prod(),
    "scattered": lambda x: (
        torch.zeros(4, dtype=F64).scatter_add(0, torch.tensor([0, 0, 1, 2]), x).square().sum()
    ),
} | {
    f.__name__: f
    for f in (
        written_at_indices,
        unpacked,
        on_a_grid,
        recurrent,
        kalman_filter,
        attention,
        gaussian_process,
        regularised,
        newton,
        springs,
    )
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_of_programs(name):
    f, step = PROGRAMS[name], 1e-6
    gradient = pullback.grad(f)(X)
    rows = torch.eye(4, dtype=F64)
    with torch.no_grad():
        expected = torch.stack([(f(X + step * t) - f(X - step * t)) / (2 * step) for t in rows])
    torch.testing.assert_close(gradient, expected.reshape(4), rtol=1e-5, atol=1e-6)
    _, moved = pullback.jvp(f, (X,), (M[0],))
    torch.testing.assert_close(moved.reshape(()), gradient @ M[0])
    batch = torch.stack([X, X + 0.1])
    both = torch.stack([pullback.grad(f)(x) for x in batch])
    torch.testing.assert_close(pullback.vmap(pullback.grad(f))(batch), both)


@pytest.mark.parametrize("name", ["recurrent", "kalman_filter", "attention", "springs", "newton"])
def test_second_derivatives_of_programs(name):
    f, step = PROGRAMS[name], 1e-6
    gradient = pullback.grad(f)
    rows = torch.eye(4, dtype=F64)
    expected = [(gradient(X + step * t) - gradient(X - step * t)) / (2 * step) for t in rows]
    torch.testing.assert_close(pullback.hessian(f)(X), torch.stack(expected), rtol=1e-4, atol=1e-4)


def test_a_batched_mask_says_what_to_write():
    with pytest.raises(pullback.BatchingError, match=r"torch\.where"):
        pullback.vmap(lambda x: x[x > 1].sum())(torch.stack([X, X]))


def test_derivatives_with_several_arguments():
    def f(a, b):
        return (a * b * b).sum()

    ours, theirs = pullback.hessian(f, (0, 1))(X, X + 1), torch.func.hessian(f, (0, 1))(X, X + 1)
    for i in range(2):
        for j in range(2):
            torch.testing.assert_close(ours[i][j], theirs[i][j])


@pytest.mark.filterwarnings("ignore:Dynamo does not know how to trace")
def test_torch_compile_around_a_transform():
    def f(x):
        def g(y):
            buffer = torch.zeros(4, dtype=F64)
            buffer[:] = y * y
            return buffer

        out, pull = pullback.vjp(g, x)
        return pull(x)[0] + out + 1

    compiled = torch.compile(f, backend="eager")
    torch.testing.assert_close(compiled(X), 3 * X * X + 1)


def test_backward_of_what_is_traced_is_refused_with_what_to_write():
    with pytest.raises(pullback.ConversionError, match=r"pullback\.grad.*nest"):
        pullback.grad(lambda x: x.prod().backward())(X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: bound_before(lambda y: (x * y**3).sum())(X).sum(),
        lambda x: bound_before(lambda y: (y**3).sum())(x).sum(),
        lambda x: vmap_bound_before(torch.sin)(x).sum(),
    ],
)
def test_transforms_bound_before_are_refused_with_what_to_write(f):
    with pytest.raises((RuntimeError, pullback.ConversionError), match=r"pullback.*nest"):
        pullback.grad(f)(X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: torch.func.grad(lambda y: (x * y**3).sum())(X).sum(),
        lambda x: torch.func.jacrev(lambda y: (x * y).sin())(x).sum(),
        lambda x: torch.func.hessian(lambda y: (y**3).sum())(x).sum(),
        lambda x: torch.vmap(torch.func.grad(lambda y: (y**3 * x).sum()))(x).sum(),
        lambda x: torch.func.vjp(torch.sin, x)[1](x)[0].sum(),
        lambda x: torch.func.jvp(torch.sin, (x,), (x,))[1].sum(),
    ],
)
def test_torch_funcs_transforms_inside_of_a_transform_are_pullbacks(f):
    torch.testing.assert_close(pullback.grad(f)(X), torch.func.grad(f)(X))
    torch.testing.assert_close(pullback.grad(pullback.adopt(f))(X), torch.func.grad(f)(X))
    assert torch.func.grad is bound_before


def test_adopted_programs_follow_transforms_that_were_bound_before():
    f = pullback.adopt(lambda x: bound_before(lambda y: (y**3).sum())(x).sum())
    torch.testing.assert_close(pullback.grad(f)(X), 6 * X)
