#!/bin/sh
# Run the suite on every supported Python that is there, each in an environment of its own.
# A Python is looked for on PATH, then among pyenv's versions; one that is missing is named.
set -eu

works() {
    "$1" -c "import sys, venv; sys.exit(sys.version_info[:2] != (3, ${2#3.}))" 2>/dev/null
}

find_python() {
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if works "$candidate" "$1"; then
            echo "$candidate"
            return
        fi
    done
}

tried=
failed=
for version in 3.11 3.12 3.13; do
    python=$(find_python "$version")
    if [ -z "$python" ]; then
        echo "Python $version: not here, skipped"
        continue
    fi
    echo "Python $version: $python"
    tried="$tried $version"
    "${MAKE:-make}" test PYTHON="$python" VENV=".venvs/$version" ARGS="${ARGS:-}" ||
        failed="$failed $version"
done
echo "tried:${tried:- none}; failed:${failed:- none}"
[ -n "$tried" ] && [ -z "$failed" ]
