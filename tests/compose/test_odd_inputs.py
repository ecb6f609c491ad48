"""Odd inputs, deep nestings and leaked values: the right number, or an error that says where."""

from __future__ import annotations

import itertools
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback
from pullback import grad, jvp, vjp
from tests.threads import at_once

X = np.array([1.0, 2.0, 3.0])


def slope(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The derivative of a function of one number, in forward mode."""
    return lambda z: jvp(f, (z,), (1.0,))[1]


def written(z: Any) -> Any:
    """4 z**4 + 4 z**5, by way of writes."""
    y = np.array([1.0, 2.0]) * z
    y[0] = y[1] * z
    y *= y
    y[1] = y[0] * z
    return y.sum()


@pytest.mark.parametrize("modes", list(itertools.product([grad, slope], repeat=4)))
def test_fourth_derivatives_through_writes_in_every_nesting(modes: Any) -> None:
    f: Any = written
    for transform in modes:
        f = transform(f)
    assert np.isclose(f(1.5), 96 + 480 * 1.5)


def test_captured_outer_values_are_followed_through_three_levels_of_writes() -> None:
    def outer(a: Any) -> Any:
        a = a * 1

        def middle(b: Any) -> Any:
            y = np.array([1.0, 1.0]) * b
            y[0] = a * b
            y[1] *= a * a

            def inner(c: Any) -> Any:
                w = y * c
                w[0] *= b * a
                w[1] = w[0] * c
                return (w * y).sum()

            return grad(inner)(b) * a

        return grad(middle)(a * 2)

    a = np.array(1.3)
    assert np.isclose(outer(a), 12 * a**6 + 64 * a**8)
    assert np.isclose(grad(outer)(a), 72 * a**5 + 512 * a**7)
    assert np.isclose(grad(grad(outer))(a), 360 * a**4 + 3584 * a**6)


def overlapping(x: Any) -> Any:
    x = x * 1
    for i in range(5):
        x[i : i + 5] *= np.sin(x[3:8] + i)
        x += x[::-1] * 0.1
    return x * x


def test_one_pullback_called_in_many_threads_at_once_while_it_undoes_writes() -> None:
    _, pull = vjp(overlapping, np.linspace(-1, 1, 12))
    expected = pull(np.ones(12))[0]
    results = at_once(lambda _: pull(np.ones(12))[0], 4)
    assert all(np.array_equal(result, expected) for result in results)


LEAKED_USES: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: x + 1,
    "a view": lambda x: x[0],
    "a comparison": lambda x: x > 0,
    "a write": lambda x: x.fill(1.0),
    "an update": lambda x: x.__iadd__(1),
    "a primal": lambda x: vjp(np.sin, x),
    "an output": lambda x: vjp(lambda z: x, X),
    "a tangent": lambda x: jvp(np.sin, (X,), (x,)),
    "a cotangent": lambda x: vjp(np.sin, X)[1](x),
    "the value written": lambda x: grad(lambda z: z.__setitem__(..., x) or z.sum())(X),
}


@pytest.mark.parametrize("use", LEAKED_USES)
@pytest.mark.parametrize("transform", ["grad", "jvp"])
def test_a_leaked_value_raises_and_names_its_transform(use: str, transform: str) -> None:
    kept: list[Any] = []

    def leak(x: Any) -> Any:
        kept.append(x)
        return x.sum()

    if transform == "grad":
        grad(leak)(X)
    else:
        jvp(leak, (X,), (X,))
    with pytest.raises(pullback.EscapedTracerError, match=rf"pullback\.{transform} "):
        LEAKED_USES[use](kept[0])


def test_a_pullback_and_a_generator_that_outlive_the_transform_around_them_raise() -> None:
    kept: list[Any] = []

    def leak(x: Any) -> Any:
        kept.append(vjp(lambda z: z * x, x)[1])
        kept.append(2 * part for part in x)
        return x.sum()

    grad(leak)(X)
    with pytest.raises(pullback.EscapedTracerError):
        kept[0](X)
    with pytest.raises(pullback.EscapedTracerError):
        next(kept[1])


def test_an_exception_between_writes_leaves_the_outer_arrays_as_they_were() -> None:
    def outer(x: Any) -> Any:
        c = x * 2

        def inner(t: Any) -> Any:
            t[0] = c[0] * t[1]
            raise KeyError

        with pytest.raises(KeyError):
            grad(inner)(x)
        c[0] = x[1]
        return (c * c).sum()

    assert np.allclose(grad(outer)(X), [0, 20, 24])


Pair = namedtuple("Pair", "a b")  # noqa: PYI024
TREES = [
    Pair(1.0, np.array([2.0])),
    OrderedDict(b=1.0, a=2.0),
    defaultdict(list, {"a": 1.0}),
    deque([1.0, 2.0], maxlen=3),
    {"a": 1.0, "b": None},
    ({}, [], 1.0),
    {1: 2.0, "a": 3.0, (1, 2): 4.0, None: 5.0},
    {frozenset([1]): 1.0},
]


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_odd_containers_come_back_as_they_went_in(tree: Any) -> None:
    out, pull = vjp(lambda t: t, tree)
    (back,) = pull(out)
    assert type(out) is type(back) is type(tree)
    assert out == back == tree
    assert getattr(back, "maxlen", None) == getattr(tree, "maxlen", None)
    assert getattr(back, "default_factory", None) is getattr(tree, "default_factory", None)


@pytest.mark.parametrize("dtype", ["f2", "f4", "g", ">f8", "c8", "c16", "G", ">c16"])
def test_every_inexact_dtype_keeps_itself(dtype: str) -> None:
    x = np.ones(3).astype(dtype)
    y, pull = vjp(lambda x: np.sin(x) * x, x)
    (derivative,) = pull(np.ones(3))
    assert derivative.dtype == x.dtype
    assert np.allclose(derivative, np.sin(1) + np.cos(1), rtol=1e-2)
    assert y.shape == (3,)


@pytest.mark.parametrize(
    "leaf",
    [
        np.array([1.0, None]),
        np.array(["a"]),
        np.array(["2020"], "M8[D]"),
        np.zeros(2, [("a", float)]),
        np.ma.array([1.0]),
        np.rec.array([1.0]),
        "text",
        {1.0},
        np.sin,
    ],
    ids=lambda leaf: type(leaf).__name__ + str(getattr(leaf, "dtype", "")),
)
def test_a_leaf_that_is_no_number_is_named_by_its_path(leaf: Any) -> None:
    with pytest.raises(TypeError, match=r"pullback\.vjp: primals\[0\]\['w'\]\[1\]: got"):
        vjp(lambda tree: tree["w"][0], {"w": [1.0, leaf]})


WRONG_COTANGENTS: list[tuple[Any, type[Exception], str]] = [
    (None, TypeError, "got None"),
    (1.0, ValueError, "structure"),
    ({"a": X}, ValueError, "structure"),
    ({"a": X, "b": [1.0, None]}, ValueError, "structure"),
    ({"a": X, "b": (1.0, None), "c": 1.0}, ValueError, "structure"),
    ({"a": X, "b": (1.0, np.zeros(2))}, TypeError, r"cotangents\['b'\]\[1\]"),
    ({"a": X[:2], "b": (1.0, None)}, ValueError, r"cotangents\['a'\]: got shape \(2,\)"),
    ({"a": X, "b": (np.ones(1), None)}, ValueError, r"cotangents\['b'\]\[0\]: got shape \(1,\)"),
    ({"a": X * 1j, "b": (1.0, None)}, TypeError, r"cotangents\['a'\]: got a complex"),
    ({"a": "x", "b": (1.0, None)}, TypeError, r"cotangents\['a'\]: got builtins.str"),
    ({"a": np.ma.array(X), "b": (1.0, None)}, TypeError, r"cotangents\['a'\]: got numpy.ma"),
    ({"a": X.astype(object), "b": (1.0, None)}, TypeError, r"cotangents\['a'\]"),
]


@pytest.mark.parametrize(("cotangent", "error", "message"), WRONG_COTANGENTS)
def test_a_wrong_cotangent_is_named_and_does_no_harm(
    cotangent: Any, error: type[Exception], message: str
) -> None:
    _, pull = vjp(lambda x: {"a": x * 2, "b": (x.sum(), np.arange(2))}, X)
    with pytest.raises(error, match=message):
        pull(cotangent, retain_graph=False)
    assert np.allclose(pull({"b": (1.0, None), "a": X})[0], [3, 5, 7])


@pytest.mark.parametrize("modes", [grad, slope], ids=["grad", "jvp"])
def test_shapes_at_the_limits(modes: Any) -> None:
    for shape in [(), (0, 3), (1,) * 64, (2,) * 10]:
        x = np.full(shape, 1.5)
        if modes is grad:
            assert np.array_equal(grad(lambda x: np.sum(x * x))(x), 2 * x)
        else:
            assert np.array_equal(jvp(lambda x: x * x, (x,), (np.ones(shape),))[1], 2 * x)


def test_functions_of_every_kind_are_differentiated() -> None:
    class Square:
        def __call__(self, x: Any) -> Any:
            return (x * x).sum()

        def method(self, x: Any, *rest: Any, factor: float = 2.0, **more: Any) -> Any:
            return (x * factor).sum() + sum(rest) + more.get("shift", 0)

    assert np.allclose(grad(Square())(X), 2 * X)
    assert np.allclose(grad(Square().method)(X, 1.0, factor=3.0, shift=X[0]), 3)
    assert np.allclose(grad(np.sum)(X), 1)
    assert np.allclose(grad(sum)(X), 1)
    assert np.allclose(grad(max)(X), [0, 0, 1])
    assert np.allclose(grad(pow)(3.0, 2), 6)
    assert grad(lambda x: min(sorted(x)))(X).tolist() == [1, 0, 0]
    assert grad(lambda x: next(reversed(x)))(X).tolist() == [0, 0, 1]
