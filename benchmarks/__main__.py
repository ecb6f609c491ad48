"""The command: `python -m benchmarks [--quick] [--only GROUP ...] [--out FOLDER] ...`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from . import settings  # isort: skip  (first: the libraries read them when they are imported)
import numpy as np

from . import contenders, libraries, loops, measure, programs, report, tensors, transforms
from .problems import HAND, HAND_SAME, Problem, chain, chain_op_by_op, problems
from .targets import Results, Timings, Writes, targets


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the report, and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [contender.name for contender in contenders.CONTENDERS]
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: for a test")
    parser.add_argument(
        "--only", nargs="+", metavar="GROUP", choices=GROUPS, help=", ".join(GROUPS)
    )
    parser.add_argument("--out", type=Path, help="for the results of a run that is not the whole")
    parser.add_argument("--contenders", nargs="*", metavar="NAME", default=names, choices=names)
    options = parser.parse_args(arguments)
    chosen, notes = available(options.contenders)

    results = Results()
    for group in options.only or GROUPS:
        GROUPS[group](results, chosen, options.quick)
    checked = [one for one in targets(results) if one.measured is not None or not options.only]
    text = report.markdown(results, checked, [report.machine(), *notes])
    print("\n" + text)
    whole = not (options.quick or options.only)
    out = options.out or (Path(__file__).parent if whole else None)
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "RESULTS.md").write_text(text)
    plotted = bool(results.gradients) and report.plot(results.gradients, out / "results.png")
    print(f"written: {out / 'RESULTS.md'}", "and results.png" if plotted else "")


def available(names: list[str]) -> tuple[list[contenders.Contender], list[str]]:
    """The contenders that can run, and notes on versions, threads and those that cannot."""
    wanted = [contender for contender in contenders.CONTENDERS if contender.name in names]
    packages = dict.fromkeys(["numpy", *(contender.package for contender in wanted)])
    versions = {package: contenders.version_of(package) for package in packages}
    if versions.get("torch"):
        import torch

        torch.set_num_threads(settings.COUNT)
    found = ", ".join(f"{package} {version}" for package, version in versions.items() if version)
    notes = [found, f"threads: {settings.COUNT} each for BLAS, torch and XLA", settings.MEMORY]
    missing = [package for package, version in versions.items() if not version]
    if missing:
        notes.append(f"not installed, so skipped: {', '.join(missing)}")
    return [contender for contender in wanted if versions[contender.package]], notes


def time_gradients(results: Results, chosen: Sequence[contenders.Contender], quick: bool) -> None:
    """Time everyone's values and gradients."""
    for problem in problems(quick=quick):
        print(f"{problem.name} ...", flush=True)
        results.gradients[problem.name] = compare(problem, chosen, quick=quick)


def compare(
    problem: Problem, chosen: Sequence[contenders.Contender], *, quick: bool
) -> dict[str, measure.Timing]:
    """Time everyone on `problem`, once their results agree."""
    calls = {name: contenders.by_hand(problem, name) for name in problem.by_hand}
    calls |= {contender.name: contender.prepare(problem) for contender in chosen}
    contenders.check_agreement(calls, HAND)
    large = np.size(problem.args[0]) >= 1_000_000  # a round of all of them takes seconds
    rounds, seconds = (2, 1e-4) if quick else (11 if large else 25, 0.01)
    return measure.take_turns(calls, rounds=rounds, sample_seconds=seconds)


def time_programs(results: Results, chosen: Sequence[contenders.Contender], quick: bool) -> None:
    """Time the unedited programs, and the loop of writes by us and by the peers."""
    timings = results.programs
    rounds = 2 if quick else 9
    for name in programs.NAMES:
        print(f"{name} ...", flush=True)
        calls = programs.program_calls(name, 4 if quick else 16)
        timings[name] = measure.take_turns(
            calls, rounds=rounds, sample_seconds=1e-4 if quick else 0.05, warm_up=1
        )
    sizes = (programs.SMALL, 10_000 if quick else programs.LARGE)
    seconds: dict[int, float] = {}
    for n in sizes:
        row = f"{programs.COUNT:,} writes of 10 into {n:,}"
        print(f"{row} ...", flush=True)
        calls = programs.write_calls(n, [one.name for one in chosen])
        timings[row] = measure.take_turns(
            calls, rounds=2 if quick else 5, sample_seconds=0, warm_up=1
        )
        seconds[n] = timings[row][programs.OURS].seconds
    added = {n: programs.bytes_a_write(n, 100 if quick else programs.COUNT) for n in sizes}
    results.writes = Writes(seconds, added, programs.allocation_and_copy(sizes[-1], rounds))


def time_transforms(results: Results, chosen: Sequence[contenders.Contender], quick: bool) -> None:
    """Time the other transforms, by all libraries that have them."""
    packages = {contender.package for contender in chosen}
    rows = transforms.rows(libraries.libraries(packages), quick=quick)
    results.transforms = time_rows(rows, quick=quick)
    results.walks_back = transforms.walks_back(transforms.OUTPUTS)


def measure_loops(results: Results, _: Sequence[contenders.Contender], quick: bool) -> None:
    """Measure what checkpointed loops keep and run again."""
    print("loops ...", flush=True)
    results.loops = loops.costs(quick=quick)


def time_tensors(results: Results, chosen: Sequence[contenders.Contender], quick: bool) -> None:
    """Time pullback on torch tensors, where torch is there."""
    if any(contender.package == "torch" for contender in chosen):
        results.tensors = time_rows(tensors.rows(quick=quick), quick=quick)


def time_rows(rows: Iterable[transforms.Row], *, quick: bool) -> Timings:
    """Time rows of comparisons."""
    timings: Timings = {}
    rounds, seconds = (2, 1e-4) if quick else (11, 0.02)
    for name, calls in rows:
        print(f"{name} ...", flush=True)
        timings[name] = measure.take_turns(calls, rounds=rounds, sample_seconds=seconds, warm_up=1)
    return timings


def measure_costs(results: Results, _: Sequence[contenders.Contender], quick: bool) -> None:
    """Measure peak memory, and what is paid whatever the size."""
    import pullback

    print("memory and fixed costs ...", flush=True)
    if not quick:
        results.peaks = peaks(1_000_000)
    for name, on in (("as it is", True), ("intercept(False)", False)):
        with pullback.intercept(on):
            results.identity[name] = identity_seconds(rounds=2 if quick else 15)
    results.import_ms = 1e3 * measure.import_seconds("pullback", runs=2 if quick else 9)


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

    timing = measure.take_turns({"identity": call}, rounds=rounds, sample_seconds=0.01)
    return timing["identity"].seconds


# By name: `(results, contenders, quick)` measures one group and adds it to the results.
GROUPS: dict[str, Callable[[Results, Sequence[contenders.Contender], bool], None]] = {
    "gradients": time_gradients,
    "programs": time_programs,
    "transforms": time_transforms,
    "loops": measure_loops,
    "tensors": time_tensors,
    "costs": measure_costs,
}


if __name__ == "__main__":
    main()
