"""Any library that follows the array API standard: what the transforms ask, in its functions.

A library that does something better, or cannot do what is asked here (immutable arrays, arrays
whose values are not known yet), derives a class from `ArrayApiBackend`, overrides some methods,
and has a line in the table of `backends/__init__.py`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from ... import core
from ...errors import UnsupportedError, closest
from ...ops.declare import registry
from .. import degenerate
from ..libraries import refusal
from . import contract, elementwise, fft, helpers, index, linalg, reduce, shape

# How many functions run under a transform here: what is made there may be written into.
_running: ContextVar[int] = ContextVar("running", default=0)


class Implementations(dict[str, Any]):
    """Primitive's name -> what runs it on the arrays of one library."""

    xp: Any

    def __init__(self, backend: ArrayApiBackend) -> None:
        super().__init__()
        self.library = backend.name
        self["positive"] = lambda x: +x
        self.update(degenerate.functions(backend))
        for family in backend.families:
            self.update(backend.bound(family))

    def __missing__(self, name: str) -> Any:
        raise lacking(name, self.library, self)

    @staticmethod
    def constant(value: Any, _: Any) -> Any:
        """`value`, which is not followed: it shares no memory that is written into."""
        return value


def functions_of(module: ModuleType) -> dict[str, Any]:
    """The functions of a family's file, and those of its table."""
    public = {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    }
    return getattr(module, "FUNCTIONS", {}) | public


def lacking(name: str, library: str, names: Iterable[str] = ()) -> UnsupportedError:
    """The error for a function that a library has not; those of `names` it has."""
    return UnsupportedError(
        f"the function {name!r} does not run on arrays of {library}, which follow the array API "
        f"standard and have no such function; write it in the standard's functions, or convert "
        f"the array with numpy.from_dlpack(x) and differentiate the NumPy program."
        f"{closest(name, names)}"
    )


class ArrayApiBackend:
    """Answers for the arrays of one library on one device.

    What a library may do in its own way:

    - `mutable`: can its arrays be written into? If so, what comes in and goes out is copied.
    - `known(condition)`: the truth of a 0-d boolean array, or None where that cannot be asked.
    - `host(x)`: the values as a NumPy array.
    - `read`, `taken`, `added`: indexing by a basic index, by positions, and its transpose.
    - `families`: the canonical functions; later modules have precedence.
    """

    box_type: Any = None  # set by the frontend
    implementations_type: Any = Implementations
    following = None
    takes: ClassVar[tuple[type, ...]] = ()  # of other libraries' arrays, those that it reads
    adopts: Any = None  # makes arrays of NumPy's beside this library's into arrays of it
    call_with_rule: Any = None  # a call that has a user's rule, where the library's transforms run
    aligned: Any = None  # gives a cotangent the layout of its primal, which `layout` tells
    in_place = False  # a write makes a new array, which the box moves on to
    lends = False  # what a tape saves is never written into
    mutable = True
    operands: ClassVar[set[type]] = set()
    families: ClassVar[tuple[ModuleType, ...]] = (
        elementwise,
        reduce,
        shape,
        index,
        contract,
        linalg,
        fft,
    )

    def __init__(self, namespace: Any, array_type: type, device: Any) -> None:
        self.namespace = namespace
        self.name = namespace.__name__.removeprefix("array_api_compat.")
        self.converts = f"{self.name}.asarray(np.asarray(x))"  # of another library's array
        self.array_type = array_type
        self.device = device
        self.float64 = getattr(namespace, "float64", None)
        self.implementations = self.implementations_type(self)
        self.xp = SimpleNamespace(**(registry | self.bound(helpers)))
        vars(self.xp).update(zeros=self.zeros, ones=self.ones, eye=self.eye)
        vars(self.xp).update(conjugate=self.xp.conj, is_complex=self.is_complex, one_half=0.5)
        self.implementations.xp = self.xp

    # The library's functions

    def bound(self, family: ModuleType) -> dict[str, Callable[..., Any]]:
        """The functions of a file in this folder, for this library."""
        return {n: functools.partial(f, self) for n, f in functions_of(family).items()}

    def function(self, name: str) -> Callable[..., Any]:
        """The library's function of this name in the standard."""
        try:
            return getattr(self.namespace, name)
        except AttributeError:
            raise lacking(name, self.name, dir(self.namespace)) from None

    @property
    def linalg(self) -> Any:
        """The extension for linear algebra."""
        return self.function("linalg")

    @property
    def fft(self) -> Any:
        """The extension for Fourier transforms."""
        return self.function("fft")

    # Values that may not be known

    def known(self, condition: Any) -> bool | None:
        """The truth of a 0-d boolean array; None where it cannot be asked."""
        return bool(condition)

    def has_values(self, _: Any) -> bool:
        """Can the values of a raw array be looked at, computed where need be?"""
        return True

    def host(self, x: Any) -> Any:
        """The values of a raw array as a NumPy array of their own."""
        try:
            return np.array(np.from_dlpack(x))
        except (AttributeError, TypeError, RuntimeError, BufferError):
            return np.array(x)

    def computed(self, x: Any) -> Any:
        """The values of a raw array, for a solver that is not followed."""
        return self.host(x)

    def like(self, array: Any, value: Any) -> Any:
        """An array of NumPy's as one of the library's, on the device of `value`."""
        flat = self.asarray(array.reshape(-1), dtype=value.dtype, like=value)
        return self.namespace.reshape(flat, array.shape)

    # Indexing

    def read(self, x: Any, index: Any) -> Any:
        """`x` at a basic index."""
        parts = index if type(index) is tuple else (index,)
        if not any(part is ... for part in parts):
            parts = (*parts, ...)
        return x[parts]

    def taken(self, flat: Any, positions: Any) -> Any:
        """The elements of an array of one axis at positions, which may have any shape."""
        xp = self.namespace
        places = self.asarray(np.reshape(positions, -1), like=flat)
        return xp.reshape(xp.take(flat, places, axis=0), positions.shape)

    def added(self, values: Any, positions: Any, shape: tuple[int, ...]) -> Any:
        """Zeros of `shape`, with `values` added at positions in the flat array."""
        return index.added(self, values, positions, shape)

    # Numbers beside arrays

    def asarray(self, value: Any, dtype: Any = None, like: Any = None) -> Any:
        """A number, or an array of NumPy's, as an array of the library."""
        device = self.device if like is None else self.device_of(like)
        if isinstance(value, np.ndarray):
            dtype = getattr(self.namespace, value.dtype.name) if dtype is None else dtype
            value = value.tolist()
        return self.namespace.asarray(value, dtype=dtype, device=device)

    def promoted(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Both as arrays: a number in the dtype that the standard gives it beside an array."""
        x, y = self.mixed(x, y)
        if not hasattr(x, "dtype") and not hasattr(y, "dtype"):
            return self.asarray(x), self.asarray(y)
        if not hasattr(x, "dtype"):
            x = self._number(x, y)
        elif not hasattr(y, "dtype"):
            y = self._number(y, x)
        return x, y

    def _number(self, value: Any, beside: Any) -> Any:
        isdtype = self.namespace.isdtype
        dtype = beside.dtype
        if isdtype(dtype, "bool") or (isinstance(value, float) and isdtype(dtype, "integral")):
            dtype = None
        return self.asarray(value, dtype=dtype, like=beside)

    def mixed(self, x: Any, y: Any) -> tuple[Any, Any]:
        """`x` and `y`, a real array beside a complex number as a complex array."""
        if isinstance(y, complex) and hasattr(x, "dtype"):
            return self.as_complex(x), y
        if isinstance(x, complex) and hasattr(y, "dtype"):
            return x, self.as_complex(y)
        return x, y

    def mixed_product(self, x: Any, y: Any) -> Any:
        """`x @ y` of a real and a complex matrix."""
        dtype = self.namespace.result_type(x, y)
        return self.namespace.astype(x, dtype) @ self.namespace.astype(y, dtype)

    def running_product(self, x: Any, *, reverse: bool = False) -> Any:
        """The products of the elements up to each, or from it on, along the last axis."""
        xp = self.namespace
        if reverse:
            return xp.flip(self.running_product(xp.flip(x, axis=-1)), axis=-1)
        return xp.cumulative_prod(x, axis=-1)

    def as_complex(self, x: Any) -> Any:
        """A raw array in the complex dtype of its precision."""
        if self.is_complex(x.dtype):
            return x
        return self.namespace.astype(x, self.complex_dtype(x.dtype))

    def complex_dtype(self, dtype: Any) -> Any:
        """The complex dtype that has the precision of this one."""
        xp = self.namespace
        return xp.complex64 if dtype in (xp.float32, xp.complex64) else xp.complex128

    def real_dtype(self, dtype: Any) -> Any:
        """The real dtype that has the precision of this one."""
        xp = self.namespace
        if not self.is_complex(dtype):
            return dtype
        return xp.float32 if dtype == xp.complex64 else xp.float64

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """A choice between raw arrays or numbers."""
        return elementwise.where(self, condition, x, y)

    def real_zeros(self, shape: Any, like: Any) -> Any:
        """Zeros in the real dtype of a raw array."""
        dtype = self.real_dtype(like.dtype)
        return self.namespace.zeros(tuple(shape), dtype=dtype, device=self.device_of(like))

    @staticmethod
    def shape_together(*arrays: Any) -> tuple[int, ...]:
        """The shape that these broadcast to."""
        return np.broadcast_shapes(*(tuple(array.shape) for array in arrays))

    def zeros(self, shape: Any, dtype: Any) -> Any:
        """As the standard's."""
        return self.namespace.zeros(tuple(shape), dtype=dtype, device=self.device)

    def ones(self, shape: Any, dtype: Any) -> Any:
        """As the standard's."""
        return self.namespace.ones(tuple(shape), dtype=dtype, device=self.device)

    def eye(self, rows: int, columns: int | None = None, k: int = 0, dtype: Any = None) -> Any:
        """As the standard's; `bool` is the library's."""
        dtype = self.namespace.bool if dtype is bool else dtype
        made = None if dtype == self.namespace.bool else dtype
        eye = self.namespace.eye(rows, columns, k=k, dtype=made, device=self.device)
        return eye if made is dtype else self.namespace.astype(eye, dtype)

    def units(self, rows: int, size: int, first: int, dtype: Any) -> Any:
        """A matrix whose rows are unit vectors: the one numbered `first`, and those after it."""
        return self.eye(rows, size, first, dtype)

    @staticmethod
    def device_of(x: Any) -> Any:
        """Where a raw array lives."""
        return getattr(x, "device", None)

    # What the transforms ask

    def implementation(self, primitive: Any) -> Any:
        """What runs `primitive` on raw arrays."""
        return self.implementations[primitive.name]

    def refusal(self, value: Any) -> str | None:
        """Why `value` cannot be a leaf, or None where it can."""
        if self.is_array(value) or type(value) in (bool, int, float, complex):
            return None
        return refusal(self, value)

    def is_array(self, value: Any) -> bool:
        """Is it an array of this library?"""
        return isinstance(value, self.array_type) and type(value) not in core.box_types

    def differentiable(self, value: Any) -> bool:
        """Is this leaf of a floating-point or complex dtype?"""
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            return isinstance(value, (float, complex))
        return self.namespace.isdtype(dtype, ("real floating", "complex floating"))

    def enter(self, value: Any, _: Any = None) -> Any:
        """A primal as a transform holds it."""
        return self.copy(value) if hasattr(value, "dtype") else self.asarray(value)

    def cast(self, value: Any, dtype: Any) -> Any:
        """A number or array as an array of `dtype`, never the same memory."""
        if hasattr(value, "dtype"):
            return self.copy(value) if dtype is None else self.namespace.astype(value, dtype)
        return self.asarray(value, dtype=dtype)

    def aval(self, value: Any) -> tuple[tuple[int, ...], Any]:
        """Shape and dtype."""
        if hasattr(value, "dtype"):
            return value.shape, value.dtype
        return (), self.asarray(value).dtype

    def copy(self, value: Any) -> Any:
        """`value`, which no later write reaches."""
        if type(value) in core.box_types:
            return core.same_box(value)
        if self.mutable and self.is_array(value):
            return self.namespace.asarray(value, copy=True)
        return value

    copy_examples = copy

    def copy_like(self, cotangent: Any, _: Any) -> Any:
        """A copy; layouts are the library's own."""
        return self.copy(cotangent)

    @staticmethod
    def copies(_: Any) -> bool:
        """The tape copies plain arrays: nothing tells whether they change."""
        return True

    @staticmethod
    def is_view(_: Any, __: Any) -> bool:
        """No: a write makes a new array, and never changes another."""
        return False

    def is_number(self, value: Any) -> bool:
        """Is this no array?"""
        return not hasattr(value, "dtype")

    def is_complex(self, dtype: Any) -> bool:
        """Is this dtype a complex one?"""
        return self.namespace.isdtype(dtype, "complex floating")

    def is_integral(self, value: Any) -> bool:
        """Is this a raw array of integers?"""
        return self.namespace.isdtype(value.dtype, "integral")

    def is_complex_array(self, value: Any) -> bool:
        """Is this a raw array of a complex dtype?"""
        return hasattr(value, "dtype") and self.is_complex(value.dtype)

    def conjugate(self, value: Any) -> Any:
        """The conjugate of an array or number."""
        return self.xp.conj(value) if hasattr(value, "dtype") else value.conjugate()

    def has_zeros(self, cotangent: Any) -> bool:
        """May any element be exactly zero?"""
        return self.known(self.namespace.any(core.raw(cotangent) == 0)) is not False

    def keep_zeros(self, product: Any, cotangent: Any) -> Any:
        """`product`, but zero wherever `cotangent` is: a branch not taken contributes nothing."""
        if self.known(self.namespace.any(self.namespace.isnan(core.raw(product)))) is False:
            return product
        return self.xp.where(cotangent == 0, 0, product)

    @staticmethod
    def quiet() -> Any:
        """Rules divide by zero where the mathematics does: no warning from a walk back."""
        return np.errstate(all="ignore")

    def own(self, value: Any, held: int = 0) -> Any:  # noqa: ARG002 (what others look at)
        """`value` for a caller: sharing memory with nothing, as far as it can be written into."""
        return self.copy(value)

    def written(self, x: Any, index_: Any, value: Any) -> Any:
        """What `x` is after `x[index] = value`, for a value that has the shape of that part."""
        shape = tuple(x.shape)
        flat = index.places(shape, index_)
        source = np.full(shape, -1)
        source.reshape(-1)[flat.reshape(-1)] = np.arange(flat.size)
        mask = self.asarray(source >= 0, like=core.raw(x))
        if hasattr(value, "dtype"):
            values = self.xp.reshape(value, (flat.size,))
            value = self.xp.getitem(values, index=np.maximum(source, 0)) if flat.size else x
        return self.xp.where(mask, value, x)

    def check_mutable(self, what: str) -> None:
        """Raise the library's own kind of error if its arrays cannot be written into."""
        if not self.mutable:
            raise TypeError(
                f"{what}: arrays of {self.name} are immutable; write xp.where(mask, v, x), or "
                "build the array with xp.concat or xp.stack"
            )

    @staticmethod
    def outside() -> Any:
        """Entered while code that is none of the program's runs."""
        return contextlib.nullcontext()

    @staticmethod
    def inside(_: Any) -> Any:
        """Entered while rules run on the boxes of a trace that runs no program."""
        return contextlib.nullcontext()

    @staticmethod
    def start(_: Any, __: Any) -> Any:
        """Begin to run a function: what it makes may be written into."""
        return _running.set(_running.get() + 1)

    @staticmethod
    def stop(token: Any) -> None:
        """End what `start` began."""
        _running.reset(token)


def is_running() -> bool:
    """Does a transform run a function here?"""
    return _running.get() > 0


def backend_for(leaf: Any) -> ArrayApiBackend:
    """The backend that an array belongs to."""
    key = type(leaf), ArrayApiBackend.device_of(leaf)
    if key not in _backends:
        importlib.import_module("pullback.frontends.array_api")
        _backends[key] = backend_like(leaf, ArrayApiBackend)
    return _backends[key]


# By the type and the device of the arrays.
_backends: dict[tuple[type, Any], ArrayApiBackend] = {}


def backend_like(leaf: Any, kind: type[ArrayApiBackend]) -> ArrayApiBackend:
    """A new backend of class `kind` for arrays like this one."""
    backend = kind(namespace_of(leaf), type(leaf), kind.device_of(leaf))
    box = importlib.import_module("pullback.frontends.array_api.box")
    backend.box_type = box.box_type_for(leaf)
    core.implementations.setdefault(type(leaf), backend.implementations)
    return backend


def namespace_of(leaf: Any) -> Any:
    """The namespace of the standard's functions for an array of any library."""
    own = getattr(leaf, "__array_namespace__", None)
    if own is not None:
        return own()
    try:
        compat = importlib.import_module("array_api_compat")
    except ImportError as error:
        raise TypeError(
            f"{type(leaf).__module__} has no namespace of the array API standard of its own: "
            "pip install array-api-compat, which gives it one"
        ) from error
    return compat.array_namespace(leaf)


__all__ = ["ArrayApiBackend", "backend_for", "is_running", "lacking", "namespace_of"]
