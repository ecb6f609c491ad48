"""Functions of a vector, in the plainest style."""

from __future__ import annotations

import functools
import math
from math import exp

import numpy  # noqa: ICN001 (any name will do)
import numpy as np
from numpy import array, concatenate, linspace, ones, vectorize, zeros
from numpy.linalg import norm

from . import helpers
from .helpers import each, logged, rotation, table

A = np.array([[2.0, 1.0, 0.5], [0.0, 3.0, 1.0], [1.0, 1.0, 4.0]])
counter = 0
history = []


def filled(x):
    y = zeros(3)
    for i in range(3):
        y[i] = x[i] ** 2
    return y


def with_helpers(x):
    return rotation(x[0]) @ table(x[1:]) + helpers.saturate(x[2])


def counted(x):
    global counter  # noqa: PLW0603 (as programs are written)
    counter += 1
    history.append(counter)
    return numpy.sum(array([x[0] * x[1], exp(x[2])]))


def dotted(x):
    return A.dot(x) + A.T.dot(x) + A[0].clip(x[0], 10.0)


def own_arrays(x, rng=None):
    """Arrays that the function made, by other ways than the makers."""
    y = A[0] * 1.0
    y[1] = x[0]
    z = A.copy()
    z[0] = x
    w = numpy.random.default_rng(0).normal(size=3)
    w += x * x
    first, second = A[0] + 1.0, A[1].astype(float)
    first[0], second[:] = x[2], x * first
    return y + z.sum(axis=0) * w + first * second


def scalars(x):
    t = float(x[0])
    n = int(x[1])
    c = complex(x[0], x[1])
    s = np.float64(x[2])
    assert isinstance(t, float)
    assert type(x) is np.ndarray
    return t * n + s * s + (c * c).real + math.floor(t) * t


def nested(x, *, k=2.0):
    def inner(t):
        out = ones(2)
        out[0] = t * k
        return out

    return sum(map(inner, x)).sum() + max(each(inner, x), key=norm)[0]


def closed(factor):
    def f(x):
        y = zeros(2)
        y[0] = x[0] * factor[0]
        factor[1] += 1
        return y.sum()

    return f


@vectorize
def branchy(t):
    return t * t if t > 1.0 else exp(t)


@logged
def decorated(x, a=1.0):
    return array([x[0] * a, x[1]])


@functools.lru_cache(maxsize=8)
def grid(n):
    return linspace(0.0, 1.0, n)


def cached(x):
    g = grid(3)
    h = g * 1.0
    h[0] = x[0]
    return g * x + h


power = functools.partial(lambda p, x: concatenate([x[:1] ** p, [x[1] * exp(1.0)]]), 3)
double = lambda x: array([2.0 * x[0], x[1]])


def everything(x):
    return (
        norm(branchy(x))
        + decorated(x, a=2.0).sum()
        + power(x).sum() * double(x).sum()
        + functools.reduce(lambda a, b: a * float(b), x)
        + sum(map(helpers.saturate, x))
    )


def steps(x):
    """A generator."""
    state = zeros(3)
    state[:] = x
    for _ in range(3):
        state[1:] += 0.1 * state[:-1] * x[0]
        yield state.copy()


def integrated(x):
    return sum(steps(x))


def power_of(t, n):
    """Recursive."""
    return 1.0 if n == 0 else float(t) * power_of(t, n - 1)


def recursive(x):
    count = 0

    def add(t):
        nonlocal count
        count += 1
        return power_of(t, count) if count < 4 else add

    return sum(add(t) for t in x) * count


def held_twice(x):
    y = A[0] * 1.0
    z = y
    z[0] = x[0]
    return y.sum()


def into_a_global(x):
    A[0] = x
    return A.sum()


def boom(x):
    return 1 / 0 * zeros(3)
