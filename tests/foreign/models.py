"""Classes: inheritance, properties, class and static methods, private names."""

from __future__ import annotations

import abc
import functools
from dataclasses import dataclass

import numpy as np
from numpy import asarray, empty

from .helpers import rotation, saturate, table


class ModelError(ValueError):
    pass


class Base:
    def __init__(self, weights):
        self.weights = asarray(weights, dtype=float)
        self.__hidden = empty(self.weights.size)
        self.__hidden[:] = self.weights

    def hidden(self):
        return self.__hidden * 2.0

    def scale(self):
        return 1.0


class Layer(Base):
    gain = 1.5

    def __init__(self, weights, bias):
        super().__init__(weights)
        self.bias = bias

    @property
    def norm(self):
        out = empty(2)
        out[0], out[1] = self.weights[0] ** 2, self.bias
        return out.sum()

    @classmethod
    def from_list(cls, values):
        return cls(values[:-1], values[-1])

    @staticmethod
    def squash(t):
        return saturate(t)

    def scale(self):
        return super().scale() * self.gain * self.__factor()

    def __factor(self):
        return 2.0

    def __call__(self, t):
        return self.squash(t * self.scale()) + self.hidden().sum()

    def __add__(self, other):
        return Layer(table([*self.weights]) + other.weights, self.bias + other.bias)


@dataclass
class Pair:
    a: object
    b: object

    def turned(self):
        return rotation(self.a) @ asarray([self.b, 1.0])


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Disc(Shape):
    def __init__(self, radius):
        self.radius = radius

    @functools.cached_property
    def squared(self):
        return saturate(self.radius)

    def area(self):
        return np.pi * self.squared


def run_layer(x):
    layer = Layer.from_list(x)
    both = layer + Layer(x[1:], x[0])
    assert isinstance(layer, Layer)
    assert type(layer) is Layer
    assert layer.__class__ is Layer
    return layer(x[0]) + layer.norm + both.weights.sum() + both(x[1])


def run_pair(x):
    pair = Pair(x[0], x[1])
    assert Pair(1, 2) == Pair(1, 2)
    return pair.turned() * Disc(x[2]).area()


def given(layer, x):
    """Of an object that the caller made."""
    return layer(x[0]) + Layer.squash(x[1])


def fails(x):
    try:
        check(x)
    except ModelError:
        return x * 2.0
    return x


def check(x):
    if x[0] > 0:
        raise ModelError("positive")
