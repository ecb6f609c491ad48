"""Every example that a reader can copy runs: docstrings, the README and the documentation."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
MODULES = ["pullback", "pullback.testing", "pullback.array_api"]


PUBLIC = [
    pytest.param(getattr(module, name), id=f"{module.__name__}.{name}")
    for module in map(importlib.import_module, MODULES)
    for name in module.__all__
]


@pytest.mark.parametrize("public", PUBLIC)
def test_every_public_name_is_documented(public):
    assert inspect.getdoc(public)


@pytest.mark.parametrize("public", PUBLIC)
def test_public_functions_have_an_example(public):
    if inspect.isfunction(public):
        assert ">>> " in (inspect.getdoc(public) or "")


@pytest.mark.parametrize("public", PUBLIC)
def test_the_examples_of_docstrings_run(public):
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    report: list[str] = []
    for test in finder.find(public, public.__name__, module=False, globs={}):
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(page):
    """Blocks of one page share a namespace, as a reader would run them one after another."""
    text = page.read_text()
    for library in ("scipy", "torch", "array_api_strict", "array_api_compat", "dask", "jax"):
        if f"import {library}" in text or f"from {library}" in text:
            pytest.importorskip(library)
    namespace: dict[str, object] = {"__name__": "__page__"}
    for block in BLOCK.finditer(text):
        # Blank lines put the block at its own line, so that a traceback points into the page.
        source = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(source, str(page), "exec"), namespace)


def test_the_pages_have_code():
    assert sum(len(BLOCK.findall(page.read_text())) for page in PAGES) >= 5
