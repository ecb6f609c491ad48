"""A class that converts what it is given, and keeps its state in arrays that it updates."""

import numpy as np


class Chain:
    """Masses in a row between springs."""

    def __init__(self, x, stiffness):
        self.x = np.asarray(x, dtype=float)
        self.v = np.zeros(self.x.shape)
        self.k = np.broadcast_to(np.asarray(stiffness, dtype=np.float64), len(self.x) + 1)
        self.history = []

    def step(self, dt):
        stretch = np.diff(np.concatenate(([0.0], self.x, [0.0])))
        tension = self.k * stretch
        self.v += dt * (tension[1:] - tension[:-1])
        self.x += dt * self.v
        self.history.append(self.x.copy())

    @property
    def energy(self):
        return 0.5 * np.sum(self.v**2) + 0.5 * float(len(self.x)) * np.mean(self.x**2)


def loss(x, stiffness):
    chain = Chain(x, stiffness)
    for _ in range(4):
        chain.step(0.1)
    return chain.energy + np.var(np.array(chain.history))


def arguments(n, rng):
    return rng.normal(size=n), 2.5
