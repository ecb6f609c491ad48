"""NumPy's signatures: contractions.

`dot` and its kin come down to `matmul`, everything else to `contract`, a product of two arrays.
An einsum of many operands is a chain of pairs, which is what makes its derivative cost a small
multiple of the function's own.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops import contract as ops
from .box import method
from .dispatch import (
    as_array,
    constant,
    implements,
    normalize_axis,
    refuse,
    ufunc_methods,
    ufuncs,
)

constant(np.einsum_path)


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
    subscripts, operands = _string_form(operands)
    arrays = _in_one_dtype([as_array(operand) for operand in operands], dtype, casting)
    terms, result = _parse(subscripts, tuple(array.ndim for array in arrays))
    arrays, terms = _simplified(arrays, terms, result)
    path = _path(tuple(terms), result, tuple(array.shape for array in arrays), _key(optimize))
    for step in path:
        chosen = [(arrays[i], terms[i]) for i in step]
        arrays = [array for i, array in enumerate(arrays) if i not in step]
        terms = [term for i, term in enumerate(terms) if i not in step]
        array, term = chosen[0]
        for place, (other, other_term) in enumerate(chosen[1:], 2):
            later = [*terms, *(t for _, t in chosen[place:])]
            joint = result if not later else _kept(term + other_term, [*later, result])
            array = ops.contract(array, other, subscripts=f"{term},{other_term}->{joint}")
            term = joint
        arrays.append(array)
        terms.append(term)
    (array,), (term,) = arrays, terms
    return array if term == result else np.transpose(array, [term.index(c) for c in result])


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
    common = np.result_type(*[x.dtype for x in arrays]) if dtype is None else np.dtype(dtype)
    for array in arrays:
        if not np.can_cast(array.dtype, common, casting):  # pyright: ignore[reportArgumentType]
            raise TypeError(
                f"np.einsum: cannot cast an operand from {array.dtype} to {common} according to "
                f"the rule {casting!r}; pass casting='unsafe' to do so"
            )
    return [array if array.dtype == common else array.astype(common) for array in arrays]


@functools.lru_cache(maxsize=1024)
def _parse(subscripts: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """The label of every axis of each operand, and of the result; an ellipsis gets letters."""
    # NumPy's own complaint, if there is one to make.
    np.einsum(subscripts, *[np.ones((1,) * ndim) for ndim in ndims])
    left, arrow, result = subscripts.partition("->")
    terms = left.split(",")
    free = "".join(c for c in string.ascii_letters if c not in left)
    hidden = [ndim - len(t.replace("...", "")) for t, ndim in zip(terms, ndims, strict=True)]
    dots = free[: max((n for n, t in zip(hidden, terms, strict=True) if "..." in t), default=0)]
    if not arrow:
        counted = left.replace("...", "")
        once = sorted(c for c in set(counted) - {","} if counted.count(c) == 1)
        result = "..." + "".join(once)
    full = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, hidden, strict=True)]
    return tuple(full), result.replace("...", dots)


def _simplified(
    arrays: list[Any], terms: Sequence[str], result: str
) -> tuple[list[Any], list[str]]:
    """Diagonals taken, axes that broadcast dropped, and axes of one operand alone summed.

    What is left is a product in which every label has one length, and stands in two places.
    """
    simple = [_diagonals(array, term) for array, term in zip(arrays, terms, strict=True)]
    sizes = _sizes(simple)
    simple = [_without_broadcast_axes(array, term, sizes) for array, term in simple]
    for i, (array, term) in enumerate(simple):
        kept = _kept(term, [result, *(t for j, (_, t) in enumerate(simple) if j != i)])
        if kept != term:
            axes = tuple(axis for axis, label in enumerate(term) if label not in kept)
            simple[i] = np.sum(array, axis=axes), kept
    return [array for array, _ in simple], [term for _, term in simple]


def _kept(term: str, others: Sequence[str]) -> str:
    """The labels of `term`, once each, that `others` need."""
    return "".join(c for c in dict.fromkeys(term) if any(c in other for other in others))


def _diagonals(array: Any, term: str) -> tuple[Any, str]:
    for label in dict.fromkeys(term):
        while term.count(label) > 1:
            first, second = term.index(label), term.rindex(label)
            if array.shape[first] != array.shape[second]:
                raise ValueError(
                    f"np.einsum: the index {label!r} stands twice on an operand of shape "
                    f"{array.shape}, for axes of different lengths"
                )
            array = np.diagonal(array, axis1=first, axis2=second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + label
    return array, term


def _sizes(operands: Sequence[tuple[Any, str]]) -> dict[str, int]:
    """Every label's length."""
    sizes: dict[str, int] = {}
    for array, term in operands:
        for label, size in zip(term, array.shape, strict=True):
            if sizes.setdefault(label, size) == 1:
                sizes[label] = size
            elif size not in (1, sizes[label]):
                raise ValueError(
                    f"np.einsum: the index {label!r} stands for axes of lengths {sizes[label]} "
                    f"and {size}"
                )
    return sizes


def _without_broadcast_axes(array: Any, term: str, sizes: dict[str, int]) -> tuple[Any, str]:
    axes = [a for a, (c, n) in enumerate(zip(term, array.shape, strict=True)) if n != sizes[c]]
    if not axes:
        return array, term
    shape = tuple(n for axis, n in enumerate(array.shape) if axis not in axes)
    return np.reshape(array, shape), "".join(c for a, c in enumerate(term) if a not in axes)


def _key(optimize: Any) -> Any:
    """`optimize` as `np.einsum_path` takes it, in a form that can be cached."""
    if isinstance(optimize, (bool, str)):
        return optimize if optimize == "optimal" else "greedy"
    return tuple(tuple(part) if isinstance(part, list) else part for part in optimize)


@functools.lru_cache(maxsize=1024)
def _path(
    terms: tuple[str, ...], result: str, shapes: tuple[tuple[int, ...], ...], optimize: Any
) -> list[tuple[int, ...]]:
    """Which operands to multiply, step by step; each product goes to the end of the list."""
    if len(terms) <= 2:
        return [tuple(range(len(terms)))]
    dummies = [np.broadcast_to(0.0, shape) for shape in shapes]
    if isinstance(optimize, tuple):
        optimize = list(optimize)
    path, _ = np.einsum_path(f"{','.join(terms)}->{result}", *dummies, optimize=optimize)
    return path[1:]


# Ufuncs that contract


def _vecdot(x: Any, y: Any) -> Any:
    return einsum("...i,...i->...", _conj(as_array(x)), y)


def _matvec(x: Any, y: Any) -> Any:
    return einsum("...ij,...j->...i", x, y)


def _vecmat(x: Any, y: Any) -> Any:
    return einsum("...i,...ij->...j", _conj(as_array(x)), y)


# Ufunc -> how many core axes each operand and the result has.
_CORE = {"matmul": (2, 2, 2), "vecdot": (1, 1, 0), "matvec": (2, 1, 1), "vecmat": (1, 2, 1)}


def _call_with_options(
    ufunc: Any,
    x: Any,
    y: Any,
    out: Any = None,
    *,
    axes: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    dtype: Any = None,
    casting: str = "same_kind",
    order: str = "K",
    **options: Any,
) -> Any:
    """`ufunc` with the options of a generalised ufunc's call."""
    refuse(ufunc, out=out, **options)
    x, y = as_array(x), as_array(y)
    if dtype is not None:
        x, y = _in_one_dtype([x, y], dtype, casting)
    if axis is not None:
        axes = [axis, axis, axis] if keepdims else [axis, axis, ()]
    if axes is None:
        return _keepdims(ufunc(x, y), keepdims)
    *operands, result_axes = [part if isinstance(part, tuple) else (part,) for part in axes]
    if len(operands) < 2:
        operands, result_axes = [*operands, result_axes], ()
    x, y = (
        np.moveaxis(operand, axes, range(-len(axes), 0))
        for operand, axes in zip((x, y), operands, strict=True)
    )
    result = _keepdims(ufunc(x, y), keepdims)
    if not result_axes:
        return result
    return np.moveaxis(result, range(-len(result_axes), 0), result_axes)


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
        if array.shape[0] == 0:
            raise ValueError(f"{name} cannot be empty")
    if mode != "same":
        return ops.convolve(a, v, mode=mode)
    n, m = a.shape[0], v.shape[0]
    start = (min(n, m) - 1) // 2
    return ops.convolve(a, v, mode="full")[start : start + max(n, m)]


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
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
    return np.vecdot(x1, x2, axis=axis)


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
