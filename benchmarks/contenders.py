"""Who computes it: how each library is asked for a function's value and gradients.

A contender's `prepare(problem)` converts the inputs, which is not timed, and returns a call without
arguments that computes value and gradients once, as a user of that library would write it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from .problems import Problem

Call = Callable[[], Any]


@dataclass(frozen=True)
class Contender:
    """A library in one of its spellings, and the package that it needs."""

    name: str
    package: str
    prepare: Callable[[Problem], Call]


def version_of(package: str) -> str | None:
    """The installed version of `package`, or None where it cannot be imported."""
    try:
        module = importlib.import_module(package)
    except ImportError:
        return None
    if hasattr(module, "__version__"):
        return module.__version__
    return importlib.metadata.version(package)


def convert(data: Any, to: Callable[[Any], Any]) -> Any:
    """Arrays, and lists of arrays, in a library's own type."""
    return [to(item) for item in data] if isinstance(data, list) else to(data)


def bound(problem: Problem, xp: Any, to: Callable[[Any], Any]) -> tuple[Any, list[Any]]:
    """The problem as a function of its arguments alone, and those, in a library's arrays."""
    data = [convert(item, to) for item in problem.data]
    return (lambda *args: problem.function(xp, *args, *data)), [to(arg) for arg in problem.args]


def value_and_pull(vjp: Callable[..., Any], function: Any, args: list[Any], one: Any) -> Call:
    """A call of `vjp` and of the pullback that it gives."""

    def call() -> Any:
        value, pull = vjp(function, *args)
        return value, pull(one)

    return call


def pullback_vjp(problem: Problem) -> Call:
    import pullback

    return value_and_pull(pullback.vjp, *bound(problem, np, np.asarray), 1.0)


def pullback_on_tensors(problem: Problem) -> Call:
    import torch

    import pullback

    one = torch.ones((), dtype=torch.float64)
    return value_and_pull(pullback.vjp, *bound(problem, torch, torch.as_tensor), one)


def pullback_grad(problem: Problem) -> Call:
    import pullback

    function, args = bound(problem, np, np.asarray)
    both = pullback.value_and_grad(function, argnums=tuple(range(len(args))))
    return lambda: both(*args)


def torch_func(problem: Problem) -> Call:
    import torch

    one = torch.ones((), dtype=torch.float64)
    return value_and_pull(torch.func.vjp, *bound(problem, torch, torch.as_tensor), one)


def torch_autograd(problem: Problem) -> Call:
    import torch

    function, args = bound(problem, torch, torch.as_tensor)
    args = [arg.requires_grad_() for arg in args]

    def call() -> Any:
        value = function(*args)
        return value.detach(), torch.autograd.grad(value, args)

    return call


def hips_autograd(problem: Problem) -> Call:
    import autograd
    import autograd.numpy as anp

    function, args = bound(problem, anp, np.asarray)
    both = autograd.value_and_grad(function, argnum=tuple(range(len(args))))
    return lambda: both(*args)


def mygrad(problem: Problem) -> Call:
    import mygrad as mg

    function, args = bound(problem, mg, np.asarray)

    def call() -> Any:
        tensors = [mg.tensor(arg, copy=False) for arg in args]
        value = function(*tensors)
        value.backward()
        return value.item(), tuple(tensor.grad for tensor in tensors)

    return call


def jax_eager(problem: Problem) -> Call:
    import jax

    jax.config.update("jax_enable_x64", val=True)
    function, args = bound(problem, jax.numpy, jax.numpy.asarray)
    one = np.float64(1)

    def call() -> Any:
        value, pull = jax.vjp(function, *args)
        return jax.block_until_ready((value, pull(one)))

    return call


def jax_jit(problem: Problem) -> Call:
    import jax

    jax.config.update("jax_enable_x64", val=True)
    function, args = bound(problem, jax.numpy, jax.numpy.asarray)
    both = jax.jit(jax.value_and_grad(function, argnums=tuple(range(len(args)))))
    return lambda: jax.block_until_ready(both(*args))


CONTENDERS = [
    Contender("pullback.vjp", "pullback", pullback_vjp),
    Contender("pullback.value_and_grad", "pullback", pullback_grad),
    Contender("torch.func.vjp", "torch", torch_func),
    Contender("torch.autograd", "torch", torch_autograd),
    Contender("autograd", "autograd", hips_autograd),
    Contender("mygrad", "mygrad", mygrad),
    Contender("jax.vjp (eager)", "jax", jax_eager),
    Contender("jax.jit", "jax", jax_jit),
]


def by_hand(problem: Problem, name: str) -> Call:
    """The hand-written derivative as a contender's call."""
    function = problem.by_hand[name]
    inputs = (*problem.args, *problem.data)
    return lambda: function(*inputs)


def check_agreement(calls: dict[str, Call], reference: str) -> None:
    """Raise unless every call gives the numbers of `reference`, leaf by leaf, in float64."""
    expected = _as_numpy(calls[reference]())
    for name, call in calls.items():
        for got, want in zip(_as_numpy(call()), expected, strict=True):
            if got.dtype != want.dtype:
                raise AssertionError(f"{name} gives {got.dtype}, {reference} {want.dtype}")
            scale = np.max(np.abs(want))
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11 * scale, err_msg=name)


def _as_numpy(result: Any) -> list[Any]:
    return [np.asarray(leaf) for leaf in optree.tree_leaves(result)]
