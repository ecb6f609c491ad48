"""The page of the public API: every public name's signature and docstring, as Markdown."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pullback
import pullback.testing

_HEAD = """# API

Everything public, generated from the docstrings. The examples are run by the tests.
"""
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields|Example):\n", re.MULTILINE)


def page() -> str:
    """The whole page."""
    parts = [
        _HEAD,
        *(entry(f"pullback.{name}", getattr(pullback, name)) for name in public(pullback)),
    ]
    parts.append(
        "## pullback.testing\n\n" + inspect.cleandoc(pullback.testing.__doc__ or "") + "\n"
    )
    testing = public(pullback.testing)
    parts += [
        entry(f"pullback.testing.{name}", getattr(pullback.testing, name)) for name in testing
    ]
    return "\n".join(parts)


def public(module: Any) -> list[str]:
    """The public names of a module: functions first, errors last."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    ]
    return sorted(names, key=lambda name: (_is_error(getattr(module, name)), name.lower()))


def _is_error(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def entry(name: str, value: Any) -> str:
    """One name: heading, signature, docstring."""
    heading = f"### `{name}`\n"
    if _is_error(value):
        heading += f"\nA `{value.__mro__[1].__name__}`.\n"
    else:
        heading += f"\n```text\n{_signature(name, value)}\n```\n"
    return f"{heading}\n{markdown(inspect.getdoc(value) or '')}\n"


def _signature(name: str, value: Any) -> str:
    signature = inspect.signature(value)
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    bare = signature.replace(parameters=parameters, return_annotation=signature.empty)
    return f"{name.rpartition('.')[2]}{bare}"


def markdown(docstring: str) -> str:
    """A docstring in Google's sections as Markdown: lists of names, and a fenced example."""
    blocks = _SECTION.split(docstring)
    parts = [blocks[0].strip()]
    for title, body in zip(blocks[1::2], blocks[2::2], strict=True):
        text = inspect.cleandoc(body)
        if title == "Example":
            parts.append(f"```pycon\n{text}\n```")
        elif title in ("Returns", "Yields"):
            parts.append(f"**{title}** {text}")
        else:
            parts.append(f"**{title}**\n\n{_items(text)}")
    return "\n\n".join(parts)


def _items(text: str) -> str:
    """`name: what it is` lines, continued by indented ones, as a list."""
    joined = re.sub(r"\n +", " ", text)
    return "\n".join(re.sub(r"^(.+?): ", r"- `\1`: ", line) for line in joined.splitlines())
