"""The wave equation in two dimensions: three time levels in preallocated arrays."""

import numpy as np


def laplacian(u, out):
    """Write the five-point Laplacian of `u` into the inner points of `out`."""
    out[1:-1, 1:-1] = -4 * u[1:-1, 1:-1]
    out[1:-1, 1:-1] += u[2:, 1:-1] + u[:-2, 1:-1]
    out[1:-1, 1:-1] += u[1:-1, 2:] + u[1:-1, :-2]


def loss(u0, speed, steps=6, dt=0.3):
    before, now = u0.copy(), u0.copy()
    after, force = np.empty_like(u0), np.zeros_like(u0)
    energy = 0.0
    for _ in range(steps):
        laplacian(now, force)
        np.multiply(force, (speed * dt) ** 2, out=force)
        after[...] = 2 * now - before + force
        after[[0, -1]] = 0
        after[:, [0, -1]] = 0
        before, now, after = now, after, before
        energy += np.sum((now - before) ** 2)
    return energy


def arguments(n, rng):
    return rng.normal(size=(n, n)), 1.3
