"""In-place methods on traced tensors: torch's aliasing, the right derivative, pure transforms."""

from __future__ import annotations

import pytest

import pullback
from pullback import grad, jvp

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

N = 5


def through_a_view(x, w):
    y = x.clone()
    y[0].mul_(4)
    y[1:4] = w
    y[[0, 1]] += w[:2]
    y.view(5, 1)[2] = y[3] * 2
    return (y**2 * x).sum()


def through_a_view_functionally(x, w):
    y = torch.cat([4 * x[:1], w, x[4:]])
    y = torch.cat([y[:2] + w[:2], y[2:]])
    y = torch.cat([y[:2], 2 * y[3:4], y[3:]])
    return (y**2 * x).sum()


def on_the_primal(x, w):
    x.mul_(3)
    x += 1
    return (x * x).sum() * w.sum()


def on_what_was_saved(x, w):
    y = x.exp()
    z = torch.special.erf(y)
    y.mul_(3).add_(x)
    y.clamp_(max=2)
    return (y**2 * z).sum() + w[0]


def on_parts(x, w):
    a, b = x.sin()[:4].split(2)
    a.mul_(b)
    torch.nn.functional.relu(a, inplace=True)
    b.copy_(a * w[:2])
    return (a * b).sum() + b.sum()


def on_parts_functionally(x, w):
    a, b = torch.sin(x[:2]), torch.sin(x[2:4])
    a = torch.relu(a * b)
    b = a * w[:2]
    return (a * b).sum() + b.sum()


def filled(x, w):
    y = x * 2
    y.masked_fill_(torch.tensor([True, False, False, False, True]), 1.5)
    y[..., 2].zero_()
    y[3].fill_(w[0])
    y.index_add_(0, torch.tensor([1, 1, 3]), w)
    return (y * y * x).sum()


def filled_functionally(x, w):
    y = torch.stack([x[0] * 0 + 1.5, 2 * x[1] + w[0] + w[1], x[2] * 0, w[0] + w[2], x[4] * 0 + 1.5])
    return (y * y * x).sum()


def into_fresh_tensors(x, w):
    y = x.new_zeros(3)
    y[0] = x[1] * w[0]
    y[1:] += x[:2] * 3
    z = torch.empty_like(w)
    for i in range(3):
        z[i] = torch.special.erf(x[i] * w[i])
    return (y * y * z).sum()


def into_fresh_tensors_functionally(x, w):
    y = torch.stack([x[1] * w[0], x[0] * 3, x[1] * 3])
    return (y * y * torch.special.erf(x[:3] * w)).sum()


def diagonal(x, w):
    y = x[:3] * w[:, None]
    y.fill_diagonal_(1.5)
    y[:2].diagonal().mul_(w[:2])
    return (y * y * y).sum()


def diagonal_functionally(x, w):
    eye = torch.eye(3, dtype=x.dtype)
    inner = torch.where(eye == 1, 1.5 * torch.cat((w[:2], torch.ones_like(w[:1])))[:, None], 0)
    return ((x[:3] * w[:, None] * (1 - eye) + inner) ** 3).sum()


CASES = [
    (into_fresh_tensors, into_fresh_tensors_functionally),
    (through_a_view, through_a_view_functionally),
    (on_the_primal, lambda x, w: ((3 * x + 1) ** 2).sum() * w.sum()),
    (
        on_what_was_saved,
        lambda x, w: (
            ((3 * x.exp() + x).clamp(max=2) ** 2 * torch.special.erf(x.exp())).sum() + w[0]
        ),
    ),
    (on_parts, on_parts_functionally),
    (filled, filled_functionally),
    (diagonal, diagonal_functionally),
]


@pytest.mark.parametrize(("f", "functional"), CASES, ids=lambda f: f.__name__)
def test_in_place_is_as_the_functional_program(f, functional):
    torch.manual_seed(0)
    args = torch.randn(N, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    before = [arg.clone() for arg in args]
    expected = torch.func.grad(functional, (0, 1))(*args)
    torch.testing.assert_close(grad(f, (0, 1))(*args), expected)
    tangents = tuple(torch.randn_like(arg) for arg in args)
    moved = sum((g * t).sum() for g, t in zip(expected, tangents, strict=True))
    torch.testing.assert_close(jvp(f, args, tangents)[1], moved)

    def size(transform, f):
        return lambda *args: sum((g**2).sum() for g in transform(f, (0, 1))(*args))

    torch.testing.assert_close(
        grad(size(grad, f), (0, 1))(*args),
        torch.func.grad(size(torch.func.grad, functional), (0, 1))(*args),
    )
    assert all(map(torch.equal, args, before))  # the caller's tensors are as they were


def test_a_write_under_no_grad_makes_a_constant():
    def f(x):
        y = x * 2
        with torch.no_grad():
            y[0] *= 3
        return (y * y).sum()

    x = torch.ones(2)
    assert grad(f)(x).tolist() == [0, 8]


def through_a_view_under_no_grad(x):
    with torch.no_grad():
        x[0].mul_(3)


@pytest.mark.parametrize(
    "write",
    [
        through_a_view_under_no_grad,
        lambda x: x.add_(torch.ones(2, 3)),
        lambda x: x.long().add_(x),
        lambda x: x.t_(),
        lambda x: x.resize_(2),
        lambda x: setattr(x, "data", x),
        lambda x: torch.nn.functional.batch_norm(
            x.reshape(3, 1), torch.zeros(1), torch.ones(1), training=True
        ),
    ],
)
def test_what_cannot_be_written_raises(write):
    def f(x):
        write(x * 1)
        return x.sum()

    with pytest.raises((TypeError, RuntimeError)):
        grad(f)(torch.ones(3))


def test_a_captured_tensor_is_not_written_into():
    buffer = torch.zeros(3)
    with pytest.raises(pullback.ConversionError, match="plain tensor"):
        grad(lambda x: buffer.add_(x).sum())(torch.ones(3))
    assert buffer.tolist() == [0, 0, 0]


def test_a_plain_write_through_a_view_reaches_who_saved_the_memory():
    def f(x):
        buffer = x.new_zeros(4)
        buffer[2] = 3
        y = x[0] * buffer
        buffer[1:][1] = 5  # another tensor to torch, and the same memory
        return y.sum()

    assert grad(f)(torch.ones(2)).tolist() == [3, 0]
