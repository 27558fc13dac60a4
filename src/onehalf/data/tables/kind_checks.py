"""Whether the values of a column can be of the kind that a person gave it."""

from typing import TYPE_CHECKING

import pyarrow as pa

from onehalf._errors import refuse
from onehalf.data.tables.forms.base import ODD_SHARE
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.statistics import float_as_written

if TYPE_CHECKING:
    import onehalf.data.tables.profile

__all__ = ["check_kind"]


def check_kind(profile: "onehalf.data.tables.profile.ColumnProfile", kind: str) -> None:
    """Refuse a kind that the values of a column can't be."""
    what = f"column {profile.name!r}"
    if kind in ("integer", "continuous"):
        _check_numbers(profile, what, kind)
    if kind == "date":
        _check_dates(profile, what)
    most = {"constant": 1, "boolean": 2}.get(kind)
    held = len(profile.words[0])
    if most and held > most:
        expected = f"at most {most} value{'s' * (most > 1)}, as its kind is {kind}"
        refuse(what, expected=expected, got=f"{held:,}")


def _check_numbers(
    profile: "onehalf.data.tables.profile.ColumnProfile", what: str, kind: str
) -> None:
    """Refuse words among numbers, and fractions among whole numbers."""
    expected = f"numbers, as its kind is {kind}"
    if profile.is_boolean or pa.types.is_temporal(profile.column.type):
        refuse(what, expected=expected, got=profile.column.type)
    _check_read(profile, what, expected)
    if kind == "integer" and not profile.whole and profile.numbers:
        values = profile.numbers[0]
        broken = next((value for value in values if value % 1), values[-1])
        expected = "whole numbers, as its kind is integer"
        refuse(what, expected=expected, got=f"{float_as_written(broken)} among them")


def _check_dates(profile: "onehalf.data.tables.profile.ColumnProfile", what: str) -> None:
    """Refuse other words among dates."""
    form = profile.reading.form if profile.reading and profile.asked else None
    written = f"written {form.format}" if isinstance(form, DateForm) else "in one format"
    expected = f"dates {written}, as its kind is date"
    _check_read(profile, what, expected)
    if not profile.dates:
        refuse(what, expected=expected, got=profile.locate(profile.text.drop_null()[0]))


def _check_read(
    profile: "onehalf.data.tables.profile.ColumnProfile", what: str, expected: str
) -> None:
    """Refuse words that can't be read, if there are more than a few."""
    lost = profile.reading.find_lost(profile.text) if profile.reading else pa.nulls(0)
    if len(lost) > ODD_SHARE * len(profile.present):
        refuse(what, expected=expected, got=profile.locate(lost[0]))
