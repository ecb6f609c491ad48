"""Whose code calls: errors name the program's own line, and makers act for programs only."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy import zeros as zeros_by_name

import pullback
from pullback import callers


def test_the_users_frame_is_outside_of_pullback_and_numpy() -> None:
    frame = callers.user_frame()
    assert frame is sys._getframe()
    line = frame.f_lineno + 1
    assert callers.where().startswith(f"{__file__}:{line}: assert callers.where()")


def test_an_error_from_within_numpys_dispatch_names_the_users_line() -> None:
    def branch(x: np.ndarray) -> np.ndarray:
        return np.apply_along_axis(lambda row: row if row[0] > 0 else -row, 0, x)

    with pytest.raises(pullback.BatchingError, match=r"test_callers\.py:\d+: return np\.apply"):
        pullback.vmap(branch)(np.ones((2, 3, 4)))


def test_packages() -> None:
    assert callers.package_of(__file__) is None
    assert callers.package_of(np.linalg.__file__) == callers.package_of(np.__file__)
    assert callers.package_of(partial.__module__) is None
    assert callers.package_of_function(partial(np.fft.fft, n=3)) == callers.package_of(np.__file__)
    assert callers.package_of_function(partial(lambda x: x)) is None
    assert callers.package_of_function(len) is None


def kinds(function: Any) -> list[str]:
    """The types of what `function` makes under a transform."""
    made: list[Any] = []
    pullback.grad(lambda x: made.extend(function()) or x)(1.0)
    return [type(value).__name__ for value in made]


def by_name() -> list[Any]:
    import numpy as local  # noqa: ICN001 (any name will do)

    module = np
    options: dict[str, Any] = {"dtype": float}
    return [
        np.zeros(3),
        local.zeros((2, 3)),
        module.zeros(
            2,
        ),
        np.zeros(3, **options),
        local.zeros(3, dtype=float),
        np.zeros(*(3,)),
        next(np.ones(2) for _ in range(2)),
        np.array([np.zeros(2) if options else np.ones(2)]),
    ]


def test_makers_act_where_a_program_calls_them_by_name() -> None:
    assert kinds(by_name) == ["ArrayBox"] * 8


def test_makers_act_where_the_code_was_compiled_apart_from_its_imports() -> None:
    """A notebook's cell is: there the bytecode of a call with keywords is another."""
    scope: dict[str, Any] = {"np": np}
    source = "def cell(): return [np.zeros(3, dtype=float), np.array([1.0], copy=None)]"
    exec(compile(source, __file__, "exec"), scope)
    assert kinds(scope["cell"]) == ["ArrayBox"] * 2


def test_makers_called_by_compiled_code_are_numpys() -> None:
    """It has no frame, so it seems to be the program; it would read a box as memory."""
    rng = np.random.default_rng(0)
    drawn = lambda: [rng.normal(size=3), np.random.rand(2), rng.permutation(np.arange(3.0)[:])]
    assert kinds(drawn)[:2] == ["ndarray"] * 2
    assert kinds(lambda: [next(map(np.zeros, [3])), zeros_by_name(3)]) == ["ndarray"] * 2
