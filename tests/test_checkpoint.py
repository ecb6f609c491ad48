"""`checkpoint`: recomputed derivatives are the kept ones, memory is not, and nothing is lost."""

from __future__ import annotations

import functools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pullback
from pullback import StaleValueError, UnsupportedError, checkpoint, grad, jvp, no_grad, vjp
from pullback.testing import check_grads
from tests.memory import peak

X = np.array([0.3, 0.5, 1.2])
Y = np.array([1.1, -0.4, 0.8])


def wave(x, y):
    return np.sin(x * y) * np.exp(x) + y * y * x


def test_outside_of_a_transform_it_is_the_function():
    np.testing.assert_array_equal(checkpoint(wave)(X, Y), wave(X, Y))
    assert checkpoint(wave).__name__ == "wave"


@pytest.mark.parametrize("y", [Y, 0.7, np.float32(0.5), Y[:, None], Y[::-1], np.ones((0, 3))])
def test_derivatives_to_third_order_at_odd_shapes(y):
    check_grads(checkpoint(wave), X, y, order=3 if np.ndim(y) < 2 else 2)


def test_complex_values():
    check_grads(checkpoint(wave), X + 0.3j, Y - 0.1j)
    check_grads(checkpoint(lambda z: np.abs(z) ** 2), X + 0.3j)


def test_float32_stays_float32():
    x = X.astype(np.float32)
    out, pull = vjp(checkpoint(wave), x, x)
    assert out.dtype == np.float32
    assert all(g.dtype == np.float32 for g in pull(out))


def test_the_function_runs_once_forward_and_once_back():
    runs = []

    def counted(x):
        runs.append(type(x) is np.ndarray)
        return np.sin(x)

    _, pull = vjp(checkpoint(counted), X)
    assert runs == [True]  # forward, on a plain array: nothing is recorded
    pull(X)
    assert runs == [True, False]
    pull(X)
    assert len(runs) == 3


def test_trees_keywords_and_leaves_that_are_no_arrays_pass_through():
    def model(params, *, power, name="net"):
        assert isinstance(power, int)
        out = params["w"] ** power + params["b"][0]
        return {"out": out, "name": name, "power": power, "none": None, "flag": np.arange(2)}

    def loss(params):
        result = checkpoint(model)(params, power=3)
        assert result["name"] == "net"
        assert result["power"] == 3
        assert result["none"] is None
        assert result["flag"].tolist() == [0, 1]
        return result["out"]

    check_grads(loss, {"w": X, "b": (Y, 1)})
    np.testing.assert_allclose(checkpoint(model)({"w": X, "b": [Y]}, power=2)["out"], X**2 + Y)


# Values that the function captured


def test_a_captured_value_has_its_derivative():
    check_grads(lambda x, w: checkpoint(lambda x: np.sin(x * w) + np.cos(w))(x), X, Y, order=3)
    check_grads(lambda w: checkpoint(lambda: np.sin(w) * w)(), X, order=3)
    check_grads(lambda w: checkpoint(lambda x: x * w)(w), X, order=3)
    check_grads(lambda w: checkpoint(lambda x: x * w)(w), 0.4, order=3)


class Layer:
    def __init__(self, weights):
        self.weights = weights

    def __call__(self, x):
        return np.tanh(self.weights["w"] * x)

    def apply(self, x):
        return self(x)


HELD = {}


def through_a_global(x):
    return np.tanh(HELD["w"] * x)


@pytest.mark.parametrize(
    "hold",
    [
        lambda w: lambda x: np.tanh(w * x),
        lambda w: functools.partial(lambda w, x: np.tanh(w * x), w),
        lambda w: lambda x, w=w: np.tanh(w * x),
        lambda w: Layer({"w": w}),
        lambda w: Layer({"w": w}).apply,
        lambda w: lambda x, box=[(w,)]: np.tanh(box[0][0] * x),
    ],
    ids=["closure", "partial", "default", "callable", "method", "container"],
)
def test_wherever_a_captured_value_is_held(hold):
    def f(x, w):
        function = hold(w)
        return np.sum(pullback.checkpoint(lambda x: function(x))(x) * x)

    for function in (f, grad(f, (0, 1))):
        check_grads(function, X, Y)


def test_a_captured_value_in_a_global():
    def f(w):
        HELD["w"] = w
        return np.sum(checkpoint(through_a_global)(w))

    expected = 2 * Y / np.cosh(Y * Y) ** 2
    np.testing.assert_allclose(grad(f)(Y), expected)
    np.testing.assert_allclose(jvp(f, (Y,), (Y,))[1], expected @ Y)
    _, pull = vjp(f, Y)
    HELD["w"] = Y.copy()  # the same numbers, but not the traced ones
    with pytest.raises(StaleValueError, match="holds another value now"):
        pull(1.0)


def test_a_captured_value_of_an_outer_transform():
    inner = lambda a: grad(lambda b: checkpoint(lambda y: y * y * a)(b))(a)
    assert inner(3.0) == 18.0
    assert grad(inner)(3.0) == 12.0
    assert jvp(inner, (3.0,), (1.0,))[1] == 12.0


def test_perturbations_are_not_confused():
    assert grad(lambda x: x * grad(checkpoint(lambda y: x + y))(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(checkpoint(lambda y: x * y))(2.0))(3.0) == 6.0


def test_a_captured_value_that_is_returned():
    assert grad(lambda w: checkpoint(lambda x: w)(w * w))(3.0) == 1.0
    assert grad(lambda w: checkpoint(lambda x: {"w": w, "x": x})(w * w)["x"])(3.0) == 6.0


def test_transforms_inside_that_capture():
    def f(x, w):
        def inside(x):
            value, pull = vjp(lambda y: np.sin(y * w), x)
            return pull(w)[0] + jvp(lambda y: y * w * w, (x,), (w,))[1] + value

        return checkpoint(inside)(x)

    check_grads(f, X, Y)


def test_worker_threads_that_capture_are_refused_not_wrong():
    """A worker's ops do not see the lens: what it makes of a captured value is new each time."""

    def f(w):
        def inside(x):
            with ThreadPoolExecutor(1) as pool:
                return x * pool.submit(lambda: np.sin(w)).result()

        return np.sum(checkpoint(inside)(2.0 * w))

    with pytest.raises((UnsupportedError, pullback.EscapedTracerError)):
        grad(f)(X)


def test_worker_threads_on_arguments():
    def inside(x, y):
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda part: np.sin(part[0]) * part[1], [(x, y), (y, x)]))

    check_grads(checkpoint(inside), X, Y)


class Block:
    def __init__(self, weights):
        self.weights = weights
        self.runs = 0

    @checkpoint
    def __call__(self, x):
        self.runs += 1
        return np.tanh(self.weights * x)


def test_a_method_finds_its_traced_attributes_in_one_run():
    def f(w):
        block = Block(w)
        out = np.sum(block(2.0 * w))
        assert block.runs == 1
        return out

    check_grads(f, X, order=1)


def test_constants_stay_what_they_are_in_the_second_run():
    """What is not traced is not differentiated: a float goes to `math` in both runs."""

    def inside(x, scale, data):
        assert isinstance(data, np.ndarray)
        return x * math.exp(scale) + data

    check_grads(lambda x: checkpoint(inside)(x, 0.5, Y), X)


# In-place writes


def test_writes_into_arrays_of_its_own_and_into_its_arguments():
    def f(x):
        y = 2.0 * x
        y[1:] *= x[:-1]
        x[0] = y[2]
        view = y[::-1]
        view[0] = np.sin(x[1])
        return y + x

    def pure(x):
        return f(x.copy())

    check_grads(checkpoint(f), X)
    np.testing.assert_allclose(vjp(checkpoint(f), X)[1](Y)[0], vjp(pure, X)[1](Y)[0])
    kept = X.copy()
    checkpoint(f)(X)
    np.testing.assert_array_equal(X, kept)


def test_a_write_after_the_call_does_not_reach_the_second_run():
    def f(x):
        y = 1.0 * x
        z = checkpoint(np.sin)(y)
        y[0] = 100.0
        return z * y

    expected = Y * (np.sin(X) + X * np.cos(X))
    expected[0] = Y[0] * 100 * np.cos(X[0])
    np.testing.assert_allclose(vjp(f, X)[1](Y)[0], expected)


def test_outputs_that_share_memory_inside_are_independent_outside():
    def f(x):
        y = 2.0 * x
        return y, y[:2], y

    def after(x):
        a, b, c = checkpoint(f)(x)
        a[0] = 7.0
        return b[0] + c[0] + a[1]

    np.testing.assert_allclose(grad(after)(X), [4.0, 2.0, 0.0])


def test_a_write_into_a_captured_traced_array_is_refused():
    def f(x):
        buffer = 1.0 * x

        def inside(x):
            buffer[0] = x[0]
            return x

        return np.sum(checkpoint(inside)(x))

    with pytest.raises(UnsupportedError, match="wrote into a traced array"):
        grad(f)(X)


# Never silently wrong


def test_another_result_of_the_second_run_is_an_error():
    rng = np.random.default_rng(0)
    _, pull = vjp(checkpoint(lambda x: x * rng.normal(size=3)), X)
    with pytest.raises(StaleValueError, match="another result than before"):
        pull(X)


def test_a_captured_plain_array_that_was_changed_is_an_error():
    w = Y.copy()
    _, pull = vjp(checkpoint(lambda x: x * w), X)
    w *= 1.001
    with pytest.raises(StaleValueError, match="captured"):
        pull(X)


def test_an_exception_passes_and_leaves_nothing_behind():
    def fails(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(checkpoint(fails))(1.0)
    assert grad(checkpoint(np.sin))(0.0) == 1.0


def test_no_grad_around_and_inside():
    def inside(x):
        with no_grad():
            c = x * x
        return x * c

    assert grad(checkpoint(inside))(3.0) == 9.0

    def around(x):
        with no_grad():
            c = checkpoint(lambda y: y * y * x)(x)
        return x * c

    assert grad(around)(3.0) == 27.0


def test_retain_graph_false_frees_it():
    _, pull = vjp(checkpoint(wave), X, Y)
    pull(X, retain_graph=False)
    with pytest.raises(RuntimeError, match="retain_graph"):
        pull(X)


# Memory

LARGE = np.linspace(0.1, 0.9, 20_000)


def deep(x):
    for _ in range(50):
        x = np.sin(x)
    return x


def layered(wrap):
    def f(x):
        for _ in range(6):
            x = wrap(deep)(x)
        return np.sum(x)

    return f


def test_memory_is_that_of_one_layer():
    kept = peak(grad(layered(lambda f: f)), LARGE)
    recomputed = peak(grad(layered(checkpoint)), LARGE)
    assert kept > 295 * LARGE.nbytes
    assert recomputed < 75 * LARGE.nbytes


def test_memory_at_second_order_is_bounded_too():
    """The pullback of a checkpointed function is checkpointed itself."""

    def of(wrap):
        return lambda x: np.sum(grad(layered(wrap))(x))

    kept = peak(grad(of(lambda f: f)), LARGE[:5_000])
    recomputed = peak(grad(of(checkpoint)), LARGE[:5_000])
    assert recomputed < kept / 3


def test_memory_of_a_gradient_through_a_pushforward_is_bounded_too():
    def of(wrap):
        return lambda x: np.sum(jvp(layered(wrap), (x,), (x,))[1])

    kept = peak(grad(of(lambda f: f)), LARGE[:5_000])
    recomputed = peak(grad(of(checkpoint)), LARGE[:5_000])
    assert recomputed < kept / 2


def test_runs_of_which_one_is_batched_more_are_no_different_results():
    """The run for a derivative may meet a batch (of directions) that the first one did not."""

    def f(x):
        y = pullback.checkpoint(lambda x: (np.sin(x) * x[0], x[:2] * 1.0))(x)
        return np.sum(y[0] * y[1][0])

    def columns(f):
        return pullback.jacfwd(f, chunk_size=2)

    def loss(f):
        g = pullback.vmap(columns(f))
        return lambda x: np.sum(g(np.stack([x, 2 * x, x[::-1]])) ** 2)

    def plain(x):
        return np.sum(np.sin(x) * x[0] * x[0])

    x = np.array([0.3, 0.5, 1.2])
    expected = pullback.hessian(loss(plain))(x)
    np.testing.assert_allclose(pullback.hessian(loss(f))(x), expected)
