"""torch's makers in unmodified programs: traced values in, exact derivatives out."""

from __future__ import annotations

import threading
from types import ModuleType

import pytest

import pullback

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

from torch import zeros as zeros_bound_before  # noqa: E402

# What torch's own forward mode imports at its first use.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

X = torch.tensor([1.2, 2.3, 0.7], dtype=torch.float64)
W = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
F64 = torch.float64


def filled(x, buffer):
    for i in range(3):
        buffer[i] = x[i] ** 2 * (i + 1)
    return buffer


def squares(x):
    return x**2 * torch.arange(1, 4)


def rotation(x):
    c, s = torch.cos(x[0]), torch.sin(x[0])
    return torch.tensor([[c, -s], [s, c]]) @ x[1:]


def rotation_functionally(x):
    c, s = torch.cos(x[0]), torch.sin(x[0])
    return torch.stack([torch.stack([c, -s]), torch.stack([s, c])]) @ x[1:]


def mixed(x):
    return torch.tensor([[x[0], 1.0], [2, x[1] * x[2]]]) @ x[:2]


def heat(x):
    u = torch.zeros(4, 5, dtype=F64)
    u[0, 1:4] = x
    for n in range(3):
        u[n + 1] = u[n]
        u[n + 1, 1:-1] += x[0] * (u[n, 2:] - 2 * u[n, 1:-1] + u[n, :-2])
    return u[-1]


def heat_functionally(x):
    zero = torch.zeros(1, dtype=F64)
    u = torch.cat([zero, x, zero])
    for _ in range(3):
        step = torch.cat([zero, u[2:] - 2 * u[1:-1] + u[:-2], zero])
        u = u + x[0] * step
    return u


def imported_inside(x):
    from torch import zeros

    return filled(x, zeros(3, dtype=F64))


def written_in_place(x):
    a = torch.zeros_like(W)
    a.copy_(x)
    a.index_put_((torch.tensor([0, 2]),), x[:2])
    a.add_(W)
    b = torch.full((3,), 2.0, dtype=F64)
    torch.mul(a, x, out=b)
    return b


def written_in_place_functionally(x):
    return (torch.stack([x[0], x[1], x[1]]) + W) * x


def view_of_a_buffer(x):
    grid = torch.zeros((2, 3), dtype=F64)
    row = grid[1]
    grid[1] = x
    row *= x
    return (grid + torch.special.i0(grid)).sum(0)


PROGRAMS = [
    (lambda x: filled(x, torch.zeros(3, dtype=F64)), squares),
    (lambda x: filled(x, torch.empty(3, dtype=F64)), squares),
    (lambda x: filled(x, torch.ones((3,), dtype=F64)), squares),
    (lambda x: filled(x, torch.full([3], 7.0, dtype=F64)), squares),
    (lambda x: filled(x, torch.arange(3.0, dtype=F64)), squares),
    (lambda x: filled(x, torch.linspace(0, 1, 3, dtype=F64)), squares),
    (lambda x: filled(x, torch.clone(W)), squares),
    (lambda x: filled(x, torch.stack([W[0], W[1], W[2]])), squares),
    (lambda x: filled(x, torch.zeros(3, dtype=F64).sin() + 1), squares),
    (lambda x: filled(x, torch.tensor([1.0, 2.0, 3.0], dtype=F64).clone()), squares),
    (lambda x: filled(x, torch.zeros(3, dtype=F64).new_zeros(3)), squares),
    (lambda x: filled(x, torch.rand(3, dtype=F64).detach()), squares),
    (lambda x: torch.full((2,), x[0]), lambda x: x[0].expand(2)),
    (lambda x: torch.arange(x[0], 4.0, x[2]), lambda x: x[0] + torch.arange(4) * x[2]),
    (
        lambda x: torch.linspace(x[0], x[1], 4),
        lambda x: x[0] + (x[1] - x[0]) * torch.linspace(0, 1, 4, dtype=F64),
    ),
    (
        lambda x: torch.as_tensor(x) * torch.asarray([x[0], x[1], 1.0]),
        lambda x: x * x.new_tensor(1) * torch.stack([x[0], x[1], x[0] * 0 + 1]),
    ),
    (lambda x: torch.as_tensor([x[0], 2]) ** 2, lambda x: torch.stack([x[0], x[0] * 0 + 2]) ** 2),
    (lambda x: x.new_tensor([x[1], x[2]]), lambda x: x[1:]),
    (rotation, rotation_functionally),
    (mixed, lambda x: torch.stack([x[0] * x[0] + x[1], 2 * x[0] + x[1] * x[2] * x[1]])),
    (heat, heat_functionally),
    (imported_inside, squares),
    (written_in_place, written_in_place_functionally),
    (view_of_a_buffer, lambda x: x * x + torch.special.i0(x * x) + 1),
]


@pytest.mark.parametrize(("program", "functional"), PROGRAMS)
def test_programs_that_make_their_own_tensors(program, functional):
    def loss(f):
        return lambda x: (torch.sin(f(x)) * torch.arange(1, 1 + f(X).numel())).sum()

    ours, theirs = loss(program), loss(functional)
    torch.testing.assert_close(pullback.grad(ours)(X), torch.func.grad(theirs)(X))
    torch.testing.assert_close(pullback.jvp(ours, (X,), (W,)), torch.func.jvp(theirs, (X,), (W,)))
    torch.testing.assert_close(pullback.hessian(ours)(X), torch.func.hessian(theirs)(X))


@pytest.mark.parametrize(
    "program", [heat, rotation, mixed, written_in_place, view_of_a_buffer, imported_inside]
)
def test_under_vmap(program):
    batch = torch.stack([X, X + 1, X * 2])
    expected = torch.stack([program(x) for x in batch])
    torch.testing.assert_close(pullback.vmap(program)(batch), expected)

    def loss(x):
        return program(x).sum()

    expected = torch.stack([pullback.grad(loss)(x) for x in batch])
    torch.testing.assert_close(pullback.vmap(pullback.grad(loss))(batch), expected)


class Copied(torch.autograd.Function):
    """Its tangent shares the memory of the argument's."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return 1 * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, cotangent):
        return cotangent

    @staticmethod
    def jvp(ctx, tangent):
        return tangent.view_as(tangent)


@pytest.mark.parametrize("copied", [torch.clone, Copied.apply])
def test_a_tangent_is_not_changed_by_a_later_write_to_what_it_came_from(copied):
    def f(x):
        y = torch.zeros(3, dtype=F64)
        y[:] = x
        z = copied(y)
        y[:] = 0
        return z * x

    expected = torch.diag(2 * X)
    torch.testing.assert_close(pullback.jacfwd(f)(X), expected)
    columns = [pullback.jvp(f, (X,), (t,))[1] for t in torch.eye(3, dtype=F64)]
    torch.testing.assert_close(torch.stack(columns), expected)


def test_torch_is_as_it_was_outside_and_for_other_threads():
    seen = {}

    def f(x):
        seen["program"] = type(torch.zeros(2))
        thread = threading.Thread(target=lambda: seen.update(other=type(torch.zeros(2))))
        thread.start()
        thread.join()
        return x

    original = torch.zeros
    pullback.grad(f)(X[0])
    assert seen == {"program": type(pullback_box()), "other": torch.Tensor}
    assert torch.zeros is original
    assert type(torch) is ModuleType
    with pytest.raises(ZeroDivisionError):
        pullback.grad(lambda x: x / (1 // 0))(X[0])
    assert type(torch) is ModuleType


def pullback_box():
    boxes = []
    pullback.grad(lambda x: boxes.append(x) or x)(X[0])
    return boxes[0]


def test_the_switch():
    with pullback.intercept(False):
        assert pullback.grad(lambda x: x * (type(torch.zeros(1)) is torch.Tensor))(X[0]) == 1
        with pytest.raises(pullback.ConversionError):
            pullback.grad(lambda x: filled(x, torch.zeros(3, dtype=F64)).sum())(X)


@pytest.mark.parametrize(
    "make",
    [
        lambda: zeros_bound_before(3, dtype=F64),
        lambda: W,
        lambda: W * 1,
        lambda: torch.from_numpy(W.numpy()),
        lambda: torch.as_tensor(W),
    ],
)
def test_what_is_known_outside_is_not_written_into(make):
    before = W.clone()
    with pytest.raises(pullback.ConversionError, match=r"torch\.zeros.*") as caught:
        pullback.grad(lambda x: filled(x, make()).sum())(X)
    assert "test_makers.py" in str(caught.value)
    assert torch.equal(W, before)


def test_adopted_code_may_bind_names_before():
    def f(x):
        return filled(x, zeros_bound_before(3, dtype=F64)).sum()

    adopted = pullback.adopt(f)
    torch.testing.assert_close(pullback.grad(adopted)(X), 2 * X * torch.arange(1, 4))


def test_constants_can_be_read():
    def f(x):
        points = torch.linspace(0, 1, 3, dtype=F64)
        assert float(points[1]) == 0.5
        assert int(torch.ones(())) == 1
        assert points.tolist() == [0, 0.5, 1]
        assert points.numpy().sum() == 1.5
        assert repr(points) == repr(torch.linspace(0, 1, 3, dtype=F64))
        return x.sum() * points[2].item()

    assert pullback.grad(f)(X).tolist() == [1, 1, 1]


def test_a_numpy_view_of_a_buffer_refuses_traced_writes():
    def f(x):
        buffer = torch.zeros(3, dtype=F64)
        view = buffer.numpy()
        buffer[0] = 2.0
        assert view[0] == 2
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1
        buffer[1] = x[0]
        return buffer.sum() + view[1]

    with pytest.raises(pullback.ConversionError, match="plain view"):
        pullback.grad(f)(X)


def test_integers_stay_plain_and_modules_of_the_program_can_be_built():
    def f(x):
        assert type(torch.arange(3)) is torch.Tensor
        weight = torch.nn.Parameter(torch.ones(3, dtype=F64))
        layer = torch.nn.Linear(3, 2, dtype=F64)
        cell = torch.nn.GRUCell(3, 2, dtype=F64)
        return (layer(x * weight) + cell(x[None], torch.zeros(1, 2, dtype=F64))[0]).sum()

    assert pullback.grad(f)(X).shape == (3,)


def test_aux_and_outputs_are_plain():
    def f(x):
        buffer = torch.zeros(3, dtype=F64)
        filled(x, buffer)
        return buffer.sum(), {"buffer": buffer, "plain": torch.ones(2)}

    _, aux = pullback.grad(f, has_aux=True)(X)
    assert {type(leaf) for leaf in aux.values()} == {torch.Tensor}
    out, _ = pullback.vjp(lambda x: torch.ones(2), X)
    assert type(out) is torch.Tensor


def test_copies_of_captured_tensors_take_traced_values():
    """`w.clone()` and `w.new_zeros()` of a plain tensor are the program's own."""

    def f(x):
        copy, empty = W.clone(), W.new_zeros(3)
        copy[0] = x[0] ** 2
        empty[1:] = x[1:] * copy[1:]
        full = W.new_full((2,), 3.0)
        full *= x[0]
        return (copy * empty).sum() + full.prod()

    def functionally(x):
        copy = torch.stack([x[0] ** 2, W[1], W[2]])
        return (copy[1:] ** 2 * x[1:]).sum() + 9 * x[0] ** 2

    before = W.tolist()
    torch.testing.assert_close(pullback.grad(f)(X), torch.func.grad(functionally)(X))
    torch.testing.assert_close(pullback.hessian(f)(X), torch.func.hessian(functionally)(X))
    assert W.tolist() == before
    assert torch.Tensor.clone is torch._C.TensorBase.clone


def test_copies_of_parameters_stay_attached_to_torchs_own_graph():
    w = W.clone().requires_grad_()
    pullback.grad(lambda x: (w.clone() * x**2).sum())(X).sum().backward()
    torch.testing.assert_close(w.grad, 2 * X)
