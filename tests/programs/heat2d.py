"""The heat equation in two dimensions: an explicit step into a second array, and a swap."""

import numpy as np


def loss(u0, conductivity, steps=6):
    u = np.array(u0)
    new = np.zeros_like(u)
    for _ in range(steps):
        new[1:-1, 1:-1] = u[1:-1, 1:-1] + conductivity * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        )
        new[0, :] = new[1, :]
        new[-1, :] = new[-2, :]
        new[:, 0] = 0.0
        new[:, -1] = 0.1 * conductivity
        u, new = new, u
    return np.sum(u**2)


def arguments(n, rng):
    return rng.normal(size=(n, n + 1)), 0.17
