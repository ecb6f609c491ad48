"""The page of ops: what pullback follows, read from the registry and the dispatch tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pullback.backends.numpy import backend
from pullback.core import Primitive
from pullback.errors import UnsupportedError
from pullback.forward import ForwardTrace
from pullback.frontends.numpy import ArrayBox
from pullback.frontends.numpy.dispatch import any_box, functions, ufunc_methods
from pullback.ops.declare import registry
from pullback.rules import IDENTITY, NEGATE, PARTIAL, SCATTER, TRANSPOSE, Rule

# The page lists the functions that this NumPy has, so it is compared only under the same one.
VERSION = ".".join(np.__version__.split(".")[:2])

_HEAD = f"""# Ops

What works inside a transform, generated from the registry of primitives and the tables through
which NumPy's calls reach them, with NumPy {VERSION}.

- **Differentiated**: the value is NumPy's, the derivative is exact, at every order.
- **Constant**: the derivative is zero wherever it exists (comparisons, `np.floor`, `np.argmax`),
  so the result is a plain array.
- **Not followed**: calling it on a traced value raises `UnsupportedError`, which names it and,
  for functions that write into their arguments, says what to write instead. Functions of strings,
  dates, files and printing are left out here.

The conventions at kinks and singular points are on [a page of their own](conventions.md).
"""

_MODULES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft, "np.emath": np.emath}
_DISPATCHED = type(np.sum)
# Functions that take no numbers, or make no array of what they take.
_IRRELEVANT = frozenset(
    "array2string array_repr array_str base_repr binary_repr busday_count busday_offset "
    "datetime_as_string fromfile fromiter fromregex fromstring frombuffer genfromtxt is_busday "
    "isfortran loadtxt may_share_memory packbits save savetxt savez savez_compressed "
    "shares_memory unpackbits".split()
)


def page() -> str:
    """The whole page."""
    sections = (_functions, _ufuncs, _methods, _primitives)
    return "\n".join((_HEAD, *(section() for section in sections)))


def _functions() -> str:
    parts = ["## Functions\n"]
    for name, module in _MODULES.items():
        public = {
            f"{name}.{attribute}": value
            for attribute, value in sorted(vars(module).items())
            if isinstance(value, _DISPATCHED) and attribute not in _IRRELEVANT
        }
        parts.append(f"### {name}\n\n{_states(public, _state_of_function)}")
    return "\n".join(parts)


def _state_of_function(function: Any) -> str:
    ours = functions.get(function)
    if ours is None or _refuses(ours):
        return "Not followed"
    return "Constant" if ours.__qualname__.startswith("constant.") else "Differentiated"


def _refuses(ours: Any) -> bool:
    """Is this entry there only to say what to write instead?"""
    return getattr(ours, "__name__", "") == "raise_"


def _ufuncs() -> str:
    public = {
        f"np.{name}": value
        for name, value in sorted(vars(np).items())
        if isinstance(value, np.ufunc) and name == value.__name__ and name != "isnat"
    }
    methods = sorted(
        method
        for ufunc, method in ufunc_methods
        if ufunc is None and method not in ("__call__", "at")
    )
    listed = ", ".join(f"`.{method}`" for method in methods)
    return (
        f"## Ufuncs\n\n{_states(public, _state_of_ufunc)}\n"
        f"Their methods {listed} are followed as they are; `.at` writes in place, and is not.\n"
    )


def _state_of_ufunc(ufunc: np.ufunc) -> str:
    """What a call on traced arrays gives; one that takes no floats has constant arguments."""
    trace = ForwardTrace("jvp", backend)
    core = (ufunc.signature or "").partition("->")[0].split("),(")
    shapes = [(2,) * len(re.findall("[a-z]", dims)) for dims in core] * ufunc.nin
    boxes = [trace.box(np.ones(shape), np.ones(shape)) for shape in shapes[: ufunc.nin]]
    for args in (boxes, [*boxes[:1], *[1] * (ufunc.nin - 1)]):
        try:
            with np.errstate(all="ignore"):
                out = ufunc(*args)
        except UnsupportedError:
            return "Not followed"
        except TypeError:
            continue
        return "Differentiated" if any_box(out if ufunc.nout > 1 else [out]) else "Constant"
    return "Constant"


def _states(public: dict[str, Any], state_of: Callable[[Any], str]) -> str:
    """One line for each state, with the names that are in it."""
    lines: list[str] = []
    for state in ("Differentiated", "Constant", "Not followed"):
        names = [name for name, value in public.items() if state_of(value) == state]
        if names:
            lines.append(f"- **{state}** ({len(names)}): {_codes(names)}.")
    return "\n".join(lines) + "\n"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _methods() -> str:
    ndarray = {name for name in dir(np.ndarray) if not name.startswith("_")}
    ours = {name: inspect.getattr_static(ArrayBox, name, None) for name in ndarray}
    refused = {name for name, value in ours.items() if _refuses(getattr(value, "fget", value))}
    absent = {name for name, value in ours.items() if value is None}
    lists = [
        ("As ndarray's", ndarray - refused - absent),
        ("Refused, with what to write instead", refused),
        ("Not there (`AttributeError`)", absent),
    ]
    lines = [f"- **{title}**: {_codes(sorted(names))}.\n" for title, names in lists if names]
    return "## Methods and attributes of a traced array\n\n" + "".join(lines)


def _primitives() -> str:
    rows = [
        "## Primitives\n",
        "Each is declared once, by kind (`src/pullback/ops/`). An argument's derivative is the",
        "cotangent itself (`ct`, `-ct`), the cotangent times a partial, a transposed linear map,",
        "or a joint vjp of all arguments; in parentheses stands what the tape keeps for it, and",
        "it keeps nothing else.\n",
        "| primitive | kind | derivative of each argument, and what it keeps |",
        "|---|---|---|",
    ]
    for name in sorted(registry):
        primitive = registry[name]
        rules = "; ".join(_rule(rule) for rule in primitive.rules) or "none"
        rows.append(f"| `{name}` | {_kind(primitive)} | {rules} |")
    return "\n".join(rows) + "\n"


def _kind(primitive: Primitive) -> str:
    outputs = f", {primitive.outputs} outputs" if primitive.outputs else ""
    return f"{primitive.kind}{', variadic' if primitive.variadic else ''}{outputs}"


def _rule(rule: Rule | None) -> str:
    if rule is None:
        return "zero"
    how = rule.step[0]
    if how in (IDENTITY, NEGATE):
        return "`ct`" if how == IDENTITY else "`-ct`"
    kept = [name for name in rule.names if name != "xp"]
    described = {PARTIAL: "partial", TRANSPOSE: "transpose", SCATTER: "added into its place"}
    return described.get(how, "vjp") + (f" ({_codes(kept)})" if kept else "")
