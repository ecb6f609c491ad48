"""`vjp`, row by row of what torch.func does (the numbers are rows of its behaviour table)."""

from __future__ import annotations

import collections
import inspect
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

import pullback
from pullback import vjp
from tests.comparisons import assert_same

X = np.array([0.1, 0.5, 1.5])


class Point(NamedTuple):
    x: Any
    y: Any


# The five examples of torch.func.vjp's page and its two notes, in NumPy


def test_page_example_a_scalar_function_has_the_gradient_of_grad():
    def f(x):
        return np.sum(np.sin(x))

    y, pull = vjp(f, X)
    (gradient,) = pull(1.0)
    assert_same(y, np.sum(np.sin(X)))
    assert_same(gradient, pullback.grad(f)(X))
    assert_same(gradient, np.cos(X))


def test_page_example_several_outputs_take_one_cotangent_each():
    _, pull = vjp(lambda x: (np.sin(x), np.cos(x)), X)
    (gradient,) = pull((np.ones(3), np.ones(3)))
    assert_same(gradient, np.cos(X) - np.sin(X))


def test_page_example_outputs_may_be_a_dict():
    out, pull = vjp(lambda x: {"first": np.sin(x), "second": np.cos(x)}, X)
    assert_same(out["second"], np.cos(X))
    (gradient,) = pull({"first": np.ones(3), "second": np.ones(3)})
    assert_same(gradient, np.cos(X) - np.sin(X))


def test_page_example_matmul_has_a_gradient_for_each_primal():
    rng = np.random.default_rng(0)
    x, y, cotangents = rng.normal(size=(5, 4)), rng.normal(size=(4, 5)), rng.normal(size=(5, 5))
    _, pull = vjp(np.matmul, x, y)
    gradients = pull(cotangents)
    assert len(gradients) == 2
    assert_same(gradients[0], cotangents @ y.T)
    assert_same(gradients[1], x.T @ cotangents)


def test_page_example_keyword_arguments_keep_their_defaults():
    def f(x, scale=4.0):
        return x * scale

    _, pull = vjp(f, X)
    assert_same(pull(np.ones_like(X))[0], np.full(3, 4.0))


def test_page_note_no_grad_inside_the_function_is_respected():
    def f(x):
        with pullback.no_grad():
            c = x**2
        return x - c

    assert_same(vjp(f, X)[1](np.ones(3))[0], np.ones(3))


def test_page_note_no_grad_around_vjp_changes_nothing():
    with pullback.no_grad():
        y, pull = vjp(np.sin, X)
    assert_same(y, np.sin(X))
    assert_same(pull(np.ones(3))[0], np.cos(X))


# 1.1 Signature and inputs


def test_row_1_signature():
    parameters = inspect.signature(vjp).parameters
    assert list(parameters) == ["func", "primals", "has_aux", "strict"]
    assert parameters["primals"].kind is inspect.Parameter.VAR_POSITIONAL
    with pytest.raises(TypeError, match="unexpected keyword argument 'k'"):
        vjp(np.sin, X, k=2)


def test_row_2_pullback_takes_one_tree_and_retain_graph():
    _, pull = vjp(lambda x: (x, x), X)
    assert list(inspect.signature(pull).parameters) == ["cotangents", "retain_graph"]
    assert_same(pull(cotangents=(X, X), retain_graph=True)[0], 2 * X)
    with pytest.raises(TypeError):
        pull(X, X, X)


def test_row_3_pullback_returns_a_tuple_with_one_entry_for_each_primal():
    one = vjp(np.sin, X)[1](X)
    assert type(one) is tuple
    assert len(one) == 1
    two = vjp(lambda d, x: d["a"] * x, {"a": X}, X)[1](X)
    assert type(two) is tuple
    assert list(two[0]) == ["a"]


def test_row_4_the_function_runs_once_and_never_for_the_pullback():
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(x)

    _, pull = vjp(f, X)
    pull(X)
    pull(X)
    assert len(calls) == 1


def test_row_5_no_primals():
    out, pull = vjp(lambda: np.ones(2))
    assert_same(out, np.ones(2))
    assert pull(np.ones(2)) == ()


@pytest.mark.parametrize(
    "container",
    [
        lambda a, b: {"a": a, "b": b},
        lambda a, b: [a, b],
        lambda a, b: (a, b),
        Point,
        lambda a, b: collections.OrderedDict(b=a, a=b),
        lambda a, b: collections.defaultdict(list, {"a": a, "b": b}),
        lambda a, b: collections.deque([a, b]),
        lambda a, b: {"deep": [({"a": a}, (b,)), ()]},
    ],
)
def test_row_6_gradients_come_back_in_the_containers_of_the_primals(container):
    primal = container(X, 2 * X)
    structure = pullback.tree.flatten(primal)[1]

    def f(tree):
        a, b = pullback.tree.flatten(tree)[0]
        return a * b

    leaves = pullback.tree.flatten(primal)[0]
    (gradient,) = vjp(f, primal)[1](np.ones(3))
    got, got_structure = pullback.tree.flatten(gradient)
    assert got_structure == structure
    assert type(gradient) is type(primal)
    assert_same(got[0], leaves[1])
    assert_same(got[1], leaves[0])


def test_row_6_an_empty_container_has_an_empty_gradient():
    assert vjp(lambda nothing, x: x, (), X)[1](X)[0] == ()


def test_row_6_a_registered_class_is_a_tree():
    class Line:
        def __init__(self, slope, offset):
            self.slope, self.offset = slope, offset

    pullback.register_node(Line, lambda n: ((n.slope, n.offset), None), lambda _, c: Line(*c))
    (gradient,) = vjp(lambda line: line.slope * X + line.offset, Line(2.0, X))[1](np.ones(3))
    assert type(gradient) is Line
    assert_same(gradient.slope, np.sum(X))
    assert_same(gradient.offset, np.ones(3))


def test_row_7_none_is_an_empty_subtree():
    (gradient,) = vjp(lambda d: d["a"] * 2.0, {"a": X, "b": None})[1](X)
    assert gradient["b"] is None
    assert_same(gradient["a"], 2 * X)


@pytest.mark.parametrize(
    ("primal", "dtype"),
    [(2.0, float), (np.float64(2.0), float), (np.float32(2.0), np.float32), (2 + 1j, complex)],
)
def test_row_8_numbers_are_primals(primal, dtype):
    out, pull = vjp(lambda x: x * x, primal)
    assert_same(out, np.asarray(primal * primal, dtype))
    assert_same(pull(np.ones((), dtype)[()])[0], np.asarray(2 * primal, dtype).conj())


@pytest.mark.parametrize("bad", ["text", np.sin, {1, 2}, object(), (i for i in range(3))])
def test_row_8_what_is_no_number_is_refused_with_its_path(bad):
    with pytest.raises(TypeError, match=r"pullback\.vjp: primals\[1\]\['w'\]: got "):
        vjp(lambda x, y: x, X, {"w": bad})


@pytest.mark.parametrize("dtype", ["U3", object, "datetime64[s]", "timedelta64[s]", [("a", float)]])
def test_row_8_arrays_that_hold_no_numbers_are_refused(dtype):
    with pytest.raises(TypeError, match=r"primals\[0\].*dtype"):
        vjp(lambda x: x, np.zeros(2, dtype))


def test_row_9_integer_leaves_are_constants_with_derivative_none():
    seen = []

    def f(d):
        seen.append(type(d["k"]))
        return d["x"] * d["k"]

    (gradient,) = vjp(f, {"x": X, "k": np.arange(3), "flag": True})[1](np.ones(3))
    assert seen == [np.ndarray]
    assert gradient["k"] is None
    assert gradient["flag"] is None
    assert_same(gradient["x"], np.arange(3.0))


@pytest.mark.parametrize("primal", [np.arange(3), 3, True, np.array([True]), np.int32(2)])
def test_row_9_integers_alone_are_refused_and_the_message_says_what_to_do(primal):
    with pytest.raises(TypeError, match=r"no leaf of primals is differentiable.*float"):
        vjp(lambda x: x * 1.5, primal)


def test_row_10_other_arguments_are_bound_with_partial():
    assert_same(vjp(partial(lambda x, k: k * x, k=3.0), X)[1](np.ones(3))[0], np.full(3, 3.0))


def test_row_11_the_same_array_twice_is_two_primals():
    a, b = vjp(lambda a, b: a * b * b, np.float64(3), np.float64(3))[1](1.0)
    assert (a, b) == (9.0, 18.0)


def test_row_12_a_captured_array_is_a_constant():
    x = np.array(3.0)
    assert vjp(lambda a: a * x, x)[1](1.0) == (3.0,)


@pytest.mark.parametrize("subclass", [np.ma.array([1.0]), np.asarray([[1.0]]).view(np.matrix)])
def test_row_13_subclasses_of_ndarray_are_refused(subclass):
    with pytest.raises(TypeError, match=r"primals\[0\].*subclass of ndarray.*np\.asarray"):
        vjp(lambda x: x, subclass)


@pytest.mark.parametrize(
    "view",
    [
        np.arange(6.0)[1:3],
        np.arange(6.0)[::-2],
        np.broadcast_to(np.array([2.0]), (3,)),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6.0).reshape(2, 3).T,
        np.array([1.0, 2.0]).astype(">f8"),
    ],
)
def test_row_14_views_and_strides_do_not_matter(view):
    (gradient,) = vjp(lambda x: x * x, view)[1](np.ones_like(view))
    np.testing.assert_array_equal(gradient, 2 * view)
    assert gradient.shape == view.shape


@pytest.mark.parametrize("f", [lambda x: np.ravel(x, "K"), lambda x: np.reshape(x, 6, order="A")])
def test_row_14_orders_that_follow_the_memory_see_that_of_the_primal(f):
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    out, pull = vjp(f, x)
    assert_same(out, f(x))
    assert_same(pull(np.arange(6.0))[0], np.arange(6.0).reshape(3, 2).T)


def test_row_16_inside_the_function_a_primal_looks_like_its_array():
    def f(x):
        assert isinstance(x, np.ndarray)
        assert (x.shape, x.dtype, x.ndim, x.size, len(x)) == (X.shape, X.dtype, 1, 3, 3)
        assert "0.5" in str(x)
        assert "vjp" in repr(x)
        return x * 1.0

    vjp(f, X)


# 1.2 Outputs and aux


def test_row_17_outputs_come_back_in_their_containers():
    out, pull = vjp(lambda x: {"p": Point(x * 1.0, [x * 2.0]), "t": (x * 3.0,)}, X)
    assert type(out["p"]) is Point
    assert type(out["t"]) is tuple
    assert_same(out["p"].y[0], 2 * X)
    assert_same(pull({"p": Point(X, [X]), "t": (X,)})[0], 6 * X)


@pytest.mark.parametrize("empty", [None, (), {}, [[], None]])
def test_row_18_an_empty_output_is_refused(empty):
    with pytest.raises(TypeError, match=r"returned no array.*has_aux=True"):
        vjp(lambda x: empty, X)


def test_row_19_numbers_among_the_outputs_are_constants():
    out, pull = vjp(lambda x: (x * 2.0, 3, 1.5), X)
    assert out[1:] == (3, 1.5)
    assert_same(pull((np.ones(3), None, 1.0))[0], np.full(3, 2.0))


def test_row_19_what_is_no_number_is_refused_with_its_path():
    with pytest.raises(TypeError, match=r"output\[1\].*str.*has_aux=True"):
        vjp(lambda x: (x, "text"), X)


def test_row_20_integer_outputs_take_none_as_cotangent():
    out, pull = vjp(lambda x: (x * 2.0, np.arange(3), x > 0.3), X)
    assert out[2].tolist() == [False, True, True]
    assert_same(pull((X, None, None))[0], 2 * X)
    with pytest.raises(TypeError, match=r"cotangents\[1\].*must be None"):
        pull((X, X, None))


def test_row_21_an_output_that_does_not_depend_on_the_primal_has_gradient_zero():
    _, pull = vjp(lambda x: np.ones(3), X)
    assert_same(pull(np.ones(3))[0], np.zeros(3))


@pytest.mark.parametrize("bad", ["zzz", np.ones(2), np.ones((1, 3)), 1.0])
def test_row_21_its_cotangent_is_validated_all_the_same(bad):
    _, pull = vjp(lambda x: np.ones(3), X)
    with pytest.raises((TypeError, ValueError), match="cotangents"):
        pull(bad)


def test_row_22_an_unused_primal_has_zeros_of_its_own_dtype():
    a, b = vjp(lambda x, y: x * 1.0, X, np.ones((2, 2), np.float32))[1](X)
    assert_same(a, X)
    assert_same(b, np.zeros((2, 2), np.float32))


def test_row_23_cotangents_of_the_same_output_add():
    def f(x):
        y = x * 2.0
        return y, y

    assert vjp(f, 3.0)[1]((1.0, 10.0)) == (22.0,)


def test_row_26_functions_without_slope_have_gradient_zero():
    for f in (np.sign, np.floor, np.round, np.ceil, np.trunc, np.rint):
        assert_same(vjp(f, X)[1](np.ones(3))[0], np.zeros(3))


def test_row_27_with_aux_there_are_three_results():
    out, pull, aux = vjp(lambda x: (x * 2.0, x * 3.0), X, has_aux=True)
    assert_same(out, 2 * X)
    assert_same(aux, 3 * X)
    assert type(aux) is np.ndarray
    assert_same(pull(X)[0], 2 * X)


@pytest.mark.parametrize("bad", [[X, X], (X, X, X), X, (X,), Point(X, X)])
def test_row_27_with_aux_the_function_must_return_a_pair(bad):
    with pytest.raises(TypeError, match=r"has_aux=True.*\(output, aux\)"):
        vjp(lambda x: bad, X, has_aux=True)


def test_rows_28_29_aux_is_any_object_and_loses_its_boxes():
    token = object()

    def f(x):
        return x * 2.0, {"n": 3, "none": None, "x": [x * 1.0, "text"], "token": token, "i": x > 1}

    _, _, aux = vjp(f, X, has_aux=True)
    assert aux["token"] is token
    assert aux["n"] == 3
    assert aux["none"] is None
    assert aux["x"][1] == "text"
    assert type(aux["x"][0]) is np.ndarray
    assert_same(aux["i"], np.array([False, False, True]))


def test_row_28_aux_keeps_the_derivative_of_an_outer_transform():
    def outer(x):
        _, _, aux = vjp(lambda y: (y * 2.0, y * x), x, has_aux=True)
        return aux

    assert pullback.grad(outer)(3.0) == 6.0


# 1.3 Cotangents, reuse, flags


@pytest.mark.parametrize(
    ("output", "cotangent"),
    [
        (lambda x: [x, x], (X, X)),
        (lambda x: (x, x), [X, X]),
        (lambda x: (x, x), (X, X, X)),
        (lambda x: Point(x, x), (X, X)),
        (lambda x: {"a": x, "b": x}, {"a": X}),
        (lambda x: {"a": x, "b": x}, {"a": X, "c": X}),
        (lambda x: (x, x), X),
        (lambda x: x, (X,)),
        (lambda x: x, {"a": X}),
    ],
)
def test_row_30_cotangents_of_another_structure_are_refused(output, cotangent):
    _, pull = vjp(output, X)
    with pytest.raises((TypeError, ValueError), match="cotangents"):
        pull(cotangent)


def test_row_31_the_order_of_keys_is_no_part_of_the_structure():
    _, pull = vjp(lambda x: {"b": x * 2.0, "a": x * 3.0}, X)
    assert_same(pull({"a": np.zeros(3), "b": np.ones(3)})[0], np.full(3, 2.0))
    assert_same(pull({"b": np.zeros(3), "a": np.ones(3)})[0], np.full(3, 3.0))


@pytest.mark.parametrize("shape", [(), (1,), (1, 3), (2,), (3, 1)])
def test_row_32_cotangents_of_another_shape_are_refused(shape):
    _, pull = vjp(lambda x: {"y": np.sin(x), "z": x}, X)
    with pytest.raises(ValueError, match=r"cotangents\['y'\]: got shape .*, expected \(3,\)"):
        pull({"y": np.ones(shape), "z": X})


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.float16, bool])
def test_row_33_real_cotangents_are_cast_to_the_output(dtype):
    x = X.astype(np.float32)
    (gradient,) = vjp(np.sin, x)[1](np.ones(3, dtype))
    assert_same(gradient, np.cos(x))


def test_row_34_a_complex_cotangent_of_a_real_output_is_refused():
    with pytest.raises(TypeError, match=r"complex cotangent for a real output.*\.real"):
        vjp(np.sin, X)[1](X + 0j)
    with pytest.raises(TypeError, match="complex cotangent"):
        vjp(np.sum, X)[1](1j)


def test_row_34_a_real_cotangent_serves_a_complex_output():
    assert_same(vjp(lambda z: z * 2j, X + 0j)[1](X)[0], -2j * X)


def test_row_35_a_bare_none_is_refused_and_a_none_leaf_is_zero():
    with pytest.raises(TypeError, match=r"pass 1\.0"):
        vjp(np.sum, X)[1](None)
    _, pull = vjp(lambda x: (x * 2.0, np.sum(x)), X)
    assert_same(pull((X, None))[0], 2 * X)
    assert_same(pull((None, None))[0], np.zeros(3))


@pytest.mark.parametrize("one", [1, 1.0, np.float64(1), np.array(1.0), True])
def test_row_36_numbers_are_cotangents_of_0d_outputs(one):
    assert_same(vjp(np.sum, X)[1](one)[0], np.ones(3))


def test_row_38_a_pullback_can_be_called_again():
    _, pull = vjp(np.sin, X)
    assert_same(pull(np.ones(3))[0], np.cos(X))
    assert_same(pull(X)[0], X * np.cos(X))
    assert_same(pull(np.ones(3))[0], np.cos(X))


def test_row_38_retain_graph_false_frees_it():
    _, pull = vjp(np.sin, X)
    assert_same(pull(np.ones(3), retain_graph=False)[0], np.cos(X))
    with pytest.raises(RuntimeError, match="retain_graph"):
        pull(np.ones(3))


def test_row_38_a_refused_cotangent_frees_nothing():
    _, pull = vjp(np.sin, X)
    with pytest.raises(ValueError):
        pull(np.ones(2), retain_graph=False)
    assert_same(pull(np.ones(3))[0], np.cos(X))


def test_row_39_the_pullback_is_differentiable_in_the_cotangent():
    _, pull = vjp(lambda x: np.sin(x) * 3.0, X)
    gradient = pullback.grad(lambda c: np.sum(pull(c)[0] * X))(np.ones(3))
    assert_same(gradient, 3 * np.cos(X) * X)
    # The pullback's own pullback is the map from tangents of the primal to those of the output.
    _, push = vjp(lambda c: pull(c)[0], np.zeros(3))
    assert_same(push(X)[0], 3 * np.cos(X) * X)


def test_row_40_a_pullback_made_outside_is_a_constant_in_the_primal():
    _, pull = vjp(lambda x: x * x * x, 3.0)
    assert pullback.grad(lambda x: pull(1.0)[0] * x)(3.0) == 27.0


def test_row_40_a_pullback_made_inside_is_differentiable_in_the_primal():
    assert pullback.grad(lambda x: vjp(lambda y: y * y * y, x)[1](1.0)[0])(3.0) == 18.0


def test_a_pullback_that_escapes_from_a_transform_of_its_primal_says_so():
    escaped = []

    def f(x):
        escaped.append(vjp(lambda y: y * y, x)[1])
        return x

    pullback.grad(f)(3.0)
    with pytest.raises(pullback.EscapedTracerError, match="grad"):
        escaped[0](1.0)


# strict


def test_strict_names_the_output_that_depends_on_nothing():
    with pytest.raises(ValueError, match=r"output\['b'\] does not depend on any of primals"):
        vjp(lambda x: {"a": x * 1.0, "b": np.ones(2)}, X, strict=True)


def test_strict_names_the_primal_that_does_not_matter():
    with pytest.raises(ValueError, match=r"no output depends on primals\[1\]\['w'\]"):
        vjp(lambda x, p: x * 1.0, X, {"w": X}, strict=True)


def test_strict_passes_what_is_connected_even_by_a_zero():
    out, pull = vjp(lambda x, k: (x * 0.0, 5), X, np.arange(3), strict=True)
    assert_same(pull((X, None))[0], np.zeros(3))
    assert out[1] == 5


def test_strict_sees_through_joint_ops():
    _, pull = vjp(lambda x, y: np.concatenate([x, y]), X, X, strict=True)
    assert_same(pull(np.arange(6.0))[1], np.array([3.0, 4.0, 5.0]))


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.__setitem__(12_345, 7.0),
        lambda w: w.sort(),
        lambda w: w.__setitem__([3, 4], w[[4, 3]]),
        lambda w: w.__setitem__(slice(None, 1021), w[1:1022].copy()),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_row_52_any_change_of_a_large_captured_array_is_seen(change, order):
    """Of one element, too, or where the elements only change places."""
    w = np.asarray(np.random.default_rng(0).normal(size=(200, 150)), order=order)
    flat = w.reshape(-1, order="A")
    _, pull = vjp(lambda x: x * w, np.ones_like(w))
    assert np.array_equal(pull(np.ones_like(w))[0], w)
    change(flat)
    with pytest.raises(pullback.StaleValueError, match="captured"):
        pull(np.ones_like(w))


def test_row_52_a_large_array_with_gaps_in_its_memory_is_copied():
    w = np.ones((400, 300))[:, ::2]
    _, pull = vjp(lambda x: x * w, np.ones(w.shape))
    w[3, 5] = 9.0
    assert np.array_equal(pull(np.ones(w.shape))[0], np.ones(w.shape))
