"""The profile of one column of a table: its form, the kind that fits, and the facts of that kind."""

import re
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf.data.tables.column_warnings import warn
from onehalf.data.tables.dialect import Dialect
from onehalf.data.tables.forms.base import Altered, Form, Reading, is_text, tally
from onehalf.data.tables.forms.booleans import BooleanForm
from onehalf.data.tables.forms.columns import (
    form_of_field,
    infer_form,
    means_same,
    odd_of_field,
    to_words,
)
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm
from onehalf.data.tables.keys import are_keys, is_time_name
from onehalf.data.tables.kind_checks import check_kind
from onehalf.data.tables.personal import Personal, find_personal
from onehalf.data.tables.statistics import (
    EXACT,
    Value,
    count_decimals,
    describe_order,
    find_sentinels,
    float_as_written,
    format_value,
    is_atom,
    round_share,
    shorten,
)
from onehalf.data.tables.validation import locate_row

__all__ = ["CATEGORIES", "ColumnProfile", "Kind", "Value", "format_value", "is_atom", "shorten"]

Kind = Literal[
    "continuous",
    "integer",
    "category",
    "boolean",
    "date",
    "constant",
    "id",
    "key",
    "personal",
    "text",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

CATEGORIES = 100
"""The most frequent categories that are kept by name; the others are rare."""

LEAST_ID_VALUES = 20
"""With fewer values, different words are categories, neither IDs nor text; different numbers
are not IDs."""

LEAST_CONSECUTIVE = 50
"""With at least this many values, consecutive numbers are IDs."""

ID_DISTINCT_SHARE = 0.95
"""Words are IDs if at least this share of them differ."""

TEXT_WORDS = 4
"""Values are free text if they have at least this many words on average, and half of them
differ."""

MOST_READ = 2000
"""The most values in which personal data and keys are sought."""

FIRST_DATE = 19000101
"""Smaller whole numbers are not dates written as numbers."""

LAST_DATE = 21001231
"""Larger whole numbers are not dates written as numbers."""

KINDS_OF_WORDS = ("category", "boolean", "constant", "id", "key", "personal", "text")
"""Kinds whose words are kept as they are."""

MOST_SENTINELS = 3
"""At most this many larger numbers in a column of smaller ones are kept exactly, one by one."""

ID_NAME = re.compile(r"(^|[\W_])(?i:id|key|index|uuid|guid|number|no|nr)$|[a-z](Id|ID)$")
"""The name of a column whose whole numbers, all different, are IDs."""


class ColumnProfile:
    """A column of a table, and what can be counted in it: each fact is computed once, when it is first read."""

    def __init__(
        self,
        name: str,
        table: pa.Table,
        requested: Kind | None = None,
        form: Form | None = None,
    ) -> None:
        """Profile a column.

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

    @cached_property
    def personal(self) -> Personal | None:
        """What the column seems to hold about people."""
        return find_personal(self.name, self.some_words)

    @cached_property
    def kind(self) -> Kind:
        """The first rule of `Schema` that fits."""
        if (len(self.words[0]) if self.is_words else self.distinct) <= 1:
            return "constant"
        if self.is_boolean or self._is_yes_or_no():
            return "boolean"
        if self.personal:
            return "personal"
        if self.declared:
            return "category"
        if self.dates and (self.distinct >= 4 or self.is_time):
            return "date"
        if are_keys(self.name, self.some_words):
            return self._kind_of_keys()
        if self.numbers and (not self.too_long or is_time_name(self.name)):
            return "id" if self._numbers_rows() else "integer" if self.whole else "continuous"
        return self._kind_of_words()

    def _kind_of_words(self) -> Kind:
        """Free text, IDs or categories."""
        if len(self.present) < LEAST_ID_VALUES:
            return "category"
        if self._free_text():
            return "text"
        return (
            "id" if len(self.words[0]) >= ID_DISTINCT_SHARE * len(self.present) else "category"
        )

    def _free_text(self) -> str | None:
        """Why the column is free text, which may hold anything; None if it isn't."""
        rows = len(self.present)
        if not self.is_words or rows < LEAST_ID_VALUES:
            return None
        words, counts = self.words
        breaks = pc.count_substring_regex(words, r"\s+\S").to_numpy() @ counts
        is_text = breaks / rows >= TEXT_WORDS - 1 and len(words) >= rows / 2
        return "its values are free text" if is_text else None

    def _kind_of_keys(self) -> Kind:
        """Long numbers: IDs if they are different, keys if they repeat, categories if few."""
        if self.distinct < LEAST_ID_VALUES:
            return "category"
        return "id" if self.distinct >= ID_DISTINCT_SHARE * len(self.present) else "key"

    def _is_yes_or_no(self) -> bool:
        if self.numbers:
            return self.distinct == 2 and self.numbers[0].tolist() == [0, 1]
        return self._truth is not None and self.is_words

    @cached_property
    def _truth(self) -> BooleanForm | None:
        """The words for true and false."""
        return BooleanForm.infer(self.words[0].to_pylist()) if len(self.words[0]) == 2 else None

    def _numbers_rows(self) -> bool:
        """Whether the numbers only number the rows."""
        values, counts = self.numbers or (np.zeros(0), np.zeros(0))
        once = self.whole and counts.max() == 1 and len(values) >= LEAST_ID_VALUES
        consecutive = (
            len(values) >= LEAST_CONSECUTIVE
            and int(values[-1]) - int(values[0]) == len(values) - 1
        )
        return bool(once and (consecutive or ID_NAME.search(self.name)))

    def facts(self) -> dict[str, Any]:
        """Compute the fields of `Column`.

        Raises:
            Refusal: The values can't be of the requested kind.
        """
        kind: Any = self.requested or self.kind
        if not len(self.present):
            return {"name": self.name, "kind": kind, "missing": self.missing, "distinct": 0}
        if self.requested:
            check_kind(self, kind)
        facts = self._facts_of_kind(kind)
        known = {
            "name": self.name,
            "kind": kind,
            "missing": self.missing,
            "distinct": self.distinct,
            "personal": self.personal.reason if self.personal else self._free_text(),
        }
        note = self._note(facts.get("form"))
        return (
            known | facts | {"note": note, "warnings": tuple(warn(self, kind, known | facts))}
        )

    def _note(self, form: Form | None) -> str:
        """What was seen, in a few words: the type, the form, and the word for missing values."""
        kind = "words" if self.is_words else str(self.column.type)
        parts = [kind, form.describe() if form else "", self._note_null(form)]
        return ", ".join(part for part in parts if part)

    def _note_null(self, form: Form | None) -> str:
        return f"{form.null!r} if missing" if form and form.null else ""

    def _facts_of_kind(self, kind: Kind) -> dict[str, Any]:
        """The facts that only columns of this kind have."""
        if kind in ("integer", "continuous") and self.numbers:
            return self._facts_of_numbers(kind)
        if kind == "date" and self.dates:
            return self._facts_of_dates(*self.dates)
        if kind in ("category", "boolean"):
            return self._facts_of_words(kind)
        if kind == "constant":
            number = int if self.whole else float_as_written
            value = self.words[0][0].as_py()
            if self.numbers and not (self.is_words or pa.types.is_decimal(self.known.type)):
                value = number(self.numbers[0][0])
            return {"values": (value,)}
        return {}

    def _facts_of_numbers(self, kind: Kind) -> dict[str, Any]:
        values, counts = self.numbers or (np.zeros(0), np.zeros(0))
        show = int if kind == "integer" else float_as_written
        facts = describe_order(values, counts, len(self.table), show)
        decimals = 0 if kind == "integer" else count_decimals(values)
        form = self.reading.form if self.reading else self.asked or self.written
        return facts | {"decimals": decimals, "form": _or_none(form)}

    def _facts_of_dates(
        self, times: pa.Array, counts: np.ndarray, form: DateForm | None
    ) -> dict[str, Any]:
        order = pc.sort_indices(times).to_numpy()
        ticks = times.cast(pa.int64()).to_numpy(zero_copy_only=False)[order]
        facts = describe_order(
            ticks, counts[order], len(self.table), lambda tick: _iso(int(tick), times.type)
        )
        return facts | {"form": form}

    def _facts_of_words(self, kind: Kind) -> dict[str, Any]:
        sorted_words = pa.table(self.words, names=["word", "rows"]).sort_by(
            [("rows", "descending"), ("word", "ascending")]
        )
        kept = sorted_words.slice(0, CATEGORIES).to_pydict()
        facts = {
            "categories": dict(zip(kept["word"], kept["rows"], strict=True)),
            "rare": len(self.present) - sum(kept["rows"]),
            "order": self._order() if kind == "category" else (),
        }
        truth = self.asked if isinstance(self.asked, BooleanForm) else self._truth
        return facts | ({"form": _or_none(truth)} if kind == "boolean" else {})

    def _order(self) -> tuple[str, ...]:
        """The words in the order that the data frame declares."""
        type_ = self.table.schema.field(self.name).type
        if not (pa.types.is_dictionary(type_) and type_.ordered):
            return ()
        first = self.table[self.name].unify_dictionaries().chunk(0)
        return tuple(first.dictionary.cast(pa.string()).to_pylist())

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


def _or_none(form: Form | None) -> Form | None:
    """A form, unless it is the usual one."""
    return form if form is not None and form.to_dict() else None


def _iso(tick: int, kind: pa.DataType) -> str:
    """Format a time as in ISO 8601, without a fraction or a time of day of zero."""
    text = pa.scalar(tick, kind).cast(pa.string()).as_py()
    return re.sub(r"( 00:00:00)?(\.0+)?$", "", text)
