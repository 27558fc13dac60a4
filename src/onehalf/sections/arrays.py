"""The sections of a page about arrays: scatter plots or histograms, regions drawn on the rows, rows as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onehalf import figures
from onehalf.data.arrays.validation import numbered
from onehalf.evaluation.result import Measurement
from onehalf.sections.base import (
    Block,
    DataSections,
    Details,
    Figure,
    Section,
    Sides,
    Table,
    embed_svg,
)
from onehalf.sections.examples import example_rows

__all__ = ["ArraySections", "describe_sides", "list_columns"]

MOST_ROWS = 8
"""Example rows of each side, at most."""

MOST_COLUMNS = 12
"""Of more columns than this, only those that show most of the difference are listed."""

MOST_DECIMALS = 9
"""Columns with so many decimals may have more."""

POINTS_CAPTION = (
    "First, rows of the data (blue) and equally many of the {called} (orange), on the same "
    "axes; then the share of all rows that falls in each cell, on one colour scale. How to "
    "read it: each cluster of the data should appear on the other side too, about as bright, "
    "and what is dark there should be dark here. A few whole numbers are drawn with some "
    "jitter."
)

HISTOGRAMS_CAPTION = (
    "The share of rows in each bin, {which}: the data are filled (blue), and the {called} are "
    "the orange line. How to read it: the line should follow the edge of the fill, up to the "
    "noise of so many rows."
)

TOGETHER = " Columns that agree one by one may still be combined wrongly; the critics judge all of them together."

REGIONS_CAPTION = (
    "Inside the box, or in the green band, are the rows for which the rule above it holds; if "
    "it has a third condition, dots that break it are pale. The dots are {shown}; the shares "
    "are those of the rows that the rule was tested on. How to read it: where the data are "
    "dense and the other side is nearly empty, something was dropped; the other way round, it "
    "was invented; otherwise there is too little or too much of it. At most three rules are "
    "drawn. A few whole numbers are drawn with some jitter."
)


@dataclass(frozen=True)
class ArraySections(DataSections):
    """The sections of arrays that are no images."""

    real: np.ndarray
    other: np.ndarray
    called: str
    names: Sequence[str] = ()
    """The names of the columns; x1, x2, ... without them."""
    shown: str = "some of the rows"
    """What the rows that are drawn are."""

    def overview(self) -> Section:
        """Draw scatter plots of two columns, else histograms."""
        figure = figures.draw_arrays({"data": self.real, self.called: self.other}, self.names)
        alt = describe_sides(self.real, self.other, self.called)
        n_columns = len(self._numbered)
        caption = self._describe_histograms()
        if self.real.shape[1:] == (2,):
            caption = POINTS_CAPTION.format(called=self.called)
        image = embed_svg(figure, alt)
        return Section("", [Figure(image, caption, is_wide=n_columns > 1)])

    def regions(self, found: Measurement) -> list[Section]:
        """Draw the rules on the rows."""
        figure = figures.draw_regions(
            self.real, self.other, found.regions, self._numbered, self.called
        )
        if figure is None:
            return []
        rules = "; ".join(region.rule for region in found.regions if region.certain)
        image = embed_svg(figure, f"Rows of both, and where they differ: {rules}")
        caption = REGIONS_CAPTION.format(shown=self.shown)
        return [Section("Where they differ", [Figure(image, caption, is_wide=True)])]

    def examples(self, found: Measurement, judged: Sides | None) -> list[Section]:
        """List the rows that critics judged most clearly, in numbers."""
        if judged is None:
            return []
        names = self.names or self._numbered
        columns = list(range(len(names)))
        if len(names) > MOST_COLUMNS:
            telling = {name for marginal in found.marginals for name in marginal.columns}
            columns = [column for column in columns if names[column] in telling]
        tables = []
        for group in example_rows(found, judged, self.called, most=MOST_ROWS, convincing=False):
            entries = group.rows.reshape(len(group.rows), -1)
            rows = [
                [
                    f"{example.row:,}",
                    f"{example.log_ratio:.2f}",
                    *(f"{row[column]:.5g}" for column in columns),
                ]
                for example, row in zip(group.examples, entries, strict=True)
            ]
            header = ["row", "log ratio, nats", *(names[column] for column in columns)]
            tables.append(Table(header, rows, group.title, group.caption))
        return [Section("The most telling rows", tables)] if tables else []

    def audit_details(self, found: Measurement) -> list[Block]:
        """List how each column is written."""
        return list_columns(found, len(self._numbered), self.called)

    @property
    def _numbered(self) -> tuple[str, ...]:
        """The names of the entries in a measurement."""
        return numbered(self.real.shape[1:])

    def _describe_histograms(self) -> str:
        """The caption of the histograms."""
        n_columns = len(self._numbered)
        which = "of each column"
        if n_columns > figures.MOST_HISTOGRAMS:
            which = f"for the {figures.MOST_HISTOGRAMS} of {n_columns} columns that differ most, some by chance alone"
        caption = HISTOGRAMS_CAPTION.format(which=which, called=self.called)
        return caption + (TOGETHER if n_columns > 1 else "")


def describe_sides(real: np.ndarray, other: np.ndarray, called: str) -> str:
    """Say how many rows a figure compares."""
    return f"{len(real):,} rows of data beside {len(other):,} {called}"


def list_columns(found: Measurement, n_columns: int, called: str) -> list[Block]:
    """List decimals, whole numbers and frequent values of each column that the audit has."""
    listed = found.audit.columns_listed
    first = "The first " if n_columns > listed and not found.described else ""
    summary = f"{first}{listed} column{'s' if n_columns > 1 else ''}"
    header = [
        "column",
        "decimals in the data",
        f"in the {called}",
        "whole numbers in the data",
        f"in the {called}",
        "values that one side lacks",
    ]
    rows = [
        [
            facts.name,
            _format_decimals(facts.decimals, facts.constant, "real"),
            _format_decimals(facts.decimals, facts.constant, "other"),
            f"{facts.whole.real:.1%}" if facts.whole else "",
            f"{facts.whole.other:.1%}" if facts.whole else "",
            ", ".join(str(atom.value) for atom in facts.atoms or ()),
        ]
        for facts in found.audit.columns
    ]
    return [Details(summary, [Table(header, rows)])]


def _format_decimals(decimals: object, constant: object, side: str) -> str:
    """The decimals of one side of a column, and whether all its rows have one value."""
    number = getattr(decimals, side, "")
    text = f"{MOST_DECIMALS} or more" if number == MOST_DECIMALS else str(number)
    return f"{text} (constant)" if getattr(constant, side, False) else text
