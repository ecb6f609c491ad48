"""Run the array API's public conformance suite on pullback's namespace, plain or being traced.

A plugin of pytest for a checkout of array-api-tests (`git clone --recursive`), and the module
that the suite is given as the one to test:

    make test-suite SUITE=path/to/array-api-tests

runs it with nothing traced, inside `vjp` and inside `jvp`, on NumPy's arrays and on
array-api-strict's.  By hand, in the checkout:

    PYTHONPATH=path/to/pullback/scripts PULLBACK_SUITE=vjp PULLBACK_ARRAY_API_LIBRARY=numpy \\
    ARRAY_API_TESTS_MODULE=array_api_suite pytest -p array_api_suite array_api_tests

`PULLBACK_SUITE` is `plain`, `vjp` or `jvp`.  Inside a transform each test runs as the function that
is differentiated, and every floating-point array that the suite makes depends on the primals:
the function `where` picks all of its elements, and none of a primal's.  The suite compares what it
reads with `float`, `int` and `complex`, which a traced array refuses; here it lets itself be read,
but for the tests of just these conversions.

What is known to differ is in `tests/array_api/differences.txt`.  These tests must fail, all others
must pass.
"""

from __future__ import annotations

import functools
import importlib
import operator
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import pullback
import pullback.array_api
from pullback.core import box_types

MODE = os.environ.get("PULLBACK_SUITE", "plain")
LIBRARY = os.environ.setdefault("PULLBACK_ARRAY_API_LIBRARY", "numpy")
DIFFERENCES = Path(__file__).parents[1] / "tests" / "array_api" / "differences.txt"

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
        xp = pullback.array_api
        for primal in primals:
            if array.dtype == primal.dtype:
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
        with _set(primals, traced), _readable("scalar_casting" not in pyfuncitem.name):
            pyfuncitem.obj(**args)
        return traced

    dtypes = [library.float32, library.float64, library.complex64, library.complex128]
    numbers = [library.asarray(0.5, dtype=dtype) for dtype in dtypes]
    if MODE == "vjp":
        pullback.vjp(program, numbers)
    else:
        pullback.jvp(program, (numbers,), (numbers,))
    return True


@contextmanager
def _set(to: list[Any], values: list[Any]) -> Iterator[None]:
    to[:] = values
    try:
        yield
    finally:
        to.clear()


@contextmanager
def _readable(readable: bool) -> Iterator[None]:  # noqa: FBT001
    """Let traced arrays be read as numbers."""
    own = {(kind, name): getattr(kind, name) for kind in box_types for name in READINGS}
    if readable:
        for kind, name in own:
            setattr(kind, name, _reading(own[kind, name], READINGS[name]))
    try:
        yield
    finally:
        if readable:
            for (kind, name), function in own.items():
                setattr(kind, name, function)


def _reading(own: Callable[[Any], Any], read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def reading(self: Any) -> Any:
        constant = pullback.stop_gradient(self)
        return own(self) if type(constant) in box_types else read(constant)

    return reading


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect of the tests that are listed to fail that they do."""
    for line in DIFFERENCES.read_text(encoding="utf-8").splitlines():
        where, _, rest = line.partition(" suite ")
        if where not in (LIBRARY, f"{LIBRARY} traced"[: None if MODE != "plain" else 0]):
            continue
        tests, reason = rest.split(": ", 1)
        pattern = re.compile(re.escape(tests).replace(r"\*", ".*"))
        for item in items:
            if pattern.search(item.nodeid):
                item.add_marker(pytest.mark.xfail(reason=reason))
