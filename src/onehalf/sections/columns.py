"""What the sections of arrays, images and tables share: the sizes of two samples, and how their columns are written."""

import numpy as np

from onehalf.evaluation.result import Measurement
from onehalf.sections.base import Block, Details, Table

__all__ = ["describe_sides", "list_columns"]

MOST_DECIMALS = 9
"""The audit counts no further: a column with this many decimals may have more."""


def describe_sides(real: np.ndarray, other: np.ndarray, called: str) -> str:
    """Say how many rows a figure compares."""
    return f"{len(real):,} rows of data next to {len(other):,} {called}"


def list_columns(measurement: Measurement, n_columns: int, called: str) -> list[Block]:
    """List decimals, whole numbers and frequent values of each column that the audit has."""
    listed = measurement.audit.columns_listed
    summary = "How each column is written"
    if n_columns > listed and not measurement.described:
        summary = f"How the first {listed} of {n_columns} columns are written"
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
        for facts in measurement.audit.columns
    ]
    return [Details(summary, [Table(header, rows)])]


def _format_decimals(decimals: object, constant: object, side: str) -> str:
    """The decimals of one side of a column, and whether all its rows have one value."""
    number = getattr(decimals, side, "")
    text = f"{MOST_DECIMALS} or more" if number == MOST_DECIMALS else str(number)
    return f"{text} (constant)" if getattr(constant, side, False) else text
