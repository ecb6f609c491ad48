"""The examples are complete programs that run as their first lines say, and are short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


def run(example: Path, out: Path) -> str:
    command = [sys.executable, str(example), "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_writes_its_figure(example: Path, tmp_path: Path) -> None:
    for package in ("scipy", "matplotlib", "tqdm"):
        pytest.importorskip(package, reason="the examples need pip install 'pullback[demo]'")
    if "import dask" in example.read_text():
        for package in ("dask.array", "array_api_compat"):
            pytest.importorskip(package, reason="it needs pip install 'pullback[dask]'")
    run(example, tmp_path)
    assert (tmp_path / f"{example.stem}.png").stat().st_size > 0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_fits_on_a_page(example: Path) -> None:
    """Somebody who wants to know what pullback is like reads one from top to bottom."""
    assert len(example.read_text().splitlines()) <= 100


def test_there_are_at_least_three_examples() -> None:
    assert len(EXAMPLES) >= 3
