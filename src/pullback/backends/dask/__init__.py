"""Dask arrays: primitives add to a graph, and nothing is computed.

A Dask array has no values yet: what the transforms would ask of values (is any exactly zero, is any
nan) is decided where a block is computed, or answered by what is right for all values.  Shapes on
the tape remember the chunks (see `chunks.py`), so that a cotangent is chunked as its primal.
"""

from __future__ import annotations

import importlib
import math
from types import ModuleType
from typing import Any, ClassVar

import dask.array as da
import numpy as np

from ... import core
from ...errors import UnsupportedError
from ...ops import along
from ..array_api import ArrayApiBackend, Implementations, lacking
from ..libraries import captured, library_of
from . import blocks, blockwise, contract, index, linalg, reduce, shape
from .chunks import as_dask, chunks_for, fresh, marked


class DaskImplementations(Implementations):
    """Primitive's name -> what runs it on Dask arrays, whose results know their chunks."""

    def __init__(self, backend: DaskBackend) -> None:
        super().__init__(backend)
        for name, function in self.items():
            self[name] = _noting_chunks(name, function)

    def __missing__(self, name: str) -> Any:
        raise UnsupportedError(
            f"{lacking(name, self.library)}; or run it on NumPy blocks, with x.map_blocks(function)"
        )


def _noting_chunks(name: str, function: Any) -> Any:
    def run(*args: Any, **params: Any) -> Any:
        out = function(*args, **params)
        if type(out) is not da.Array:
            return tuple(map(marked, out)) if isinstance(out, tuple) else out
        if any(map(math.isnan, out.shape)):
            raise UnsupportedError(
                f"{name}: an array of unknown shape {out.shape} cannot be differentiated; give it "
                "its shape with x.compute_chunk_sizes(), which computes the mask that made it"
            )
        return marked(out)

    return run


class DaskBackend(ArrayApiBackend):
    """Answers for Dask arrays."""

    takes = (np.ndarray, np.generic)
    families: ClassVar[tuple[ModuleType, ...]] = (
        *ArrayApiBackend.families,
        blockwise,
        reduce,
        shape,
        index,
        contract,
        linalg,
        blocks,
    )

    def __init__(self) -> None:
        super().__init__(importlib.import_module("array_api_compat.dask.array"), da.Array, None)
        self.converts = "da.from_array(np.asarray(x))"
        self.implementations = DaskImplementations(self)
        vars(self.xp).update(blocks.PRIMITIVES, tril=self.tril)
        vars(self.xp).update(take_along=along.take_along, add_along=along.add_along)
        self.implementations.xp = self.xp

    # Values, which are not known

    def known(self, condition: Any) -> bool | None:
        """Never: to ask would compute."""
        return None

    def host(self, x: Any) -> Any:
        """Not without computing `x`."""
        if isinstance(x, da.Array):
            raise UnsupportedError(
                "a Dask array as an index has to be computed, which pullback leaves to the "
                "program: write x[i.compute()], or da.where(mask, x, 0) for x[mask]"
            )
        return np.array(x)

    def computed(self, x: Any) -> Any:
        """The values of a raw array: a solver's steps depend on them, so they are computed."""
        return np.asarray(x)

    def has_zeros(self, cotangent: Any) -> bool:
        """May any element be exactly zero? Only of numbers given to `cast` is it known."""
        raw = core.raw(cotangent)
        return not (isinstance(raw, da.Array) and vars(raw).get(_NONZERO, False))

    def keep_zeros(self, product: Any, cotangent: Any) -> Any:
        """`product`, but zero wherever `cotangent` is: decided block by block."""
        if type(product) in core.box_types or type(cotangent) in core.box_types:
            return self.xp.where(cotangent == 0, 0, product)
        return marked(blockwise.kept_zeros(product, cotangent))

    # Arrays in and out

    def asarray(self, value: Any, dtype: Any = None, like: Any = None) -> Any:
        """A number, or an array of NumPy's, as a Dask array."""
        return marked(as_dask(np.asarray(value, dtype)))

    def adopts(self, value: Any) -> Any:
        """NumPy's arrays as Dask arrays of one block; anything else as it is."""
        if library_of(value) == "numpy" and type(value) in core.box_types:
            raise captured(self.name)  # the transform that follows it has to start again
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fciub":
            return self.asarray(value)
        return value

    def refusal(self, value: Any) -> str | None:
        """Why `value` cannot be a leaf, or None where it can."""
        if self.is_array(value):
            if any(map(math.isnan, value.shape)):
                return (
                    f"got an array of unknown shape {value.shape}; call x.compute_chunk_sizes() "
                    "before the transform, or write da.where(mask, x, 0) for x[mask]"
                )
            return None
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fciub":
            return None
        return super().refusal(value)

    def differentiable(self, value: Any) -> bool:
        """Is this leaf of a floating-point or complex dtype?"""
        dtype = getattr(value, "dtype", None)
        return isinstance(value, (float, complex)) if dtype is None else dtype.kind in "fc"

    def enter(self, value: Any, trace: Any = None) -> Any:
        """A primal as a transform holds it."""
        return self.copy(value) if self.is_array(value) else self.as_leaf(value)

    def as_leaf(self, value: Any) -> Any:
        """A box as it is; a number or NumPy's array as a Dask array."""
        return self.copy(value) if type(value) in core.box_types else self.asarray(value)

    def cast(self, value: Any, dtype: Any) -> Any:
        """A number or array as a Dask array of `dtype`."""
        if self.is_array(value):
            return marked(fresh(value if dtype is None else value.astype(dtype)))
        array = self.asarray(value, dtype=dtype)
        vars(array)[_NONZERO] = type(value) in (int, float, complex) and value != 0
        return array

    def copy(self, value: Any) -> Any:
        """`value`, which no later write (`x[i] = v` gives the object another graph) reaches."""
        if type(value) in core.box_types:
            return core.same_box(value)
        return marked(fresh(value)) if self.is_array(value) else value

    copy_examples = copy

    def own(self, value: Any, held: int = 0) -> Any:
        """`value` for a caller."""
        return fresh(value) if self.is_array(value) else self.copy(value)

    @staticmethod
    def layout(value: Any) -> Any:
        """The chunks of a primal."""
        return value.chunks

    def aligned(self, value: Any, chunks: Any) -> Any:
        """`value` in the chunks of its primal."""
        if not hasattr(core.raw(value), "chunks"):
            return value
        if type(value) in core.box_types:
            return self.xp.rechunk(value, chunks={i - len(chunks): c for i, c in enumerate(chunks)})
        return value if value.chunks == chunks else value.rechunk(chunks)

    def zeros(self, shape: Any, dtype: Any) -> Any:
        """In the chunks that the shape knows, or Dask's own choice."""
        return self._filled(shape, 0, dtype)

    def ones(self, shape: Any, dtype: Any) -> Any:
        """The same, of ones."""
        return self._filled(shape, 1, dtype)

    def real_zeros(self, shape: Any, like: Any) -> Any:
        """Zeros in the real dtype of a raw array."""
        return self.zeros(shape, self.real_dtype(like.dtype))

    @staticmethod
    def _filled(shape: Any, value: int, dtype: Any) -> Any:
        return marked(blockwise.full(tuple(shape), value, dtype, chunks_for(shape, dtype)))

    def eye(self, rows: int, columns: int | None = None, k: int = 0, dtype: Any = None) -> Any:
        """As NumPy's."""
        return self.units(rows, rows if columns is None else columns, k, dtype)

    def units(self, rows: int, size: int, first: int, dtype: Any) -> Any:
        """A matrix whose rows are unit vectors: the one numbered `first`, and those after it."""
        places = blockwise.arange(rows, None) + first
        equal = places[:, None] == blockwise.arange(size, None)[None, :]
        return marked(equal.astype(float if dtype is None else dtype))

    def below_diagonal(self, shape: Any, k: int) -> Any:
        """A mask of the matrix's triangle below the diagonal `k`, with it."""
        chunks = chunks_for(shape, bool)
        rows, columns = (blockwise.arange(shape[i], chunks[i]) for i in (-2, -1))
        return marked(columns[None, :] - rows[:, None] <= k)

    def tril(self, x: Any, k: int = 0) -> Any:
        """The lower triangle of each matrix."""
        return self.xp.where(self.below_diagonal(x.shape, k), x, 0)

    def written(self, x: Any, index_: Any, value: Any) -> Any:
        """What `x` is after `x[index] = value`, for a value that has the shape of that part."""
        raw = core.raw(x)
        lead = core_lead(x)
        mask = marked(index.mask_of(raw.chunks[lead:], index_))
        if hasattr(value, "dtype") and value.shape:
            index.check_once(index_, tuple(x.shape))
            value = self.xp.unindex(value, shape=mask.shape, index=index_)
        return self.xp.where(mask, value, x)


def core_lead(value: Any) -> int:
    """How many batch axes the raw array in a box has in front."""
    lead = 0
    while type(value) in core.box_types:
        lead += value.tracer.lead
        value = value.value
    return lead


_NONZERO = "pullback_nonzero"
backend = DaskBackend()


def backend_for(_: Any) -> DaskBackend:
    """The backend of a Dask array."""
    importlib.import_module("pullback.frontends.dask")
    core.implementations.setdefault(da.Array, backend.implementations)
    return backend


__all__ = ["DaskBackend", "as_dask", "backend", "backend_for"]
