"""The transpose of a linear map, by recording it: what a rule states for one mode serves the other.

The map runs once, on boxes of zeros.  What that records is linear, so a walk back along it is the
transpose; and the transpose of a rule that carries cotangents back carries tangents forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .core import box_types
from .reverse import ReverseTrace, Walk

Aval = tuple[Any, Any]


class Transpose:
    """The transpose of `function`: from a list of arguments, like `avals`, to a list of results.

    An aval that is None stands for an argument that is None; so are those of no differentiable
    dtype. Only the transpose's own inputs are walked, any number of times.
    """

    __slots__ = ("_arguments", "_results", "_tape", "_trace")

    def __init__(
        self,
        function: Callable[[list[Any]], Sequence[Any]],
        avals: Sequence[Aval | None],
        backend: Any,
    ) -> None:
        self._trace = trace = ReverseTrace("transpose", backend)
        self._arguments = [
            trace.leaf(backend.zeros(*aval)) if aval is not None and aval[1].kind in "fc" else None
            for aval in avals
        ]
        self._results = function(self._arguments)
        self._tape = trace.end()

    def __call__(self, cotangents: Sequence[Any]) -> list[Any]:
        """One value for each argument of the map, None for zero; so are `cotangents`."""
        trace = self._trace
        xp = trace.xp
        walk = Walk(trace, self._tape)
        start = -1
        for cotangent, result in zip(cotangents, self._results, strict=True):
            if cotangent is None or type(result) not in box_types or result.tracer is not trace:
                continue
            # A rule's result is projected to its argument's shape, so the transpose spreads.
            walk.add(result.index, _spread(cotangent, result.shape, result.dtype, xp))
            start = max(start, result.index)
        count = sum(argument is not None for argument in self._arguments)
        with trace.backend.quiet():
            walk.run(start, count, free=False)
        return [None if a is None else walk.cotangents[a.index] for a in self._arguments]


def _spread(cotangent: Any, shape: Any, dtype: Any, xp: Any) -> Any:
    if cotangent.shape != shape:
        cotangent = xp.broadcast_to(cotangent, shape)
    return cotangent if cotangent.dtype == dtype else cotangent.astype(dtype)
