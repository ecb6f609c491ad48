"""Programs as scientists write them, in plain NumPy: right at first and second order.

Each is unmodified user code, many ops deep. What these protect is the way that families of ops,
views, writes in place, Python's control flow and trees work together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from pullback.testing import check_grads

_rng = np.random.default_rng(7)
PROGRAMS: dict[str, tuple[Any, tuple[Any, ...]]] = {}


def program(*args: Any) -> Any:
    """Check the function that follows at `args`."""

    def register(function: Any) -> Any:
        PROGRAMS[function.__name__] = (function, args)
        return function

    return register


@program(np.array([1.0, 0.5, -0.3]), 28.0)
def lorenz_by_runge_kutta(state: Any, rho: Any) -> Any:
    def velocity(state: Any) -> Any:
        x, y, z = state
        return np.stack([10 * (y - x), x * (rho - z) - y, x * y - 8 / 3 * z])

    step = 0.01
    path = [state]
    for _ in range(4):
        k1 = velocity(state)
        k2 = velocity(state + step / 2 * k1)
        k3 = velocity(state + step / 2 * k2)
        k4 = velocity(state + step * k3)
        state = state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(state)
    return np.mean((np.stack(path)[:, 0] - 1) ** 2) + path[-1][2]


@program(np.sin(np.linspace(0, 3, 5)), 0.1)
def heat_stepped_in_place(u: Any, alpha: Any) -> Any:
    u = u * 1.0
    snapshots = []
    for _ in range(3):
        u[1:-1] += alpha * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = u[1]
        u[-1] = 0
        snapshots.append(u.copy())
    return np.sum(np.stack(snapshots) ** 2)


@program(_rng.normal(size=8))
def burgers_by_fourier(u: Any) -> Any:
    k = np.fft.fftfreq(8, 1 / 8)
    for _ in range(3):
        spectrum = np.fft.fft(u)
        slope = np.fft.ifft(1j * k * spectrum).real
        u = np.real(np.fft.ifft(spectrum * np.exp(-0.01 * k**2))) - 0.05 * u * slope
    power = np.abs(np.fft.rfft(u)) ** 2
    return np.var(u) + np.sum(power * np.arange(5))


@program(np.array([0.1, 0.9]), 0.3 * _rng.normal(size=(2, 2)), 0.3, 0.2)
def kalman_log_likelihood(x: Any, drift: Any, q: Any, r: Any) -> Any:
    transition, observe = np.eye(2) + drift, np.array([[1.0, 0.0]])
    covariance, total = np.eye(2), 0.0
    for z in [0.5, 0.7, 1.1]:
        x = transition @ x
        covariance = transition @ covariance @ transition.T + q * np.eye(2)
        s = observe @ covariance @ observe.T + r * np.eye(1)
        gain = covariance @ observe.T @ np.linalg.inv(s)
        residual = z - observe @ x
        x = x + gain @ residual
        covariance = (np.eye(2) - gain @ observe) @ covariance
        total += -0.5 * (residual @ np.linalg.solve(s, residual) + np.log(np.linalg.det(s)))
    return total


_places = _rng.normal(size=(6, 2))
_heights = np.sin(_places[:, 0])


@program({"scale": np.array([0.8, 1.2]), "amplitude": 1.1, "noise": 0.1})
def gaussian_process_evidence(theta: Any) -> Any:
    difference = (_places[:, None, :] - _places[None]) / theta["scale"]
    kernel = theta["amplitude"] ** 2 * np.exp(-0.5 * np.sum(difference**2, axis=-1))
    kernel[np.diag_indices(6)] += theta["noise"]
    factor = np.linalg.cholesky(kernel)
    weights = np.linalg.solve(factor.T, np.linalg.solve(factor, _heights))
    return 0.5 * _heights @ weights + np.log(np.diag(factor)).sum() + 3 * np.log(2 * np.pi)


@program(_rng.normal(size=(2, 3)), np.zeros(3))
def softmax_regression(w: Any, b: Any) -> Any:
    labels = np.array([0, 2, 1, 1, 0, 2])
    scores = _places @ w + b
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(6), labels])) + 0.01 * (w**2).sum()


class Layer(NamedTuple):
    """Weights of a dense layer."""

    w: Any
    b: Any


_sizes = [(2, 4), (4, 3), (3, 1)]


@program([Layer(_rng.normal(size=size), _rng.normal(size=size[1])) for size in _sizes])
def network(layers: Any) -> Any:
    hidden = _places
    for layer in layers[:-1]:
        hidden = np.where((z := hidden @ layer.w + layer.b) > 0, z, np.expm1(z))
    out = (hidden @ layers[-1].w + layers[-1].b).squeeze(-1)
    return ((out - _heights) ** 2).mean()


@program(_rng.normal(size=(3, 3)), _rng.normal(size=3), _rng.normal(size=(3, 4)))
def hidden_markov_forward(move: Any, start: Any, emit: Any) -> Any:
    move = move - np.logaddexp.reduce(move, axis=1)[:, None]
    start = start - np.logaddexp.reduce(start)
    emit = emit - np.logaddexp.reduce(emit, axis=1, keepdims=True)
    forward = start + emit[:, 0]
    for seen in [1, 3, 2, 0]:
        forward = np.logaddexp.reduce(forward[:, None] + move, axis=0) + emit[:, seen]
    return np.logaddexp.reduce(forward)


@program(np.array([0.9, 0.7, 1.1]), 5.5)
def reflectance_of_a_thin_film(thickness: Any, wavelength: Any) -> Any:
    indices = [1.38, 2.1, 1.45 + 0.01j]
    matrix = np.eye(2, dtype=complex)
    for n, d in zip(indices, thickness, strict=True):
        phase = 2 * np.pi * n * d / wavelength
        c, s = np.cos(phase), np.sin(phase)
        matrix = matrix @ np.stack([np.stack([c, 1j * s / n]), np.stack([1j * n * s, c])])
    b, c = matrix @ np.array([1.0, 1.52])
    return abs((b - c) / (b + c)) ** 2


@program(_rng.normal(size=(4, 3)), np.array([1.0, 2.0, 3.0, 0.5]))
def energy_after_some_steps_of_n_bodies(x: Any, mass: Any) -> Any:
    v = np.zeros((4, 3))
    for _ in range(2):
        d = x[None, :, :] - x[:, None, :]
        pull = ((d**2).sum(-1) + 0.1) ** -1.5 * mass[None, :]
        v = v + 0.05 * (pull[:, :, None] * d).sum(axis=1)
        x = x + 0.05 * v
    r = np.sqrt(np.sum((x[:, None] - x[None]) ** 2, -1) + np.eye(4))
    potential = -np.sum(np.triu(np.outer(mass, mass) / r, k=1))
    return 0.5 * np.sum(mass * np.sum(v**2, axis=1)) + potential


@program(_rng.normal(size=(3, 3)))
def determinant_by_elimination_with_pivots(a: Any) -> Any:
    a = a.copy()
    determinant = 1.0
    for k in range(3):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            determinant = -determinant
        determinant = determinant * a[k, k]
        for i in range(k + 1, 3):
            a[i, k:] -= a[i, k] / a[k, k] * a[k, k:]
    return determinant


@program(_rng.normal(size=(4, 3)))
def gram_schmidt_through_views(a: Any) -> Any:
    q = a.copy()
    for i in range(3):
        column = q[:, i]
        for j in range(i):
            column -= (q[:, j] @ column) * q[:, j]
        column /= np.linalg.norm(column)
    return np.sum(np.triu(q.T @ a) ** 2) + q[0, 2]


@program(_rng.normal(size=(3, 3)) + 1j * _rng.normal(size=(3, 3)))
def quantum_evolution(h: Any) -> Any:
    h = (h + h.conj().T) / 2
    energies, states = np.linalg.eigh(h)
    evolution = (states * np.exp(-1j * energies)) @ states.conj().T
    density = np.outer(evolution[:, 0], evolution[:, 0].conj())
    return np.real(np.trace(density @ density @ h)) + np.abs(evolution[0, 1])


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    """Both modes agree with finite differences, to second order."""
    function, args = PROGRAMS[name]
    check_grads(function, *args, order=2)
