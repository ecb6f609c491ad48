"""Runge and Kutta's method of order four, into a preallocated trajectory."""

import numpy as np


def lorenz(state, sigma, rho, beta):
    x, y, z = state
    return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])


def loss(start, sigma, rho, beta, steps=8, dt=0.02):
    path = np.empty((steps + 1, 3))
    path[0] = start
    for n in range(steps):
        k1 = lorenz(path[n], sigma, rho, beta)
        k2 = lorenz(path[n] + dt / 2 * k1, sigma, rho, beta)
        k3 = lorenz(path[n] + dt / 2 * k2, sigma, rho, beta)
        k4 = lorenz(path[n] + dt * k3, sigma, rho, beta)
        path[n + 1] = path[n] + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.mean((path[:, 0] - 1) ** 2) + path[-1, 2]


def arguments(n, rng):
    return rng.normal(size=3), 10.0, 28.0, 8 / 3
