"""Derivatives of what a solver finds, by the implicit function theorem: `custom_root` and kin.

Where residual(x, p) = 0 defines x(p), its derivative is -A^-1 B with A and B those of the residual
with respect to x and p, whatever solver found x (see `roots.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import tree
from .backends import backend_of
from .calls import any_traced, closed_call, pack
from .core import bind
from .errors import ConvergenceError
from .krylov import LinearSolve
from .roots import Leaves, Names, SolverCall, like_root

_ROOT = Names("custom_root", "residual")
_FIXED_POINT = Names("custom_fixed_point", "step")


def custom_root(
    residual: Callable[..., Any],
    solve: Callable[..., Any],
    *,
    linear_solve: LinearSolve | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function of parameters whose value is a root that `solve` finds, with its derivative.

    The derivative is that of the implicit function theorem at the root: it does not look into
    `solve`, which may be any code and gets plain arrays. Both modes, and all orders. The linear
    systems are solved through products with the residual's Jacobian: directly up to some 100
    unknowns (with as many products), by GMRES of SciPy beyond. Under `vmap` each example is solved
    alone; a batch of none runs `solve` once, on ones, for the root's shape.

    Args:
        residual: `residual(x, *params)`, a tree like x, is zero at the root. It is differentiated,
            and evaluated once at the root. Values that it captures get their derivatives as
            parameters do.
        solve: `solve(*params, **options)` returns the root x, a tree of floating-point or complex
            arrays and numbers.
        linear_solve: `linear_solve(matvec, b)` returns v with matvec(v) = b, to use instead; both
            are real 1-d arrays (a complex number counts as two).
        has_aux: `solve` returns `(x, aux)`, and aux (any object) is handed through.

    Returns:
        A function of `*params` (trees) and `**options`; the latter are for `solve` alone, and
        constants.

    Raises:
        ConvergenceError: From a derivative, if its linear system could not be solved: A is singular
            at a multiple root, for example.
        TypeError, ValueError: If the residual is no tree like the root.

    Example:
        >>> import numpy as np, pullback
        >>> def newton(a):
        ...     x = 1.0
        ...     for _ in range(20):
        ...         x = (x + a / x) / 2
        ...     return x
        >>> sqrt = pullback.custom_root(lambda x, a: x * x - a, newton)
        >>> abs(float(pullback.grad(sqrt)(4.0)) - 0.25) < 1e-12
        True
    """
    return _solved(_ROOT, residual, solve, linear_solve, has_aux=has_aux)


def custom_fixed_point(
    step: Callable[..., Any],
    solve: Callable[..., Any],
    *,
    linear_solve: LinearSolve | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function of parameters whose value is the x with `step(x, *params) == x`.

    Args:
        step: `step(x, *params)`, a tree like x. As `residual` of `custom_root`.
        solve: `solve(*params, **options)` returns the fixed point.
        linear_solve: As in `custom_root`.
        has_aux: As in `custom_root`.

    Returns:
        A function of `*params` and `**options`.

    Raises:
        ConvergenceError, TypeError, ValueError: As `custom_root`.

    Example:
        >>> import numpy as np, pullback
        >>> def iterate(a):
        ...     x = 1.0
        ...     for _ in range(100):
        ...         x = np.cos(a * x)
        ...     return x
        >>> x = pullback.custom_fixed_point(lambda x, a: np.cos(a * x), iterate)
        >>> s = np.sin(iterate(1.0))
        >>> bool(np.isclose(pullback.grad(x)(1.0), -iterate(1.0) * s / (1 + s)))
        True
    """

    def residual(x: Any, *params: Any) -> Any:
        old, structure = tree.flatten(x)
        new = structure.flatten_up_to(like_root(_FIXED_POINT, structure, step(x, *params)))
        return tree.unflatten(structure, [a - b for a, b in zip(old, new, strict=True)])

    return _solved(_FIXED_POINT, residual, solve, linear_solve, has_aux=has_aux)


def _solved(
    names: Names,
    residual: Callable[..., Any],
    solve: Callable[..., Any],
    linear_solve: LinearSolve | None,
    *,
    has_aux: bool,
) -> Callable[..., Any]:
    """`solve` with the derivative that the residual gives it."""
    name = getattr(solve, "__name__", "solve")

    @functools.wraps(solve)
    def root(*params: Any, **options: Any) -> Any:
        if any_traced(tree.flatten(options)[0]):
            raise TypeError(
                f"{names.title}: {name}: a traced value was passed by keyword; keywords are "
                "options of the solver and have no derivative. Pass it by position."
            )
        plain = functools.partial(solve, **options)
        return _root(names, residual, plain, params, linear_solve, has_aux)

    return root


def _root(
    names: Names,
    residual: Callable[..., Any],
    solve: Callable[..., Any],
    params: Any,
    linear_solve: LinearSolve | None,
    has_aux: bool,
) -> Any:
    values, inputs = pack((params, {}))

    def run(values: Leaves, captured: list[Any]) -> Any:
        call = SolverCall(names, residual, solve, inputs, captured, linear_solve, has_aux=has_aux)
        outs: Any = None
        if any_traced(values):
            outs = bind(call, values, {})
        elif run := backend_of(values).call_with_rule:
            outs = run(call, values, forwards=False)
        if outs is None:
            plain, _ = inputs.unpack(values)
            with backend_of(values).outside():
                return solve(*plain)
        x = call.packing.unpack(outs)
        return (x, call.aux) if has_aux else x

    return closed_call(residual, inputs, values, [], run)


__all__ = ["ConvergenceError", "custom_fixed_point", "custom_root"]
