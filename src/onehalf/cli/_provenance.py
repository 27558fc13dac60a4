"""Names and hashes of what a command read, for `--json`."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onehalf.evaluation.result

__all__ = ["describe_inputs"]

BLOCK = 2**20
"""Bytes that are read at a time."""


def describe_inputs(
    words: Mapping[str, str | None],
) -> "dict[str, onehalf.evaluation.result.InputFile]":
    """Give the name and the hash of each file, folder, run or built-in data set, by side; None is left out."""
    return {side: _describe(word) for side, word in words.items() if word}


def _describe(word: str) -> "onehalf.evaluation.result.InputFile":
    """Hash a file, all files in a folder, or what a run has learned."""
    from onehalf.data.loading import is_path
    from onehalf.evaluation.result import InputFile
    from onehalf.runs.recipe_file import RECIPE
    from onehalf.runs.state_file import read_newest

    path = Path(word)
    if not is_path(word):
        return InputFile(name=word, sha256=None)
    if not path.is_dir():
        sha256 = _hash([path])
    elif (path / RECIPE).exists():
        sha256 = _hash([read_newest(path).path])
    else:
        sha256 = _hash(sorted(each for each in path.rglob("*") if each.is_file()), path)
    return InputFile(name=path.resolve().name, sha256=sha256)


def _hash(files: Iterable[Path], root: Path | None = None) -> str:
    """SHA-256 of the bytes of files; below a root, of their names too."""
    digest = hashlib.sha256()
    for file in files:
        if root:
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
        with file.open("rb") as opened:
            while block := opened.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
