"""Parquet files: one, or all files of a folder, which are read as one table.

In a folder at any depth: the files that end in .parquet, in the order of their paths, without hidden ones and those
whose names begin with an underscore. Folders named such as year=2024 (as Hive and Spark write them) give a column:
whole numbers, if all are, else words. All files need the same columns of the same types.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet

from onehalf._errors import refuse
from onehalf._text import join_names
from onehalf.data.files import PARQUET, FileStates, check_bytes, check_file, walk
from onehalf.data.tables.validation import FIRST_ROW, check_names, check_table, drop_row_labels

__all__ = ["ParquetFiles"]

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The value in the name of a folder whose rows have none."""

WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
"""Other values of a folder's name are words: as numbers, 007 would lose its zeros."""

MOST_NAMED = 3
"""The most skipped files that are named."""

Parts = dict[str, str | None]
"""What the folders above a file say of its rows, by column."""


class ParquetFiles:
    """The Parquet files of one table: read whole, or batch by batch.

    Raises:
        Refusal: A file can't be read, has other columns than the first one, or changes while it is read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.skipped: list[Path] = []
        if self.path.is_dir():
            files = [file for inside in walk(self.path) for file in inside]
            files = sorted(file for file in files if not file.name.startswith("_"))
            self.files = [file for file in files if file.suffix.lower() == PARQUET]
            self.skipped = [file for file in files if file.suffix.lower() != PARQUET]
        else:
            self.files = [self.path]
        for file in self.files:
            check_file(file)
        self.states = FileStates(self.files)
        schemas = [self._read(file, pyarrow.parquet.read_schema) for file in self.files]
        check_names(str(self.files[0]), schemas[0].names)
        for file, schema in zip(self.files[1:], schemas[1:], strict=True):
            self._check_schema(schemas[0], file, schema)
        self.parts = _list_parts(self.path, self.files, schemas[0])
        self.schema = schemas[0]

    def __len__(self) -> int:
        return self._rows

    @property
    def notes(self) -> tuple[str, ...]:
        """What was read of a folder, in a sentence."""
        if not self.path.is_dir():
            return ()
        n = len(self.files)
        text = f"{self.path}: one table of {n:,} Parquet file{'s' * (n > 1)}"
        if self.parts:
            columns = "the column" if len(self.parts) == 1 else "the columns"
            text += f", with {columns} {join_names(map(repr, self.parts.names))} from the names of folders"
        if self.skipped:
            named = [str(each.relative_to(self.path)) for each in self.skipped[:MOST_NAMED]]
            rest = len(self.skipped) - len(named)
            text += f"; {len(self.skipped):,} skipped: {', '.join(named)}"
            text += f", and {rest:,} more" if rest else ""
        return (f"{text}.",)

    def read(self) -> pa.Table:
        """Read all rows."""
        columns = len(self.schema) + len(self.parts)
        about = f"of {len(self):,} rows and {columns:,} columns"
        check_bytes(self.path, 8 * len(self) * columns, about)
        if self.path.is_dir():
            table = self._read(self.path, lambda path: self._dataset.to_table())
        else:
            table = self._read(self.path, lambda path: pyarrow.parquet.ParquetFile(path).read())
        self._read(self.path, lambda path: table.validate(full=True))
        self.states.check()
        return drop_row_labels(table)

    def batches(self, size: int) -> Iterator[pa.Table]:
        """Read all rows in their order; each batch is a checked table of at most this many."""
        start = 0
        for file in self.files:
            tables = self._iterate(file, size)
            while (
                table := self._read(file, lambda path, it=tables: next(it, None))
            ) is not None:
                place = {FIRST_ROW: str(start).encode()}
                known = table.schema.metadata or {}
                table = table.replace_schema_metadata({**known, **place})
                yield check_table(str(self.path), table, allow_empty=True)
                start += len(table)
        self.states.check()

    def _iterate(self, file: Path, size: int) -> Iterator[pa.Table]:
        """The rows of one file; the next ones are not read before they are asked for.

        (A scanner of a `pyarrow.dataset` would read up to a gigabyte ahead.)
        """
        schema = pa.schema([*self.schema, *self.parts], metadata=self.schema.metadata)
        given = _parse_parts(file.relative_to(self.path)) if self.parts else {}
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=size):
            arrays = [batch[name] for name in self.schema.names]
            for field in self.parts:
                value = pa.scalar(given[field.name], pa.string()).cast(field.type)
                arrays.append(pa.repeat(value, len(batch)))
            table = pa.table(arrays, schema=schema)
            table.validate(full=True)
            if len(table):
                yield drop_row_labels(table)

    @functools.cached_property
    def _rows(self) -> int:
        return self._read(self.path, lambda path: self._dataset.count_rows())

    @functools.cached_property
    def _dataset(self) -> Any:
        # imported here, as it imports pandas
        from pyarrow import dataset

        parts = {}
        if self.parts:
            hive = dataset.partitioning(self.parts, flavor="hive")
            parts = {"partitioning": hive, "partition_base_dir": str(self.path)}
        schema = pa.schema([*self.schema, *self.parts], metadata=self.schema.metadata)
        return dataset.dataset(
            [str(file) for file in self.files], schema=schema, format="parquet", **parts
        )

    def _read(self, path: Path, read: Any) -> Any:
        """Call a function of a path that reads; refuse what can't be read, or has changed meanwhile."""
        try:
            return read(path)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            self.states.check()
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            got = f"one that can't be read ({reason})"
            refuse(str(path), expected="a whole Parquet file", got=got)

    def _check_schema(self, first: pa.Schema, file: Path, schema: pa.Schema) -> None:
        """Refuse a file with other columns than the first one; their order does not matter."""
        expected = f"the columns of {self.files[0].relative_to(self.path)} in every file"
        check_names(str(file), schema.names)
        own, of_first = set(schema.names), set(first.names)
        for name in first.names:
            if name not in own:
                refuse(str(file), expected=expected, got=f"no column {name!r}")
            types = schema.field(name).type, first.field(name).type
            if types[0] != types[1]:
                got = f"{name!r} of type {types[0]} instead of {types[1]}"
                refuse(str(file), expected=expected, got=got)
        for name in schema.names:
            if name not in of_first:
                refuse(str(file), expected=expected, got=f"{name!r} besides")


def _list_parts(root: Path, files: Sequence[Path], schema: pa.Schema) -> pa.Schema:
    """The columns that the names of folders give, and their types."""
    if not root.is_dir():
        return pa.schema([])
    parts = [_parse_parts(file.relative_to(root)) for file in files]
    for file, each in zip(files, parts, strict=True):
        if list(each) != list(parts[0]):
            names = [join_names(map(repr, some)) or "none" for some in (parts[0], each)]
            first = files[0].relative_to(root)
            expected = f"the columns that the folders of {first} give, {names[0]}"
            refuse(str(file), expected=expected, got=names[1])
    for name in parts[0]:
        if name in schema.names:
            expected = "columns in the files or in the names of folders"
            refuse(str(root), expected=expected, got=f"{name!r} in both")
    fields = []
    for name in parts[0]:
        words = {each[name] for each in parts} - {None}
        is_whole = words and all(WHOLE_NUMBER.fullmatch(word or "") for word in words)
        fields.append(pa.field(name, pa.int64() if is_whole else pa.string()))
    return pa.schema(fields)


def _parse_parts(file: Path) -> Parts:
    """The columns and values in the names of the folders above a file; refuses a column that two of them give.

    >>> _parse_parts(Path("2024/kind=a%20b/day=__HIVE_DEFAULT_PARTITION__/part.parquet"))
    {'kind': 'a b', 'day': None}
    """
    parts: Parts = {}
    for folder in file.parent.parts:
        name, equals, value = folder.partition("=")
        if not (name and equals):
            continue
        column = unquote(name)
        if column in parts:
            expected = "each column once in the names of the folders above a file"
            refuse(str(file), expected=expected, got=f"{column!r} twice")
        parts[column] = None if value == NO_VALUE else unquote(value)
    return parts
