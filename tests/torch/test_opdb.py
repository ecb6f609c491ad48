"""Every differentiable op of torch's own op_db: pullback agrees with torch's autograd.

On up to 5 samples an op: the vjp, the jvp where torch has one, and the vjp of the vjp where torch
has that. `make test-torch` runs all ops, `make test` (where torch is installed) a share of them.
"""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import pytest

import pullback

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

pytest.importorskip("expecttest", reason="torch's op_db needs expecttest: make test-torch")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.utils import _pytree

SAMPLES = 5
OPS = [op for op in op_db if op.supports_autograd and torch.float64 in op.supported_dtypes("cpu")]
pytestmark = pytest.mark.filterwarnings("ignore")


def name_of(op):
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name


def read_exceptions():
    lines = Path(__file__).with_name("exceptions.txt").read_text().splitlines()
    entries = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    assert all(reason for _, _, reason in entries)
    return {tuple(entry.split()) for entry, _, _ in entries}


EXCEPTIONS = read_exceptions()


def is_float(value):
    return isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())


class Problem:
    """A sample as a function of its differentiable tensors, whose outputs are a flat tuple."""

    def __init__(self, op, sample):
        self.op, self.sample = op, sample
        tree = ((sample.input, *sample.args), sample.kwargs)
        leaves, self.structure = _pytree.tree_flatten(tree)
        self.places = [
            place for place, leaf in enumerate(leaves) if is_float(leaf) and leaf.requires_grad
        ]
        self.leaves = [x.detach() if isinstance(x, torch.Tensor) else x for x in leaves]
        self.primals = tuple(self.leaves[place].clone() for place in self.places)
        self.followed = None

    def __call__(self, *primals):
        leaves = list(self.leaves)
        for place, primal in zip(self.places, primals, strict=True):
            leaves[place] = primal
        args, kwargs = _pytree.tree_unflatten(leaves, self.structure)
        torch.manual_seed(0)
        out = self.op(*args, **kwargs)
        if self.sample.output_process_fn_grad is not None:
            out = self.sample.output_process_fn_grad(out)
        outs = [leaf for leaf in _pytree.tree_leaves(out) if is_float(leaf)]
        if self.followed is None:
            self.followed = [out.requires_grad for out in outs]
        return tuple(itertools.compress(outs, self.followed))


def random_like(tensors, seed):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(x.shape, dtype=x.dtype, generator=generator) for x in tensors)


def assert_close(got, expected, rtol=1e-6):
    for ours, theirs in zip(got, expected, strict=True):
        if ours is None or theirs is None:
            known = theirs if ours is None else ours
            assert known is None or not known.count_nonzero()
            continue
        if theirs.layout != torch.strided:
            ours, theirs = ours.to_dense(), theirs.to_dense()  # noqa: PLW2901
        torch.testing.assert_close(ours, theirs.detach(), rtol=rtol, atol=1e-8, equal_nan=True)


def problems(op):
    for sample in itertools.islice(
        op.sample_inputs("cpu", torch.float64, requires_grad=True), SAMPLES
    ):
        problem = Problem(op, sample)
        if problem.primals:
            yield problem


def check_vjp(problem):
    """The vjp agrees; and torch's leaves and gradients, for the vjp of the vjp."""
    if (name_of(problem.op), "vjp") in EXCEPTIONS:
        return None
    leaves = [x.clone().requires_grad_() for x in problem.primals]
    outs = problem(*leaves)
    if not outs:
        return None
    cotangents = random_like(outs, 1)
    gradients = torch.autograd.grad(
        outs, leaves, cotangents, allow_unused=True, create_graph=problem.op.supports_gradgrad
    )
    out, pull = pullback.vjp(problem, *problem.primals)
    assert_close(out, outs)
    assert_close(pull(cotangents), gradients)
    return leaves, cotangents, gradients


# torch's own jvp of these is coarse; ours is exact (in extended precision: 5e-15 against 1e-2).
COARSE = {"logcumsumexp": 1e-5}
# Of directions that are not Hermitian, torch's jvp and vjp of these are not adjoint to each other.
HERMITIAN = {"linalg.cholesky", "linalg.cholesky_ex", "linalg.eigh"}
# At a norm's origin, and of logaddexp of -inf, torch's second derivative is nan, where we have a
# number.
NAN_SECOND = {"linalg.norm.subgradients_at_zero", "masked.logaddexp"}


def check_jvp(problem):
    tangents = random_like(problem.primals, 2)
    if name_of(problem.op) in HERMITIAN:
        tangents = (tangents[0] + tangents[0].mH, *tangents[1:])
    try:
        _, expected = torch.func.jvp(problem, problem.primals, tangents)
    except (RuntimeError, NotImplementedError):
        return  # torch has none for this sample
    rtol = COARSE.get(name_of(problem.op), 1e-6)
    assert_close(pullback.jvp(problem, problem.primals, tangents)[1], expected, rtol)


def check_second(problem, leaves, cotangents, gradients):
    moving = [x is not None and x.requires_grad for x in gradients]
    if not any(moving):
        return
    weights = random_like(itertools.compress(gradients, moving), 3)
    try:
        expected = torch.autograd.grad(
            list(itertools.compress(gradients, moving)), leaves, weights, allow_unused=True
        )
    except RuntimeError:
        return  # torch has none for this sample

    def gradient(*primals):
        return tuple(itertools.compress(pullback.vjp(problem, *primals)[1](cotangents), moving))

    got = pullback.vjp(gradient, *problem.primals)[1](weights)
    if name_of(problem.op) in NAN_SECOND:
        got = [*map(number_for_nan, got, expected)]
    assert_close(got, expected)


def number_for_nan(ours, theirs):
    """`ours`, but nan where torch's second derivative is."""
    if ours is None or theirs is None or theirs.layout != torch.strided:
        return ours
    return ours.masked_fill(theirs.detach().isnan(), torch.nan)


def shares(ops):
    """A share of the ops runs always, the rest with the marker."""
    return [
        pytest.param(op, id=name_of(op), marks=[pytest.mark.oracle] if place % 8 else [])
        for place, op in enumerate(ops)
    ]


@pytest.mark.parametrize("op", shares(OPS))
def test_agrees_with_torch(op):
    name = name_of(op)
    for problem in problems(op):
        found = check_vjp(problem)
        if found is None:
            continue
        if op.supports_forward_ad and (name, "jvp") not in EXCEPTIONS:
            check_jvp(problem)
        if op.supports_gradgrad and (name, "second") not in EXCEPTIONS:
            check_second(problem, *found)


@pytest.mark.oracle
def test_exceptions_are_less_than_three_percent_of_the_samples():
    listed = {name for name, _ in EXCEPTIONS}
    assert listed <= {name_of(op) for op in OPS}
    counts = {name_of(op): sum(1 for _ in problems(op)) for op in OPS}
    assert sum(counts[name] for name in listed) < 0.03 * sum(counts.values())
