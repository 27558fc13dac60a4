"""The profile of one column of a table: the kind that fits, and the facts of that kind."""

import re
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf.data.tables.column_warnings import warn
from onehalf.data.tables.forms.base import Form
from onehalf.data.tables.forms.booleans import BooleanForm
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.keys import are_keys, is_time_name
from onehalf.data.tables.kind_checks import check_kind
from onehalf.data.tables.kinds import Kind
from onehalf.data.tables.personal import Personal, find_personal
from onehalf.data.tables.read_column import ReadColumn
from onehalf.data.tables.statistics import (
    count_decimals,
    describe_order,
    float_as_written,
    format_time,
    rank_words,
)

__all__ = ["ColumnProfile"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

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

ID_NAME = re.compile(r"(^|[\W_])(?i:id|key|index|uuid|guid|number|no|nr)$|[a-z](Id|ID)$")
"""The name of a column whose whole numbers, all different, are IDs."""


class ColumnProfile(ReadColumn):
    """A column of a table, the kind that fits, and the facts of that kind."""

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
            ticks,
            counts[order],
            len(self.table),
            lambda tick: format_time(int(tick), times.type),
        )
        return facts | {"form": form}

    def _facts_of_words(self, kind: Kind) -> dict[str, Any]:
        order = self._order() if kind == "category" else ()
        facts = rank_words(*self.words) | {"order": order}
        truth = self.asked if isinstance(self.asked, BooleanForm) else self._truth
        return facts | ({"form": _or_none(truth)} if kind == "boolean" else {})

    def _order(self) -> tuple[str, ...]:
        """The words in the order that the data frame declares."""
        type_ = self.table.schema.field(self.name).type
        if not (pa.types.is_dictionary(type_) and type_.ordered):
            return ()
        first = self.table[self.name].unify_dictionaries().chunk(0)
        return tuple(first.dictionary.cast(pa.string()).to_pylist())


def _or_none(form: Form | None) -> Form | None:
    """A form, unless it is the usual one."""
    return form if form is not None and form.to_dict() else None
