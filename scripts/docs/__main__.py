"""Generate what the documentation takes from the source: `python scripts/docs [--check]`.

With `--check`, write nothing and fail if a page is not what would be generated: then the source
has moved on, and `make docs-update` brings the page after it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import api
import ops
import quotes

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def pages() -> dict[Path, str]:
    """Every page with something generated in it, as it should be."""
    made = {DOCS / "ops.md": ops.page(), DOCS / "api.md": api.page()}
    for path in sorted(DOCS.rglob("*.md")):
        if path not in made:
            made[path] = quotes.fill(path.read_text(encoding="utf-8"), ROOT, path)
    return made


def main() -> int:
    """Write the pages, or check them."""
    check = "--check" in sys.argv[1:]
    stale = [
        (path, text)
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if check and f"with NumPy {ops.VERSION}." not in (DOCS / "ops.md").read_text(encoding="utf-8"):
        print(f"docs/ops.md was made with another NumPy than {ops.VERSION}: not compared")
        stale = [(path, text) for path, text in stale if path.name != "ops.md"]
    for path, text in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is not what its source says: run `make docs-update`")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
