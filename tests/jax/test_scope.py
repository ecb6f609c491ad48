"""Where pullback stands among JAX's transforms: constants, captured values, and what is refused."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
ode = pytest.importorskip("jax.experimental.ode")
import jax.numpy as jnp  # noqa: E402

import pullback  # noqa: E402

X = np.array([0.5, -1.25, 2.0], np.float32)


def stopped(x):
    return jnp.sum(pullback.stop_gradient(x) * x)


def paused(x):
    with pullback.no_grad():
        constant = jnp.asarray(x) + 0.0
        assert pullback.grad(lambda y: jnp.sum(y * y))(constant) is not None
    return jnp.sum(constant * x)


# Ways to differentiate sum(constant(x) * x): by x, once.
WAYS = {
    "pullback.grad": lambda f, x: pullback.grad(f)(x),
    "jax.grad": lambda f, x: jax.grad(f)(x),
    "jit of jax.grad": lambda f, x: jax.jit(jax.grad(f))(x),
    "in jit": lambda f, x: pullback.grad(jax.jit(f))(x),
    "in jax.vmap": lambda f, x: pullback.grad(lambda x: jax.vmap(f)(x[None])[0])(x),
    "captured in scan": lambda f, x: pullback.grad(
        lambda x: jax.lax.scan(lambda c, _: (c + f(x), None), 0.0, None, length=1)[0]
    )(x),
    "in scan": lambda f, x: pullback.grad(
        lambda x: jax.lax.scan(lambda c, row: (c + f(row), None), 0.0, x[None])[0]
    )(x),
    "jax.jvp": lambda f, x: jax.vmap(lambda v: jax.jvp(f, (x,), (v,))[1])(jnp.eye(3)),
}


@pytest.mark.parametrize("f", [stopped, paused])
@pytest.mark.parametrize("name", WAYS)
def test_constants_are_constants_to_jaxs_transforms_too(f, name):
    np.testing.assert_allclose(WAYS[name](f, jnp.asarray(X)), X, rtol=1e-6)


def test_what_starts_inside_of_no_grad_is_followed():
    def program(x):
        with pullback.no_grad():
            return jax.grad(lambda y: jnp.sum(y**3))(x), pullback.grad(lambda y: jnp.sum(y**3))(x)

    x = jnp.asarray(X)
    for f in (program, jax.jit(program)):
        for gradient in f(x):
            np.testing.assert_allclose(gradient, 3 * X**2, rtol=1e-6)
    assert not np.any(jax.grad(lambda x: sum(map(jnp.sum, program(x))))(x))


def test_a_rule_of_jaxs_that_calls_its_function_again():
    """`logaddexp` has one; JAX asks which of its functions has run, and must find one."""
    f = lambda x: jax.lax.cumlogsumexp(x).sum()
    x = jnp.asarray(X)
    np.testing.assert_allclose(pullback.grad(f)(x), jax.grad(f)(x), rtol=1e-5)
    np.testing.assert_allclose(pullback.hessian(f)(x), jax.hessian(f)(x), rtol=1e-4, atol=1e-6)


def test_a_captured_value_becomes_an_argument_of_closure_convert():
    """JAX asks a tracer whether it may have a derivative; `odeint` relies on that."""
    times = jnp.linspace(0.0, 1.0, 3)
    f = lambda x: ode.odeint(lambda y, t: -y * x[0] ** 2, x, times).sum()
    x = jnp.asarray(X)
    np.testing.assert_allclose(pullback.grad(f)(x), jax.grad(f)(x), rtol=1e-3)


def _shard_map(x):
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("i")
    f = jax.shard_map(lambda a: jnp.sin(a) * jax.lax.psum(a, "i"), mesh=mesh, in_specs=spec,
                      out_specs=spec)  # fmt: skip
    return f(x).sum()


def _filled(x):
    ref = jax.new_ref(jnp.zeros(3))
    ref[0] = x[1] * 2
    return jnp.sum(ref[...] ** 2)


def _overwritten(x):
    ref = jax.new_ref(x)
    ref[0] = x[1] * 2
    return jnp.sum(ref[...] ** 2)


@pytest.mark.parametrize("f", [_shard_map, _filled, _overwritten])
def test_what_is_not_followed_is_refused_and_followed_inside_of_jit(f):
    if f is not _shard_map and not hasattr(jax, "new_ref"):
        pytest.skip("this JAX has no references")
    x = jnp.asarray(X)
    with pytest.raises(pullback.UnsupportedError, match=r"jax\.jit\(function\)"):
        pullback.grad(f)(x)
    np.testing.assert_allclose(pullback.grad(jax.jit(f))(x), jax.grad(f)(x), rtol=1e-5)


def test_linear_transpose_compiles():
    x = jnp.asarray(X)
    transposed = jax.jit(lambda v: pullback.linear_transpose(lambda y: jnp.cumsum(y) * 2, x)(v)[0])
    np.testing.assert_allclose(transposed(jnp.arange(3.0)), [6.0, 6.0, 4.0])
