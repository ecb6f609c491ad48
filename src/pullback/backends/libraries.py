"""Which library an array is of, and the one error where arrays of two meet in one call.

Frontends ask `check_one_library` where a call of a traced array's reaches them.  What a library
refuses by itself is found out from its error (see `explain.py`).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..callers import where
from ..core import box_types
from ..errors import UnsupportedError


class Library(NamedTuple):
    """A library other than NumPy: its arrays' class, the name of its backend, and its frontend.

    `takes_over`: where its arrays meet traced ones of NumPy, the program's results are its own.
    """

    module: str
    array: str
    name: str
    frontend: str
    takes_over: bool = False

    def backends(self) -> Any:
        """The module with its backends."""
        return importlib.import_module(f"pullback.backends.{self.frontend}")


# None is imported here: who passes an array of a library has imported it.
LIBRARIES = (
    Library("torch", "Tensor", "torch", "torch"),
    Library("jax", "Array", "jax.numpy", "jax"),
    Library("cupy", "ndarray", "cupy", "array_api"),
    Library("dask.array", "Array", "dask.array", "dask", takes_over=True),
)


def listed(array: Any) -> Library | None:
    """The library of `LIBRARIES` that `array` is of."""
    for library in LIBRARIES:
        module = sys.modules.get(library.module)
        if module is not None and isinstance(array, getattr(module, library.array, ())):
            return library
    return None


# Type of a value -> the name of its library's backend; None for what is no array.
library_names: dict[type, str | None] = {}


def library_of(value: Any) -> str | None:
    """The name of the backend of a traced or plain array; None for anything else."""
    kind = type(value)
    if kind in box_types:
        return value.tracer.backend.name
    if kind not in library_names:
        library_names[kind] = _name_of_library(value)
    return library_names[kind]


def _name_of_library(value: Any) -> str | None:
    if isinstance(value, np.ndarray | np.generic):
        return "numpy"
    library = listed(value)
    if library is not None:
        return library.name
    if not hasattr(type(value), "__array_namespace__"):
        return None
    return value.__array_namespace__().__name__.removeprefix("array_api_compat.")


def arrays_in(values: Iterable[Any]) -> Iterator[Any]:
    """The arrays among these, and in lists, tuples and dictionaries of them."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from arrays_in(value)
        elif isinstance(value, dict):
            yield from arrays_in(value.values())
        elif library_of(value) is not None:
            yield value


def foreign(backend: Any, values: Iterable[Any]) -> list[Any]:
    """The arrays among `values` that functions of the backend's library do not take.

    NumPy's integers are none: they say an axis, or a size.
    """
    name = backend.name
    return [
        value
        for value in arrays_in(values)
        if library_of(value) != name and not isinstance(value, (*backend.takes, *_COUNTS))
    ]


_COUNTS = (np.integer, np.bool_)


def check_one_library(name: str, backend: Any, values: Iterable[Any]) -> None:
    """Raise if `values`, the arguments of a call of `name`, hold arrays of another library."""
    others = foreign(backend, values)
    if others:
        raise mixed(name, backend, {str(library_of(other)) for other in others})


def check_index(backend: Any, index: Any) -> None:
    """Raise for an array of another library in an index; NumPy's and 0-d ones say what they are."""
    others = [one for one in foreign(backend, [index]) if _is_array_index(one)]
    if backend.name == "numpy":
        check_given("x[i]", backend, others)
    else:
        check_one_library("x[i]", backend, others)


def _is_array_index(one: Any) -> bool:
    return bool(getattr(one, "ndim", 1)) and not isinstance(one, np.ndarray)


class Captured(TypeError):
    """Traced arrays of NumPy met an array of a library that takes over.

    A transform whose primals are NumPy's starts again then, with `backend` (see `with_backend`).
    """

    def __init__(self, backend: Any) -> None:
        # Dask raises an error of its functions anew: the same class, with a text of its own.
        self.backend = None if isinstance(backend, str) else backend
        super().__init__(
            backend
            if isinstance(backend, str)
            else f"arrays of NumPy that a transform follows met an array of {backend.name} that "
            f"the function captured; convert the primals before the transform, with "
            f"{backend.name}.from_array(w)"
        )


def captured(name: str) -> Captured:
    """The error for NumPy's traced arrays that met those of the library of this name."""
    (library,) = (one for one in LIBRARIES if one.name == name)
    return Captured(library.backends().backend_for(None))


def gives_way(name: str, backend: Any, values: Iterable[Any]) -> bool:
    """`check_one_library` of a call of NumPy's: is it to be left to a box that takes over?"""
    others = foreign(backend, values)
    names = {str(library_of(other)) for other in others}
    if not names:
        return False
    taking = {library.name for library in LIBRARIES if library.takes_over}
    if names - taking:
        raise mixed(name, backend, names)
    if any(type(other) in box_types for other in others):
        return True
    raise captured(names.pop())


def check_given(name: str, backend: Any, values: Iterable[Any]) -> None:
    """`gives_way`, where no protocol asks another library's box."""
    if gives_way(name, backend, values):
        raise captured(next(one.name for one in LIBRARIES if one.takes_over))


def mixed(
    name: str, backend: Any, others: Iterable[str], place: str = "", reason: str = ""
) -> UnsupportedError:
    """The error where traced arrays of a backend met arrays of these libraries."""
    names = " and ".join([backend.name, *sorted(others)])
    return UnsupportedError(
        f"{name}: got arrays of {names} in one call, at {place or where()}{reason}. Convert the "
        f"other array, with {backend.converts}, or, if its derivative is wanted too, pass the "
        "transform arrays of one library"
    )


def refusal(backend: Any, value: Any) -> str:
    """Why `value`, which is no array of the backend's and no number, cannot be a leaf."""
    kind = f"{type(value).__module__}.{type(value).__name__}"
    name = library_of(value)
    if type(value) in box_types:
        kind = f"a traced array of {name}"
    if _is_tree_of_jax(value):
        return (
            f"got {kind}, a tree that is registered with JAX only; let pullback know it with "
            f"pullback.register_node({type(value).__name__}, flatten, unflatten)"
        )
    if name in (None, backend.name):
        return f"got {kind}, expected an array of {backend.name} or a number"
    return (
        f"got {kind} beside an array of {backend.name}, expected another of these or a number; "
        f"convert it, with {backend.converts}"
    )


def numpys_refused(function: Any, box: Any) -> UnsupportedError:
    """The error for a function of NumPy's that was given traced arrays of another library."""
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    backend = box.tracer.backend
    return UnsupportedError(
        f"{module}.{function.__name__} of an array of {backend.name} traced by "
        f"pullback.{box.tracer.name}, at {where()}: NumPy cannot follow it. Use {backend.name}'s "
        f"own function, and {backend.converts} for other arrays"
    )


def _is_tree_of_jax(value: Any) -> bool:
    jax: Any = sys.modules.get("jax")
    return jax is not None and value is not None and not jax.tree_util.all_leaves([value])


def called(apply: Any) -> str:
    """The name of what a recorder, or another function, does."""
    primitive = getattr(apply, "__globals__", {}).get("primitive", apply)
    return getattr(primitive, "name", None) or getattr(primitive, "__name__", "an operator")
