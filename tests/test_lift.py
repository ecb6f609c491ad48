"""Indices under `vmap`: any mixture of parts, batched or not, reads and writes as in a loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pullback import grad, vjp, vmap

EXAMPLES = 3
SIZES = st.integers(1, 3)


class Batched(np.ndarray):
    """In a drawn index: positions that differ from example to example."""


@st.composite
def indexed(draw: st.DrawFn) -> tuple[Any, tuple[Any, ...]]:
    """A batch of arrays, and the parts of an index of one of them."""
    shape = draw(st.lists(SIZES, min_size=1, max_size=4).map(tuple))
    together = draw(st.lists(st.integers(1, 2), max_size=2).map(tuple))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts: list[Any] = []
    axis = 0
    while axis < len(shape) and len(parts) < 6:
        size = shape[axis]
        positions = together[draw(st.integers(0, len(together))) :]
        kind = draw(
            st.sampled_from(["all", "back", "int", "new", "array", "batched", "rest", "mask"])
        )
        axis += kind != "new"
        match kind:
            case "all" | "back":
                parts.append(slice(None, None, 1 if kind == "all" else -1))
            case "int":
                parts.append(draw(st.integers(-size, size - 1)))
            case "new":
                parts.append(None)
            case "array":
                parts.append(rng.integers(-size, size, positions))
            case "batched":
                parts.append(rng.integers(-size, size, (EXAMPLES, *positions)).view(Batched))
            case "rest":
                if not any(part is ... for part in parts):
                    parts.append(...)
                    axis += draw(st.integers(0, len(shape) - axis)) - draw(st.integers(0, 1))
            case _:
                parts.append(np.arange(size) == draw(st.integers(0, size - 1)))
    return rng.normal(size=(EXAMPLES, *shape)), tuple(parts)


@pytest.mark.property
@given(indexed())
def test_any_index_reads_and_writes_as_in_a_loop(drawn: Any) -> None:
    x, parts = drawn
    positions = [np.asarray(part) for part in parts if type(part) is Batched]

    def index(own: Any) -> tuple[Any, ...]:
        turn = iter(own)
        return tuple(next(turn) if type(part) is Batched else part for part in parts)

    def read(x: Any, *own: Any) -> Any:
        return x[index(own)]

    def written(x: Any, c: Any, *own: Any) -> Any:
        y = x * 2
        y[index(own)] = c * x.reshape(-1)[0]
        return np.sum(y * y)

    try:
        rows = [read(x[i], *(p[i] for p in positions)) for i in range(EXAMPLES)]
    except IndexError:
        assume(False)
        return
    np.testing.assert_array_equal(vmap(read)(x, *positions), np.stack(rows))
    c = np.random.default_rng(0).normal(size=np.shape(rows))

    def pulled(x: Any, c: Any, *own: Any) -> Any:
        return vjp(lambda x: read(x, *own), x)[1](c)[0]

    for function in (pulled, written, grad(written)):
        loop = [function(x[i], c[i], *(p[i] for p in positions)) for i in range(EXAMPLES)]
        np.testing.assert_allclose(vmap(function)(x, c, *positions), np.stack(loop))
