"""`pullback.adopt`: somebody else's functions, their module and NumPy as they were."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import math
import traceback
import weakref
from functools import partial

import numpy as np
import pytest
from numpy import zeros as zeros_bound_before

import pullback as pb
from pullback import rewrite
from tests.differences import jacobian as difference
from tests.foreign import helpers, models, programs
from tests.threads import at_once

X = np.array([1.2, 2.3, 0.7])

PROGRAMS = {
    "a buffer by an early name": programs.filled,
    "helpers of other modules": programs.with_helpers,
    "globals that are written": programs.counted,
    "dot of a plain array": programs.dotted,
    "arrays of its own": programs.own_arrays,
    "an array known twice": programs.held_twice,
    "nested functions": programs.nested,
    "a closure": programs.closed([3.0, 0]),
    "np.vectorize": programs.branchy,
    "a decorator of its own": programs.decorated,
    "a cached function": programs.cached,
    "a partial of a lambda": programs.power,
    "a lambda": programs.double,
    "callbacks": programs.everything,
    "recursion": programs.recursive,
    "a generator": programs.integrated,
    "a class": models.run_layer,
    "a dataclass, an abstract class": models.run_pair,
    "an exception of its own": models.fails,
}


def snapshot():
    """All that the foreign modules, NumPy and `math` hold."""
    modules = (helpers, models, programs, np, np.linalg, math)
    state = [dict(vars(module)) for module in modules]
    for value in [*state[0].values(), *state[1].values(), *state[2].values()]:
        if inspect.isfunction(value):
            state.append((value.__code__, value.__closure__, dict(vars(value))))
        if inspect.isclass(value) and value.__module__.startswith("tests."):
            state.append(dict(vars(value)))
    return state


def is_untouched(before):
    """Every name stands for what it stood for; NumPy loads some of its modules when asked."""
    may_change = ("counter", "calls")  # the programs themselves count
    for then, now in zip(before, snapshot(), strict=True):
        if isinstance(then, tuple):
            assert all(a is b for a, b in zip(then[:2], now[:2], strict=True))
        names, held = (one[2] if isinstance(one, tuple) else one for one in (then, now))
        for name, value in names.items():
            assert name in may_change or held[name] is value, name


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    """The value is the original's, and both modes have its derivative, to second order."""
    f = PROGRAMS[name]
    before = snapshot()
    g = pb.adopt(f)
    plain = g(X)
    np.testing.assert_array_equal(plain, f(X))
    out, pull = pb.vjp(g, X)
    np.testing.assert_array_equal(out, plain)
    c, t = np.cos(np.arange(out.size)).reshape(out.shape), np.array([0.3, -1.1, 0.8])
    expected = difference(f, X)
    np.testing.assert_allclose(pull(c)[0], np.tensordot(c, expected, out.ndim), atol=1e-7)
    np.testing.assert_allclose(pb.jvp(g, (X,), (t,))[1], expected @ t, atol=1e-7)
    inner = lambda x: np.sum(pb.vjp(g, x)[1](c)[0] * t)
    np.testing.assert_allclose(pb.grad(inner)(X), difference(inner, X), atol=1e-6)
    with pb.intercept(False):
        np.testing.assert_allclose(pb.vjp(g, X)[1](c)[0], pull(c)[0], rtol=1e-15)
    is_untouched(before)


@pytest.mark.parametrize("name", "filled closed power double".split())
def test_under_vmap(name):
    f = getattr(programs, name)
    g = pb.adopt(f([3.0, 0]) if name == "closed" else f)
    batch = np.stack([X, X + 0.5, -X])
    np.testing.assert_allclose(pb.vmap(g)(batch), np.stack([g(x) for x in batch]))
    f = lambda x: np.sum(g(x))
    np.testing.assert_allclose(pb.vmap(pb.grad(f))(batch), np.stack([pb.grad(f)(x) for x in batch]))


def test_programs_need_adoption():
    """What is tested here is refused without it."""
    for f in (programs.filled, programs.dotted, programs.scalars, models.run_layer):
        with pytest.raises(pb.ConversionError):
            pb.vjp(f, X)


def test_scalars():
    """`float(x)` is followed; `int(x)` and `math.floor(x)` are constants."""
    g = pb.adopt(programs.scalars)
    assert g(X) == programs.scalars(X)
    a, b, c = X
    n = int(b)
    np.testing.assert_allclose(pb.grad(g)(X), [n + 2 * a + 1.0, -2 * b, 2 * c], rtol=1e-14)
    np.testing.assert_allclose(pb.jacfwd(g)(X), pb.grad(g)(X), rtol=1e-14)


@pytest.mark.parametrize(
    ("convert", "kind"),
    [
        (lambda x: float(x), np.float64),
        (lambda x: float(np.reshape(x, 1)[0]), np.float64),
        (lambda x: complex(x), np.complex128),
        (lambda x: complex(1.0, x), np.complex128),
        (lambda x: complex(imag=x), np.complex128),
        (lambda x: np.float32(x), np.float32),
        (lambda x: np.float64([x, 1.0])[0], np.float64),
        (lambda x: np.complex128(x), np.complex128),
    ],
)
def test_conversions(convert, kind):
    """As Python's and NumPy's, with the derivative of the embedding."""
    g = pb.adopt(convert)
    plain = convert(1.3)
    out, tangent = pb.jvp(g, (1.3,), (1.0,))
    assert type(out) is kind
    assert out == plain
    assert tangent == (1j if complex(plain).imag else 1.0)
    assert type(g(1.3)) is type(plain)


def test_conversions_that_python_refuses():
    with pytest.raises(TypeError, match="length-1"):
        pb.grad(pb.adopt(lambda x: float(x)))(X)
    with pytest.raises(TypeError, match="real, not complex"):
        pb.grad(pb.adopt(lambda x: float(x * 1j)))(1.0)
    assert pb.adopt(lambda s: (float(s), int(s, 16), complex(s)))("10") == (10.0, 16, 10 + 0j)
    with pytest.raises(pb.BatchingError, match=r"int\(\)"):
        pb.vmap(pb.adopt(lambda x: x * int(x)))(X)


def test_types_are_what_they_were():
    def kinds(x):
        assert isinstance(x[0], float)
        assert isinstance(x[0], (int, float))
        assert isinstance(x[0], int | float)
        assert not isinstance(x, float)
        assert type(x) is np.ndarray
        assert type(x[0]) is np.float64
        return x.sum()

    g = pb.adopt(kinds)
    g(X)
    assert pb.grad(g)(X).tolist() == [1.0] * 3


def test_an_object_that_the_caller_made():
    """Methods are adopted where adopted code calls them."""
    layer = models.Layer(X[:2], 0.3)
    g = partial(pb.adopt(models.given), layer)
    np.testing.assert_allclose(
        pb.grad(g)(X), difference(partial(models.given, layer), X), atol=1e-7
    )
    assert type(layer) is models.Layer


def test_methods_objects_and_classes():
    layer = models.Layer(X[:2], 0.3)
    slope = lambda f: (f(1.5 + 1e-6) - f(1.5 - 1e-6)) / 2e-6
    for f in (layer, layer.__call__, layer.squash, models.Layer.squash):
        assert pb.grad(pb.adopt(f))(1.5) == pytest.approx(slope(f), rel=1e-8)
    Layer = pb.adopt(models.Layer)
    assert issubclass(Layer, models.Layer)
    assert isinstance(Layer(X[:2], 1.0), models.Layer)
    assert pb.grad(lambda x: Layer(x[:2], x[2]).norm)(X).tolist() == [2 * X[0], 0.0, 1.0]
    assert pb.grad(lambda x: Layer.from_list([*x]).norm)(X).tolist() == [2 * X[0], 0.0, 1.0]


def test_what_the_caller_still_holds_is_not_taken_over():
    """A captured array, or one known to another object, raises as it does without adoption."""
    kept = []

    def stored(x):
        kept.append(np.arange(3) * 1.5)
        y = kept[-1]
        y[0] = x[0]
        return kept[-1].sum()

    def passed_through(x):
        y = identity(programs.A)
        y[0] = x
        return y.sum()

    def a_view(x):
        y = programs.A[0].reshape(3, 1)
        y[0] = x[0]
        return y.sum()

    before = programs.A.copy()
    for f in (stored, passed_through, a_view, programs.into_a_global):
        with pytest.raises(pb.ConversionError):
            pb.grad(pb.adopt(f))(X)
    assert np.array_equal(programs.A, before)


def identity(value):
    return value


def test_globals_are_the_modules_own():
    before = programs.counter
    pb.grad(pb.adopt(programs.counted))(X)
    assert programs.counter == before + 1
    assert programs.history[-1] == programs.counter


def test_the_function_keeps_its_looks():
    g = pb.adopt(programs.nested)
    assert (g.__name__, g.__doc__, g.__module__) == ("nested", None, programs.__name__)
    assert g.__wrapped__ is programs.nested
    assert inspect.signature(g) == inspect.signature(programs.nested)
    assert g(X, k=3.0) == programs.nested(X, k=3.0)


def test_adopting_again_and_what_needs_none_is_harmless():
    for f in PROGRAMS.values():
        once = pb.adopt(f)
        np.testing.assert_array_equal(pb.adopt(once)(X), once(X))
    assert pb.adopt(programs.filled) is pb.adopt(programs.filled)
    assert pb.adopt(pb.adopt(programs.filled)) is pb.adopt(programs.filled)
    assert pb.adopt(pb.grad) is pb.grad
    assert pb.adopt(np.rot90) is np.rot90
    assert pb.adopt(np.zeros) is importlib.import_module("pullback.numpy").zeros
    assert pb.grad(pb.adopt(math.sin))(0.5) == pytest.approx(math.cos(0.5))
    with pytest.raises(pb.UnsupportedError, match=r"made by pullback\.api.* Adopt the function"):
        pb.adopt(pb.grad(programs.filled))


def test_as_a_decorator_with_another_package():
    @pb.adopt(also=["tests.foreign"])
    def f(x):
        y = zeros_bound_before(2)
        y[0] = helpers.saturate(x)
        return y.sum()

    assert pb.grad(f)(1.5) == pytest.approx(pb.grad(pb.adopt(helpers.saturate))(1.5))


def test_wrappers_of_other_packages_stay_around_what_is_adopted():
    """Their closures hold the adopted function; their code is their own."""
    wrapped = np.errstate(divide="ignore")(programs.filled)
    g = pb.adopt(wrapped)
    assert g.__code__ is wrapped.__code__
    np.testing.assert_allclose(pb.jacrev(g)(X), np.diag(2 * X))
    dispatched = functools.singledispatch(programs.filled)
    with pytest.raises(pb.UnsupportedError, match="functools"):
        pb.adopt(dispatched)


def test_errors_and_tracebacks_point_into_the_source():
    with pytest.raises(ZeroDivisionError) as info:
        pb.adopt(programs.boom)(X)
    last = traceback.extract_tb(info.value.__traceback__)[-1]
    assert (last.filename, last.line) == (programs.__file__, "return 1 / 0 * zeros(3)")
    with pytest.raises(pb.ConversionError, match=r"programs\.py:\d+: A\[0\] = x"):
        pb.grad(pb.adopt(programs.into_a_global))(X)


def test_what_cannot_be_adopted():
    with pytest.raises(pb.UnsupportedError, match=r"builtins\.len is compiled code"):
        pb.adopt(len)
    with pytest.raises(pb.UnsupportedError, match="compiled code"):
        pb.adopt(np.frompyfunc(programs.filled, 1, 1))
    made = {}
    exec("def made(x): return x", {"__name__": "somewhere"}, made)
    with pytest.raises(pb.UnsupportedError, match=r"somewhere\.made has no source"):
        pb.adopt(made["made"])
    with pytest.raises(TypeError, match="must be callable, got int"):
        pb.adopt(3)


def test_source_that_was_changed_since_it_was_imported(tmp_path, monkeypatch):
    """The function that runs is not the one that could be read: an error, not another function."""
    path = tmp_path / "changing_module.py"
    path.write_text("def f(x):\n    return 2.0 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("changing_module")
    path.write_text("def f(x):\n    return 3.00 * x\n")
    with pytest.raises(pb.UnsupportedError, match="was changed"):
        pb.adopt(module.f)
    path.write_text("def f(x):\n    return 2.0 * x\n")
    assert pb.grad(pb.adopt(module.f))(1.0) == 2.0


def test_the_new_code_has_the_variables_of_the_old():
    """For all functions of some libraries: the same arguments, and no free variable but one."""
    modules = "dataclasses fractions statistics unittest.case".split()
    for module in [*map(importlib.import_module, modules), np.linalg._linalg, helpers, programs]:
        functions = [value for value in vars(module).values() if inspect.isfunction(value)]
        for cls in filter(inspect.isclass, vars(module).values()):
            functions += [value for value in vars(cls).values() if inspect.isfunction(value)]
        for function in functions:
            old = function.__code__
            if old.co_filename.startswith("<"):
                continue
            new = rewrite.rewritten(function)
            assert {*new.co_freevars} <= {*old.co_freevars, rewrite.FREE}, function
            count = old.co_argcount + old.co_kwonlyargcount
            assert new.co_varnames[:count] == old.co_varnames[:count]
            assert (new.co_name, new.co_filename) == (old.co_name, old.co_filename)


def test_several_lambdas_on_a_line():
    pair = (lambda x: 2.0 * float(x), lambda x: 3.0 * float(x))
    assert [pb.grad(pb.adopt(f))(1.0) for f in pair] == [2.0, 3.0]


class Keyed:
    __private = 2.0

    def __init__(self, key):
        self.key = key

    def __eq__(self, other):
        return self.key == other.key

    __hash__ = object.__hash__

    def __mul__(self, t):
        local = lambda: self.__private * float(t)
        return local()


def keyed(x):
    a = Keyed(1)
    assert a == Keyed(1)
    assert {a: 1}[a] == 1
    assert type(a) is Keyed
    return a * x + Keyed(2) * x


def test_dunder_methods_of_what_adopted_code_makes():
    assert pb.grad(pb.adopt(keyed))(3.0) == 4.0


def test_a_decorated_method_keeps_its_arguments():
    @pb.adopt
    @np.vectorize
    def clipped(t, low=0.5):
        return max(float(t), low)

    assert pb.grad(lambda x: clipped(x).sum())(np.array([0.1, 0.9])).tolist() == [0.0, 1.0]

    @np.vectorize(otypes=[float])
    def squared(t):
        return float(t) ** 2

    assert pb.grad(lambda x: pb.adopt(squared)(x).sum())(X).tolist() == (2 * X).tolist()


def test_integers_of_traced_values_are_constants_that_can_index():
    g = pb.adopt(lambda x: x[np.int64(x[1])] * int(x[1]) * np.int32(x[1]))
    assert pb.grad(g)(X).tolist() == [0.0, 0.0, 4.0]


def test_a_closure_is_not_kept():
    """Nor what it holds, which may be a large array, or traced."""

    def run():
        held = np.ones(3)

        @functools.wraps(programs.filled)
        def closure(x):
            return programs.filled(x * held)

        f = lambda x: closure(x).sum()
        pb.grad(pb.adopt(f))(X)
        pb.adopt(closure)
        return weakref.ref(held)

    alive = run()
    gc.collect()
    assert alive() is None


def test_threads():
    """Two threads that adopt and run one function at a time."""
    expected = pb.grad(pb.adopt(lambda x: programs.filled(x).sum()))(X)

    def work(_):
        g = pb.adopt(lambda x: programs.filled(x).sum())
        return [pb.grad(g)(X) for _ in range(50)]

    for results in at_once(work, 4):
        assert all(np.array_equal(result, expected) for result in results)
