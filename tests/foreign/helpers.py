"""What the other modules of this package import by name."""

from __future__ import annotations

import functools
from math import exp, sqrt

from numpy import array, zeros


def saturate(t):
    return t / (1.0 + exp(-float(t)))


def rotation(angle):
    from math import cos, sin

    return array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])


def table(values):
    out = zeros(len(values))
    for i, v in enumerate(values):
        out[i] = sqrt(v) + i
    return out


def logged(function):
    """A decorator that counts calls."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


def each(function, values):
    return [function(v) for v in values]
