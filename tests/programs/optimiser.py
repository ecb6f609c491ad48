"""Adam, unrolled: moments and parameters in dicts of arrays, updated in place."""

import numpy as np

X = np.linspace(-1, 1, 7)
Y = np.sin(2 * X)


def gradients(params):
    hidden = np.tanh(np.outer(X, params["w"]) + params["b"])
    error = hidden @ params["out"] - Y
    inner = np.outer(error, params["out"]) * (1 - hidden**2)
    return {"w": X @ inner, "b": inner.sum(axis=0), "out": hidden.T @ error}, np.mean(error**2)


def loss(w, b, out, rate, steps=3):
    params = {"w": np.array(w), "b": np.array(b), "out": np.array(out)}
    first = {name: np.zeros_like(value) for name, value in params.items()}
    second = {name: np.zeros_like(value) for name, value in params.items()}
    for step in range(1, steps + 1):
        slopes, value = gradients(params)
        for name in params:
            first[name] *= 0.9
            first[name] += 0.1 * slopes[name]
            second[name] *= 0.99
            second[name] += 0.01 * slopes[name] ** 2
            corrected = np.sqrt(second[name] / (1 - 0.99**step)) + 1e-3
            params[name] -= rate * first[name] / (1 - 0.9**step) / corrected
    return value


def arguments(n, rng):
    return rng.normal(size=n), rng.normal(size=n), rng.normal(size=n), 0.05
