"""A QR factorisation by Householder's reflections, in place, and a least-squares solution."""

import numpy as np


def loss(a, b):
    r, y = a.astype(float), b.astype(float)
    rows, columns = r.shape
    for k in range(columns):
        v = r[k:, k].copy()
        v[0] += np.copysign(np.linalg.norm(v), v[0])
        v /= np.linalg.norm(v)
        r[k:, k:] -= 2 * np.outer(v, v @ r[k:, k:])
        y[k:] -= 2 * v * (v @ y[k:])
    x = np.empty(columns)
    for i in range(columns - 1, -1, -1):
        x[i] = (y[i] - np.dot(r[i, i + 1 : columns], x[i + 1 :])) / r[i, i]
    return x @ x + np.sum(y[columns:] ** 2)


def arguments(n, rng):
    return rng.normal(size=(n + 2, n)), rng.normal(size=n + 2)
