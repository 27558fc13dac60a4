"""What all forms share: words in, values out, and the same words back."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import pyarrow as pa
import pyarrow.compute

from onehalf._errors import refuse

__all__ = [
    "MISSING",
    "ODD_SHARE",
    "Altered",
    "AnyArray",
    "Form",
    "Reading",
    "changed_fields",
    "find_null",
    "is_missing",
    "is_text",
    "tally",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

AnyArray: TypeAlias = pa.Array | pa.ChunkedArray
"""A column, in one piece or in several."""

MISSING = (
    "",
    "?",
    "-",
    ".",
    "NA",
    "N/A",
    "na",
    "n/a",
    "#N/A",
    "<NA>",
    "NaN",
    "nan",
    "NaT",
    "NULL",
    "Null",
    "null",
    "None",
)
"""Words that mean a missing value among numbers and dates. Among words only an empty one does:
NA may be Namibia."""

ODD_SHARE = 0.05
"""The largest share of cells that may be no number or date in a column of such."""


@dataclass(frozen=True)
class Altered:
    """Cells that do not come out as they went in."""

    count: int
    row: int
    """The first of them, from 0."""
    word: str
    """What it holds."""
    back: str
    """What is written in its place."""


@dataclass(frozen=True)
class Reading:
    """A column of words, read."""

    form: "Form"
    values: AnyArray
    """Numbers, dates or booleans; null where there is none."""
    altered: Altered | None
    odd: Altered | None = None
    """The cells that hold an unusual word for missing ones, which are written again."""

    def find_lost(self, words: AnyArray) -> AnyArray:
        """The words that are no values, in order: other than those for missing ones."""
        is_lost = pc.and_(pc.is_null(self.values), pc.invert(is_missing(words)))
        if self.form.null:
            is_lost = pc.and_(is_lost, pc.not_equal(words, self.form.null))
        return words.filter(is_lost)


@dataclass(frozen=True)
class Form(ABC):
    """How the cells of a column are written.

    The law: `write(parse(words)) == words` for every cell that is written in this form.
    """

    null: str = ""
    """The word for a missing value; in a data frame, the empty word is a null."""

    name: ClassVar[str] = ""

    @abstractmethod
    def parse(self, words: AnyArray) -> AnyArray:
        """The values of words; null where a word is not of this form."""

    @abstractmethod
    def to_words(self, values: AnyArray) -> pa.Array:
        """The words of values; null stays null."""

    def write(self, values: AnyArray) -> pa.Array:
        """The words of values, with this form's word for missing ones."""
        words = self.to_words(values)
        return pc.fill_null(words, self.null) if self.null else words

    def read(self, words: AnyArray) -> Reading:
        """Parse words, and find those that would not be written again as they are."""
        values = self.parse(words)
        return Reading(self, values, self._find_altered(words, values), self._find_odd(words))

    def _find_odd(self, words: AnyArray) -> Altered | None:
        """The cells that hold this form's word for missing ones, if it is not a usual one."""
        if self.null.strip() in MISSING:
            return None
        held = pc.equal(words, self.null)
        count = pc.sum(held).as_py() or 0
        row = pc.index(held, value=True).as_py()
        return Altered(count, row, self.null, self.null) if count else None

    def _find_altered(self, words: AnyArray, values: AnyArray) -> Altered | None:
        """Compare words with what is written in their place."""
        before = pc.fill_null(_one_piece(words), "")
        after = pc.fill_null(self.write(values), self.null)
        differ = pc.not_equal(before, after.cast(before.type))
        count = pc.sum(differ).as_py() or 0
        if not count:
            return None
        row = pc.index(differ, value=True).as_py()
        return Altered(count, row, before[row].as_py(), after[row].as_py())

    def to_dict(self) -> dict[str, Any]:
        """What differs from the usual form, by name."""
        return changed_fields(self)

    @classmethod
    def from_dict(cls, what: str, facts: Mapping[str, Any]) -> "Form":
        """Restore a form, also one that a person wrote.

        Raises:
            Refusal: A fact is of another type than it must be.
        """
        known = {field.name: field.default for field in dataclasses.fields(cls)}
        for key, fact in facts.items():
            wanted = type(known[key])
            if type(fact) is not wanted:
                names = {str: "a text", bool: "true or false", int: "a whole number"}
                refuse(f"{what}, {key}", expected=names[wanted], got=repr(fact)[:40])
        form = cls(**facts)
        form.check(what)
        return form

    def check(self, what: str) -> None:
        """Refuse facts that make no sense; any do, unless a form says otherwise."""
        del what

    def describe(self) -> str:
        """The form in a few words; empty if it is the usual one."""
        return ""


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of words."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_missing(words: AnyArray) -> AnyArray:
    """Where a word means a missing value among numbers or dates."""
    bare = pc.utf8_trim_whitespace(words)
    is_one = pc.is_in(bare, value_set=pa.array(MISSING, bare.type))
    return pc.or_(is_one, pc.is_null(bare))


def tally(words: AnyArray) -> tuple[pa.Array, pa.Array]:
    """The different words, in order of appearance, and the rows that hold each."""
    counted = pc.value_counts(words)
    return counted.field("values"), counted.field("counts")


def find_null(words: AnyArray, missing: AnyArray) -> str:
    """The most frequent word for a missing value; empty where nothing stands for it."""
    held, counts = tally(pc.fill_null(words.filter(missing), ""))
    return held[pc.index(counts, pc.max(counts)).as_py()].as_py() if len(held) else ""


def changed_fields(instance: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults, by name."""
    return {
        field.name: getattr(instance, field.name)
        for field in dataclasses.fields(instance)
        if getattr(instance, field.name) != field.default
    }


def _one_piece(words: AnyArray) -> pa.Array:
    """A column in one piece."""
    return words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
