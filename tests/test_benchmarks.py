"""The benchmarks run, compare equal results, and judge the targets rightly. No test is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import programs
from benchmarks.contenders import by_hand, check_agreement
from benchmarks.measure import Timing
from benchmarks.problems import HAND, HAND_SAME, Problem, problems
from benchmarks.report import table
from benchmarks.targets import SMALL, Target, Writes, targets

ROOT = Path(__file__).parent.parent


def test_the_quick_run_writes_its_report(tmp_path: Path) -> None:
    """`make bench` in small: pullback agrees with the derivatives by hand; all is written."""
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(tmp_path)]
    command += ["--contenders", "pullback.vjp", "pullback.value_and_grad"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "RESULTS.md").read_text()
    for name in [*(problem.name for problem in problems(quick=True)), *programs.NAMES]:
        assert name in text
    assert "## Targets" in text


@pytest.mark.parametrize("problem", problems(quick=True), ids=lambda problem: problem.name)
def test_derivatives_by_hand_are_right(problem: Problem) -> None:
    """What everyone is compared with is itself checked, by differences along a random direction."""
    rng = np.random.default_rng(1)
    directions = [rng.standard_normal(np.shape(arg)) for arg in problem.args]

    def value(t: float) -> float:
        moved = [a + t * d for a, d in zip(problem.args, directions, strict=True)]
        return problem.function(np, *moved, *problem.data)

    h = 1e-6
    slope = (value(h) - value(-h)) / (2 * h)
    for name in problem.by_hand:
        _, gradients = by_hand(problem, name)()
        got = sum(np.vdot(g, d) for g, d in zip(gradients, directions, strict=True))
        assert got == pytest.approx(slope, rel=1e-6), name


def test_contenders_that_disagree_are_not_timed() -> None:
    right, wrong = (np.float64(1), (np.ones(2),)), (np.float64(1), (np.array([1, 1.001]),))
    with pytest.raises(AssertionError, match="wrong"):
        check_agreement({HAND: lambda: right, "wrong": lambda: wrong}, HAND)


def test_float32_is_not_timed_against_float64() -> None:
    right, low = (np.float64(1), (np.ones(2),)), (np.float64(1), (np.ones(2, np.float32),))
    with pytest.raises(AssertionError, match="float32"):
        check_agreement({HAND: lambda: right, "low": lambda: low}, HAND)


def test_targets_compare_with_the_right_contender() -> None:
    """A ratio is ours by theirs; what was not measured is no failure and no success."""
    row = {HAND: Timing(1, 1, 1), "pullback.vjp": Timing(2, 2, 1), "mygrad": Timing(8, 8, 1)}
    memory = {HAND_SAME: 100, "pullback.grad": 120}
    writes = Writes({1000: 2.0, 10**6: 6.5}, {1000: 10.0, 10**6: 12.0}, 0.5)
    checked = targets({SMALL: row}, memory, 61.0, writes)
    verdicts = {target.claim: target for target in checked}

    def of(words: str) -> tuple[float | None, str]:
        (target,) = (target for claim, target in verdicts.items() if claim.endswith(words))
        return target.measured, target.verdict

    assert of("by hand-written") == (2, "holds")
    assert of("by hand-written, op by op") == (None, "not measured")
    assert of("by mygrad") == (0.25, "holds")
    assert of("by torch.func.vjp") == (None, "not measured")
    assert of("memory of grad by hand-written's") == (1.2, "FAILS")
    assert of("after numpy") == (61.0, "FAILS")
    assert of("by time into 1,000") == (3.0, "holds")
    assert of("by memory in 1,000") == (1.2, "FAILS")


def test_a_target_holds_at_its_limit() -> None:
    assert Target("", 3.0, 3).verdict == "holds"


def test_tables_align_and_keep_their_cells() -> None:
    lines = table(["a", "b"], [["one", "1.00"], ["three", "10.00"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[-1] == "| three | 10.00 |"
