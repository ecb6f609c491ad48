"""Rules that pullback's user stated hold where JAX's own transforms ask for the derivative."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

import pullback  # noqa: E402

X = np.array([0.5, -1.25, 2.0], np.float32)


@pullback.custom_vjp
def seven(x):
    return jnp.sin(x)


seven.def_vjp(lambda x: (seven(x), x), lambda x, cotangent: (7 * x * cotangent,))


@pullback.custom_jvp
def five(x):
    return jnp.sin(x)


five.def_jvp(lambda primals, tangents: (five(primals[0]), 5 * primals[0] * tangents[0]))

# How a program comes to call a function with a rule; the rule's derivative of `sum(f(x))`.
CALLS = {
    "jax.grad": lambda f, x: jax.grad(lambda x: f(x).sum())(x),
    "jit of jax.grad": lambda f, x: jax.jit(jax.grad(lambda x: f(x).sum()))(x),
    "jax.vmap of jax.grad": lambda f, x: jax.vmap(jax.grad(f))(x),
    "jax.vjp of a vmap": lambda f, x: jax.vjp(jax.vmap(f), x)[1](jnp.ones(3))[0],
    "in jit": lambda f, x: pullback.grad(lambda x: jax.jit(f)(x).sum())(x),
    "in scan": lambda f, x: pullback.grad(
        lambda x: jax.lax.scan(lambda c, row: (c, f(row)), 0.0, x)[1].sum()
    )(x),
    "captured in scan": lambda f, x: pullback.grad(
        lambda x: jax.lax.scan(lambda c, i: (c + f(x)[i], None), 0.0, jnp.arange(3))[0]
    )(x),
    "in jax.vmap": lambda f, x: pullback.grad(lambda x: jax.vmap(f)(x).sum())(x),
    "jax.grad in pullback.grad": lambda f, x: pullback.grad(
        lambda s: jax.grad(lambda y: f(y * s).sum())(x / 2).sum()
    )(jnp.float32(1.0)),
    "jax.grad of pullback.grad": lambda f, x: jax.grad(
        lambda s: pullback.grad(lambda y: f(y * s).sum())(x / 2).sum()
    )(jnp.float32(1.0)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("f", "factor"), [(seven, 7), (five, 5)])
def test_the_rule_holds_in_and_under_jaxs_transforms(f, factor, name):
    got = CALLS[name](f, jnp.asarray(X))
    # The last two are derivatives of s * sum(factor * (s * x / 2)) in s.
    expected = factor * X if got.shape else 2 * factor * (X / 2).sum()
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize(("f", "factor"), [(seven, 7), (five, 5)])
def test_a_python_number(f, factor):
    np.testing.assert_allclose(jax.grad(f)(2.0), 2.0 * factor)
    np.testing.assert_allclose(jax.jit(jax.grad(jax.jit(f)))(2.0), 2.0 * factor)


def test_an_op_by_kind_does_not_lose_its_rule_to_jax():
    op = pullback.elementwise(jnp.sin, lambda x: 7 * x)
    x = jnp.asarray(X)
    for run in (jax.grad(lambda x: op(x).sum()), pullback.grad(lambda x: jax.jit(op)(x).sum())):
        with pytest.raises(pullback.UnsupportedError, match="custom_vjp"):
            run(x)


def test_tangents_of_jaxs_take_the_rule_for_tangents():
    x = jnp.asarray(X)
    out, moved = jax.jvp(five, (x,), (x,))
    np.testing.assert_allclose(out, np.sin(X), rtol=1e-6)
    np.testing.assert_allclose(moved, 5 * X * X, rtol=1e-5)


def test_trees_integers_and_complex_arguments():
    @pullback.custom_vjp
    def power(p, n):
        return {"out": p["z"] ** n, "n": n}

    def backward(residuals, cotangent):
        p, n = residuals
        assert cotangent["n"] is None
        return {"z": cotangent["out"] * jnp.conj(n * p["z"] ** (n - 1))}, None

    power.def_vjp(lambda p, n: (power(p, n), (p, n)), backward)
    z = jnp.asarray(X + 1j)
    theirs = jax.grad(lambda z: jnp.sum(jnp.abs(power({"z": z}, jnp.asarray(3))["out"])))(z)
    np.testing.assert_allclose(theirs, jax.grad(lambda z: jnp.sum(jnp.abs(z**3)))(z), rtol=1e-4)


def _newton(a):
    step = lambda _, y: y - (y**3 + y - a) / (3 * y**2 + 1)
    return jax.lax.fori_loop(0, 40, step, jnp.ones_like(a))


root = pullback.custom_root(lambda y, a: y**3 + y - a, _newton)


@pytest.mark.parametrize("grad", [jax.grad, pullback.grad])
def test_a_root_has_its_derivative_under_both_libraries(grad):
    a = jnp.asarray(X)
    expected = 1 / (3 * _newton(a) ** 2 + 1)
    np.testing.assert_allclose(grad(lambda a: root(a).sum())(a), expected, rtol=1e-4)


def test_a_root_under_jit_has_a_value_and_says_that_its_derivative_needs_values():
    a = jnp.asarray(X)
    np.testing.assert_allclose(jax.jit(root)(a), _newton(a), rtol=1e-6)
    with pytest.raises(pullback.UnsupportedError, match=r"custom_root.*outside of jax\.jit"):
        jax.jit(pullback.grad(lambda a: root(a).sum()))(a)
