"""`np.einsum`, as products of two arrays.

An einsum of many operands is a chain of pairs, which is what makes its derivative cost a small
multiple of the function's own.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...ops import contract as ops
from .dispatch import as_array, as_dtype, implements, of_form, refuse

of_form(np.einsum_path)


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
    labels = ops.LETTERS.swapcase()  # NumPy counts the large ones first
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
    return [as_dtype(array, common) for array in arrays]


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
    free = "".join(c for c in ops.LETTERS if c not in left)
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
