"""The data of a run, read again to be shown beside its samples; only if they still are what it was fitted on."""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from onehalf._blocks import take_evenly
from onehalf._errors import Refusal
from onehalf.data.rows import EncodedRows
from onehalf.runs.saved import SavedRun

__all__ = ["SourceRows"]

MOST_POINTS = 400
"""Rows that are shown as points."""

MOST_BYTES = 50_000_000
"""A larger file is read once the fit has ended, so as not to slow it down."""


class SourceRows:
    """Some rows of the data of a run, and their density where it is known. Nothing is read before it is asked for."""

    def __init__(
        self, run: SavedRun, *, is_at_work: bool, rows: np.ndarray | None = None
    ) -> None:
        self.run = run
        self.known_rows = rows
        self.is_at_work = is_at_work
        self.note = ""
        """Why the data can't be shown; '' if they can, or were not asked for."""

    def is_stale(self, run: SavedRun, *, is_at_work: bool) -> bool:
        """Whether these are the data of another run, or could be read now that no fit is at work."""
        return run.data_hash != self.run.data_hash or (self.is_at_work and not is_at_work)

    def masses(self, edges: Sequence[np.ndarray]) -> np.ndarray | None:
        """The exact probability of the cells between these edges; None if the density is not known."""
        if not self._is_name:
            return None
        from onehalf.data.loading import find_density

        density = find_density(self.run.source.source)
        return None if density is None else np.asarray(density.masses(list(edges)))

    def points(self) -> np.ndarray | None:
        """Some rows, to be shown as points; None if the data can't be read."""
        rows = self._rows
        return None if rows is None else take_evenly(rows, MOST_POINTS).astype(np.float64)

    def images(self, count: int) -> np.ndarray | None:
        """Some images; None if the data can't be read."""
        rows = self._rows
        return None if rows is None else take_evenly(rows, count)

    @property
    def _is_name(self) -> bool:
        """Whether the data have a name instead of a file."""
        return not Path(self.run.source.source).is_absolute()

    @cached_property
    def _rows(self) -> np.ndarray | None:
        """All rows; None, with a note, if they can't be read or are others now."""
        if self.known_rows is not None:
            return self.known_rows
        source = self.run.source
        if not self._is_name:
            path = Path(source.source)
            if not path.exists():
                self.note = f"The data are not shown: {path.name} is no longer where it was."
                return None
            size = path.stat().st_size if path.is_file() else math.inf
            if self.is_at_work and size > MOST_BYTES:
                self.note = (
                    "The data are shown once the fit has ended, so as not to slow it down."
                )
                return None
        plain = self._read_plain()
        return self._load() if plain is None else plain

    def _read_plain(self) -> np.ndarray | None:
        """Read a plain array without what it takes to read other data; the hash says whether that was right."""
        path = Path(self.run.source.source)
        if self._is_name or path.suffix.lower() != ".npy":
            return None
        try:
            rows = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        rows = rows[:, None] if rows.ndim == 1 else rows
        is_same = rows.ndim > 1 and EncodedRows.unlabelled(rows).digest() == self.run.data_hash
        return rows if is_same else None

    def _load(self) -> np.ndarray | None:
        """Read and check the data."""
        from onehalf import domains
        from onehalf.data.sources import load_some

        source = self.run.source
        name = Path(source.source).name
        try:
            rows = domains.load_domain(self.run.domain).encode(
                load_some(source.source, image_size=source.size)
            )
        except (Refusal, OSError) as error:
            self.note = (
                f"The data are not shown: {name} can't be read ({str(error).rstrip('.')})."
            )
            return None
        if rows.digest() != self.run.data_hash:
            self.note = f"The data are not shown: {name} has changed since the fit."
            return None
        return rows.x
