"""Test rows that are training rows."""

from dataclasses import dataclass

__all__ = ["Overlap"]


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Rows of the data that equal training rows, more of them than chance explains."""

    n_rows: int
    """Rows of the data, with those that were left out."""
    n_equal: int
    """Those of them that equal a training row."""
    repeats: float
    """The share of the training rows that equal another training row: what is to be expected by chance."""
    is_left_out: bool
    """Whether they were left out; they are not where many training rows repeat."""
    sentence: str
