"""Python functions of single elements, called on arrays: `np.vectorize` and `np.frompyfunc`.

Each call gets the elements as NumPy would give them, the traced ones still traced, and the results
are put together to one array for each output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .buffers import as_buffer
from .dispatch import as_array, is_box


def is_of_python(ufunc: Any) -> bool:
    """Was this ufunc made by `np.frompyfunc`?"""
    return bool(ufunc.types) and set("".join(ufunc.types)) <= set("O->")


def call_of_python(ufunc: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What `np.frompyfunc(f, nin, nout)` gives, as arrays of numbers rather than of objects."""
    if kwargs:
        raise TypeError(
            f"a function made by np.frompyfunc takes no {sorted(kwargs)} on traced arrays"
        )

    def call(*elements: Any) -> Any:
        boxed = [_object(element) for element in elements]
        results = ufunc(*boxed)
        return tuple(part.item() for part in results) if ufunc.nout > 1 else results.item()

    outputs = map_elements(call, args, ufunc.nout)
    return outputs if ufunc.nout > 1 else outputs[0]


def _object(element: Any) -> Any:
    """One element in an array of objects, which a ufunc of Python passes on as it is."""
    array = np.empty((1,), object)
    array[0] = element
    return array


def map_elements(
    function: Callable[..., Any],
    args: Sequence[Any],
    count: int | None = None,
    dtypes: Sequence[Any] | None = None,
) -> tuple[Any, ...]:
    """`function` of the elements of the broadcast `args`: a tuple of its outputs as arrays.

    Args:
        function: Takes one element of each argument; returns a number, or a tuple of them.
        args: Arrays, traced or not.
        count: How many outputs there are; by default the first call tells.
        dtypes: The outputs' dtypes; by default each is that of its own first element.
    """
    arrays = [as_array(arg) for arg in args]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    columns = [_elements(array, shape) for array in arrays]
    return gather([function(*row) for row in zip(*columns, strict=True)], shape, count, dtypes)


def map_parts(vectorized: Any, function: Callable[..., Any], args: Sequence[Any]) -> Any:
    """`np.vectorize(..., signature=...)`: `function` of parts that have axes of their own."""
    inputs, outputs = vectorized._in_and_out_core_dims  # noqa: SLF001
    if len(args) != len(inputs):
        raise TypeError(
            f"wrong number of positional arguments: expected {len(inputs)!r}, got {len(args)!r}"
        )
    arrays = [as_array(arg) for arg in args]
    sizes: dict[str, int] = {}
    for array, names in zip(arrays, inputs, strict=True):
        _match_sizes(sizes, array.shape, names)
    leads = [
        array.shape[: array.ndim - len(names)] for array, names in zip(arrays, inputs, strict=True)
    ]
    shape = np.broadcast_shapes(*leads)
    arrays = [
        np.broadcast_to(array, shape + array.shape[len(lead) :])
        for array, lead in zip(arrays, leads, strict=True)
    ]
    rows = [function(*(array[index] for array in arrays)) for index in np.ndindex(*shape)]
    for row in rows[:1]:
        parts = row if isinstance(row, tuple) else (row,)
        if len(parts) != len(outputs):
            raise ValueError(
                f"wrong number of outputs from pyfunc: expected {len(outputs)}, got {len(parts)}"
            )
        for part, names in zip(parts, outputs, strict=True):
            _match_sizes(sizes, np.shape(part), names)
    gathered = gather(rows, shape, len(outputs), vectorized.otypes)
    return gathered if len(outputs) > 1 else gathered[0]


def _match_sizes(sizes: dict[str, int], shape: tuple[int, ...], names: Sequence[str]) -> None:
    """Note the sizes of the named last axes of `shape`, which must agree wherever a name stands."""
    if len(shape) < len(names):
        raise ValueError(
            f"{len(shape)}-dimensional argument does not have enough dimensions for all core "
            f"dimensions {tuple(names)!r}"
        )
    for name, size in zip(names, shape[len(shape) - len(names) :], strict=True):
        if sizes.setdefault(name, size) != size:
            raise ValueError(
                f"inconsistent size for core dimension {name!r}: {size!r} vs {sizes[name]!r}"
            )


def call_vectorized(vectorized: Any, func: Callable[..., Any], args: Sequence[Any]) -> Any:
    """What an `np.vectorize` object gives, for traced elements and results too."""
    if vectorized.signature is not None:
        return map_parts(vectorized, func, args)
    if not args:
        return func()
    dtypes = vectorized.otypes
    outputs = map_elements(func, args, None if dtypes is None else len(dtypes), dtypes)
    return outputs[0] if len(outputs) == 1 else outputs


def gather(
    rows: Sequence[Any],
    shape: tuple[int, ...],
    count: int | None = None,
    dtypes: Sequence[Any] | None = None,
) -> tuple[Any, ...]:
    """The results of calls as one array of `shape` for each output, as NumPy types them."""
    if not rows and dtypes is None:
        raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
    if count is None:
        count = len(rows[0]) if rows and isinstance(rows[0], tuple) else len(dtypes or ()) or 1
    columns = [[*rows]] if count == 1 else [[*column] for column in zip(*rows, strict=True)]
    columns = columns or [[] for _ in range(count)]
    kinds = [None] * count if dtypes is None else dtypes
    return tuple(
        _assemble(column, shape, kind) for column, kind in zip(columns, kinds, strict=True)
    )


def _elements(array: Any, shape: tuple[int, ...]) -> list[Any]:
    if not is_box(array):
        return np.broadcast_to(array, shape).ravel().astype(object).tolist()
    flat = np.broadcast_to(array, shape).reshape(-1)
    return [flat[i] for i in range(flat.shape[0])]


def _assemble(elements: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    if dtype is None:
        dtype = as_array(elements[0]).dtype
    if not any(map(is_box, elements)):
        return as_buffer(np.array(elements, dtype).reshape(shape))
    inner = as_array(elements[0]).shape
    stacked = np.stack([as_array(element) for element in elements])
    return stacked.astype(dtype).reshape(shape + inner)
