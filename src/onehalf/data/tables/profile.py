"""What there is to count in one column of a table: the kind that fits, the facts of that kind, and what will hurt."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse
from onehalf._registry import choose
from onehalf.data.tables.reader import MISSING, locate_row

__all__ = ["CATEGORIES", "ColumnProfile", "Kind", "Value", "are_atoms", "cut", "short"]

Kind = Literal["continuous", "integer", "category", "boolean", "date", "constant", "id", "text"]
Value = float | int | str
"""A number, a word, or a date as ISO 8601 writes it."""

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

FEW, ROWS_EACH = 20, 10
"""A number takes few values if they are at most so many, with so many rows each on average."""

ATOM, ATOM_ROWS, ABOVE_NEIGHBOURS = 0.05, 20, 5
"""An atom has this share of the rows, at least so many of them, and so many times as many as the values beside it."""

CATEGORIES = 100
"""So many categories, the most frequent ones, are kept by name; the others are rare."""

ENOUGH, MANY_ROWS = 20, 50
"""From so many values on, different words may be ids or text; from so many on, consecutive numbers may be ids."""

UNIQUE, WORDS = 0.95, 4
"""Ids: this share of the values differ. Text: so many words a value on average, and half of the values differ."""

EXCEPTIONS, PICKED = 0.01, 5000
"""This share of the numbers may have more decimals than the column is said to have; at most so many are looked at."""

ALL_BUT_MISSING, NUMBERS, FAR = 0.95, 0.5, 20
"""What is warned of: a share missing, a share of numbers among words, interquartile ranges from the median."""

YES_AND_NO = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})
PLAUSIBLE = (19000101, 21001231)
FORMATS = (
    *(
        "%Y-%m-%d",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M",
        "%Y/%m/%d",
    ),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m"),
)
ID_NAME = re.compile(r"(^|[\W_])(?i:id|key|index|uuid|guid|number|no|nr)$|[a-z](Id|ID)$")
A_NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
SIGNS = r"[$€£¥%,\s]"


class ColumnProfile:
    """A column of a table, with what there is to count in it, each counted once and only when asked for."""

    def __init__(self, name: str, table: pa.Table) -> None:
        self.name, self.table, column = name, table, table[name]
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
        """The different values as words, in the order in which they come, and how many rows each has."""
        tally = pc.value_counts(
            self.present if self.is_words else self.present.cast(pa.string())
        )
        return tally.field("values"), tally.field("counts").to_numpy()

    @cached_property
    def numbers(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The different numbers in order of size, and how many rows each has; None if the column holds no numbers."""
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
        """Whether all numbers are whole, and so small that their type tells one from the next."""
        values = self.numbers[0] if self.numbers else np.array([0.5])
        return values.dtype.kind in "iu" or bool(
            (np.abs(values) < 2**53).all() and (values == np.rint(values)).all()
        )

    @cached_property
    def dates(self) -> tuple[pa.Array, np.ndarray, str | None] | None:
        """The different dates, how many rows each has, and how they are written; None if not all are dates."""
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
            if PLAUSIBLE[0] <= values[0] and values[-1] <= PLAUSIBLE[1]:
                times = _read(pa.array(values.astype(np.int64)).cast(pa.string()), "%Y%m%d")
                return None if times is None else (times, counts, "%Y%m%d")
        return None

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
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
        if len(self.present) < ENOUGH:
            return "category"
        breaks = pc.sum(pc.count_substring_regex(self.present, r"\s+\S")).as_py()
        if breaks / len(self.present) >= WORDS - 1 and self.distinct >= len(self.present) / 2:
            return "text"
        return "id" if self.distinct >= UNIQUE * len(self.present) else "category"

    def _yes_and_no(self) -> bool:
        if self.numbers:
            return self.distinct == 2 and self.numbers[0].tolist() == [0, 1]
        return (
            self.distinct == 2
            and {word.lower() for word in self.words[0].to_pylist()} in YES_AND_NO
        )

    def _numbers_rows(self) -> bool:
        """Whether the numbers do nothing but number the rows."""
        values, counts = self.numbers or (np.zeros(0), np.zeros(0))
        once = self.whole and counts.max() == 1 and len(values) >= ENOUGH
        consecutive = (
            len(values) >= MANY_ROWS and int(values[-1]) - int(values[0]) == len(values) - 1
        )
        return bool(once and (consecutive or ID_NAME.search(self.name)))

    def facts(self, told: str | None) -> dict[str, Any]:
        """What `Column` says of the column, by field, under the kind that it was told or the one that is found."""
        what = f"column {self.name!r}"
        kind: Any = choose(what, told, get_args(Kind)) if told else self.kind
        if not len(self.present):
            return {"name": self.name, "kind": kind, "missing": self.missing, "distinct": 0}
        if told:
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
                what, expected="dates, all written alike, as its kind is date", got="others too"
            )
        most = {"constant": 1, "boolean": 2}.get(kind, self.distinct)
        if self.distinct > most:
            expected = f"{most} value{'s' * (most > 1)} at most, as its kind is {kind}"
            refuse(what, expected=expected, got=f"{self.distinct:,}")

    def _warnings(self, kind: Kind, facts: Mapping[str, Any]) -> Iterator[str]:
        """What will hurt, in sentences."""
        name, rows = repr(self.name), f"{len(self.present):,}"
        if self.column.null_count > ALL_BUT_MISSING * len(self.table):
            yield f"{name} is all but missing: {rows} of {len(self.table):,} rows hold something."
        if kind == "constant":
            yield f"{name} is constant: it never holds anything but {short(facts['values'][0])}."
        if kind == "id":
            yield f"{name} looks like ids, {self.distinct:,} different ones in {rows} rows: they can't be learned."
        if kind == "text":
            yield f"{name} looks like free text, {self.distinct:,} different in {rows} rows: it can't be learned."
        if rare := facts.get("rare"):
            kept = f"the {CATEGORIES} most frequent are kept by name, the others ({rare:,} rows) are rare"
            yield f"{name} has {self.distinct:,} categories: {kept}."
        if kind == "date" and self.numbers:
            yield f"{name} holds dates written as numbers, {self.numbers[0][0]:.0f} for {facts['low']}."
        if kind in ("continuous", "integer") and self.numbers and not facts.get("values"):
            yield from _heavy_tail(
                name, *self.numbers, [atom for atom, _ in facts.get("atoms", ())]
            )
        if self.is_words and kind in ("category", "id", "text"):
            yield from self._numbers_as_words(name)

    def _numbers_as_words(self, name: str) -> Iterator[str]:
        """Whether the words would be numbers but for a few of them, or but for signs such as $."""
        others, numbers, words = self._no_numbers()
        if not words:
            return
        if pc.all(
            pc.match_substring_regex(pc.replace_substring_regex(others, SIGNS, ""), A_NUMBER)
        ).as_py():
            yield f"{name} holds numbers with signs, the first {self._at(others[0])}: so all of them count as words."
        elif numbers >= NUMBERS * (numbers + words):
            are = (
                f"{numbers:,} number{'s' * (numbers > 1)} and {words:,} word{'s' * (words > 1)}"
            )
            yield f"{name} holds {are}, the first word {self._at(others[0])}: so all of them count as words."

    def _no_numbers(self) -> tuple[pa.Array, int, int]:
        """The different words that are no numbers and do not mean missing; the rows that hold numbers, and these."""
        values, counts = self.words
        numbers = pc.match_substring_regex(values, A_NUMBER)
        others = pc.invert(
            pc.or_(numbers, pc.is_in(values, value_set=pa.array(MISSING, values.type)))
        )
        of = [
            int(counts[mask.to_numpy(zero_copy_only=False)].sum()) for mask in (numbers, others)
        ]
        return values.filter(others), of[0], of[1]

    def _at(self, word: pa.Scalar) -> str:
        """A word, and where it stands first."""
        return f"{cut(word.as_py(), 40)!r} in {locate_row(self.table, pc.index(self.column, word).as_py())}"


def _in_order(
    values: np.ndarray, counts: np.ndarray, rows: int, show: Callable[[Any], Value]
) -> dict[str, Any]:
    """Range, and either the few values that there are or the atoms; of different values in order of size."""
    facts: dict[str, Any] = {"low": show(values[0]), "high": show(values[-1])}
    if len(values) <= FEW and counts.sum() >= ROWS_EACH * len(values):
        return facts | {"values": tuple(map(show, values))}
    atoms = np.flatnonzero(are_atoms(counts, rows))
    return facts | {"atoms": tuple((show(values[i]), _share(counts[i], rows)) for i in atoms)}


def are_atoms(counts: np.ndarray, rows: int) -> np.ndarray:
    """Which of the numbers, in order of size, are atoms; of so many rows."""
    beside = np.maximum(np.append(counts[1:], 0), np.append(0, counts[:-1]))
    return (counts >= max(ATOM * rows, ATOM_ROWS)) & (counts >= ABOVE_NEIGHBOURS * beside)


def _share(part: Any, rows: int) -> float:
    """To four digits, as many as are looked at."""
    return float(f"{part / rows:.4g}")


def _decimals(values: np.ndarray) -> int | None:
    """The least number of decimals, up to 8, with which all but 1 % of the numbers are the nearest of their type.

    Where a number is so large that its type would put it there by chance, it does not count as having them.
    """
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    picked = (
        values if len(values) <= PICKED else np.random.default_rng(0).choice(values, PICKED)
    )
    wide, limit = picked.astype(np.float64), 1 / (32 * float(np.finfo(kind).eps))
    for decimals in range(9):
        fine = np.abs(wide) <= limit / 10**decimals
        fine[fine] = np.round(wide[fine], decimals).astype(kind) == picked[fine]
        if np.mean(fine) >= 1 - EXCEPTIONS:
            return decimals
    return None


def _heavy_tail(
    name: str, values: np.ndarray, counts: np.ndarray, atoms: list[Value]
) -> Iterator[str]:
    """Whether a number lies too many interquartile ranges from the median; atoms do not count."""
    rest = ~np.isin(values, atoms)
    values, below = values[rest].astype(np.float64), np.cumsum(counts[rest])
    if len(values):
        low, median, high = values[
            np.searchsorted(below, np.array([0.25, 0.5, 0.75]) * below[-1])
        ]
        furthest = values[np.argmax(np.abs(values - median))]
        if high > low and abs(furthest / FAR - median / FAR) > high - low:
            apart = f"{abs(furthest - median) / (high - low):,.0f} interquartile ranges from the median {median:g}"
            yield f"{name} has a heavy tail: {furthest:g} lies {apart}."


def _read(words: pa.Array, written: str) -> pa.Array | None:
    """The words as times, if all are written so: writing them again gives the same words."""
    times = pc.strptime(words, format=written, unit="s", error_is_null=True)
    same = (
        times.null_count == 0
        and pc.all(pc.equal(pc.strftime(times, format=written).cast(words.type), words)).as_py()
    )
    return times if same else None


def _iso(tick: int, kind: pa.DataType) -> str:
    """A time as ISO 8601 has it, without a fraction or a time of day of zero."""
    text = pa.scalar(tick, kind).cast(pa.string()).as_py()
    return re.sub(r"( 00:00:00)?(\.0+)?$", "", text)


def _float(number: Any) -> float:
    """The float64 that is written as the number is: 0.1 for the float32 next to it."""
    return float(str(number))


def short(value: Value | None) -> str:
    """A value for the eye."""
    return (
        cut(value, 20)
        if isinstance(value, str)
        else f"{value:,}"
        if isinstance(value, int)
        else f"{value:.6g}"
    )


def cut(text: str, most: int) -> str:
    """On one line, and no longer than so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
