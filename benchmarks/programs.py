"""Programs as they are: those of `tests/programs`, and a loop that writes into a large array.

No peer runs them unedited, so that the reference is the program itself, run without a derivative.
The loop of writes is spelled anew for each peer, in its own best way.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import measure

PLAIN = "the program itself"
OURS = "pullback.value_and_grad"

FOLDER = Path(__file__).parent.parent / "tests" / "programs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
COUNT = 1000  # of the writes
SMALL, LARGE = 1000, 1_000_000

Call = Callable[[], Any]


def program_calls(name: str, size: int) -> dict[str, Call]:
    """A program on inputs of this size, and its value and gradient."""
    import pullback

    module = importlib.import_module(f"tests.programs.{name}")
    args = module.arguments(size, np.random.default_rng(0))
    both = pullback.value_and_grad(module.loss, argnums=tuple(range(len(args))))

    def run() -> Any:
        return module.loss(*(np.copy(arg) for arg in args))  # some write into their arguments

    if both(*args)[0] != run():
        raise AssertionError(f"{name}: pullback's value differs from the program's")
    return {PLAIN: run, OURS: lambda: both(*args)}


# The loop of writes


def start(k: Any, n: int) -> Any:
    """Where write number `k` goes."""
    return 10 + k * 7919 % (n - 20)


def writes(x: Any, n: int, count: int = COUNT) -> Any:
    """`count` writes of ten elements each, each from ten that were there."""
    out = np.zeros(n)
    for k in range(count):
        i = start(k, n)
        out[i : i + 10] = out[i - 10 : i] * x + x
    return np.sum(out)


def writes_in_jax(n: int) -> Any:
    """The same with `fori_loop` and `.at[].set`, compiled."""
    import jax

    jax.config.update("jax_enable_x64", val=True)
    ten = np.arange(10)

    def function(x: Any) -> Any:
        def write(k: Any, out: Any) -> Any:
            i = start(k, n)
            return out.at[i + ten].set(out[i - 10 + ten] * x + x)

        return jax.lax.fori_loop(0, COUNT, write, jax.numpy.zeros(n)).sum()

    return jax.jit(jax.value_and_grad(function))


def write_calls(n: int, peers: list[str]) -> dict[str, Call]:
    """Value and gradient of the loop into an array of `n`, by pullback and the peers."""
    import pullback

    x = np.linspace(0.2, 0.7, 10)
    both = pullback.value_and_grad(lambda x: writes(x, n))
    calls: dict[str, Call] = {PLAIN: lambda: writes(x, n), OURS: lambda: both(x)}
    if "jax.jit" in peers:
        import jax

        compiled, device_x = writes_in_jax(n), jax.numpy.asarray(x)
        calls["jax.jit"] = lambda: jax.block_until_ready(compiled(device_x))
    if "torch.func.vjp" in peers:
        import torch

        tensor, one = torch.as_tensor(x), torch.ones((), dtype=torch.float64)

        def function(x: Any) -> Any:
            out = torch.zeros(n, dtype=torch.float64)
            for k in range(COUNT):
                i = start(k, n)
                out[i : i + 10] = out[i - 10 : i].clone() * x + x  # saved: it must not change
            return out.sum()

        def call() -> Any:
            value, pull = torch.func.vjp(function, tensor)
            return value, pull(one)[0]

        calls["torch.func.vjp"] = call
    _check_agreement(calls)
    return calls


def _check_agreement(calls: dict[str, Call]) -> None:
    value, gradient = calls[OURS]()
    for name, call in calls.items():
        got = call() if name != PLAIN else (call(), gradient)
        np.testing.assert_allclose(np.asarray(got[0]), value, rtol=1e-10, err_msg=name)
        np.testing.assert_allclose(np.asarray(got[1]), gradient, rtol=1e-10, err_msg=name)


def bytes_a_write(n: int, few: int = COUNT) -> float:
    """What one more write, beyond `few`, adds to the memory that value and gradient need."""
    import pullback

    x = np.linspace(0.2, 0.7, 10)

    def peak(count: int) -> int:
        both = pullback.value_and_grad(lambda x: writes(x, n, count))
        return measure.peak_memory(lambda: both(x))

    return (peak(2 * few) - peak(few)) / few


def allocation_and_copy(n: int, rounds: int) -> float:
    """The time to allocate an array of `n` and to copy one."""
    full = np.ones(n)
    calls = {"both": lambda: (np.zeros(n), full.copy())}
    return measure.take_turns(calls, rounds=rounds, sample_seconds=0.01)["both"].seconds
