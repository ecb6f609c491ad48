"""Shape functions on traced arrays: what a sweep of derivatives cannot say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy import zeros  # bound before: plain arrays

import pullback
from pullback import errors
from pullback.testing import check_grads
from tests.frontends.traced import traced

X = np.arange(12.0).reshape(3, 4)

SINCE_NUMPY_2_1 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="new in NumPy 2.1"
)


# Signatures and errors


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda x: np.reshape(x, shape=(4, 3), order="F"), marks=SINCE_NUMPY_2_1),
        lambda x: np.reshape(x, np.array([4, 3])),
        lambda x: np.reshape(x, np.int64(12)),
        pytest.param(lambda x: np.reshape(x, (4, 3), copy=True), marks=SINCE_NUMPY_2_1),
        lambda x: x.reshape([4, -1]),
        lambda x: x.reshape(-1),
        lambda x: x.T.ravel(order="K"),
        lambda x: x.T.ravel("A"),
        lambda x: x[::-1].ravel("K"),
        lambda x: x.T.flatten(order="A"),
        lambda x: x.transpose(None),
        lambda x: x.transpose([1, 0]),
        lambda x: x.transpose(),
        lambda x: x.swapaxes(0, -1),
        lambda x: x[None].squeeze(axis=0),
        lambda x: x.repeat(repeats=2, axis=1),
        lambda x: x.diagonal(offset=1),
        lambda x: x.trace(1),
        lambda x: np.trace(x, dtype=np.float32),
        lambda x: np.concatenate((x, x), axis=1, dtype=np.float32),
        lambda x: np.stack([x, x], dtype=np.complex128),
        lambda x: np.pad(x, [(1, 2)], "edge"),
        lambda x: np.pad(x, 7, "reflect", reflect_type="odd"),
        lambda x: np.pad(x, 9, "symmetric", reflect_type="odd"),
        lambda x: np.roll(x, [1, 2], axis=(0, 1)),
        lambda x: np.roll(x, (1, 2), axis=0),
        lambda x: np.tile(x, np.array([2, 1])),
        lambda x: np.repeat(x, np.array([1, 0, 2]), 0),
        lambda x: np.insert(x, -1, 5, axis=0),
        lambda x: np.delete(x, -1, axis=0),
        lambda x: np.linspace(x, 5, 3, endpoint=False, axis=1),
        lambda x: np.linspace(x, x, 3),
        lambda x: np.linspace(x, 5, 0),
        lambda x: np.linspace(x, 5, num=3, dtype=int),
        lambda x: np.geomspace(x + 1, 5, 3, axis=-1),
        lambda x: np.meshgrid(x[0], x[1], sparse=True)[0],
        lambda x: np.block([[x, x]]),
        lambda x: np.trim_zeros(x.ravel() * [0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0], trim="f"),
        lambda x: np.trim_zeros(0 * x[0]),
        lambda x: np.full_like(x, x[0, 1], dtype=np.float32),
        lambda x: x.copy(order="F"),
        lambda x: x.view(),
    ],
)
def test_every_spelling_gives_numpys_result(call: Any) -> None:
    got, expected = traced(call, X), call(X)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-13)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.reshape(5, -1),
        lambda x: x.reshape(-1, -1),
        lambda x: x.reshape(7),
        pytest.param(lambda x: np.reshape(x.T, 12, copy=False), marks=SINCE_NUMPY_2_1),
        lambda x: np.reshape(x, 12, order="Z"),
        lambda x: np.squeeze(x, 0),
        lambda x: np.transpose(x, (0,)),
        lambda x: np.transpose(x, (0, 0)),
        lambda x: np.moveaxis(x, (0, 1), 0),
        lambda x: np.broadcast_to(x, (3, 5)),
        lambda x: np.broadcast_to(x, -1),
        lambda x: np.concatenate([x, x[0]]),
        lambda x: np.concatenate([x, x[:, :1]]),
        lambda x: np.concatenate([x[0, 0]]),
        lambda x: np.stack([x, x[0]]),
        lambda x: np.split(x, 2),
        lambda x: np.vsplit(x[0], 2),
        lambda x: np.block([x, [x]]),
        lambda x: np.fliplr(x[0]),
        lambda x: np.matrix_transpose(x[0]),
        lambda x: x[0].mT,
        lambda x: np.pad(x, -1),
        lambda x: np.pad(x, 1, "edge", constant_values=1),
        lambda x: np.pad(x[:0], 1, "edge"),
        lambda x: np.diag(x[None]),
        lambda x: np.diagonal(x[0]),
        lambda x: np.diagonal(x, 0, 0, 0),
        lambda x: np.rot90(x, axes=(0, 2)),
        lambda x: np.expand_dims(x, 4),
        lambda x: np.repeat(x, -1),
        lambda x: np.delete(x, 12),
        lambda x: np.insert(x, 99, 0.0),
        lambda x: np.geomspace(x, 1.0),
        lambda x: np.linspace(x, 1.0, -1),
        lambda x: np.meshgrid(x, indexing="no"),
    ],
)
def test_what_numpy_refuses_is_refused_with_its_kind_of_error(call: Any) -> None:
    with pytest.raises((ValueError, IndexError)) as of_numpy:
        call(X)
    with pytest.raises(of_numpy.type):
        traced(call, X)


def test_out_is_refused() -> None:
    for call in (
        lambda x: np.concatenate([x, x], out=zeros((6, 4))),
        lambda x: np.stack([x, x], out=zeros((2, 3, 4))),
        lambda x: np.trace(x, out=zeros(())),
    ):
        with pytest.raises(errors.UnsupportedError, match="out="):
            traced(call, X)


# Sharing


def test_a_view_gives_no_way_to_write_into_the_primal() -> None:
    """What leaves the transform is a copy, however it was made inside."""
    x = X.copy()
    for view in (
        np.ravel,
        np.transpose,
        lambda x: x[1:],
        lambda x: x.view(),
        np.diagonal,
        np.squeeze,
        lambda x: np.broadcast_to(x, (2, 3, 4)),
    ):
        out, _ = pullback.vjp(view, x)
        out[...] = -1.0
        np.testing.assert_array_equal(x, X)


def test_the_plain_memory_does_not_leak() -> None:
    for name in ("data", "base", "ctypes"):
        with pytest.raises(errors.ConversionError, match=name):
            traced(lambda x, name=name: getattr(x, name), X)
    for name in ("tobytes", "dumps", "byteswap", "setflags"):
        with pytest.raises(errors.ConversionError, match=name):
            traced(lambda x, name=name: getattr(x, name)(), X)
    with pytest.raises(errors.UnsupportedError, match=r"x\.real"):
        traced(lambda x: x.view(np.int64), X)


def test_what_lies_where_can_be_read() -> None:
    def f(x: Any) -> Any:
        assert x.flags.c_contiguous
        assert x.T.flags.f_contiguous
        assert x.strides == X.strides
        assert (np.ndim(x), np.shape(x), np.size(x)) == (2, (3, 4), 12)
        return x

    traced(f, X)


# Values and dtypes


def test_negative_zero_survives_moving() -> None:
    """1/x tells the zeros apart, so moving elements must not change their sign."""
    x = np.array([-0.0, 1.0])
    for move in (
        np.diag,
        np.tril,
        np.flip,
        lambda x: np.pad(x, 1),
        lambda x: np.concatenate([x, x]),
        lambda x: np.repeat(x, 2),
        lambda x: x[[0, 0]],
    ):
        np.testing.assert_array_equal(np.signbit(traced(move, x)), np.signbit(move(x)))


def test_arrays_like_a_traced_one_are_plain_constants() -> None:
    def f(x: Any) -> Any:
        zeros = np.zeros_like(x)
        zeros[0] = 1.0  # a plain array: writable
        return np.sum(x * (zeros + np.ones_like(x, dtype=int) + np.full_like(x, 2.0)))

    np.testing.assert_array_equal(pullback.grad(f)(X)[:, 0], [4.0, 3.0, 3.0])


def test_full_like_spreads_a_traced_value() -> None:
    gradient = pullback.grad(lambda x: np.sum(np.full_like(x, x[0, 0]) * X))(X)
    expected = np.zeros((3, 4))
    expected[0, 0] = X.sum()
    np.testing.assert_array_equal(gradient, expected)


def test_numbers_among_arrays_are_stacked() -> None:
    gradient = pullback.grad(lambda x: np.sum(np.stack([x, 2.0, x * x]) ** 2))(3.0)
    assert gradient == 2 * 3.0 + 4 * 27.0


def test_concatenating_float32_and_float64_gives_each_its_own_dtype_back() -> None:
    x, y = np.ones(2, np.float32), np.ones(3)
    out, pull = pullback.vjp(lambda x, y: np.concatenate([x, y]), x, y)
    gx, gy = pull(np.arange(5.0))
    assert (out.dtype, gx.dtype, gy.dtype) == (np.float64, np.float32, np.float64)


def test_complex_and_real_parts_of_a_stack() -> None:
    _, pull = pullback.vjp(lambda x, z: np.stack([x, z]), np.ones(2), np.ones(2, complex))
    gx, gz = pull(np.full((2, 2), 1 + 2j))
    np.testing.assert_array_equal(gx, [1.0, 1.0])
    np.testing.assert_array_equal(gz, [1 + 2j, 1 + 2j])


def test_a_triangle_that_is_cut_off_contributes_nothing() -> None:
    gradient = pullback.grad(lambda x: np.sum(np.tril(np.sqrt(x))))(
        np.array([[4.0, 0.0], [1.0, 1.0]])
    )
    np.testing.assert_array_equal(gradient, [[0.25, 0.0], [0.5, 0.5]])


def test_padding_with_an_unknown_mode_names_those_that_work() -> None:
    with pytest.raises(errors.UnsupportedError, match="reflect"):
        traced(lambda x: np.pad(x, 1, lambda *a: None), X)
    with pytest.raises(ValueError, match="mode 'no'"):
        traced(lambda x: np.pad(x, 1, "no"), X)


def test_a_shape_is_not_assigned() -> None:
    def f(x: Any) -> Any:
        x.shape = (2, 2)
        return x.sum()

    with pytest.raises(errors.UnsupportedError, match=r"x = x\.reshape\(\(2, 2\)\)"):
        pullback.grad(f)(np.ones(4))


TABLE = np.random.default_rng(5).normal(size=(3, 4)) + 2.0

# What NumPy gives of a transposed array, in an order of memory of its own.
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "x.copy()": lambda x: x.T.copy(),
    "x.copy('K')": lambda x: x.T.copy("K"),
    "x.copy('F')": lambda x: x.copy("F"),
    "np.copy": lambda x: np.copy(x.T),
    "np.array": lambda x: np.array(x.T),
    "np.ascontiguousarray": lambda x: np.ascontiguousarray(x.T),
    "np.asfortranarray": lambda x: np.asfortranarray(x * 1.0),
    "np.broadcast_to": lambda x: np.broadcast_to(x.T, (2, *x.T.shape)).copy(),
    "arithmetic": lambda x: x.T * 2.0,
    "np.take": lambda x: np.take(x.T, [0, 1], axis=1),
    "np.where": lambda x: np.where(x.T > 2, x.T, 1.0),
    "np.sort": lambda x: np.sort(x.T, axis=0),
    "np.delete": lambda x: np.delete(x.T, 0, axis=0),
    "np.insert": lambda x: np.insert(x.T, 0, 1.0, axis=0),
}


# Where the order in memory of one example of a batch is not followed.
WITHOUT_BATCHES = ("np.take", "np.where", "np.sort", "np.delete", "np.insert")


def _written_through_a_reshape(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def program(x: Any) -> Any:
        y = make(x)
        y.reshape(-1)[1] = 5.0  # seen in y where the reshape is a view
        return y * 1.0

    return program


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS)
def test_whether_a_reshape_is_a_view_is_as_in_numpy(make: Callable[[Any], Any]) -> None:
    program = _written_through_a_reshape(make)
    expected = program(TABLE.copy())
    np.testing.assert_array_equal(pullback.vjp(program, TABLE)[0], expected)
    np.testing.assert_array_equal(pullback.jvp(program, (TABLE,), (TABLE,))[0], expected)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in WITHOUT_BATCHES])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_same_of_the_examples_of_a_batch(name: str, axis: int) -> None:
    program = _written_through_a_reshape(LAYOUTS[name])
    for order in "CF":
        batch = np.array(np.random.default_rng(6).normal(size=(3, 4, 2)), order=order)
        examples = [np.moveaxis(batch, axis, 0)[i].copy("K") for i in range(batch.shape[axis])]
        expected = np.stack([program(example) for example in examples])
        batched = pullback.vmap(program, axis)
        np.testing.assert_array_equal(batched(batch), expected)
        np.testing.assert_array_equal(pullback.vjp(batched, batch)[0], expected)


def test_a_diagonal_of_any_layout_is_a_view() -> None:
    def program(x: Any) -> Any:
        y = x * np.ones((3, 4))
        diagonals = [np.diagonal(y[:, :3]), np.diagonal(y.T, -1), np.diagonal(y[::-1], 2)]
        y[1:] = y[1:] ** 2
        return np.concatenate(diagonals)

    expected = program(TABLE)
    np.testing.assert_array_equal(pullback.vjp(program, TABLE)[0], expected)
    np.testing.assert_array_equal(pullback.vmap(program)(TABLE[None])[0], expected)
    check_grads(program, TABLE)
