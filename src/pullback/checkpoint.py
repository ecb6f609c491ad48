"""Recompute instead of keep: a function saves its inputs, and runs again on the way back.

What a transform makes of a checkpointed function is a checkpointed function too: its pullback and
its pushforward are calls of the same kind, so that memory stays bounded at every order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .calls import (
    Call,
    Closed,
    Present,
    among,
    any_traced,
    closed_call,
    each,
    own_copies,
    pack,
    record_wanted,
    run_outside,
    separate,
    split_pushed,
)
from .core import batch_axes, bind, raw
from .errors import StaleValueError
from .forward import jvp

Flat = Callable[[list[Any]], Sequence[Any]]


def checkpoint(func: Callable[..., Any]) -> Callable[..., Any]:
    """`func`, but a derivative of it recomputes what is inside instead of keeping it.

    On the way forward only the inputs are kept; the way back runs `func` once more. The same holds
    for derivatives of derivatives. Values that `func` captures get their derivatives as arguments
    do. Like every transform it is pure: `func` works on copies of its arguments, so what it
    writes into them is not seen outside.

    Args:
        func: A function of trees and keyword arguments that returns a tree. Leaves that are no
            floating-point numbers or arrays pass through. It must give the same result when it is
            run again: no random numbers, nothing that it changes outside.

    Returns:
        A function of the same arguments.

    Raises:
        StaleValueError: From the pullback, if the second run gave another result than the first.
        UnsupportedError: If `func` writes into a traced array that it captured.

    Example:
        >>> import numpy as np, pullback
        >>> layer = pullback.checkpoint(lambda x: np.sin(np.sin(np.sin(x))))
        >>> g = pullback.grad(lambda x: layer(layer(x)))
        >>> abs(float(g(0.0)) - 1.0) < 1e-12
        True
    """

    @functools.wraps(func)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        return call_checkpointed(func, args, kwargs, [])

    return checkpointed


def call_checkpointed(
    func: Callable[..., Any],
    args: Any,
    kwargs: Any,
    known: list[Any],
    plain: Callable[..., Any] | None = None,
) -> Any:
    """`func(*args, **kwargs)`, checkpointed; `known` are boxes that it captured in other calls.

    `plain`, where there is one, is a quicker way to the same results, for runs on raw arrays.
    """
    values, inputs = pack((args, kwargs))

    def run(values: list[Any], captured: list[Any]) -> Any:
        if not any_traced(values):
            args, kwargs = inputs.unpack(own_copies(values))
            return func(*args, **kwargs)
        closed = Closed(func, inputs, captured)
        call = Checkpoint(closed)
        if plain is not None:
            call.plain = functools.partial(closed.run, plain)
        outs = bind(call, values, {})
        return closed.outputs.unpack(outs)

    return closed_call(func, inputs, values, known, run)


class Checkpoint(Call):
    """A flat function whose derivatives run it again."""

    __slots__ = ("function", "plain", "seen")

    def __init__(self, function: Flat) -> None:
        super().__init__("pullback.checkpoint: the function")
        self.function = self.plain = function
        self.seen: list[Any] = []  # samples of what it returned on the way forward

    def impl(self, *values: Any) -> tuple[Any, ...]:
        """The function on raw arrays, while it may not meet any box but its inputs."""
        return separate(run_outside(self.plain, values))

    def record(self, values: list[Any], wanted: list[bool]) -> Any:
        """The results; nothing but `values` and a sample of the results is kept."""
        outs = bind(self, values, {})
        self.seen = [(_sample(out), batch_axes(out)) for out in outs]
        return outs, functools.partial(self.pull, values, wanted)

    def pull(self, values: list[Any], wanted: list[bool], cotangents: list[Any]) -> list[Any]:
        """The cotangents of the wanted `values`, by another run from there."""
        count, given = len(values), Present(cotangents)

        def pulled(both: list[Any]) -> list[Any]:
            recording = record_wanted("checkpoint", self.function, both[:count], wanted)
            self._compare(recording.out)
            recording.out = None
            tape, recording.tape = recording.tape, {}
            return [*recording.pull(given.fill(both[count:]), tape, free=True)]

        return among(bind(Checkpoint(pulled), [*values, *given.values], {}), wanted)

    def push(self, values: list[Any], tangents: list[Any]) -> Any:
        """The results and tangents, by a call that is checkpointed itself."""
        count, given = len(values), Present(tangents)

        def pushed(both: list[Any]) -> list[Any]:
            along = tuple(given.fill(both[count:]))
            outs, moved = jvp(lambda *v: self.function([*v]), tuple(both[:count]), along)
            return [*outs, *(t for t in moved if t is not None)]

        return split_pushed(bind(Checkpoint(pushed), [*values, *given.values], {}))

    def batch(
        self,
        _: Any,
        values: Sequence[Any],
        batched: Sequence[bool],
        __: Any,
        size: int,  # noqa: ARG002
    ) -> Any:
        """All examples at once, checkpointed as one."""
        return bind(Checkpoint(lambda values: each(self.function, batched, values)), values, {})

    def _compare(self, outs: Sequence[Any]) -> None:
        """Raise unless the second run gave what the first one did, up to rounding."""
        for (first, axes), out in zip(self.seen, outs, strict=True):
            second = _sample(out)
            if first is None or second is None:
                continue
            if first.shape == second.shape and (first == second).all():
                continue
            scale = np.max(np.abs(first), initial=0)
            tolerance = math.sqrt(np.finfo(first.dtype).eps) if first.dtype.kind in "fc" else 0
            if batch_axes(out) != axes:
                continue  # the same for all examples of a batch in one of the runs
            same = first.shape == second.shape and np.allclose(
                first, second, rtol=0, atol=tolerance * scale, equal_nan=True
            )
            if not same:
                raise StaleValueError(
                    "pullback.checkpoint: run again for its derivative, the function gave another "
                    "result than before. An array that it captured was changed in between, or it "
                    "uses random numbers or state of its own: pass such values as arguments."
                )


def _sample(out: Any) -> Any:
    """Some of the elements of a result: a few thousand at most, and few beside a large one.

    None where its values cannot be asked.
    """
    value = raw(out)
    if hasattr(value, "__dask_graph__"):  # asking would compute it
        return None
    try:
        value = np.asarray(value)
    except TypeError:  # not known while JAX compiles, or not in the host's memory
        return None
    wanted = max(64, min(4096, value.size // 16))
    most = max(1, round(wanted ** (1 / max(1, value.ndim))))
    return value[tuple(slice(None, None, -(-n // most) or 1) for n in value.shape)].copy()
