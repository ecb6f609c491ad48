"""`checkpointed_loop`: the loop's own derivative, in bounded memory and a known number of runs."""

from __future__ import annotations

import gc
import importlib
import itertools
import math
import tracemalloc

import numpy as np
import pytest

from pullback import checkpointed_loop, grad, jvp, vjp
from pullback.loops import _parts
from pullback.testing import check_grads
from tests.memory import peak

# The module has the name of its function, which hides it.
Checkpoint = importlib.import_module("pullback.checkpoint").Checkpoint
X = np.array([0.3, 0.5, 1.2])


def plain_loop(body, carry, steps):
    for step in steps:
        carry = body(carry, step)
    return carry


def runs_of(n, snapshots):
    """How often the body runs for a gradient of n steps."""
    count = 0

    def body(x, k):
        nonlocal count
        count += 1
        return np.sin(x) + 0.1 * k * x / n

    got = grad(lambda x: checkpointed_loop(body, x, n, snapshots=snapshots))(0.7)
    runs = count
    np.testing.assert_allclose(got, grad(lambda x: plain_loop(body, x, range(n)))(0.7), rtol=1e-12)
    return runs


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 17, 50])
@pytest.mark.parametrize("snapshots", [None, 2, 3, 5, 100])
def test_the_gradient_is_the_loops_own(n, snapshots):
    runs_of(n, snapshots)


@pytest.mark.parametrize("n", [1, 4, 10, 37, 100])
def test_the_square_root_schedule_runs_no_step_more_than_once_again(n):
    assert runs_of(n, None) <= 2 * n


def revolve_cost(n, s):
    """Forward steps of Griewank and Walther's optimal schedule: r n - binomial(s + r, r - 1).

    To these steps come the n that are recorded.
    """
    r = next(r for r in itertools.count() if math.comb(s + r, s) >= n)
    return r * n - math.comb(s + r, s + 1)


@pytest.mark.parametrize(("n", "snapshots"), [(5, 1), (10, 2), (10, 3), (56, 3), (57, 3), (70, 8)])
def test_a_budget_costs_what_revolve_costs(n, snapshots):
    assert runs_of(n, snapshots) == n + revolve_cost(n, snapshots)


@pytest.mark.parametrize(
    ("n", "snapshots"), list(itertools.product([0, 1, 2, 9, 40], [2, 3, 7, 60]))
)
def test_no_more_snapshots_than_the_budget_are_asked_for(n, snapshots):
    parts = list(_parts(n, snapshots))
    assert len(parts) <= snapshots
    assert sum(size for size, _ in parts) == max(0, n - 1)


def test_rows_outputs_and_trees():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(7, 3))

    def body(state, row):
        hidden = np.tanh(state["h"] * row + state["c"])
        return {"h": hidden, "c": state["c"] * 0.9}, {"sum": np.sum(hidden), "name": "step"}

    def f(h, rows):
        last, outputs = checkpointed_loop(body, {"h": h, "c": 0.1 * h}, rows, outputs=True)
        assert [out["name"] for out in outputs] == ["step"] * 7
        return last["h"], np.stack([out["sum"] for out in outputs])

    check_grads(f, X, rows)


def test_a_list_of_trees_as_steps_and_no_steps_at_all():
    steps = [{"a": np.array(0.1 * k), "n": k} for k in range(5)]
    f = lambda x, steps: checkpointed_loop(lambda x, s: np.sin(x) * s["a"] + s["n"], x, steps)
    check_grads(f, X, [{"a": s["a"], "n": s["n"]} for s in steps], order=1)
    assert checkpointed_loop(lambda x, k: x + k, 1.0, 0) == 1.0
    assert checkpointed_loop(lambda x, k: (x, k), 1.0, 0, outputs=True) == (1.0, [])


@pytest.mark.parametrize("snapshots", [None, 3])
def test_what_the_body_captures_has_its_derivative(snapshots):
    def f(x, w):
        body = lambda x, k: np.sin(w * x) + x / (k + 1)
        return checkpointed_loop(body, x, 10, snapshots=snapshots)

    check_grads(f, X, np.array([0.5, 0.1, 0.9]))


@pytest.mark.parametrize("snapshots", [None, 2])
def test_it_nests_with_every_transform(snapshots):
    f = lambda x: checkpointed_loop(
        lambda x, k: np.sin(x) * 1.1 + x * x / 9, x, 7, snapshots=snapshots
    )
    check_grads(f, X, order=2)
    plain = lambda x: plain_loop(lambda x, k: np.sin(x) * 1.1 + x * x / 9, x, range(7))
    for transform in (grad, lambda f: lambda x: jvp(f, (x,), (1.0,))[1]):
        for other in (grad, lambda f: lambda x: jvp(f, (x,), (1.0,))[1]):
            got = transform(other(f))(0.4)
            np.testing.assert_allclose(got, transform(other(plain))(0.4), rtol=1e-12)


def test_memory_grows_with_the_square_root_of_the_number_of_steps():
    x = np.linspace(0.1, 0.9, 20_000)
    body = lambda x, k: 1.01 * np.sin(x)
    f = lambda n, s: grad(lambda x: np.sum(checkpointed_loop(body, x, n, snapshots=s)))
    short, long = (peak(f(n, None), x) / x.nbytes for n in (25, 400))
    assert long < 4.6 * short  # 16 times the steps
    assert long < 0.15 * peak(grad(lambda x: np.sum(plain_loop(body, x, range(400)))), x) / x.nbytes


def test_memory_under_a_budget_does_not_grow_with_the_number_of_steps():
    x = np.linspace(0.1, 0.9, 5_000)
    body = lambda x, k: 1.01 * np.sin(x)
    f = lambda n: grad(lambda x: np.sum(checkpointed_loop(body, x, n, snapshots=6)))
    short, long = (peak(f(n), x) / x.nbytes for n in (28, 300))
    assert long < 2.5 * short
    assert long < 45


def test_what_is_freed_is_freed_by_reference_counts_alone():
    x = np.linspace(0.1, 0.9, 20_000)

    def run():
        w = 1.0 + x
        function = lambda x: np.sum(
            checkpointed_loop(lambda x, k: np.sin(w * x), x, 9, snapshots=3)
        )
        grad(lambda x: np.sum(grad(function)(x)))(x)

    run()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        run()
        assert tracemalloc.get_traced_memory()[0] - before < x.nbytes / 2
    finally:
        tracemalloc.stop()
        gc.enable()


def test_bad_arguments():
    body = lambda x, k: x
    with pytest.raises(TypeError, match="steps must be a number of steps"):
        checkpointed_loop(body, X, 2.5)
    with pytest.raises(TypeError, match="steps must be a number of steps"):
        checkpointed_loop(body, X, iter([1]))
    with pytest.raises(TypeError, match="steps must be a number of steps"):
        checkpointed_loop(body, X, np.array(3.0))
    with pytest.raises(ValueError, match="snapshots must be at least 1, got 0"):
        checkpointed_loop(body, X, 5, snapshots=0)
    with pytest.raises(ValueError, match="give it 3 or more"):
        checkpointed_loop(body, X, 1000, snapshots=2)
    with pytest.raises(TypeError, match=r"a tuple \(output, aux\)"):
        checkpointed_loop(body, X, 5, outputs=True)


def test_a_step_of_a_list_that_is_traced_or_not():
    out, pull = vjp(lambda s: checkpointed_loop(lambda x, k: x * k, 1.0, s), [2.0, 3.0, 4.0])
    assert out == 24.0
    assert [float(g) for g in pull(1.0)[0]] == [12.0, 8.0, 6.0]


def test_runs_on_plain_arrays_make_no_calls_inside_calls(monkeypatch):
    """A step that is run again for the ones behind it is that, and no checkpointed call."""
    made = []
    init = Checkpoint.__init__

    def counted(self, function):
        made.append(function)
        init(self, function)

    monkeypatch.setattr(Checkpoint, "__init__", counted)
    runs = []

    def body(x, k):
        runs.append(k)
        return np.sin(x) + k * 0.01

    steps = 60
    grad(lambda x: np.sum(checkpointed_loop(body, x, steps, snapshots=2)))(X)
    assert len(runs) > 5 * steps
    assert len(made) <= 2 * steps
