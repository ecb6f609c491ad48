"""torch tensors: the same torch program differentiated by pullback, and by torch itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .contenders import check_agreement, pullback_on_tensors, torch_autograd, torch_func
from .libraries import OURS, Pullback, Torch
from .problems import Problem, chain_problem, mlp_problem
from .transforms import NETWORK, SAMPLES, SMALL_NETWORK, Row, everyone

THEIRS = Torch.name


def rows(*, quick: bool) -> Iterator[Row]:
    """All comparisons, each once its results agree; times are relative to torch.func's."""
    rng = np.random.default_rng(0)
    for problem in (
        *(chain_problem(n, rng) for n in ((5, 1000) if quick else (5, 1000, 1_000_000))),
        mlp_problem(rng, batch=8 if quick else 64),
    ):
        calls = {
            THEIRS: torch_func(problem),
            OURS: pullback_on_tensors(problem),
            "torch.autograd": torch_autograd(problem),
        }
        check_agreement(calls, THEIRS)
        yield f"vjp and its pullback: {problem.name}", calls
    for sizes in (SMALL_NETWORK, NETWORK):
        yield per_sample_row(mlp_problem(rng, 20 if quick else SAMPLES, sizes))


def per_sample_row(problem: Problem) -> Row:
    """One gradient a sample."""
    import torch

    one, samples = replace(problem, data=()), problem.data
    both = [Torch(), Pullback(torch, torch.as_tensor)]
    calls = everyone(both, "per_sample", one, samples)
    check_agreement(calls, THEIRS)
    return f"vmap(grad): {problem.name}", calls
