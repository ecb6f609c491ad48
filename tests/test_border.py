"""What crosses a transform's border: memory is never shared, and what cannot be followed raises."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import pullback
from pullback import ConversionError, EscapedTracerError, UnsupportedError, grad, vjp

X = np.array([0.1, 0.5, 1.5])
CAPTURED = np.empty(3)


def arrays(tree):
    return [leaf for leaf in pullback.tree.flatten(tree)[0] if isinstance(leaf, np.ndarray)]


# Memory

ALIASING = [
    lambda x, y: x,
    lambda x, y: (x, x),
    lambda x, y: (x, y, x[1:], x.T),
    lambda x, y: x + y,
    lambda x, y: x.reshape(1, 3),
    lambda x, y: np.broadcast_to(x, (2, 3)),
    lambda x, y: (np.exp(x), np.exp(x)[1:]),
    lambda x, y: x * y,
    lambda x, y: np.exp(x) * np.sin(y),
    lambda x, y: (np.ravel(x), np.real(x), np.squeeze(x[None])),
    lambda x, y: [np.concatenate([x, y]), np.stack([x, y])],
    lambda x, y: np.split(np.concatenate([x, y]), 2),
    lambda x, y: np.sum(x) * np.ones(3),
    lambda x, y: X,
]


@pytest.mark.parametrize("function", ALIASING)
def test_rows_24_25_what_is_returned_shares_memory_with_nothing(function):
    x, y = X.copy(), 2 * X
    out, pull = vjp(function, x, y)
    cotangents = pullback.tree.map_leaves(np.ones_like, out)
    first, second = pull(cotangents), pull(cotangents)
    held = [x, y, X, *arrays(cotangents)]
    for array in [*arrays(out), *arrays(first), *arrays(second)]:
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in held)
        held.append(array)


@pytest.mark.parametrize("function", ALIASING)
def test_row_52_writing_into_results_changes_no_later_pullback(function):
    x, y = X.copy(), 2 * X
    out, pull = vjp(function, x, y)
    cotangents = pullback.tree.map_leaves(np.ones_like, out)
    expected = [g.copy() for g in pull(cotangents)]
    for array in [*arrays(out), *arrays(pull(cotangents)), *arrays(pull(cotangents))]:
        array[...] = np.nan
    for array in arrays(cotangents):
        array[...] = 1.0
    for got, want in zip(pull(cotangents), expected, strict=True):
        np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(x, X)


def test_aux_shares_memory_with_nothing_that_the_pullback_needs():
    def f(x):
        y = np.exp(x)
        return y * y, (y, x, [y])

    x = X.copy()
    _, pull, aux = vjp(f, x, has_aux=True)
    for array in arrays(aux):
        array[...] = np.nan
    np.testing.assert_allclose(pull(np.ones(3))[0], 2 * np.exp(2 * X))
    np.testing.assert_array_equal(x, X)


def test_gradients_are_writable_and_apart():
    x = X.copy()
    a, b = grad(lambda a, b: np.sum(a + b), argnums=(0, 1))(x, x)
    a += 1.0
    np.testing.assert_array_equal(b, np.ones(3))
    value, gradient = pullback.value_and_grad(lambda x: x.reshape(()))(np.array([2.0]))
    gradient += 1.0
    assert value == 2.0


def test_row_53_containers_of_the_caller_are_not_changed():
    parameters = {"w": X, "list": [X]}

    def f(p):
        p["w"] = p["w"] * 2.0
        p["list"].append(3.0)
        return np.sum(p["w"])

    grad(f)(parameters)
    assert parameters["w"] is X
    assert len(parameters["list"]) == 1


def test_row_46_writing_into_a_primal_does_not_reach_the_caller():
    x = X.copy()

    def f(x):
        x[0] = 5.0
        return np.sum(x * x)

    expected = 2 * X
    expected[0] = 0.0
    np.testing.assert_array_equal(grad(f)(x), expected)
    np.testing.assert_array_equal(x, X)


# Ways out that would lose the derivative


@pytest.mark.parametrize(
    "conversion",
    [float, int, complex, math.sin, math.floor, lambda x: [1, 2, 3][x], range],
)
def test_row_68_conversions_to_plain_numbers_raise(conversion):
    def f(x):
        return x * conversion(x)

    with pytest.raises(ConversionError, match=r"traced by pullback\.grad .*x\.item\(\)"):
        grad(f)(1.0)


@pytest.mark.parametrize(
    "conversion",
    [
        np.asarray,  # NumPy's own, as `from numpy import asarray` has bound it before
        np.array,
        np.ascontiguousarray,
        np.float64,
    ],
)
def test_row_69_conversions_to_plain_arrays_raise(conversion):
    with pytest.raises((ConversionError, UnsupportedError), match="pullback"):
        grad(lambda x: np.sum(conversion(x)))(1.0)


def test_assignment_of_a_traced_value_into_a_captured_array_raises():
    """With the line and what to write, though NumPy makes an error of its own of an element's."""
    captured = np.zeros(3)

    def f(x):
        captured[0] = x
        return np.sum(captured)

    with pytest.raises(ConversionError, match=r"test_border.py:\d+: captured\[0\] = x"):
        grad(f)(1.0)
    assert not captured.any()


def test_row_68_items_are_constants_and_branches_are_allowed():
    assert grad(lambda x: x * x.item())(3.0) == 3.0
    assert grad(lambda x: np.sum(x * np.array(x.tolist())))(X).tolist() == X.tolist()
    relu = grad(lambda x: x * 2.0 if x > 0 else x * 0.5)
    assert relu(3.0) == 2.0
    assert relu(-3.0) == 0.5


def test_strings_of_traced_values_can_be_read():
    seen = []
    grad(lambda x: seen.extend([str(x), repr(x), f"{x:.2f}"]) or x)(3.0)
    assert seen[0] == "3.0"
    assert "grad" in seen[1]
    assert seen[2] == "3.00"


def test_row_69_traced_values_cannot_be_pickled():
    with pytest.raises(ConversionError, match="pickled"):
        grad(lambda x: pickle.loads(pickle.dumps(x)))(3.0)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: x.copy()])
def test_copies_of_traced_values_are_traced(copied):
    np.testing.assert_array_equal(grad(lambda x: np.sum(copied(x) * x))(X), 2 * X)


def test_a_function_without_a_rule_says_what_to_use_instead():
    with pytest.raises(UnsupportedError, match=r"np\.save of .* has no .*stop_gradient"):
        grad(lambda x: np.save("/dev/null", x))(X)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.exp(x, out=CAPTURED),
        lambda x: np.add(x, 1.0, out=CAPTURED),
        lambda x: np.sum(x, out=CAPTURED[0, ...]),
    ],
)
def test_row_51_out_is_refused_by_name_where_it_is_a_captured_array(call):
    with pytest.raises(UnsupportedError, match="out"):
        grad(lambda x: np.sum(call(x)))(X)


# Escapes


def test_row_71_an_escaped_value_raises_wherever_it_is_used():
    escaped = []
    grad(lambda x: escaped.append(x * 2.0) or np.sum(x))(X)
    (value,) = escaped
    for use in (
        lambda: value + 1.0,
        lambda: 1.0 - value,
        lambda: np.exp(value),
        lambda: np.sum(value),
        lambda: value[0],
        lambda: value @ X,
        lambda: vjp(np.sin, value),
        lambda: grad(lambda x: np.sum(x * value))(X),
        lambda: vjp(np.sin, X)[1](value),
    ):
        with pytest.raises(EscapedTracerError, match=r"pullback\.grad.*has_aux=True"):
            use()


def test_row_71_an_escaped_value_can_still_be_printed():
    escaped = []
    grad(lambda x: escaped.append(x) or x)(3.0)
    assert "3.0" in repr(escaped[0])
    assert str(escaped[0]) == "3.0"


def test_row_71_an_inner_value_that_escapes_into_the_outer_function_raises():
    def outer(x):
        kept = []
        grad(lambda y: kept.append(y * x) or y)(x)
        return kept[0]

    with pytest.raises(EscapedTracerError, match=r"pullback\.grad"):
        grad(outer)(3.0)


# Exceptions


def test_row_65_an_exception_propagates_unchanged_and_leaves_nothing_behind():
    class OwnError(Exception):
        pass

    error = OwnError("mine")

    def f(x):
        with pullback.no_grad():
            grad(lambda y: fail(y * x))(x)
        return x

    def fail(_):
        raise error

    for _ in range(3):
        with pytest.raises(OwnError) as caught:
            grad(f)(3.0)
        assert caught.value is error
    assert not pullback.core.open_pauses
    assert grad(lambda x: x * x)(3.0) == 6.0
    assert grad(grad(lambda x: x * x * x))(3.0) == 18.0


def test_row_65_a_value_that_an_exception_carried_out_has_escaped():
    def f(x):
        raise RuntimeError(x)

    with pytest.raises(RuntimeError) as caught:
        vjp(f, X)
    with pytest.raises(EscapedTracerError, match=r"pullback\.vjp"):
        caught.value.args[0] + 1.0


def test_warnings_of_the_function_are_the_functions_own_and_rules_add_none():
    with np.errstate(all="raise"):
        assert grad(np.sqrt)(0.0) == np.inf
        with pytest.raises(FloatingPointError):
            grad(lambda x: 1.0 / (x - x))(1.0)


# Changes between vjp and the call of the pullback


def overwrite(*arrays):
    for array in arrays:
        array[...] = 9.0


def test_row_52_a_primal_changed_after_vjp():
    x = X.copy()
    _, pull = vjp(lambda x: x * x, x)
    overwrite(x)
    np.testing.assert_array_equal(pull(np.ones(3))[0], 2 * X)


def test_row_52_an_output_changed_after_vjp():
    out, pull = vjp(np.exp, X)
    overwrite(out)
    np.testing.assert_array_equal(pull(np.ones(3))[0], np.exp(X))


def test_row_52_an_index_and_a_mask_changed_after_vjp():
    index, mask = np.array([0, 2]), np.array([True, False, True])
    _, pull = vjp(lambda x: (x[index], x[mask], np.where(mask, x, 0.0)), X)
    index[...] = 0
    mask[...] = True
    np.testing.assert_array_equal(pull((np.ones(2), np.ones(2), np.ones(3)))[0], [3.0, 0.0, 3.0])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, w: x * w, [4.0, 5.0, 6.0]),
        (lambda x, w: x / w[::-1], [1 / 6, 1 / 5, 1 / 4]),
        (lambda x, w: np.dot(x, w) * np.ones(3), [12.0, 15.0, 18.0]),
        (lambda x, w: (x * w, overwrite(w))[0], [4.0, 5.0, 6.0]),
    ],
    ids=["product", "quotient by a view", "dot", "changed in the function"],
)
def test_row_52_a_captured_array_changed_after_it_was_used(function, expected):
    """The right answer or a clear error; never a wrong number."""
    w = np.array([4.0, 5.0, 6.0])
    _, pull = vjp(lambda x: function(x, w), X)
    overwrite(w)
    try:
        (gradient,) = pull(np.ones(3))
    except (RuntimeError, ValueError):
        return
    np.testing.assert_allclose(gradient, expected)


def test_row_52_a_large_captured_array_that_changed_raises():
    """Large arrays are not copied: a change between the use and the walk back is an error."""
    w = np.ones((300, 300))
    _, pull = vjp(lambda x: (x * w).sum(), 2.0)
    assert pull(1.0)[0] == 90000.0
    w[...] = 3.0
    with pytest.raises(pullback.StaleValueError, match="captured"):
        pull(1.0)
