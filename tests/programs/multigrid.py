"""A V-cycle of multigrid for Poisson's equation: views of every second point, written through."""

import numpy as np


def smooth(u, f, h):
    for start in (1, 2):
        middle = u[start:-1:2]
        middle[...] = 0.5 * (u[start - 1 : -2 : 2] + u[start + 1 :: 2] - h**2 * f[start:-1:2])


def cycle(u, f, h):
    smooth(u, f, h)
    if len(u) > 3:
        residual = np.zeros_like(u)
        residual[1:-1] = f[1:-1] - (u[:-2] - 2 * u[1:-1] + u[2:]) / h**2
        correction = np.zeros((len(u) + 1) // 2)
        cycle(correction, residual[::2].copy(), 2 * h)
        u[::2] += correction
        u[1::2] += 0.5 * (correction[:-1] + correction[1:])
    smooth(u, f, h)


def loss(f):
    u = np.zeros(f.shape)
    for _ in range(2):
        cycle(u, f, 1 / (len(f) - 1))
    return 100 * np.sum(u**2)


def arguments(n, rng):
    return (rng.normal(size=2 ** int(np.ceil(np.log2(n))) + 1),)
