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
    if a.ndim == 1 or b.ndim <= 2:  # noqa: PLR2004
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
    order: str = "K",  # noqa: ARG001  (the layout of the result)
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
    if len(terms) <= 2:  # noqa: PLR2004
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
    order: str = "K",  # noqa: ARG001  (the layout of the result)
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
    if len(operands) < 2:  # noqa: PLR2004
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
