"""Rows that need not fit into memory: they are read in batches, as often as they are asked for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from onehalf._blocks import blocks
from onehalf._errors import refuse
from onehalf.data.arrays.validation import check
from onehalf.data.dataset import Dataset
from onehalf.data.files import MOST_BYTES, PARQUET, FileStates, is_parquet_folder
from onehalf.data.images.reader import SUFFIXES
from onehalf.data.loading import load, map_array
from onehalf.data.random_order import RandomOrder
from onehalf.data.tables.parquet import ParquetFiles
from onehalf.data.tables.reader import count_cells
from onehalf.data.tables.totals import MOST_WORDS, TableTotals
from onehalf.data.tables.validation import FIRST_LINE, FIRST_ROW, check_table

__all__ = [
    "BATCH_SIZE",
    "MOST_IN_MEMORY",
    "ArrayFile",
    "DrawnRows",
    "MemoryRows",
    "Source",
    "TableFiles",
    "draw_rows",
    "find_shape",
    "load_some",
    "open_large",
    "open_source",
    "take",
]

TEXT_SUFFIXES = (".csv", ".tsv")
"""Endings of CSV files."""

MOST_IN_MEMORY = 200_000
"""Files of more rows are compared in batches; smaller ones are read whole."""

MOST_LOADED = 1_000_000
"""The most rows that a fit learns from, with those that it sets aside."""

ORDER = 7
"""What the random order of the rows of a fit is drawn by: its seed has no part in it, as in the splits."""

OF_ALL_ROWS = (
    "Ranges, shares of missing values and counts of words are of all rows (of columns with at most "
    f"{MOST_WORDS:,} different words); all else is of the drawn rows."
)
"""What of a table's schema is of all rows."""

BATCH_SIZE = 65_536
"""The most rows of a batch."""

BATCH_ENTRIES = 2**23
"""The most numbers of a batch, unless one row has more."""


@runtime_checkable
class Source(Protocol):
    """Rows of an array or a table, in batches."""

    def __len__(self) -> int:
        """Count all rows."""
        ...

    @property
    def row_entries(self) -> int:
        """The numbers or cells of a row."""
        ...

    @property
    def row_bytes(self) -> int:
        """The bytes of a row in memory, as far as they are known before it is read."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was read, in sentences."""
        ...

    def read_batches(self) -> Iterator[Any]:
        """Read all rows, always in the same order: arrays, or tables, checked."""
        ...


class MemoryRows:
    """Rows that are in memory: the simplest source.

    >>> [len(batch) for batch in MemoryRows(np.zeros((100_000, 2))).read_batches()]
    [65536, 34464]
    """

    notes = ()

    def __init__(self, values: np.ndarray | pa.Table) -> None:
        self.values = values
        self.row_entries = _count_columns(values)
        self.row_bytes = 8 * self.row_entries

    def __len__(self) -> int:
        return len(self.values)

    def read_batches(self) -> Iterator[Any]:
        """Slices of them."""
        for block in blocks(len(self), _choose_size(self.row_entries)):
            yield self.values[block]


class ArrayFile:
    """A .npy file, of which a batch is in memory."""

    notes = ()

    def __init__(self, path: Path, rows: np.ndarray) -> None:
        self.path = path
        self.states = FileStates([path])
        self.rows = rows
        self.row_entries = _count_columns(rows)
        self.row_bytes = rows.dtype.itemsize * self.row_entries

    def __len__(self) -> int:
        return len(self.rows)

    def read_batches(self) -> Iterator[np.ndarray]:
        """Copies of its slices, each checked."""
        for block in blocks(len(self), _choose_size(self.row_entries)):
            rows = np.array(self.rows[block])
            yield check(str(self.path), rows[:, None] if rows.ndim == 1 else rows, block.start)
        self.states.check()


class TableFiles:
    """A Parquet file or a folder of them, of which a few batches are in memory."""

    def __init__(self, files: ParquetFiles) -> None:
        self.files = files
        self.notes = files.notes
        self.row_entries = len(files.schema) + len(files.parts)
        self.row_bytes = 8 * self.row_entries
        self.batch_size = _choose_size(self.row_entries)

    def __len__(self) -> int:
        return len(self.files)

    def read_batches(self) -> Iterator[pa.Table]:
        """Its batches."""
        yield from self.files.batches(self.batch_size)


class DrawnRows(NamedTuple):
    """Rows drawn from a source at random."""

    values: Any
    numbers: Int[np.ndarray, " drawn"]
    """Their numbers in the source, from 0."""


def open_source(word: str) -> Source | None:
    """Open a .npy file, a Parquet file or a folder of Parquet files; None of anything else."""
    suffix = Path(word).suffix.lower()
    if suffix == ".npy" and not os.path.isdir(word):
        rows = map_array(Path(word))
        return (
            ArrayFile(Path(word), rows) if isinstance(rows, np.ndarray) and rows.ndim else None
        )
    if suffix == PARQUET or is_parquet_folder(word, SUFFIXES):
        return TableFiles(ParquetFiles(word))
    return None


def open_large(word: str) -> Source | None:
    """Open such a file or folder if it has more than 200,000 rows; None of anything else."""
    source = open_source(word)
    return source if source is not None and len(source) > MOST_IN_MEMORY else None


def load_some(
    word: str,
    *,
    image_size: Any = None,
    on_progress: Callable[[str], None] | None = None,
    allow_empty: bool = False,
) -> Dataset:
    """Load what a word means, as `load` does; if it is too long, rows of it that are drawn at random.

    Of a .npy file, a Parquet file or a folder of Parquet files as many rows are drawn as a fit learns from: a million,
    or those that take 3 GiB. They depend on the file alone. All rows are read, and checked, batch by batch; of a table
    they are counted, too, for what the drawn ones can't tell (`Dataset.totals`).

    Args:
        word: As for `load`, and so are the others.
        image_size: See `load`.
        on_progress: See `load`.
        allow_empty: See `load`.
    """
    source = open_source(word) if image_size is None else None
    most = 0 if source is None else _most_rows(source)
    if source is None or len(source) <= most:
        return load(
            word, image_size=image_size, on_progress=on_progress, allow_empty=allow_empty
        )
    totals = TableTotals() if isinstance(source, TableFiles) else None
    order = RandomOrder(len(source), [ORDER])
    values = draw_rows(source, order, most, totals.add if totals else None).values
    note = f"{word} has {len(source):,} rows: {most:,} of them, drawn at random, are used."
    if totals:
        if not allow_empty:
            _check_values(word, values, totals)
        values = check_table(word, values, allow_empty=allow_empty)
        note += f" {OF_ALL_ROWS}"
    return Dataset(values, notes=(*source.notes, note), totals=totals)


def find_shape(word: str) -> tuple[int, int] | None:
    """The rows that `load_some` loads, and the entries of each, before it does: None where only reading tells.

    They are in the head of a .npy or Parquet file; of a CSV file, lines are counted.
    """
    source = open_source(word)
    if source is not None:
        return min(len(source), _most_rows(source)), source.row_entries
    if Path(word).suffix.lower() in TEXT_SUFFIXES:
        return count_cells(Path(word))
    return None


def _most_rows(source: Source) -> int:
    """The most rows that are loaded of it."""
    return min(MOST_LOADED, MOST_BYTES // max(1, source.row_bytes))


def _check_values(word: str, drawn: pa.Table, totals: TableTotals) -> None:
    """Refuse a column of which no drawn row has a value, but others have."""
    for name, column in zip(drawn.column_names, drawn.columns, strict=True):
        held = totals.rows - totals.columns[name].missing
        if held and column.null_count == len(column):
            expected = "some values in every column of the rows that are drawn"
            got = f"none in {name!r}, of which {held:,} of {totals.rows:,} rows have one"
            refuse(word, expected=expected, got=got, hint="Remove the column.")


def draw_rows(
    source: Source,
    order: RandomOrder,
    n: int,
    on_batch: Callable[[Any], object] | None = None,
) -> DrawnRows:
    """Draw n rows at random without replacement, in one pass: those of the first n places of the order.

    They come in the order of the source, all of them if there are no more.

    Args:
        source: All rows.
        order: The order in which they are drawn.
        n: How many are drawn.
        on_batch: Is called with each batch of all rows.
    """
    parts: list[Any] = []
    numbers = [np.empty(0, np.int64)]
    start = 0
    for batch in source.read_batches():
        stop = start + len(batch)
        if on_batch:
            on_batch(batch)
        chosen = np.flatnonzero(order.places(start, stop) < n)
        parts.append(take(batch, chosen))
        numbers.append(start + chosen)
        start = stop
    is_table = isinstance(parts[0], pa.Table)
    values = _join_tables(parts) if is_table else np.concatenate(parts)
    return DrawnRows(values, np.concatenate(numbers))


def take(batch: Any, places: Int[np.ndarray, " chosen"]) -> Any:
    """Some rows of a batch."""
    return batch.take(pa.array(places)) if isinstance(batch, pa.Table) else batch[places]


def _join_tables(parts: list[pa.Table]) -> pa.Table:
    """One table, which does not say where its rows were."""
    known = parts[0].schema.metadata or {}
    kept = {key: value for key, value in known.items() if key not in (FIRST_LINE, FIRST_ROW)}
    schema = parts[0].schema.with_metadata(kept)
    return pa.concat_tables([part.cast(schema) for part in parts]).combine_chunks()


def _count_columns(rows: np.ndarray | pa.Table) -> int:
    return int(np.prod(rows.shape[1:]))


def _choose_size(columns: int) -> int:
    return max(1, min(BATCH_SIZE, BATCH_ENTRIES // max(1, columns)))
