"""An LU factorisation with pivots, in place, and the solution by substitution."""

import numpy as np


def factorise(a):
    """Overwrite `a` with its factors; the order of the rows."""
    n = len(a)
    order = np.arange(n)
    for k in range(n - 1):
        pivot = k + np.argmax(np.abs(a[k:, k]))
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            order[[k, pivot]] = order[[pivot, k]]
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            a[i, k + 1 :] -= a[i, k] * a[k, k + 1 :]
    return order


def loss(a, b):
    n = len(b)
    lu = a.copy()
    order = factorise(lu)
    x = b[order]
    for i in range(n):
        x[i] -= lu[i, :i] @ x[:i]
    for i in reversed(range(n)):
        x[i] = (x[i] - lu[i, i + 1 :] @ x[i + 1 :]) / lu[i, i]
    log_determinant = 0.0
    for i in range(n):
        log_determinant += np.log(abs(lu[i, i]))
    return np.sum(x**2) + log_determinant


def arguments(n, rng):
    return rng.normal(size=(n, n)) + 3 * np.eye(n)[::-1], rng.normal(size=n)
