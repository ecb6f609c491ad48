"""How time and memory are measured on a machine that others use too.

Times are CPU times of this process, all its threads together: wall time would measure the others.
The contenders take turns, one sample of each, then again in another order: a slow spell of the
machine so falls on all of them, and a ratio is taken within a round.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Timing:
    """What one contender took on one problem.

    Attributes:
        seconds: CPU time of a call, the median over rounds.
        ratio: That time as a multiple of the first contender's, the median of the rounds' ratios.
        cores: CPU time by wall time: how many cores were busy for it.
    """

    seconds: float
    ratio: float
    cores: float


def take_turns(
    calls: dict[str, Callable[[], Any]],
    *,
    rounds: int,
    sample_seconds: float,
    warm_up: int = 3,
) -> dict[str, Timing]:
    """Time all `calls` in turns; ratios are relative to the first of them."""
    repeats = {name: _repeats(call, sample_seconds, warm_up) for name, call in calls.items()}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    names = list(calls)
    gc.collect()
    gc.freeze()  # what was imported is not scanned again; what a call allocates is, as in real use
    try:
        for turn in range(rounds):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                samples[name].append(_sample(calls[name], repeats[name]))
    finally:
        gc.unfreeze()
    base = [cpu for cpu, _ in samples[names[0]]]
    return {
        name: Timing(
            seconds=statistics.median(cpu for cpu, _ in taken),
            ratio=statistics.median(cpu / b for (cpu, _), b in zip(taken, base, strict=True)),
            cores=statistics.median(cpu / wall for cpu, wall in taken),
        )
        for name, taken in samples.items()
    }


def _repeats(call: Callable[[], Any], sample_seconds: float, warm_up: int) -> int:
    """How many calls take `sample_seconds`; these calls are the warm-up."""
    for _ in range(warm_up):
        call()
    cpu, _ = _sample(call, warm_up)
    return max(1, round(sample_seconds / cpu))


def _sample(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """CPU and wall seconds a call, over `repeats` calls."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return cpu / repeats, wall / repeats


def peak_memory(call: Callable[[], Any], *, warm_up: bool = True) -> int:
    """The most bytes that one call held at a time, by tracemalloc (NumPy reports to it)."""
    if warm_up:
        call()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


_IMPORT = """
import numpy, time
start = time.process_time()
import {module}
print(time.process_time() - start)
"""


def import_seconds(module: str, *, runs: int) -> float:
    """The time that `import module` adds to `import numpy`, the median over new processes.

    A first process, not counted, leaves its bytecode in a folder for the others, as installing
    a package does.
    """
    command = [sys.executable, "-c", _IMPORT.format(module=module)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times = [
            float(
                subprocess.run(  # noqa: S603
                    command, env=environment, capture_output=True, check=True, text=True
                ).stdout
            )
            for _ in range(runs + 1)
        ]
    return statistics.median(times[1:])
