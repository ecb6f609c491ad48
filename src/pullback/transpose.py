"""The transpose of a linear map, by recording it: what a rule states for one mode serves the other.

The map runs once, on boxes of zeros.  What that records is linear, so a walk back along it is the
transpose; and the transpose of a rule that carries cotangents back carries tangents forward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import tree
from .backends import backend_of
from .core import box_types, raw
from .reverse import ReverseTrace, Walk
from .vjp import Pullback, Recording

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
        zeros = [None if aval is None else backend.zeros(*aval) for aval in avals]
        self._arguments = [trace.leaf(x) if backend.differentiable(x) else None for x in zeros]
        with backend.inside(trace):
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
        trace.check_kept()
        with trace.walking():
            try:
                walk.run(start, count, free=False)
            finally:
                walk.redo()
        return [None if a is None else walk.cotangents[a.index] for a in self._arguments]


def _spread(cotangent: Any, shape: Any, dtype: Any, xp: Any) -> Any:
    if cotangent.shape != shape:
        cotangent = xp.broadcast_to(cotangent, shape)
    if cotangent.dtype != dtype and xp.is_complex(cotangent.dtype) and not xp.is_complex(dtype):
        cotangent = xp.real(cotangent)
    return cotangent if cotangent.dtype == dtype else xp.astype(cotangent, dtype)


def linear_transpose(func: Callable[..., Any], *primals: Any) -> Callable[[Any], tuple[Any, ...]]:
    """The transpose of a function that is linear in its arguments.

    `func` runs at zero, which is recorded, and at two more points, to check that it is linear.

    Args:
        func: A linear function of arrays, or of trees of arrays.
        *primals: What it takes; of each leaf only shape and dtype matter, so that `np.empty` or
            any object with these two attributes serves.

    Returns:
        A function from a tree like the output to a tuple with one entry for each primal, like
        the pullback of `vjp`: for complex arrays it is the adjoint, the conjugate of the
        transpose.

    Raises:
        ValueError: If `func` is seen not to be linear: its value at zero is not zero, or its
            derivative depends on where it is taken.
        TypeError: If a primal or output is not as above.

    Example:
        >>> import numpy as np, pullback
        >>> transpose = pullback.linear_transpose(np.cumsum, np.empty(3))
        >>> transpose(np.array([1.0, 2.0, 4.0]))[0].tolist()
        [7.0, 6.0, 4.0]
    """
    leaves, structure = tree.flatten(primals)
    backend = backend_of(leaves)
    zeros, ones, others = (
        tree.unflatten(structure, [_filled(leaf, value, backend) for leaf in leaves])
        for value in (0, 1, -1)
    )
    recording = _recorded(func, zeros)
    if all(map(backend.has_values, map(raw, tree.flatten(recording.out)[0]))):
        _check_zero(recording)
        _check_constant_derivative(func, recording, ones)
        _check_constant_derivative(func, recording, others)
    return Pullback(recording)


def _filled(leaf: Any, value: int, backend: Any) -> Any:
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
        return backend.zeros(leaf.shape, leaf.dtype) + backend.cast(value, leaf.dtype)
    return type(leaf)(value) if isinstance(leaf, (int, float, complex)) else leaf


def _recorded(func: Callable[..., Any], primals: Any) -> Recording:
    return Recording("linear_transpose", func, lambda args: func(*args), primals, has_aux=False)


def _check_zero(recording: Recording) -> None:
    for place, leaf in enumerate(tree.flatten(recording.out)[0]):
        if recording.trace.xp.any(raw(leaf) != 0):
            path = tree.path_of(recording.out_structure, place, "output")
            raise ValueError(
                f"pullback.linear_transpose: the function is not linear: at zero {path} is not "
                "zero. Subtract the constant part, or use vjp for its derivative."
            )


def _check_constant_derivative(func: Callable[..., Any], at_zero: Recording, others: Any) -> None:
    """Raise if the derivative at zero is not that at `others`, or is traced where these are.

    Values tell apart the branches of a piecewise linear function, and tracing the rest. What comes
    of a call (`checkpoint`, a custom rule) is traced as a whole: there, values have to tell too.
    """
    around = _derivative_recorded(func, others)
    pulled = tree.flatten(_derivative(at_zero))[0], tree.flatten(around.out)[0]
    followed = [out for out in around.outputs if out is not None]
    for place, (here, there, output) in enumerate(zip(*pulled, followed, strict=True)):
        index = output[0]
        scale = abs(raw(here)) + abs(raw(there))
        differs = around.trace.xp.any(abs(raw(here) - raw(there)) > scale * 1e-3)
        if differs or (index is not None and _bends(func, around, others)):
            path = tree.path_of(around.out_structure, place, "primals")
            raise ValueError(
                f"pullback.linear_transpose: the function is not linear in {path}: its derivative "
                "there depends on the primals. Use vjp, at the values that you have."
            )


def _derivative_recorded(func: Callable[..., Any], primals: Any) -> Recording:
    """The derivative of `func` as a function of the primals."""

    def derivative_at(args: Any) -> Any:
        return _derivative(_recorded(func, args))

    return Recording("linear_transpose", func, derivative_at, primals, has_aux=False)


def _derivative(recording: Recording) -> Any:
    """What some cotangents give, of which no sum of some is zero by chance."""
    backend = recording.trace.backend
    given = [None if out is None else _uneven(out[1:], backend) for out in recording.outputs]
    return recording.pull(given, recording.tape, free=False)


def _uneven(aval: tuple[tuple[int, ...], Any], backend: Any) -> Any:
    """Numbers that nobody else has, of this shape and dtype."""
    shape, dtype = aval
    return backend.cast(np.cos(1 + np.arange(math.prod(shape))).reshape(shape).tolist(), dtype)


def _bends(func: Callable[..., Any], recorded: Recording, primals: Any) -> bool:
    """Has `func` a second derivative, at a point that it can hardly expect?"""
    backend = recorded.trace.backend
    pairs = zip(tree.flatten(primals)[0], recorded.inputs, strict=True)
    point = [leaf if aval is None else _uneven(aval, backend) for leaf, aval in pairs]
    around = _derivative_recorded(func, tree.unflatten(recorded.leaves, point))
    first, second = tree.flatten(around.out)[0], tree.flatten(_derivative(around))[0]
    tiny = 1e-5 * max(_largest(leaf) for leaf in first)
    return any(_largest(leaf) > tiny for leaf in second)


def _largest(array: Any) -> float:
    size = abs(raw(array))
    return float(size.max()) if math.prod(size.shape) else 0.0
