"""A scalar function with branches, applied to arrays by np.vectorize."""

import math

import numpy as np


def price(moneyness, volatility):
    if moneyness < 0.5:
        return 0.0
    if moneyness > 2:
        return moneyness - 1
    d = math.log(moneyness) / volatility + volatility / 2
    if d < 0:
        return math.exp(-d * d) * moneyness
    return moneyness * math.sqrt(1 + d) - math.tanh(d)


def loss(moneyness, volatility):
    return np.sum(np.vectorize(price)(moneyness, volatility) ** 2)


def arguments(n, rng):
    return np.linspace(0.3, 2.3, n), rng.uniform(0.1, 0.4, size=n)
