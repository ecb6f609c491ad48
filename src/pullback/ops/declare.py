"""The declarators: what kind of map an op is, and the calculus that kind needs, stated once.

| kind         | the author writes                                   |
|--------------|-----------------------------------------------------|
| elementwise  | one partial an argument, or a literal 1, -1, 0       |
| linear       | its transpose                                        |
| multilinear  | one transpose an argument                            |
| opaque       | a vjp in other ops                                   |
| constant     | nothing: its derivative is zero                      |

Reverse mode, forward mode and batching are read off the declaration.  A rule's parameters name
what it needs (see `rules.py`).  Axes in an op's parameters are counted from the end, so that a
leading batch axis changes nothing; `lift=` says what else of the parameters it does change, and
`batch=` is a whole batching rule (see `lift.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backends.numpy import xp
from ..core import Primitive, bind, box_types
from ..rules import IDENTITY, JOINT, NEGATE, PARTIAL, SCATTER, TRANSPOSE, Rule
from . import lift as lifts

Partial = Callable[..., Any] | int

# Every primitive by name: what the dispatch tables, the sweep of tests and the docs are made from.
registry: dict[str, Primitive] = {}


def elementwise(name: str, *partials: Partial, masks: bool = False) -> Primitive:
    """An op on each element alone, by its partial derivative with respect to each argument.

    A partial is a function of what it names (arguments are `x`, then `y`, then `z`), or 1, -1 or 0.
    """
    names = ("x", "y", "z")[: len(partials)]
    rules = [elementwise_rule(partial, names, masks) for partial in partials]
    return _declare(name, "elementwise", rules, batch=lifts.aligned())


def elementwise_rule(partial: Partial, names: Sequence[str], masks: bool) -> Rule | None:
    """The rule for one argument of an elementwise op, from its partial."""
    if partial == 0:
        return None
    if partial == 1:
        return Rule(IDENTITY, None, names, masks=masks)
    if partial == -1:
        return Rule(NEGATE, None, names, masks=masks)
    assert callable(partial)
    return Rule(PARTIAL, partial, names, masks=masks)


def linear(
    name: str,
    transpose: Callable[..., Any],
    *,
    arguments: str = "x",
    operands: str = "",
    variadic: bool = False,
    masks: bool = False,
    impl: Callable[..., Any] | None = None,
    lift: lifts.Lift | None = None,
    batch: lifts.Rule | None = None,
    direct: bool = False,
) -> Primitive:
    """An op that is linear in all of its array arguments together, by its transpose.

    A variadic op's transpose is asked for one argument at a time: it may name `position`.
    `operands` are the arguments among them that it is not differentiated in: conditions, indices.
    `direct` spares a box the library's dispatch where a rule calls the op by its NumPy name: rules
    of higher order do that all the time.
    """
    names = arguments.split()
    rule = Rule(TRANSPOSE, transpose, names, masks=masks)
    given = operands.split()
    rules = [rule] if variadic else [None if name in given else rule for name in names]
    batch = batch or lifts.expanded(lift)
    primitive = _declare(name, "linear", rules, impl=impl, variadic=variadic, batch=batch)
    if direct:
        setattr(xp, name, _direct(primitive))
    return primitive


def _direct(primitive: Primitive) -> Callable[..., Any]:
    plain: Any = primitive.impl
    count, defaults = plain.__code__.co_argcount, plain.__defaults__ or ()
    names = plain.__code__.co_varnames[1:count]
    by_default = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))

    @functools.wraps(plain)
    def apply(x: Any, *args: Any, **params: Any) -> Any:
        if type(x) not in box_types:
            return plain(x, *args, **params)
        given = dict(zip(names, args, strict=False))
        return bind(primitive, (x,), {**by_default, **given, **params})

    return apply


def index(
    name: str,
    transpose: Callable[..., Any],
    *,
    lift: lifts.Lift,
    impl: Callable[..., Any] | None = None,
) -> Primitive:
    """A linear op that reads a part of `x`; its transpose is `(cotangent, shape, **parameters)`."""
    rule = Rule(SCATTER, transpose, ("x",), masks=True)
    return _declare(name, "linear", [rule], impl=impl, batch=lifts.expanded(lift))


def multilinear(
    name: str,
    *transposes: Callable[..., Any],
    batch: lifts.Rule,
    variadic: bool = False,
    impl: Callable[..., Any] | None = None,
) -> Primitive:
    """An op linear in each argument, by one transpose an argument (one for all if variadic)."""
    names = ("x", "y", "z")[: len(transposes)]
    rules = [Rule(TRANSPOSE, transpose, names) for transpose in transposes]
    return _declare(name, "multilinear", rules, impl=impl, variadic=variadic, batch=batch)


def opaque(
    name: str,
    vjp: Callable[..., Any],
    *,
    arguments: str = "x",
    outputs: int | None = None,
    masks: bool = False,
    impl: Callable[..., Any] | None = None,
    lift: lifts.Lift | None = None,
    batch: lifts.Rule | None = None,
) -> Primitive:
    """Any other op, by a vjp: from the cotangent(s) to a tuple with one cotangent an argument.

    With `outputs`, the vjp gets a list of cotangents, None for those that are zero. It may return
    None for an argument that has no derivative.
    """
    rule = Rule(JOINT, vjp, arguments.split(), masks=masks)
    options: dict[str, Any] = {"joint": True, "outputs": outputs, "impl": impl}
    return _declare(name, "opaque", [rule], batch=batch or lifts.expanded(lift), **options)


def twins(first: Primitive, second: Primitive, sign: int) -> None:
    """Say that the partial of `first` is `second`, and that of `second` is `sign` times `first`.

    What a program computes of both is not computed again for the derivatives.
    """
    first.twin, second.twin = (second, 1), (first, sign)


def constant(
    name: str,
    *,
    impl: Callable[..., Any] | None = None,
    arguments: int = 1,
    lift: lifts.Lift | None = None,
    batch: lifts.Rule | None = None,
) -> Primitive:
    """An op whose derivative is zero wherever it has one."""
    batch = batch or lifts.aligned(lift)
    return _declare(name, "constant", [None] * arguments, impl=impl, batch=batch)


def _declare(
    name: str,
    kind: str,
    rules: list[Any],
    *,
    impl: Callable[..., Any] | None = None,
    **options: Any,
) -> Primitive:
    if name in registry:
        raise ValueError(f"the op {name!r} is declared twice")
    run = getattr(xp, name) if impl is None else impl
    primitive = Primitive(name, kind, run, rules, **options)
    registry[name] = primitive
    if not hasattr(np, name):
        setattr(xp, name, primitive)
    return primitive
