"""Single rows that the critics judged most clearly, as far as the rows that were measured are at hand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from onehalf.evaluation.result import Measurement, RowExample
from onehalf.sections.base import Section, Sides, Table

__all__ = ["MOST_COLUMNS", "ExampleRows", "example_rows", "list_examples"]

MOST_ROWS = 8
"""The most rows of each side that are listed in a table."""

MOST_COLUMNS = 12
"""Of more columns than this, only those that differ most are listed."""

HOW_TO_READ = (
    "The rows that the critics rate most out of place, numbered from 0. How to read it: look "
    "for what they have in common. Which single rows lead the list is partly chance, and the "
    "nearer their log ratios are to 0, the less is out of place."
)

HOW_TO_READ_CONVINCING = (
    "Those that the critics take for data with most confidence, the most confident first. How "
    "to read it: this is the best that the {called} offer; which single ones lead the list is "
    "partly chance."
)


@dataclass(frozen=True)
class ExampleRows:
    """Rows of one side, the most telling first."""

    title: str
    caption: str
    examples: tuple[RowExample, ...]
    rows: np.ndarray
    """The rows themselves, in this order."""


def example_rows(
    measurement: Measurement, judged: Sides, called: str, *, most: int | None, convincing: bool
) -> Iterator[ExampleRows]:
    """Select the rows that critics judged most clearly, of each side whose rows are those that were measured.

    Args:
        measurement: The measurement.
        judged: The rows that were measured.
        called: What the other sample is called.
        most: Rows of each side, at most.
        convincing: Whether to show the rows of the other sample that are most like the data,
            too.
    """
    real, other = judged
    examples = measurement.examples
    name = called.capitalize()
    groups = [
        (
            f"Data least like the {called}",
            HOW_TO_READ,
            examples.missing,
            real,
            measurement.n_real,
        ),
        (
            f"{name}: least like the data",
            HOW_TO_READ,
            examples.unexpected,
            other,
            measurement.n_other,
        ),
    ]
    if convincing:
        caption = HOW_TO_READ_CONVINCING.format(called=called)
        title = f"{name}: most like the data"
        groups.append((title, caption, examples.convincing, other, measurement.n_other))
    for title, caption, listed, rows, measured in groups:
        chosen = listed[:most]
        if chosen and len(rows) == measured:
            picked = rows[[example.row for example in chosen]]
            yield ExampleRows(title, caption, chosen, picked)


def list_examples(
    measurement: Measurement,
    judged: Sides,
    called: str,
    names: Sequence[str],
    columns: Sequence[int],
    show: Callable[[int, float], str],
) -> list[Section]:
    """List the rows that critics judged most clearly, in tables.

    Args:
        measurement: The measurement.
        judged: The rows that were measured.
        called: What the other sample is called.
        names: The names of all columns.
        columns: The columns that are listed, by number.
        show: Formats an entry, given the number of its column.
    """
    tables = []
    for group in example_rows(measurement, judged, called, most=MOST_ROWS, convincing=False):
        entries = group.rows.reshape(len(group.rows), -1)
        rows = [
            [
                f"{example.row:,}",
                f"{example.log_ratio:.2f}",
                *(show(column, row[column]) for column in columns),
            ]
            for example, row in zip(group.examples, entries, strict=True)
        ]
        caption = group.caption
        if len(columns) < len(names):
            caption += (
                f" Of {len(names)} columns, the {len(columns)} that differ most are listed."
            )
        header = ["row", "log ratio, nats", *(names[column] for column in columns)]
        tables.append(Table(header, rows, group.title, caption, keeps_lines=True))
    return [Section("The most telling rows", tables)] if tables else []
