"""What a run's files hold, read and checked, before networks are filled from them; it takes no JAX."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onehalf._errors import Refusal, refuse
from onehalf.fitting.history import HistoryRow
from onehalf.fitting.snapshots import Snapshots
from onehalf.recipe import Recipe
from onehalf.runs.recipe_file import RECIPE, read_recipe, refuse_version
from onehalf.runs.state_file import PREVIOUS, STATE, StateFile, read_newest

__all__ = [
    "HISTORY",
    "LINES",
    "PREVIEWS",
    "SNAPSHOTS",
    "STILLS",
    "SavedRun",
    "Source",
    "as_written",
]

HISTORY = "rows.jsonl"
PREVIEWS = "progress.npy"

LINES = "history"
"""The array of the state with the bytes of the history."""

STILLS = "previews"
"""The array of the state with the previews."""

SNAPSHOTS = "snapshots."
"""How the names of the arrays of snapshots begin."""


@dataclass(frozen=True)
class Source:
    """Where the data of a run came from."""

    source: str
    """A name, or an absolute path."""
    size: int | None = None
    """The side that the images of a folder were brought to."""


@dataclass(frozen=True, eq=False)
class SavedRun:
    """All that a run has saved; its players are arrays by name."""

    path: Path
    """The file of the arrays."""
    recipe: Recipe
    source: Source
    data_hash: str
    domain: Mapping[str, Any]
    """The kind of data, as JSON has it."""
    version: str
    """The version of onehalf that wrote it."""
    arrays: dict[str, np.ndarray]
    about: dict[str, Any]
    """What is saved beside the arrays."""
    history: tuple[HistoryRow, ...]
    previews: tuple[np.ndarray, ...]
    snapshots: Snapshots | None
    is_refined: bool
    """Whether samples are corrected by D."""

    @classmethod
    def read(cls, folder: Path) -> "SavedRun":
        """Read the files of a run; where its state is damaged, the one that was saved before.

        Raises:
            Refusal: They are damaged, altered, or of another version.
        """
        content, recipe_hash = read_recipe(folder)
        known = {field.name for field in dataclasses.fields(Recipe)}
        if not content["solved"].keys() <= known:
            refuse_version(folder, content)
        state = read_newest(folder)
        if state.about["recipe"] != recipe_hash:
            expected = "the file that the state was saved with"
            refuse(str(folder / RECIPE), expected=expected, got="an altered one")
        data = content["data"] | state.about.get("source", {})
        return cls(
            path=state.path,
            recipe=Recipe(
                **content["solved"] | state.about["rounds_asked"] | state.about.get("rates", {})
            ),
            source=Source(data["source"], data["size"]),
            data_hash=data["sha256"],
            domain=content["domain"],
            version=content["versions"].get("onehalf", "?"),
            arrays=state.arrays,
            about=state.about,
            history=tuple(_read_history(folder, state)),
            previews=tuple(_read_previews(folder, state)),
            snapshots=_read_snapshots(state.arrays),
            is_refined=any(name.startswith("refinement.") for name in state.arrays),
        )

    @property
    def fallback(self) -> str:
        """Which older state this is, in a sentence; '' if it is the newest one."""
        if self.path.name != PREVIOUS:
            return ""
        newest = self.path.with_name(STATE)
        return (
            f"{newest} is missing, truncated or altered. The state that was saved before it, after round "
            f"{self.about['t']:,}, is used instead."
        )


@contextlib.contextmanager
def as_written(folder: Path) -> Iterator[None]:
    """Refuse files whose hashes are right, and which still are not what onehalf writes."""
    try:
        yield
    except Refusal:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        expected = "a run as onehalf wrote it"
        got = f"one that can't be read ({type(error).__name__})"
        refuse(str(folder), expected=expected, got=got)


def _read_history(folder: Path, state: StateFile) -> list[HistoryRow]:
    """The history that was saved with a state; before format 4, the lines of rows.jsonl that were."""
    if LINES in state.arrays:
        return [json.loads(line) for line in state.arrays[LINES].tobytes().splitlines()]
    path = folder / HISTORY
    text = path.read_bytes() if path.is_file() else b""
    lines = text.splitlines(keepends=True)
    while lines and hashlib.sha256(b"".join(lines)).hexdigest() != state.about["rows"]:
        lines.pop()
    if not lines:
        expected = f"the lines up to round {state.about['t']}"
        refuse(str(path), expected=expected, got="a missing, truncated or altered file")
    return [json.loads(line) for line in lines]


def _read_previews(folder: Path, state: StateFile) -> list[np.ndarray]:
    """The previews that were saved with a state; before format 4, those of progress.npy that were."""
    count = state.about.get("progress", 0)
    if STILLS in state.arrays or not count:
        return list(state.arrays.get(STILLS, ()))
    path = folder / PREVIEWS
    try:
        previews = np.load(path, allow_pickle=False)[:count]
    except (OSError, ValueError, EOFError):
        previews = ()
    if len(previews) < count:
        expected = f"{count} previews"
        refuse(str(path), expected=expected, got="a missing, truncated or altered file")
    return list(previews)


def _read_snapshots(arrays: Mapping[str, np.ndarray]) -> Snapshots | None:
    """The snapshots that were saved with a state; None if there were none."""
    own = {
        name.removeprefix(SNAPSHOTS): value
        for name, value in arrays.items()
        if name.startswith(SNAPSHOTS)
    }
    return Snapshots.from_arrays(own) if own else None
