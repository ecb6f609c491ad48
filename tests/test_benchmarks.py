"""The benchmarks run, compare equal results, and judge the targets rightly. No test is timed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import loops, programs, tensors, transforms
from benchmarks.contenders import by_hand, check_agreement
from benchmarks.libraries import OURS, Pullback, libraries
from benchmarks.measure import Timing
from benchmarks.problems import (
    HAND,
    HAND_SAME,
    Problem,
    chain_problem,
    layers_problem,
    mlp_by_hand,
    mlp_per_sample_by_hand,
    mlp_problem,
    problems,
)
from benchmarks.report import table
from benchmarks.targets import MLP, SAMPLES, SMALL, Results, Target, Writes, targets

ROOT = Path(__file__).parent.parent


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", "--quick", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_quick_run_writes_its_report(tmp_path: Path) -> None:
    """`make bench` in small: pullback agrees with the derivatives by hand; all is written."""
    run("--out", str(tmp_path), "--contenders", "pullback.vjp", "pullback.value_and_grad")
    text = (tmp_path / "RESULTS.md").read_text()
    for name in [*(problem.name for problem in problems(quick=True)), *programs.NAMES]:
        assert name in text
    for title in ("The other transforms", "Long loops", "Memory and fixed costs", "Targets"):
        assert f"## {title}" in text


def test_a_group_alone_reports_that_group_and_writes_nothing() -> None:
    text = run("--only", "loops", "--contenders", "pullback.vjp")
    assert "## Long loops" in text
    assert "## The other transforms" not in text
    assert "not measured" not in text
    assert "written:" not in text


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


@pytest.mark.parametrize(
    "problem",
    [chain_problem(5, np.random.default_rng(0)), mlp_problem(np.random.default_rng(0), batch=8)],
    ids=lambda problem: problem.name,
)
def test_transforms_agree_with_differences_of_the_derivative_by_hand(problem: Problem) -> None:
    tangents = transforms.tangents_of(problem, np.random.default_rng(1))
    back = by_hand(problem, HAND)
    h = 1e-6

    def moved(t: float) -> Problem:
        args = [a + t * d for a, d in zip(problem.args, tangents, strict=True)]
        return replace(problem, args=tuple(args))

    value, gradients = back()
    slope = sum(np.vdot(g, d) for g, d in zip(gradients, tangents, strict=True))
    for transform in ("jvp", "linearize", "push"):
        call = transforms.everyone([Pullback()], transform, problem, tangents)[OURS]
        assert call() == (pytest.approx(value), pytest.approx(slope)), transform
    above, below = (by_hand(moved(t), HAND)()[1] for t in (h, -h))
    product = transforms.everyone([Pullback()], "hvp", problem, tangents)[OURS]()
    for got, a, b in zip(product, above, below, strict=True):
        np.testing.assert_allclose(got, (a - b) / (2 * h), rtol=1e-5, atol=1e-6)


def test_the_jacobian_by_hand_is_right() -> None:
    problem = layers_problem(np.random.default_rng(0), 4)
    (x,) = problem.args
    steps = 1e-6 * np.eye(len(x))
    function = lambda x: problem.function(np, x, *problem.data)
    columns = [(function(x + step) - function(x - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(by_hand(problem, HAND)(), np.stack(columns, axis=1), rtol=1e-6)


def test_gradients_of_samples_by_hand_add_up() -> None:
    problem = mlp_problem(np.random.default_rng(0), batch=8)
    inputs = (*problem.args, *problem.data)
    for samples, whole in zip(
        mlp_per_sample_by_hand(*inputs), mlp_by_hand(*inputs)[1], strict=True
    ):
        np.testing.assert_allclose(samples.sum(axis=0), whole, rtol=1e-10, atol=1e-12)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")  # the peers' own
def test_libraries_agree_on_the_other_transforms() -> None:
    """Every row is checked before it is handed out."""
    for package in ("torch", "autograd", "jax"):
        pytest.importorskip(package)
    names = [
        {*calls}
        for _, calls in transforms.rows(libraries(("torch", "autograd", "jax")), quick=True)
    ]
    assert {"pullback", "torch.func", "autograd", "jax.jit"} < names[0]
    assert all({tensors.THEIRS, OURS} <= {*calls} for _, calls in tensors.rows(quick=True))


def test_jacrev_walks_back_once() -> None:
    assert transforms.walks_back(7) == 1


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
    results = Results(
        gradients={SMALL: row},
        writes=writes,
        transforms={
            f"jvp: {MLP}": {transforms.FUNCTION: Timing(1, 1, 1), OURS: Timing(2, 2, 1)},
            f"vmap(grad): {SAMPLES[0]}": {
                transforms.LOOP: Timing(9, 1, 1),
                OURS: Timing(1, 0.1, 1),
            },
            f"hvp: {SMALL}": {transforms.FUNCTION: Timing(1, 1, 1), OURS: Timing(21, 21, 1)},
            "hvp: chain, n = 1,000": {
                transforms.FUNCTION: Timing(10, 1, 1),
                OURS: Timing(90, 9, 1),
            },
        },
        walks_back=100,
        loops=[
            loops.Cost(100, loops.SQUARE_ROOT, 1.9, 10, 1),
            loops.Cost(10_000, loops.SQUARE_ROOT, 2.5, 90, 9),
        ],
        tensors={
            f"vmap(grad): {SAMPLES[0]}": {tensors.THEIRS: Timing(1, 1, 1), OURS: Timing(1, 1, 1)}
        },
        peaks=memory,
        import_ms=61.0,
    )
    checked = targets(results)
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
    assert of(f"jvp: {MLP}: time by the function") == (2, "holds")
    assert of("jvp: chain, n = 5: time by the function") == (None, "not measured")
    assert of("n = 1,000: time, less the overhead at n = 5, by the function") == (7, "FAILS")
    assert of(f"{SAMPLES[0]}: time by a loop of grad") == (0.1, "FAILS")
    assert of("walks back") == (100, "FAILS")
    assert of("extra forward runs") == (1.5, "FAILS")
    assert of("(square root: 10)") == (9, "holds")
    assert of(f"{SAMPLES[0]}: time by torch.func") == (1, "holds")


def test_a_target_holds_at_its_limit() -> None:
    assert Target("", 3.0, 3).verdict == "holds"


def test_tables_align_and_keep_their_cells() -> None:
    lines = table(["a", "b"], [["one", "1.00"], ["three", "10.00"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[-1] == "| three | 10.00 |"
