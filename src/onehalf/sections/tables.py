"""The sections of a page about tables: single columns and pairs, rules, rows in words, the schema."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from onehalf import figures
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.statistics import shorten
from onehalf.evaluation.result import Measurement
from onehalf.sections.base import (
    Block,
    Bullets,
    DataSections,
    Figure,
    Note,
    Section,
    Sides,
    Table,
    embed_svg,
)
from onehalf.sections.certificate import rule_sections
from onehalf.sections.columns import describe_sides
from onehalf.sections.examples import MOST_COLUMNS, list_examples

__all__ = ["TableSections"]

WORD_LETTERS = 24
"""Letters of an entry of an example row, at most."""

OVERVIEW_CAPTION = (
    "Single columns, those that differ most first{which}: the data are filled (blue), "
    "and the orange line shows the {called}. Words, and numbers of few values, have a bar each; "
    "other numbers and dates are counted in bins. The first and last bin hold whatever lies "
    "beyond, and a thin bar is a value that many rows share. The first percentage is how many "
    "of the {called} would have to change for the column to agree with half of the data (the "
    "total variation, counted in up to a hundred cells). In brackets is the same for the "
    "other half of the data, which is noise. How to read it: the further the first number is "
    "above the one in brackets, the more differs."
)

PAIRS_CAPTION = (
    "Pairs of columns that differ by more than either column alone: the share of the "
    "rows in each cell, of the data and of the {called} on one colour scale, then the "
    "difference: blue where the {called} lack rows, orange where they have too many. Ticks of "
    "numbers are at the borders of cells. The percentages are counted as above, in these "
    "cells. How to read it: the two maps should agree, and the third should be pale. "
    "Where only the first percentage is large, the columns may agree one by one and still be "
    "combined wrongly. Three columns may differ where no pair of them does; the critics judge "
    "all of them together."
)

SCHEMA_NOTE = "What each column of the data was read as. A wrong kind can be corrected: onehalf data FILE --schema."

LEFT_OUT = {
    "id": "{name} was left out: IDs only name rows, so nothing was measured of it.",
    "key": "{name} was left out: keys only name things, so nothing was measured of it.",
    "personal": "{name} was left out: it looks like personal data, so nothing was measured of it.",
    "text": "{name} was left out: free text cannot be counted, so nothing was measured of it.",
}
"""Why a column was left out, by its kind."""


@dataclass(frozen=True)
class TableSections(DataSections):
    """The sections of tables."""

    real: np.ndarray
    """The cells of the data."""
    other: np.ndarray
    """The cells of the other sample."""
    called: str
    encoder: TableEncoder

    def overview(self) -> Section:
        """Draw single columns."""
        alt = describe_sides(self.real, self.other, self.called)
        compared = (self.real, self.other, self.encoder, self.called)
        wide = embed_svg(figures.draw_marginals(*compared), alt)
        narrow = embed_svg(figures.draw_marginals(*compared, is_narrow=True), alt, "narrow")
        n_columns = len(self.encoder.names)
        which = ""
        if n_columns > figures.MOST_MARGINALS:
            which = f" ({figures.MOST_MARGINALS} of {n_columns} columns)"
        caption = OVERVIEW_CAPTION.format(which=which, called=self.called)
        return Section("", [Figure(wide, caption, narrow=narrow)])

    def relations(self) -> list[Section]:
        """Draw the pairs of columns that differ most."""
        compared = (self.real, self.other, self.encoder, self.called)
        figure = figures.draw_pairs(*compared)
        narrow = figures.draw_pairs(*compared, is_narrow=True)
        if figure is None or narrow is None:
            return []
        alt = f"The pairs of columns in which data and {self.called} differ most, as maps"
        caption = PAIRS_CAPTION.format(called=self.called)
        small = embed_svg(narrow, alt, "narrow")
        block = Figure(embed_svg(figure, alt), caption, narrow=small)
        return [Section("Pairs of columns", [block])]

    def regions(self, measurement: Measurement) -> list[Section]:
        """List the rules."""
        return rule_sections(measurement, self.called)

    def examples(self, measurement: Measurement, judged: Sides | None) -> list[Section]:
        """List the rows that critics judged most clearly, as the table writes them."""
        if judged is None:
            return []
        names = self.encoder.names
        columns = self._telling_columns(measurement)
        shown = measurement
        if not all(example.cells for example in measurement.examples.missing):
            # no rows of the data unless they were asked for
            without = dataclasses.replace(measurement.examples, missing=())
            shown = dataclasses.replace(measurement, examples=without)
        return list_examples(shown, judged, self.called, names, columns, self._show)

    def columns(self) -> list[Section]:
        """Describe the schema."""
        schema = self.encoder.schema
        header = ["column", "kind", "missing", "distinct", "range", ""]
        rows = [
            [name, kind, missing or "none", distinct, values, details]
            for name, kind, missing, distinct, values, details in (
                column.cells for column in schema.columns
            )
        ]
        blocks: list[Block] = [Table(header, rows, keeps_lines=True)]
        blocks += [
            Note(LEFT_OUT[column.kind].format(name=column.name))
            for column in schema.columns
            if column.name in self.encoder.left_out
        ]
        if schema.warnings:
            blocks.append(Bullets(schema.warnings))
        return [Section("The columns", blocks, SCHEMA_NOTE)]

    def _telling_columns(self, measurement: Measurement) -> list[int]:
        """All columns, or of many those that show most of the difference."""
        names = self.encoder.names
        if len(names) <= MOST_COLUMNS:
            return list(range(len(names)))
        telling = {name for marginal in measurement.marginals for name in marginal.columns}
        first = [column for column, name in enumerate(names) if name in telling]
        ranked = figures.rank_columns(self.real, self.other, self.encoder)
        one_by_one = [difference.columns[0] for difference in ranked]
        return sorted(list(dict.fromkeys([*first, *one_by_one]))[:MOST_COLUMNS])

    def _show(self, column: int, cell: float) -> str:
        """An entry as the table writes it, cut to what fits."""
        return shorten(self.encoder.show(column, cell), WORD_LETTERS)
