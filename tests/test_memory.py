"""Memory: what a derivative holds, for how long, and that no length of a program is too much."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import pullback
from pullback import grad, vjp

N = 1_000_000
STEPS = 10


@pytest.fixture(autouse=True)
def no_garbage_collector():
    """What is freed here is freed by reference counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def peak(work):
    """The largest memory in use during `work`, beyond what was in use before; and its result."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        result = work()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


def held_after(work):
    tracemalloc.start()
    try:
        work()  # what is made once and kept, such as caches
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def chain(x):
    for _ in range(STEPS):
        x = np.sin(x) * np.cos(x) + x
    return np.sum(x)


def chain_gradient_by_hand(x):
    """The reverse pass that an expert writes: it keeps each x, sine and cosine, and frees them."""
    saved = []
    for _ in range(STEPS):
        s, c = np.sin(x), np.cos(x)
        saved.append((x, s, c))
        x = s * c + x
    np.sum(x)
    gradient = np.ones_like(x)
    while saved:
        x, s, c = saved.pop()
        gradient = gradient + gradient * c * np.cos(x) - gradient * s * np.sin(x)
    return gradient


def test_the_peak_of_grad_is_that_of_a_reverse_pass_by_hand():
    x = np.linspace(0.0, 1.0, N)
    by_hand, expected = peak(lambda: chain_gradient_by_hand(x))
    ours, gradient = peak(lambda: grad(chain)(x))
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)
    ratio = ours / by_hand
    assert ratio <= 1.10, f"{ours / x.nbytes:.1f} arrays, by hand {by_hand / x.nbytes:.1f}"


def test_linear_ops_keep_no_array():
    def f(x):
        for _ in range(50):
            x = (x + 1.0).reshape(-1, 1).T.reshape(-1) - 2.0
            x = -x[::-1]
        return np.sum(x)

    x = np.ones(N // 10)
    ours, _ = peak(lambda: grad(f)(x))
    assert ours <= 6 * x.nbytes


def test_intermediates_die_when_nothing_needs_them():
    refs = []

    def f(x):
        y = x + 1.0
        refs.append(weakref.ref(pullback.core.raw(y)))
        return y * 2.0

    _, pull = vjp(f, np.ones(10))
    assert refs[0]() is None
    del pull


def test_nothing_is_held_after_the_pullback_is_dropped():
    refs = []

    def f(x):
        y = np.exp(x)
        refs.append(weakref.ref(pullback.core.raw(y)))
        return y * np.sin(y)

    out, pull = vjp(f, np.ones(10))
    pull(out)
    assert refs[0]() is not None
    del pull
    assert refs[0]() is None


def test_retain_graph_false_frees_what_the_pullback_held():
    refs = []

    def f(x):
        y = np.exp(x)
        refs.append(weakref.ref(pullback.core.raw(y)))
        return y * y

    _, pull = vjp(f, np.ones(10))
    pull(np.ones(10), retain_graph=False)
    assert refs[0]() is None


def test_the_function_and_its_closure_are_not_held_by_the_pullback():
    class Captured:
        pass

    def run():
        captured = Captured()
        _, pull = vjp(lambda x: np.sin(x) if captured else x, np.ones(3))
        return weakref.ref(captured), pull

    ref, pull = run()
    assert ref() is None
    pull(np.ones(3))


def interrupted(transformed):
    with pytest.raises(ZeroDivisionError):
        transformed(np.ones(1000))


@pytest.mark.parametrize(
    "work",
    [
        lambda: grad(chain)(np.ones(1000)),
        lambda: vjp(chain, np.ones(1000))[1](1.0),
        lambda: grad(lambda x: np.sum(grad(chain)(x)))(np.ones(1000)),
        lambda: vjp(grad(chain), np.ones(1000))[1](np.ones(1000)),
        lambda: interrupted(grad(lambda x: chain(x) + 1 // 0)),
    ],
    ids=["grad", "vjp", "grad of grad", "vjp of grad", "exception"],
)
def test_repeated_transforms_hold_nothing(work):
    assert held_after(work) < 1000 * 8, "less than one array"


def test_a_tape_of_a_long_loop_grows_by_what_the_rules_need():
    def f(x):
        for _ in range(1000):
            x = np.sin(x)
        return np.sum(x)

    x = np.ones(1000)
    ours, _ = peak(lambda: grad(f)(x))
    assert ours <= 1.15 * 1000 * x.nbytes


@pytest.mark.slow
def test_row_45_a_chain_of_a_million_ops_forward_and_back():
    """No recursion anywhere: not in the walk, not when the tape is freed."""

    def f(x):
        for _ in range(500_000):
            x = x * 0.999 + 0.001
        return x

    out, pull = vjp(f, 2.0)
    slope = 0.999**500_000
    np.testing.assert_allclose(out, 1.0 + slope)
    np.testing.assert_allclose(pull(1.0)[0], slope, rtol=1e-9, atol=1e-300)
    assert pull(0.0) == (0.0,)
    del pull


def test_row_45_second_order_of_a_long_chain():
    def f(x):
        for _ in range(3000):
            x = x * 0.999 + 0.001 * x * x
        return x

    assert np.isfinite(grad(grad(f))(0.5))


def test_importing_pullback_imports_no_other_array_library():
    program = (
        "import sys, pullback\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted(names & {'scipy', 'torch', 'jax', 'autograd', 'matplotlib', 'pandas'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""


def test_a_tape_of_writes_grows_with_what_was_overwritten():
    """One more write into a large array costs what it costs into a small one."""

    def program(x, count):
        y = x * 1.0
        for k in range(count):
            i = 10 * (k % 90)
            y[i + 10 : i + 20] = y[i : i + 10] * 0.5
        return np.sum(y)

    def growth(n):
        x = np.ones(n)
        used = [peak(lambda k=k: vjp(lambda x: program(x, k), x)[1](1.0))[0] for k in (300, 600)]
        return used[1] - used[0]

    growth(1000)
    assert growth(N) < 1.1 * growth(1000) + 10_000
