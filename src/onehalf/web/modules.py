"""Join ES modules into one script and styles into one sheet: a page needs no other file and no build step."""

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files

from onehalf._errors import refuse

__all__ = ["hash_source", "join_modules", "join_styles", "read_source"]

IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.[^"]+)";\n', re.MULTILINE)
"""The one form of import that the modules use: names from a file beside them."""

EXPORT = re.compile(r"^export (?=(?:class|const|function) (\w+))", re.MULTILINE)
"""What stands before a name that other modules import."""


def read_source(name: str) -> str:
    """Read a file of this package by its path in it, such as `game/theory.js`."""
    return files("onehalf.web").joinpath(name).read_text(encoding="utf-8")


def join_modules(entry: str) -> str:
    """Join a module and all that it imports: each once, and after those that it needs.

    Each becomes a function that is called at once and returns its exports, so that the names
    inside it stay its own.
    """
    return '"use strict";\n' + "".join(_wrap(name) for name in _order(entry, set()))


def join_styles(*names: str) -> str:
    """Join style sheets in their order: the colours, what pages share, and what is a page's own."""
    return "".join(map(read_source, names))


def hash_source(text: str) -> str:
    """Compute the source by which a content security policy allows an inline script or style.

    >>> hash_source("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _order(name: str, seen: set[str]) -> Iterator[str]:
    """Yield the names of a module and of all that it imports, those first."""
    if name in seen:
        return
    seen.add(name)
    for match in IMPORT.finditer(read_source(name)):
        yield from _order(_resolve(name, match[2]), seen)
    yield name


def _resolve(name: str, relative: str) -> str:
    """Find the path in the package that an import of a module names.

    >>> _resolve("lab/view.js", "../game/theory.js"), _resolve("lab/view.js", "./pen.js")
    ('game/theory.js', 'lab/pen.js')
    """
    parts = name.split("/")[:-1]
    for part in relative.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _wrap(name: str) -> str:
    """Turn a module into a function that is called at once."""
    text = read_source(name)
    exports = ", ".join(match[1] for match in EXPORT.finditer(text))

    def take(match: re.Match[str]) -> str:
        return f"const {match[1]} = {_variable(_resolve(name, match[2]))};\n"

    body = EXPORT.sub("", IMPORT.sub(take, text))
    rest = re.search(r"^(import|export)\b.*", body, re.MULTILINE)
    if rest:
        refuse(name, expected='imports as in `import { a } from "./b.js";`', got=rest[0])
    return f"const {_variable(name)} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"


def _variable(name: str) -> str:
    """Name the constant that holds what a module exports.

    >>> _variable("game/theory.js")
    'game_theory'
    """
    return name.removesuffix(".js").replace("/", "_")
