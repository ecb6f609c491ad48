"""The namespace that the array API's public suite tests, and a plugin that lets it be traced.

`ARRAY_API_TESTS_MODULE=suite_plugin pytest -p suite_plugin array_api_tests` in a checkout of
array-api-tests tests `pullback.array_api`, as `PULLBACK_SUITE` says: `plain`, or inside `vjp` or
`jvp`.  Inside a transform each test runs as the function that is differentiated, and every
floating-point array that the suite makes depends on the primals: the function `where` takes all of
its elements, and none of a primal's.

The suite compares what it reads by `float`, `int` and `complex`, which a traced array refuses.
Here it lets itself be read, but in the tests of just these conversions.

Tests that are listed in `tests/array_api/differences.txt` are expected to fail.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import operator
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pullback
import pullback.array_api
from pullback.core import box_types

MODE = os.environ.get("PULLBACK_SUITE", "plain")
LIBRARY = os.environ.setdefault("PULLBACK_ARRAY_API_LIBRARY", "numpy")
DIFFERENCES = Path(__file__).parents[2] / "tests" / "array_api" / "differences.txt"

# The functions whose results the suite takes as its inputs.
MAKERS = frozenset("arange asarray empty eye from_dlpack full linspace ones zeros".split())
READINGS = {
    "__float__": float,
    "__int__": int,
    "__complex__": complex,
    "__index__": operator.index,
}

library = importlib.import_module(LIBRARY)
# What is differentiated, while a test runs: a number of each floating-point dtype.
primals: list[Any] = []


# The module that is tested


def __getattr__(name: str) -> Any:
    found = getattr(pullback.array_api, name)
    return _tracing(found) if name in MAKERS else found


def _tracing(make: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes arrays, but its floating-point results depend on the primals."""

    @functools.wraps(make)
    def made(*args: Any, **options: Any) -> Any:
        array = make(*args, **options)
        if type(array) in box_types and array.tracer.level:
            return array
        xp = pullback.array_api
        for primal in primals:
            if array.dtype == primal.dtype and array.device == primal.device:
                return xp.where(xp.ones(array.shape, dtype=library.bool), array, primal)
        return array

    return made


# The plugin


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test as the function that is differentiated."""
    if MODE == "plain":
        return None
    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 (pytest tells it in no other way)
    args = {name: pyfuncitem.funcargs[name] for name in names}

    def program(traced: list[Any]) -> Any:
        converts = "scalar_casting" in pyfuncitem.name
        with _set(primals, traced), contextlib.nullcontext() if converts else _readable():
            pyfuncitem.obj(**args)
        return traced

    dtypes = [library.float32, library.float64, library.complex64, library.complex128]
    numbers = [library.asarray(0.5, dtype=dtype) for dtype in dtypes]
    if MODE == "vjp":
        pullback.vjp(program, numbers)
    else:
        pullback.jvp(program, (numbers,), (numbers,))
    return True


@contextlib.contextmanager
def _set(to: list[Any], values: list[Any]) -> Iterator[None]:
    to[:] = values
    try:
        yield
    finally:
        to.clear()


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Let traced arrays be read as numbers."""
    own = {(kind, name): getattr(kind, name) for kind in box_types for name in READINGS}
    for (kind, name), function in own.items():
        setattr(kind, name, _reading(function, READINGS[name]))
    try:
        yield
    finally:
        for (kind, name), function in own.items():
            setattr(kind, name, function)


def _reading(own: Callable[[Any], Any], read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def reading(self: Any) -> Any:
        constant = pullback.stop_gradient(self)
        return own(self) if type(constant) in box_types else read(constant)

    return reading


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect of the tests that are listed to fail that they do."""
    for tests, reason in known():
        pattern = re.compile(re.escape(tests).replace(r"\*", ".*"))
        for item in items:
            if pattern.search(item.nodeid):
                item.add_marker(pytest.mark.xfail(reason=reason))


def known() -> Iterator[tuple[str, str]]:
    """What fails here and why: parts of the tests' names, with `*` for anything."""
    here = {"all", LIBRARY}
    if MODE != "plain":
        here |= {f"{one} {how}" for one in here for how in ("traced", MODE)}
    for line in DIFFERENCES.read_text(encoding="utf-8").splitlines():
        where, is_of_suite, rest = line.partition(" suite ")
        if is_of_suite and where in here:
            tests, reason = rest.split(": ", 1)
            yield tests, reason
