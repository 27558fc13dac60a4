"""The layout of a summary: a small table and a few paragraphs, in at most a dozen lines of 80 columns."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from onehalf.evaluation.result import Outcome

__all__ = ["MOST_LINES", "WIDTH", "Heading", "Line", "Paragraph", "Span", "Summary", "TableRow"]

WIDTH = 80
"""Columns of a line, at most."""

MOST_LINES = 12

NAME = 15
"""Columns of the name of a row of the table."""

PART = 9
"""Columns of the part of it that a row shows."""

VALUE = 17
"""Columns of each of the two values; what follows them is their unit."""

LABEL = 10
"""Columns of the label of a paragraph."""

Style = Literal["plain", "strong", "quiet"] | Outcome
"""How a terminal with colours shows a piece of text."""


@dataclass(frozen=True)
class Span:
    """A piece of a line."""

    text: str
    style: Style = "plain"


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Heading:
    """The first line: what was compared, and at the right, what it took."""

    left: str
    right: str = ""

    def line(self) -> Line:
        """Lay it out; of a left part that is too long, the middle is left out."""
        room = WIDTH - len(self.right) - 2 * bool(self.right)
        left = _cut_middle(self.left, room)
        gap = " " * (WIDTH - len(left) - len(self.right)) if self.right else ""
        return (Span(left, "strong"), Span(gap + self.right, "quiet"))


@dataclass(frozen=True)
class TableRow:
    """A name, the value of the other sample, the same for data against data, and their unit."""

    name: str
    part: str = ""
    value: str = ""
    baseline: str = ""
    unit: str = ""

    def line(self) -> Line:
        """Lay it out."""
        name = f"{self.name:{NAME}}{self.part}"
        name = f"{_cut_end(name.rstrip(), NAME + PART - 1):{NAME + PART}}"
        # a text without a baseline may be longer than a value
        values = f"{self.value:{VALUE}}{self.baseline:{VALUE}}"
        if not self.baseline:
            values = f"{self.value:{2 * VALUE}}"
        unit = _cut_end(self.unit, WIDTH - len(name) - len(values))
        return (Span(name, "strong"), Span(values), Span(unit, "quiet"))


@dataclass(frozen=True)
class Paragraph:
    """A label and a text, wrapped."""

    label: str
    text: str
    rank: int
    """Where there is no room for all, paragraphs of the greatest rank are cut first."""
    style: Style = "plain"
    most: int = 2
    """Lines of it, at most."""
    least: int = 1
    """Lines that it is cut to where there is no room."""

    def lines(self) -> list[Line]:
        """Lay it out; the last line is cut where there are more."""
        texts = textwrap.wrap(self.text, WIDTH - LABEL, break_on_hyphens=False)
        if len(texts) > self.most:
            rest = " ".join(texts[self.most - 1 :])
            texts = [*texts[: self.most - 1], _cut_end(rest, WIDTH - LABEL)]
        labels = [self.label, *[""] * (len(texts) - 1)]
        return [
            (Span(f"{label:{LABEL}}", "strong"), Span(text, self.style))
            for label, text in zip(labels, texts, strict=True)
        ]


@dataclass(frozen=True)
class Summary:
    """A heading, the rows of one table, and paragraphs, as they are read."""

    heading: Heading
    rows: Sequence[TableRow]
    paragraphs: Sequence[Paragraph]

    def lines(self) -> list[Line]:
        """Lay all of it out in `MOST_LINES` lines."""
        above = [self.heading.line(), *(row.line() for row in self.rows)]
        return above + [
            line
            for each in _fit_into(self.paragraphs, MOST_LINES - len(above))
            for line in each.lines()
        ]

    def __str__(self) -> str:
        return "\n".join("".join(span.text for span in line).rstrip() for line in self.lines())


def _fit_into(paragraphs: Sequence[Paragraph], room: int) -> list[Paragraph]:
    """Cut paragraphs, and then leave some out, until they fit into this many lines."""
    kept = list(paragraphs)
    for each in sorted(paragraphs, key=lambda each: -each.rank):
        if sum(len(one.lines()) for one in kept) > room:
            kept[kept.index(each)] = replace(each, most=each.least)
    most = sorted(kept, key=lambda each: each.rank)
    while sum(len(one.lines()) for one in most) > room:
        most.pop()
    return [each for each in kept if each in most]


def _cut_end(text: str, width: int) -> str:
    """The text, cut with dots where it is longer.

    >>> _cut_end("Copying", 9), _cut_end("membership", 5)
    ('Copying', 'memb…')
    """
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def _cut_middle(text: str, width: int) -> str:
    """The text, its middle cut out where it is longer.

    >>> _cut_middle("customers.csv", 8)
    'cust…csv'
    """
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"
