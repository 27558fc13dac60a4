"""The form of a whole column: found in words, kept beside a table, and applied when it is written."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from onehalf.data.tables.forms.base import Altered, AnyArray, Form, is_text
from onehalf.data.tables.forms.booleans import BooleanForm
from onehalf.data.tables.forms.dates import DateForm
from onehalf.data.tables.forms.numbers import NumberForm

__all__ = [
    "FORMS",
    "form_of_field",
    "infer_form",
    "means_same",
    "odd_of_field",
    "read_column",
    "to_field",
    "to_words",
    "write_column",
]

# its functions are made when it is imported: no type checker sees them
pc: Any = pyarrow.compute

FORMS: Mapping[str, type[Form]] = {
    form.name: form for form in (NumberForm, DateForm, BooleanForm)
}
"""All forms, by name."""

FORM = b"onehalf.form"
"""The key of a column's metadata that has the form in which its file wrote it."""


def read_column(
    words: AnyArray, decimal: str
) -> tuple[AnyArray, Form | None, Altered | None, Altered | None]:
    """Read the words of a file as numbers, if they are numbers; else they stay words, empty ones missing.

    Args:
        words: The cells.
        decimal: The decimal mark where 1,234 could mean either.

    Returns:
        The values; the form of numbers; what does not come out as it went in; and the cells that
        hold an unusual word for missing ones.
    """
    form = NumberForm.infer(words, decimal)
    if form is not None:
        reading = form.read(words)
        return reading.values, form, reading.altered, reading.odd
    is_empty = pc.equal(pc.utf8_trim_whitespace(words), "")
    return pc.if_else(is_empty, pa.scalar(None, words.type), words), None, None, None


def to_field(
    name: str,
    values: AnyArray,
    form: Form | None,
    altered: Altered | None = None,
    odd: Altered | None = None,
) -> pa.Field:
    """The field of a column, with its form in the metadata."""
    field = pa.field(name, values.type)
    if form is None:
        return field
    saved: dict[str, Any] = {"name": form.name, "form": form.to_dict()}
    for key, cells in (("altered", altered), ("odd", odd)):
        if cells is not None:
            saved[key] = dataclasses.asdict(cells)
    return field.with_metadata({FORM: json.dumps(saved).encode()})


def form_of_field(field: pa.Field) -> tuple[Form | None, Altered | None]:
    """The form that `to_field` kept, and what does not come out as it went in."""
    text = (field.metadata or {}).get(FORM)
    if text is None:
        return None, None
    saved = json.loads(text)
    altered = Altered(**saved["altered"]) if "altered" in saved else None
    return FORMS[saved["name"]].from_dict(field.name, saved["form"]), altered


def infer_form(words: AnyArray, *, is_file: bool) -> Form | None:
    """The form of words that are dates, or numbers with marks or units; None of other words.

    Whole numbers stay words, since the frame that holds them says so.

    Args:
        words: A column of words.
        is_file: Whether they come from a file, whose numbers have been read already.
    """
    dates = DateForm.infer(words)
    if dates is not None or is_file:
        return dates
    form = NumberForm.infer(words)
    is_whole = (
        form is not None and form.is_plain and pa.types.is_integer(form.parse(words).type)
    )
    return None if is_whole else form


def means_same(form: Form | None, written: Form | None) -> bool:
    """Whether numbers that were read in one form are the same in another."""
    marks = (form.decimal, form.thousands) if isinstance(form, NumberForm) else None
    read = written if isinstance(written, NumberForm) else NumberForm()
    return marks == (read.decimal, read.thousands)


def to_words(values: AnyArray, form: Form | None) -> AnyArray:
    """The cells of a column as words, missing ones null."""
    if is_text(values.type):
        return values
    if form is None and pa.types.is_floating(values.type):
        form = NumberForm()
    return values.cast(pa.string()) if form is None else form.to_words(values)


def odd_of_field(field: pa.Field) -> Altered | None:
    """The cells that hold an unusual word for missing ones, as `to_field` kept them."""
    text = (field.metadata or {}).get(FORM)
    saved = json.loads(text) if text else {}
    return Altered(**saved["odd"]) if "odd" in saved else None


def write_column(values: AnyArray, form: Form | None) -> pa.Array:
    """The words of a column for a text file; null where nothing is written."""
    plain = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(plain.type):
        plain = plain.cast(plain.type.value_type)
    words = to_words(plain, form).cast(pa.large_string())
    return pc.fill_null(words, form.null) if form is not None and form.null else words
