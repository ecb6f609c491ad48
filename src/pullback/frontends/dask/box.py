"""The box that stands for a traced Dask array: its attributes, and NumPy's protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np

from ...backends.dask import DaskBackend, backend
from ...callers import where
from ...core import Box, box_types
from ...errors import ConversionError, UnsupportedError
from ..array_api.box import StandardMethods
from .dispatch import call, functions


class DaskBox(StandardMethods, Box):
    """A traced Dask array."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            raise UnsupportedError(
                f"np.{ufunc.__name__}.{method} of a traced Dask array has no derivative rule in "
                "pullback: write the function (np.sum, np.cumsum, an outer product)"
            )
        return call(ufunc.__name__, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        _, _, module = (getattr(function, "__module__", None) or "numpy").partition("numpy.")
        return call(f"{module}.{function.__name__}" if module else function.__name__, args, kwargs)

    # What the array is: under `vmap`, one example's

    @property
    def shape(self) -> Any:
        lead = self.tracer.lead
        shape = self.value.shape
        return tuple(shape)[lead:] if lead else shape

    @property
    def chunks(self) -> Any:
        """The sizes of the blocks along each axis."""
        return self.value.chunks[self.tracer.lead :]

    @property
    def numblocks(self) -> tuple[int, ...]:
        """The number of blocks along each axis."""
        return tuple(map(len, self.chunks))

    @property
    def npartitions(self) -> int:
        """The number of blocks."""
        return int(np.prod(self.numblocks))

    @property
    def chunksize(self) -> tuple[int, ...]:
        """The largest size of a block along each axis."""
        return tuple(max(sizes) for sizes in self.chunks)

    @property
    def T(self) -> Any:
        return functions["transpose"](self)

    @property
    def real(self) -> Any:
        """The real part."""
        return functions["real"](self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return functions["imag"](self)

    # What Dask asks of its collections: it would lose the derivative

    def __dask_graph__(self) -> Any:
        return self.to_dask_array().__dask_graph__()

    def to_dask_array(self, **_: Any) -> Any:
        """The array itself where nothing follows it: Dask's functions ask for it."""
        return self._constant(
            "use as a collection of Dask's (in dask.compute, in X.dot(w) for X @ w, or in a "
            "function of dask.array that is not called as da.name)"
        )

    def __dask_tokenize__(self) -> Any:
        return self.to_dask_array().__dask_tokenize__()

    @property
    def _elemwise(self) -> Any:
        raise ConversionError(
            f"a ufunc of dask.array was imported by name and given a value traced by pullback."
            f"{self.tracer.name}, at {where()}: call it as da.name(x), or NumPy's np.name(x)"
        )

    def compute(self, **options: Any) -> Any:
        """The values, of a constant: Dask computes."""
        return self._constant(".compute()").compute(**options)

    def item(self) -> Any:
        """The value of a constant."""
        return self._constant(".item()").compute().item()

    @property
    def flags(self) -> Any:
        raise AttributeError("a Dask array has no flags")

    def __bool__(self) -> bool:
        return StandardMethods.__bool__(self)

    def __getattr__(self, name: str) -> Any:
        if name[0] == "_" or not hasattr(da.Array, name):
            raise AttributeError(f"a Dask array has no attribute {name!r}")
        raise AttributeError(
            f"x.{name} of a traced Dask array is not followed by pullback: write it in the "
            "functions that docs/dask.md lists, or on pullback.stop_gradient(x)"
        )


def method(name: str, function: Callable[..., Any]) -> None:
    """Give the box a method."""
    setattr(DaskBox, name, function)


def named(*names: str) -> None:
    """Give the box methods that are the functions of these names, with the array first."""
    for name in names:
        method(name, _method(name))


def _method(name: str) -> Callable[..., Any]:
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call(name, (self, *args), kwargs)

    run.__name__ = name
    run.__doc__ = f"As `da.{name}` with this array first."
    return run


box_types.add(DaskBox)
DaskBackend.box_type = DaskBox
DaskBackend.operands = {DaskBox, da.Array, bool, int, float, complex}
assert backend.box_type is DaskBox
