"""pullback's namespace against array-api-strict, function by function: signatures, and results
(dtype, shape, values) on generated inputs, with nothing traced and inside a running transform.

What differs is listed with its reason in `differences.txt`, of which the documentation has a copy.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pullback
import pullback.array_api
from tests.array_api.calls import CALLS, drawn
from tests.array_api.libraries import array, namespace, numbers

LIBRARIES = ("numpy", "array_api_strict")
FILE = Path(__file__).parent / "differences.txt"
DIFFERENCES = dict(
    line.split(": ", 1) for line in FILE.read_text().splitlines() if line and line[0] != "#"
)


strict = pytest.importorskip("array_api_strict")
pytest.importorskip("array_api_compat")


def test_the_documentation_lists_what_differs():
    page = (Path(__file__).parents[2] / "docs" / "array-api.md").read_text(encoding="utf-8")
    table = page.split("| where | what | reason |\n")[1].split("\n\n")[0].splitlines()[1:]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    for (key, reason), (where, what, why) in zip(DIFFERENCES.items(), rows, strict=True):
        assert f"{where} {what.strip('`')}" == key
        assert why == reason


def functions_of_the_standard():
    own = "Device set_array_api_strict_flags get_array_api_strict_flags ArrayAPIStrictFlags".split()
    own += ["reset_array_api_strict_flags", "__version__", "__array_api_version__"]
    names = [n for n in strict.__all__ if n not in own]
    return [
        *(n for n in names if n not in ("linalg", "fft")),
        *(f"linalg.{n}" for n in strict.linalg.__all__),
        *(f"fft.{n}" for n in strict.fft.__all__),
    ]


def attribute(xp, name):
    for part in name.split("."):
        xp = getattr(xp, part)
    return xp


def ours(library):
    namespace(library)  # or skip
    return pullback.array_api.namespace(importlib.import_module(library))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", functions_of_the_standard())
def test_every_name_is_there_with_the_signature_of_the_standard(name, library):
    if f"{library} {name} signature" in DIFFERENCES:
        pytest.xfail(DIFFERENCES[f"{library} {name} signature"])
    theirs, mine = attribute(strict, name), attribute(ours(library), name)
    if not inspect.isfunction(theirs):
        return
    try:
        signature = inspect.signature(mine)
    except ValueError:
        pytest.skip("a builtin of the library does not tell its signature")
    parameters = signature.parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    positional = [p for p in parameters.values() if p.kind in (0, 1)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    for place, parameter in enumerate(inspect.signature(theirs).parameters.values()):
        if parameter.kind is parameter.VAR_POSITIONAL:
            assert variadic
            continue
        if parameter.kind in (0, 1):
            assert variadic or place < len(positional), f"{parameter} cannot be positional"
        if parameter.kind in (1, 3):
            assert takes_any or parameter.name in parameters, f"{parameter} is missing"


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_function_has_a_call_here(library):
    called = {sample.name for sample in CALLS}
    functions = [n for n in functions_of_the_standard() if inspect.isfunction(attribute(strict, n))]
    without = {"empty", "empty_like", "from_dlpack", "broadcast_shapes"}
    assert set(functions) - called - without == {"__array_namespace_info__"}


def outcomes(out):
    """The result's parts as (dtype's name, shape, values)."""
    parts = out if isinstance(out, tuple | list) else [out]
    return [(numbers(p).dtype.name, tuple(p.shape), numbers(p)) for p in parts]


def check(got, expected):
    assert len(got) == len(expected)
    for (dtype, shape, values), (dtype_, shape_, values_) in zip(got, expected, strict=True):
        assert (dtype, shape) == (dtype_, shape_)
        tolerance = 1e-4 if dtype in ("float32", "complex64") else 1e-9
        np.testing.assert_allclose(values, values_, rtol=tolerance, atol=tolerance)


def inside(function, arrays):
    """What `function` gives inside a running transform that follows the arrays that it can."""

    def program(extra, *arrays):
        out = function(*arrays)
        return extra, [*out] if isinstance(out, tuple | list) else [out]

    extra = arrays[0].__array_namespace__().ones(())
    return pullback.vjp(program, extra, *arrays, has_aux=True)[2]


CASES = [
    pytest.param(library, sample, id=f"{library}-{place}-{sample.name}")
    for library in LIBRARIES
    for place, sample in enumerate(CALLS)
]


def called(function, arrays):
    """What `function` gives where no transform runs."""
    return function(*arrays)


@pytest.mark.property
@pytest.mark.parametrize("run", [called, inside], ids=["plain", "traced"])
@pytest.mark.parametrize(("library", "sample"), CASES)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_results_are_those_of_the_standard(library, sample, run, data):
    reason = DIFFERENCES.get(f"{library} {sample.name}")
    if reason is not None:
        pytest.skip(reason)
    xp = ours(library)
    raw = namespace(library)
    inputs = drawn(data, sample)
    try:
        expected = outcomes(sample.call(strict, *(array(strict, x) for x in inputs)))
    except np.linalg.LinAlgError:
        return
    arrays = [array(raw, x) for x in inputs]
    check(outcomes(run(lambda *arrays: sample.call(xp, *arrays), arrays)), expected)
