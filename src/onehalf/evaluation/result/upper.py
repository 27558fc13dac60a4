"""What is bounded from above: single columns, words, and pairs of columns, but never the whole distribution."""

from dataclasses import dataclass

__all__ = ["ColumnCeiling", "UpperBounds"]


@dataclass(frozen=True, kw_only=True)
class ColumnCeiling:
    """How far one column is off: between the two samples, and at most between their distributions."""

    column: str
    distance: float
    """Of numbers and dates the greatest difference of the shares of rows up to a value; of words, of a word's share."""
    at_most: float
    """Certified upper bound on the same for the distributions."""


@dataclass(frozen=True, kw_only=True)
class UpperBounds:
    """Certified upper bounds on differences of shares, from 0 to 1; all hold at once with confidence 1 - alpha.

    A missing cell is a word of its own, or lies beyond all numbers. None of them is a bound on the JSD.
    """

    columns_at_most: float
    """No column is further off: no number's or date's distribution function at any value, and no word's share."""
    words_at_most: float | None
    """No word's share is further off; null without columns of words."""
    pairs_at_most: float | None
    """The same for a word together with a word or a range of values of another column; null without such pairs, and 1,
    which claims nothing, where more than 200,000 pairs of columns would have to be looked at."""
    worst_column: str
    """The column of the greatest distance between the two samples."""
    baseline_at_most: float
    """What `columns_at_most` is on average for two samples of the same sizes that are drawn from the data."""
    columns: tuple[ColumnCeiling, ...]
    """The furthest off first, at most 100 of them."""
