"""torch's own derivative of one of its functions, as a primitive.

A function that pullback has no rule for runs under torch's autograd, on leaves of its own.  Its
pullback walks the graph of that one call; under another transform it does so differentiably,
and is the same primitive again.  So nothing is computed twice (a dropout's mask is drawn once), and
whatever torch differentiates twice, pullback does.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad
from torch.func import vmap

from ...core import Primitive, box_types
from ...errors import UnsupportedError
from ...rules import JOINT, Rule
from .tensors import transformed


class Evaluation:
    """One call of a torch function with the graph that torch recorded of it.

    `ins` are leaves of that graph (or what stands for a tensor of an outer graph), one for each
    argument; `outs` are the results that are tensors. Under `vmap`, `batched` is the evaluation of
    the whole batch, which runs in place of this one.
    """

    __slots__ = ("attached", "batched", "ins", "outs")

    ins: list[Any]
    outs: list[Any]
    attached: bool

    def __init__(self) -> None:
        self.batched: Any = None

    @property
    def ran(self) -> Any:
        """This evaluation, or the one that ran for it."""
        return self if self.batched is None else self.batched.ran

    @property
    def has_run(self) -> bool:
        """Has this evaluation run itself?"""
        return hasattr(self, "outs")

    def run(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Evaluate at raw tensors."""
        raise NotImplementedError

    def batch(self, batched: Sequence[bool], args: Sequence[Any]) -> Any:
        """The evaluation of a whole batch, at `args`, with the examples on a leading axis."""
        raise NotImplementedError

    def finish(self, ins: Sequence[Any], outs: Sequence[Any], captured: Sequence[Any]) -> Any:
        """Keep the graph, and give its results without it."""
        self.ins, self.outs = list(ins), list(outs)
        # With a tensor of an outer graph among the arguments, the results belong to that too.
        self.attached = any(not one.is_leaf for one in ins) or any(
            one.requires_grad for one in captured
        )
        return tuple(self.outs) if self.attached else tuple(out.data for out in outs)

    def push(self, values: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """The results and their tangents, where torch has a forward formula; else None."""
        return None

    def pull(self, cotangents: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """The cotangents of the arguments, None where nothing depends on one."""
        places = [place for place, given in enumerate(cotangents) if given is not None]
        given = [cotangents[place] for place in places]
        if any(type(value) in box_types for value in (*given, *args)):
            inner = Pull(self, places)
            return inner.spread(call(*given, *args, evaluation=inner))
        attached = self.attached or any(one.requires_grad for one in given)
        return self.gradient(places, given, create_graph=attached and torch.is_grad_enabled())

    def gradient(self, places: Sequence[int], given: Sequence[Any], *, create_graph: bool) -> Any:
        """What torch's autograd says."""
        pairs = [
            (self.outs[place], one)
            for place, one in zip(places, given, strict=True)
            if self.outs[place].requires_grad
        ]
        if not pairs:
            return [None] * len(self.ins)
        outs, given = zip(*pairs, strict=True)
        wanted = [one for one in self.ins if one.requires_grad]
        with torch.set_grad_enabled(create_graph):
            found = iter(
                torch.autograd.grad(
                    outs,
                    wanted,
                    given,
                    retain_graph=True,
                    create_graph=create_graph,
                    allow_unused=True,
                )
            )
        return [next(found) if one.requires_grad else None for one in self.ins]


class Call(Evaluation):
    """A torch function of the traced tensors among its arguments.

    `function` takes a list of them, and returns a list of results (some may be no tensors), and
    the function that makes of such a list what torch returns.
    """

    __slots__ = ("captured", "function", "rebuild", "results", "wanted")

    def __init__(
        self, function: Callable[..., Any], captured: Sequence[Any], wanted: Sequence[bool]
    ) -> None:
        super().__init__()
        self.function = function
        self.captured = captured
        self.wanted = wanted

    def evaluate(self, ins: Sequence[Any]) -> list[Any]:
        """Those results that are tensors; the others are kept."""
        self.results, self.rebuild = self.function(ins)
        return [one for one in self.results if isinstance(one, torch.Tensor)]

    def run(self, values: Sequence[Any]) -> tuple[Any, ...]:
        with torch.enable_grad(), without_hooks():
            ins = [leaf(value) for value in values]
            return self.finish(ins, self.evaluate(ins), self.captured)

    def rebuilt(self, parts: Sequence[Any]) -> Any:
        """What the function returns, with `parts` in the places of tensors."""
        rest = iter(parts)
        return self.rebuild(
            [next(rest) if isinstance(one, torch.Tensor) else one for one in self.results]
        )

    def batch(self, batched: Sequence[bool], args: Sequence[Any]) -> Call:
        """The function under torch's own vmap; what is differentiated has a batch axis then."""
        axes = tuple(
            0 if has or wanted else None for has, wanted in zip(batched, self.wanted, strict=True)
        )
        whole: list[Any] = []

        def flat(*ins: Any) -> Any:
            results, rebuild = self.function(ins)
            whole[:] = results, rebuild
            return tuple(one for one in results if isinstance(one, torch.Tensor))

        def function(ins: Sequence[Any]) -> Any:
            parts = iter(_each_example(flat, axes, ins))
            results, rebuild = whole
            merged = [next(parts) if isinstance(one, torch.Tensor) else one for one in results]
            return merged, rebuild

        self.batched = Call(function, self.captured, self.wanted)
        return self.batched

    def push(self, values: Sequence[Any], tangents: Sequence[Any]) -> Any:
        pushed = Push(self, tangents)
        args = (*values, *(one for one in tangents if one is not None))
        try:
            parts = call(*args, evaluation=pushed)
        except (NotImplementedError, RuntimeError):
            # No formula, or forward mode within forward mode: the transpose of the vjp has it.
            self.batched = None
            return None
        return pushed.split(parts)


def _each_example(function: Callable[..., Any], axes: Sequence[Any], ins: Sequence[Any]) -> Any:
    """The results of `function` with a batch axis in front: torch's vmap, or a loop."""
    try:
        return vmap(function, tuple(axes), randomness="different")(*ins)
    except RuntimeError as error:
        if "Batching rule not implemented" not in str(error):
            raise
    size = next(one.shape[0] for one, axis in zip(ins, axes, strict=True) if axis == 0)
    rows = [
        function(*(one if axis is None else one[i] for one, axis in zip(ins, axes, strict=True)))
        for i in range(size)
    ]
    return [torch.stack(column) for column in zip(*rows, strict=True)]


class Push(Evaluation):
    """A call together with its derivative in a direction, by torch's forward mode."""

    __slots__ = ("count", "moving", "of", "places")

    def __init__(self, of: Call, tangents: Sequence[Any]) -> None:
        super().__init__()
        self.of = of
        self.count = len(tangents)
        self.places = [place for place, given in enumerate(tangents) if given is not None]

    def run(self, values: Sequence[Any]) -> tuple[Any, ...]:
        load_decompositions()
        with torch.enable_grad(), without_hooks(), forward_ad.dual_level():
            leaves = [leaf(value) for value in values]
            ins, tangents = leaves[: self.count], leaves[self.count :]
            duals = ins[:]
            for place, tangent in zip(self.places, tangents, strict=True):
                duals[place] = forward_ad.make_dual(ins[place], tangent)
            pairs = [forward_ad.unpack_dual(one) for one in self.of.evaluate(duals)]
            outs = [primal for primal, _ in pairs]
            self.of.finish(ins, outs, self.of.captured)
            # A tangent that depends on none of those given is zero.
            self.moving = [_moves(tangent) for _, tangent in pairs]
            moved = [tangent for _, tangent in pairs if _moves(tangent)]
            return self.finish(leaves, [*outs, *moved], self.of.captured)

    def batch(self, batched: Sequence[bool], args: Sequence[Any]) -> Push:
        of = self.of.batch(batched[: self.count], args[: self.count])
        self.batched = Push(of, [None] * self.count)
        self.batched.places = self.places
        return self.batched

    def split(self, parts: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The results, and the tangent of each (None for zero)."""
        moving = self.ran.moving
        rest = iter(parts[len(moving) :])
        return tuple(parts[: len(moving)]), [next(rest) if moves else None for moves in moving]


def _moves(tangent: Any) -> bool:
    return tangent is not None and tangent.requires_grad


class Pull(Evaluation):
    """The pullback of another evaluation, of the cotangents at `places` and its arguments."""

    __slots__ = ("found", "of", "places")

    def __init__(self, of: Evaluation, places: Sequence[int]) -> None:
        super().__init__()
        self.of = of
        self.places = places

    def run(self, values: Sequence[Any]) -> tuple[Any, ...]:
        count = len(self.places)
        if not self.of.has_run:  # only for a batch: it was all the same for every example
            self.of.run(values[count:])
        given = [leaf(value) for value in values[:count]]
        grads = self.of.gradient(self.places, given, create_graph=True)
        # It is linear in the cotangents: what depends on none of them is zero.
        self.found = [_moves(grad) for grad in grads]
        outs = [grad for grad in grads if _moves(grad)]
        return self.finish([*given, *self.of.ins], outs, self.of.outs if self.of.attached else ())

    def batch(self, batched: Sequence[bool], args: Sequence[Any]) -> Pull:
        if self.of.batched is None:  # only for all examples at once: nothing in it was batched
            rest = args[len(self.places) :]
            call(*rest, evaluation=self.of.batch([True] * len(rest), rest))
        self.batched = Pull(self.of.batched, self.places)
        return self.batched

    def spread(self, parts: Sequence[Any]) -> list[Any]:
        """The results in their places among the arguments."""
        rest = iter(parts)
        return [next(rest) if found else None for found in self.ran.found]


@functools.cache
def load_decompositions() -> None:
    """What torch's forward mode imports at its first use, with warnings that are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("torch._decomp.decompositions_for_jvp")


_ANY = False  # the hooks of tracing too


class without_hooks:
    """What torch saves here, it saves itself: a checkpoint's hooks would run the function again."""

    __slots__ = ("hooks",)

    def __enter__(self) -> None:
        self.hooks: list[Any] = []
        while hooks := torch._C._autograd._top_saved_tensors_default_hooks(_ANY):
            self.hooks.append(hooks)
            torch._C._autograd._pop_saved_tensors_default_hooks()

    def __exit__(self, *error: object) -> None:
        while self.hooks:
            torch._C._autograd._push_saved_tensors_default_hooks(*self.hooks.pop())


def leaf(value: Any) -> Any:
    """A tensor to differentiate with respect to, without what lies behind it."""
    if value.requires_grad:
        return value.view_as(value)
    if transformed(value):
        raise UnsupportedError(
            "a function for which pullback has no rule of its own, and calls torch's autograd (see "
            "docs/torch.md), was called inside a transform of torch.func's, which cannot follow "
            "that: write pullback's transform in place of torch.func's outer one"
        )
    # `.data` has a version of its own: writes are undone before a walk back, and do not count.
    return value.data.requires_grad_(value.dtype.is_floating_point or value.dtype.is_complex)


def torch_call(*values: Any, evaluation: Evaluation) -> tuple[Any, ...]:
    return evaluation.run(values)


def _vjp(cotangents: Any, args: Any, evaluation: Evaluation) -> Any:
    return evaluation.pull(cotangents, args)


def _jvp(values: Any, tangents: Any, evaluation: Evaluation) -> Any:
    return evaluation.push(values, tangents)


def _batch(
    _: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    """Torch's own vmap of the function, where torch has a rule or loops."""
    evaluation = params["evaluation"]
    wanted = evaluation.wanted if type(evaluation) is Call else [True] * len(args)
    spread = [
        arg if has or not needs else arg.expand((size, *arg.shape))
        for arg, has, needs in zip(args, batched, wanted, strict=True)
    ]
    return call(*spread, evaluation=evaluation.batch(batched, spread))


# `outputs` only says that there are several: how many, the evaluation knows.
call = Primitive(
    "torch_call",
    "opaque",
    torch_call,
    [Rule(JOINT, _vjp, ())],
    variadic=True,
    joint=True,
    outputs=0,
    jvp=_jvp,
    batch=_batch,
)
