"""What will hurt about a column, in sentences."""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from onehalf.data.tables.forms.base import MISSING, ODD_SHARE
from onehalf.data.tables.forms.dates import find_formats
from onehalf.data.tables.forms.numbers import NUMBER, NumberForm, has_signs
from onehalf.data.tables.statistics import EXACT, describe_tail, format_value, shorten
from onehalf.data.tables.validation import count_of, locate_row

if TYPE_CHECKING:
    import onehalf.data.tables.profile

__all__ = ["warn"]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

MISSING_WARNING = 0.95
"""A column is warned about if a larger share of it is missing."""

NUMBERS_WARNING = 0.5
"""Words are warned about if at least this share of them are numbers."""

DATES_WARNING = 0.2
"""Words are warned about if at least this share of them are dates."""

LIKELY_FORMULA = "^[=@\t\r\uff1d\uff20]|^[+\\-\uff0b\uff0d][^\\d\\s.,+\\-]"
"""Words that spreadsheets execute; not -, -5, +49 151 or -- none --, which do no harm."""

NOT_LEARNED = {
    "id": ("IDs", "have new ones"),
    "key": ("keys", "have new ones"),
    "text": ("free text", "are without it"),
}
"""What columns of these kinds hold, and what samples have instead."""


def warn(
    profile: "onehalf.data.tables.profile.ColumnProfile", kind: str, facts: Mapping[str, Any]
) -> Iterator[str]:
    """Warn, in sentences, about what will make the column hard to learn, and what will not come back."""
    name, rows = repr(profile.name), f"{len(profile.present):,}"
    if profile.missing > MISSING_WARNING:
        some = len(profile.known)
        yield f"{name} is nearly all missing: {some:,} of {len(profile.table):,} rows have a value."
    if kind == "constant":
        yield f"{name} is constant: its only value is {format_value(facts['values'][0])}."
    if kind in NOT_LEARNED:
        looks, samples = NOT_LEARNED[kind]
        values = f"{profile.distinct:,} different in {rows} rows"
        yield f"{name} looks like {looks} ({values}), which can't be learned: samples {samples}."
    if kind != "text" and (reason := facts.get("personal")):
        yield _describe_personal(profile, kind, reason)
    if rare := facts.get("rare"):
        kept = f"the {len(facts['categories'])} most frequent keep their names"
        others = f"the others ({rare:,} rows) are pooled"
        yield f"{name} has {profile.distinct:,} categories: {kept}, and {others}."
    yield from _warn_of_numbers(profile, kind, facts)
    yield from _warn_of_fine_times(profile, kind)
    yield from _warn_of_formulas(profile, name)
    yield from _warn_of_forms(profile, kind, facts)
    if profile.is_words and kind in ("category", "id", "text") and not profile.requested:
        yield from _warn_of_words(profile)


def _describe_personal(
    profile: "onehalf.data.tables.profile.ColumnProfile", kind: str, reason: str
) -> str:
    """Say why the column looks like personal data, and what is done about it."""
    looks = f"{profile.name!r} looks like personal data: {reason}."
    if kind == "personal":
        keep = f"--keep-personal {shlex.quote(profile.name)}"
        return f"{looks} Samples hold made-up values instead ({keep} keeps the data's)."
    if kind in ("id", "key"):
        return f"{looks} Samples hold new values instead."
    return f"{looks} It is kept as asked: samples repeat values of the data."


def _warn_of_numbers(
    profile: "onehalf.data.tables.profile.ColumnProfile", kind: str, facts: Mapping[str, Any]
) -> Iterator[str]:
    """Warn of dates written as numbers, heavy tails, and numbers of too many digits."""
    name, raw = repr(profile.name), profile.column.type
    is_number = pa.types.is_integer(raw) or pa.types.is_floating(raw)
    if kind == "date" and is_number:
        first = pc.min(profile.present).as_py()
        yield f"{name} holds dates written as numbers, such as {first:.0f} for {facts['low']}."
    if kind in ("continuous", "integer") and profile.numbers and not facts.get("values"):
        atoms = [atom for atom, _ in facts.get("atoms", ())]
        yield from describe_tail(name, *profile.numbers, atoms)
    if profile.too_long and kind in ("continuous", "integer"):
        yield f"{name} holds numbers of more than 15 digits, which are learned to 15 digits only."
    elif profile.too_long:
        yield f"{name} holds numbers of more than 15 digits, which are kept as words."


def _warn_of_formulas(
    profile: "onehalf.data.tables.profile.ColumnProfile", name: str
) -> Iterator[str]:
    """Warn of what a spreadsheet would execute: the name of a column, or its words."""
    hint = "`onehalf sample --safe-cells` writes an apostrophe before them."
    if re.match(LIKELY_FORMULA, profile.name):
        yield f"{name} is a name that spreadsheets execute. {hint}"
    if profile.is_words and not profile.reading:
        words, _ = profile.words
        found = words.filter(pc.match_substring_regex(words, LIKELY_FORMULA))
        if len(found):
            first = profile.locate(found[0])
            yield f"{name} holds words that spreadsheets execute (the first: {first}). {hint}"


def _warn_of_fine_times(
    profile: "onehalf.data.tables.profile.ColumnProfile", kind: str
) -> Iterator[str]:
    """Warn of times that float64 can't tell from their neighbours: 256 ns apart around 2024."""
    if kind != "date" or not profile.dates:
        return
    ticks = profile.dates[0].cast(pa.int64()).to_numpy(zero_copy_only=False)
    tick = np.gcd.reduce(ticks) or 1
    most = np.max(np.abs(ticks / tick))
    if most > EXACT:
        step = f"{int(np.spacing(most) * tick)} {profile.dates[0].type.unit}"
        yield f"{profile.name!r} holds times of more than 15 digits, which are learned to {step} only."


def _warn_of_forms(
    profile: "onehalf.data.tables.profile.ColumnProfile", kind: str, facts: Mapping[str, Any]
) -> Iterator[str]:
    """Say which numbers or dates do not come out as they went in."""
    if kind not in ("continuous", "integer", "date"):
        return
    name, reading, altered = repr(profile.name), profile.reading, profile.altered
    lost = reading.find_lost(profile.text) if reading else pa.nulls(0)
    what = "date" if kind == "date" else "number"
    if reading and len(lost):
        read = len(profile.known)
        yield (
            f"{name} holds {count_of(read, what)} and {count_of(len(lost), 'word')}"
            f" (the first: {profile.locate(lost[0])}), read as missing."
        )
    elif (odd := profile.odd) is not None:
        at = f"{shorten(odd.word, 40)!r} in {locate_row(profile.table, odd.row)}"
        yield (
            f"{name} holds {count_of(len(profile.known), what)} and {count_of(odd.count, 'word')},"
            f" {at}, which is read as missing and written again."
        )
    if altered is not None:
        at = locate_row(profile.table, altered.row)
        cells = f"{altered.count:,} cell{'s' * (altered.count > 1)}"
        before, after = shorten(altered.word, 40), shorten(altered.back, 40)
        yield (
            f"{name} has {cells} written otherwise than the rest: {before!r} in {at} would be"
            f" written as {after!r}.{_suggest_decimals(profile, facts)}"
        )


def _suggest_decimals(
    profile: "onehalf.data.tables.profile.ColumnProfile", facts: Mapping[str, Any]
) -> str:
    """The line of the schema that writes all numbers alike."""
    decimals = facts.get("decimals")
    form = profile.reading.form if profile.reading else profile.written
    if not decimals or not isinstance(form, NumberForm) or form.fixed:
        return ""
    return f' "least_decimals": {decimals}, "fixed": true in the schema writes all alike.'


def _warn_of_words(profile: "onehalf.data.tables.profile.ColumnProfile") -> Iterator[str]:
    """Warn if a few words, or signs such as $, keep a column from being one of numbers or dates."""
    name = repr(profile.name)
    others, numbers, words = _find_no_numbers(profile)
    if words and has_signs(others):
        yield (
            f"{name} holds numbers with signs (the first: {profile.locate(others[0])}), not all"
            " alike, so its values are read as words."
        )
        return
    if words and numbers >= NUMBERS_WARNING * (numbers + words):
        yield (
            f"{name} holds {count_of(numbers, 'number')} and {count_of(words, 'word')}"
            f" (the first word: {profile.locate(others[0])}), so its values are read as words."
            f"{_remedy(others, words, numbers + words)}"
        )
        return
    yield from _warn_of_dates(profile)


def _remedy(others: pa.Array, words: int, rows: int) -> str:
    """The line of the schema that makes a column one of numbers."""
    if len(others) == 1:
        word = shorten(others[0].as_py(), 40)
        return (
            " To read them as numbers, and this word as missing, write"
            f' "kind": "continuous", "null": "{word}" in the schema.'
        )
    if words <= ODD_SHARE * rows:
        return (
            " To read them as numbers, and these words as missing, write"
            ' "kind": "continuous" in the schema.'
        )
    return ""


def _warn_of_dates(profile: "onehalf.data.tables.profile.ColumnProfile") -> Iterator[str]:
    """Warn of dates in several formats, or among other words."""
    found = find_formats(profile.present)
    dates = sum(rows for _, rows, _ in found)
    if dates < DATES_WARNING * len(profile.present):
        return
    formats = ", ".join(f"{rows:,} written {written}" for written, rows, _ in found)
    _, _, others = found[-1]
    first = f", and other words (the first: {profile.locate(others[0])})" if len(others) else ""
    yield f"{profile.name!r} holds dates in several forms: {formats}{first}; its values are read as words."


def _find_no_numbers(
    profile: "onehalf.data.tables.profile.ColumnProfile",
) -> tuple[pa.Array, int, int]:
    """The different words that are neither numbers nor missing.

    With them: how many rows hold numbers, and how many hold these words.
    """
    values, counts = profile.words
    numbers = pc.match_substring_regex(values, NUMBER)
    others = pc.invert(
        pc.or_(numbers, pc.is_in(values, value_set=pa.array(MISSING, values.type)))
    )
    of = [int(counts[mask.to_numpy(zero_copy_only=False)].sum()) for mask in (numbers, others)]
    return values.filter(others), of[0], of[1]
