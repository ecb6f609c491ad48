"""Declarators for the ops that only neural networks' libraries have a function for.

NumPy's programs spell these out, so they run on no NumPy array; their rules are as those in the
other files here, in canonical functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import Primitive
from ..rules import JOINT, PARTIAL, TRANSPOSE, Rule
from . import lift

# By name, as `declare.registry` has those that run on NumPy too.
registry: dict[str, Primitive] = {}
# The files here whose ops these are.
FAMILIES = ("along", "convolution", "scalars", "filters", "losses", "matrices", "neural")

Partial = Callable[..., Any]


def _absent(*args: Any, **params: Any) -> Any:
    raise NotImplementedError("NumPy has no such function")


def elementwise(name: str, *partials: Partial, masks: bool = False) -> Primitive:
    """An op on each element alone, by its partial derivative with respect to each argument."""
    names = ("x", "y", "z")[: len(partials)]
    rules = [Rule(PARTIAL, partial, names, masks=masks) for partial in partials]
    return declare(name, "elementwise", rules, batch=lift.aligned())


def linear(
    name: str,
    transpose: Callable[..., Any],
    *,
    arguments: str = "x",
    operands: str = "",
    masks: bool = False,
    batch: lift.Rule,
) -> Primitive:
    """An op that is linear in all of its arguments but the `operands` together."""
    names, given = arguments.split(), operands.split()
    rule = Rule(TRANSPOSE, transpose, names, masks=masks)
    rules = [None if one in given else rule for one in names]
    return declare(name, "linear", rules, batch=batch)


def multilinear(name: str, *transposes: Callable[..., Any], batch: lift.Rule) -> Primitive:
    """An op linear in each argument, by one transpose an argument."""
    names = ("x", "y", "z")[: len(transposes)]
    rules = [Rule(TRANSPOSE, transpose, names) for transpose in transposes]
    return declare(name, "multilinear", rules, batch=batch)


def opaque(
    name: str,
    vjp: Callable[..., Any],
    *,
    arguments: str = "x",
    outputs: int | None = None,
    masks: bool = False,
    batch: lift.Rule | None = None,
    jvp: Callable[..., Any] | None = None,
) -> Primitive:
    """Any other op, by a vjp, and by a jvp where that is not the transpose of the vjp."""
    rules = [Rule(JOINT, vjp, arguments.split(), masks=masks)]
    batch = batch or lift.expanded()
    return declare(name, "opaque", rules, joint=True, outputs=outputs, batch=batch, jvp=jvp)


def declare(name: str, kind: str, rules: list[Any], **options: Any) -> Primitive:
    """Enter a primitive in the registry."""
    primitive = Primitive(name, kind, _absent, rules, **options)
    registry[name] = primitive
    return primitive
