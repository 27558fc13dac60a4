"""Whether the values of a column can be of the kind that a person gave it."""

import pyarrow as pa

from onehalf._errors import refuse
from onehalf.data.tables.forms.base import ODD_SHARE
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.read_column import ReadColumn
from onehalf.data.tables.statistics import float_as_written

__all__ = ["check_kind"]


def check_kind(column: ReadColumn, kind: str) -> None:
    """Refuse a kind that the values of a column can't be."""
    what = f"column {column.name!r}"
    if kind in ("integer", "continuous"):
        _check_numbers(column, what, kind)
    if kind == "date":
        _check_dates(column, what)
    most = {"constant": 1, "boolean": 2}.get(kind)
    held = len(column.words[0])
    if most and held > most:
        expected = f"at most {most} value{'s' * (most > 1)}, as its kind is {kind}"
        refuse(what, expected=expected, got=f"{held:,}")


def _check_numbers(column: ReadColumn, what: str, kind: str) -> None:
    """Refuse words among numbers, and fractions among whole numbers."""
    expected = f"numbers, as its kind is {kind}"
    if column.is_boolean or pa.types.is_temporal(column.column.type):
        refuse(what, expected=expected, got=column.column.type)
    _check_read(column, what, expected)
    if kind == "integer" and not column.whole and column.numbers:
        values = column.numbers[0]
        broken = next((value for value in values if value % 1), values[-1])
        expected = "whole numbers, as its kind is integer"
        refuse(what, expected=expected, got=f"{float_as_written(broken)} among them")


def _check_dates(column: ReadColumn, what: str) -> None:
    """Refuse other words among dates."""
    form = column.reading.form if column.reading and column.asked else None
    written = f"written {form.format}" if isinstance(form, DateForm) else "in one format"
    expected = f"dates {written}, as its kind is date"
    _check_read(column, what, expected)
    if not column.dates:
        refuse(what, expected=expected, got=column.locate(column.text.drop_null()[0]))


def _check_read(column: ReadColumn, what: str, expected: str) -> None:
    """Refuse words that can't be read, if there are more than a few."""
    lost = column.reading.find_lost(column.text) if column.reading else pa.nulls(0)
    if len(lost) > ODD_SHARE * len(column.present):
        refuse(what, expected=expected, got=column.locate(lost[0]))
