"""Thomas' algorithm for tridiagonal systems, in place."""

import numpy as np


def solve(lower, diagonal, upper, b):
    """The solution, in `b`; the diagonal is overwritten too."""
    n = len(b)
    for i in range(1, n):
        factor = lower[i - 1] / diagonal[i - 1]
        diagonal[i] -= factor * upper[i - 1]
        b[i] -= factor * b[i - 1]
    b[-1] /= diagonal[-1]
    for i in range(n - 2, -1, -1):
        b[i] = (b[i] - upper[i] * b[i + 1]) / diagonal[i]


def loss(lower, diagonal, upper, b):
    solve(lower, diagonal, upper, b)
    return np.sum(b**2) + b[0]


def arguments(n, rng):
    lower, upper = rng.normal(size=(2, n - 1))
    return lower, rng.uniform(4, 5, size=n), upper, rng.normal(size=n)
