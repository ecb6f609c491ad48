"""torch.autograd.grad and register_hook inside of a function (rows 70 and 78 of the table).

Each program is compared with torch.func's own derivative of it, to second order and under vmap.
"""

from __future__ import annotations

import pytest

import pullback

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

F = torch.nn.functional
F64 = torch.float64
X = torch.tensor([0.5, 0.6, 0.8], dtype=F64)
M = torch.tensor([[1.0, 0.3, -0.2], [0.1, 2.0, 0.4], [0.5, -0.3, 1.5]], dtype=F64)
pytestmark = pytest.mark.filterwarnings("ignore")


def slopes(y, x, **options):
    return torch.autograd.grad(y, x, create_graph=True, **options)


def penalty_on_a_gradient(x):
    y = (x.sin() * x.cos() * x.exp() + x.sinh() * x.cosh()).sum()
    (slope,) = slopes(y, x)
    return slope.square().sum() + y


def of_an_intermediate_too(x):
    h = torch.tanh(M @ x)
    y = (F.softmax(h, 0) * h).prod() + torch.linalg.norm(h)
    by_x, by_h = slopes(y, [x, h])
    return (slopes((by_x * by_h).sum(), x)[0] * x).sum()


def with_cotangents(x):
    y = torch.stack([x[0] * x[1], x[1:].sum(), x.cumsum(0)[2]])
    return (slopes(y, x, grad_outputs=y)[0] ** 3).sum()


def of_decompositions(x):
    a = torch.outer(x, x * x) + M
    y = torch.linalg.slogdet(a)[1] + torch.linalg.svd(a)[1][0]
    return slopes(y, a)[0].square().sum()


def of_losses(x):
    y = x * x * 3
    loss = F.cross_entropy(y[None], torch.tensor([1])) + F.mse_loss(y, X)
    return (
        slopes(loss, y)[0].square().sum()
        + F.batch_norm(y[:, None], None, None, training=True)[0, 0]
    )


def opaque_calls(x):
    y = torch.grid_sampler_2d(x.reshape(1, 1, 1, 3), M.reshape(1, 1, 1, 9)[..., :2], 0, 0, False)
    return slopes(y.sum() ** 2 + torch.where(x > 0.55, x**3, 0).sum(), x)[0].square().sum()


def constant_without_create_graph(x):
    (slope,) = torch.autograd.grad((x**3).sum(), x)
    return (slope * x).sum()


def unused(x):
    none, slope = slopes((x**2).sum(), [x * 2, x], allow_unused=True)
    assert none is None
    zeros, _ = slopes((x**2).sum(), [x * 2, x], materialize_grads=True)
    return slope.prod() + zeros.sum()


def hook_that_scales(x):
    h = x * 2
    h.register_hook(lambda cotangent: 3 * cotangent * h.detach())
    return (h.sin() * x).sum()


def hook_on_a_primal(x):
    x.register_hook(lambda cotangent: cotangent.clamp(max=1.3))
    x.register_hook(lambda cotangent: None)
    return (x * x).sum()


def hook_on_a_view(x):
    h = (x * x)[1:]
    handle = h.register_hook(lambda cotangent: 2 * cotangent)
    removed = h.register_hook(lambda cotangent: 100 * cotangent)
    removed.remove()
    assert handle is not removed
    return (h * x[1:]).sum()


@pytest.mark.parametrize(
    "f",
    [
        penalty_on_a_gradient,
        of_an_intermediate_too,
        with_cotangents,
        of_decompositions,
        of_losses,
        opaque_calls,
        constant_without_create_graph,
        unused,
        hook_that_scales,
        hook_on_a_primal,
        hook_on_a_view,
    ],
)
def test_as_torch_func(f):
    torch.testing.assert_close(pullback.grad(f)(X), torch.func.grad(f)(X))
    expected = torch.func.jacrev(torch.func.jacrev(f))(X)
    torch.testing.assert_close(pullback.jacfwd(pullback.grad(f))(X), expected)
    torch.testing.assert_close(pullback.jacrev(pullback.grad(f))(X), expected)
    xs = torch.stack([X, 1.1 * X])
    rows = torch.stack([pullback.grad(f)(x) for x in xs])
    torch.testing.assert_close(pullback.vmap(pullback.grad(f))(xs), rows)


def test_the_hook_of_an_outer_transform_is_not_called_by_an_inner_one():
    def outer(x):
        h = x * 1
        h.register_hook(lambda cotangent: 2 * cotangent)
        inner = pullback.grad(lambda y: (y * y * h).sum())(x)
        return inner.sum()

    torch.testing.assert_close(pullback.grad(outer)(X), 2 * X + 2 * 2 * X)


def test_a_hook_that_gets_the_cotangent_cannot_change_it_in_place():
    def f(x):
        h = x * 2
        h.register_hook(lambda cotangent: cotangent.zero_() and None)
        return h.sum()

    with pytest.raises(RuntimeError, match="Boolean"):
        pullback.grad(f)(X)

    def g(x):
        h = x * 2
        h.register_hook(lambda cotangent: [cotangent.zero_()].clear())
        return (h + x).sum()

    torch.testing.assert_close(pullback.grad(g)(X), torch.full_like(X, 3))


def used_before(x):
    h = x * 2
    y = h.sum()
    h.register_hook(abs)
    return y


def view_of_what_is_written(x):
    base = x * x
    view = base[1:]
    view.register_hook(abs)
    base[0] = x[1]
    return view.sum()


def written_before(x):
    y = x.clone()
    y[0] = x[1] * 3
    return torch.autograd.grad((y * y).sum(), x)[0].sum()


@pytest.mark.parametrize("f", [used_before, view_of_what_is_written, written_before])
def test_what_would_be_lost_is_refused_with_what_to_write(f):
    with pytest.raises(pullback.ConversionError, match=r"pullback\.grad.*nest"):
        pullback.grad(f)(X)


def test_where_no_way_back_is_recorded_both_are_refused():
    hooked = lambda x: (x * 1).register_hook(abs) and x.sum()
    differentiated = lambda x: torch.autograd.grad(x.prod(), x)[0]
    for f in (hooked, differentiated):
        with pytest.raises(pullback.ConversionError, match=r"pullback\.jvp, where no way back"):
            pullback.jvp(f, (X,), (X,))
        with pytest.raises(pullback.ConversionError, match=r"pullback\.vmap, where no way back"):
            pullback.vmap(f)(torch.stack([X, X]))


def test_a_rule_of_the_users_own_is_not_differentiated_again():
    square = pullback.custom_vjp(lambda x: x * x)
    square.def_vjp(lambda x: (x * x, x), lambda x, cotangent: (2 * x * cotangent,))

    def slope(x, create_graph):
        (found,) = torch.autograd.grad(square(x).sum(), x, create_graph=create_graph)
        return (found * x).sum()

    ours = pullback.grad(lambda x: slope(x, create_graph=False))(X)
    torch.testing.assert_close(ours, 2 * X)
    with pytest.raises(pullback.ConversionError, match="a rule of the user's own"):
        pullback.grad(lambda x: slope(x, create_graph=True))(X)


def test_bad_calls_raise_as_torchs_do():
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        pullback.grad(lambda x: torch.autograd.grad(x * 2, x)[0].sum())(X)
    with pytest.raises(RuntimeError, match="appears to not have been used"):
        pullback.grad(lambda x: torch.autograd.grad(x.sum(), x * 2)[0].sum())(X)
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        pullback.grad(lambda x: torch.autograd.grad(x * 2, x, X[:1])[0].sum())(X)
