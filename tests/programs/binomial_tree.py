"""An American option in a binomial tree: one array of values, overwritten from the end."""

import numpy as np


def loss(spot, volatility, rate, steps=8, strike=1.0):
    up = np.exp(volatility * np.sqrt(1 / steps))
    probability = (np.exp(rate / steps) - 1 / up) / (up - 1 / up)
    moves = np.arange(-steps, steps + 1, 2)
    values = np.maximum(strike - spot * up**moves, 0)
    for step in range(steps - 1, -1, -1):
        values[: step + 1] = np.exp(-rate / steps) * (
            (1 - probability) * values[: step + 1] + probability * values[1 : step + 2]
        )
        exercise = strike - spot * up ** np.arange(-step, step + 1, 2)
        np.maximum(values[: step + 1], exercise, out=values[: step + 1])
    return values[0]


def arguments(n, rng):
    return 0.97, 0.31, 0.04
