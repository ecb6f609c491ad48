"""NumPy's functions that write: on traced arrays they do what NumPy does, derivative included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb

rng = np.random.default_rng(11)


def _copyto(x: Any, v: Any) -> None:
    np.copyto(x, v[0], where=x > 0)


def _flat(x: Any, v: Any) -> None:
    x.flat[1:7] = v
    x.flat[[0, 0]] = v[1:]


def _whole_flat(x: Any, v: Any) -> None:
    x.flat = v


def _parts(x: Any, v: Any) -> None:
    z = x * (1 + 2j)
    z.real = v[:1]
    z.imag *= x
    x += z.real * z.imag


def _at(ufunc: Any) -> Callable[[Any, Any], None]:
    return lambda x, v: ufunc.at(x, ([0, 1, 0], [2, 2, 2]), v)


def _out_where(x: Any, v: Any) -> None:
    np.exp(x * v[0], out=x, where=x > 0)


def _out_pair(x: Any, v: Any) -> None:
    np.modf(x * v[0] * 7.3, out=(x[0], x[1]) if x.ndim == 1 else (x, x[::-1] * 1.0))


WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "copyto": lambda x, v: np.copyto(x[:, :3], v),
    "copyto where": _copyto,
    "put": lambda x, v: np.put(x, [1, -1, 5, 1], v),
    "put wrap": lambda x, v: x.put([1, 99], v, mode="wrap"),
    "put clip": lambda x, v: x.put([-4, 99], v, "clip"),
    "putmask": lambda x, v: np.putmask(x, x > 0, v),
    "place": lambda x, v: np.place(x, x > 0, v),
    "put_along_axis": lambda x, v: np.put_along_axis(x, np.array([[1], [0], [3]]), v[:, None], 1),
    "put_along_axis flat": lambda x, v: np.put_along_axis(x, np.array([1, 7, 3]), v, None),
    "fill_diagonal": lambda x, v: np.fill_diagonal(x, v),
    "fill_diagonal wrap": lambda x, v: np.fill_diagonal(x.T, v[1], wrap=True),
    "fill": lambda x, v: x.fill(v[1]),
    "flat": _flat,
    "whole flat": _whole_flat,
    "real": lambda x, v: setattr(x, "real", v[:1]),
    "parts": _parts,
    "sort": lambda x, v: x.sort(),
    "sort axis": lambda x, v: x.sort(axis=0, kind="stable"),
    "partition": lambda x, v: x.partition(1),
    "nan_to_num": lambda x, v: np.nan_to_num(x, copy=False),
    "add.at": _at(np.add),
    "subtract.at": _at(np.subtract),
    "multiply.at": _at(np.multiply),
    "maximum.at": _at(np.maximum),
    "negative.at": lambda x, v: np.negative.at(x, ([0, 1, 0], [2, 2, 2])),
    "floor.at": lambda x, v: np.floor.at(x, 1),
    "out": lambda x, v: np.multiply(x[:, :3], v, out=x[:, 1:]),
    "out, broadcast": lambda x, v: np.multiply(v[:, None], v[0], out=x),
    "out where": _out_where,
    "out pair": _out_pair,
    "out of reduce": lambda x, v: np.multiply.reduce(x, axis=0, out=x[1]),
    "out of accumulate": lambda x, v: np.add.accumulate(x, axis=1, out=x),
    "out of sum": lambda x, v: np.sum(x, axis=0, out=x[1]),
    "out, positional": lambda x, v: np.sum(x, 0, None, x[1]),
    "out of a method": lambda x, v: x.cumsum(axis=1, out=x),
    "out of plain arguments": lambda x, v: np.add(1.5, np.ones(4), out=x[0]),
    "out of mean": lambda x, v: x.mean(0, out=x[2]),
    "out of matmul": lambda x, v: np.matmul(v, x, out=x[0]),
    "out of dot": lambda x, v: np.dot(v, x, out=x[0]),
    "out of concatenate": lambda x, v: np.concatenate([v, v[:1]], out=x[0]),
    "out of clip": lambda x, v: x.clip(-0.3, v[1], out=x),
    "out of take": lambda x, v: np.take(v, [1, 1, 0, 2], out=x[0], mode="clip"),
    "out of a constant": lambda x, v: np.floor(x[0], out=x[0]),
}


def _program(write: Callable[[Any, Any], Any], *, contiguous: bool) -> Callable[[Any], Any]:
    weights = np.arange(1.0, 13.0).reshape(3, 4)

    def program(packed: Any) -> Any:
        x = (packed[:12] * 1.0).reshape(3, 4)
        y = x if contiguous else (x.T * 1.0).T
        before = np.sin(y)
        write(y, packed[12:])
        return (y**2 * weights).sum() + (before * y).sum()

    return program


@pytest.mark.parametrize("name", WRITES)
def test_values_and_derivatives(name: str) -> None:
    """The value is NumPy's; grad, jvp and grad of grad agree with differences."""
    contiguous = "dot" in name
    f = _program(WRITES[name], contiguous=contiguous)
    packed, t = rng.normal(size=15), rng.normal(size=15)
    gradient, value = pb.grad_and_value(f)(packed)
    assert np.allclose(value, f(packed), rtol=1e-14)

    def slopes(g: Callable[[Any], Any]) -> Any:
        return np.array([(g(packed + e) - g(packed - e)) / 2e-6 for e in np.eye(15) * 1e-6])

    expected = slopes(f)
    assert np.allclose(gradient, expected, rtol=1e-5, atol=1e-7)
    assert np.allclose(pb.jvp(f, (packed,), (t,))[1], expected @ t, rtol=1e-5, atol=1e-6)

    def directional(packed: Any) -> Any:
        return (pb.grad(f)(packed) * t).sum()

    second = pb.grad(directional)(packed)
    assert np.allclose(second, slopes(directional), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: np.copyto(y, x),
        lambda x, y: np.put(y, [0], x),
        lambda x, y: np.add.at(y, [0], x[:1]),
        lambda x, y: np.sin(x, out=y),
        lambda x, y: np.add(x, 1.0, y),
        lambda x, y: np.cumsum(x, out=y),
        lambda x, y: np.add.accumulate(x, out=y),
        lambda x, y: y.__iadd__(x),
    ],
)
def test_a_plain_array_cannot_take_a_traced_value(write: Callable[[Any, Any], Any]) -> None:
    """It would lose the derivative: an error, and the array is as it was."""
    y = np.zeros(3)
    with pytest.raises(pb.UnsupportedError, match="plain"):
        pb.vjp(lambda x: write(x, y), np.ones(3))
    assert not y.any()


def test_a_constant_can_be_written_into_a_plain_array() -> None:
    """Comparisons and the like have no derivative to lose."""
    mask = np.zeros(3, bool)
    pb.grad(lambda x: np.less(x, 0.5, out=mask) @ x)(np.array([0.0, 1.0, 0.2]))
    assert mask.tolist() == [True, False, True]


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(x > 0, x[:2]),
        lambda x: np.place(x, x > 0, x[:2]),
        lambda x: x.flat.__setitem__(slice(1, 3), x[:2]),
    ],
)
def test_values_that_a_mask_would_overwrite_raise(write: Callable[[Any], Any]) -> None:
    """NumPy reads some of them after it has written over them: a copy is what is meant."""
    with pytest.raises(pb.UnsupportedError, match="copy"):
        pb.vjp(write, np.array([-1.0, 1.0, 2.0]))


def test_a_real_array_has_no_imaginary_part_to_set() -> None:
    with pytest.raises(TypeError, match="imaginary"):
        pb.vjp(lambda x: setattr(x, "imag", 1.0), np.ones(2))


def test_writes_obey_casting() -> None:
    """As in NumPy, a complex result does not go into a real array."""
    x = np.ones(2)
    for write in (
        lambda x: np.copyto(x, 1j * x),
        lambda x: np.multiply(x, 1j, out=x),
        lambda x: np.sum(np.ones((2, 2)) * 1j * x, axis=0, out=x),
    ):
        with pytest.raises(TypeError, match=r"(?i)cannot cast"):
            pb.vjp(write, x)


def _flat_view_of_a_copy(x: Any) -> Any:
    y = x.T.copy()
    y.reshape(-1)[1] = 5.0
    return y


def _ravel_of_steps_backwards(x: Any) -> Any:
    y = x[0, ::-1]
    z = np.ravel(y)
    y[0] = 5.0
    return z


def _contiguous_copy_of_a_transpose(x: Any) -> Any:
    y, z = np.ascontiguousarray(x.T), np.asarray(x, order="F")
    y[0] = 5.0
    z[0] = 6.0
    return x + y.T + z


def _part_of_flat(x: Any) -> Any:
    part = x.flat[1:4]
    x.flat[::2] += 1.0
    part += 1.0
    return np.concatenate([part, x.reshape(-1)])


def _diagonal_of_a_transpose(x: Any) -> Any:
    d = np.diagonal(x.T, 1)
    x[1, 0] = 5.0
    return d


@pytest.mark.parametrize(
    "function",
    [
        _flat_view_of_a_copy,
        _ravel_of_steps_backwards,
        _contiguous_copy_of_a_transpose,
        _part_of_flat,
        _diagonal_of_a_transpose,
    ],
)
def test_what_is_a_view_in_numpy_is_one_and_what_is_a_copy_is_none(
    function: Callable[[Any], Any],
) -> None:
    """It shows in what a later write changes."""
    x = rng.normal(size=(3, 4))
    assert np.array_equal(pb.vjp(function, x)[0], function(x.copy()))


def test_a_diagonal_is_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        pb.vjp(lambda x: np.fill_diagonal(np.diagonal(x)[None], 1.0), np.ones((3, 3)))


def test_add_at_rounds_as_numpy_does() -> None:
    """The terms are added one after the other, not their sum at the end."""
    x, v = np.array([1.0, 0.0, 0.0]), np.array([1e-16, 1e-16, 0.1, 0.2, 0.3])
    places = np.array([0, 0, -1, 2, 2])

    def f(x: Any) -> Any:
        np.add.at(x, places, v)
        np.subtract.at(x, places, v / 3)
        return x

    assert np.array_equal(pb.vjp(f, x)[0], f(x.copy()))


@pytest.mark.parametrize(
    "index",
    [
        np.array([2, -1, 2, 0]),
        (np.array([0, 1, 0, 0]), np.array([3, 2, -1, 3])),
        (np.array([[0], [0]]), slice(1, None, 2)),
        (slice(None), np.array([1, 1, 2])),
        (np.array([1, 1]), None, 2),
    ],
)
def test_the_last_of_repeated_writes_wins(index: Any) -> None:
    """Whatever the index, the derivative of the values that were overwritten is zero."""
    x = np.ones((3, 4))
    v = rng.normal(size=x[index].shape)

    def f(v: Any) -> Any:
        y = np.sum(v) * 0 + x
        y[index] = v
        return y

    base, pull = pb.vjp(f, v)
    expected = np.zeros((3, 4))
    expected[index] = v
    assert np.array_equal(np.where(base == 1, 0, base), expected)
    moved = np.array([pb.jvp(f, (v,), (e.reshape(v.shape),))[1] for e in np.eye(v.size)])
    weights = rng.normal(size=x.shape)
    assert np.allclose(pull(weights)[0].reshape(-1), (moved * weights).sum(axis=(1, 2)))
    ones = np.zeros((3, 4))
    ones[index] = 1
    assert np.count_nonzero(pull(np.ones((3, 4)))[0]) == ones.sum()
