"""One column of a table, read: as words, as numbers or as dates."""

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf.data.tables.dialect import Dialect
from onehalf.data.tables.forms.base import Altered, Form, Reading, is_text, tally
from onehalf.data.tables.forms.columns import (
    form_of_field,
    infer_form,
    means_same,
    odd_of_field,
    to_words,
)
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.kinds import KINDS_OF_WORDS, Kind
from onehalf.data.tables.statistics import EXACT, find_sentinels, round_share, shorten
from onehalf.data.tables.validation import locate_row

__all__ = ["ReadColumn"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

MOST_READ = 2000
"""The most values in which personal data and keys are sought."""

FIRST_DATE = 19000101
"""Smaller whole numbers are not dates written as numbers."""

LAST_DATE = 21001231
"""Larger whole numbers are not dates written as numbers."""

MOST_SENTINELS = 3
"""At most this many larger numbers in a column of smaller ones are kept exactly, one by one."""


class ReadColumn:
    """A column of a table, read: its words, numbers or dates. Each is computed once, when it is first asked for."""

    def __init__(
        self,
        name: str,
        table: pa.Table,
        requested: Kind | None = None,
        form: Form | None = None,
    ) -> None:
        """Read a column.

        Args:
            name: The column's name.
            table: A table that has been checked.
            requested: The kind that the user gave the column; None to infer it.
            form: How its cells are written; None to infer it.
        """
        column = table[name]
        self.name = name
        self.table = table
        self.requested = requested
        self.asked = form
        self.written, self.read_altered = form_of_field(table.schema.field(name))
        self.declared = pa.types.is_dictionary(column.type)
        self.column = column.cast(column.type.value_type) if self.declared else column
        self.present = self.column.drop_null()
        kind = self.column.type
        self.is_words = is_text(kind)
        self.is_boolean = pa.types.is_boolean(kind)

    @cached_property
    def words(self) -> tuple[pa.Array, np.ndarray]:
        """The different cells as words, in order of appearance, and the rows that hold each."""
        words, counts = tally(self.present if self.is_words else self.present.cast(pa.string()))
        return words, counts.to_numpy()

    @cached_property
    def text(self) -> pa.ChunkedArray | pa.Array:
        """The cells as the words of their file."""
        return to_words(self.column, self.written)

    @cached_property
    def reading(self) -> Reading | None:
        """The words read as numbers or dates; None if they are neither, or need no reading."""
        is_ready = self.is_boolean or pa.types.is_temporal(self.column.type)
        if not len(self.present) or is_ready or self.requested in KINDS_OF_WORDS:
            return None
        form = self._choose_form()
        return form.read(self.text) if form else None

    def _choose_form(self) -> Form | None:
        """The form to read the words with."""
        if self.requested == "date":
            return self.asked or DateForm.infer(self.text) or DateForm.guess(self.text)
        if not self.is_words:
            is_same = self.asked is None or means_same(self.asked, self.written)
            return None if is_same else self.asked
        if self.requested in ("integer", "continuous"):
            return self.asked or NumberForm.infer(self.column) or NumberForm()
        if self.declared:
            return None
        return infer_form(self.column, is_file=Dialect.of(self.table.schema) is not None)

    @cached_property
    def values(self) -> pa.ChunkedArray | pa.Array:
        """The cells as numbers or dates, where they are some; else as they are."""
        return self.reading.values if self.reading else self.column

    @cached_property
    def known(self) -> pa.ChunkedArray | pa.Array:
        """The values that are not missing."""
        return self.values.drop_null()

    @property
    def is_time(self) -> bool:
        """Whether the values are dates, not counting whole numbers such as 20240320."""
        kind = self.values.type
        return pa.types.is_date(kind) or pa.types.is_timestamp(kind)

    @cached_property
    def numbers(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The different numbers in order of size, and the rows that hold each.

        None if there are no numbers.
        """
        if is_text(self.values.type) or self.is_boolean or self.is_time:
            return None
        is_decimal = pa.types.is_decimal(self.known.type)
        plain = self.known.cast(pa.float64()) if is_decimal else self.known
        return np.unique(plain.to_numpy(zero_copy_only=False), return_counts=True)

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers are whole, and small enough for their type to distinguish neighbours."""
        values = self.numbers[0] if self.numbers else np.array([0.5])
        return values.dtype.kind in "iu" or bool(
            (np.abs(values) < EXACT).all() and (values == np.rint(values)).all()
        )

    @cached_property
    def too_long(self) -> bool:
        """Whether there are numbers that float64 can't tell from their neighbours, too many to be listed."""
        kind = self.known.type
        if not self.numbers or not len(self.known):
            return False
        if pa.types.is_decimal(kind):
            ends = pc.min_max(self.known).as_py().values()
            return max(abs(int(end.scaleb(kind.scale))) for end in ends) >= EXACT
        if not pa.types.is_integer(kind):
            return False
        values = self.numbers[0]
        sentinels = find_sentinels(values)
        return len(sentinels) > MOST_SENTINELS or 0 < len(sentinels) == len(values)

    @cached_property
    def dates(self) -> tuple[pa.Array, np.ndarray, DateForm | None] | None:
        """The different dates, the rows that hold each, and their form.

        None if the values are not dates.
        """
        if self.is_time:
            times = self.known
            if pa.types.is_date(times.type):
                times = times.cast(pa.timestamp("s"))
            held, counts = tally(times)
            form = self.reading.form if self.reading else None
            return held, counts.to_numpy(), form if isinstance(form, DateForm) else None
        if self.numbers and self.whole and len(self.numbers[0]):
            values, counts = self.numbers
            if values[0] >= FIRST_DATE and values[-1] <= LAST_DATE:
                form = DateForm(format="%Y%m%d")
                times = form.parse(pa.array(values.astype(np.int64)).cast(pa.string()))
                return None if times.null_count else (times, counts, form)
        return None

    @cached_property
    def missing(self) -> float:
        """The share of the rows that hold nothing."""
        return round_share(self.values.null_count, len(self.table))

    @cached_property
    def distinct(self) -> int:
        """The number of different values."""
        if self.numbers and not pa.types.is_decimal(self.known.type):
            return len(self.numbers[0])
        return len(self.dates[0] if self.is_time and self.dates else self.words[0])

    @cached_property
    def some_words(self) -> list[str]:
        """Some of the different values as words; none of fractions, dates and booleans."""
        is_fraction = self.numbers and not self.whole
        if self.is_boolean or self.is_time or is_fraction:
            return []
        values = pa.array(self.numbers[0]) if self.numbers else self.words[0]
        step = -(-len(values) // MOST_READ) or 1
        if pa.types.is_floating(values.type):
            values = values.cast(pa.int64())
        return values.take(pa.array(range(0, len(values), step))).cast(pa.string()).to_pylist()

    @property
    def odd(self) -> Altered | None:
        """The cells that hold an unusual word for missing ones."""
        if self.reading:
            return self.reading.odd
        return odd_of_field(self.table.schema.field(self.name))

    @property
    def altered(self) -> Altered | None:
        """The cells of numbers or dates that do not come out as they went in."""
        if self.reading:
            return self.reading.altered
        return self.read_altered if self.asked in (None, self.written) else None

    def locate(self, word: pa.Scalar) -> str:
        """A word, and the first row that holds it."""
        row = pc.index(self.text, word.cast(self.text.type)).as_py()
        return f"{shorten(word.as_py(), 40)!r} in {locate_row(self.table, row)}"
