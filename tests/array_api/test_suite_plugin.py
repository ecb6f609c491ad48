"""The plugin for the public suite: its arrays are traced, can be read, and what is listed may fail.

The suite itself is not here; a small one stands in for it.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.array_api.libraries import namespace

SCRIPT = Path(__file__).parents[2] / "scripts" / "array_api_suite" / "__main__.py"
SUITE = """
import os

import pytest
import suite_plugin as xp


@pytest.mark.parametrize("make", [
    lambda: xp.asarray([1.0, 2.0]),
    lambda: xp.ones(2, dtype=xp.float32),
    lambda: xp.full((), 1j),
    lambda: xp.zeros((0, 3)),
])
def test_an_array_of_numbers_depends_on_the_primals(make):
    traced = os.environ["PULLBACK_SUITE"] != "plain"
    array = make()
    assert traced == (hasattr(array, "tracer") and array.tracer.level > 0)


def test_values_are_those_that_were_asked_for():
    x = xp.asarray([0.1, -0.0, float("inf")])
    assert [float(v) for v in x] == [0.1, 0.0, float("inf")]
    assert str(float(x[1])) == "-0.0"
    x[0] = 2
    assert int(x[0]) == 2 and complex(x[0]) == 2 and float(xp.sum(x[:2])) == 2


def test_what_has_no_derivative_stays_as_it_is():
    assert not hasattr(xp.asarray([1, 2]), "tracer")
    assert range(3)[xp.asarray(1)] == 1


@pytest.mark.parametrize("name", ["__float__(float64)"])
def test_scalar_casting(name):
    float(xp.asarray(1.0))
"""


@pytest.mark.parametrize(
    ("library", "mode", "outcome"),
    [
        ("numpy", "plain", "7 passed in"),
        ("numpy", "vjp", "6 passed, 1 xfailed"),
        ("array_api_strict", "jvp", "6 passed, 1 xfailed"),
    ],
)
def test_a_suite_runs_plain_and_inside_a_transform(library, mode, outcome, tmp_path, capfd):
    namespace(library)  # or skip
    tests = tmp_path / "array_api_tests"
    tests.mkdir()
    (tests / "test_small.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--disable-deadline', action='store_true')"
    )
    run = runpy.run_path(str(SCRIPT))["run"]
    assert run(str(tmp_path), library, mode, ["-p", "no:cacheprovider"])
    assert outcome in capfd.readouterr().out
