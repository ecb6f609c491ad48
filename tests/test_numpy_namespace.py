"""`import pullback.numpy as np`: NumPy whole, whose makers follow traced values while one runs."""

from __future__ import annotations

import importlib
import operator
import sys

import numpy  # noqa: ICN001 (np is pullback's here)
import pytest

import pullback
import pullback.numpy as np
from pullback.frontends.numpy.makers import wrapped
from pullback.numpy import array, vectorize, zeros
from tests.differences import jacobian as difference

norm = importlib.import_module("pullback.numpy.linalg").norm
X = numpy.array([1.2, 2.3, 0.7])


def program(x):
    y = zeros(3)
    y[0] = x[0] ** 2
    y[1:] = array([x[1], x[2] * 2.0])
    scaled = np.vectorize(lambda k: k * x[0])([1.0, 2.0])
    return y * norm([x[0], x[1]]) + np.linalg.norm([x[2], 1.0]) + scaled.sum() + doubled(x)


@vectorize
def doubled(t):
    return 2.0 * t if t > 1.0 else t * t


@pytest.mark.parametrize("on", [True, False])
def test_makers_follow_whether_or_not_numpys_are_replaced(on):
    """For names bound early too, in both modes, under vmap and nested."""
    expected = difference(program, X)
    with pullback.intercept(on):
        numpy.testing.assert_allclose(pullback.jacrev(program)(X), expected, atol=1e-7)
        numpy.testing.assert_allclose(pullback.jacfwd(program)(X), expected, atol=1e-7)
        batch = numpy.stack([X, X + 0.1])
        linear = lambda x: array([x[0], zeros(2)[0] + x[1]])
        assert numpy.array_equal(pullback.vmap(linear)(batch), batch[:, :2])
        second = pullback.hessian(lambda x: program(x).sum())(X)
    gradient = lambda x: pullback.grad(lambda y: program(y).sum())(x)
    numpy.testing.assert_allclose(second, difference(gradient, X), atol=1e-6)


def test_with_interception_off_numpy_itself_is_untouched():
    theirs = numpy.zeros

    def f(x):
        assert numpy.zeros is theirs
        assert type(numpy.zeros(2)) is numpy.ndarray
        assert type(np.zeros(2)) is not numpy.ndarray
        return x * 1.0

    with pullback.intercept(False):
        pullback.grad(lambda x: pullback.grad(f)(x) * x)(1.0)
    assert type(np.zeros(2)) is numpy.ndarray


def test_the_switch_turned_within_a_transform():
    """On inside of off, off inside of on: each is ended as it was begun."""
    theirs = numpy.zeros

    def inner(x):
        return numpy.array([x, x]).sum() * 1.0

    def on_within_off(x):
        with pullback.intercept(True):
            return pullback.grad(inner)(x) * x

    with pullback.intercept(False):
        assert pullback.grad(on_within_off)(3.0) == 2.0
    assert numpy.zeros is theirs

    def off_within_on(x):
        with pullback.intercept(False):
            return pullback.grad(inner)(x) * x

    assert pullback.grad(off_within_on)(3.0) == 2.0
    assert numpy.zeros is theirs


def test_it_has_everything_that_numpy_has():
    for name in dir(numpy):
        theirs, ours = getattr(numpy, name), getattr(np, name)
        if callable(theirs) and type(theirs).__hash__ and theirs in wrapped:
            assert ours.__wrapped__ is theirs
        elif isinstance(theirs, type(sys)) and theirs.__name__.startswith("numpy."):
            assert set(dir(theirs)) <= set(dir(ours))
        elif not name.startswith("__") and name != "vectorize":
            assert ours is theirs
    assert set(dir(numpy)) <= set(dir(np))
    assert np.__version__ == numpy.__version__
    assert issubclass(np.vectorize, numpy.vectorize)


def test_submodules_are_attributes_and_importable():
    for name in ("linalg", "lib.stride_tricks", "testing"):
        module = importlib.import_module(f"pullback.numpy.{name}")
        assert operator.attrgetter(name)(np) is module is sys.modules[f"pullback.numpy.{name}"]
    assert np.linalg.norm is norm is not numpy.linalg.norm
    assert np.fft.fft is numpy.fft.fft
    assert np.random.default_rng is numpy.random.default_rng
    assert np.testing.assert_allclose is numpy.testing.assert_allclose
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("pullback.numpy.nonsense")
    with pytest.raises(AttributeError, match="nonsense"):
        np.nonsense  # noqa: B018 (is not there)


def test_what_runs_outside_of_the_program_gets_plain_arrays():
    made = []
    double = pullback.opaque(lambda x: made.append(np.zeros(2)) or x * 2.0, lambda g: (g * 2.0,))
    assert pullback.grad(lambda x: double(x))(1.0) == 2.0
    assert type(made[0]) is numpy.ndarray
