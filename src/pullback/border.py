"""What crosses the border of a transform: leaves in, outputs out, and the checks on both.

Everything a transform returns is writable and shares memory with nothing; everything it takes is
checked before the function runs, with the leaf's path in the message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import tree
from .backends.explain import of_error
from .backends.libraries import Captured, library_of, refusal
from .core import box_types, detached, escaped, is_buffer, paused
from .errors import ConversionError, UnsupportedError


def check_leaves(
    transform: str, backend: Any, leaves: list[Any], structure: Any, root: str
) -> list[bool]:
    """Raise unless `leaves` are numbers and some can be differentiated; say which these are.

    Boxes that a `no_grad` block makes constants are taken off, in place.
    """
    differentiable: list[bool] = []
    for place, leaf in enumerate(leaves):
        leaves[place] = value = entering(leaf) if type(leaf) in box_types else leaf
        why = _refusal(backend, value)
        if why is not None:
            path = tree.path_of(structure, place, root)
            raise TypeError(f"pullback.{transform}: {path}: {why}")
        differentiable.append(backend.differentiable(value))
    if leaves and True not in differentiable:
        value = leaves[0]
        path = tree.path_of(structure, 0, root)
        raise TypeError(
            f"pullback.{transform}: no leaf of {root} is differentiable: {path} is of dtype "
            f"{getattr(value, 'dtype', type(value).__name__)}. Convert it to a floating-point "
            f"dtype, with x.astype(float) or float(x)."
        )
    return differentiable


def _refusal(backend: Any, value: Any) -> str | None:
    """Why `value`, which may be traced, cannot be a leaf, or None where it can."""
    if type(value) not in box_types:
        return backend.refusal(value)
    return None if library_of(value) == backend.name else refusal(backend, value)


def entering(value: Any) -> Any:
    """A leaf as a transform sees it: without boxes that a `no_grad` block makes constants."""
    value = paused(value)
    if type(value) not in box_types:
        return value
    if value.tracer.ended:
        raise escaped(value.tracer)
    if value.alias is not None:
        value.alias.refresh(value)
    following = value.tracer.backend.following
    return value if following is None or following() else detached(value)


def outputs_of(trace: Any, out: Any) -> tuple[list[Any], Any]:
    """The leaves and structure of what a function returned, checked."""
    if type(out) in box_types and out.tracer is trace:
        return [out], tree.LEAF
    leaves, structure = tree.flatten(out)
    _check_outputs(trace.name, leaves, structure, trace.backend)
    return leaves, structure


def _check_outputs(transform: str, leaves: list[Any], structure: Any, backend: Any) -> None:
    """Raise unless the outputs are one or more arrays or numbers; each as it is seen here."""
    if not leaves:
        raise TypeError(
            f"pullback.{transform}: the function returned no array (got {structure}). Return what "
            "is to be differentiated, and anything else as aux with has_aux=True."
        )
    for place, leaf in enumerate(leaves):
        leaves[place] = value = paused(leaf) if type(leaf) in box_types else leaf
        if type(value) in box_types and value.tracer.ended:
            raise escaped(value.tracer)
        why = _refusal(backend, value)
        if why is not None:
            path = tree.path_of(structure, place, "output")
            raise TypeError(
                f"pullback.{transform}: {path}: {why}. Return it as aux, with has_aux=True."
            )


def run(trace: Any, func: Callable[..., Any], call: Callable[..., Any], *args: Any) -> Any:
    """`call(*args)`, which runs the program's `func` under a transform."""
    token = trace.backend.start(func, trace)
    try:
        return call(*args)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, _OURS):
            raise
        if (ours := _ours(trace.backend, error)) is None:
            raise
        raise ours from error
    finally:
        trace.backend.stop(token)


_OURS = (ConversionError, UnsupportedError, Captured)


def _ours(backend: Any, error: BaseException) -> BaseException | None:
    """What says better why a library raised `error`.

    NumPy says "setting an array element with a sequence", and JAX "Error interpreting argument",
    where ours, which they met, says what to write; and both may have met another library's array.
    """
    reason: BaseException | None = error
    while (reason := reason.__cause__ or reason.__context__) is not None:
        if isinstance(reason, (ConversionError, UnsupportedError)):
            return reason
    return None if str(error).startswith("pullback.") else of_error(backend, error)


def refresh_views(leaves: list[Any]) -> None:
    """Bring every box among `leaves` to where its base is now."""
    for leaf in leaves:
        if type(leaf) in box_types and leaf.alias is not None:
            leaf.alias.refresh(leaf)


def split_aux(transform: str, result: Any) -> tuple[Any, Any]:
    """The two halves of what a function with aux returned."""
    if type(result) is not tuple or len(result) != 2:
        got = f"a tuple of {len(result)}" if type(result) is tuple else type(result).__name__
        raise TypeError(
            f"pullback.{transform}: with has_aux=True the function must return a tuple "
            f"(output, aux), got {got}"
        )
    return result


def unwrap(value: Any, trace: Any, held: int = 0) -> Any:
    """A value that leaves `trace`: without its box, for the caller to keep.

    An array is not copied if only this call's caller and `held` other places that it knows have it.
    """
    value = trace.read(value)
    if type(value) in box_types:
        if value.tracer is not trace and value.tracer.level:
            return value
        array = value.value
        return trace.backend.own(array, held=1)
    return trace.backend.own(value, held)


def unwrap_aux(aux: Any, trace: Any) -> Any:
    """`aux` with what `trace` follows, and buffers, taken out of their boxes; no more touched."""
    if type(aux) in box_types:
        return unwrap(aux, trace)
    return tree.map_leaves(
        lambda leaf: unwrap(leaf, trace) if type(leaf) in box_types else leaf, aux
    )


def _given(vector: Any, backend: Any) -> Any:
    """A (co)tangent as it is seen here; of a buffer a copy, which the program cannot write into."""
    vector = paused(vector)
    if backend.adopts is not None:
        vector = backend.adopts(vector)
    return backend.copy(vector.value) if is_buffer(vector) else vector


def check_cotangent(
    cotangent: Any,
    shape: tuple[int, ...],
    dtype: Any,
    backend: Any,
    where: Callable[[], str],
    of: str = "output",
    what: str = "cotangent",
) -> Any:
    """`cotangent` in the output's dtype, or an error that says what is wrong with it, and where.

    A tangent is checked in the same way, against the primal that it is `of`, or the output.
    """
    kind = type(cotangent)
    if kind is backend.array_type:
        if cotangent.dtype is dtype and cotangent.shape == shape:
            return cotangent
    elif kind is float and shape == ():
        return backend.cast(cotangent, dtype)
    cotangent = _given(cotangent, backend)
    if type(cotangent) in box_types and cotangent.tracer.ended:
        raise escaped(cotangent.tracer)
    why = _refusal(backend, cotangent)
    if why is not None:
        raise TypeError(f"{where()}: {why}; the {of}'s shape is {tuple(shape)}")
    got, got_dtype = backend.aval(cotangent)
    if got != shape:
        raise ValueError(
            f"{where()}: got shape {got}, expected {shape}, the {of}'s own (nothing is broadcast)"
        )
    if backend.is_complex(got_dtype) and not backend.is_complex(dtype):
        raise TypeError(
            f"{where()}: got a complex {what} for a real {of} of dtype {dtype}; pass its .real"
        )
    if type(cotangent) in box_types:
        return cotangent if got_dtype is dtype else backend.xp.astype(cotangent, dtype)
    return (
        cotangent
        if hasattr(cotangent, "dtype") and got_dtype is dtype
        else backend.cast(cotangent, dtype)
    )


def check_tangent(tangent: Any, aval: Any, backend: Any, where: Callable[[], str]) -> Any:
    """`tangent` in its primal's dtype (None: zero), or an error; `aval` is None for integers."""
    if tangent is None:
        return None
    if aval is None:
        raise TypeError(
            f"{where()}: the primal there is not differentiable (its dtype is integer or "
            "boolean); its tangent must be None"
        )
    shape, dtype = aval
    return check_cotangent(tangent, shape, dtype, backend, where, "primal", "tangent")
