"""torch tensors in pullback's transforms: the specification's examples, and torch.func's behaviour.

The numbers in names are rows of the table of torch.func's behaviour.
"""

from __future__ import annotations

import contextlib
import itertools
import threading

import numpy as np
import pytest

import pullback
from pullback import grad, jvp, vjp

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

X = torch.tensor(3.0)
ONE = torch.tensor(1.0)


def values(*tensors):
    return tuple(t.item() for t in tensors)


# The specification's page, as it stands


def test_specification_simple_case_is_grad():
    x = torch.randn([5])
    f = lambda x: x.sin().sum()
    (_, vjpfunc) = vjp(f, x)
    gradient = vjpfunc(torch.tensor(1.0))[0]
    assert torch.allclose(gradient, grad(f)(x))
    assert torch.allclose(gradient, torch.func.grad(f)(x))


def test_specification_multiple_outputs():
    x = torch.randn([5])
    f = lambda x: (x.sin(), x.cos())
    (_, vjpfunc) = vjp(f, x)
    vjps = vjpfunc((torch.ones([5]), torch.ones([5])))
    assert torch.allclose(vjps[0], x.cos() + -x.sin())


def test_specification_outputs_in_python_structs():
    x = torch.randn([5])
    f = lambda x: {"first": x.sin(), "second": x.cos()}
    (_, vjpfunc) = vjp(f, x)
    cotangents = {"first": torch.ones([5]), "second": torch.ones([5])}
    vjps = vjpfunc(cotangents)
    assert torch.allclose(vjps[0], x.cos() + -x.sin())


def test_specification_partials_of_each_primal_of_a_function_of_torch_itself():
    x, y = torch.randn([5, 4]), torch.randn([4, 5])
    (_, vjpfunc) = vjp(torch.matmul, x, y)
    cotangents = torch.randn([5, 5])
    vjps = vjpfunc(cotangents)
    assert len(vjps) == 2
    assert torch.allclose(vjps[0], torch.matmul(cotangents, y.transpose(0, 1)))
    assert torch.allclose(vjps[1], torch.matmul(x.transpose(0, 1), cotangents))


def test_specification_keyword_arguments_keep_their_defaults():
    x = torch.randn([5])

    def f(x, scale=4.0):
        return x * scale

    (_, vjpfunc) = vjp(f, x)
    vjps = vjpfunc(torch.ones_like(x))
    assert torch.allclose(vjps[0], torch.full(x.shape, 4.0))


def test_specification_notes_on_no_grad():
    def f(x):
        with torch.no_grad():
            c = x**2
        return x - c

    x = torch.randn(5)
    inside = vjp(f, x)[1](torch.ones(5))[0]
    assert torch.equal(inside, torch.ones(5))
    with torch.no_grad():
        outside = vjp(f, x)[1](torch.ones(5))[0]
    assert torch.equal(outside, torch.ones(5))


# Modes (rows 55 to 64)


def positions():
    return [p for n in range(6) for p in itertools.combinations("ABCDE", n)]


@pytest.mark.parametrize("where", positions(), ids=lambda p: "".join(p) or "none")
def test_no_grad_in_every_position(where):
    def mode(position):
        return torch.no_grad() if position in where else contextlib.nullcontext()

    def inner(y):
        with mode("C"):
            square = y * y
        return square * y

    def outer(x):
        with mode("B"):
            _, pull = vjp(inner, x)
        with mode("D"):
            return pull(ONE)[0]

    with mode("A"):
        value, pull = vjp(outer, X)
    with mode("E"):
        (derivative,) = pull(ONE)
    constant = "B" in where or "C" in where or "D" in where
    assert values(value, derivative) == (9 if "C" in where else 27, 0 if constant else 18)


def cut(x):
    with torch.no_grad():
        c = x**2
    return x - c


def test_row_60_no_grad_means_the_same_in_forward_mode():
    assert values(*jvp(cut, (X,), (ONE,))) == (-6, 1)
    assert jvp(grad(lambda x: cut(x) ** 2), (X,), (ONE,))[1].item() == 2


def test_row_59_grad_inside_no_grad_and_enable_grad_inside_that():
    def constant(x):
        with torch.no_grad():
            return grad(lambda y: y**3)(x)

    def enabled(x):
        with torch.no_grad(), torch.enable_grad():
            return grad(lambda y: y**3)(x)

    assert values(constant(X), grad(constant)(X), grad(enabled)(X)) == (27, 0, 18)


def test_row_61_detach_and_data_are_constants_of_their_own():
    assert grad(lambda x: x * x.detach())(X).item() == 3
    assert grad(lambda x: x * x.data)(X).item() == 3

    def written(x):
        y = x * 2
        y.detach().mul_(100)
        return y

    assert values(*jvp(written, (X,), (ONE,))) == (6, 2)


def test_row_63_inference_mode_outside_changes_nothing_and_inside_makes_constants():
    with torch.inference_mode():
        made = torch.tensor(3.0)
        _, pull = vjp(lambda x: x**3, made)
        assert pull(ONE)[0].item() == 27
    assert pull(ONE)[0].item() == 27

    def f(x):
        with torch.inference_mode():
            c = x * x
        return c * x

    assert grad(f)(X).item() == 9


def test_row_64_a_leaking_mode_is_restored():
    def f(x):
        torch.set_grad_enabled(False)
        return x * x

    vjp(f, X)
    assert torch.is_grad_enabled()


# torch's own autograd around (rows 41 and 57)


def test_row_41_outer_autograd_stays_attached():
    x = torch.tensor(3.0, requires_grad=True)
    w = torch.tensor(2.0, requires_grad=True)
    out, pull = vjp(lambda x: x * x * w + torch.special.erf(x * w), x)
    (gradient,) = pull(ONE)
    assert out.requires_grad
    gradient.backward()
    x_, w_ = x.detach().requires_grad_(), w.detach().requires_grad_()
    expected = torch.autograd.grad(
        x_ * x_ * w_ + torch.special.erf(x_ * w_), x_, create_graph=True
    )[0]
    expected.backward()
    torch.testing.assert_close(x.grad, x_.grad)
    torch.testing.assert_close(w.grad, w_.grad)


@pytest.mark.parametrize(
    ("build", "call", "expected"),
    [
        (True, True, (True, True)),
        (True, False, (True, False)),
        (False, True, (False, True)),
        (False, False, (False, False)),
    ],
)
@pytest.mark.parametrize("f", [lambda x: x.exp() * x, lambda x: torch.special.erf(x)])
def test_row_57_requires_grad_follows_the_mode_of_each_call(build, call, expected, f):
    x = torch.tensor(3.0, requires_grad=True)
    with torch.set_grad_enabled(build):
        out, pull = vjp(f, x)
    with torch.set_grad_enabled(call):
        (gradient,) = pull(ONE)
    assert (out.requires_grad, gradient.requires_grad) == expected


def test_nothing_is_attached_where_nothing_requires_grad():
    out, pull = vjp(lambda x: torch.special.erf(x).sin(), X)
    assert not out.requires_grad
    assert not pull(ONE)[0].requires_grad


# Nesting


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sin() * x.exp(),
        lambda x: torch.special.erf(x) ** 2,
        lambda x: torch.lgamma(x) * x,
    ],
)
def test_both_modes_in_any_order_to_third_order(f):
    def third(transforms, theirs):
        g = f
        for name in transforms:
            transform = (
                (torch.func.grad if theirs else grad)
                if name == "r"
                else (lambda h: lambda x: (torch.func.jvp if theirs else jvp)(h, (x,), (ONE,))[1])
            )
            g = transform(g)
        return g(X)

    expected = third("rrr", theirs=True)
    for transforms in itertools.product("rf", repeat=3):
        torch.testing.assert_close(third(transforms, theirs=False), expected)


def test_row_73_no_perturbation_confusion():
    inner = lambda x: x * grad(lambda y: x + y)(ONE)
    assert values(grad(inner)(ONE), jvp(inner, (ONE,), (ONE,))[1]) == (1, 1)


def test_row_39_differentiable_in_the_cotangent():
    x = torch.randn(4)
    _, pull = vjp(lambda x: torch.special.erf(x) * x, x)
    linear = lambda c: (pull(c)[0] * 2).sum()
    torch.testing.assert_close(grad(linear)(torch.ones(4)), 2 * pull(torch.ones(4))[0])


def test_random_numbers_are_drawn_once():
    x = torch.ones(1000)
    f = lambda x: torch.nn.functional.dropout(x * x, 0.5)
    out, pull = vjp(f, x)
    assert torch.equal(pull(torch.ones(1000))[0] / 2, out)
    out, tangent = jvp(f, (x,), (x,))
    assert torch.equal(tangent / 2, out)
    out, tangent = jvp(lambda x: vjp(f, x)[1](torch.ones(1000))[0], (x,), (x,))
    assert torch.equal(tangent, out)


# What goes in and comes out


def test_integers_and_booleans_beside_floats_are_constants():
    x, i = torch.ones(3), torch.tensor([0, 1])
    out, pull = vjp(lambda x, i: x[i], x, i)
    gradient = pull(torch.ones(2))
    assert gradient[0].tolist() == [1, 1, 0]
    assert gradient[1] is None
    (values_, indices), pull = vjp(lambda x: torch.max(x, 0), torch.tensor([1.0, 4.0, 2.0]))
    assert indices.item() == 1
    assert pull(torch.return_types.max((ONE, None)))[0].tolist() == [0, 1, 0]


def test_parameters_and_numbers_are_leaves():
    weight = torch.nn.Parameter(torch.ones(2))
    (g, h) = vjp(lambda w, s: w * s, weight, 2.0)[1](torch.ones(2))
    assert type(g) is torch.Tensor
    assert (g.tolist(), h.tolist()) == ([2, 2], 2)


def test_two_libraries_in_one_call():
    with pytest.raises(TypeError, match=r"primals\[0\].*numpy.ndarray.*torch"):
        vjp(lambda x, y: x, np.ones(3), {"a": torch.ones(3)})
    with pytest.raises(TypeError, match="NumPy"):
        grad(lambda x: (np.ones(3) * x).sum())(torch.ones(3))
    with pytest.raises(TypeError, match=r"np\.sin"):
        grad(lambda x: np.sin(x))(ONE)


def test_no_primals():
    out, pull = vjp(lambda: torch.ones(2))
    assert pull(torch.ones(2)) == ()


def test_dtypes_follow_the_primals():
    single, double = torch.ones(3), torch.ones(3, dtype=torch.float64)
    out, pull = vjp(lambda x, y: x * y, single, double)
    assert out.dtype is torch.float64
    assert [g.dtype for g in pull(double)] == [torch.float32, torch.float64]


def test_complex_derivatives_are_adjoints():
    z = torch.tensor(1 + 2j)
    assert vjp(lambda z: z**2, z)[1](torch.tensor(1 + 0j))[0].item() == 2 - 4j
    assert jvp(lambda z: z**2, (z,), (torch.tensor(1j),))[1].item() == -4 + 2j
    assert grad(lambda z: z.abs() ** 2)(z).item() == pytest.approx(2 + 4j)


def test_results_share_memory_with_nothing():
    x, c = torch.ones(3), torch.ones(3)
    vjp(lambda x: x[:1], x)[0].add_(5)
    vjp(lambda x: x, x)[0].add_(5)
    assert x.tolist() == [1, 1, 1]
    out, pull = vjp(lambda a, b: a + b, x, x)
    first, second = pull(c)
    first.add_(1)
    assert second.tolist() == c.tolist() == [1, 1, 1]
    out.mul_(7)
    assert pull(c)[0].tolist() == [1, 1, 1]


def test_row_52_what_the_pullback_needs_is_guarded():
    x = torch.ones(3)
    _, pull = vjp(lambda x: x * x, x)
    x.mul_(5)
    with pytest.raises(pullback.StaleValueError):
        pull(torch.ones(3))
    w = torch.ones(3)
    _, pull = vjp(lambda x: x * w, x)
    w.mul_(5)
    with pytest.raises(pullback.StaleValueError):
        pull(torch.ones(3))
    out, pull = vjp(lambda x: x.exp(), torch.zeros(3))
    out.mul_(5)
    assert pull(torch.ones(3))[0].tolist() == [1, 1, 1]


# Ways out


def test_values_can_be_read_and_branched_on():
    def f(x):
        assert isinstance(x, torch.Tensor)
        assert x.requires_grad
        if x > 2:
            return x * x.item()
        return x

    assert grad(f)(X).item() == 3


PLAIN = torch.zeros(1)


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.numpy(),
        float,
        int,
        np.asarray,
        lambda x: PLAIN.add_(x),
        lambda x: PLAIN.__setitem__(0, x),
        lambda x: torch.mul(x, x, out=PLAIN),
        lambda x: torch.tensor(x),
        lambda x: x.backward(),
    ],
)
def test_what_would_lose_a_derivative_raises(convert):
    def f(x):
        convert(x * 1)
        return x

    for transform in (grad(f), lambda x: jvp(f, (x,), (x,))):
        with pytest.raises((TypeError, RuntimeError)):
            transform(X)


def test_row_71_escaped_values_raise_and_can_be_printed():
    kept = []
    grad(lambda x: (kept.append(x), x * x)[1])(X)
    with pytest.raises(pullback.EscapedTracerError, match="grad"):
        kept[0] + 1
    with pytest.raises(pullback.EscapedTracerError, match="grad"):
        torch.special.erf(kept[0])
    assert "tensor(3.)" in repr(kept[0])


def test_row_66_worker_threads_are_followed():
    def f(x):
        found = []
        thread = threading.Thread(target=lambda: found.append(x * torch.special.erf(x)))
        thread.start()
        thread.join()
        return found[0]

    torch.testing.assert_close(grad(f)(X), torch.func.grad(lambda x: x * torch.special.erf(x))(X))


# torch's own machinery inside a function


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return cotangent * 300 * x**2


APPLY = Cube.apply


def test_row_74_functions_with_their_own_backward():
    assert values(grad(APPLY)(X), grad(grad(APPLY))(X)) == (2700, 1800)
    plain = X.clone().requires_grad_()
    APPLY(plain).backward()
    assert plain.grad.item() == 2700


@pytest.mark.parametrize("reentrant", [False, True])
def test_row_77_checkpoints(reentrant):
    from torch.utils.checkpoint import checkpoint

    f = lambda x: torch.special.erf(x.sin()) ** 2
    g = grad(lambda x: checkpoint(f, x, use_reentrant=reentrant))
    torch.testing.assert_close(g(X), torch.func.grad(f)(X))


def test_inside_the_transforms_of_torch_func():
    x = torch.randn(3, 2)
    f = lambda x: (x.sin() * x).sum()
    torch.testing.assert_close(torch.func.vmap(grad(f))(x), torch.func.vmap(torch.func.grad(f))(x))
    g = lambda x: (grad(f)(x) ** 2).sum()
    theirs = lambda x: (torch.func.grad(f)(x) ** 2).sum()
    torch.testing.assert_close(torch.func.grad(g)(x), torch.func.grad(theirs)(x))


def test_views_of_torch_functions_without_a_rule_alias_their_base():
    def f(x):
        y = x * 2
        windows = y.unfold(0, 2, 1)
        y[1] = x[0] * x[1]
        windows[0] = windows[0] * 3
        return (y**2).sum()

    def expected(x):
        middle = x[0] * x[1]
        return (6 * x[0]) ** 2 + (3 * middle) ** 2 + (2 * x[2]) ** 2

    x = torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(vjp(f, x)[0], expected(x))
    torch.testing.assert_close(grad(f)(x), torch.func.grad(expected)(x))


def test_views_of_arguments_that_share_memory_are_of_the_right_one():
    def f(x):
        y = x * 2
        parts = torch.atleast_3d(y, y.mT, y[0])
        return sum((place + 1) * (part**3).sum() for place, part in enumerate(parts))

    x = torch.randn(3, 3, dtype=torch.float64)
    torch.testing.assert_close(grad(f)(x), torch.func.grad(f)(x))


@pytest.mark.parametrize("outer", [pullback.jacrev, pullback.jacfwd])
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("inner", [pullback.jacrev, pullback.jacfwd])
def test_second_derivatives_through_the_transpose_of_a_view(outer, inner):
    f = lambda x: torch.linalg.cholesky(x @ x.mT).diagonal().log().sum()
    x = torch.randn(3, 3, dtype=torch.float64) + 2 * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(outer(inner(f))(x), torch.func.hessian(f)(x))


@pytest.mark.parametrize("increasing", [False, True])
def test_powers_that_torch_writes_in_place(increasing):
    exponents = torch.arange(4) if increasing else torch.arange(4).flip(0)
    x = torch.randn(3, dtype=torch.float64)
    f = lambda x: torch.vander(x, 4, increasing).sin().sum()
    expected = torch.func.grad(lambda x: (x[:, None] ** exponents).sin().sum())
    torch.testing.assert_close(vjp(f, x)[0], (x[:, None] ** exponents).sin().sum())
    torch.testing.assert_close(grad(f)(x), expected(x))


@pytest.mark.parametrize(
    "f",
    [torch.sum, torch.mean, torch.amax, torch.max, lambda x: torch.logsumexp(x, 0)],
    ids=["sum", "mean", "amax", "max", "logsumexp"],
)
def test_vmap_of_a_reduction_of_numbers_leaves_every_example_its_own(f):
    """Over no axes torch reduces all of them, the batch's too."""
    x = torch.randn(4, dtype=torch.float64)
    squared = lambda x: f(x) ** 2
    for ours, theirs in ((squared, squared), (grad(squared), torch.func.grad(squared))):
        torch.testing.assert_close(pullback.vmap(ours)(x), torch.func.vmap(theirs)(x))
