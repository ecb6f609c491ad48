"""NumPy's signatures: contractions.

`dot` and its kin come down to `matmul`, everything else to `contract`, a product of two arrays.
An einsum of many operands is a chain of pairs, which is what makes its derivative cost a small
multiple of the function's own.
"""

from __future__ import annotations

import functools
import itertools
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...ops import contract as ops
from .box import method
from .dispatch import (
    as_array,
    implements,
    normalize_axis,
    of_form,
    refuse,
    ufunc_methods,
    ufuncs,
)
from .mutation import write_out

of_form(np.einsum_path)


# Products of vectors and matrices


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """`matmul`, but for scalars and for stacks of matrices, which it does not pair."""
    refuse(np.dot, out=out)
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    if a.ndim == 1 or b.ndim <= 2:
        return ops.matmul(a, b)
    return tensordot(a, b, (-1, -2))


method("dot", np.dot)


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return ops.matmul(a, b) if b.ndim == 1 else tensordot(a, b, (-1, -1))


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    return ops.matmul(_conj(np.ravel(a)), np.ravel(b))


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    refuse(np.outer, out=out)
    return ops.contract(np.ravel(a), np.ravel(b), subscripts="a,b->ab")


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    labels = string.ascii_letters
    pairs = [labels[2 * axis : 2 * axis + 2] for axis in range(ndim)]
    x = "".join(pair[0] for pair in pairs[ndim - a.ndim :])
    y = "".join(pair[1] for pair in pairs[ndim - b.ndim :])
    out = "".join(label for pair in pairs for label in pair if label in x + y)
    product = ops.contract(a, b, subscripts=f"{x},{y}->{out}")
    a_shape = (1,) * (ndim - a.ndim) + a.shape
    b_shape = (1,) * (ndim - b.ndim) + b.shape
    return np.reshape(product, tuple(n * m for n, m in zip(a_shape, b_shape, strict=True)))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_array(a), as_array(b)
    a_axes, b_axes = _tensordot_axes(axes, a.ndim, b.ndim)
    if [a.shape[axis] for axis in a_axes] != [b.shape[axis] for axis in b_axes]:
        raise ValueError(
            f"np.tensordot: shape-mismatch for sum: axes {a_axes} of shape {a.shape} and axes "
            f"{b_axes} of shape {b.shape} must have the same lengths"
        )
    labels = iter(string.ascii_letters)
    x = [next(labels) for _ in a.shape]
    y = [next(labels) for _ in b.shape]
    for i, j in zip(a_axes, b_axes, strict=True):
        y[j] = x[i]
    out = [label for label in x + y if (label in x) != (label in y)]
    return ops.contract(a, b, subscripts=f"{''.join(x)},{''.join(y)}->{''.join(out)}")


def _tensordot_axes(axes: Any, a_ndim: int, b_ndim: int) -> tuple[list[int], list[int]]:
    """The axes of each to sum over."""
    if np.ndim(axes) == 0:
        a_axes, b_axes = range(-axes, 0), range(axes)
    else:
        a_axes, b_axes = ([part] if np.ndim(part) == 0 else part for part in axes)
    first = [normalize_axis(axis, a_ndim) for axis in a_axes]
    second = [normalize_axis(axis, b_ndim) for axis in b_axes]
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ValueError("duplicate axes are not allowed in tensordot")
    if len(first) != len(second):
        raise ValueError("shape-mismatch for sum")
    return first, second


def _conj(x: Any) -> Any:
    return np.conjugate(x) if x.dtype.kind == "c" else x


# einsum


@implements(np.einsum)
def einsum(
    *operands: Any,
    out: Any = None,
    optimize: Any = False,
    dtype: Any = None,
    order: str = "K",
    casting: str = "safe",
) -> Any:
    refuse(np.einsum, out=out)
    subscripts, arrays = _string_form(operands)
    values = _in_one_dtype([as_array(array) for array in arrays], dtype, casting)
    shapes = tuple([value.shape for value in values])
    schedule = schedule_of(subscripts, shapes, _key(optimize))
    for place, name, options in schedule.alone:
        values[place] = getattr(np, name)(values[place], **options)
    for i, j, pair in schedule.pairs:
        values.append(ops.contract(values[i], values[j], subscripts=pair))
    axes = schedule.axes
    return values[-1] if axes is None else np.transpose(values[-1], axes)


def _string_form(operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The subscripts as a string, also where they were given as lists of integers."""
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), operands[1:]
    arrays, lists = operands[: len(operands) // 2 * 2 : 2], operands[1::2]
    subscripts = ",".join(map(_letters, lists))
    if len(operands) % 2:
        subscripts += "->" + _letters(operands[-1])
    return subscripts, arrays


def _letters(sublist: Any) -> str:
    labels = string.ascii_uppercase + string.ascii_lowercase
    return "".join("..." if item is Ellipsis else labels[item] for item in sublist)


def _in_one_dtype(arrays: list[Any], dtype: Any, casting: str) -> list[Any]:
    """The operands in the dtype that the result has: NumPy multiplies and adds in it too."""
    dtypes = [array.dtype for array in arrays]
    if dtype is None and dtypes.count(dtypes[0]) == len(dtypes):
        return arrays
    common = np.result_type(*dtypes) if dtype is None else np.dtype(dtype)
    for own in dtypes:
        if not np.can_cast(own, common, casting):  # pyright: ignore[reportArgumentType]
            raise TypeError(
                f"cannot cast an operand from {own} to {common} according to the rule "
                f"{casting!r}; pass casting='unsafe' to do so"
            )
    return [array if array.dtype == common else array.astype(common) for array in arrays]


def _key(optimize: Any) -> Any:
    """`optimize` as `np.einsum_path` takes it, in a form that can be cached."""
    if optimize is None or isinstance(optimize, (bool, str)):
        return optimize if optimize == "optimal" else "greedy"
    return tuple(tuple(part) if isinstance(part, list) else part for part in optimize)


class _Schedule(NamedTuple):
    """An einsum as steps: each operand made simple, then products of two, then a transposition.

    `alone` are (operand, function's name, its options); `pairs` are (i, j, subscripts), and each
    product goes to the end of the list of operands.
    """

    alone: list[tuple[int, str, dict[str, Any]]]
    pairs: list[tuple[int, int, str]]
    axes: tuple[int, ...] | None


@functools.lru_cache(maxsize=1024)
def schedule_of(subscripts: str, shapes: tuple[tuple[int, ...], ...], optimize: Any) -> _Schedule:
    terms, result = _labels(subscripts, shapes)
    alone, terms, sizes = _simplified(terms, shapes, result)
    pairs, last = _pairs(terms, result, sizes, optimize)
    axes = None if last == result else tuple(map(last.index, result))
    return _Schedule(alone, pairs, axes)


def _labels(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """The label of every axis of each operand, and of the result; an ellipsis gets letters."""
    # NumPy's own complaint, if there is one to make.
    np.einsum(subscripts, *[np.ones((1,) * len(shape)) for shape in shapes])
    left, arrow, result = subscripts.partition("->")
    terms = left.split(",")
    free = "".join(c for c in string.ascii_letters if c not in left)
    hidden = [
        len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)
    ]
    dots = free[: max(hidden)]
    if not arrow:
        letters = left.replace("...", "")
        once = sorted(c for c in set(letters) - {","} if letters.count(c) == 1)
        result = "..." + "".join(once)
    full = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, hidden, strict=True)]
    return full, result.replace("...", dots)


def _simplified(
    terms: list[str], shapes: Sequence[tuple[int, ...]], result: str
) -> tuple[list[tuple[int, str, dict[str, Any]]], list[str], dict[str, int]]:
    """Diagonals taken, axes that broadcast dropped, and axes of one operand alone summed.

    What is left is a product in which every label has one length, and stands in two places.
    """
    steps: list[tuple[int, str, dict[str, Any]]] = []
    terms = list(terms)
    lengths = [_lengths(term, shape) for term, shape in zip(terms, shapes, strict=True)]
    sizes: dict[str, int] = {}
    for label, size in itertools.chain.from_iterable(own.items() for own in lengths):
        if sizes.setdefault(label, size) == 1:
            sizes[label] = size
        elif size not in (1, sizes[label]):
            raise ValueError(
                f"np.einsum: the index {label!r} stands for axes of lengths {sizes[label]} and "
                f"{size}"
            )
    for place, own in enumerate(lengths):
        term = terms[place]
        for label in own:
            while term.count(label) > 1:
                first, second = term.index(label), term.rindex(label)
                steps.append((place, "diagonal", {"axis1": first, "axis2": second}))
                term = term[:first] + term[first + 1 : second] + term[second + 1 :] + label
        terms[place] = _without(
            term, {c for c in own if own[c] != sizes[c]}, place, "squeeze", steps
        )
    for place, term in enumerate(terms):
        others = "".join([*terms[:place], *terms[place + 1 :], result])
        terms[place] = _without(term, set(term) - set(others), place, "sum", steps)
    return steps, terms, sizes


def _lengths(term: str, shape: tuple[int, ...]) -> dict[str, int]:
    """The length of each of an operand's labels."""
    lengths: dict[str, int] = {}
    for label, size in zip(term, shape, strict=True):
        if lengths.setdefault(label, size) != size:
            raise ValueError(
                f"np.einsum: the index {label!r} stands twice on an operand of shape {shape}, "
                "for axes of different lengths"
            )
    return lengths


def _without(term: str, labels: set[str], place: int, name: str, steps: list[Any]) -> str:
    """`term` without `labels`, whose axes the function of that name takes away."""
    if not labels:
        return term
    axes = tuple(axis for axis, label in enumerate(term) if label in labels)
    steps.append((place, name, {"axis": axes}))
    return "".join(label for label in term if label not in labels)


def _pairs(
    terms: list[str], result: str, sizes: dict[str, int], optimize: Any
) -> tuple[list[tuple[int, int, str]], str]:
    """The products of two, in an order of little work, and the labels of the last one's axes."""
    pairs: list[tuple[int, int, str]] = []
    waiting = list(range(len(terms)))
    terms = list(terms)
    for step in _path(terms, result, sizes, optimize):
        chosen = [waiting[i] for i in sorted(step)]
        waiting = [i for i in waiting if i not in chosen]
        while len(chosen) > 1:
            i, j, *chosen = chosen
            rest = [terms[k] for k in (*waiting, *chosen)]
            needed = set("".join([*rest, result]))
            joint = "".join(c for c in dict.fromkeys(terms[i] + terms[j]) if c in needed)
            pairs.append((i, j, f"{terms[i]},{terms[j]}->{joint if rest else result}"))
            terms.append(joint if rest else result)
            chosen.insert(0, len(terms) - 1)
        waiting += chosen
    return pairs, terms[-1]


def _path(
    terms: list[str], result: str, sizes: dict[str, int], optimize: Any
) -> list[tuple[int, ...]]:
    """Which operands to multiply at each step; their product goes to the end of the list."""
    if len(terms) <= 2:
        return [tuple(range(len(terms)))]
    dummies = [np.broadcast_to(0.0, [sizes[label] for label in term]) for term in terms]
    optimize = list(optimize) if isinstance(optimize, tuple) else optimize
    path, _ = np.einsum_path(f"{','.join(terms)}->{result}", *dummies, optimize=optimize)
    return path[1:]


# Ufuncs that contract


def _vecdot(x: Any, y: Any) -> Any:
    x, y = _matching("vecdot", x, y, 1)
    return einsum("...i,...i->...", _conj(x), y)


def _matvec(x: Any, y: Any) -> Any:
    x, y = _matching("matvec", x, y, 1)
    return einsum("...ij,...j->...i", x, y)


def _vecmat(x: Any, y: Any) -> Any:
    x, y = _matching("vecmat", x, y, 2)
    return einsum("...i,...ij->...j", _conj(x), y)


def _matching(name: str, x: Any, y: Any, place: int) -> tuple[Any, Any]:
    """Both as arrays; raises where the axes to sum differ (einsum would broadcast a 1)."""
    x, y = as_array(x), as_array(y)
    if x.shape[-1:] != y.shape[y.ndim - place :][:1]:
        raise ValueError(
            f"np.{name}: the axes to sum over have different lengths: the last of {x.shape} and "
            f"the last{' but one' * (place - 1)} of {y.shape}"
        )
    return x, y


def _call_with_options(ufunc: Any, x: Any, y: Any, out: Any = None, **options: Any) -> Any:
    """`ufunc` with the options of a generalised ufunc's call."""
    if out is not None:
        return write_out(ufunc, ufunc(x, y, **options), out[0])
    x, y = as_array(x), as_array(y)
    # NumPy's own complaint about the options, if there is one to make.
    ufunc(*[np.ones((1,) * array.ndim, array.dtype) for array in (x, y)], **options)
    if (dtype := options.get("dtype")) is not None:
        x, y = x.astype(dtype), y.astype(dtype)
    keepdims = options.get("keepdims", False)
    axes = options.get("axes")
    if (axis := options.get("axis")) is not None:
        axes = [axis, axis, axis] if keepdims else [axis, axis, ()]
    if axes is None:
        return _keepdims(ufunc(x, y), keepdims)
    x_axes, y_axes, *rest = [part if isinstance(part, tuple) else (part,) for part in axes]
    x = np.moveaxis(x, x_axes, range(-len(x_axes), 0))
    y = np.moveaxis(y, y_axes, range(-len(y_axes), 0))
    result = _keepdims(ufunc(x, y), keepdims)
    result_axes = rest[0] if rest else ()
    return np.moveaxis(result, range(-len(result_axes), 0), result_axes) if result_axes else result


def _keepdims(result: Any, keepdims: bool) -> Any:
    return np.expand_dims(result, -1) if keepdims else result


for _name, _ours in (("vecdot", _vecdot), ("matvec", _matvec), ("vecmat", _vecmat)):
    if hasattr(np, _name):  # matvec and vecmat are new in NumPy 2.2
        ufuncs[getattr(np, _name)] = _ours
for _name in ("matmul", "vecdot", "matvec", "vecmat"):
    if hasattr(np, _name):
        ufunc_methods[getattr(np, _name), "__call__"] = _call_with_options


# Cross products


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    a, b = as_array(a), as_array(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("At least one array has zero dimension")
    if a.shape[axisa] != 3 or b.shape[axisb] != 3:
        # NumPy's own error, or its warning that vectors of two elements are deprecated.
        np.cross(np.zeros(a.shape[axisa]), np.zeros(b.shape[axisb]))
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = _in_space(a), _in_space(b)
    # The element i of this difference is the element i - 1 of the product.
    product = np.roll(a * np.roll(b, -1, axis=-1) - np.roll(a, -1, axis=-1) * b, -1, axis=-1)
    return np.moveaxis(product, -1, axisc)


def _in_space(vectors: Any) -> Any:
    """Vectors of two elements with a third, zero."""
    if vectors.shape[-1] == 3:
        return vectors
    return np.concatenate([vectors, np.zeros((*vectors.shape[:-1], 1), vectors.dtype)], axis=-1)


# Convolutions


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    for name, array in (("a", a), ("v", v)):
        if array.ndim > 1:
            raise ValueError(f"{name} must have one dimension, got {array.ndim}")
        if array.shape[0] == 0:
            raise ValueError(f"{name} cannot be empty")
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode must be 'full', 'same' or 'valid', got {mode!r}")
    if mode != "same":
        return ops.convolve(a, v, mode=mode)
    n, m = a.shape[0], v.shape[0]
    start = (min(n, m) - 1) // 2
    return ops.convolve(a, v, mode="full")[start : start + max(n, m)]


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = as_array(a), as_array(v)
    if a.ndim == 0 or v.ndim == 0:
        raise ValueError("object of too small depth for desired array")
    if a.shape[0] >= v.shape[0]:
        return convolve(a, _conj(v)[::-1], mode)
    # NumPy correlates the longer with the shorter, and reverses.
    return convolve(_conj(v), a[::-1], mode)[::-1]


# np.linalg's products


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    refuse(np.linalg.multi_dot, out=out)
    arrays = [as_array(array) for array in arrays]
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    for place, array in enumerate(arrays):
        if array.ndim != 2 and not (array.ndim == 1 and place in (0, len(arrays) - 1)):
            raise np.linalg.LinAlgError(
                f"np.linalg.multi_dot: array {place} has {array.ndim} dimensions; all but the "
                "first and the last, which may have one, must have two"
            )
    first = (1, *arrays[0].shape)[-2]
    sizes = (
        first,
        *(array.shape[0] if array.ndim == 1 else array.shape[-2] for array in arrays[1:]),
    )
    last = 1 if arrays[-1].ndim == 1 else arrays[-1].shape[-1]
    return _product(arrays, _splits((*sizes, last)), 0, len(arrays))


def _product(
    arrays: Sequence[Any], splits: dict[tuple[int, int], int], start: int, stop: int
) -> Any:
    if stop - start == 1:
        return arrays[start]
    middle = splits[start, stop]
    return ops.matmul(
        _product(arrays, splits, start, middle), _product(arrays, splits, middle, stop)
    )


@functools.lru_cache(maxsize=256)
def _splits(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Where to split the chain of matrices `start` to `stop`: the order of least work.

    `sizes[i]` and `sizes[i + 1]` are the shape of matrix i.
    """
    count = len(sizes) - 1
    cost = {(i, i + 1): 0 for i in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(2, count + 1):
        for start in range(count - length + 1):
            stop = start + length
            cost[start, stop], splits[start, stop] = min(
                (
                    cost[start, middle]
                    + cost[middle, stop]
                    + sizes[start] * sizes[middle] * sizes[stop],
                    middle,
                )
                for middle in range(start + 1, stop)
            )
    return splits


@implements(np.linalg.matmul)
def _linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@implements(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            "Input arrays must be one-dimensional, but they are "
            f"x1.ndim={x1.ndim} and x2.ndim={x2.ndim}."
        )
    return outer(x1, x2)


@implements(np.linalg.tensordot)
def _linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return tensordot(x1, x2, axes)


@implements(np.linalg.vecdot)
def _linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return _call_with_options(np.vecdot, x1, x2, axis=axis)


@implements(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{x1.shape[axis]} and {x2.shape[axis]} dimensional instead."
        )
    return cross(x1, x2, axis=axis)


@implements(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, axis1=-2, axis2=-1, dtype=dtype)


@implements(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, axis1=-2, axis2=-1)


@implements(np.linalg.matrix_transpose)
def _linalg_matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return np.swapaxes(x, -1, -2)
