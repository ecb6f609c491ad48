"""The declarators for a user's functions, by kind, as those of `ops/declare.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Primitive
from ..frontends.numpy.dispatch import ufuncs
from ..ops import lift as lifts
from ..ops.declare import Partial, elementwise_rule
from .names import argument_names, check_names, recorded_names
from .op import Op
from .results import checked_function, checked_partial, checked_rule


def elementwise(
    function: Callable[..., Any], *partials: Partial, masks: bool = False
) -> Callable[..., Any]:
    """An op on each element alone, by its partial derivative with respect to each argument.

    Args:
        function: A NumPy ufunc (of NumPy, SciPy or anybody), or a function of arrays that
            broadcasts as one. Its first arguments, as many as there are partials, are the arrays.
        *partials: For each array argument, its partial derivative: a function whose parameters
            name what it needs (array arguments by their names, which are x, y and z for a ufunc;
            other arguments of `function`; `out`, the result), or 1, -1 or 0. Written with NumPy's
            functions and ops, for it is differentiated in turn.
        masks: A partial that is infinite or undefined where the result does not depend on the
            argument counts as zero there.

    Returns:
        The op. A ufunc itself follows the rule too, when it is called on a traced array.

    Raises:
        TypeError: If a partial names something unknown, or `function` has too few arguments.
        ValueError: If `function` is a ufunc that has a rule already.

        A derivative raises TypeError or ValueError if a partial gives no number for each element.

    Example:
        >>> import numpy as np, pullback
        >>> def softplus(x, sharpness=1.0):
        ...     return np.logaddexp(0.0, sharpness * x) / sharpness
        >>> softplus = pullback.elementwise(
        ...     softplus, lambda x, sharpness: 1 / (1 + np.exp(-sharpness * x)))
        >>> float(pullback.grad(softplus)(0.0))
        0.5
    """
    names = argument_names(function, len(partials))
    called = recorded_names(function, names)
    renamed = dict(zip(names, called, strict=True))

    def checked(partial: Partial, name: str) -> Partial:
        if not callable(partial):
            return partial
        check_names(function, partial, names, 0)
        return checked_partial(function, partial, name, renamed)

    rules = [
        elementwise_rule(checked(partial, name), called, masks)
        for partial, name in zip(partials, names, strict=True)
    ]
    return _op(function, "elementwise", rules, names, batch=lifts.aligned())


def linear(
    function: Callable[..., Any],
    transpose: Callable[..., Any],
    *,
    arguments: int = 1,
    stacks: bool = False,
) -> Callable[..., Any]:
    """An op that is linear in all of its array arguments together, by its transpose.

    Args:
        function: A function whose first `arguments` arguments are arrays; the others are
            parameters, which are never traced.
        transpose: Takes the cotangent first, then what it names (see `elementwise`; also `shape`
            and `dtype` of the argument). For complex arrays it is the conjugate transpose. With
            several arguments it is asked for one at a time, and may name its `position`.
        arguments: How many array arguments there are.
        stacks: `function` and its rules treat leading axes of their arrays as stacks of examples,
            so that `vmap` can hand them all at once; else it calls them for one at a time (in a
            batch of none once, on ones, for the result's shape).

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> blur = pullback.linear(
        ...     lambda x, w: np.convolve(x, w), lambda ct, w: np.correlate(ct, w, "valid"))
        >>> w = np.array([1.0, 2.0])
        >>> pullback.vjp(lambda x: blur(x, w), np.ones(3))[1](np.ones(4))[0].tolist()
        [3.0, 3.0, 3.0]
    """
    names = argument_names(function, arguments)
    check_names(function, transpose, names, 1)
    return _op(
        function,
        "linear",
        [checked_rule(function, transpose, names, place) for place in range(arguments)],
        names,
        batch=_batch(stacks),
    )


def multilinear(
    function: Callable[..., Any], *transposes: Callable[..., Any], stacks: bool = False
) -> Callable[..., Any]:
    """An op that is linear in each of its array arguments, by one transpose an argument.

    Args:
        function: A function whose first arguments, as many as there are transposes, are arrays.
        *transposes: For each array argument, from the cotangent and what it names to the
            argument's cotangent. For complex arrays it is the conjugate transpose.
        stacks: As in `linear`.

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> dot = pullback.multilinear(
        ...     lambda x, y: np.dot(x, y), lambda ct, y: ct * y, lambda ct, x: ct * x)
        >>> pullback.grad(dot)(np.ones(2), np.array([3.0, 4.0])).tolist()
        [3.0, 4.0]
    """
    names = argument_names(function, len(transposes))
    for transpose in transposes:
        check_names(function, transpose, names, 1)
    rules = [checked_rule(function, back, names, place) for place, back in enumerate(transposes)]
    return _op(function, "multilinear", rules, names, batch=_batch(stacks))


def opaque(
    function: Callable[..., Any],
    vjp: Callable[..., Any],
    *,
    arguments: int = 1,
    outputs: int | None = None,
    stacks: bool = False,
) -> Callable[..., Any]:
    """Any other op, by a vjp.

    Args:
        function: A function whose first `arguments` arguments are arrays.
        vjp: From the cotangent of the result, and what it names, to a tuple with one cotangent for
            each array argument (None for zero). It must be linear in the cotangent.
        arguments: How many array arguments there are.
        outputs: How many arrays `function` returns, if it returns a tuple. The vjp then gets a list
            of cotangents, None for zero.
        stacks: As in `linear`.

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> norm = pullback.opaque(
        ...     lambda x: np.sqrt(x @ x), lambda ct, x, out: (ct * x / out,))
        >>> pullback.grad(norm)(np.array([3.0, 4.0])).tolist()
        [0.6, 0.8]
    """
    names = argument_names(function, arguments)
    check_names(function, vjp, names, 1)
    rule = checked_rule(function, vjp, names, None)
    return _op(function, "opaque", [rule], names, batch=_batch(stacks), outputs=outputs)


def constant(
    function: Callable[..., Any], *, arguments: int = 1, stacks: bool = False
) -> Callable[..., Any]:
    """An op whose derivative is zero wherever it has one: it sees values and returns plain arrays.

    Args:
        function: A function, or a ufunc, whose first `arguments` arguments are arrays.
        arguments: How many array arguments there are.
        stacks: As in `linear`.

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> cell = pullback.constant(lambda x: np.floor(x))
        >>> float(pullback.grad(lambda x: x * cell(x))(2.5))
        2.0
    """
    names = argument_names(function, arguments)
    return _op(
        function,
        "constant",
        [None] * arguments,
        names,
        batch=_batch(stacks or isinstance(function, np.ufunc)),
    )


def _op(
    function: Any,
    kind: str,
    rules: list[Any],
    names: list[str],
    *,
    batch: lifts.Rule,
    outputs: int | None = None,
) -> Op:
    """The op, entered in the table of ufuncs if it is one."""
    is_ufunc = isinstance(function, np.ufunc)
    impl = function if is_ufunc else checked_function(function, kind, outputs)
    primitive = Primitive(
        function.__name__, kind, impl, rules, joint=kind == "opaque", outputs=outputs, batch=batch
    )
    op = Op(function, primitive, names)
    if is_ufunc:
        if function in ufuncs or getattr(np, function.__name__, None) is function:
            raise ValueError(f"the ufunc {function.__name__!r} has a rule already")
        ufuncs[function] = op.apply or primitive
    return op


def _batch(stacks: bool) -> lifts.Rule:
    return lifts.expanded() if stacks else lifts.looped()
