"""The calls behind solvers: a root as a primitive, with the rules of implicit differentiation.

A pullback solves a system with the transpose of the residual's Jacobian A, a pushforward one with
A.  Both only ever multiply with it, and are roots of a linear residual themselves, which is what
derivatives of higher order need.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .backends import backend_of
from .border import split_aux
from .calls import (
    Batched,
    Call,
    Closed,
    Packing,
    among,
    own_copies,
    pack,
    record_wanted,
    run_outside,
    separate,
    zeros_like,
)
from .captures import Captured
from .core import bind, box_types, no_grad
from .forward import jvp
from .krylov import LinearSolve, solve_linear
from .ops.index import getitem
from .ops.lift import canonical, made_up
from .ops.shape import stack
from .rules import shape_of
from .vjp import Recording

Leaves = list[Any]


class Names(NamedTuple):
    """What the user calls a solver's derivative, and the function that it is of."""

    transform: str
    function: str

    @property
    def title(self) -> str:
        """How an error begins."""
        return f"pullback.{self.transform}"


def like_root(names: Names, structure: Any, result: Any) -> Any:
    """`result`, if it is a tree like the root."""
    try:
        structure.flatten_up_to(result)
    except ValueError as error:
        raise ValueError(
            f"{names.title}: the {names.function} must return a tree like the root: {error}"
        ) from None
    return result


def _check_root(names: Names, roots: Leaves, packing: Packing) -> None:
    if len(roots) < len(packing.leaves) or not roots:
        raise TypeError(
            f"{names.title}: solve must return the root, a tree of floating-point or complex "
            "arrays and numbers alone; use has_aux=True for anything else"
        )
    for number, leaf in enumerate(roots):
        if not backend_of([leaf]).differentiable(leaf):
            raise TypeError(
                f"{names.title}: {packing.path(number, 'root')}: solve returned integers, "
                "which have no derivative"
            )


def _check_square(names: Names, x: Leaves, outs: Leaves, packing: Packing) -> None:
    for number, (leaf, out) in enumerate(zip(x, outs, strict=True)):
        if shape_of(leaf) != shape_of(out):
            raise ValueError(
                f"{names.title}: {packing.path(number, names.function)}: got shape "
                f"{shape_of(out)}, expected {shape_of(leaf)}, the root's own"
            )


class _Kept(Call):
    """A call whose pullback is taken at what it gave: there it solves nothing anew."""

    __slots__ = ()

    def pull_at(
        self, x: Sequence[Any], values: Leaves, wanted: list[bool], cotangents: Leaves
    ) -> Leaves:
        """The cotangents of the wanted `values`, where the root is x."""
        raise NotImplementedError

    def record(self, values: Leaves, wanted: list[bool]) -> Any:
        """The root, and the pullback there."""
        x = bind(self, values, {})
        return x, functools.partial(self.pull_at, x, values, wanted)

    def batch(
        self, _: Any, values: Sequence[Any], batched: Sequence[bool], __: Any, size: int
    ) -> Any:
        """Solved example by example; the derivatives' systems are so too."""
        return bind(BatchedRoot(self, batched, size), values, {})


class RootCall(_Kept):
    """The root of a flat residual; how it is found is a subclass's business."""

    __slots__ = ("aux", "linear_solve", "names")

    def __init__(self, names: Names, linear_solve: LinearSolve | None) -> None:
        super().__init__(f"{names.title}: the {names.function} or the solver")
        self.names = names
        self.aux: Any = None
        self.linear_solve = linear_solve

    def residual(self, x: Leaves, values: Leaves) -> Leaves:
        """What is zero at the root, shaped like x."""
        raise NotImplementedError

    def sample(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Arrays like the root, for values that only have the right shapes and dtypes."""
        raise NotImplementedError

    def pull_at(
        self, x: Sequence[Any], values: Leaves, wanted: list[bool], cotangents: Leaves
    ) -> Leaves:
        """Solve A^T w = cotangents; the cotangents of the wanted `values` are -B^T w."""
        filled = [
            zeros_like(leaf) if cotangent is None else cotangent
            for leaf, cotangent in zip(x, cotangents, strict=True)
        ]
        adjoint = LinearCall(self.names, self._transposed, len(filled), self.linear_solve)
        w = bind(adjoint, [*x, *values, *filled], {})
        residual = functools.partial(self.residual, [*x])
        recording = record_wanted(self.names.transform, residual, values, wanted)
        grads = recording.pull([-part for part in w], recording.tape, free=True)
        return among(grads, wanted)

    def push(self, values: Leaves, tangents: Leaves) -> Any:
        """Solve A v = -B tangents."""
        x = bind(self, values, {})
        _, moved = jvp(
            lambda *values: self.residual([*x], [*values]), tuple(values), tuple(tangents)
        )
        forward = LinearCall(self.names, self._linearized, len(moved), self.linear_solve)
        return x, bind(forward, [*x, *values, *(-part for part in moved)], {})

    def _linearized(self, point: Leaves, count: int) -> Callable[[Leaves], Leaves]:
        x, values = point[:count], point[count:]

        def times(v: Leaves) -> Leaves:
            along = tuple(map(_in_dtype_of, x, v))
            return jvp(lambda *x: self.residual([*x], values), tuple(x), along)[1]

        return times

    def _transposed(self, point: Leaves, count: int) -> Callable[[Leaves], Leaves]:
        x, values = point[:count], point[count:]
        name = self.names.transform
        recording = Recording(
            name, self.residual, lambda x: self.residual(x, values), x, has_aux=False
        )
        tape = recording.tape

        def times(w: Leaves) -> Leaves:
            return recording.pull([*map(_in_dtype_of, recording.out, w)], tape, free=False)

        return times


class BatchedRoot(_Kept, Batched):
    """The roots of all examples in a batch, one after another: a solver takes plain arrays."""

    __slots__ = ()

    def impl(self, *values: Any) -> tuple[Any, ...]:
        """The roots; the solver's aux is a list then."""
        if not self.size:
            empty = self.sample(values)
            self.aux = []
            return empty
        roots: list[Any] = []
        aux: list[Any] = []
        for k in range(self.size):
            pairs = zip(values, self.batched, strict=True)
            one = [getitem(v, index=k) if b else v for v, b in pairs]
            roots.append(self.inner.impl(*one))
            aux.append(self.aux)
        self.aux = aux
        return tuple(stack(*parts, axis=0) for parts in zip(*roots, strict=True))

    def sample(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Arrays like the roots."""
        one = [made_up(v) if b else v for v, b in zip(values, self.batched, strict=True)]
        roots = self.inner.sample(one)
        return tuple(canonical(x).zeros((self.size, *x.shape), x.dtype) for x in roots)

    def pull_at(
        self, x: Sequence[Any], values: Leaves, wanted: list[bool], cotangents: Leaves
    ) -> Leaves:
        """The pullbacks of all examples, at their roots."""
        at_roots = BatchedPull(self.inner, [*(True for _ in x), *self.batched], self.size)
        both = [*(False for _ in x), *wanted]
        return at_roots.pull([*x, *values], both, cotangents)[len(x) :]

    @property
    def aux(self) -> Any:
        """The solver's aux: a list with one an example."""
        return self.inner.aux

    @aux.setter
    def aux(self, aux: Any) -> None:
        self.inner.aux = aux


class BatchedPull(Batched):
    """The pullback of roots, as a function of the roots too."""

    __slots__ = ()

    def pull_one(
        self, values: list[Any], wanted: list[bool], cotangents: list[Any]
    ) -> Sequence[Any]:
        """The pullback of one example; the roots themselves get no cotangent."""
        count = len(cotangents)
        x, params = values[:count], values[count:]
        grads = self.inner.pull_at(x, params, wanted[count:], cotangents)
        return [*(None for _ in x), *grads]


class SolverCall(RootCall):
    """A root that the user's solver finds."""

    __slots__ = ("captured", "function", "has_aux", "inputs", "met", "packing", "solve")

    def __init__(
        self,
        names: Names,
        function: Callable[..., Any],
        solve: Callable[..., Any],
        inputs: Packing,
        captured: list[Any],
        linear_solve: LinearSolve | None,
        *,
        has_aux: bool,
    ) -> None:
        super().__init__(names, linear_solve)
        self.function = function
        self.solve = solve
        self.inputs = inputs
        self.captured = captured
        self.has_aux = has_aux
        self.met: set[int] | None = None
        self.packing: Any = None

    def impl(self, *values: Any) -> tuple[Any, ...]:
        """What the solver finds for plain arrays."""
        params, _ = self.inputs.unpack(own_copies(values[: len(self.inputs.places)]))
        with no_grad(), backend_of(values).outside():
            result = self.solve(*params)
        if self.has_aux:
            result, self.aux = split_aux(self.names.transform, result)
        roots, self.packing = pack(result)
        _check_root(self.names, roots, self.packing)
        x = separate(roots)
        # One evaluation finds what the residual captured, and that it is like the root.
        run_outside(lambda values: self.residual([*x], values), values)
        return x

    def sample(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """What the solver finds for them: only a run of it tells the shape."""
        try:
            return self.impl(*values)
        except Captured:
            raise
        except Exception as error:
            raise ValueError(
                f"{self.names.title}: in a batch of size 0 the solver is run once, on ones, to "
                f"learn the root's shape, and it failed: {error}. Handle the empty batch before "
                "vmap."
            ) from error

    def residual(self, x: Leaves, values: Leaves) -> Leaves:
        """The user's residual, of the arrays in x and the parameters."""
        packing = self.packing

        def at(*params: Any) -> Any:
            result = self.function(packing.unpack(x), *params)
            return packing.take(like_root(self.names, packing.structure, result))

        closed = Closed(at, self.inputs, self.captured, self.met)
        outs = closed(values)
        self.met = closed.met
        _check_square(self.names, x, outs, packing)
        return outs


class LinearCall(RootCall):
    """The solution of operator(v) = b, where the operator depends on where it is taken.

    Its arguments are that point, whose first `count` parts are shaped like v, and then b.
    """

    __slots__ = ("count", "operator")

    def __init__(
        self,
        names: Names,
        operator: Callable[[Leaves, int], Callable[[Leaves], Leaves]],
        count: int,
        linear_solve: LinearSolve | None,
    ) -> None:
        super().__init__(names, linear_solve)
        self.operator = operator
        self.count = count

    def residual(self, x: Leaves, values: Leaves) -> Leaves:
        """What is left of the system."""
        point, b = values[: -self.count], values[-self.count :]
        return [a - c for a, c in zip(self.operator(point, self.count)(x), b, strict=True)]

    def impl(self, *values: Any) -> tuple[Any, ...]:
        """The solution for raw arrays."""
        point, b = [*values[: -self.count]], values[-self.count :]
        return solve_linear(
            self.names.title, self.operator(point, self.count), b, self.linear_solve
        )

    def sample(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Arrays like the right-hand side."""
        return tuple(values[-self.count :])


def _in_dtype_of(like: Any, value: Any) -> Any:
    """`value` in the dtype that the tangent or cotangent of `like` has."""
    backend = backend_of([like])
    dtype = backend.aval(like)[1]
    same = type(value) in box_types or value.dtype == dtype
    return value if same else backend.cast(value, dtype)
