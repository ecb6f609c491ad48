"""What is computed: functions of a namespace `xp`, each with its derivative written by hand.

A function is written once for all contenders: `xp` is NumPy, torch, jax.numpy and so on.  It takes
the arguments to differentiate first and constant data after them, and returns a scalar (but for the
one whose Jacobian is taken).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# The derivative by hand, of a scalar function `(*args, *data) -> (value, (gradient of each arg))`.
ByHand = Callable[..., Any]

# The one that ratios are relative to, and the one of the chain that saves what a tape saves.
HAND = "hand-written"
HAND_SAME = "hand-written, op by op"


@dataclass(frozen=True)
class Problem:
    """A function, where it is differentiated, and what to compare with."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    by_hand: dict[str, ByHand]
    data: tuple[Any, ...] = ()
    # Other transforms by hand, op by op: `(*args, *data, *tangents)` to what the transform returns.
    moved_by_hand: dict[str, ByHand] = field(default_factory=dict)


def problems(*, quick: bool = False) -> list[Problem]:
    """All problems; with `quick`, sizes that a test can run."""
    rng = np.random.default_rng(0)
    sizes = (5, 1000) if quick else (5, 1000, 1_000_000)
    return [
        *(chain_problem(n, rng) for n in sizes),
        mlp_problem(rng, batch=8 if quick else 64),
        logistic_problem(rng, rows=100 if quick else 10_000, columns=100),
        gaussian_problem(rng, rows=50 if quick else 1000, size=10),
        recurrence_problem(rng, steps=20 if quick else 200, size=8),
    ]


# The chain: ten times x = sin(x)*cos(x)+x, then a sum.


def chain(xp: Any, x: Any) -> Any:
    for _ in range(10):
        x = xp.sin(x) * xp.cos(x) + x
    return x.sum()


def chain_by_hand(x: Any) -> tuple[Any, tuple[Any]]:
    """As a person writes it: saves sin and cos, and folds the step's derivative into one factor."""
    saved = []
    for _ in range(10):
        s, c = np.sin(x), np.cos(x)
        saved.append((s, c))
        x = s * c + x
    g = np.ones_like(x)
    while saved:
        s, c = saved.pop()
        g = g * (c * c - s * s + 1)
    return x.sum(), (g,)


def chain_op_by_op(x: Any) -> tuple[Any, tuple[Any]]:
    """As a tape does it: one step back for each op, from x, sin(x) and cos(x)."""
    saved = []
    for _ in range(10):
        s, c = np.sin(x), np.cos(x)
        saved.append((x, s, c))
        x = s * c + x
    g = np.ones_like(x)
    while saved:
        x_before, s, c = saved.pop()
        through_sin = g * c * np.cos(x_before)
        through_cos = g * s * np.sin(x_before)
        g = g + through_sin - through_cos
    return x.sum(), (g,)


def chain_jvp_by_hand(x: Any, t: Any) -> tuple[Any, Any]:
    for _ in range(10):
        s, c = np.sin(x), np.cos(x)
        x, t = s * c + x, (t * c) * c + (t * -s) * s + t
    return x.sum(), t.sum()


def chain_problem(n: int, rng: np.random.Generator) -> Problem:
    # Near zero each step doubles x; starting at 1 it would reach pi/2, where the derivative is zero
    # and agreement would say nothing.
    x = rng.uniform(1e-4, 1e-3, n)
    by_hand = {HAND: chain_by_hand, HAND_SAME: chain_op_by_op}
    moved = {"jvp": chain_jvp_by_hand}
    return Problem(f"chain, n = {n:,}", chain, (x,), by_hand, moved_by_hand=moved)


# A perceptron with two hidden layers and a cross-entropy loss.


def mlp(xp: Any, w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, x: Any, one_hot: Any) -> Any:
    hidden = xp.tanh(x @ w1 + b1)
    hidden = xp.tanh(hidden @ w2 + b2)
    logits = hidden @ w3 + b3
    return xp.log(xp.exp(logits).sum(-1)).sum() - (one_hot * logits).sum()


def _mlp_back(
    w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, x: Any, one_hot: Any
) -> tuple[Any, list[tuple[Any, Any]]]:
    """The value, and for each layer its input and the cotangent of its output."""
    h1 = np.tanh(x @ w1 + b1)
    h2 = np.tanh(h1 @ w2 + b2)
    logits = h2 @ w3 + b3
    e = np.exp(logits)
    total = e.sum(axis=1)
    value = np.log(total).sum() - (one_hot * logits).sum()
    g3 = e / total[:, None] - one_hot
    g2 = (g3 @ w3.T) * (1 - h2 * h2)
    g1 = (g2 @ w2.T) * (1 - h1 * h1)
    return value, [(x, g1), (h1, g2), (h2, g3)]


def mlp_by_hand(*args: Any) -> tuple[Any, tuple[Any, ...]]:
    value, layers = _mlp_back(*args)
    return value, tuple(part for h, g in layers for part in (h.T @ g, g.sum(axis=0)))


def mlp_per_sample_by_hand(*args: Any) -> tuple[Any, ...]:
    """A gradient for each sample of the batch, and no value."""
    _, layers = _mlp_back(*args)
    return tuple(part for h, g in layers for part in (h[:, :, None] * g[:, None, :], g))


def mlp_jvp_by_hand(*inputs: Any) -> tuple[Any, Any]:
    weights, (x, one_hot), tangents = inputs[:6], inputs[6:8], inputs[8:]
    h, moved = x, None
    for layer in range(0, 6, 2):
        (w, b), (tw, tb) = weights[layer : layer + 2], tangents[layer : layer + 2]
        moved = h @ tw + tb if moved is None else moved @ w + h @ tw + tb
        h = h @ w + b
        if layer < 4:
            h = np.tanh(h)
            moved = moved * (1 - h * h)
    e = np.exp(h)
    total = e.sum(-1)
    value = np.log(total).sum() - (one_hot * h).sum()
    return value, ((moved * e).sum(-1) / total).sum() - (one_hot * moved).sum()


def mlp_hvp_by_hand(*inputs: Any) -> tuple[Any, ...]:
    """Forward over reverse: the derivative of `_mlp_back`, line by line."""
    (w1, b1, w2, b2, w3, b3), (x, one_hot), (v1, u1, v2, u2, v3, u3) = (
        inputs[:6],
        inputs[6:8],
        inputs[8:],
    )
    h1 = np.tanh(x @ w1 + b1)
    s1 = 1 - h1 * h1
    t1 = s1 * (x @ v1 + u1)
    h2 = np.tanh(h1 @ w2 + b2)
    s2 = 1 - h2 * h2
    t2 = s2 * (t1 @ w2 + h1 @ v2 + u2)
    moved = t2 @ w3 + h2 @ v3 + u3
    e = np.exp(h2 @ w3 + b3)
    p = e / e.sum(axis=1)[:, None]
    g3 = p - one_hot
    m3 = p * (moved - (p * moved).sum(axis=1)[:, None])
    back2 = g3 @ w3.T
    g2 = back2 * s2
    m2 = (m3 @ w3.T + g3 @ v3.T) * s2 - back2 * (2 * h2 * t2)
    back1 = g2 @ w2.T
    m1 = (m2 @ w2.T + g2 @ v2.T) * s1 - back1 * (2 * h1 * t1)
    second = t1.T @ g2 + h1.T @ m2, t2.T @ g3 + h2.T @ m3
    biases = (m.sum(axis=0) for m in (m1, m2, m3))
    return tuple(itertools.chain(*zip((x.T @ m1, *second), biases, strict=True)))


def mlp_problem(
    rng: np.random.Generator, batch: int, sizes: tuple[int, ...] = (32, 64, 64, 10)
) -> Problem:
    weights: list[Any] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        weights += [rng.standard_normal((fan_in, fan_out)) / fan_in**0.5, np.zeros(fan_out)]
    x = rng.standard_normal((batch, sizes[0]))
    one_hot = np.eye(sizes[-1])[rng.integers(sizes[-1], size=batch)]
    name = f"MLP {'-'.join(map(str, sizes))}, batch {batch}"
    moved = {"jvp": mlp_jvp_by_hand, "hvp": mlp_hvp_by_hand}
    return Problem(name, mlp, tuple(weights), {HAND: mlp_by_hand}, (x, one_hot), moved)


# Two layers without a loss, for Jacobians. The derivative by hand is the Jacobian, and no value.


def layers(xp: Any, x: Any, w1: Any, w2: Any) -> Any:
    return xp.tanh(w2 @ xp.tanh(w1 @ x))


def layers_by_hand(x: Any, w1: Any, w2: Any) -> Any:
    hidden = np.tanh(w1 @ x)
    out = np.tanh(w2 @ hidden)
    return ((1 - out * out)[:, None] * w2 * (1 - hidden * hidden)) @ w1


def layers_problem(rng: np.random.Generator, outputs: int) -> Problem:
    sizes = (50, 64, outputs)
    weights = [rng.standard_normal((m, n)) / n**0.5 for n, m in itertools.pairwise(sizes)]
    name = f"two layers {'-'.join(map(str, sizes))}"
    args = (rng.standard_normal(sizes[0]),)
    return Problem(name, layers, args, {HAND: layers_by_hand}, tuple(weights))


# Logistic regression, with labels -1 and 1.


def logistic(xp: Any, w: Any, x: Any, labels: Any) -> Any:
    return xp.log1p(xp.exp(-labels * (x @ w))).sum()


def logistic_by_hand(w: Any, x: Any, labels: Any) -> tuple[Any, tuple[Any]]:
    e = np.exp(-labels * (x @ w))
    return np.log1p(e).sum(), (-(labels * (e / (1 + e))) @ x,)


def logistic_problem(rng: np.random.Generator, rows: int, columns: int) -> Problem:
    x = rng.standard_normal((rows, columns))
    labels = np.where(rng.random(rows) < 0.5, -1.0, 1.0)
    w = rng.standard_normal(columns) / columns**0.5
    name = f"logistic regression, {rows:,} by {columns}"
    return Problem(name, logistic, (w,), {HAND: logistic_by_hand}, (x, labels))


# A Gaussian's log-likelihood by the factor of its precision (log-diagonal and the rest), which
# needs no Cholesky factorisation.


def gaussian(xp: Any, mean: Any, log_diagonal: Any, rest: Any, x: Any, below: Any) -> Any:
    centred = x - mean
    white = centred @ (rest * below) + centred * xp.exp(log_diagonal)
    return len(x) * log_diagonal.sum() - 0.5 * (white * white).sum()


def gaussian_by_hand(
    mean: Any, log_diagonal: Any, rest: Any, x: Any, below: Any
) -> tuple[Any, tuple[Any, ...]]:
    centred = x - mean
    factor, scale = rest * below, np.exp(log_diagonal)
    white = centred @ factor + centred * scale
    value = len(x) * log_diagonal.sum() - 0.5 * (white * white).sum()
    mean_gradient = (white @ factor.T + white * scale).sum(axis=0)
    diagonal_gradient = len(x) - (white * centred).sum(axis=0) * scale
    return value, (mean_gradient, diagonal_gradient, -(centred.T @ white) * below)


def gaussian_problem(rng: np.random.Generator, rows: int, size: int) -> Problem:
    args = (rng.standard_normal(size), np.zeros(size), 0.1 * rng.standard_normal((size, size)))
    data = (rng.standard_normal((rows, size)), np.tri(size, k=-1))
    name = f"Gaussian log-likelihood, {rows:,} by {size}"
    return Problem(name, gaussian, args, {HAND: gaussian_by_hand}, data)


# A small recurrence in a Python loop.


def recurrence(xp: Any, w: Any, b: Any, h: Any, inputs: Any) -> Any:
    for u in inputs:
        h = xp.tanh(w @ h + b + u)
    return (h * h).sum()


def recurrence_by_hand(w: Any, b: Any, h: Any, inputs: Any) -> tuple[Any, tuple[Any, ...]]:
    states = [h]
    for u in inputs:
        h = np.tanh(w @ h + b + u)
        states.append(h)
    g_w, g_b, g_h = np.zeros_like(w), np.zeros_like(b), 2 * h
    while len(states) > 1:
        after = states.pop()
        g_pre = g_h * (1 - after * after)
        g_w += g_pre[:, None] * states[-1]
        g_b += g_pre
        g_h = g_pre @ w
    return (h * h).sum(), (g_w, g_b, g_h)


def recurrence_problem(rng: np.random.Generator, steps: int, size: int) -> Problem:
    w = rng.standard_normal((size, size)) / size**0.5
    inputs = list(0.1 * rng.standard_normal((steps, size)))
    args = (w, np.zeros(size), rng.standard_normal(size))
    return Problem(
        f"recurrence, {steps} steps of {size}",
        recurrence,
        args,
        {HAND: recurrence_by_hand},
        (inputs,),
    )
