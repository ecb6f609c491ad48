"""Run the array API's public conformance suite on pullback's namespace.

    python scripts/array_api_suite path/to/array-api-tests [arguments of pytest]

runs the suite's checkout (`git clone --recursive`; its requirements installed) on NumPy's arrays
and on array-api-strict's, with nothing traced, inside `vjp` and inside `jvp`: six times.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LIBRARIES = ("numpy", "array_api_strict")
MODES = ("plain", "vjp", "jvp")
VERSION = "2024.12"


def run(suite: str, library: str, mode: str, arguments: list[str]) -> bool:
    """Run the suite once; does every test pass that is not listed to fail?"""
    print(f"{library}, {mode}:", flush=True)
    paths = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "ARRAY_API_TESTS_MODULE": "suite_plugin",
        "ARRAY_API_TESTS_VERSION": VERSION,
        "ARRAY_API_STRICT_API_VERSION": VERSION,
        "PULLBACK_ARRAY_API_LIBRARY": library,
        "PULLBACK_SUITE": mode,
    }
    command = [sys.executable, "-m", "pytest", "-p", "suite_plugin", "-q", "--disable-deadline"]
    command += [*arguments, "array_api_tests"]
    done = subprocess.run(command, cwd=suite, env=environment, check=False)  # noqa: S603 (its own)
    return not done.returncode


def main() -> int:
    """Run the suite on every library and in every mode."""
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    suite, *arguments = sys.argv[1:]
    passed = [run(suite, library, mode, arguments) for library in LIBRARIES for mode in MODES]
    return not all(passed)


if __name__ == "__main__":
    sys.exit(main())
