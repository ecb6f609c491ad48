"""What crosses the border of a transform: leaves in, outputs out, and the checks on both.

Everything a transform returns is writable and shares memory with nothing; everything it takes is
checked before the function runs, with the leaf's path in the message.
"""

from __future__ import annotations

from typing import Any

from . import tree
from .backends import backend_of
from .core import box_types, escaped, raw


class Leaves:
    """The flattened inputs of a transform: which leaves are differentiated, and by what backend."""

    __slots__ = ("backend", "differentiable", "structure", "values")

    def __init__(self, transform: str, args: Any, root: str = "primals") -> None:
        self.values, self.structure = tree.flatten(args)
        self.backend = backend_of(self.values)
        self.differentiable: list[bool] = []
        for place, value in enumerate(self.values):
            why = None if type(value) in box_types else self.backend.describe(value)
            if why is not None:
                path = tree.path_of(self.structure, place, root)
                raise TypeError(f"pullback.{transform}: {path}: {why}")
            if type(value) in box_types and value.trace.ended:
                raise escaped(value.trace)
            self.differentiable.append(self.backend.differentiable(value))
        if self.values and not any(self.differentiable):
            value = self.values[0]
            path = tree.path_of(self.structure, 0, root)
            raise TypeError(
                f"pullback.{transform}: no leaf of {root} is differentiable: {path} is of dtype "
                f"{getattr(value, 'dtype', type(value).__name__)}. Convert it to a floating-point "
                f"dtype, with x.astype(float) or float(x)."
            )


def check_outputs(transform: str, leaves: list[Any], structure: Any, backend: Any) -> None:
    """Raise unless the outputs are one or more arrays or numbers."""
    if not leaves:
        raise TypeError(
            f"pullback.{transform}: the function returned no array (got {structure}). Return what "
            "is to be differentiated, and anything else as aux with has_aux=True."
        )
    for place, leaf in enumerate(leaves):
        if type(leaf) in box_types:
            continue
        why = backend.describe(leaf)
        if why is not None:
            path = tree.path_of(structure, place, "output")
            raise TypeError(
                f"pullback.{transform}: {path}: {why}. Return it as aux, with has_aux=True."
            )


def split_aux(transform: str, result: Any) -> tuple[Any, Any]:
    """The two halves of what a function with aux returned."""
    if type(result) is not tuple or len(result) != 2:
        got = f"a tuple of {len(result)}" if type(result) is tuple else type(result).__name__
        raise TypeError(
            f"pullback.{transform}: with has_aux=True the function must return a tuple "
            f"(output, aux), got {got}"
        )
    return result


def unwrap(value: Any, trace: Any) -> Any:
    """A value that leaves `trace`: without its box, for the caller to keep."""
    if type(value) in box_types:
        if value.trace is not trace:
            return value
        value = value.value
        if type(value) in box_types:
            return value
        return trace.backend.copy(value)
    return trace.backend.own(value) if type(value) is trace.backend.array_type else value


def unwrap_aux(aux: Any, trace: Any) -> Any:
    """`aux` with the values that `trace` follows taken out of their boxes; nothing else touched."""
    if type(aux) in box_types:
        return unwrap(aux, trace)
    return tree.map_leaves(
        lambda leaf: unwrap(leaf, trace) if type(leaf) in box_types else leaf, aux
    )


def check_cotangent(
    transform: str, cotangent: Any, shape: tuple[int, ...], dtype: Any, path: str, backend: Any
) -> Any:
    """`cotangent` in the output's dtype, or an error that says what is wrong with it."""
    where = f"pullback.{transform}: {path}"
    if type(cotangent) not in box_types:
        why = backend.describe(cotangent)
        if why is not None:
            raise TypeError(f"{where}: {why} of shape {shape}")
    elif cotangent.trace.ended:
        raise escaped(cotangent.trace)
    got = getattr(cotangent, "shape", ())
    if got != shape:
        raise ValueError(
            f"{where}: got shape {got}, expected {shape}, the output's own (nothing is broadcast)"
        )
    got_dtype = getattr(cotangent, "dtype", None)
    if got_dtype is dtype:
        return cotangent
    is_complex = isinstance(raw(cotangent), complex) or getattr(got_dtype, "kind", "") == "c"
    if is_complex and dtype.kind != "c":
        raise TypeError(
            f"{where}: got a complex cotangent for a real output of dtype {dtype}; pass its .real"
        )
    if type(cotangent) in box_types:
        return cotangent.astype(dtype)
    return backend.cast(cotangent, dtype)
