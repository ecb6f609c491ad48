"""An integral between limits that are parameters: np.linspace with traced ends, global weights."""

import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(5)


def gauss(f, start, stop):
    x = 0.5 * (stop - start) * NODES + 0.5 * (start + stop)
    return 0.5 * (stop - start) * np.sum(WEIGHTS * f(x))


def trapezoid(f, start, stop, n):
    x = np.linspace(start, stop, n)
    y = f(x)
    y[0] *= 0.5
    y[-1] *= 0.5
    return np.sum(y) * (x[1] - x[0])


def loss(start, stop, width):
    def f(x):
        return np.exp(-((x / width) ** 2))

    edges = np.linspace(start, stop, 4)
    by_gauss = sum(gauss(f, edges[i], edges[i + 1]) for i in range(3))
    return by_gauss**2 + trapezoid(f, start, stop, 9) + np.sum(np.arange(4) * width)


def arguments(n, rng):
    return -0.4, 1.1, 0.9
