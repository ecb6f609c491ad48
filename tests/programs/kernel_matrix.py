"""A Gaussian process: the covariance filled in pair by pair, and its likelihood."""

import numpy as np


def kernel(x, y, scale):
    d = (x - y) / scale
    return np.exp(-0.5 * np.dot(d, d))


def loss(points, scale, noise):
    n = len(points)
    covariance = np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            covariance[i, j] = kernel(points[i], points[j], scale)
            covariance[j, i] = covariance[i, j]
    covariance.flat[:: n + 1] += noise**2
    values = np.cos(np.arange(n))
    sign, log_determinant = np.linalg.slogdet(covariance)
    assert sign > 0
    return 0.5 * values @ np.linalg.solve(covariance, values) + 0.5 * log_determinant


def arguments(n, rng):
    return rng.normal(size=(n, 2)), 0.8, 0.4
