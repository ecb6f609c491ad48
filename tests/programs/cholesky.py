"""Cholesky's factorisation, element by element."""

import numpy as np


def loss(a):
    n = a.shape[0]
    factor = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(j):
                total += factor[i, k] * factor[j, k]
            if i == j:
                factor[i, i] = np.sqrt(a[i, i] - total)
            else:
                factor[i, j] = (a[i, j] - total) / factor[j, j]
    return np.sum(np.log(np.diag(factor))) + np.sum(factor**3)


def arguments(n, rng):
    a = rng.normal(size=(n, n))
    return (a @ a.T + n * np.eye(n),)
