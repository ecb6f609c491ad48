"""What must be true of pullback, checked against one run's measurements."""

from __future__ import annotations

from dataclasses import dataclass

from .measure import Timing
from .problems import HAND, HAND_SAME

Timings = dict[str, dict[str, Timing]]

SMALL = "chain, n = 5"
LARGE = "chain, n = 1,000,000"
VJP = "pullback.vjp"


@dataclass(frozen=True)
class Target:
    """A claim, the measured number, and its limit; `measured` is None where it was not measured."""

    claim: str
    measured: float | None
    limit: float
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Does the claim hold in this run?"""
        if self.measured is None:
            return "not measured"
        return "holds" if self.measured <= self.limit else "FAILS"

    def row(self) -> list[str]:
        """A line of the table of targets."""
        measured = "" if self.measured is None else f"{self.measured:.3g}{self.unit}"
        return [self.claim, measured, f"{self.limit:g}{self.unit}", self.verdict]


@dataclass(frozen=True)
class Writes:
    """What the loop of writes cost: by the size of the array that it writes into."""

    seconds: dict[int, float]
    bytes_a_write: dict[int, float]
    allocation_and_copy: float

    @property
    def time_by_size(self) -> float:
        """The time with the largest array, less one allocation and one copy, by the smallest's."""
        small, large = min(self.seconds), max(self.seconds)
        return (self.seconds[large] - self.allocation_and_copy) / self.seconds[small]

    @property
    def memory_by_size(self) -> float:
        """The memory that a write adds with the largest array, by that with the smallest."""
        small, large = min(self.bytes_a_write), max(self.bytes_a_write)
        return self.bytes_a_write[large] / self.bytes_a_write[small]


def targets(
    timings: Timings, memory: dict[str, int], import_ms: float, writes: Writes
) -> list[Target]:
    """All targets; those that need a peer or a size that this run lacks are not measured."""
    small, large = timings.get(SMALL, {}), timings.get(LARGE, {})
    result = [
        *(
            Target(f"n = 5: time of vjp and pullback by {by_hand}", ratio(small, VJP, by_hand), 3)
            for by_hand in (HAND, HAND_SAME)
        ),
        *(
            Target(f"n = 5: time of vjp and pullback by {peer}", ratio(small, VJP, peer), 0.5)
            for peer in ("torch.func.vjp", "autograd", "mygrad")
        ),
        Target(
            "n = 1,000,000: time by hand-written that saves the same values",
            ratio(large, VJP, HAND_SAME),
            1.15,
        ),
    ]
    peak = memory["pullback.grad"] / memory[HAND_SAME] if memory else None
    return [
        *result,
        Target("n = 1,000,000: peak memory of grad by hand-written's", peak, 1.1),
        Target("1,000 writes: time into 1,000,000 by time into 1,000", writes.time_by_size, 3),
        Target("a write: memory in 1,000,000 by memory in 1,000", writes.memory_by_size, 1.1),
        Target("import pullback, after numpy", import_ms, 60, " ms"),
    ]


def ratio(timings: dict[str, Timing], ours: str, theirs: str) -> float | None:
    """Our time by theirs, or None where one of them is missing."""
    if ours not in timings or theirs not in timings:
        return None
    return timings[ours].ratio / timings[theirs].ratio
