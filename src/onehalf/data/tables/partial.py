"""A table with gaps: which of its cells are known, and the same table with the gaps filled and all else as it was."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Bool

from onehalf._errors import refuse
from onehalf._text import did_you_mean, join_names
from onehalf.data.tables.cells import plain_column
from onehalf.data.tables.encoding import HIDDEN, Cells, TableEncoder
from onehalf.data.tables.forms.base import is_text
from onehalf.data.tables.forms.columns import form_of_field, write_column
from onehalf.data.tables.statistics import shorten
from onehalf.data.tables.validation import locate_row

__all__ = ["PartialTable"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute


@dataclass(frozen=True, eq=False)
class PartialTable:
    """A checked table, some cells of which are missing.

    >>> people = pa.table({"age": [31, 54], "sex": ["F", "M"]})
    >>> encoder = TableEncoder.fit(people)
    >>> partial = PartialTable.parse(pa.table({"sex": ["M", None]}), encoder)
    >>> partial.is_given.tolist()
    [[False, True], [False, False]]
    >>> partial.fill(people)["sex"].to_pylist(), partial.fill_columns(people, encoder).column_names
    (['M', 'M'], ['age', 'sex'])
    """

    table: pa.Table
    cells: Cells
    """Its cells as numbers; NaN where they are missing, or the table lacks the column."""
    what: str = "given"
    """Its name in error messages."""

    @classmethod
    def parse(
        cls,
        table: pa.Table,
        encoder: TableEncoder,
        what: str = "given",
        required: Collection[str] = (),
    ) -> "PartialTable":
        """Encode a table with some of the columns of another.

        Args:
            table: The table.
            encoder: What encodes the columns of the other.
            what: The table's name in error messages.
            required: Columns that it must have.

        Raises:
            Refusal: It has no rows, lacks one of these, has an unknown column, or a cell that can't be read.
        """
        if not len(table):
            refuse(what, expected="at least 1 row", got="none")
        known = encoder.types.names
        other = [name for name in table.column_names if name not in known]
        if other:
            hint = did_you_mean(other[0], known) or "Remove it."
            got = join_names([repr(name) for name in other])
            refuse(what, expected="columns of the data of the fit", got=got, hint=hint)
        names = {name for name in encoder.names if name in table.column_names}
        if not names:
            refuse(what, expected="a column that was learned", got="none")
        for column in encoder.columns:
            if column.name in required:
                plain_column(table, column, what)
        encoder = encoder.reveal_words(table) if len(names) == len(encoder.names) else encoder
        partial = cls(table, encoder.encode(table, what, {*names, *required}), what)
        partial.check_words(encoder)
        return partial

    def check_words(self, encoder: TableEncoder) -> None:
        """Refuse words that no training row has, where the others of a column are not known.

        Raises:
            Refusal: There is one.
        """
        for place, column in enumerate(encoder.columns):
            words = encoder.words.get(column.name, ())
            if HIDDEN not in words:
                continue
            is_hidden = np.array([word == HIDDEN for word in words], bool)
            codes = np.nan_to_num(self.cells[:, place]).astype(int)
            found = np.flatnonzero(self.is_given[:, place] & is_hidden[codes])
            if len(found):
                row = int(found[0])
                word = str(self.table[column.name][row].as_py())
                got = f"{shorten(word, 40)!r} in {self.locate(row)}"
                hint = did_you_mean(word, words) or "Leave it missing."
                what = f"{self.what}, column {column.name!r}"
                refuse(what, expected="values of the training rows", got=got, hint=hint)

    @property
    def is_given(self) -> Bool[np.ndarray, "rows columns"]:
        """Which cells are known."""
        return ~np.isnan(self.cells)

    @property
    def n_missing(self) -> int:
        """How many cells of learned columns are missing."""
        return int((~self.is_given).sum())

    def locate(self, row: int) -> str:
        """Name a row: its line in the file, or its number."""
        return locate_row(self.table, row)

    def gaps_left(self, names: Collection[str]) -> list[str]:
        """Those of these columns that have missing cells."""
        own = self.table.column_names
        return [name for name in names if name in own and self.table[name].null_count]

    def fill(self, drawn: pa.Table) -> pa.Table:
        """This table with cells of another in place of missing ones, where that one has the column."""
        names = [name for name in self.table.column_names if name in drawn.column_names]
        return _replace(self.table, names, self.table, drawn)

    def fill_columns(self, drawn: pa.Table, encoder: TableEncoder) -> pa.Table:
        """The other table with the known cells of this one, and the columns that only this one has.

        Numbers and dates come in the form of the other table, unless that can't hold them.
        """
        cells = encoder.encode(drawn, names=self.table.column_names)
        is_same = ((cells == self.cells) | ~self.is_given).all(axis=0)
        kept = [
            name
            for name, same in zip(encoder.names, is_same, strict=True)
            if same and name not in encoder.words
        ]
        both = [name for name in drawn.column_names if name in self.table.column_names]
        table = _replace(drawn, [name for name in both if name not in kept], self.table, drawn)
        for name in self.table.column_names:
            if name not in table.column_names:
                table = table.append_column(self.table.schema.field(name), self.table[name])
        return table


def _replace(
    base: pa.Table, names: Sequence[str], known: pa.Table, drawn: pa.Table
) -> pa.Table:
    """A table with these columns replaced by known cells, and drawn ones where these are missing."""
    for name in names:
        fields = known.schema.field(name), drawn.schema.field(name)
        field, column = _fill(fields[0], known[name], fields[1], drawn[name])
        base = base.set_column(base.column_names.index(name), field, column)
    return base


def _fill(
    own: pa.Field, known: pa.ChunkedArray, other: pa.Field, drawn: pa.ChunkedArray
) -> tuple[pa.Field, pa.ChunkedArray]:
    """The known cells of a column, and drawn ones where these are missing, in the type of the known ones if it fits."""
    if known.null_count == len(known):
        return other, drawn
    if not known.null_count:
        return own, known
    plain, new = (_plain(each) for each in (known, drawn))
    if is_text(plain.type) and not is_text(new.type):
        words = write_column(drawn, form_of_field(other)[0])
        new = pa.chunked_array([words])
    try:
        both = pc.coalesce(plain, new.cast(plain.type))
        return own, both.cast(own.type) if both.type == own.type else _pack(both, own.type)
    except pa.ArrowInvalid:
        wider = plain.cast(new.type)
        return other, pc.coalesce(wider, new)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of its plain type."""
    is_packed = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_packed else column


def _pack(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """A column of a type of categories."""
    return column.dictionary_encode().cast(type_)
