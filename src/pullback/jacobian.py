"""Jacobians: `jacrev` by rows, `jacfwd` by columns, `jacobian` by the fewer of them, and `hessian`.

What they share is one class: it asks for the derivative as a linear map (see `directions.py`), for
its images of all directions (see `chunks.py`), and cuts these into a tree of trees.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from . import chunks, tree
from .api import Argnums, check_argnums, select
from .directions import Aval, Direct, Recorded, size_of
from .vjp import Recording


@dataclass(frozen=True)
class Options:
    """How a Jacobian is computed, whatever it is of."""

    holomorphic: bool = False
    chunk_size: int | None = None
    executor: Executor | None = None
    progress: bool = False


class Jacobian:
    """The function that `jacrev` and the others return: it can be pickled if `func` can.

    `forward` says by which mode; None: by the one that takes fewer directions.
    """

    def __init__(
        self,
        transform: str,
        func: Callable[..., Any],
        argnums: Argnums | None,
        has_aux: bool,
        options: Options,
        *,
        forward: bool | None,
    ) -> None:
        if argnums is not None:
            check_argnums(transform, argnums)
        size: Any = options.chunk_size
        if size is not None and (not isinstance(size, int) or size <= 0):
            raise ValueError(
                f"pullback.{transform}: chunk_size must be a positive int or None, got {size!r}"
            )
        functools.update_wrapper(self, func)
        self.transform = transform
        self.forward = forward
        self.func = func
        self.argnums: Argnums | None = argnums
        self.has_aux = has_aux
        self.options = options

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The derivative of `func` at these arguments."""
        linear = self.linear_map(args, kwargs)
        count = size_of(linear.inputs if linear.forward else linear.outputs)
        executor = self.options.executor
        pieces = chunks.split(count, self.options.chunk_size, executor)
        if chunks.shares_memory(executor):
            task = functools.partial(linear.images, free=len(pieces) == 1)
        else:
            task = functools.partial(_images_anew, self.alone(forward=linear.forward), args, kwargs)
        images = chunks.run(task, pieces, executor, self.options.progress, self.transform)
        self.check(linear)
        derivative = self.assemble(linear, images)
        return (derivative, linear.aux) if self.has_aux else derivative

    def alone(self, *, forward: bool) -> Jacobian:
        """What a worker elsewhere needs of this, to compute one chunk."""
        options = Options(self.options.holomorphic)
        return Jacobian(
            self.transform, self.func, self.argnums, self.has_aux, options, forward=forward
        )

    def linear_map(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recorded | Direct:
        """The derivative of `func` at these arguments, as a map on directions."""
        argnums = tuple(range(len(args))) if self.argnums is None else self.argnums
        func, selected = select(self.transform, self.func, argnums, args, kwargs)
        one_chunk = self.options.chunk_size is None and self.options.executor is None
        if self.forward and one_chunk:
            return Direct(self.transform, func, selected, has_aux=self.has_aux)
        recording = Recording(
            self.transform, self.func, func, selected, has_aux=self.has_aux, root="args"
        )
        return Recorded(recording, forward=self.forward)

    def check(self, linear: Recorded | Direct) -> None:
        """Raise unless the dtypes are those that a Jacobian is defined for."""
        where = f"pullback.{self.transform}"
        for avals, structure, root in (
            (linear.inputs, linear.in_structure, "args"),
            (linear.outputs, linear.out_structure, "output"),
        ):
            for place, aval in enumerate(avals):
                if aval is None or linear.backend.is_complex(aval[1]) is self.options.holomorphic:
                    continue
                got = f"{where}: {tree.path_of(structure, place, root)} is of dtype {aval[1]}"
                if self.options.holomorphic:
                    raise TypeError(f"{got}; with holomorphic=True all must be complex")
                raise TypeError(
                    f"{got}: a complex function has a Jacobian where it is holomorphic, which "
                    "holomorphic=True says; otherwise give and take real and imaginary parts as "
                    "real arrays, or use vjp or jvp"
                )

    def assemble(self, linear: Recorded | Direct, images: list[list[Any]]) -> Any:
        """The images of all directions, as a tree like the output of trees like the input."""
        backend = linear.backend
        outputs = [aval for aval in linear.outputs if aval is not None]
        inputs = [aval for aval in linear.inputs if aval is not None]
        seeds = inputs if linear.forward else outputs
        bounds = [0, *itertools.accumulate(math.prod(shape) for shape, _ in seeds)]
        blocks: dict[tuple[int, int], Any] = {}
        for result, parts in enumerate(zip(*images, strict=True)):
            whole = backend.own(parts[0] if len(parts) == 1 else backend.xp.concatenate(parts))
            for seed, (start, stop) in enumerate(itertools.pairwise(bounds)):
                block = (
                    whole
                    if len(seeds) == 1
                    else backend.copy(backend.xp.getitem(whole, index=slice(start, stop)))
                )
                place = (result, seed) if linear.forward else (seed, result)
                blocks[place] = self.shaped(block, outputs[place[0]], inputs[place[1]], linear)
        derivative: list[Any] = []
        row = -1
        for output in linear.outputs:
            if output is None:
                derivative.append(None)
                continue
            row += 1
            column = itertools.count()
            of_output = [None if a is None else blocks[row, next(column)] for a in linear.inputs]
            inner = tree.unflatten(linear.in_structure, of_output)
            derivative.append(inner[0] if isinstance(self.argnums, int) else inner)
        return tree.unflatten(linear.out_structure, derivative)

    def shaped(self, block: Any, output: Aval, aval: Aval, linear: Recorded | Direct) -> Any:
        """One output's derivative with respect to one input, axes and dtype as they should be."""
        (out_shape, _), (shape, dtype) = output, aval
        xp = linear.backend.xp
        if linear.forward:
            inner, ndim = len(shape), len(shape) + len(out_shape)
            block = xp.reshape(block, (*shape, *out_shape))
            block = xp.transpose(block, (*range(inner, ndim), *range(inner)))
            block = block if block.dtype == dtype else xp.astype(block, dtype)
        else:
            block = xp.reshape(block, (*out_shape, *shape))
            # A row comes from the adjoint, the conjugate of the transpose.
            block = xp.conj(block) if self.options.holomorphic else block
        return block if block.shape else block[()]


def _images_anew(
    jacobian: Jacobian, args: tuple[Any, ...], kwargs: dict[str, Any], start: int, stop: int
) -> list[Any]:
    """One chunk's images, where the function must run again: in another process."""
    return jacobian.linear_map(args, kwargs).images(start, stop, free=True)


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums | None = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    chunk_size: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Jacobian:
    """The Jacobian by reverse mode, a row for each element of the output: for few outputs.

    `func` runs once, and one walk back along its tape carries the cotangents of all rows, as a
    batch. Only these are batched: `func` may branch on values.

    Args:
        func: A function of arrays, or trees of arrays, whose output is one too.
        argnums: Which positional argument to differentiate with respect to; several with a tuple,
            all with None.
        has_aux: `func` returns `(output, aux)`, and the result is `(jacobian, aux)`.
        holomorphic: The arguments and outputs are complex and `func` is holomorphic in them; the
            result is its complex derivative.
        chunk_size: How many rows to compute at once, which bounds the memory that the walk takes;
            None for all. With 1 nothing is batched: the rows come from a loop.
        executor: Any `concurrent.futures.Executor`, to compute the chunks; without `chunk_size`
            there is one for each of the machine's cores. A `ThreadPoolExecutor`'s threads share the
            tape of one run. To any other one `func`, the arguments and the chunk's bounds are
            sent, so these must be what it can send (for processes: what pickles), and `func` runs
            once more for each chunk.
        progress: Draw a bar, a step a chunk; this needs the extra `pullback[progress]`.

    Returns:
        A function of the same arguments (keyword arguments are passed on, not differentiated)
        that returns a tree like the output, each leaf of which is a tree like the argument (a
        tuple of them if `argnums` is no int), each leaf of shape `output.shape + argument.shape`
        and of the argument's dtype. Integer leaves, of output or argument, have None.

    Raises:
        TypeError: If no output is differentiable, for complex values without `holomorphic`, or
            real ones with it, and as `grad` does for `argnums`.
        ValueError: If `chunk_size` is no positive int, and as `grad` does for `argnums`.
        ImportError: For `progress` without tqdm.

    Example:
        >>> import numpy as np, pullback
        >>> pullback.jacrev(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0])).tolist()
        [[3.0, 0.0, 1.0], [0.0, 3.0, 2.0]]
    """
    return Jacobian(
        "jacrev",
        func,
        argnums,
        has_aux,
        Options(holomorphic, chunk_size, executor, progress),
        forward=False,
    )


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums | None = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    chunk_size: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Jacobian:
    """The Jacobian by forward mode, a column for each element of the arguments: for few of these.

    `func` runs once, with the tangents of all columns as a batch beside its values, and no tape is
    kept. With `chunk_size` or `executor` its run is recorded, and the tape read upwards for each
    chunk, so that it still runs once.

    Arguments, result and errors are those of `jacrev`; the chunks are of columns.

    Example:
        >>> import numpy as np, pullback
        >>> pullback.jacfwd(lambda x: np.stack([x, x ** 2, x ** 3]))(2.0).tolist()
        [1.0, 4.0, 12.0]
    """
    return Jacobian(
        "jacfwd",
        func,
        argnums,
        has_aux,
        Options(holomorphic, chunk_size, executor, progress),
        forward=True,
    )


def jacobian(
    func: Callable[..., Any],
    argnums: Argnums | None = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    chunk_size: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Jacobian:
    """The Jacobian in the cheaper mode: by columns if the inputs are fewer than the outputs.

    `func` runs once and is recorded, and its tape is read in the way that takes fewer directions.

    Arguments, result and errors are those of `jacrev`.

    Example:
        >>> import numpy as np, pullback
        >>> pullback.jacobian(lambda x: np.outer(x, x)[0])(np.array([1.0, 2.0])).tolist()
        [[2.0, 0.0], [2.0, 1.0]]
    """
    return Jacobian(
        "jacobian",
        func,
        argnums,
        has_aux,
        Options(holomorphic, chunk_size, executor, progress),
        forward=None,
    )


def hessian(
    func: Callable[..., Any],
    argnums: Argnums | None = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    chunk_size: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Jacobian:
    """The second derivative, forward over reverse: `jacfwd` of `jacrev`.

    Arguments and errors are those of `jacrev`; the chunks are of columns. For the product of a
    Hessian and a vector use `hvp`, which costs as much as a few gradients.

    Returns:
        A function of the same arguments that returns a tree like the output (one array for a
        single number), of trees like the argument, of trees like the argument: each leaf of shape
        `output.shape + argument.shape + argument.shape`.

    Example:
        >>> import numpy as np, pullback
        >>> pullback.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0])).tolist()
        [[6.0, 2.0], [2.0, 0.0]]
    """
    gradient = Jacobian("hessian", func, argnums, has_aux, Options(holomorphic), forward=False)
    return Jacobian(
        "hessian",
        gradient,
        argnums,
        has_aux,
        Options(holomorphic, chunk_size, executor, progress),
        forward=True,
    )
