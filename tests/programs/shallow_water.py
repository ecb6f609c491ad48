"""Shallow water in one dimension, with ghost cells: Lax and Friedrichs' step."""

import numpy as np

GRAVITY = 9.81


def fill_ghosts(q):
    """Reflecting walls, in place."""
    q[:, 0] = q[:, 1]
    q[:, -1] = q[:, -2]
    q[1, 0] *= -1
    q[1, -1] *= -1


def flux(q):
    f = np.empty_like(q)
    f[0] = q[1]
    f[1] = q[1] ** 2 / q[0] + 0.5 * GRAVITY * q[0] ** 2
    return f


def loss(height, momentum, steps=4, ratio=0.05):
    q = np.zeros((2, len(height) + 2))
    q[0, 1:-1] = height
    q[1, 1:-1] = momentum
    for _ in range(steps):
        fill_ghosts(q)
        f = flux(q)
        q[:, 1:-1] = 0.5 * (q[:, 2:] + q[:, :-2]) - 0.5 * ratio * (f[:, 2:] - f[:, :-2])
    return np.sum(q[0, 1:-1] ** 2) + np.sum(q[1, 1:-1] ** 2)


def arguments(n, rng):
    return 1 + 0.2 * rng.uniform(size=n), 0.1 * rng.normal(size=n)
