"""JAX arrays: the same numbers as JAX's own transforms, eagerly and compiled, alone and nested."""

import functools

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

import pullback  # noqa: E402

X = np.array([0.5, -1.25, 2.0])
A = np.arange(9.0).reshape(3, 3) / 7 + np.eye(3)


@pytest.fixture(autouse=True)
def _x64():
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        yield


def agree(got, want, rtol=1e-8):
    got, want = jax.tree.leaves(got), jax.tree.leaves(want)
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        np.testing.assert_allclose(
            np.asarray(one, np.complex128), np.asarray(other, np.complex128), rtol=rtol, atol=1e-10
        )


def attention(x):
    weights = jax.nn.softmax(x @ x.T / jnp.sqrt(3.0), axis=-1)
    return jnp.sum(jnp.sin(weights @ x))


def kalman(x):
    def step(state, y):
        mean, cov = state
        cov = x @ cov @ x.T + jnp.eye(3)
        gain = jnp.linalg.solve(cov + jnp.eye(3), cov).T
        mean = x @ mean + gain @ (y - x @ mean)
        return (mean, cov - gain @ cov), mean

    _, means = jax.lax.scan(step, (jnp.ones(3), jnp.eye(3)), jnp.ones((4, 3)))
    return jnp.sum(means**2)


PROGRAMS = {
    "pointwise": lambda x: jnp.sum(jnp.sin(x) * jnp.exp(x) / (1 + x**2)),
    "mlp": lambda x: jnp.sum(jax.nn.gelu(jnp.tanh(x @ x) + 1) @ x[0]),
    "relu": lambda x: jnp.sum(jax.nn.relu(x - 0.4) ** 3),
    "logistic": lambda x: jnp.mean(jax.nn.softplus(-x) + jax.nn.sigmoid(x)),
    "attention": attention,
    "kalman": kalman,
    "ode": lambda x: jnp.sum(jax.lax.fori_loop(0, 5, lambda _, y: y + 0.1 * jnp.sin(y @ x), x)),
    "fft": lambda x: jnp.sum(jnp.abs(jnp.fft.fft(x)) ** 3),
    "solve": lambda x: jnp.sum(jnp.linalg.solve(x, x[0])),
    "slogdet": lambda x: jnp.linalg.slogdet(x @ x.T)[1],
    "eigh": lambda x: jnp.sum(jnp.linalg.eigh(x + x.T)[0] ** 3),
    "at": lambda x: jnp.sum(jnp.sin(x.at[0].set(x[1] ** 2).at[1:, 0].add(3.0).at[2].mul(x[0]))),
    "gather": lambda x: jnp.sum(x[jnp.array([0, 2, 2])] ** 2 * x[:, ::-1]),
    "methods": lambda x: (x.T.reshape(-1).sum() * x.mean() + x.max() - x.dot(x)[0, 0]) ** 2,
    "where": lambda x: jnp.sum(jnp.where(x > 0.5, jnp.log(x + 1), x**2)),
    "logsumexp": lambda x: jax.scipy.special.logsumexp(x * x),
    "cond": lambda x: jnp.sum(jax.lax.cond(x[0, 0] > 0, lambda: x**3, lambda: x)),
    "closure": lambda x: jnp.sum(jax.lax.scan(lambda c, a: (c * x[0, 0], c + a), 1.0, x[1])[1]),
    "jit": lambda x: jax.jit(lambda y: jnp.sum(jnp.sin(y) * jnp.cos(y @ y) / jnp.sum(y)))(x),
    "their_grad": lambda x: jnp.sum(jax.grad(lambda y: jnp.sum(jnp.sin(y @ y)))(x) ** 2),
    "their_vmap": lambda x: jnp.sum(jax.vmap(lambda row: row * jnp.sum(x @ row))(x)),
    "remat": lambda x: jnp.sum(jax.checkpoint(lambda y: jnp.sin(jnp.sin(y)))(x) ** 2),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_and_hessian_products_are_jaxs(name):
    f, a, v = PROGRAMS[name], jnp.asarray(A), jnp.asarray(np.cos(A))
    want = jax.grad(f)(a)
    agree(pullback.grad(f)(a), want)
    agree(jax.jit(pullback.grad(f))(a), want)
    agree(pullback.jvp(f, (a,), (v,)), jax.jvp(f, (a,), (v,)))
    agree(pullback.hvp(f, (a,), (v,))[1][0], jax.jvp(jax.grad(f), (a,), (v,))[1], 1e-6)


@pytest.mark.parametrize("name", ["mlp", "relu", "attention", "at", "solve", "jit", "cond"])
def test_batches_are_jaxs(name):
    f, batch = PROGRAMS[name], jnp.asarray(np.stack([A, A + 0.1]))
    want = jax.vmap(jax.grad(f))(batch)
    agree(pullback.vmap(pullback.grad(f))(batch), want)
    agree(jax.vmap(pullback.grad(f))(batch), want)
    agree(jax.jit(pullback.vmap(pullback.grad(f)))(batch), want)
    agree(pullback.grad(lambda b: pullback.vmap(f)(b).sum())(batch), want)


def transformed(module, kind, f):
    if kind == "grad":
        return module.grad(f)
    if kind == "jvp":
        return lambda y: module.jvp(f, (y,), (y * 2.0,))[1]
    if kind == "hessian":
        return module.hessian(f)
    return lambda y: module.vmap(lambda s: f(s * y))(jnp.asarray(X)).sum()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("libraries", ["PJP", "JPJ", "PPP"])
@pytest.mark.parametrize(
    "kinds", ["grad jvp grad", "jvp grad jvp", "vmap jvp grad", "grad vmap jvp"]
)
def test_transforms_of_both_libraries_nest(kinds, libraries, compiled):
    """Boxes of the outer transform, captured in the inner ones, keep their derivatives."""

    def build(modules):
        one, two, three = (
            functools.partial(transformed, module, kind)
            for module, kind in zip(modules, kinds.split(), strict=True)
        )
        return one(lambda y: two(lambda z: three(lambda w: jnp.sin(w * z) * y**2)(z * y) * z)(y))

    mixed = build([{"P": pullback, "J": jax}[letter] for letter in libraries])
    mixed = jax.jit(mixed) if compiled else mixed
    y = jnp.asarray(0.75)
    agree(mixed(y), build([jax] * 3)(y))


def test_an_outer_box_reaches_an_inner_pullback_through_jit():
    def program(library):
        def g(y):
            def h(z):
                out, pull = library.vjp(lambda w: jnp.sin(w) * z * y, z)
                return pull(y)[0] * out

            return jax.jvp(h, (y,), (y * y,))[1]

        return g

    y = jnp.asarray(0.75)
    agree(pullback.grad(program(pullback))(y), jax.grad(program(jax))(y))
    agree(pullback.grad(jax.jit(program(pullback)))(y), jax.grad(program(jax))(y))


def test_functions_with_rules_of_jaxs_keep_them():
    @jax.custom_vjp
    def reverse(x):
        return jnp.sin(x)

    reverse.defvjp(lambda x: (jnp.sin(x), x), lambda x, ct: (7 * x * ct,))

    @jax.custom_jvp
    def forward(x):
        return jnp.sin(x)

    forward.defjvp(lambda xs, ts: (forward(xs[0]), 5 * xs[0] * ts[0]))
    x = jnp.asarray(X)
    for function in (reverse, forward):
        f = lambda x, function=function: jnp.sum(function(x))
        agree(pullback.grad(f)(x), jax.grad(f)(x))
        agree(pullback.hessian(f)(x), jax.hessian(f)(x))
        agree(jax.jit(pullback.hessian(f))(x), jax.hessian(f)(x))
        agree(
            pullback.vmap(pullback.grad(f))(jnp.asarray(A)), jax.vmap(jax.grad(f))(jnp.asarray(A))
        )


def test_checkpoint_and_custom_rules_compile():
    @pullback.custom_vjp
    def seven(x):
        return jnp.sin(x)

    seven.def_vjp(lambda x: (jnp.sin(x), x), lambda x, ct: (7 * x * ct,))
    x = jnp.asarray(X)
    f = lambda x: jnp.sum(pullback.checkpoint(lambda y: jnp.sin(y) * jnp.sum(x))(x))
    agree(jax.jit(pullback.grad(f))(x), jax.grad(lambda x: jnp.sum(jnp.sin(x) * jnp.sum(x)))(x))
    for batched in (pullback.vmap, jax.vmap):
        agree(jax.jit(batched(pullback.grad(lambda x: jnp.sum(seven(x)))))(jnp.asarray(A)), 7 * A)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "complex64"])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1, 3), (3, 2)])
def test_dtypes_and_odd_shapes(dtype, shape):
    x = jnp.asarray(np.random.default_rng(0).normal(size=shape)).astype(dtype)
    f = lambda x: jnp.sin(x) * x
    ct = jnp.ones(shape, dtype)
    want = jnp.conj(jax.vjp(f, x)[1](jnp.conj(ct))[0])  # JAX's is bilinear, ours the adjoint
    out, pull = pullback.vjp(f, x)
    agree(out, f(x), 1e-2 if dtype == "bfloat16" else 1e-5)
    agree(pull(ct)[0], want, 2e-2 if dtype == "bfloat16" else 1e-5)


@pytest.mark.parametrize(
    "f",
    [
        jnp.sin,
        lambda a: a * jnp.float32(3),
        lambda a: jnp.sum(a * jnp.asarray(X)),
        lambda a: jax.nn.relu(a) * 2.0,
        lambda a: jnp.where(a > 0, a, 0.0),
        lambda a: jnp.asarray(1.0) + 0 * a,
        lambda a: jnp.float32(1.0),
    ],
)
@pytest.mark.parametrize("weak", [False, True])
def test_gradients_are_as_weakly_typed_as_their_primals(f, weak):
    a = jnp.asarray(2.0) if weak else jnp.asarray(2.0, jnp.float64)
    assert jax.typeof(a).weak_type == weak
    for grad in (pullback.grad(f), jax.jit(pullback.grad(f)), pullback.grad(pullback.grad(f))):
        assert jax.typeof(grad(a)).weak_type == weak
    agree(pullback.grad(f)(a), jax.grad(f)(a))
    agree(pullback.jvp(f, (a,), (a,)), jax.jvp(f, (a,), (a,)))


def test_a_gradient_is_a_carry_of_scan():
    """The carry's type must not change: it is weak where JAX's would be."""
    step = lambda library: lambda c, _: (c - 0.1 * library.grad(lambda a: a**2)(c), None)
    agree(jax.lax.scan(step(pullback), 1.0, None, 3)[0], jax.lax.scan(step(jax), 1.0, None, 3)[0])


def test_jit_traces_once_a_shape():
    traces = []

    def f(x):
        traces.append(x)
        return jnp.sum(jnp.sin(x))

    compiled = jax.jit(pullback.grad(f))
    for _ in range(3):
        compiled(jnp.asarray(X))
    assert len(traces) == 1
    compiled(jnp.ones(5))
    assert len(traces) == 2


def test_keys_pass_and_are_batched():
    keys = jax.random.split(jax.random.key(0), 3)
    draw = lambda key: jax.random.normal(key, (2,))
    agree(pullback.vmap(draw)(keys), jax.vmap(draw)(keys))


def test_a_branch_sees_the_value_and_a_number_does_not_lose_its_derivative():
    x = jnp.asarray(X)
    agree(pullback.grad(lambda x: x[0] ** 2 if x[0] > 0 else x[1])(x), jnp.array([1.0, 0.0, 0.0]))
    with pytest.raises(pullback.ConversionError, match="stop_gradient"):
        pullback.grad(lambda x: float(x[0]) * 2)(x)
    with pytest.raises(pullback.ConversionError, match=r"jax\.numpy"):
        pullback.grad(lambda x: jnp.sum(np.asarray(x)))(x)


def test_a_write_says_what_to_write():
    def write(x):
        x[0] = 1.0
        return jnp.sum(x)

    with pytest.raises(TypeError, match=r"x\.at\[i\]\.set\(v\)"):
        pullback.grad(write)(jnp.asarray(X))


def test_a_box_that_escaped_is_an_error():
    kept = []
    pullback.grad(lambda x: (kept.append(x), jnp.sum(x))[1])(jnp.asarray(X))
    with pytest.raises((pullback.EscapedTracerError, jax.errors.UnexpectedTracerError)):
        jnp.sin(kept[0])


def test_jaxs_trace_is_as_it_was_after_an_error():
    with pytest.raises(ZeroDivisionError):
        pullback.grad(lambda x: 1 / 0)(jnp.asarray(X))
    agree(jax.grad(lambda x: jnp.sum(x**2))(jnp.asarray(X)), 2 * jnp.asarray(X))


def test_a_pullback_compiles():
    x, c = jnp.asarray(X), jnp.arange(3.0)
    agree(jax.jit(pullback.vjp(jnp.sin, x)[1])(c)[0], jnp.cos(x) * c)


@pytest.mark.parametrize("x", [X, 2.0])
@pytest.mark.parametrize("f", [jnp.sin, lambda x: jnp.where(x > 0, x, 0), jax.jit(jnp.cos)])
def test_numpys_primals_in_functions_of_jax_raise_what_to_write(f, x):
    with pytest.raises(pullback.ConversionError, match=r"pass JAX arrays, jnp\.asarray"):
        pullback.grad(lambda x: f(x).sum())(x)
    assert jnp.sin(jnp.ones(())) > 0
