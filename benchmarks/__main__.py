"""The command: `python -m benchmarks [--quick] [--out FOLDER] [--contenders NAME ...]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import threads  # isort: skip  (first: NumPy reads its settings when it is imported)
import numpy as np

from . import contenders, measure, programs, report
from .problems import HAND, HAND_SAME, Problem, chain, chain_op_by_op, problems
from .targets import Timings, Writes, targets


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the report, and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [contender.name for contender in contenders.CONTENDERS]
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: for a test")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="for the results")
    parser.add_argument("--contenders", nargs="*", metavar="NAME", default=names, choices=names)
    options = parser.parse_args(arguments)
    chosen, notes = available(options.contenders)

    timings: Timings = {}
    for problem in problems(quick=options.quick):
        print(f"{problem.name} ...", flush=True)
        timings[problem.name] = compare(problem, chosen, quick=options.quick)
    unedited, writes = time_programs([one.name for one in chosen], quick=options.quick)
    memory = peaks(10_000 if options.quick else 1_000_000)
    import_ms = 1e3 * measure.import_seconds("pullback", runs=2 if options.quick else 9)
    identity = identity_seconds(rounds=2 if options.quick else 15)
    rest = [
        *((f"peak memory, {name}", f"{peak / 1e6:.1f} MB") for name, peak in memory.items()),
        *(
            (f"one write of 10 elements into {n:,}, forward and back", f"{size / 1e3:.2f} kB")
            for n, size in writes.bytes_a_write.items()
        ),
        ("import pullback, after numpy", f"{import_ms:.1f} ms"),
        ("vjp of the identity and its pullback, n = 5", report.duration(identity)),
    ]
    checked = targets(timings, {} if options.quick else memory, import_ms, writes)
    text = report.markdown(timings, unedited, rest, checked, [report.machine(), *notes])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "RESULTS.md").write_text(text)
    plotted = report.plot(timings, options.out / "results.png")
    print("\n" + text)
    print(f"written: {options.out / 'RESULTS.md'}", "and results.png" if plotted else "")


def available(names: list[str]) -> tuple[list[contenders.Contender], list[str]]:
    """The contenders that can run, and notes on versions, threads and those that cannot."""
    wanted = [contender for contender in contenders.CONTENDERS if contender.name in names]
    packages = dict.fromkeys(["numpy", *(contender.package for contender in wanted)])
    versions = {package: contenders.version_of(package) for package in packages}
    if versions.get("torch"):
        import torch

        torch.set_num_threads(threads.COUNT)
    found = ", ".join(f"{package} {version}" for package, version in versions.items() if version)
    notes = [found, f"threads: {threads.COUNT} each for BLAS, torch and XLA"]
    missing = [package for package, version in versions.items() if not version]
    if missing:
        notes.append(f"not installed, so skipped: {', '.join(missing)}")
    return [contender for contender in wanted if versions[contender.package]], notes


def compare(
    problem: Problem, chosen: list[contenders.Contender], *, quick: bool
) -> dict[str, measure.Timing]:
    """Time everyone on `problem`, once their results agree."""
    calls = {name: contenders.by_hand(problem, name) for name in problem.by_hand}
    calls |= {contender.name: contender.prepare(problem) for contender in chosen}
    contenders.check_agreement(calls, HAND)
    rounds, seconds = (2, 1e-4) if quick else (25, 0.01)
    return measure.take_turns(calls, HAND, rounds=rounds, sample_seconds=seconds)


def time_programs(peers: list[str], *, quick: bool) -> tuple[Timings, Writes]:
    """Time the unedited programs, and the loop of writes by us and by `peers`."""
    timings: Timings = {}
    rounds = 2 if quick else 9
    for name in programs.NAMES:
        print(f"{name} ...", flush=True)
        calls = programs.program_calls(name, 4 if quick else 16)
        timings[name] = measure.take_turns(
            calls, programs.PLAIN, rounds=rounds, sample_seconds=1e-4 if quick else 0.05, warm_up=1
        )
    sizes = (programs.SMALL, 10_000 if quick else programs.LARGE)
    seconds: dict[int, float] = {}
    for n in sizes:
        row = f"{programs.COUNT:,} writes of 10 into {n:,}"
        print(f"{row} ...", flush=True)
        calls = programs.write_calls(n, peers)
        timings[row] = measure.take_turns(
            calls, programs.PLAIN, rounds=2 if quick else 5, sample_seconds=0, warm_up=1
        )
        seconds[n] = timings[row][programs.OURS].seconds
    added = {n: programs.bytes_a_write(n) for n in sizes}
    extra = programs.allocation_and_copy(sizes[-1], rounds)
    return timings, Writes(seconds, added, extra)


def peaks(n: int) -> dict[str, int]:
    """Peak memory of the chain's gradient: by pullback, and by hand from the same saved values."""
    import pullback

    x = np.random.default_rng(0).uniform(1e-4, 1e-3, n)
    gradient = pullback.grad(lambda x: chain(np, x))
    return {
        HAND_SAME: measure.peak_memory(lambda: chain_op_by_op(x)),
        "pullback.grad": measure.peak_memory(lambda: gradient(x)),
    }


def identity_seconds(rounds: int) -> float:
    """The fixed cost of a transform: what the identity takes, forward and back."""
    import pullback

    x, cotangent = np.ones(5), np.ones(5)

    def call() -> None:
        _, pull = pullback.vjp(lambda x: x, x)
        pull(cotangent)

    timing = measure.take_turns({"identity": call}, "identity", rounds=rounds, sample_seconds=0.01)
    return timing["identity"].seconds


if __name__ == "__main__":
    main()
