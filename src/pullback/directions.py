"""A derivative as a linear map, applied to the columns of an identity matrix.

One run of the function records a tape, and either way along it gives the map: downwards for rows,
upwards for columns.  Only the cotangents or tangents are batched, never the function's own values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from . import border, tree
from .backends import backend_of
from .batch import vmap
from .forward import run_forward
from .linearize import push, steps_to
from .vjp import Recording

Aval = tuple[tuple[int, ...], Any]
Avals = Sequence[Aval | None]  # of a tree's leaves; None for integers


class Recorded:
    """The derivative of a run that has been recorded, walked in the cheaper way if not told."""

    def __init__(self, recording: Recording, *, forward: bool | None) -> None:
        self.recording = recording
        self.backend = recording.trace.backend
        self.aux = recording.aux
        self.inputs: Avals = recording.inputs
        self.in_structure = recording.leaves
        self.outputs: Avals = [output and output[1:] for output in recording.outputs]
        self.out_structure = recording.out_structure
        _check_outputs(recording.trace.name, self.outputs)
        self.forward = size_of(self.inputs) < size_of(self.outputs) if forward is None else forward
        self.steps = steps_to(recording) if self.forward else []

    def images(self, start: int, stop: int, *, free: bool = False) -> list[Any]:
        """The images of some columns of the identity; with `free`, for the last time."""
        recording = self.recording
        if not self.inputs:
            return []

        def image(seeds: list[Any]) -> list[Any]:
            if self.forward:
                return push(recording, self.steps, seeds)
            left = iter(seeds)
            cotangents = [None if aval is None else next(left) for aval in self.outputs]
            return recording.pull(cotangents, recording.tape, free=free)

        seeds = self.inputs if self.forward else self.outputs
        return _images(image, seeds, start, stop, self.backend)


class Direct:
    """The derivative by forward mode at once: `func` runs on dual numbers, and no tape is kept."""

    forward = True

    def __init__(
        self, transform: str, func: Callable[..., Any], selected: Any, *, has_aux: bool
    ) -> None:
        leaves, self.in_structure = tree.flatten(selected)
        self.backend = backend = backend_of(leaves)
        follows = border.check_leaves(transform, backend, leaves, self.in_structure, "args")
        self.inputs: Avals = [
            backend.aval(x) if f else None for x, f in zip(leaves, follows, strict=True)
        ]
        self.outputs: Avals = []
        self.out_structure: Any = None
        self.aux: Any = None

        self.transform = transform
        self.func = func
        self.selected = selected
        self.has_aux = has_aux

    def images(self, start: int, stop: int, **_: Any) -> list[Any]:
        """The images of some columns of the identity; each call runs `func`."""

        def image(seeds: list[Any]) -> Any:
            left = iter(seeds)
            tangents = [None if aval is None else next(left) for aval in self.inputs]
            out, moved, *aux = run_forward(
                self.transform,
                lambda *args: self.func(args),
                self.selected,
                tree.unflatten(self.in_structure, tangents),
                has_aux=self.has_aux,
                root="args",
            )
            leaves, self.out_structure = tree.flatten(out)
            self.outputs = [
                self.backend.aval(leaf) if self.backend.differentiable(leaf) else None
                for leaf in leaves
            ]
            _check_outputs(self.transform, self.outputs)
            self.aux = aux[0] if aux else None
            return moved

        return _images(image, self.inputs, start, stop, self.backend)


def _check_outputs(transform: str, outputs: Avals) -> None:
    if all(aval is None for aval in outputs):
        raise TypeError(
            f"pullback.{transform}: no output is differentiable (the dtypes are integer or "
            "boolean); return a float"
        )


def size_of(avals: Avals) -> int:
    """How many numbers the leaves have together."""
    return sum(math.prod(aval[0]) for aval in avals if aval is not None)


def _images(
    image: Callable[[list[Any]], Any], seeds: Avals, start: int, stop: int, backend: Any
) -> list[Any]:
    """`image` of the columns `start` to `stop` of the identity on `seeds`, batched in front."""
    columns = _identity([aval for aval in seeds if aval is not None], start, stop, backend)
    if stop - start > 1:
        return tree.flatten(vmap(image)(columns))[0]
    one = [
        column if column is None or start == stop else backend.xp.getitem(column, index=0)
        for column in columns
    ]
    return [
        backend.xp.getitem(leaf[None, ...], index=slice(stop - start))
        for leaf in tree.flatten(image(one))[0]
    ]


def _identity(seeds: Sequence[Aval], start: int, stop: int, backend: Any) -> list[Any]:
    """Those columns, cut into the leaves; None for a leaf where all are zero."""
    columns: list[Any] = []
    for shape, dtype in seeds:
        size = math.prod(shape)
        first, last = max(start, 0), min(stop, size)
        if first >= last:
            columns.append(None)
        else:
            block = backend.units(stop - start, size, start, dtype)
            columns.append(backend.xp.reshape(block, (stop - start, *shape)))
        start, stop = start - size, stop - size
    return columns
