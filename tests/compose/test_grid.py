"""The composition grid: every transform inside every other one, on every kind of op.

A transform here is a function from a function R^3 -> R^3 to another such, so that they nest in any
order. Each has a reference that only evaluates the function it is given, by finite differences or
a loop. A chain of transforms is compared with the reference of its outermost one on the rest of
the chain, which is a shorter chain of the grid: so every chain rests on finite differences.

To add a transform, add a row to `TRANSFORMS`; to add an op, one to `FUNCTIONS`.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback
from pullback import (
    EscapedTracerError,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vhp,
    vjp,
    vmap,
)
from tests.threads import at_once

X = np.array([0.4, -0.7, 1.3])
V = np.array([0.3, 1.1, -0.5])
W = np.array([0.9, -0.4, 0.6])
SCALES = np.array([1.0, 0.8])


def weighted(f):
    return lambda x: np.sum(W * f(x))


# References: they only evaluate f, at points near x.


def derivative_along(f, x, v):
    h = 1e-3
    near = f(x + h * v) - f(x - h * v)
    far = f(x + 2 * h * v) - f(x - 2 * h * v)
    return (8 * near - far) / (12 * h)


def by_differences(f):
    return lambda x: derivative_along(f, x, V)


def gradient_by_differences(f):
    return lambda x: np.array([derivative_along(weighted(f), x, e) for e in np.eye(3)])


def hessian_by_differences(f):
    return lambda x: derivative_along(lambda x: grad(weighted(f))(x), x, V)


def by_loop(f):
    return lambda x: sum(f(x * s) for s in SCALES)


# Transforms.


def with_writes(f):
    def g(x):
        y = f(x * 1.0) * 1.0
        tail = y[1:]
        y[0] *= x[2]
        tail += np.sin(y[:2])
        y[[2, 0]] = y[[0, 2]] * x[:2]
        return y

    return g


def without_writes(f):
    def g(x):
        a, b, c = f(x)
        a = a * x[2]
        b, c = b + np.sin(a), c + np.sin(b)
        return np.array([c * x[1], b, a * x[0]])

    return g


# Functions whose derivative is not their own code's: it is what a rule says, or a second run.


def itself(f):
    return f


def with_vjp_rule(f):
    function = pullback.custom_vjp(lambda x: f(x))
    return function.def_vjp(lambda x: vjp(f, x), lambda pull, cotangent: pull(cotangent))


def with_jvp_rule(f):
    function = pullback.custom_jvp(lambda x: f(x))
    return function.def_jvp(lambda primals, tangents: jvp(f, primals, tangents))


def as_root(f):
    """The z with a residual that is zero at f(x), and whose derivative depends on both."""

    def residual(z, x):
        y = f(x)
        return (z - y) * (2 + np.sin(z * y))

    return pullback.custom_root(residual, f)


TRANSFORMS = {
    "vjp": (lambda f: lambda x: vjp(f, x)[1](W)[0], gradient_by_differences),
    "grad": (lambda f: grad(weighted(f)), gradient_by_differences),
    "jvp": (lambda f: lambda x: jvp(f, (x,), (V,))[1], by_differences),
    "linearize": (lambda f: lambda x: linearize(f, x)[1](V), by_differences),
    "jacrev": (lambda f: lambda x: jacrev(f)(x) @ V, by_differences),
    "jacfwd": (lambda f: lambda x: jacfwd(f)(x) @ V, by_differences),
    "chunks": (lambda f: lambda x: jacfwd(f, chunk_size=2)(x) @ V, by_differences),
    "vmap": (lambda f: lambda x: np.sum(vmap(lambda s: f(x * s))(SCALES), axis=0), by_loop),
    "writes": (with_writes, without_writes),
    "hessian": (lambda f: lambda x: hessian(weighted(f))(x) @ V, hessian_by_differences),
    "hvp": (lambda f: lambda x: hvp(weighted(f), (x,), (V,))[1][0], hessian_by_differences),
    "vhp": (lambda f: lambda x: vhp(weighted(f), (x,), (V,))[1][0], hessian_by_differences),
}
RULES = {
    "checkpoint": (pullback.checkpoint, itself),
    "custom_vjp": (with_vjp_rule, itself),
    "custom_jvp": (with_jvp_rule, itself),
    "root": (as_root, itself),
}
TRANSFORMS |= RULES
FIRST_ORDER = ["vjp", "jvp", "linearize", "jacrev", "jacfwd", "vmap", "writes"]


# Functions R^3 -> R^3, one for each kind of op.


def elementwise(x):
    return np.where(x > 0, np.tanh(x) * x, np.exp(x / 3) / (2 + x**2)) + np.hypot(x, 1.0)


def linear(x):
    y = np.concatenate([np.cumsum(x), x[::-1]]).reshape(2, 3).T
    return np.stack([y[0, 0], y[1, 1], y.sum()]) * np.roll(x, 1)


def multilinear(x):
    return np.einsum("i,j,j->i", x, x, np.sin(x)) + np.outer(x, x) @ np.array([1.0, 2.0, 3.0])


def opaque(x):
    matrix = 3 * np.eye(3) + np.outer(x, np.cos(x))
    return np.linalg.solve(matrix, x) * np.prod(x) + np.linalg.slogdet(matrix)[1]


def indices(x):
    return x[[2, 0, 0]] * np.take(x, [1, 1, 2]) * x[::-1] ** 2 + x[:, None][1:2, 0]


def constant(x):
    return np.floor(3 * x) * x**2 + np.sign(x) + pullback.stop_gradient(x * 0 + 1) * np.sin(x)


def composite(x):
    buffer = np.exp(x)
    for _ in range(2):
        buffer[1:] += 0.3 * np.sin(buffer[:-1]) * x[0]
        view = buffer[::2]
        buffer[1] = view[0] * view[1] * 0.2
        view *= 0.5
    return buffer - buffer.mean() + np.var(x)


FUNCTIONS = [elementwise, linear, multilinear, opaque, indices, constant, composite]


def check(chain, f):
    for name in chain[:0:-1]:
        f = TRANSFORMS[name][0](f)
    transform, reference = TRANSFORMS[chain[0]]
    got, expected = transform(f)(X), reference(f)(X)
    assert type(got) is np.ndarray
    assert got.shape == (3,)
    scale = 1 + np.max(np.abs(expected))
    np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-7 * scale)


PAIRS = list(itertools.product(TRANSFORMS, repeat=2))
TRIPLES = list(itertools.product(FIRST_ORDER, repeat=3))
# A sample of those with a rule in them: all would take minutes.
RULE_TRIPLES = [
    chain
    for chain in itertools.product([*FIRST_ORDER, "hvp", *RULES], repeat=3)
    if set(chain) & set(RULES)
][::7]
named = "-".join


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_agrees_with_its_reference(name, f):
    check((name,), f)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("chain", PAIRS, ids=named)
def test_every_pair_of_transforms_agrees_with_its_reference(chain, f):
    check(chain, f)


@pytest.mark.parametrize("chain", TRIPLES, ids=named)
def test_every_triple_of_first_order_transforms_agrees_with_its_reference(chain):
    check(chain, lambda x: elementwise(x) + multilinear(x))


@pytest.mark.parametrize("f", [linear, opaque, indices, composite], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "chain",
    [c for c in itertools.permutations(FIRST_ORDER, 3) if "writes" in c or "vmap" in c][::5],
    ids=named,
)
def test_triples_with_batches_and_writes_on_other_kinds_of_ops(chain, f):
    check(chain, f)


@pytest.mark.parametrize("chain", RULE_TRIPLES, ids=named)
def test_triples_with_rules_on_a_program_that_writes(chain):
    check(chain, composite)


DERIVATIVES = {
    "grad": grad,
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0)[0],
    "jvp": lambda f: lambda x: jvp(f, (x,), (1.0,))[1],
    "linearize": lambda f: lambda x: linearize(f, x)[1](1.0),
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "vmap": lambda f: lambda x: vmap(grad(f))(np.stack([x]))[0],
}


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(DERIVATIVES, repeat=2)))
def test_row_73_perturbations_are_not_confused(outer, inner):
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: x * e(lambda y: x + y)(1.0))(1.0) == 1.0
    assert d(lambda x: x * e(lambda y: x * y)(2.0))(3.0) == 6.0


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_row_65_an_exception_leaves_nothing_behind(outer, inner):
    class OwnError(Exception):
        pass

    def failing(x):
        np.exp(x)
        raise OwnError

    of = lambda f: TRANSFORMS[outer][0](TRANSFORMS[inner][0](f))
    with pytest.raises(OwnError):
        of(failing)(X)
    assert not pullback.core.open_pauses
    np.testing.assert_array_equal(of(np.sin)(X), of(np.sin)(X))
    check((outer,), np.sin)


@pytest.mark.parametrize(("outer", "inner"), [pair for pair in PAIRS if not set(pair) & set(RULES)])
def test_rows_71_and_72_a_value_that_escaped_raises(outer, inner):
    seen = []

    def leaking(x):
        seen.append(x)
        return np.sin(x)

    TRANSFORMS[outer][0](TRANSFORMS[inner][0](leaking))(X)
    escaped = seen[0]
    if outer == inner == "writes":
        assert type(escaped) is np.ndarray
        return
    with pytest.raises(EscapedTracerError):
        np.cos(escaped)


def test_transforms_in_many_threads_are_independent():
    chains = list(itertools.permutations(["vjp", "jvp", "vmap", "linearize"], 2))
    expected = {c: TRANSFORMS[c[0]][0](TRANSFORMS[c[1]][0](composite))(X) for c in chains}
    errors = []

    def work(i):
        chain = chains[i]
        for _ in range(5):
            got = TRANSFORMS[chain[0]][0](TRANSFORMS[chain[1]][0](composite))(X)
            if not np.array_equal(got, expected[chain]):
                errors.append(chain)

    at_once(work, len(chains))
    assert not errors
