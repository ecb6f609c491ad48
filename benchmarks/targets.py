"""What must be true of pullback, checked against one run's measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from . import loops, tensors, transforms
from .libraries import OURS
from .loops import Cost
from .measure import Timing
from .problems import HAND, HAND_SAME

Timings = dict[str, dict[str, Timing]]

SMALL = "chain, n = 5"
MIDDLE = "chain, n = 1,000"
LARGE = "chain, n = 1,000,000"
MLP = "MLP 32-64-64-10, batch 64"
SAMPLES = ("MLP 8-16-16-4, batch 1000", "MLP 32-64-64-10, batch 1000")
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
        return [self.claim, measured, f"{self.limit:.3g}{self.unit}", self.verdict]


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


@dataclass
class Results:
    """What one run measured; what it left out is empty, or None."""

    gradients: Timings = field(default_factory=dict)
    programs: Timings = field(default_factory=dict)
    writes: Writes | None = None
    transforms: Timings = field(default_factory=dict)
    walks_back: int | None = None  # of jacrev
    loops: Sequence[Cost] = ()
    tensors: Timings = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    identity: dict[str, float] = field(default_factory=dict)  # seconds
    import_ms: float | None = None


def targets(results: Results) -> list[Target]:
    """All targets; those that need a peer or a size that this run lacks are not measured."""
    return [
        *_of_gradients(results),
        *_of_writes(results.writes),
        *_of_transforms(results),
        *_of_loops(results.loops),
        *_of_tensors(results.tensors),
        Target("import pullback, after numpy", results.import_ms, 60, " ms"),
    ]


def _of_gradients(results: Results) -> list[Target]:
    small, large = results.gradients.get(SMALL, {}), results.gradients.get(LARGE, {})
    peaks = results.peaks
    return [
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
        Target(
            "n = 1,000,000: peak memory of grad by hand-written's",
            peaks["pullback.grad"] / peaks[HAND_SAME] if peaks else None,
            1.1,
        ),
    ]


def _of_writes(writes: Writes | None) -> list[Target]:
    time, memory = (writes.time_by_size, writes.memory_by_size) if writes else (None, None)
    return [
        Target("1,000 writes: time into 1,000,000 by time into 1,000", time, 3),
        Target("a write: memory in 1,000,000 by memory in 1,000", memory, 1.1),
    ]


def _of_transforms(results: Results) -> list[Target]:
    def measured(row: str, ours: str, theirs: str) -> float | None:
        return ratio(results.transforms.get(row, {}), ours, theirs)

    function = transforms.FUNCTION
    return [
        *(
            Target(f"{row}: time by the function", measured(row, OURS, function), 2.5)
            for row in (f"jvp: {problem}" for problem in (SMALL, MIDDLE, MLP))
        ),
        *(
            Target(
                f"hvp: {problem}: time, less the overhead at n = 5, by the function",
                _beyond_overhead(results.transforms, problem),
                6,
            )
            for problem in (MIDDLE, "chain, n = 100,000")
        ),
        Target(
            f"hvp: {MLP}: time, overhead included, by the function",
            measured(f"hvp: {MLP}", OURS, function),
            6,
        ),
        *(
            Target(f"{row}: time by a loop of grad", measured(row, OURS, transforms.LOOP), 1 / 50)
            for row in (f"vmap(grad): {problem}" for problem in SAMPLES)
        ),
        Target(f"jacrev of {transforms.OUTPUTS} outputs: walks back", results.walks_back, 1),
    ]


def _beyond_overhead(timings: Timings, problem: str) -> float | None:
    """What hvp of a chain takes beyond its fixed cost, by the function's time.

    At n = 5 an op's arithmetic takes next to nothing, so that all but the function is fixed cost.
    """
    least, row = timings.get(f"hvp: {SMALL}", {}), timings.get(f"hvp: {problem}", {})
    if not least or not row:
        return None
    function = transforms.FUNCTION
    overhead = least[OURS].seconds - least[function].seconds
    return (row[OURS].seconds - overhead) / row[function].seconds


def _of_loops(costs: Sequence[Cost]) -> list[Target]:
    of = {cost.steps: cost for cost in costs if cost.how == loops.SQUARE_ROOT}
    short, long = min(loops.STEPS), max(loops.STEPS)
    all_there = short in of and long in of
    return [
        Target(
            f"checkpointed_loop, {long:,} steps: extra forward runs",
            of[long].runs - 1 if long in of else None,
            1,
        ),
        Target(
            f"checkpointed_loop: peak memory of {long:,} steps by that of {short} (square root: "
            f"{(long / short) ** 0.5:g})",
            of[long].peak / of[short].peak if all_there else None,
            1.1 * (long / short) ** 0.5,
        ),
    ]


def _of_tensors(timings: Timings) -> list[Target]:
    limits = {
        **{f"vjp and its pullback: {problem}": 1.0 for problem in (SMALL, LARGE, MLP)},
        **{f"vmap(grad): {problem}": 1.1 for problem in SAMPLES},
    }
    return [
        Target(
            f"torch tensors, {row}: time by torch.func",
            ratio(timings.get(row, {}), OURS, tensors.THEIRS),
            limit,
        )
        for row, limit in limits.items()
    ]


def ratio(timings: dict[str, Timing], ours: str, theirs: str) -> float | None:
    """Our time by theirs, or None where one of them is missing."""
    if ours not in timings or theirs not in timings:
        return None
    return timings[ours].ratio / timings[theirs].ratio
