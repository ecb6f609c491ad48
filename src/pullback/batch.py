"""Batching: a trace whose values have one value an example on a leading axis, and `vmap`.

A box of this trace looks like one example; what it holds has the batch axis in front.  How an op
takes that axis is part of its declaration (see `ops/lift.py`), and is itself made of ops, so outer
transforms follow it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import optree

from . import border, tree
from .backends import backend_of, with_backend
from .callers import where
from .chunks import checked_size
from .core import Box, Primitive, Trace, box_types, escaped, new_box
from .errors import BatchingError, ConversionError, UnsupportedError
from .mutate import BufferTrace, View, boxes_of, follow, put, writable
from .ops.lift import each_example, filled, lifted_index, spread, with_operands


class _NotGiven:
    """What an argument that was not given is, where None has a meaning."""

    def __repr__(self) -> str:
        return "<not given>"


_NOT_GIVEN: Any = _NotGiven()


class BatchTrace(Trace):
    """Runs every primitive on all examples at once.

    A box's index counts the writes into it; it is 0 for a number, which nothing can write into.
    """

    __slots__ = ("size",)

    lead = 1

    def __init__(self, name: str, backend: Any, size: int) -> None:
        super().__init__(name)
        self.backend = backend
        self.size = size

    def box(self, value: Any, index: int | None = None) -> Box:
        """A box for `value`, which has the batch axis in front; a number if it is one axis only."""
        if index is None:
            index = int(value.ndim > 1)
        return new_box(self.backend.box_type, self, value, index)

    def process(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Run `primitive` on the whole batch."""
        if self.ended:
            raise escaped(self)
        if primitive.batch is None:
            raise BatchingError(
                f"pullback.vmap: the op {primitive.name!r} has no batching rule, at {where()}. Use "
                "ops that have one, or run the function example by example, with "
                "vmap(..., fallback='loop')."
            )
        batched = [type(arg) in box_types and arg.tracer is self for arg in args]
        values = [arg.value if b else arg for arg, b in zip(args, batched, strict=True)]
        out = primitive.batch(primitive, values, batched, params, self.size)
        if primitive.outputs is not None:
            return tuple(self.box(part) for part in out)
        for arg, value in zip(args, values, strict=True):
            if arg is not value and self.backend.is_view(out, value):
                return self._view(primitive, params, arg, out)
        return self.box(out)

    def _view(self, primitive: Primitive, params: dict[str, Any], base: Box, out: Any) -> Box:
        index = params.get("index")
        parts = index if type(index) is tuple else (index,)
        if out.ndim == 1 and "index" in params and not any(part is ... for part in parts):
            # An element is a number: later writes do not change it.
            return self.box(self.backend.copy(out))
        box = self.box(out, 1)
        box.alias = View(base, primitive, params)
        return box

    def lift(self, box: Any) -> Box:
        """A box around what has no batch axis and is about to be written into: a copy."""
        return self.box(self.backend.copy(spread(box, batched=False, size=self.size)), 1)

    def write(self, root: Box, steps: Any, index: Any, value: Any) -> None:
        """Write `value` to the part `index` of the view of `root` that `steps` lead to."""
        if self.ended:
            raise escaped(self)
        batched = type(value) in box_types and value.tracer is self
        value = value.value if batched else value
        root.value = writable(root.value, value)
        part = follow(steps, self.box(root.value, 1))
        if boxes_of(index):
            index, value = self._at_indices(index, value, batched, part.ndim)
        else:
            index = lifted_index(index, self.size)
        put(self, part.value, index, value)
        root.index += 1

    def _at_indices(self, index: Any, value: Any, batched: bool, ndim: int) -> tuple[Any, Any]:
        """A write at `index`, which has batched arrays in it, as one into the whole batch."""
        template, arrays = with_operands(index)
        mine = [array.tracer is self for array in arrays]
        arrays = [array.value if m else array for array, m in zip(arrays, mine, strict=True)]
        template, arrays, order = each_example(template, arrays, mine, self.size, ndim)
        if order is not None:
            value = spread(value, batched, self.size)
            value = self.backend.xp.transpose(
                value, sorted(range(len(order)), key=order.__getitem__)
            )
        return filled(template, arrays), value


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    *,
    in_axes: Any = _NOT_GIVEN,
    out_axes: Any = _NOT_GIVEN,
    chunk_size: int | None = None,
    fallback: str | None = None,
) -> Callable[..., Any]:
    """A function that runs `func` on every example of a batch at once.

    Args:
        func: A function of arrays, or of trees of arrays, written for one example.
        in_dims: Which axis of the arguments counts the examples: an int for all, or a tuple with
            an int, None or a tree of them for each argument. An int or None holds for a whole
            subtree; None passes it to every example as it is. Keyword arguments are so passed.
        out_dims: Where the outputs have that axis: an int, or a tree of ints like the output. None
            asks for an output that is the same for every example, without the axis.
        in_axes: Another name of `in_dims`.
        out_axes: Another name of `out_dims`.
        chunk_size: How many examples to run at a time, to bound the memory; all by default.
        fallback: "loop" runs `func` once an example where it cannot be batched: a branch on a
            value, a shape that depends on values, a function of another library. `func` is then
            called anew, with plain values, once for each example.

    Returns:
        A function of the same arguments, whose outputs are `func`'s with one more axis. They are
        arrays of their own, also where an output does not depend on the example.

    Raises:
        ValueError: If `in_dims`, `out_dims` or `chunk_size` is no such thing, an argument has not
            the axis, the sizes differ, or there is nothing to map over.
        TypeError: If an output is no array or number.
        BatchingError: (a TypeError) If something in `func` cannot be done for all examples at once.

    Example:
        >>> import numpy as np, pullback
        >>> rows = np.arange(6.0).reshape(3, 2)
        >>> pullback.vmap(np.dot, in_dims=(0, None))(rows, np.ones(2)).tolist()
        [1.0, 5.0, 9.0]
        >>> pullback.vmap(pullback.grad(lambda w, x: np.dot(w, x) ** 2), (None, 0))(
        ...     np.ones(2), rows).tolist()
        [[0.0, 2.0], [20.0, 30.0], [72.0, 90.0]]
    """
    in_dims = _one_name("in", in_dims, in_axes)
    out_dims = _one_name("out", out_dims, out_axes)
    chunk_size = checked_size("vmap", chunk_size)
    if fallback not in (None, "loop"):
        raise ValueError(f"pullback.vmap: fallback must be 'loop' or None, got {fallback!r}")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        batch = _Batch(func, args, kwargs, in_dims, out_dims)
        size = batch.size
        steps = range(0, size, chunk_size) if chunk_size and size else (0,)
        parts = [
            batch.run(start, min(start + (chunk_size or size), size), fallback) for start in steps
        ]
        return parts[0] if len(parts) == 1 else batch.joined(parts)

    return batched


def _one_name(which: str, dims: Any, axes: Any) -> Any:
    if axes is _NOT_GIVEN:
        return dims
    if type(dims) is not int or dims:
        raise ValueError(f"pullback.vmap: give {which}_dims or {which}_axes, not both")
    return axes


class _Batch:
    """One call of a function made by `vmap`."""

    def __init__(
        self, func: Callable[..., Any], args: Any, kwargs: Any, in_dims: Any, out_dims: Any
    ) -> None:
        self.func = func
        self.kwargs = kwargs
        self.out_dims = out_dims
        self.leaves, self.structure = tree.flatten(args)
        self.backend = backend_of(self.leaves)
        self.dims = _in_dims(in_dims, args)
        self.size = self._checked_size(in_dims)

    def _checked_size(self, in_dims: Any) -> int:
        """The number of examples, which all mapped leaves have to agree on."""
        if not self.leaves:
            raise ValueError("pullback.vmap: there is no argument to map over")
        sizes: dict[str, int] = {}
        self.leaves = [*map(border.entering, self.leaves)]
        for place, (leaf, dim) in enumerate(zip(self.leaves, self.dims, strict=True)):
            if dim is None:
                continue
            path = tree.path_of(self.structure, place, "args")
            shape = self._shape(leaf, path)
            if not -len(shape) <= dim < len(shape):
                raise ValueError(
                    f"pullback.vmap: {path}: in_dims is {dim} there, but its shape is {shape}; "
                    "pass None for what is the same for every example"
                )
            sizes[path] = shape[dim]
        if not sizes:
            raise ValueError(
                f"pullback.vmap: in_dims={in_dims!r} maps over no argument; at least one must "
                "have an axis that counts the examples"
            )
        if len(set(sizes.values())) > 1:
            got = ", ".join(f"{size} for {path}" for path, size in sizes.items())
            raise ValueError(f"pullback.vmap: the mapped axes must have the same size, got {got}")
        return next(iter(sizes.values()))

    def _shape(self, leaf: Any, path: str) -> tuple[int, ...]:
        if type(leaf) not in box_types and (why := self.backend.refusal(leaf)) is not None:
            raise ValueError(f"pullback.vmap: {path}: {why} to map over; pass None as its in_dims")
        return self.backend.aval(leaf)[0]

    def run(self, start: int, stop: int, fallback: str | None) -> Any:
        """The outputs of the examples from `start` to `stop`."""

        def in_library(backend: Any) -> Any:
            self.backend = backend
            if backend.adopts is not None:
                self.leaves = [*map(backend.adopts, self.leaves)]
            return self._run(start, stop, fallback)

        return with_backend(self.leaves, in_library)

    def _run(self, start: int, stop: int, fallback: str | None) -> Any:
        if fallback is None:
            return self.at_once(start, stop)
        try:
            return self.at_once(start, stop)
        except (UnsupportedError, ConversionError):
            if start == stop:
                raise
            return self.one_by_one(start, stop)

    def at_once(self, start: int, stop: int) -> Any:
        """Those outputs, from one run."""
        trace = BatchTrace("vmap", self.backend, stop - start)
        backend = self.backend
        # What all examples share may be written into, and be read at indices that differ.
        shared = BufferTrace(backend)
        leaves = [
            shared.box(backend.copy(leaf))
            if dim is None
            else trace.box(self._part(leaf, dim, start, stop))
            for leaf, dim in zip(self.leaves, self.dims, strict=True)
        ]
        try:
            call = functools.partial(self.func, **self.kwargs)
            out = border.run(trace, self.func, call, *tree.unflatten(self.structure, leaves))
            del leaves
            out_leaves, structure = tree.flatten(out)
            dims = _out_dims(self.out_dims, out, out_leaves)
            del out
            border.refresh_views(out_leaves)
            for place, dim in enumerate(dims):
                path = tree.path_of(structure, place, "output")
                out_leaves[place] = _leaving(trace, out_leaves[place], dim, path)
        finally:
            trace.ended = True
        return tree.unflatten(structure, out_leaves)

    def _part(self, leaf: Any, dim: int, start: int, stop: int) -> Any:
        """The examples from `start` to `stop` with their axis in front, in memory of its own."""
        xp = self.backend.xp
        return self.backend.copy_examples(
            xp.getitem(xp.moveaxis(leaf, dim, 0), index=slice(start, stop))
        )

    def one_by_one(self, start: int, stop: int) -> Any:
        """Those outputs, from one run an example on plain values."""
        xp = self.backend.xp
        results: list[list[Any]] = []
        structure, dims = None, []
        for i in range(start, stop):
            leaves = [
                self.backend.copy(
                    leaf if dim is None else xp.getitem(xp.moveaxis(leaf, dim, 0), index=i)
                )
                for leaf, dim in zip(self.leaves, self.dims, strict=True)
            ]
            call = functools.partial(self.func, **self.kwargs)
            plain = BatchTrace("vmap", self.backend, 1)  # follows nothing
            out = border.run(plain, self.func, call, *tree.unflatten(self.structure, leaves))
            out_leaves, got = tree.flatten(out)
            dims = _out_dims(self.out_dims, out, out_leaves)
            if structure is not None and got != structure:
                raise ValueError(
                    f"pullback.vmap: example {i} returned the tree {got}, others {structure}"
                )
            structure = got
            results.append(out_leaves)
        stacked = [
            rows[0] if dim is None else _stacked(self.backend, rows, dim)
            for rows, dim in zip(zip(*results, strict=True), dims, strict=True)
        ]
        return tree.unflatten(structure, stacked)

    def joined(self, parts: list[Any]) -> Any:
        """The outputs of all chunks as one."""
        xp = self.backend.xp
        flat = [tree.flatten(part) for part in parts]
        structure = flat[0][1]
        dims = _out_dims(self.out_dims, parts[0], flat[0][0])
        columns = zip(*(leaves for leaves, _ in flat), strict=True)
        joined = [
            column[0] if dim is None else xp.concatenate(column, axis=dim)
            for column, dim in zip(columns, dims, strict=True)
        ]
        return tree.unflatten(structure, joined)


def _in_dims(in_dims: Any, args: tuple[Any, ...]) -> list[int | None]:
    """One axis (or None) for every leaf of `args`."""
    if type(in_dims) is int:
        in_dims = (in_dims,) * len(args)
    elif type(in_dims) is not tuple:
        raise ValueError(
            f"pullback.vmap: in_dims must be an int or a tuple with one entry for each argument, "
            f"got {in_dims!r}"
        )
    if len(in_dims) != len(args):
        raise ValueError(
            f"pullback.vmap: in_dims={in_dims!r} has {len(in_dims)} entries, but the call has "
            f"{len(args)} positional arguments (keyword arguments are not mapped over)"
        )
    dims: list[int | None] = []
    for place, (dim, arg) in enumerate(zip(in_dims, args, strict=True)):
        dims += _spread_dims("in_dims", f"args[{place}]", dim, arg)
    return dims


def _out_dims(out_dims: Any, out: Any, leaves: list[Any]) -> list[int | None]:
    if not leaves:
        raise TypeError(
            f"pullback.vmap: the function returned no array (got {out!r}); return what is computed"
        )
    return _spread_dims("out_dims", "output", out_dims, out)


def _spread_dims(name: str, path: str, dims: Any, values: Any) -> list[int | None]:
    """`dims`, a tree of axes with the upper part of the structure of `values`, for every leaf."""
    entries, structure = optree.tree_flatten(dims, none_is_leaf=True, namespace=tree.NAMESPACE)
    for dim in entries:
        if dim is not None and type(dim) is not int:
            raise ValueError(
                f"pullback.vmap: {name} must hold ints and None, got {dim!r} for {path}"
            )
    try:
        parts = structure.flatten_up_to(values)
    except ValueError as error:
        raise ValueError(
            f"pullback.vmap: {name} {dims!r} does not fit the structure of {path}: {error}"
        ) from None
    return [
        dim
        for dim, part in zip(entries, parts, strict=True)
        for _ in range(optree.tree_structure(part, namespace=tree.NAMESPACE).num_leaves)
    ]


def _leaving(trace: BatchTrace, leaf: Any, dim: int | None, path: str) -> Any:
    """An output as the caller gets it: with the batch axis at `dim`, and of its own memory."""
    backend = trace.backend
    if type(leaf) in box_types:
        if leaf.tracer.ended:
            raise escaped(leaf.tracer)
        leaf = trace.read(leaf)
    elif dim is not None and (why := backend.refusal(leaf)) is not None:
        raise TypeError(f"pullback.vmap: {path}: {why}")
    batched = type(leaf) in box_types and leaf.tracer is trace
    if dim is None:
        if batched:
            raise ValueError(
                f"pullback.vmap: {path}: out_dims is None there, but the output differs from "
                "example to example; pass an int"
            )
        return border.unwrap(leaf, trace)
    ndim = len(backend.aval(leaf)[0]) + 1
    if not -ndim <= dim < ndim:
        raise ValueError(
            f"pullback.vmap: {path}: out_dims is {dim} there, but the output has {ndim} axes"
        )
    if not batched:
        leaf = trace.lift(leaf)
    if dim in (0, -ndim):
        return border.unwrap(leaf, trace)
    return backend.copy(backend.xp.moveaxis(leaf.value, 0, dim))


def _stacked(backend: Any, rows: Sequence[Any], dim: int) -> Any:
    """The outputs of all examples as one array."""
    rows = [row if hasattr(row, "shape") else backend.cast(row, None) for row in rows]
    return backend.xp.stack(rows, dim)
