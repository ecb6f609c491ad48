"""A state in a dataclass, changed in place by functions that return nothing."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Tank:
    """Levels of tanks that drain into the next."""

    level: np.ndarray
    valve: float
    drained: list = field(default_factory=list)


def drain(tank, dt):
    flow = tank.valve * np.sqrt(tank.level)
    tank.level -= dt * flow
    tank.level[1:] += dt * flow[:-1]
    tank.drained.append(flow[-1] * dt)


def loss(level, valve):
    tank = Tank(level, valve)
    for _ in range(5):
        drain(tank, 0.1)
    return np.sum(tank.drained) ** 2 + tank.level.std()


def arguments(n, rng):
    return rng.uniform(1, 2, size=n), 0.5
