"""Transport on a ring by np.roll, with a limiter, and a total that is added up."""

import numpy as np


def slopes(u):
    left, right = u - np.roll(u, 1), np.roll(u, -1) - u
    slope = np.zeros_like(u)
    same = left * right > 0
    slope[same] = 2 * left[same] * right[same] / (left[same] + right[same])
    return slope


def loss(u, courant, steps=4):
    total = 0.0
    for _ in range(steps):
        flux = courant * (u + 0.5 * (1 - courant) * slopes(u))
        u -= flux - np.roll(flux, 1)
        total += np.sum(u**2)
    return total


def arguments(n, rng):
    return np.sin(2 * np.pi * (np.arange(n) + 0.3) / n) + 0.1 * rng.normal(size=n), 0.4
