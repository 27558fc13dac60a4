"""The columns of a table that get new values, and how these are drawn."""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Int

from onehalf._errors import refuse
from onehalf._files import describe_bytes
from onehalf._memory import total_memory
from onehalf.data.tables.column import Column
from onehalf.data.tables.fresh import forms
from onehalf.data.tables.fresh.accounts import CheckedCodes
from onehalf.data.tables.fresh.codes import Codes
from onehalf.data.tables.fresh.forms import Form
from onehalf.data.tables.fresh.numbers import WholeNumbers
from onehalf.data.tables.fresh.people import Emails, Phrases, made_up_words
from onehalf.data.tables.fresh.seen import SeenValues
from onehalf.data.tables.fresh.taken import TakenValues
from onehalf.data.tables.fresh.uuids import Uuids
from onehalf.data.tables.personal.detector import EMAIL, find_personal
from onehalf.data.tables.schema import Schema

__all__ = ["FRESH", "FreshColumn", "FreshColumns"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

FRESH = ("id", "key", "personal")
"""Kinds of columns that get new values."""

BLOCK = 65_536
"""Rows whose values are drawn at a time, where a column allows it."""

BYTES_OF_VALUE = 250
"""Measured: what a value of a column takes while all of them are drawn at once."""

BYTES_OF_TAKEN = 16
"""The same of a value that is only remembered, so that no other is like it."""

FEWER = "Draw fewer rows, or leave out IDs and personal data (--no-ids)."
"""What to do where new values can't be drawn."""

ATTEMPTS = 200
"""Draws, at most, until enough values are new."""

LEAST_NEW = 0.02
"""With a smaller share of new ones among those drawn, longer values are drawn."""

NEWTON_STEPS = 30
"""Steps that find a root far beyond float64's last digit."""

MOST_FITTED = 20_000
"""The most values that a form of phrases is fitted to."""

HALF = 0.5
"""Values are phrases, or e-mail addresses, if at least this share of them are."""


@dataclass(frozen=True)
class FreshColumn:
    """A column whose values are drawn anew: of the form of the data's, and none of them."""

    name: str
    form: Form
    seen: SeenValues
    """The data's values; of phrases, their words too."""
    missing: float
    """The share of the rows that hold nothing."""
    distinct: float
    """The share of the values that are different."""
    is_ordered: bool
    """Whether the values ascend from row to row."""
    rows: int = 0
    """The values that the data have, repeats among them; 0 in runs of earlier versions."""

    @classmethod
    def fit(
        cls, column: Column, values: pa.ChunkedArray, greatest: int | None = None
    ) -> "FreshColumn":
        """Fit the form of a column's values.

        Args:
            column: What is known of the column.
            values: Its values.
            greatest: The greatest number of all rows, if the values are those of rows that were drawn.
        """
        present = values.drop_null()
        distinct = present.unique()
        words = distinct.cast(pa.string()).to_pylist()
        form = _fit_form(column, distinct, words)
        if isinstance(form, WholeNumbers) and greatest is not None and greatest < form.most:
            form = WholeNumbers.after(greatest, form.most).make_room(len(words))
        known = itertools.chain(words, (part for word in words for part in _parts(form, word)))
        share = 1.0 if column.kind == "id" else len(words) / len(present)
        ordered = len(words) == len(present) and _ascends(words)
        return cls(
            column.name,
            form,
            SeenValues.fit(known),
            column.missing,
            share,
            bool(ordered),
            len(present),
        )

    def draw(self, rng: np.random.Generator, n: int) -> list[str | None] | None:
        """Draw the values of n rows as words; None if too few new ones are left."""
        is_known = rng.random(n) >= self.missing
        which = self._draw_places(rng, int(is_known.sum()))
        pool = self._draw_different(rng, int(which.max(initial=-1)) + 1)
        if pool is None:
            return None
        pool = [pool[place] for place in which.tolist()]
        if self.is_ordered:
            pool.sort(key=_natural)
        values = iter(pool)
        return [next(values) if each else None for each in is_known]

    def draw_blocks(
        self, rng: np.random.Generator, n: int, type_: pa.DataType
    ) -> Iterator[pa.Array] | None:
        """Draw the values of n rows, `BLOCK` rows at a time; None if too few new ones are left."""
        form = self._split(rng, n)
        if form is not None:
            return self._draw_each(rng, n, type_, form)
        values = self.draw(rng, n)
        if values is None:
            return None
        array = _as_type(values, type_)
        return (array.slice(start, BLOCK) for start in range(0, max(n, 1), BLOCK))

    def estimate_memory(self, n: int) -> int:
        """Estimate the bytes that grow with the rows while the values of n rows are drawn."""
        form = self._split(np.random.default_rng(0), n)
        if form is None:
            return BYTES_OF_VALUE * n if n > BLOCK else 0
        return 0 if form.is_always_new else BYTES_OF_TAKEN * n

    def _split(self, rng: np.random.Generator, n: int) -> Form | None:
        """The form that blocks of n rows are drawn from; None if all must be drawn at once.

        Those are few rows, values that repeat, and values in an order that their form does not have by itself.
        """
        if n <= BLOCK or self.distinct < 1:
            return None
        form = self.form.reserve(rng, n)
        return form if form is not None and (form.ascends or not self.is_ordered) else None

    def _draw_each(
        self, rng: np.random.Generator, n: int, type_: pa.DataType, form: Form
    ) -> Iterator[pa.Array]:
        """Draw the values of n rows block by block, all of them different."""
        column = replace(self, form=form)
        taken = TakenValues()
        for start in range(0, n, BLOCK):
            is_known = rng.random(min(BLOCK, n - start)) >= self.missing
            pool = column._draw_different(rng, int(is_known.sum()), taken)
            if pool is None:
                got = f"too few after {start:,} rows"
                refuse(f"column {self.name!r}", expected="new values", got=got, hint=FEWER)
            if not form.is_always_new:
                taken.add(pool)
            values = iter(pool)
            yield _as_type([next(values) if each else None for each in is_known], type_)

    def _draw_places(self, rng: np.random.Generator, n: int) -> Int[np.ndarray, " n"]:
        """Draw which of some different values each row has.

        They are drawn from a population in which as many rows as the data have would have as many different values
        as the data, on average; it grows with the rows beyond these.
        """
        if self.distinct == 1:
            return np.arange(n)
        population = _find_population(self.distinct) * max(self.rows, n)
        _, which = np.unique(
            rng.integers(0, math.ceil(population), n) if n else np.zeros(0, int),
            return_inverse=True,
        )
        return which

    def _draw_different(
        self, rng: np.random.Generator, n: int, taken: TakenValues | None = None
    ) -> list[str] | None:
        """Draw n different values that are none of the data's, and none of those that are taken."""
        form = self.form
        found: dict[str, None] = {}
        for _ in range(ATTEMPTS):
            wanted = n - len(found)
            if not wanted:
                return list(found)
            drawn = self._draw_some(rng, form, wanted)
            new = [each for each in dict.fromkeys(drawn) if each not in found]
            if not form.is_always_new:
                new = [each for each in new if each not in self.seen]
                new = taken.drop(new) if taken else new
            found |= dict.fromkeys(new[:wanted])
            if len(new) < LEAST_NEW * len(drawn):
                form = form.widen()
        return None

    def _draw_some(self, rng: np.random.Generator, form: Form, wanted: int) -> list[str]:
        """Draw values, more than wanted where some may be the data's; phrases without words of the data."""
        if form.is_always_new:
            return form.draw(rng, wanted)
        n = 2 * wanted + 8
        if isinstance(form, Phrases | Emails):
            return form.draw(rng, n, self.seen)
        return form.draw(rng, n)


@dataclass(frozen=True)
class FreshColumns:
    """The columns of a table that get new values.

    >>> from onehalf.data.tables.schema import Schema
    >>> people = pa.table({"id": range(100, 160), "sex": ["F", "M"] * 30})
    >>> fresh = FreshColumns.fit(people, Schema.infer(people))
    >>> both = fresh.add_to(people.select(["sex"]), people.schema, np.random.default_rng(0))
    >>> both.column_names, both["id"][0].as_py() > 159
    (['id', 'sex'], True)
    """

    columns: tuple[FreshColumn, ...] = ()

    @classmethod
    def fit(
        cls, table: pa.Table, schema: Schema, greatest: Mapping[str, int] | None = None
    ) -> "FreshColumns":
        """Fit the columns that the schema calls IDs, keys or personal.

        Args:
            table: The table.
            schema: Its schema.
            greatest: The greatest number of all rows by column, if the table is of rows that were drawn.
        """
        ends = greatest or {}
        return cls(
            tuple(
                FreshColumn.fit(column, _plain(table[column.name]), ends.get(column.name))
                for column in schema.columns
                if column.kind in FRESH and column.distinct
            )
        )

    def add_to(self, table: pa.Table, types: pa.Schema, rng: np.random.Generator) -> pa.Table:
        """Add the columns to samples, in the order and of the types of the data.

        A column is left out if its type can't hold enough new values.
        """
        blocks = list(self.draw_blocks(types, len(table), rng))
        columns = {name: _join([block[name] for block in blocks]) for name in blocks[0]}
        return self.insert(table, types, columns)

    def insert(
        self,
        table: pa.Table,
        types: pa.Schema,
        columns: Mapping[str, pa.Array | pa.ChunkedArray],
    ) -> pa.Table:
        """Add columns that were drawn to samples, in the order and of the types of the data."""
        arrays = dict(zip(table.column_names, table.columns, strict=True)) | dict(columns)
        own = set(table.column_names)
        fields = [
            table.schema.field(field.name) if field.name in own else field
            for field in types
            if field.name in arrays
        ]
        schema = pa.schema(fields, metadata=table.schema.metadata)
        return pa.table([arrays[field.name] for field in fields], schema=schema)

    def draw_blocks(
        self, types: pa.Schema, n: int, rng: np.random.Generator
    ) -> Iterator[dict[str, pa.Array]]:
        """Draw the columns of n samples, by name, `BLOCK` rows at a time.

        Those are left out whose types can't hold enough new values.

        Raises:
            Refusal: They take more memory than the machine has, or a later block finds too few new values.
        """
        needed = self.estimate_memory(n)
        if needed > total_memory():
            expected = f"new values that fit into {describe_bytes(total_memory())} of memory"
            got = f"{n:,} rows, which take about {describe_bytes(needed)}"
            refuse("n", expected=expected, got=got, hint=FEWER)
        drawn = {
            column.name: column.draw_blocks(rng, n, types.field(column.name).type)
            for column in self.columns
        }
        columns = {name: blocks for name, blocks in drawn.items() if blocks is not None}
        for _ in range(0, max(n, 1), BLOCK):
            yield {name: next(blocks) for name, blocks in columns.items()}

    def draw_pieces(
        self, types: pa.Schema, n: int, rng: np.random.Generator
    ) -> Callable[[int], dict[str, pa.ChunkedArray]]:
        """Return what draws the columns of the next rows, of n in all: the values of `draw_blocks`."""
        blocks = map(pa.table, self.draw_blocks(types, n, rng))
        held = next(blocks)

        def take(size: int) -> dict[str, pa.ChunkedArray]:
            nonlocal held
            while held.num_columns and len(held) < size:
                held = pa.concat_tables([held, next(blocks)])
            piece = held.slice(0, size)
            held = held.slice(size)
            return dict(zip(piece.column_names, piece.columns, strict=True))

        return take

    def estimate_memory(self, n: int) -> int:
        """Estimate the bytes that grow with the rows while the columns of n samples are drawn."""
        return sum(column.estimate_memory(n) for column in self.columns)

    def to_dict(self) -> list[dict[str, Any]]:
        """Convert to what JSON can hold; `from_dict` is the inverse."""
        return [
            vars(column) | {"form": forms.to_dict(column.form), "seen": column.seen.to_text()}
            for column in self.columns
        ]

    @classmethod
    def from_dict(cls, saved: Sequence[Mapping[str, Any]]) -> "FreshColumns":
        """Restore what `to_dict` converted."""
        return cls(
            tuple(
                FreshColumn(
                    **dict(column)
                    | {
                        "form": forms.from_dict(column["form"]),
                        "seen": SeenValues.from_text(column["seen"]),
                    }
                )
                for column in saved
            )
        )


def _join(blocks: Sequence[pa.Array]) -> pa.Array | pa.ChunkedArray:
    """The values of a column's blocks."""
    return blocks[0] if len(blocks) == 1 else pa.chunked_array(blocks).unify_dictionaries()


def _find_population(share: float) -> float:
    """The values, for each row, of which a share of the rows are different ones: p (1 - exp(-1 / p)) = share.

    >>> round(_find_population(0.5), 3), round(_find_population(0.9), 3)
    (0.628, 4.661)
    """
    u = 2 * (1 - share) / share
    for _ in range(NEWTON_STEPS):
        u += (math.expm1(-u) + share * u) / (math.exp(-u) - share)
    return 1 / u


def _fit_form(column: Column, distinct: pa.Array, words: list[str]) -> Form:
    """Find the form of a column's different values: numbers, UUIDs, addresses, phrases or codes."""
    type_ = distinct.type
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return _fit_numbers(distinct)
    step = -(-len(words) // MOST_FITTED)
    some = words[::step]
    if form := Uuids.fit(some) or CheckedCodes.fit(some):
        return form
    emails = [word for word in some if EMAIL.fullmatch(word)]
    if len(emails) >= HALF * len(some):
        return Emails.fit(emails)
    found = find_personal(column.name, some) if column.kind == "personal" else None
    if found is not None and found.kind in ("phone", "account"):
        return Codes.fit(words)
    phrases = sum(map(_is_phrase, some))
    is_phrases = phrases >= HALF * len(some) or (found and found.kind in ("name", "address"))
    return Phrases.fit(some) if is_phrases else Codes.fit(words)


def _fit_numbers(distinct: pa.Array) -> WholeNumbers:
    """Fit whole numbers, within the limits of their type."""
    numbers = [int(number) for number in distinct.to_pylist()]
    if pa.types.is_floating(distinct.type):
        return WholeNumbers.fit(numbers, -(2**53), 2**53)
    limits = np.iinfo(distinct.type.to_pandas_dtype())
    return WholeNumbers.fit(numbers, int(limits.min), int(limits.max))


def _is_phrase(word: str) -> bool:
    """Whether a value is made of words rather than of characters."""
    letters = re.sub(r"[\W_]", "", word)
    return letters.isalpha() and not letters.isupper() and len(letters) > 3


def _parts(form: Form, word: str) -> list[str]:
    """The words of a phrase, which must be new too."""
    if isinstance(form, Emails):
        return made_up_words(word.split("@")[0])
    return made_up_words(word) if isinstance(form, Phrases) else []


def _natural(word: str) -> list[tuple[int, int, str]]:
    """A key by which 'A9' comes before 'A10'."""
    parts = re.findall(r"[0-9]+|[^0-9]+", word)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _ascends(words: list[str]) -> bool:
    """Whether each value is greater than the one before."""
    return all(a < b for a, b in itertools.pairwise(map(_natural, words)))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without a dictionary."""
    return (
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    )


def _as_type(values: list[str | None], type_: pa.DataType) -> pa.Array:
    """Values as an array of this type."""
    if pa.types.is_dictionary(type_):
        return _as_type(values, type_.value_type).dictionary_encode().cast(type_)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        numbers = [None if value is None else int(value) for value in values]
        return pa.array(numbers, type_)
    return pa.array(values, pa.large_string()).cast(type_)
