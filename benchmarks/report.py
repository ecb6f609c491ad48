"""The report: tables in Markdown, and a plot of every contender's ratio to hand-written NumPy."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import loops
from .problems import HAND
from .targets import Results, Target, Timings

INTRODUCTION = """\
Written by `make bench`. All in float64. The contenders' results were checked to agree; then they
were timed in turns, in one process. Times are CPU times, all threads together."""

PROGRAMS = """\
## Programs as they are: value and gradient as a multiple of the run without

`tests/programs`, unedited: no peer takes these. The loop of writes is spelled anew for each peer
(`fori_loop` and `.at[].set` in JAX)."""

TRANSFORMS = """\
## The other transforms

Times as multiples of that of what is named in the second column, in NumPy; the third is its time.
A column is empty where a library lacks the function (autograd has no `linearize` and no `vmap`).
torch.func and autograd run as they are, JAX compiled. `jvp` gives the value and the tangent, `hvp`
the product alone. The gradients of all samples of the larger MLP are 54 MB, which bounds what
anyone can gain there over a loop: see the column of the derivative written by hand. "Op by op" is
what a library's forward mode computes at the least, written in NumPy without any library."""

LOOPS = f"""\
## Long loops: the gradient of n steps on {loops.SIZE:,} numbers"""

TENSORS = """\
## torch tensors: multiples of torch.func's time"""


def markdown(results: Results, checked: Sequence[Target], notes: Sequence[str]) -> str:
    """The report on what was measured."""
    sections = [
        "# Benchmarks",
        INTRODUCTION,
        "\n".join(f"- {note}" for note in notes),
        *_of_gradients(results.gradients),
        *_comparisons(PROGRAMS, "program", results.programs),
        *_comparisons(TRANSFORMS, "transform", results.transforms),
        *_of_loops(results.loops),
        *_comparisons(TENSORS, "transform", results.tensors),
        *_of_costs(results),
        "## Targets",
        table(["claim", "measured", "limit", "verdict"], [target.row() for target in checked]),
    ]
    return "\n\n".join(sections) + "\n"


def _of_gradients(timings: Timings) -> list[str]:
    if not timings:
        return []
    names = list(dict.fromkeys(name for row in timings.values() for name in row))
    times = [
        [problem, *(duration(row[n].seconds) if n in row else "" for n in names)]
        for problem, row in timings.items()
    ]
    ratios = [
        [problem, *(f"{row[n].ratio:.2f}" if n in row else "" for n in names)]
        for problem, row in timings.items()
    ]
    cores = [
        ["", *(f"{max(r[n].cores for r in timings.values() if n in r):.1f}" for n in names)],
    ]
    return [
        "## Value and all gradients: time as a multiple of the hand-written NumPy derivative's",
        table(["problem", *names], ratios),
        "## Time of one value and gradient (medians)",
        table(["problem", *names], times),
        "## Most cores busy (CPU time by wall time; less than one where the machine was shared)",
        table(["", *names], cores),
    ]


def _comparisons(title: str, what: str, timings: Timings) -> list[str]:
    """Rows of contenders' times, relative to the first of each row."""
    if not timings:
        return []
    first = {row: next(iter(timing)) for row, timing in timings.items()}
    names = list(dict.fromkeys(n for row, t in timings.items() for n in t if n != first[row]))
    rows = [
        [
            row,
            first[row],
            duration(timing[first[row]].seconds),
            *(_short(timing[n].ratio) if n in timing and n != first[row] else "" for n in names),
        ]
        for row, timing in timings.items()
    ]
    return [title, table([what, "relative to", "its time", *names], rows)]


def _of_loops(costs: Sequence[loops.Cost]) -> list[str]:
    header = ["loop", "steps", "runs of the body a step", "peak memory", "in carries"]
    rows = [
        [c.how, f"{c.steps:,}", f"{c.runs:.2f}", f"{c.peak / 1e6:.2f} MB", f"{c.carries:,.0f}"]
        for c in costs
    ]
    return [LOOPS, table(header, rows)] if rows else []


def _of_costs(results: Results) -> list[str]:
    rows = [
        *((f"peak memory, {name}", f"{peak / 1e6:.1f} MB") for name, peak in results.peaks.items()),
        *(
            (f"one write of 10 elements into {n:,}, forward and back", f"{size / 1e3:.2f} kB")
            for n, size in (results.writes.bytes_a_write.items() if results.writes else ())
        ),
        *(
            (f"vjp of the identity and its pullback, n = 5, {name}", duration(seconds))
            for name, seconds in results.identity.items()
        ),
    ]
    if results.import_ms is not None:
        rows.append(("import pullback, after numpy", f"{results.import_ms:.1f} ms"))
    return ["## Memory and fixed costs", table(["what", "measured"], rows)] if rows else []


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns are aligned, so that it reads as well in a terminal."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join(_aligned(line, widths)) + " |" for line in (lines[0], rule, *lines[1:])
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return [first.strip().ljust(widths[0]), *others]


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def machine() -> str:
    """Where and when this ran, and how busy the machine was with other things."""
    load = f"load {os.getloadavg()[0]:.1f}, " if hasattr(os, "getloadavg") else ""
    when = time.strftime("%Y-%m-%d %H:%M")
    return f"{when}, {load}{os.cpu_count()} x {_processor()}, {platform.system()}"


TICKS = ["0.1", "1", "10", "100"]


def _short(ratio: float) -> str:
    """Two digits, and no exponent."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def plot(timings: Timings, path: Path) -> bool:
    """Write the plot; False where matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = [n for n in dict.fromkeys(n for row in timings.values() for n in row) if n != HAND]
    figure, axes = plt.subplots(
        2, (len(timings) + 1) // 2, figsize=(16, 7), layout="constrained", sharex=True, sharey=True
    )
    for axis, (problem, row) in zip(axes.flat, timings.items(), strict=False):
        ratios = [row[name].ratio if name in row else 1 for name in names]
        colors = ["tab:orange" if name.startswith("pullback") else "tab:blue" for name in names]
        # On a logarithmic axis a bar starts at hand-written's 1: to the left is faster.
        bars = axis.barh(names, [ratio - 1 for ratio in ratios], left=1, color=colors)
        labels = [f" {_short(row[name].ratio)}" if name in row else "" for name in names]
        for bar, label in zip(bars, labels, strict=True):
            axis.text(max(1, bar.get_x() + bar.get_width()), bar.get_y() + 0.6, label)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.set_title(problem, fontsize=10)
        axis.set(xscale="log", xlim=(0.1, 1000), xticks=[0.1, 1, 10, 100], xticklabels=TICKS)
        axis.xaxis.set_tick_params(labelbottom=True)
        axis.spines[["top", "right"]].set_visible(False)
    axes.flat[0].invert_yaxis()
    for axis in axes.flat[len(timings) :]:
        axis.set_visible(False)
    figure.suptitle("Time of a value and its gradient, hand-written NumPy = 1")
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True
