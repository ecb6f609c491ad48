"""NumPy's makers and `math` in unmodified programs: traced values in, exact derivatives out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy import asarray as asarray_bound_before
from numpy import zeros as zeros_bound_before

import pullback as pb
from tests.differences import jacobian as difference

X = np.array([1.2, 2.3, 0.7])


@np.vectorize
def branchy(t: Any, k: Any = 1.0) -> Any:
    return t * t * k if t > 1.0 else math.sin(t)


doubled = np.frompyfunc(lambda t: 2.0 * math.exp(t), 1, 1)


class Model:
    def __init__(self, weights: Any) -> None:
        self.weights = np.asarray(weights, dtype=float)


def filled(x: Any, buffer: Any) -> Any:
    for i in range(3):
        buffer[i] = x[i] ** 2 * (i + 1)
    return buffer


def rotation(x: Any) -> Any:
    c, s = np.cos(x[0]), math.sin(x[0])
    return np.array([[c, -s], [s, c]]) @ x[1:]


def appended(x: Any) -> Any:
    rows = []
    for value in x:
        rows.append([value, 2.0 * value, 1.0])  # noqa: PERF401 (as programs are written)
    return np.array(rows)


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "zeros": lambda x: filled(x, np.zeros(3)),
    "empty": lambda x: filled(x, np.empty(3)),
    "ones": lambda x: filled(x, np.ones((3,))) * np.ones(3),
    "full": lambda x: filled(x, np.full(3, 7.0)) + np.full((2, 3), x[0]),
    "like": lambda x: filled(x, np.zeros_like(x)) + filled(x, np.empty_like(np.arange(3.0))),
    "full_like": lambda x: np.full_like(x, x[1]) * filled(x, np.ones_like(X)),
    "eye": lambda x: np.eye(3) @ x + np.identity(3)[0] * x,
    "array": rotation,
    "array of rows": appended,
    "array, nested and plain": lambda x: np.array([[x[0], 1.0], [2, x[2]]]),
    "array of arrays": lambda x: np.array((x, X, x * x)),
    "array, copied if needed": lambda x: (
        np.array(x, copy=np._CopyMode.IF_NEEDED) * np.array(x, copy=np._CopyMode.ALWAYS)
    ),
    "array, ndmin and dtype": lambda x: np.array(x, dtype=np.float64, ndmin=3),
    "asarray": lambda x: np.asarray([x[0], x[1]]) * np.asanyarray(x)[:2],
    "contiguous": lambda x: np.ascontiguousarray(x.T) + np.asfortranarray(x),
    "copy": lambda x: filled(x, np.copy(X)),
    "linspace": lambda x: np.linspace(x[0], x[1], 5) + filled(x, np.linspace(0, 1, 3)).sum(),
    "geomspace": lambda x: np.geomspace(x[0], x[1], 4) + np.logspace(x[2], x[0], 4),
    "arange": lambda x: np.arange(x[0], x[0] + 1.1, 0.25) + np.arange(x[2] * 4.2)[:1] * x[0],
    "fromiter": lambda x: np.fromiter((math.sqrt(v) for v in x), dtype=float, count=3),
    "fromfunction": lambda x: np.fromfunction(lambda i, j: x[0] * i + j * x[1], (3, 2)),
    "vectorize": lambda x: branchy(x) + branchy(x, k=2.0),
    "vectorize, plain arguments": lambda x: np.vectorize(lambda k: x[0] * k)([1.0, 2.0]),
    "vectorize, several outputs": lambda x: sum(np.vectorize(lambda v: (v, v * v))(x)),
    "vectorize, signature": lambda x: np.vectorize(np.dot, signature="(n),(n)->()")(
        np.stack([x, x * x]), x
    ),
    "vectorize, excluded": lambda x: np.vectorize(lambda v, w: v * w[0], excluded=[1])(x, x),
    "frompyfunc": lambda x: (doubled(x) + np.frompyfunc(np.multiply, 2, 1)(x, x)).astype(float),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda r: r * x[0], 1, np.ones((2, 3))),
    "piecewise": lambda x: (
        np.piecewise(x, [x < 1, x >= 1], [lambda v: v * v, 3.0])
        + np.piecewise(X, [X < 1], [lambda v: v * x[0], lambda v: v + x[1]])
    ),
    "block": lambda x: np.block([[x, x * 2], [X, X]]),
    "lists": lambda x: np.sum([x[0], x[1] ** 2]) + np.linalg.norm([x[0], 2.0]) + np.max([x[0], 0]),
    "stacked lists": lambda x: np.vstack([[x[0], 1.0], [x[1], x[2]]]),
    "a list as an operand": lambda x: x[:2] * [x[1], 2.0] + np.multiply([x[0], x[1]], x[1:]),
    "class": lambda x: Model(x).weights * Model([x[0], 1.0, 2.0]).weights,
    "builtins": lambda x: sum(x) + max(x) * min(x) + abs(-x[0]) + sorted(x)[1] + round(x[0], 1) * 0,
    "divmod": lambda x: divmod(x[1], x[2])[1] + pow(x[0], 3),
    "accumulator": lambda x: sum((x[i : i + 1] * i for i in range(3)), np.zeros(1)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_makers(name: str) -> None:
    """The value is NumPy's, and both modes have its derivative, to second order."""
    f = PROGRAMS[name]
    before = X.copy()
    out, pull = pb.vjp(f, X)
    assert type(out) is np.ndarray or isinstance(out, np.floating)
    np.testing.assert_allclose(out, f(X), rtol=1e-14)
    c, t = np.cos(np.arange(out.size)).reshape(out.shape), np.array([0.3, -1.1, 0.8])
    expected = difference(f, X)
    np.testing.assert_allclose(pull(c)[0], np.tensordot(c, expected, out.ndim), atol=1e-7)
    np.testing.assert_allclose(pb.jvp(f, (X,), (t,))[1], expected @ t, atol=1e-7)
    again = difference(lambda x: pb.vjp(f, x)[1](c)[0], X) @ t
    np.testing.assert_allclose(
        pb.grad(lambda x: np.sum(pb.vjp(f, x)[1](c)[0] * t))(X), again, atol=1e-6
    )
    assert np.array_equal(X, before)


MATH: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    name: (getattr(math, name), args)
    for name, args in {
        **dict.fromkeys(
            "acosh exp expm1 fabs gamma lgamma log log10 log1p log2 sqrt".split(), (1.7,)
        ),
        **dict.fromkeys("acos asin asinh atan atanh cos cosh degrees erf erfc".split(), (0.4,)),
        **dict.fromkeys("radians sin sinh tan tanh cbrt exp2".split(), (0.4,)),
        **dict.fromkeys("atan2 copysign fmod hypot pow remainder".split(), (1.7, 0.6)),
        "dist": (),
        "fma": (1.1, 2.2, 3.3),
    }.items()
    if hasattr(math, name) and args
}


@pytest.mark.parametrize("name", MATH)
def test_math(name: str) -> None:
    """`math.f(x)` of a traced number is its value, with its derivative in each argument."""
    _, args = MATH[name]
    f = lambda *a: getattr(math, name)(*a)
    out, pull = pb.vjp(f, *args)
    assert out == pytest.approx(f(*args), rel=1e-14)
    for place, got in enumerate(pull(1.0)):
        up, down = [*args], [*args]
        up[place] += 1e-6
        down[place] -= 1e-6
        assert got == pytest.approx((f(*up) - f(*down)) / 2e-6, rel=1e-6, abs=1e-8)


def test_math_of_iterables_and_several_results() -> None:
    f = lambda x: (
        math.fsum([x[0], x[1], 2.0])
        + math.prod([x[0], x[1]], start=3.0)
        + math.dist(x, [0.0, 1.0, 2.0])
        + math.hypot(x[0], x[1], x[2])
        + math.modf(x[1])[0]
        + math.frexp(x[1])[0]
        + math.log(x[0], x[1])
    )
    np.testing.assert_allclose(pb.grad(f)(X), difference(f, X), rtol=1e-6)


def test_math_raises_what_it_raises_and_whole_numbers_are_constants() -> None:
    with pytest.raises(ValueError, match="domain"):
        pb.grad(lambda x: math.sqrt(-x))(1.0)
    with pytest.raises(OverflowError):
        pb.grad(lambda x: math.exp(x))(1e4)
    assert pb.grad(lambda x: x * (math.floor(x) + math.ceil(x) + math.isnan(x)))(1.5) == 3.0
    with pytest.raises(TypeError, match="length-1"):
        pb.grad(lambda x: math.sin(x))(X)


def test_numpy_is_itself_outside_a_transform_and_after_errors() -> None:
    names = ("zeros", "array", "asarray", "sum")
    before = [getattr(np, name) for name in names], math.sin, np.vectorize._vectorize_call
    with pytest.raises(ZeroDivisionError):
        pb.grad(lambda x: x / 0 * [1][0] if 1 // 0 else x)(1.0)
    assert before == ([getattr(np, name) for name in names], math.sin, np.vectorize._vectorize_call)
    assert type(np.zeros(2)) is np.ndarray


def test_a_replacement_made_by_others_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever replaced an attribute of NumPy's finds it there after a transform."""
    theirs = lambda *args: zeros_bound_before(*args)
    monkeypatch.setattr(np, "zeros", theirs)
    pb.grad(lambda x: x * x)(1.0)
    assert np.zeros is theirs


def test_other_threads_get_plain_arrays() -> None:
    seen: list[Any] = []
    started, stop = threading.Event(), threading.Event()

    def other() -> None:
        started.wait()
        seen.append(type(np.zeros(2)))
        stop.set()

    thread = threading.Thread(target=other)
    thread.start()

    def f(x: Any) -> Any:
        started.set()
        stop.wait()
        return x * 1.0

    pb.grad(f)(1.0)
    thread.join()
    assert seen == [np.ndarray]


def test_libraries_get_plain_arrays() -> None:
    """What SciPy makes for itself while a transform runs is SciPy's own business."""
    scipy_linalg = pytest.importorskip("scipy.linalg")
    f = lambda x: x * scipy_linalg.expm(np.zeros((2, 2)))[0, 0] * scipy_linalg.hilbert(2)[1, 1]
    assert pb.grad(f)(3.0) == pytest.approx(1 / 3)


def test_integer_buffers_are_plain_and_refuse_traced_values() -> None:
    def f(x: Any) -> Any:
        counts = np.zeros(3, dtype=int)
        assert type(counts) is np.ndarray
        counts[0] = x[0]
        return counts.sum()

    with pytest.raises(pb.ConversionError, match=r"counts\[0\] = x\[0\]"):
        pb.grad(f)(X)


def test_a_buffer_keeps_its_dtype() -> None:
    def f(x: Any) -> Any:
        buffer = np.zeros(3, dtype=np.float32)
        buffer[:] = x
        assert buffer.dtype == np.float32
        return buffer * 2

    out, pull = pb.vjp(f, X)
    assert out.dtype == np.float32
    assert pull(np.ones(3, np.float32))[0].dtype == np.float64


def test_buffers_are_arrays_to_the_program_and_to_c_code() -> None:
    """Until a traced value is written into them; then a conversion raises."""

    def f(x: Any) -> Any:
        b = np.zeros(3)
        assert isinstance(b, np.ndarray)
        assert repr(b) == "array([0., 0., 0.])"
        assert b.tolist() == [0.0, 0.0, 0.0]
        assert float(b[0]) == 0.0
        assert bytes(memoryview(asarray_bound_before(b))) == bytes(24)
        b[0] = x[0]
        with pytest.raises(pb.ConversionError):
            asarray_bound_before(b)
        return b.sum()

    assert pb.grad(f)(X).tolist() == [1.0, 0.0, 0.0]


def test_a_buffer_read_by_the_tape_and_changed_later() -> None:
    """The walk back sees what each op saw, for plain writes into small and large buffers alike."""
    for n in (3, 20_000):

        def f(x: Any, n: int = n) -> Any:
            b = np.ones(n)
            total = 0.0
            for k in range(3):
                b[0] = k + 2.0
                total = total + (x * b).sum()
                b *= 2.0
            return total

        assert pb.grad(f)(np.ones(n))[0] == 2.0 + 3.0 + 4.0
        _, pull = pb.vjp(f, np.ones(n))
        assert pull(1.0)[0][1] == pull(1.0)[0][1] == 1.0 + 2.0 + 4.0


def test_a_buffer_changed_between_an_inner_vjp_and_its_pullback() -> None:
    """The inner tape is told of the write, though its function has ended: the right answer."""

    def f(x: Any) -> Any:
        b = np.array([2.0, 3.0])
        _, pull = pb.vjp(lambda y: y * b, x)
        b[0] = 50.0
        return pull(np.ones(2))[0].sum() * x[0]

    assert pb.grad(f)(np.ones(2)).tolist() == [5.0, 0.0]


def test_results_that_depend_on_nothing_are_plain_arrays() -> None:
    out, pull, aux = pb.vjp(lambda x: (np.zeros(2), {"b": np.ones(2)}), 1.0, has_aux=True)
    assert type(out) is type(aux["b"]) is np.ndarray
    assert pull(np.ones(2))[0] == 0.0
    out[0] = 1.0


def test_local_accumulators_that_stayed_plain() -> None:
    """`y += x` gives the name `y` a traced array where nothing else knows the old one."""
    captured = np.array([1.0, 2.0, 3.0])

    def local(x: Any) -> Any:
        y = captured * 2.0
        y += x
        y *= x
        return y.sum()

    assert np.allclose(pb.grad(local)(X), 2 * captured + 2 * X)

    def known_twice(x: Any) -> Any:
        y = captured * 2.0
        z = y
        y += x
        return z.sum()

    def a_view(x: Any) -> Any:
        y = captured * 2.0
        z = y[1:]
        z += x[1:]
        return y.sum()

    def an_argument(x: Any) -> Any:
        def add(y: Any) -> None:
            y += x

        y = captured * 2.0
        add(y)
        return y.sum()

    def by_function(x: Any) -> Any:
        y = captured * 2.0
        np.add(y, x, out=y)
        return y.sum()

    for f in (known_twice, a_view, an_argument, by_function):
        with pytest.raises(pb.UnsupportedError, match=r"y = y \+ x"):
            pb.grad(f)(X)


def test_dot_of_a_plain_array_says_what_to_write() -> None:
    A = np.eye(3)
    with pytest.raises(pb.ConversionError, match=r"A @ x"):
        pb.grad(lambda x: A.dot(x).sum())(X)


def test_a_maker_bound_before_says_what_to_do() -> None:
    def f(x: Any) -> Any:
        y = zeros_bound_before(3)
        y[0] = x[0]
        return y.sum()

    with pytest.raises(pb.ConversionError, match=r"pullback\.adopt"):
        pb.grad(f)(X)


def test_the_switch() -> None:
    f = lambda x: np.array([x, x * x]).sum()
    with pb.intercept(False), pytest.raises(pb.ConversionError):
        pb.grad(f)(2.0)
    assert pb.grad(f)(2.0) == 5.0


def test_no_grad_values_convert() -> None:
    def f(x: Any) -> Any:
        with pb.no_grad():
            plain = zeros_bound_before(3)
            plain[:] = x
            scale = float(x[0])
        return (plain * x * scale).sum()

    assert np.allclose(pb.grad(f)(X), X * X[0])


def test_constants_of_traced_arrays_take_traced_values() -> None:
    def f(x: Any) -> Any:
        cells = np.floor(x * 3.0)
        cells[1] = x[0] * x[1]
        signs = np.sign(x)
        signs[:2] *= x[1:]
        return (cells * signs).sum()

    np.testing.assert_allclose(pb.grad(f)(X), difference(f, X), atol=1e-7)


@pytest.mark.parametrize(
    "read",
    [
        np.sum,
        np.sort,
        np.add.reduce,
        lambda row: np.concatenate([row, row[:1]]),
        lambda row: np.array([row, row]),
        lambda row: np.multiply.outer(row, row),
        lambda row: np.where(row > 1, row, 0.0),
    ],
)
def test_functions_see_what_was_written_through_the_base_of_a_view(
    read: Callable[[Any], Any],
) -> None:
    """The view was a buffer when it was taken, and is traced since the write."""

    def program(x: Any) -> Any:
        table = np.zeros((2, 3))
        row = table[1]
        table[1] = x**2
        return read(row)

    value, pull = pb.vjp(program, X)
    np.testing.assert_allclose(value, program(X))
    expected = pb.vjp(lambda x: read(x**2), X)[1](np.ones_like(value))[0]
    np.testing.assert_allclose(pull(np.ones_like(value))[0], expected)


@pytest.mark.parametrize(
    "view",
    [
        lambda b: np.require(b),
        asarray_bound_before,
        lambda b: asarray_bound_before(b)[1:][:2],
        lambda b: np.lib.stride_tricks.as_strided(b, (3,)),
    ],
)
def test_a_plain_view_of_a_buffer_loses_no_derivative(view: Callable[[Any], Any]) -> None:
    """While one is in use, the buffer takes no traced value; when none is, it does."""

    def program(x: Any) -> Any:
        buffer = np.zeros(3)
        plain = view(buffer)
        buffer[:] = x
        return plain * 1.0

    with pytest.raises(pb.ConversionError, match=r"a plain view .* buffer\[:\] = x"):
        pb.vjp(program, X)

    def done_with_it(x: Any) -> Any:
        buffer = np.ones(3)
        total = view(buffer).sum()
        buffer[:] = x
        return buffer.sum() * total

    assert pb.grad(done_with_it)(X).shape == (3,)


def test_an_array_of_objects_would_lose_the_derivative():
    """What a cast to object made was a constant, without a word."""
    for cast in (
        lambda x: x.astype(object),
        lambda x: np.asarray(x, dtype=object),
        lambda x: np.array([x[0], x[1]], dtype=object),
    ):
        for derive in (
            lambda f: pb.grad(f)(np.ones(3)),
            lambda f: pb.jvp(f, (np.ones(3),), (np.ones(3),)),
        ):
            with pytest.raises(pb.ConversionError, match=r"astype\(object\).*test_makers"):
                derive(lambda x, cast=cast: np.sum(cast(x)))

    def filled(x):
        objects = np.empty(2, object)
        objects[0], objects[1] = x[0], x[1]
        return objects[0] * objects[1] + len(str(x.astype(str)))

    assert pb.grad(filled)(np.array([2.0, 3.0, 4.0])).tolist() == [3.0, 2.0, 0.0]


@pytest.mark.parametrize(
    "make", [lambda x: np.array(x), lambda x: np.asarray(x), lambda x: np.asanyarray(x)]
)
def test_an_array_of_a_traced_number_can_be_written_into(make: Callable[[Any], Any]) -> None:
    """It is one of no dimensions, as NumPy makes of a number, and not the number itself."""

    def f(x: Any) -> Any:
        y = make(2 * x)
        y[()] = 3 * x + y
        y += x
        return y * y

    for point in (3.0, np.float64(3.0), np.array(3.0)):
        assert pb.grad(f)(point) == 2 * 36 * 3
        assert pb.jvp(f, (point,), (1.0,)) == (18.0**2, 2 * 36 * 3)
        assert pb.grad(pb.grad(f))(point) == 2 * 36
    assert f(3.0) == 18.0**2


def test_a_number_is_not_an_array_without_a_copy() -> None:
    with pytest.raises(ValueError, match="avoid copy"):
        pb.grad(lambda x: np.asarray(x, copy=False))(3.0)
