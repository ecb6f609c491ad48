"""Long loops: what `checkpointed_loop` keeps and what it runs again, for a gradient of n steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import measure

KEPT = "a Python loop, all kept"
SQUARE_ROOT = "checkpointed_loop"
BUDGET = "checkpointed_loop, snapshots=10"

SIZE = 1000  # of a carry
STEPS = (100, 1000, 10_000)


@dataclass(frozen=True)
class Cost:
    """The gradient of one loop.

    Attributes:
        runs: How often the body ran, by the number of steps.
        peak: The most bytes that were held at a time.
        carries: The same as a multiple of one carry's.
    """

    steps: int
    how: str
    runs: float
    peak: int
    carries: float


def costs(*, quick: bool) -> list[Cost]:
    """All loops at all lengths; that their gradients agree is checked."""
    return [one for n in (STEPS[:1] if quick else STEPS) for one in _costs(n)]


def _costs(steps: int) -> list[Cost]:
    import pullback

    x = np.random.default_rng(0).standard_normal(SIZE)
    ran = 0

    def body(x: Any, step: Any) -> Any:
        nonlocal ran
        ran += 1
        return x + 0.01 * np.sin(x + step)

    def plain(x: Any) -> Any:
        for step in range(steps):
            x = body(x, step)
        return x

    ways: dict[str, Callable[[Any], Any]] = {
        KEPT: plain,
        SQUARE_ROOT: lambda x: pullback.checkpointed_loop(body, x, steps),
        BUDGET: lambda x: pullback.checkpointed_loop(body, x, steps, snapshots=10),
    }
    if steps == STEPS[-1]:
        del ways[BUDGET]  # by far the slowest
    found: list[Cost] = []
    expected = None
    for how, loop in ways.items():
        gradient = pullback.grad(lambda x, loop=loop: np.sum(loop(x)))
        got = gradient(x)
        expected = got if expected is None else expected
        np.testing.assert_allclose(got, expected, rtol=1e-12, err_msg=how)
        ran = 0
        peak = measure.peak_memory(lambda gradient=gradient: gradient(x), warm_up=False)
        found.append(Cost(steps, how, ran / steps, peak, peak / x.nbytes))
    return found
