"""The sections of a page about images: grids, nearest training images, the most telling images."""

from dataclasses import dataclass

import numpy as np

from onehalf import figures
from onehalf.data.images.properties import pixel_limits
from onehalf.evaluation.result import Measurement
from onehalf.sections.base import (
    Block,
    DataSections,
    Figure,
    Grid,
    Section,
    Sides,
    embed_image,
    embed_svg,
)
from onehalf.sections.certificate import rule_sections
from onehalf.sections.columns import describe_sides, list_columns
from onehalf.sections.examples import example_rows

__all__ = ["ImageSections"]

NEIGHBOURS_SHOWN = 24
"""Samples that are shown with their nearest training images."""

NEIGHBOURS_ACROSS = 6
"""Of these, how many in a row."""

OVERVIEW_CAPTION = (
    "On the left, images of the data; on the right, equally many of the {called}, none of "
    "them picked by hand. How to read it: look for kinds of images that appear on one side "
    "only, and for images that repeat."
)

NEIGHBOURS_CAPTION = (
    "Samples, none picked by hand; to the right of each, in a blue frame, the training image "
    "that is nearest to it, pixel by pixel. How to read it: a sample that equals its "
    "neighbour but for specks may have been copied; one that only resembles it is new. "
    "Whether more was copied than chance explains is tested below."
)


@dataclass(frozen=True)
class ImageSections(DataSections):
    """The sections of images."""

    real: np.ndarray
    other: np.ndarray
    called: str
    train: np.ndarray | None = None
    """Training images, among which nearest neighbours are sought."""

    def overview(self) -> Section:
        """Draw a grid of each."""
        sets = {"data": self.real, self.called: self.other}
        alt = describe_sides(self.real, self.other, self.called)
        wide = embed_svg(figures.draw_images(sets), alt)
        narrow = embed_svg(figures.draw_images(sets, is_narrow=True), alt, "narrow")
        caption = OVERVIEW_CAPTION.format(called=self.called)
        return Section("", [Figure(wide, caption, narrow=narrow)])

    def regions(self, measurement: Measurement) -> list[Section]:
        """List the rules, which are about properties of a whole image."""
        return rule_sections(measurement, self.called)

    def examples(self, measurement: Measurement, judged: Sides | None) -> list[Section]:
        """Draw samples beside their nearest training images, and the images that critics judged most clearly."""
        sections = []
        if self.train is not None:
            sections.append(self._draw_neighbours(self.train))
        if judged is not None:
            sections += self._draw_examples(measurement, judged)
        return sections

    def audit_details(self, measurement: Measurement) -> list[Block]:
        """List how each property is written."""
        return list_columns(measurement, int(np.prod(self.real.shape[1:])), self.called)

    def _draw_neighbours(self, train: np.ndarray) -> Section:
        """Draw samples, each next to its nearest training image."""
        shown = self.other[:NEIGHBOURS_SHOWN]
        places, _ = figures.find_nearest(shown, train)
        grid = figures.draw_nearest(
            shown, train[places], across=NEIGHBOURS_ACROSS, limits=pixel_limits(train)
        )
        alt = f"{len(shown)} samples, each with its nearest training image to the right, in a blue frame"
        image = embed_image(grid, alt)
        return Section("Nearest training images", [Figure(image, NEIGHBOURS_CAPTION)])

    def _draw_examples(self, measurement: Measurement, judged: Sides) -> list[Section]:
        """Draw the images that critics judged most clearly."""
        blocks = []
        for group in example_rows(measurement, judged, self.called, most=None, convincing=True):
            numbers = ", ".join(str(example.row) for example in group.examples)
            figure = figures.draw_images({"the most telling first": group.rows})
            image = embed_svg(figure, f"The most telling images: rows {numbers}")
            caption = f"{group.caption} In this order: rows {numbers}."
            blocks.append(Figure(image, caption, group.title))
        return [Section("The most telling images", [Grid(blocks)])] if blocks else []
