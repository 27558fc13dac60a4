"""Single rows that the critics judged most clearly, as far as the rows that were measured are at hand."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from onehalf.evaluation.result import Measurement, RowExample
from onehalf.sections.base import Sides

__all__ = ["ExampleRows", "example_rows"]

HOW_TO_READ = (
    "The rows that the critics judge most out of place, numbered from 0. How to read it: look "
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
    found: Measurement, judged: Sides, called: str, *, most: int | None, convincing: bool
) -> Iterator[ExampleRows]:
    """Select the rows that critics judged most clearly, of each side whose rows are those that were measured.

    Args:
        found: The measurement.
        judged: The rows that were measured.
        called: What the other sample is called.
        most: Rows of each side, at most.
        convincing: Whether to show the rows of the other sample that are most like the data, too.
    """
    real, other = judged
    examples = found.examples
    name = called.capitalize()
    groups = [
        (f"Data least like the {called}", HOW_TO_READ, examples.missing, real, found.n_real),
        (
            f"{name}: least like the data",
            HOW_TO_READ,
            examples.unexpected,
            other,
            found.n_other,
        ),
    ]
    if convincing:
        caption = HOW_TO_READ_CONVINCING.format(called=called)
        title = f"{name}: most like the data"
        groups.append((title, caption, examples.convincing, other, found.n_other))
    for title, caption, listed, rows, measured in groups:
        chosen = listed[:most]
        if chosen and len(rows) == measured:
            picked = rows[[example.row for example in chosen]]
            yield ExampleRows(title, caption, chosen, picked)
