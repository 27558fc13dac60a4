"""recipe.json: what a run was asked for, written before anything else and under a hash of its own."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from onehalf._errors import refuse
from onehalf._files import write_file

__all__ = ["FORMAT", "RECIPE", "RecipeFile", "read_recipe", "refuse_version", "write_recipe"]

FORMAT = 4
"""Of the files of a run. Version 0.1 of onehalf wrote the first two."""

READABLE = (3, FORMAT)
"""The formats that can be read."""

VERSIONS = ("onehalf", "jax", "equinox", "optax", "numpy", "scikit-learn", "pyarrow")
"""Packages whose versions are kept."""

RECIPE = "recipe.json"

SECTIONS = ("data", "domain", "asked", "solved", "versions")
"""The objects in the file."""


class RecipeFile(NamedTuple):
    """What recipe.json holds, and the hash that the state knows it by."""

    content: dict[str, Any]
    sha256: str


def write_recipe(folder: Path, sections: Mapping[str, Any]) -> None:
    """Write all sections but the versions, which are those of now."""
    versions = {"python": platform.python_version()} | {
        name: version(name) for name in VERSIONS
    }
    recipe = {"format": FORMAT, **sections, "versions": versions}
    recipe["sha256"] = _digest(recipe)
    write_file(folder / RECIPE, json.dumps(recipe, indent=2).encode())


def read_recipe(folder: Path) -> RecipeFile:
    """Read the recipe of a run.

    Raises:
        Refusal: The folder is no run, or its recipe is damaged or of another version.
    """
    path = folder / RECIPE
    if not path.is_file():
        got = f"no {RECIPE} in it" if folder.exists() else "none"
        refuse(str(folder), expected="the folder of a run", got=got)
    try:
        text = path.read_bytes()
    except OSError as error:
        refuse(str(path), expected="a file that can be read", got=error.strerror)
    try:
        recipe = json.loads(text)
        is_run = all(isinstance(recipe.get(name), dict) for name in ("asked", "versions"))
    except (ValueError, AttributeError, RecursionError):
        recipe, is_run = {}, False
    is_hashed = "sha256" in recipe or recipe.get("format") == FORMAT
    if not is_run or (is_hashed and recipe.get("sha256") != _digest(recipe)):
        expected = "a recipe as onehalf wrote it"
        refuse(str(path), expected=expected, got="a truncated or altered file")
    if recipe.get("format") not in READABLE:
        refuse_version(folder, recipe)
    return RecipeFile(recipe, hashlib.sha256(text).hexdigest())


def refuse_version(folder: Path, recipe: Mapping[str, Any]) -> NoReturn:
    """Refuse a run that another version wrote, by the name of that version."""
    written = recipe["versions"].get("onehalf", "another version")
    refuse(
        str(folder),
        expected=f"a run that onehalf {version('onehalf')} can read",
        got=f"one written by onehalf {written}",
        hint=f"Open it with onehalf {written}, or fit again into another folder.",
    )


def _digest(recipe: Mapping[str, Any]) -> str:
    """The hash of everything in the file but itself."""
    rest = {name: value for name, value in recipe.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest).encode()).hexdigest()
