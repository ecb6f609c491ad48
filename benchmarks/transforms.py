"""The other transforms, each beside what it replaces, and beside the libraries that have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .contenders import Call, bound, by_hand, check_agreement
from .libraries import OURS, Pullback
from .problems import (
    HAND,
    HAND_SAME,
    Problem,
    chain_problem,
    layers_problem,
    mlp_per_sample_by_hand,
    mlp_problem,
)

FUNCTION = "the function"
LOOP = "a loop of grad"
ROWS = "a pullback call a row"
JVP = "pullback.jvp"

OUTPUTS = 100  # of the function whose Jacobian is taken
SAMPLES = 1000
# Of the second, the gradients of all samples take 54 MB: that bounds how fast anyone can be.
SMALL_NETWORK, NETWORK = (8, 16, 16, 4), (32, 64, 64, 10)

# A row of the report, and its calls; times are relative to the first call's.
Row = tuple[str, dict[str, Call]]


def everyone(
    chosen: Sequence[Any], transform: str, problem: Problem, *directions: Sequence[Any]
) -> dict[str, Call]:
    """The calls of all who have this transform, on their own kinds of arrays."""
    calls: dict[str, Call] = {}
    for library in chosen:
        prepare = getattr(library, transform, None)
        if prepare is not None:
            function, args = bound(problem, library.xp, library.array)
            moved = (tuple(map(library.array, direction)) for direction in directions)
            calls[library.name] = prepare(function, tuple(args), *moved)
    return calls


def rows(chosen: Sequence[Any], *, quick: bool) -> Iterator[Row]:
    """All comparisons, each once its results agree."""
    rng = np.random.default_rng(0)
    small, middle = chain_problem(5, rng), chain_problem(1000, rng)
    network = mlp_problem(rng, batch=8 if quick else 64)
    large = chain_problem(2000 if quick else 100_000, rng)
    for problem in (small, middle, network):
        yield _derivative_row(chosen, "jvp", problem, rng)
    for problem in (small, middle, large, network):
        yield _derivative_row(chosen, "hvp", problem, rng)
    for problem in (small, middle, network):
        yield from _linearize_rows(chosen, problem, rng)
    yield jacrev_row(chosen, layers_problem(rng, OUTPUTS))
    for sizes in (SMALL_NETWORK, NETWORK):
        yield per_sample_row(chosen, mlp_problem(rng, 20 if quick else SAMPLES, sizes))


def _derivative_row(
    chosen: Sequence[Any], transform: str, problem: Problem, rng: np.random.Generator
) -> Row:
    tangents = tangents_of(problem, rng)
    calls = everyone(chosen, transform, problem, tangents)
    if (moved := problem.moved_by_hand.get(transform)) is not None:
        inputs = (*problem.args, *problem.data, *tangents)
        calls[HAND_SAME] = lambda: moved(*inputs)
    check_agreement(calls, OURS)
    function, args = bound(problem, np, np.asarray)
    return f"{transform}: {problem.name}", {FUNCTION: lambda: function(*args), **calls}


def _linearize_rows(
    chosen: Sequence[Any], problem: Problem, rng: np.random.Generator
) -> Iterator[Row]:
    tangents = tangents_of(problem, rng)
    jvp = {JVP: everyone([Pullback()], "jvp", problem, tangents)[OURS]}
    for transform, what in (("linearize", "linearize and one push"), ("push", "one push")):
        calls = jvp | everyone(chosen, transform, problem, tangents)
        check_agreement(calls, JVP)
        yield f"{what}: {problem.name}", calls


def jacrev_row(chosen: Sequence[Any], problem: Problem) -> Row:
    """A Jacobian by rows, beside one pullback call for each of them."""
    calls = {
        ROWS: everyone([Pullback()], "rows", problem, np.eye(OUTPUTS))[OURS],
        HAND: by_hand(problem, HAND),
        **everyone(chosen, "jacrev", problem),
    }
    check_agreement(calls, HAND)
    return f"jacrev: {problem.name}", calls


def per_sample_row(chosen: Sequence[Any], problem: Problem) -> Row:
    """One gradient a sample."""
    one, samples = replace(problem, data=()), problem.data
    calls = {
        LOOP: everyone([Pullback()], "loop", one, samples)[OURS],
        HAND: lambda: mlp_per_sample_by_hand(*one.args, *samples),
        **everyone(chosen, "per_sample", one, samples),
    }
    check_agreement(calls, HAND)
    return f"vmap(grad): {problem.name}", calls


def tangents_of(problem: Problem, rng: np.random.Generator) -> list[Any]:
    """A random direction for every argument."""
    return [rng.standard_normal(np.shape(arg)) for arg in problem.args]


def walks_back(outputs: int) -> int:
    """How often `jacrev` walks back: how often it asks a custom rule on the way for its product."""
    import pullback

    asked = 0

    def forward(x: Any) -> Any:
        return np.sin(x), np.cos(x)

    def backward(cosine: Any, cotangent: Any) -> Any:
        nonlocal asked
        asked += 1
        return (cosine * cotangent,)

    sine = pullback.custom_vjp(np.sin)
    sine.def_vjp(forward, backward)
    pullback.jacrev(sine)(np.ones(outputs))
    return asked
