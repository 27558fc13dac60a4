"""The sections of a page about arrays: scatter plots or histograms, regions drawn on the rows, rows as numbers."""

from dataclasses import dataclass

import numpy as np

from onehalf import figures
from onehalf.data.arrays.validation import numbered
from onehalf.evaluation.result import Measurement
from onehalf.sections.base import (
    Block,
    DataSections,
    Figure,
    Section,
    Sides,
    embed_svg,
)
from onehalf.sections.columns import describe_sides, list_columns
from onehalf.sections.examples import MOST_COLUMNS, list_examples

__all__ = ["ArraySections"]

POINTS_CAPTION = (
    "First, rows of the data (blue) and equally many of the {called} (orange), on the same "
    "axes; then the share of all rows that falls in each cell, on one colour scale. How to "
    "read it: each cluster of the data should appear on the other side too, about as bright, "
    "and what is dark there should be dark here. A few whole numbers are drawn with some "
    "jitter."
)

HISTOGRAMS_CAPTION = (
    "The share of rows in each bin, {which}: the data are filled (blue), and the orange line shows "
    "the {called}. How to read it: the line should follow the edge of the fill, up to the "
    "noise of as many rows."
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
    shown: str = "some of the rows"
    """What the rows that are drawn are."""

    def overview(self) -> Section:
        """Draw scatter plots of two columns, else histograms."""
        sets = {"data": self.real, self.called: self.other}
        alt = describe_sides(self.real, self.other, self.called)
        caption = self._describe_histograms()
        if self.real.shape[1:] == (2,):
            caption = POINTS_CAPTION.format(called=self.called)
        wide = embed_svg(figures.draw_arrays(sets), alt)
        narrow = embed_svg(figures.draw_arrays(sets, is_narrow=True), alt, "narrow")
        return Section("", [Figure(wide, caption, narrow=narrow)])

    def regions(self, measurement: Measurement) -> list[Section]:
        """Draw the rules on the rows."""
        compared = (self.real, self.other, measurement.regions, self._names, self.called)
        figure = figures.draw_regions(*compared)
        narrow = figures.draw_regions(*compared, is_narrow=True)
        if figure is None or narrow is None:
            return []
        rules = "; ".join(region.rule for region in measurement.regions if region.certain)
        alt = f"Rows of both, and where they differ: {rules}"
        caption = REGIONS_CAPTION.format(shown=self.shown)
        small = embed_svg(narrow, alt, "narrow")
        drawn = Figure(embed_svg(figure, alt), caption, narrow=small)
        return [Section("The rows where they differ", [drawn])]

    def examples(self, measurement: Measurement, judged: Sides | None) -> list[Section]:
        """List the rows that critics judged most clearly, in numbers."""
        if judged is None:
            return []
        names = self._names
        columns = list(range(len(names)))
        if len(names) > MOST_COLUMNS:
            telling = {name for marginal in measurement.marginals for name in marginal.columns}
            columns = [column for column in columns if names[column] in telling]

        def show(column: int, value: float) -> str:
            return f"{value:.5g}"

        return list_examples(measurement, judged, self.called, names, columns, show)

    def audit_details(self, measurement: Measurement) -> list[Block]:
        """List how each column is written."""
        return list_columns(measurement, len(self._names), self.called)

    @property
    def _names(self) -> tuple[str, ...]:
        """The names of the entries in a measurement."""
        return numbered(self.real.shape[1:])

    def _describe_histograms(self) -> str:
        """The caption of the histograms."""
        n_columns = len(self._names)
        which = "of each column"
        if n_columns > figures.MOST_HISTOGRAMS:
            which = f"for the {figures.MOST_HISTOGRAMS} of {n_columns} columns that differ most, some by chance alone"
        caption = HISTOGRAMS_CAPTION.format(which=which, called=self.called)
        return caption + (TOGETHER if n_columns > 1 else "")
