"""The profile of one column of a table: the kind that fits, the facts of that kind, and warnings."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf.data.arrays.decimals import has_decimals
from onehalf.data.tables.reader import MISSING
from onehalf.data.tables.validation import locate_row

__all__ = ["CATEGORIES", "ColumnProfile", "Kind", "Value", "format_value", "is_atom", "shorten"]

Kind = Literal["continuous", "integer", "category", "boolean", "date", "constant", "id", "text"]
Value = float | int | str
"""A number, a word, or a date as ISO 8601 writes it."""

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

MOST_LISTED_VALUES = 20
"""The values of a column of numbers are listed if there are at most this many."""

LEAST_ROWS_PER_VALUE = 10
"""They are listed only if each has at least this many rows on average."""

ATOM_SHARE = 0.05
"""The least share of the rows that hold an atom, which is a number that many rows share."""

ATOM_ROWS = 20
"""The least rows that hold an atom."""

ATOM_PEAK = 5
"""An atom has at least this many times as many rows as the next smaller and the next larger
number."""

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

FINER_SHARE = 0.01
"""The share of the numbers that may have more decimals than its column."""

MOST_COUNTED = 5000
"""The most numbers whose decimals are counted."""

MOST_DECIMALS = 8
"""The most decimals that are counted."""

MISSING_WARNING = 0.95
"""A column is warned about if a larger share of it is missing."""

NUMBERS_WARNING = 0.5
"""Words are warned about if at least this share of them are numbers."""

TAIL_WARNING = 20
"""Numbers are warned about if one is more than this many interquartile ranges from the
median."""

YES_AND_NO = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})
"""Pairs of words that make a column boolean."""

FIRST_DATE = 19000101
"""Smaller whole numbers are not dates written as numbers."""

LAST_DATE = 21001231
"""Larger whole numbers are not dates written as numbers."""

FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y-%m",
)
"""How dates may be written; the first one that fits is used."""

ID_NAME = re.compile(r"(^|[\W_])(?i:id|key|index|uuid|guid|number|no|nr)$|[a-z](Id|ID)$")
"""The name of a column whose whole numbers, all different, are IDs."""

NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
"""A number as a word."""

SIGNS = r"[$€£¥%,\s]"
"""Signs beside numbers that make them words."""


class ColumnProfile:
    """A column of a table, and what can be counted in it: each fact is computed once, when it is first read."""

    def __init__(self, name: str, table: pa.Table) -> None:
        column = table[name]
        self.name = name
        self.table = table
        self.declared = pa.types.is_dictionary(column.type)
        self.column = column.cast(column.type.value_type) if self.declared else column
        self.present = self.column.drop_null()
        self.missing = _share(self.column.null_count, len(table))
        kind = self.column.type
        self.is_words = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        self.is_boolean = pa.types.is_boolean(kind)
        self.is_time = pa.types.is_date(kind) or pa.types.is_timestamp(kind)

    @cached_property
    def words(self) -> tuple[pa.Array, np.ndarray]:
        """The different values as words, in order of appearance, and the rows that hold each."""
        tally = pc.value_counts(
            self.present if self.is_words else self.present.cast(pa.string())
        )
        return tally.field("values"), tally.field("counts").to_numpy()

    @cached_property
    def numbers(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The different numbers in order of size, and the rows that hold each.

        None if there are no numbers.
        """
        if self.is_words or self.is_boolean or self.is_time:
            return None
        plain = (
            self.present.cast(pa.float64())
            if pa.types.is_decimal(self.present.type)
            else self.present
        )
        return np.unique(plain.to_numpy(), return_counts=True)

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers are whole, and small enough for their type to distinguish neighbours."""
        values = self.numbers[0] if self.numbers else np.array([0.5])
        return values.dtype.kind in "iu" or bool(
            (np.abs(values) < 2**53).all() and (values == np.rint(values)).all()
        )

    @cached_property
    def dates(self) -> tuple[pa.Array, np.ndarray, str | None] | None:
        """The different dates, the rows that hold each, and their format.

        None if not all values are dates.
        """
        if self.is_time:
            times = (
                self.present.cast(pa.timestamp("s"))
                if pa.types.is_date(self.present.type)
                else self.present
            )
            tally = pc.value_counts(times)
            return tally.field("values"), tally.field("counts").to_numpy(), None
        if self.is_words:
            values, counts = self.words
            read = (
                (_read(values, written), written)
                for written in FORMATS
                if _read(values[:100], written) is not None
            )
            return next(
                ((times, counts, written) for times, written in read if times is not None), None
            )
        if self.numbers and self.whole:
            values, counts = self.numbers
            if values[0] >= FIRST_DATE and values[-1] <= LAST_DATE:
                times = _read(pa.array(values.astype(np.int64)).cast(pa.string()), "%Y%m%d")
                return None if times is None else (times, counts, "%Y%m%d")
        return None

    @cached_property
    def distinct(self) -> int:
        """The number of different values."""
        return len(
            self.numbers[0]
            if self.numbers
            else self.dates[0]
            if self.is_time and self.dates
            else self.words[0]
        )

    @cached_property
    def kind(self) -> Kind:
        """The first rule of `Schema` that fits."""
        if self.distinct <= 1:
            return "constant"
        if self.is_boolean or self._yes_and_no():
            return "boolean"
        if self.declared:
            return "category"
        if self.dates and (self.distinct >= 4 or not self.numbers):
            return "date"
        if self.numbers:
            return "id" if self._numbers_rows() else "integer" if self.whole else "continuous"
        if len(self.present) < LEAST_ID_VALUES:
            return "category"
        breaks = pc.sum(pc.count_substring_regex(self.present, r"\s+\S")).as_py()
        if (
            breaks / len(self.present) >= TEXT_WORDS - 1
            and self.distinct >= len(self.present) / 2
        ):
            return "text"
        return "id" if self.distinct >= ID_DISTINCT_SHARE * len(self.present) else "category"

    def _yes_and_no(self) -> bool:
        if self.numbers:
            return self.distinct == 2 and self.numbers[0].tolist() == [0, 1]
        return (
            self.distinct == 2
            and {word.lower() for word in self.words[0].to_pylist()} in YES_AND_NO
        )

    def _numbers_rows(self) -> bool:
        """Whether the numbers only number the rows."""
        values, counts = self.numbers or (np.zeros(0), np.zeros(0))
        once = self.whole and counts.max() == 1 and len(values) >= LEAST_ID_VALUES
        consecutive = (
            len(values) >= LEAST_CONSECUTIVE
            and int(values[-1]) - int(values[0]) == len(values) - 1
        )
        return bool(once and (consecutive or ID_NAME.search(self.name)))

    def facts(self, requested: str | None) -> dict[str, Any]:
        """Compute the fields of `Column`.

        Args:
            requested: The kind that the user gave the column; None to infer it.

        Raises:
            Refusal: The values can't be of the requested kind.
        """
        what = f"column {self.name!r}"
        kind: Any = choose(what, requested, get_args(Kind)) if requested else self.kind
        if not len(self.present):
            return {"name": self.name, "kind": kind, "missing": self.missing, "distinct": 0}
        if requested:
            self._check_kind(what, kind)
        facts: dict[str, Any] = {}
        if kind in ("integer", "continuous") and self.numbers:
            facts = _in_order(
                *self.numbers, len(self.table), int if kind == "integer" else _float
            )
            facts["decimals"] = 0 if kind == "integer" else _decimals(self.numbers[0])
        elif kind == "date" and self.dates:
            times, counts, written = self.dates
            order = pc.sort_indices(times).to_numpy()
            ticks = times.cast(pa.int64()).to_numpy()[order]
            facts = _in_order(
                ticks, counts[order], len(self.table), lambda tick: _iso(int(tick), times.type)
            )
            facts["format"] = written
        elif kind in ("category", "boolean"):
            tally = pa.table(self.words, names=["word", "rows"]).sort_by(
                [("rows", "descending"), ("word", "ascending")]
            )
            kept = tally.slice(0, CATEGORIES).to_pydict()
            facts["categories"] = dict(zip(kept["word"], kept["rows"], strict=True))
            facts["rare"] = len(self.present) - sum(kept["rows"])
        elif kind == "constant":
            number = int if self.whole else _float
            facts["values"] = (
                number(self.numbers[0][0]) if self.numbers else self.words[0][0].as_py(),
            )
        known = {
            "name": self.name,
            "kind": kind,
            "missing": self.missing,
            "distinct": self.distinct,
        }
        return known | facts | {"warnings": tuple(self._warnings(kind, facts))}

    def _check_kind(self, what: str, kind: Kind) -> None:
        """Refuse a kind that the values can't be."""
        if kind in ("integer", "continuous") and not self.numbers:
            words = self._no_numbers()[0] if self.is_words else None
            got = (
                self.column.type
                if words is None
                else self._at(words[0] if len(words) else self.words[0][0])
            )
            refuse(what, expected=f"numbers, as its kind is {kind}", got=got)
        if kind == "integer" and not self.whole:
            broken = next(
                number
                for number in self.column.to_pylist()
                if number is not None and number % 1
            )
            refuse(
                what,
                expected="whole numbers, as its kind is integer",
                got=f"{broken} among them",
            )
        if kind == "date" and not self.dates:
            refuse(
                what,
                expected="dates in one format, as its kind is date",
                got="other values too",
            )
        most = {"constant": 1, "boolean": 2}.get(kind, self.distinct)
        if self.distinct > most:
            expected = f"at most {most} value{'s' * (most > 1)}, as its kind is {kind}"
            refuse(what, expected=expected, got=f"{self.distinct:,}")

    def _warnings(self, kind: Kind, facts: Mapping[str, Any]) -> Iterator[str]:
        """Warn, in sentences, about what will make the column hard to learn."""
        name, rows = repr(self.name), f"{len(self.present):,}"
        if self.column.null_count > MISSING_WARNING * len(self.table):
            yield f"{name} is nearly all missing: {rows} of {len(self.table):,} rows have a value."
        if kind == "constant":
            yield f"{name} is constant: its only value is {format_value(facts['values'][0])}."
        if kind == "id":
            yield f"{name} looks like IDs ({self.distinct:,} different in {rows} rows), which can't be learned."
        if kind == "text":
            yield f"{name} looks like free text ({self.distinct:,} different in {rows} rows), which can't be learned."
        if rare := facts.get("rare"):
            kept = f"the {CATEGORIES} most frequent keep their names, and the others ({rare:,} rows) are pooled"
            yield f"{name} has {self.distinct:,} categories: {kept}."
        if kind == "date" and self.numbers:
            yield f"{name} holds dates written as numbers, such as {self.numbers[0][0]:.0f} for {facts['low']}."
        if kind in ("continuous", "integer") and self.numbers and not facts.get("values"):
            yield from _heavy_tail(
                name, *self.numbers, [atom for atom, _ in facts.get("atoms", ())]
            )
        if self.is_words and kind in ("category", "id", "text"):
            yield from self._numbers_as_words(name)

    def _numbers_as_words(self, name: str) -> Iterator[str]:
        """Warn if a few words, or signs such as $, keep a column from being one of numbers."""
        others, numbers, words = self._no_numbers()
        if not words:
            return
        if pc.all(
            pc.match_substring_regex(pc.replace_substring_regex(others, SIGNS, ""), NUMBER)
        ).as_py():
            first = self._at(others[0])
            yield f"{name} holds numbers with signs (the first: {first}), so its values are read as words."
        elif numbers >= NUMBERS_WARNING * (numbers + words):
            are = (
                f"{numbers:,} number{'s' * (numbers > 1)} and {words:,} word{'s' * (words > 1)}"
            )
            yield f"{name} holds {are} (the first word: {self._at(others[0])}), so its values are read as words."

    def _no_numbers(self) -> tuple[pa.Array, int, int]:
        """The different words that are neither numbers nor missing.

        With them: how many rows hold numbers, and how many hold these words.
        """
        values, counts = self.words
        numbers = pc.match_substring_regex(values, NUMBER)
        others = pc.invert(
            pc.or_(numbers, pc.is_in(values, value_set=pa.array(MISSING, values.type)))
        )
        of = [
            int(counts[mask.to_numpy(zero_copy_only=False)].sum()) for mask in (numbers, others)
        ]
        return values.filter(others), of[0], of[1]

    def _at(self, word: pa.Scalar) -> str:
        """A word, and the first row that holds it."""
        return f"{shorten(word.as_py(), 40)!r} in {locate_row(self.table, pc.index(self.column, word).as_py())}"


def _in_order(
    values: np.ndarray, counts: np.ndarray, rows: int, show: Callable[[Any], Value]
) -> dict[str, Any]:
    """The range, and either the listed values or the atoms, of different values in order."""
    facts: dict[str, Any] = {"low": show(values[0]), "high": show(values[-1])}
    if len(values) <= MOST_LISTED_VALUES and counts.sum() >= LEAST_ROWS_PER_VALUE * len(values):
        return facts | {"values": tuple(map(show, values))}
    atoms = np.flatnonzero(is_atom(counts, rows))
    return facts | {"atoms": tuple((show(values[i]), _share(counts[i], rows)) for i in atoms)}


def is_atom(counts: np.ndarray, rows: int) -> np.ndarray:
    """Find the atoms: numbers that many rows share, and far more than share the next smaller or larger one.

    Args:
        counts: The rows that hold each number, in order of size of the numbers.
        rows: The rows of the whole table.
    """
    neighbours = np.maximum(np.append(counts[1:], 0), np.append(0, counts[:-1]))
    return (counts >= max(ATOM_SHARE * rows, ATOM_ROWS)) & (counts >= ATOM_PEAK * neighbours)


def _share(part: Any, rows: int) -> float:
    """Round a share to four digits."""
    return float(f"{part / rows:.4g}")


def _decimals(values: np.ndarray) -> int | None:
    """The least number of decimals, up to 8, with which all but 1 % of the numbers are the nearest of their type."""
    picked = values
    if len(values) > MOST_COUNTED:
        picked = np.random.default_rng(0).choice(values, MOST_COUNTED)
    for decimals in range(MOST_DECIMALS + 1):
        if np.mean(has_decimals(picked, decimals)) >= 1 - FINER_SHARE:
            return decimals
    return None


def _heavy_tail(
    name: str, values: np.ndarray, counts: np.ndarray, atoms: list[Value]
) -> Iterator[str]:
    """Warn if a number is too many interquartile ranges from the median; atoms are left out."""
    rest = ~np.isin(values, atoms)
    values, below = values[rest].astype(np.float64), np.cumsum(counts[rest])
    if len(values):
        low, median, high = values[
            np.searchsorted(below, np.array([0.25, 0.5, 0.75]) * below[-1])
        ]
        furthest = values[np.argmax(np.abs(values - median))]
        if high > low and abs(furthest / TAIL_WARNING - median / TAIL_WARNING) > high - low:
            apart = f"{abs(furthest - median) / (high - low):,.0f} interquartile ranges from the median {median:g}"
            yield f"{name} has a heavy tail: {furthest:g} is {apart}."


def _read(words: pa.Array, written: str) -> pa.Array | None:
    """Parse words as times, if all have this format: formatting them again gives the same words."""
    times = pc.strptime(words, format=written, unit="s", error_is_null=True)
    same = (
        times.null_count == 0
        and pc.all(pc.equal(pc.strftime(times, format=written).cast(words.type), words)).as_py()
    )
    return times if same else None


def _iso(tick: int, kind: pa.DataType) -> str:
    """Format a time as in ISO 8601, without a fraction or a time of day of zero."""
    text = pa.scalar(tick, kind).cast(pa.string()).as_py()
    return re.sub(r"( 00:00:00)?(\.0+)?$", "", text)


def _float(number: Any) -> float:
    """The float64 that is written as the number is: 0.1 for the float32 next to it."""
    return float(str(number))


def format_value(value: Value | None) -> str:
    """Format a value for people."""
    return (
        shorten(value, 20)
        if isinstance(value, str)
        else f"{value:,}"
        if isinstance(value, int)
        else f"{value:.6g}"
    )


def shorten(text: str, most: int) -> str:
    """Put a text on one line of at most `most` characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
