"""A long loop whose derivative fits in memory: which steps to run again, and when.

The schedule with a budget of snapshots is that of A. Griewank and A. Walther, "Algorithm 799:
revolve", ACM Transactions on Mathematical Software 26 (2000), 19-45: with s snapshots and at most
r repeated runs of any step, as many as binomial(s + r, s) steps can be reversed, and no schedule
does better.  Here it is nothing but checkpointed calls inside each other.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .border import split_aux
from .checkpoint import call_checkpointed

# A schedule that repeats a step more often is refused: its calls would be as deep.
_MOST_REPEATS = 20


def checkpointed_loop(
    body: Callable[..., Any],
    carry: Any,
    steps: Any,
    *,
    snapshots: int | None = None,
    outputs: bool = False,
) -> Any:
    """`for step in steps: carry = body(carry, step)`, with a derivative that needs little memory.

    Without `snapshots`, about sqrt(n) of the n carries are kept, and what the steps of one part of
    the loop (sqrt(n) of them) need at a time; the way back runs `body` once more for each step.
    With `snapshots=s`, at most s carries are kept, and what one step needs; the way back runs no
    step more than r + 1 times, where r is the least with binomial(s + r, s) >= n (Griewank and
    Walther's schedule "revolve"): 10 snapshots are enough for 1,001 steps and r = 4.

    Args:
        body: A function `body(carry, step)` that returns the next carry, a tree. It must give the
            same result when it is run again (see `checkpoint`).
        carry: The first carry.
        steps: The number of steps (`body` then gets 0, 1, ...), or a sequence with one element a
            step: an array (its rows, which may be traced), a list or tuple of trees, a range.
        snapshots: How many carries to keep at most.
        outputs: `body` returns `(carry, output)`, and the outputs are collected in a list.

    Returns:
        The last carry, or `(carry, outputs)`.

    Raises:
        TypeError: If `steps` is no number of steps or sequence, or `body` returns no pair.
        ValueError: If `snapshots` is less than 1, or so few that a step would be run more than 20
            times.

    Example:
        >>> import numpy as np, pullback
        >>> def orbit(x):
        ...     return pullback.checkpointed_loop(lambda x, k: x + 0.01 * np.sin(x), x, 1000)
        >>> abs(float(pullback.grad(orbit)(3.0))) < 1
        True
    """
    items = _items(steps)
    if snapshots is not None:
        _check_snapshots(snapshots, len(items))
    carry, made = _Loop(body, outputs).in_parts(carry, items, snapshots)
    return (carry, made) if outputs else carry


class _Loop:
    """The steps of one loop, in parts; what a part returns is the carry and the outputs so far."""

    def __init__(self, body: Callable[..., Any], outputs: bool) -> None:
        self.body = body
        self.outputs = outputs
        self.known: list[Any] = []  # boxes that the body captured, once a part has met them

    def in_parts(self, carry: Any, items: Any, budget: int | None) -> tuple[Any, list[Any]]:
        """These steps, all but the last of them in checkpointed parts."""
        made: list[Any] = []
        for size, left in _parts(len(items), budget):
            part = self.in_turn if left is None else functools.partial(self.in_parts, budget=left)
            carry, some = call_checkpointed(
                part, (carry, items[:size]), {}, self.known, plain=self.in_turn
            )
            made += some
            items = items[size:]
        carry, some = self.in_turn(carry, items)
        return carry, made + some

    def in_turn(self, carry: Any, items: Any) -> tuple[Any, list[Any]]:
        """These steps, one after another."""
        made: list[Any] = []
        for item in items:
            carry = self.body(carry, item)
            if self.outputs:
                carry, output = split_aux("checkpointed_loop", carry)
                made.append(output)
        return carry, made


def _items(steps: Any) -> Any:
    if isinstance(steps, bool) or not (
        isinstance(steps, (int, np.integer)) or (hasattr(steps, "__getitem__") and _sized(steps))
    ):
        raise TypeError(
            "pullback.checkpointed_loop: steps must be a number of steps, or a sequence with one "
            f"element a step (an array, a list), got {type(steps).__name__}"
        )
    return range(int(steps)) if isinstance(steps, (int, np.integer)) else steps


def _sized(steps: Any) -> bool:
    is_0d = getattr(steps, "ndim", 1) == 0
    return hasattr(steps, "__len__") and not isinstance(steps, dict) and not is_0d


def _check_snapshots(snapshots: int, count: int) -> None:
    if snapshots < 1:
        raise ValueError(
            f"pullback.checkpointed_loop: snapshots must be at least 1, got {snapshots}"
        )
    if count > math.comb(snapshots + _MOST_REPEATS, snapshots):
        enough = next(
            s for s in itertools.count(snapshots) if math.comb(s + _MOST_REPEATS, s) >= count
        )
        raise ValueError(
            f"pullback.checkpointed_loop: with snapshots={snapshots}, a loop of {count} steps "
            f"would run some of them more than {_MOST_REPEATS} times; give it {enough} or more"
        )


def _parts(count: int, budget: int | None) -> Iterator[tuple[int, int | None]]:
    """The sizes of the parts that come before the steps which are kept, and each one's budget."""
    if budget is None:
        size = math.isqrt(max(count - 1, 0)) + 1
        for _ in range(size, count, size):
            yield size, None
        return
    while count > 1:
        size = _first_part(count, budget)
        yield size, budget
        count -= size
        budget -= 1


def _first_part(count: int, snapshots: int) -> int:
    """How many steps to go before the next snapshot is taken: Griewank and Walther's formula."""
    repeats = next(r for r in itertools.count() if math.comb(snapshots + r, snapshots) >= count)
    most_after = math.comb(snapshots - 1 + repeats, snapshots - 1)
    least_before = math.comb(snapshots + repeats - 2, snapshots) if repeats > 1 else 1
    return max(count - most_after, least_before)
