"""What a measurement was made of: the format of its JSON, versions of packages, and files."""

import platform
from dataclasses import dataclass
from importlib.metadata import version

__all__ = ["FORMAT", "InputFile", "list_versions"]

FORMAT = 1
"""Of the JSON of a measurement and of a fit. A key that is removed or renamed, or whose meaning or type changes, raises
it by 1; a new key does not."""

PACKAGES = ("onehalf", "numpy", "jax", "scikit-learn")
"""Packages that decide what is measured."""


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A file or folder that was read, or a built-in data set."""

    name: str
    """Its name, without the folders above it."""
    sha256: str | None
    """SHA-256 of its bytes; of a folder, of the names and bytes of its files; null of a built-in data set."""


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide what is measured."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
