"""A recurrent network that fills an array with its states."""

import numpy as np


def loss(w, u, bias, inputs):
    steps, size = len(inputs), len(bias)
    states = np.zeros((steps + 1, size))
    outputs = np.empty(steps)
    for t in range(steps):
        states[t + 1] = np.tanh(w @ states[t] + u @ inputs[t] + bias)
        outputs[t] = states[t + 1].mean()
    return np.sum((outputs[1:] - inputs[:-1, 0]) ** 2)


def arguments(n, rng):
    w, u = rng.normal(size=(n, n)) / n**0.5, rng.normal(size=(n, 2))
    return w, u, rng.normal(size=n), rng.normal(size=(3 * n, 2))
