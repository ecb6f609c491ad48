"""`vmap`: what it takes, returns and refuses, in every nesting, against a loop over examples."""

from __future__ import annotations

import functools
import inspect
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback
from pullback import BatchingError, grad, jvp, vjp, vmap
from pullback.ops.declare import registry
from pullback.testing import check_grads

rng = np.random.default_rng(0)
X = rng.normal(size=(5, 3, 2))
POSITIONS = np.array([0, 2, 1, 1, -1])


def assert_as_loop(function: Callable[..., Any], *stacks: Any) -> None:
    """All arguments are mapped over their first axis."""
    rows = [function(*(stack[i] for stack in stacks)) for i in range(len(stacks[0]))]
    expected = np.stack(rows)
    got = vmap(function)(*stacks)
    assert type(got) is np.ndarray
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


# The signature, and where the axes are (rows 122 and 123)


def test_signature() -> None:
    names = list(inspect.signature(vmap).parameters)
    assert names[:3] == ["func", "in_dims", "out_dims"]
    assert set(names[3:]) == {"in_axes", "out_axes", "chunk_size", "fallback"}


def test_the_name_and_docstring_are_the_functions() -> None:
    assert vmap(np.linalg.norm).__name__ == "norm"


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
def test_in_dims_and_out_dims_may_be_any_axis(dim: int) -> None:
    got = vmap(lambda x: x * x.sum(), dim, dim)(X)
    expected = X * X.sum(axis=tuple(a for a in range(3) if a != dim % 3), keepdims=True)
    np.testing.assert_allclose(got, expected)


def test_out_dims_counts_the_output_axes_with_the_new_one() -> None:
    assert vmap(lambda x: x, 0, -1)(X).shape == (3, 2, 5)
    assert vmap(lambda x: x, 0, 1)(X).shape == (3, 5, 2)
    assert vmap(np.sum, 1, 0)(X).shape == (3,)


def test_the_names_in_axes_and_out_axes() -> None:
    np.testing.assert_array_equal(vmap(lambda x: x, in_axes=1, out_axes=1)(X), X)
    with pytest.raises(ValueError, match="in_dims or in_axes, not both"):
        vmap(np.sin, 1, in_axes=1)
    with pytest.raises(ValueError, match="out_dims or out_axes, not both"):
        vmap(np.sin, 0, 1, out_axes=1)


def test_trees_of_dims_hold_for_subtrees() -> None:
    Pair = namedtuple("Pair", "a b")  # noqa: PYI024

    def f(tree: Any, y: Any) -> Any:
        return {"out": Pair(tree["x"][0] + tree["x"][1] * y, tree["w"] * y)}

    tree = {"x": [X, X.transpose(1, 0, 2)], "w": np.arange(3.0)}
    y = np.arange(5.0)
    got = vmap(f, ({"x": [0, 1], "w": None}, 0), {"out": Pair(0, 1)})(tree, y)
    np.testing.assert_allclose(got["out"].a, X + X * y[:, None, None])
    np.testing.assert_allclose(got["out"].b, np.outer(np.arange(3.0), y))
    whole = vmap(lambda pair, y: pair[0] * y, (0, None))((X, X), 2.0)
    np.testing.assert_allclose(whole, 2 * X)


def test_none_in_a_tree_of_arguments_is_an_empty_subtree() -> None:
    np.testing.assert_array_equal(vmap(lambda d: d["x"])({"x": X, "none": None}), X)


def test_keyword_arguments_are_the_same_for_every_example() -> None:
    seen = []

    def f(x: Any, *, w: Any, name: str) -> Any:
        seen.append(name)
        return x * w

    w = rng.normal(size=(3, 2))
    np.testing.assert_allclose(vmap(f)(X, w=w, name="w"), X * w)
    assert seen == ["w"]


@pytest.mark.parametrize("dims", [None, [0], True, "0", {"x": 0}, 0.0])
def test_in_dims_of_another_type_are_refused(dims: Any) -> None:
    with pytest.raises(ValueError, match=r"pullback\.vmap: in_dims must be an int or a tuple"):
        vmap(np.sin, dims)(X)


@pytest.mark.parametrize(
    ("dims", "args", "match"),
    [
        ((0, 0), (X,), r"has 2 entries, but the call has 1 positional"),
        (([0],), (X,), r"in_dims \[0\] does not fit the structure of args\[0\]"),
        ((True,), (X,), r"must hold ints and None, got True for args\[0\]"),
        (({"x": 0},), ({"y": X},), r"does not fit the structure of args\[0\]"),
        ((0, 1), (X, X), r"the same size, got 5 for args\[0\], 3 for args\[1\]"),
        ((0,), (np.float64(1),), r"args\[0\]: in_dims is 0 there, but its shape is \(\)"),
        ((0,), ({"w": 1.0},), r"args\[0\]\['w'\]: in_dims is 0 there"),
        ((3,), (X,), r"args\[0\]: in_dims is 3 there, but its shape is \(5, 3, 2\)"),
        ((0,), ("text",), r"args\[0\]: got builtins.str.*pass None"),
        ((None,), (X,), r"maps over no argument"),
        ((), (), r"there is no argument to map over"),
        (0, ({},), r"there is no argument to map over"),
    ],
)
def test_bad_arguments_are_named(dims: Any, args: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        vmap(lambda *args: args[0], dims)(*args)


# Outputs (row 125)


def test_an_output_that_is_the_same_for_all_is_repeated_in_memory_of_its_own() -> None:
    constant = np.arange(3.0)
    got, number = vmap(lambda x: (constant, 2))(X)
    np.testing.assert_array_equal(got, np.tile(constant, (5, 1)))
    np.testing.assert_array_equal(number, np.full(5, 2))
    got[...] = 7
    assert constant.tolist() == [0, 1, 2]


def test_outputs_are_writable_and_share_memory_with_nothing() -> None:
    shared = rng.normal(size=(3, 2))
    for dim in (0, 1, -1):
        outs = vmap(lambda x, y: (x, x.T, x[0], y, x), (0, None), dim)(X, shared)
        for place, out in enumerate(outs):
            assert out.flags.writeable
            assert not any(np.shares_memory(out, other) for other in (X, shared, *outs[:place]))


def test_out_dims_none_is_for_what_no_example_changes() -> None:
    text, w = vmap(lambda x, w: ("text", w * 2), (0, None), None)(X, np.ones(2))
    assert text == "text"
    assert type(w) is np.ndarray
    assert w.tolist() == [2, 2]
    with pytest.raises(ValueError, match=r"output\[1\]: out_dims is None there, but"):
        vmap(lambda x: (1.0, x), 0, (0, None))(X)


def test_bad_outputs_are_named() -> None:
    with pytest.raises(TypeError, match=r"output\['name'\]: got builtins.str"):
        vmap(lambda x: {"name": "text"})(X)
    with pytest.raises(TypeError, match="returned no array"):
        vmap(lambda x: None)(X)
    with pytest.raises(ValueError, match="out_dims is 3 there, but the output has 3 axes"):
        vmap(lambda x: x, 0, 3)(X)
    with pytest.raises(ValueError, match="out_dims must hold ints and None, got 'x'"):
        vmap(lambda x: x, 0, "x")(X)


def test_the_callers_arrays_are_not_written_into() -> None:
    x, w = X.copy(), np.ones(2)

    def f(x: Any, w: Any) -> Any:
        x[0] = 1
        w[0] = x[1, 0]
        w[1] = 3.0
        return x * w

    got = vmap(f, (0, None))(x, w)
    np.testing.assert_array_equal(x, X)
    assert w.tolist() == [1, 1]
    np.testing.assert_allclose(got[:, 1], X[:, 1] * np.stack([X[:, 1, 0], np.full(5, 3.0)], 1))


# Data that differ (row 126)


def line_of(function: Callable[..., Any]) -> str:
    """How an error names the first line of a function of this file."""
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


BRANCHES: list[Any] = [
    lambda x: x if x[0, 0] > 0 else -x,
    lambda x: x[0, 0].item() * x,
    lambda x: np.array(x.tolist()),
    lambda x: x[np.nonzero(x)],
    lambda x: x[x > 0],
    lambda x: np.unique(x),
    lambda x: np.flatnonzero(x),
    lambda x: np.argwhere(x > 0),
    lambda x: np.compress(x[:, 0] > 0, x, axis=0),
    lambda x: np.where(x > 0)[0],
    lambda x: x[: np.argmax(x[:, 0])],
    lambda x: [x for _ in range(np.argmax(x))],
    lambda x: np.bincount(np.argsort(x[:, 0])),
    lambda x: float(x[0, 0]) * x,
    lambda x: np.kaiser(3, x[0, 0]),
]


@pytest.mark.parametrize("function", BRANCHES)
def test_what_depends_on_values_is_refused_at_the_users_line(function: Any) -> None:
    for f in (function, grad(lambda x: np.sum(function(x)))):
        with pytest.raises(BatchingError) as info:
            vmap(f)(X)
        assert "pullback.vmap" in str(info.value)
        assert line_of(function) in str(info.value)
        assert "fallback='loop'" in str(info.value)


def test_reading_values_still_works_inside_a_derivative_that_is_not_batched() -> None:
    assert vmap(lambda x, y: x * grad(lambda y: y**2 if y > 0 else y)(y), (0, None))(
        np.ones(2), 3.0
    ).tolist() == [6, 6]


def test_arrays_that_the_function_makes_take_batched_values_and_positions() -> None:
    assert_as_loop(lambda x: np.array([x[0, 0], 1.0]), X)
    assert_as_loop(lambda x: np.take(np.arange(3.0), np.argmax(x[:, 0])), X)
    assert_as_loop(lambda x: np.arange(3.0)[np.argmax(x[:, 0])], X)


def test_batched_positions_read_and_write() -> None:
    assert_as_loop(lambda x, i: x[i], X, POSITIONS)
    assert_as_loop(lambda x, i: x[i, 1], X, POSITIONS)
    assert_as_loop(lambda x, i: x[:, i % 2], X, POSITIONS)
    assert_as_loop(lambda x, i: x[None, i], X, POSITIONS)
    assert_as_loop(lambda x, i: x[..., i % 2, None], X, POSITIONS)
    table = rng.normal(size=(3, 4, 2))
    pairs = rng.integers(-3, 3, size=(5, 2))
    for read in (
        lambda t, i: t[i],
        lambda t, i: t[i, :, [0, 1]],
        lambda t, i: t[:, i],
        lambda t, i: t[[0, 1], i],
        lambda t, i: t[1, i],
        lambda t, i: t[:, i, [True, False]],
        lambda t, i: t[i, None, i],
        lambda t, i: t[i[:, None], i],
        lambda t, i: np.take(t, i, axis=1),
        lambda t, i: np.take(t, i, mode="wrap"),
    ):
        expected = np.stack([read(table, i) for i in pairs])
        np.testing.assert_array_equal(vmap(read, (None, 0))(table, pairs), expected)
        stacked = np.stack([table * k for k in range(5)])
        assert_as_loop(read, stacked, pairs)


@pytest.mark.parametrize("part", [1, slice(None), [0, 1]])
def test_writes_at_batched_positions(part: Any) -> None:
    def f(x: Any, i: Any) -> Any:
        y = x * 2
        y[i, part] = x[0, part] ** 2
        y[i] += x[i] * x[1]
        y[:, i % 2] *= 3
        return y

    assert_as_loop(f, X, POSITIONS)
    assert_as_loop(grad(lambda x, i: np.sum(f(x, i) ** 2)), X, POSITIONS)
    assert_as_loop(lambda x, i: jvp(lambda x: f(x, i), (x,), (x * x,))[1], X, POSITIONS)


def test_the_last_write_to_a_position_that_is_named_twice_wins() -> None:
    positions = np.array([[0, 0, 1], [1, 1, 1], [2, 0, 2], [0, 1, 2], [1, 1, 0]])

    def f(x: Any, i: Any) -> Any:
        y = x[:, 0] * 1
        y[i] = x[:, 1] ** 2
        return y

    assert_as_loop(f, X, positions)
    assert_as_loop(grad(lambda x, i: np.sum(f(x, i) ** 2)), X, positions)


def test_a_batched_mask_selects() -> None:
    def f(x: Any) -> Any:
        y = x * 1
        y[y > 0] = 0
        y[x[:, 0] > 0.5] = [1.0, 2.0]
        y[y == 2] = x[0, 0]
        return y

    assert_as_loop(f, X)
    assert_as_loop(grad(lambda x: np.sum(f(x) * x)), X)
    with pytest.raises(BatchingError, match=r"Write np\.where"):
        vmap(lambda x: x.__setitem__(x > 0, np.ones(6)))(X)


# Values as constants: comparisons, positions, counts

A = rng.normal(size=(5, 4, 3))
INTEGERS = rng.integers(0, 4, size=(5, 4, 3))
WITH_NANS = np.where(rng.random((5, 4, 3)) < 0.3, np.nan, A)
CONSTANTS: list[Any] = [
    *(lambda x, f=f: f(x) for f in (np.argmax, np.argmin, np.any, np.all, np.count_nonzero)),
    *(lambda x, f=f: f(x, axis=0) for f in (np.argmax, np.nanargmin, np.any, np.argsort)),
    lambda x: np.argmax(x, axis=-1, keepdims=True),
    lambda x: np.argmin(x, keepdims=True),
    lambda x: x.argmax() + x.argsort(0),
    lambda x: np.any(x > 0, axis=(0, 1), where=x < 1),
    lambda x: np.all(x > -1, axis=1, keepdims=True),
    lambda x: np.argsort(x, axis=None),
    lambda x: np.take_along_axis(x, np.argsort(x, axis=0)[::-1], 0),
    lambda x: np.sort(np.argpartition(x, 1, axis=0)[:2], axis=0),
    lambda x: np.lexsort((x[0], x[1])),
    lambda x: np.searchsorted(np.sort(x[:, 0]), x),
    lambda x: np.searchsorted(np.arange(3.0), x, side="right"),
    lambda x: np.searchsorted(np.sort(x[:, 0]), 0.2),
    lambda x: np.searchsorted(x[:, 0], x[:, 1], sorter=np.argsort(x[:, 0])),
    lambda x: np.digitize(x, [-1.0, 0.0, 1.0]),
    lambda x: np.digitize(x, [1.0, 0.0, -1.0], right=True),
    lambda x: np.isin(np.round(x), np.round(x[0])),
    lambda x: np.isin(np.round(x), [0, 1], invert=True),
    lambda x: np.round(x, 1) + x.round(),
    lambda x: np.fix(x) + np.trunc(x) + np.floor(x),
    lambda x: x.astype(int),
    lambda x: (x > 0).astype(int).sum(axis=0),
    lambda x: np.isclose(x, x[0], atol=0.5),
    lambda x: np.allclose(x, x + 1e-9),
    lambda x: np.array_equal(x, np.abs(x)),
    lambda x: np.array_equiv(x, x[0]),
    lambda x: np.isreal(x) | np.iscomplex(x) | np.isneginf(x) | np.isposinf(x),
    lambda x: np.unravel_index(np.argmax(x), x.shape)[1],
    lambda x: np.frexp(x)[1],
    lambda x: np.floor_divide(x, x[0]) + x // 1,
    lambda x: np.sign(x) * (x > x.mean()),
    lambda x: np.logical_and.reduce(x > -1, axis=0) ^ np.logical_or.reduce(x > 1, axis=0),
    lambda x: np.greater.outer(x[0], x[1]),
    lambda x: np.histogram(x, bins=4, range=(-2, 2))[0],
    lambda x: np.histogram(x, bins=3)[0],
    lambda x: np.histogram(x, bins=3)[1],
    lambda x: np.histogram(x, bins=[-1.0, 0.0, 2.0], weights=x)[0],
    lambda x: np.linalg.matrix_rank(x * (x[0, 0] > 0)),
    lambda x: np.choose(np.argmax(x, axis=0) % 2, [x[0], x[1]]),
    lambda x: np.select([x > 1, x > 0], [x, x**2], 3.0),
    lambda x: np.piecewise(x, [x > 0, x > 1], [np.sin, 2.0, np.cos]),
    lambda x: x.shape[0] * np.zeros(x.shape) + np.ones_like(x) + np.full_like(x, x[0, 0]),
    lambda x: np.size(x) + np.ndim(x) + len(x) + np.zeros(np.shape(x)),
    lambda x: (0.5 in x[0]) if isinstance(x, list) else x,
]


@pytest.mark.parametrize("function", CONSTANTS)
def test_values_that_are_computed_from_differ_by_example(function: Any) -> None:
    assert_as_loop(function, A)
    # ... in the middle of something that is differentiated, too.
    assert_as_loop(lambda x: vjp(lambda x: function(x) * np.sum(x), x)[0], A)
    loss = lambda x: np.sum(np.sin(function(x)) * np.sum(x**2))
    assert_as_loop(grad(loss), A)


@pytest.mark.parametrize(
    "function",
    [
        np.sum,
        np.mean,
        np.max,
        np.prod,
        np.var,
        lambda x: np.cumsum(x, axis=0),
        lambda x: x @ x.T,
        lambda x: np.sort(x, axis=0),
        lambda x: np.median(x),
        lambda x: x / 2,
        lambda x: x**2 % 3,
        lambda x: x & 1 | x << 1,
        lambda x: np.where(x > 1, x, 0.5),
        lambda x: np.bincount([0, 1, 1, 2], weights=x[:, 0]),
    ],
)
def test_integers_and_booleans_are_batched_too(function: Any) -> None:
    assert_as_loop(function, INTEGERS)


@pytest.mark.parametrize(
    "function",
    [
        *(np.nansum, np.nanmean, np.nanmax, np.nanvar, np.nanstd, np.nanmedian, np.nanprod),
        *(lambda x, f=f: f(x, axis=0) for f in (np.nanmean, np.nanmedian, np.nanmin, np.nancumsum)),
        lambda x: np.nanquantile(x, [0.2, 0.7], axis=0),
        lambda x: np.median(x, axis=0),
        lambda x: np.nan_to_num(x, nan=1.0),
        lambda x: np.quantile(np.nan_to_num(x), np.abs(np.tanh(np.nan_to_num(x[0, 0])))),
    ],
)
@pytest.mark.filterwarnings("ignore:(All-NaN|Mean of empty|Degrees of freedom):RuntimeWarning")
def test_each_example_has_its_own_nans(function: Any) -> None:
    assert_as_loop(function, WITH_NANS)
    assert_as_loop(grad(lambda x: np.nansum(function(x) ** 2)), WITH_NANS)


# Nestings


def steps(x: Any) -> Any:
    """A program that reads, writes through views, and reduces."""
    y = np.sin(x) * x[0]
    y[1] = y[0] * 2
    view = y[1:]
    view[0, 0] += x[1, 1]
    y *= np.where(x > 0, x, 1)
    np.add.at(y, ([0, 0], [1, 1]), x[2])
    np.exp(y[0], out=y[0])
    return y


def loss(x: Any) -> Any:
    return np.sum(steps(x) ** 2) / 7


@pytest.mark.parametrize(
    "function",
    [
        steps,
        grad(loss),
        lambda x: vjp(steps, x)[1](x)[0],
        lambda x: jvp(steps, (x,), (x * x,))[1],
        lambda x: jvp(grad(loss), (x,), (x,))[1],
        lambda x: grad(lambda y: np.sum(jvp(steps, (y,), (y * x,))[1]))(x),
        lambda x: grad(lambda x: np.sum(grad(loss)(x) ** 2))(x),
        lambda x: vmap(lambda row: row * np.sum(row) + x[0])(x),
        lambda x: vmap(grad(lambda row, x: np.sum(np.sin(row) * x[0])), (0, None), 1)(x, x),
        lambda x: grad(lambda x: np.sum(vmap(grad(lambda row: np.prod(row) ** 2))(x)))(x),
        lambda x: vmap(vjp(steps, x)[1])(np.stack([x, 2 * x]))[0],
        lambda x: vmap(lambda v: jvp(steps, (x,), (v,))[1], -1, -1)(np.stack([x, x * x], -1)),
    ],
)
def test_nestings_under_vmap(function: Any) -> None:
    assert_as_loop(function, X)
    assert_as_loop(lambda x: vmap(function)(np.stack([x, x + 1])), X)


@pytest.mark.parametrize(
    "function",
    [
        vmap(steps),
        vmap(grad(loss)),
        lambda X: vmap(vmap(np.cumprod))(X),
        lambda X: vmap(lambda x, i: x[i] * np.sort(x, axis=0)[0], (0, 0))(X, POSITIONS),
        lambda X: vmap(lambda x: jvp(steps, (x,), (x,))[1])(X),
        lambda X: vmap(lambda x, X: x @ X.reshape(-1, 2).T, (0, None))(X, X),
    ],
)
def test_derivatives_of_vmap(function: Any) -> None:
    check_grads(function, X, order=2)


def test_a_pullback_is_batched_over_its_cotangents() -> None:
    """Row 43: also where the function branched, and for primals that are not used."""
    x = rng.normal(size=3)
    _, pull = vjp(lambda x, unused: np.cumsum(x[x > -9] ** 2), x, np.ones(2))
    jacobian, zeros = vmap(pull)(np.eye(3))
    np.testing.assert_allclose(jacobian, np.tril(np.ones((3, 3))) * 2 * x)
    np.testing.assert_array_equal(zeros, np.zeros((3, 2)))


def test_a_pullback_that_undoes_writes_is_batched() -> None:
    _, pull = vjp(steps, X[0])
    cotangents = rng.normal(size=(4, 3, 2))
    got = vmap(lambda c: pull(c)[0])(cotangents)
    np.testing.assert_allclose(got, np.stack([pull(c)[0] for c in cotangents]))


def test_constants_under_vmap() -> None:
    def f(x: Any) -> Any:
        with pullback.no_grad():
            c = x**2
        return np.sum(x - c) + np.sum(x * pullback.stop_gradient(x))

    assert_as_loop(grad(f), X)
    check = grad(lambda X: np.sum(vmap(lambda x: x * pullback.stop_gradient(x))(X)))
    np.testing.assert_allclose(check(X), X)


def test_elements_are_numbers_as_in_numpy() -> None:
    """`y = x[0]; y += 1` makes a new number; a view of no dimensions is written through."""

    def f(x: Any) -> Any:
        x = x * 1
        first = x[0, 0]
        first += 1
        x[0, 0] = 5
        last = x[2, 1, ...]
        last += first
        total = np.sum(x)
        total *= 2
        return x * first + total

    assert_as_loop(f, X)
    with pytest.raises(TypeError, match="does not support item assignment"):
        vmap(lambda x: x[0, 0].__setitem__((), 1))(X)


def test_memory_layout_is_no_matter() -> None:
    for x in (np.asfortranarray(X), X[::-1], X.transpose(2, 1, 0).copy().T):
        np.testing.assert_allclose(vmap(steps)(x), np.stack([steps(row) for row in x]))


def test_a_value_that_escapes_is_caught() -> None:
    leaked = []
    vmap(lambda x: leaked.append(x) or x)(X)
    with pytest.raises(pullback.EscapedTracerError, match="vmap"):
        leaked[0] + 1
    with pytest.raises(pullback.EscapedTracerError, match="vmap"):
        vmap(np.sin)(leaked[0])
    with pytest.raises(pullback.EscapedTracerError, match="vmap"):
        vmap(lambda x: leaked[0])(X)


def test_an_exception_leaves_nothing_behind() -> None:
    with pytest.raises(KeyError):
        vmap(lambda x: {}[0])(X)
    assert_as_loop(np.sin, X)


# Chunks, empty batches, loops (rows 4, 128 and 129)


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_chunks(size: int) -> None:
    calls = []

    def f(x: Any, w: Any) -> Any:
        calls.append(x)
        return x * w, np.sum(w)

    got, total = vmap(f, (0, None), (1, None), chunk_size=size)(X, np.ones(2))
    np.testing.assert_array_equal(got, X.swapaxes(0, 1))
    assert total == 2
    assert len(calls) == -(-5 // size)
    check_grads(vmap(grad(loss), chunk_size=size), X, order=1)


def test_a_chunk_size_is_any_integer() -> None:
    np.testing.assert_array_equal(vmap(np.sin, chunk_size=np.int64(2))(X), np.sin(X))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, -1, 1.5, True, np.True_])
def test_a_chunk_has_an_example(size: Any) -> None:
    with pytest.raises(ValueError, match="chunk_size must be an integer of at least 1"):
        vmap(np.sin, chunk_size=size)


@pytest.mark.parametrize("chunk_size", [None, 2])
def test_no_examples(chunk_size: Any) -> None:
    empty = np.zeros((0, 3, 2))
    for function in (steps, grad(loss), lambda x: np.argsort(x)[0], lambda x: x[x.argmax(0)]):
        got = vmap(function, chunk_size=chunk_size)(empty)
        expected = function(X[0])
        assert (got.shape, got.dtype) == ((0, *expected.shape), expected.dtype)


@pytest.mark.parametrize("ufunc", [np.multiply, np.divide, np.maximum, np.power, np.negative])
def test_a_ufunc_at_positions_of_each_example(ufunc: Any) -> None:
    """One position after the other: those that an example names twice get both."""
    places = np.array([[0, 1, 1], [2, 2, 2], [3, 0, 0]])
    x = np.random.default_rng(5).uniform(0.5, 2.0, (3, 4))

    def f(x: Any, at: Any) -> Any:
        y = x * 1.0
        ufunc.at(y, at, *([x[1:]] if ufunc.nin == 2 else []))
        return y

    assert_as_loop(f, x, places)
    check_grads(lambda x: vmap(f)(x, places), x)


def test_bits_of_each_example() -> None:
    bits = np.random.default_rng(6).integers(0, 2, (3, 5, 11))
    for options in ({}, {"axis": 0}, {"axis": -1, "bitorder": "little"}):
        assert_as_loop(lambda x, o=options: np.packbits(x, **o), bits)
    packed = np.random.default_rng(7).integers(0, 256, (3, 2, 4)).astype(np.uint8)
    for options in ({}, {"axis": 0, "count": 11}, {"axis": 1, "count": -3, "bitorder": "little"}):
        assert_as_loop(lambda x, o=options: np.unpackbits(x, **o), packed)
    with pytest.raises(TypeError, match="integer or boolean"):
        vmap(np.packbits)(X)


LAID_OUT: dict[str, Callable[[Any], Any]] = {
    "take": lambda x: np.take(x, [2, 0, 1], axis=1),
    "where": lambda x: np.where(x > 0, x, 2 * x),
    "sort": lambda x: np.sort(x, axis=0),
    "partition": lambda x: np.partition(x, 1, axis=0),
    "delete": lambda x: np.delete(x, 1, axis=0),
    "insert": lambda x: np.insert(x, 1, 7.0, axis=1),
    "compress": lambda x: np.compress([True, False, True], x, axis=0),
    "select": lambda x: np.select([x > 0], [x], 2 * x),
    "rows by number": lambda x: x[[0, 2, 1]],
    "columns by number": lambda x: x[:, [0, 2]],
    "rows by mask": lambda x: x[np.arange(len(x)) % 2 == 0],
    "zeros_like": lambda x: np.zeros_like(x) + 0 * x,
    "asfortranarray": lambda x: np.asfortranarray(x[:2]),
    "copy of Fortran's order": lambda x: np.copy(x[1:], order="F"),
    "copy": lambda x: np.copy(x),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("function", LAID_OUT.values(), ids=LAID_OUT)
def test_examples_lie_in_memory_as_alone(function: Callable[[Any], Any], turned: bool) -> None:
    """A write through a reshape is seen if that is a view, which depends on the layout."""

    def f(x: Any) -> Any:
        y = function(x.T.copy("K").T if turned else x)
        y.reshape(-1)[0] = 100.0
        y.T.reshape(-1)[-1] = 200.0
        return y * 1.0

    batch = np.random.default_rng(4).normal(size=(3, 4, 5))
    for given in (batch, np.asfortranarray(batch)) if turned else (batch,):
        expected = np.stack([f(x.copy("K")) for x in given])
        np.testing.assert_array_equal(vmap(f)(given), expected)
        np.testing.assert_array_equal(jvp(vmap(f), (given,), (given,))[0], expected)
        np.testing.assert_array_equal(np.stack([vjp(f, x.copy("K"))[0] for x in given]), expected)
    check_grads(vmap(f), batch, order=1)


def test_no_examples_for_an_op_that_knows_one() -> None:
    """It is run on ones for the shape of its result."""
    first = pullback.opaque(lambda x: x[:1] * 1, lambda ct, x: (np.append(ct, 0 * x[1:]),))
    empty = np.zeros((0, 3), np.float32)
    assert vmap(first)(empty).shape == (0, 1)
    assert vmap(grad(lambda x: first(x)[0]))(empty).dtype == np.float32

    def fails(x: Any) -> Any:
        raise RuntimeError("not here")

    with pytest.raises(ValueError, match=r"run once, on ones.* not here. Declare"):
        vmap(pullback.opaque(fails, lambda ct: (ct,)))(empty)


def test_formatting_needs_one_value() -> None:
    with pytest.raises(
        BatchingError, match=r"formatting as '.3f' of a batched value at .*test_batch"
    ):
        vmap(lambda x: x * len(f"{x[0, 0]:.3f}"))(X)
    assert vmap(lambda x: x * bool(f"{x[0]}"))(X).shape == X.shape


def test_a_loop_where_it_is_asked_for() -> None:
    def f(x: Any) -> Any:
        return (x if x[0, 0] > 0 else -x), np.unique(np.sign(x))[-1]

    got, signs = vmap(f, fallback="loop", out_dims=(1, 0))(X)
    np.testing.assert_array_equal(got, np.stack([f(x)[0] for x in X], 1))
    np.testing.assert_array_equal(signs, [f(x)[1] for x in X])
    check_grads(vmap(lambda x: f(x)[0] ** 2, fallback="loop"), X, order=2)
    with pytest.raises(ValueError, match="fallback must be 'loop' or None"):
        vmap(f, fallback="yes")
    with pytest.raises(ValueError, match="returned the tree"):
        vmap(lambda x: (x,) if x[0, 0] > 0 else x, fallback="loop")(X)


def test_what_can_be_batched_is_not_looped() -> None:
    calls = []
    vmap(lambda x: calls.append(0) or x, fallback="loop")(X)
    assert len(calls) == 1


def test_an_op_without_a_batching_rule_is_named() -> None:
    primitive = functools.partial(registry["sin"].__class__, "unbatched", "elementwise", np.sin)
    op = primitive(registry["sin"].rules)
    with pytest.raises(BatchingError, match=r"'unbatched' has no batching rule, at .*test_batch"):
        vmap(op)(X)
    np.testing.assert_allclose(vmap(op, fallback="loop")(X), np.sin(X))


def test_every_op_has_a_batching_rule() -> None:
    assert not [name for name, primitive in registry.items() if primitive.batch is None]


# Randomness (row 127)


def test_a_generator_draws_once_for_the_whole_batch() -> None:
    generator = np.random.default_rng(3)
    got = vmap(lambda x: x * 0 + generator.normal(size=2))(X)
    expected = np.random.default_rng(3).normal(size=2)
    np.testing.assert_array_equal(got, np.broadcast_to(expected, X.shape))


def test_a_buffer_is_a_batch_that_can_take_traced_values():
    """What NumPy's makers return inside an outer transform is batched without its wrapping."""

    def f(x):
        def one(s):
            y = np.array([0.0, s])
            y *= x
            s_moved = s * x[0]
            return jvp(lambda z: write(z, s_moved), (y,), (y,))[1]

        return np.sum(vmap(one)(np.array([1.0, 0.5])))

    def write(z, value):
        z = z * 1.0
        z[0] = z[1] * value
        return z

    def by_loop(x):
        total = 0.0
        for s in (1.0, 0.5):
            total = total + s * x[1] * s * x[0] + s * x[1]
        return total

    x = np.array([0.4, -0.7])
    np.testing.assert_allclose(grad(f)(x), grad(by_loop)(x), rtol=1e-12)


def test_a_batched_value_written_into_a_plain_array_says_what_to_write():
    """NumPy hides the reason behind one of its own; with it, the fallback takes over."""
    plain = np.ones(2)

    def f(x):
        y = plain * 2.0
        y[0] = x
        return y

    with pytest.raises(pullback.BatchingError, match="fallback='loop'"):
        vmap(f)(np.arange(3.0))
    assert vmap(f, fallback="loop")(np.arange(3.0)).tolist() == [[0, 2], [1, 2], [2, 2]]
