"""Source that a page quotes: copied from the file by name, so that it cannot drift.

A page asks with `<!-- source: src/pullback/core.py bind -->`, and what stands between that line
and `<!-- end -->` is replaced by the source of `bind`. `Walk.run` names a method, and several
names can be asked for at once. The fence is `py`, not `python`: these blocks are read, and
the tests run only the others.
"""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

_QUOTE = re.compile(r"(<!-- source: (\S+) ([\w. ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str, root: Path, page: Path) -> str:
    """`text` with every quote taken anew from the source."""

    def quote(match: re.Match[str]) -> str:
        head, path, names, end = match.groups()
        try:
            source = (root / path).read_text(encoding="utf-8")
            found = [find(source, name) for name in names.split()]
        except (LookupError, OSError) as error:
            raise SystemExit(f"{page.relative_to(root)}: {path}: {error}") from None
        quoted = ("\n\n" if any("\n" in one for one in found) else "\n").join(found)
        return f"{head}```py\n# {path}\n{quoted}\n```\n{end}"

    return _QUOTE.sub(quote, text)


def find(source: str, name: str) -> str:
    """The source of a function, class, method, assignment or declared op, by its dotted name."""
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        children = [child for child in ast.iter_child_nodes(node) if part in _names(child)]
        if not children:
            raise LookupError(f"there is no {name}")
        node = children[0]
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    return textwrap.dedent("\n".join(source.splitlines()[first - 1 : node.end_lineno]))


def _names(node: ast.AST) -> list[str]:
    """What a statement defines; `elementwise("exp", ...)` defines the op exp."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    names: list[str] = []
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.Assign | ast.Expr) and isinstance(node.value, ast.Call):
        names += [arg.value for arg in node.value.args[:1] if isinstance(arg, ast.Constant)]
    return names
