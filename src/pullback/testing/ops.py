"""`check_op`: all that is promised of an op, on one call of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import tree
from ..backends.numpy import backend
from ..vjp import vjp
from .batching import check_batching
from .compare import GradientError, check_like, close, compare
from .gradients import check_grads
from .leaves import random_tree, widened


@dataclass(frozen=True)
class Sample:
    """One call that an op's derivative is checked on.

    Attributes:
        covers: The NumPy function(s) or ufunc(s) exercised: one, or a tuple of them.
        function: What is called, as `function(*args)`; every argument is differentiated.
        args: float64 arrays or numbers, away from kinks by at least 1e-3.
        label: What is special about the call, for the test's name.
        complex: Whether the op also takes complex arguments (they are made from `args`).
        float32: Whether it is also run in float32.
        order: The highest order of derivative to check.
        batched: Whether `vmap` takes the call; if not (a shape depends on values), it must raise.
    """

    covers: Any
    function: Callable[..., Any]
    args: tuple[Any, ...]
    label: str = ""
    complex: bool = False
    float32: bool = True
    order: int = 2
    batched: bool = True


def check_op(sample: Sample) -> None:
    """Check everything that is promised of an op, on one call of it.

    The value, dtype and shape are NumPy's own; derivatives are right up to the sample's order;
    arguments may lie in memory in any way and are never changed; float32 stays float32; complex
    arguments follow the adjoint convention; results share memory with nothing; `vmap` of the call
    and of its derivatives is what a loop gives (or refused, where the sample says so).

    Raises:
        GradientError: Where one of these does not hold.

    Example:
        >>> import numpy as np
        >>> from pullback.testing import Sample, check_op
        >>> check_op(Sample(np.sin, np.sin, (np.array([0.5, 1.0]),), complex=True))
    """
    function, args = sample.function, sample.args
    _check_call(function, args)
    check_grads(function, *args, order=sample.order)
    _check_layouts(function, args)
    check_batching(function, *args, batched=sample.batched)
    if sample.float32:
        _check_float32(function, args)
    if sample.complex:
        complex_args = tree.map_leaves(_complexified(np.random.default_rng(1)), args)
        _check_call(function, complex_args)
        check_grads(function, *complex_args, order=sample.order)
        check_batching(function, *complex_args, batched=sample.batched)


def _check_call(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """One call: NumPy's own result, nothing changed, nothing shared, and the same every time."""
    args = tree.map_leaves(_read_only, args)
    before = tree.map_leaves(np.array, args)
    out, pull = vjp(function, *args)
    compare(out, function(*args), "the value under vjp differs from NumPy's", 1e-12)
    cotangents = random_tree(out, 2)
    first = pull(cotangents)
    kept = tree.map_leaves(np.array, first)
    held = [*_arrays(args), *_arrays(cotangents)]
    returned = [*_arrays(out), *_arrays(first)]
    for place, array in enumerate(returned):
        if not array.flags.writeable:
            raise GradientError("a returned array is read-only")
        for other in [*held, *returned[:place]]:
            if np.shares_memory(array, other):
                raise GradientError("a returned array shares memory with another array")
    for array in returned:
        array[...] = 1 if array.dtype.kind == "b" else 77
    second = pull(cotangents)
    compare(second, kept, "the pullback gives something else after its results were changed", 0.0)
    compare(args, before, "an argument was modified", 0.0)


def _check_layouts(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """The same numbers in another memory layout have the same derivatives.

    Functions whose value itself follows the layout (`np.ravel(x, order="K")`) are passed over.
    """
    out, pull = vjp(function, *args)
    cotangents = random_tree(out, 3)
    expected = pull(cotangents)
    for layout in (_strided, _reversed, _fortran):
        other_args = tree.map_leaves(layout, args)
        pairs = zip(tree.flatten(function(*other_args))[0], tree.flatten(out)[0], strict=True)
        if not all(close(a, b, 1e-12) for a, b in pairs):
            continue
        other_out, other_pull = vjp(function, *other_args)
        what = f"for {layout.__name__.strip('_')} arguments"
        compare(other_out, out, f"another value {what}", 1e-12)
        got = other_pull(tree.map_leaves(layout, cotangents))
        compare(got, expected, f"another gradient {what}", 1e-11)


def _check_float32(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """float32 arguments: NumPy's own dtypes, float32 gradients, close to the float64 ones."""
    single = tree.map_leaves(_narrowed, args)
    out, pull = vjp(function, *single)
    compare(out, function(*single), "the value under vjp differs from NumPy's in float32", 1e-6)
    wide_out, wide_pull = vjp(function, *tree.map_leaves(widened, single))
    cotangents = random_tree(wide_out, 4)
    got = pull(cotangents)
    for gradient, leaf in zip(tree.flatten(got)[0], tree.flatten(single)[0], strict=True):
        check_like(gradient, leaf, "a float32 argument")
    wide = tree.map_leaves(widened, got)
    compare(wide, wide_pull(cotangents), "the gradient in float32 is another", 2e-3)


def _complexified(rng: np.random.Generator) -> Callable[[Any], Any]:
    """Adds an imaginary part between 0.1 and 0.5, so that no branch cut is near."""

    def add_imaginary_part(leaf: Any) -> Any:
        if not backend.differentiable(leaf):
            return leaf
        sign = rng.choice([-1, 1], np.shape(leaf))
        return leaf + 1j * sign * rng.uniform(0.1, 0.5, np.shape(leaf))

    return add_imaginary_part


def _narrowed(leaf: Any) -> Any:
    """A float64 array or a Python float in float32."""
    return np.asarray(leaf, np.float32)[()] if np.asarray(leaf).dtype == np.float64 else leaf


def _arrays(tree_of_arrays: Any) -> list[np.ndarray]:
    return [leaf for leaf in tree.flatten(tree_of_arrays)[0] if type(leaf) is np.ndarray]


def _read_only(leaf: Any) -> Any:
    if type(leaf) is not np.ndarray:
        return leaf
    leaf = leaf.copy()
    leaf.flags.writeable = False
    return leaf


def _strided(leaf: Any) -> Any:
    if np.ndim(leaf) == 0:
        return leaf
    spread = np.repeat(leaf, 2, axis=-1)
    return spread[..., ::2]


def _reversed(leaf: Any) -> Any:
    return leaf if np.ndim(leaf) == 0 else np.array(leaf[::-1])[::-1]


def _fortran(leaf: Any) -> Any:
    return leaf if np.ndim(leaf) == 0 else np.asfortranarray(leaf)
