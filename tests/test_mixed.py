"""Arrays of two libraries in one call: what the libraries do themselves, or one named error.

For every pair of libraries, through operators, functions of either library and of NumPy, indexing,
writes, and at the border of a transform; the other array plain, or traced by another transform.
"""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

import pullback
from pullback import tree

VALUES = np.array([0.5, -1.25, 2.0])
# Library -> the module that its users call.
MODULES = {
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax.numpy",
    "dask": "dask.array",
    "strict": "array_api_strict",
}
# How an error names it.
NAMES = MODULES | {"jax": "jax", "dask": "dask"}
# Whose arrays a library takes beside its own, or whose results are its own.
TAKES = {("jax", "numpy"), ("dask", "numpy"), ("numpy", "dask")}


def library(name):
    """The module of a library, where it is installed."""
    if name in ("dask", "torch", "strict"):
        pytest.importorskip("array_api_compat")
    pytest.importorskip({"jax": "jax", "dask": "dask.array"}.get(name, MODULES[name]))
    return importlib.import_module(MODULES[name])


def make(name, values=VALUES):
    xp = library(name)
    values = np.asarray(values)
    if name == "numpy":
        return values.copy()
    if name == "dask":
        return xp.from_array(values, chunks=2)
    return (xp.tensor if name == "torch" else xp.asarray)(values.tolist())


def functions_of(name):
    """The module whose functions take traced arrays of a library."""
    xp = library(name)
    if name != "strict":
        return xp
    return importlib.import_module("pullback.array_api").namespace(xp)


def total(y):
    return y.sum() if hasattr(y, "sum") else y.__array_namespace__().sum(y)


def multiplied(x, y):
    x *= y
    return x


def written(x, y):
    x[0:2] = y[0:2]
    return x


OPERATIONS = {
    "x * y": lambda xp, x, y: x * y,
    "y * x": lambda xp, x, y: y * x,
    "x @ y": lambda xp, x, y: x @ y,
    "x < y": lambda xp, x, y: x < y,
    "x == y": lambda xp, x, y: x == y,
    "x *= y": lambda xp, x, y: multiplied(x, y),
    "xp.multiply(x, y)": lambda xp, x, y: xp.multiply(x, y),
    "xp.multiply(y, x)": lambda xp, x, y: xp.multiply(y, x),
    "xp.stack": lambda xp, x, y: xp.stack([x, y]),
    "xp.where": lambda xp, x, y: xp.where(x > 0, x, y),
    "xp.matmul": lambda xp, x, y: xp.matmul(x, y),
}
OF_NUMPY = {
    "np.multiply(x, y)": lambda x, y: np.multiply(x, y),
    "np.multiply(y, x)": lambda x, y: np.multiply(y, x),
    "np.stack": lambda x, y: np.stack([x, y]),
    "np.where": lambda x, y: np.where(x > 0, x, y),
}
PAIRS = [(mine, other) for mine in MODULES for other in MODULES if mine != other]
REFUSED = [pair for pair in PAIRS if pair not in TAKES]


def message_of(call, error=TypeError):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def refused(operate, mine, other, *, traced):
    """The error of `operate(x, y)`, with x traced and y an array of another library."""

    def function(x):
        if traced:
            return pullback.grad(lambda y: total(operate(x, y) * 1.0))(make(other))
        return total(operate(x, make(other)) * 1.0)

    return message_of(lambda: pullback.vjp(function, make(mine)))


@pytest.mark.filterwarnings("ignore:You are comparing a array_api_strict dtype")  # JAX is
@pytest.mark.parametrize("traced", [False, True], ids=["plain", "traced"])
@pytest.mark.parametrize(("mine", "other"), REFUSED)
def test_operations_of_two_libraries_name_both_and_what_works(mine, other, traced):
    if traced and (other, mine) in TAKES:
        pytest.skip("the other library's functions take this one's arrays")
    xp = functions_of(mine)
    library(other)
    for name, operation in OPERATIONS.items():
        message = refused(lambda x, y, f=operation: f(xp, x, y), mine, other, traced=traced)
        assert NAMES[mine] in message.lower(), (name, message)
        assert NAMES[other] in message.lower(), (name, message)
        assert "test_mixed.py" in message, (name, message)
        assert "asarray(" in message, (name, message)


@pytest.mark.parametrize(("mine", "other"), REFUSED)
def test_functions_of_numpy_do_not_lose_a_derivative_in_silence(mine, other):
    for operation in OF_NUMPY.values():
        message = refused(operation, mine, other, traced=False)
        assert "test_mixed.py" in message


@pytest.mark.parametrize(("mine", "other"), REFUSED)
def test_writes_of_another_librarys_array_are_refused(mine, other):
    message = refused(lambda x, y: written(x, y), mine, other, traced=False)
    assert "immutable" in message if mine == "jax" else "got arrays of" in message


@pytest.mark.parametrize(("mine", "other"), REFUSED)
def test_a_write_of_a_traced_array_into_another_librarys_is_refused(mine, other):
    message = refused(lambda x, y: written(y, x), mine, other, traced=False)
    assert "test_mixed.py" in message


@pytest.mark.parametrize(("mine", "other"), PAIRS)
def test_an_index_of_another_library(mine, other):
    """NumPy's integers index every library's arrays; another library's are refused."""
    library(mine)
    at = make(other, np.array([0, 2]))
    function = lambda x: total(x[at] ** 2)
    if other == "numpy":
        got = np.asarray(pullback.grad(function)(make(mine)))
        np.testing.assert_allclose(got, [1.0, 0.0, 4.0])
    else:
        message = message_of(lambda: pullback.grad(function)(make(mine)))
        assert "got arrays of" in message or "compute()" in message


@pytest.mark.parametrize(("mine", "other"), sorted(TAKES))
def test_what_the_libraries_take_themselves_is_differentiated(mine, other):
    xp = functions_of(mine)
    w = make(other, np.array([1.0, 2.0, 4.0]))
    for name in ("x * y", "y * x", "x @ y", "xp.multiply(x, y)", "xp.multiply(y, x)"):
        got = pullback.grad(lambda x, f=OPERATIONS[name]: total(f(xp, x, w)))(make(mine))
        np.testing.assert_allclose(np.asarray(got), [1.0, 2.0, 4.0], err_msg=name)
    got = pullback.grad(lambda x: total(xp.where(x > 0, x * w, w)))(make(mine))
    np.testing.assert_allclose(np.asarray(got), [1.0, 0.0, 4.0])


@pytest.mark.parametrize("mine", ["numpy", "torch", "jax", "dask"])
@pytest.mark.parametrize("number", [np.float64(3), np.float32(3), np.int64(3)], ids=repr)
def test_numpys_numbers_are_numbers_beside_traced_arrays(mine, number):
    x = make(mine)
    for function in (
        lambda x: x * number,
        lambda x: number * x,
        lambda x: x + number * 2 + x * 2,
        lambda x: x * 6 / (number - 1),
    ):
        got = pullback.grad(lambda x, f=function: total(f(x)))(x)
        np.testing.assert_allclose(np.asarray(got), [3.0, 3.0, 3.0], rtol=1e-6)
        assert got.dtype == x.dtype
    assert math.isclose(float(np.asarray(pullback.vjp(lambda x: total(x * (x > number)), x)[0])), 0)


def test_a_comparison_of_a_traced_tensor_with_what_is_no_array_is_pythons():
    x = make("torch")
    value = lambda x: x.sum() * (x == "a") + x.sum() * (x != None) + x.sum()  # noqa: E711
    assert pullback.grad(value)(x).tolist() == [2.0, 2.0, 2.0]


# At the border


@pytest.mark.parametrize(("mine", "other"), REFUSED)
def test_leaves_of_another_library_are_refused_with_their_path(mine, other):
    x, y = make(mine), make(other)
    _, pull = pullback.vjp(lambda x: x * 2.0, x)
    for call, path in (
        (lambda: pull(y), "pullback.vjp: cotangents: got"),
        (lambda: pullback.vjp(lambda y: total(pull(y)[0]), y), "pullback.vjp: cotangents: got"),
        (lambda: pullback.vjp(lambda x: y, x), "pullback.vjp: output: got"),
        (lambda: pullback.vjp(lambda x: {"a": (x, y)}, x), r"pullback.vjp: output['a'][1]: got"),
    ):
        message = message_of(call)
        assert path in message
        assert "convert it, with" in message


@pytest.mark.parametrize(("mine", "other"), [pair for pair in REFUSED if pair[::-1] not in TAKES])
def test_primals_and_tangents_of_two_libraries_are_refused(mine, other):
    x, y = make(mine), make(other)
    for call in (
        lambda: pullback.vjp(lambda x, y: total(x), x, y),
        lambda: pullback.jvp(lambda x: x * 2.0, (x,), (y,)),
        lambda: pullback.vjp(lambda y: total(pullback.vjp(lambda x, z: x, x, y)[0]), y),
    ):
        message = message_of(call)
        assert "beside an array of" in message
        assert "primals[" in message or "tangents[" in message


# Functions that a backend lacks


def test_a_function_without_a_rule_names_the_closest_that_has_one():
    message = message_of(lambda: pullback.vjp(lambda x: np.histogramdd(x)[0], VALUES))
    assert "np.histogramdd of a traced array of numpy" in message
    assert "The closest that there is: np.histogram." in message
    da = library("dask")
    x = make("dask")
    message = message_of(lambda: pullback.vjp(lambda x: da.percentile(x, 50), x))
    assert "da.percentile of a traced array of dask.array" in message
    assert "da.quantile" in message


def test_a_name_that_the_standard_lacks_brings_the_closest():
    x = make("strict")
    message = message_of(
        lambda: pullback.vjp(lambda x: x.__array_namespace__().sine(x), x), AttributeError
    )
    assert "array_api_strict has no sine" in message
    assert "The closest that there is: sin," in message


# What a library's own error is turned into, and what not


def test_errors_that_are_not_about_two_libraries_stay_as_they_are():
    torch = library("torch")
    x = make("torch")
    for function, match in (
        (lambda x: torch.mul(x, [1.0, 2.0, 3.0]), "must be Tensor, not list"),
        (lambda x: x * "a", "unsupported operand|can't multiply"),
        (lambda x: x.nothing, "no attribute 'nothing'"),
        (lambda x: x.reshape(7), "shape"),
    ):
        with pytest.raises((TypeError, AttributeError, RuntimeError), match=match) as caught:
            pullback.vjp(function, x)
        assert "got arrays of" not in str(caught.value)
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        pullback.vjp(lambda a: torch.mul([1.0], torch.ones(1)) * a, VALUES)


def test_an_error_of_a_library_is_the_cause_of_ours():
    torch = library("torch")
    with pytest.raises(pullback.UnsupportedError, match=r"torch\.mul: got arrays of") as caught:
        pullback.vjp(lambda x: torch.mul(x, np.ones(3)), make("torch"))
    assert "numpy.ndarray" in str(caught.value)
    assert isinstance(caught.value.__cause__, TypeError)


def test_numpys_primals_in_functions_of_jax_that_ask_no_protocol():
    jnp = library("jax")
    for function, name in (
        (lambda x: jnp.asarray(x), "jnp.asarray"),
        (lambda x: jnp.zeros(3).at[0].set(x[0]), ".at[0].set"),
    ):
        message = message_of(lambda f=function: pullback.vjp(f, VALUES))
        assert f"{name}: got arrays of numpy and jax.numpy in one call" in message


def test_a_box_of_jax_that_escaped_is_named_so():
    jnp = library("jax")
    kept = []
    pullback.grad(lambda x: (kept.append(x * 2), jnp.sum(x))[1])(make("jax"))
    for use in (jnp.sin, lambda x: x * 2, lambda x: x[0]):
        with pytest.raises(pullback.EscapedTracerError, match=r"pullback\.grad"):
            use(kept[0])


def test_a_tree_of_jax_alone_brings_the_function_that_registers_it():
    jnp = library("jax")
    jax = importlib.import_module("jax")

    class Pair:
        def __init__(self, a):
            self.a = a

    jax.tree_util.register_pytree_node(Pair, lambda p: ((p.a,), None), lambda _, c: Pair(*c))
    for call in (
        lambda: pullback.grad(lambda p: jnp.sum(p.a))(Pair(make("jax"))),
        lambda: pullback.vjp(Pair, make("jax")),
    ):
        assert "pullback.register_node(Pair, flatten, unflatten)" in message_of(call)
    assert tree.flatten([1, 2])[0] == [1, 2]
