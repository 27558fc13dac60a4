"""How the numbers of a column are written: decimals, steps, and -0.0."""

from collections.abc import Iterator

import numpy as np

from onehalf.evaluation.checks.findings.phrases import (
    APART,
    SAMPLES,
    describe_decimals,
    in_each,
    of_each,
    percent,
)
from onehalf.evaluation.features.precision import FEW_ROWS, NumberColumn
from onehalf.evaluation.result import Finding

__all__ = ["find_formats"]


def find_formats(name: str, real: NumberColumn, other: NumberColumn) -> Iterator[Finding]:
    """Decimals, and as far as these are the same: steps between neighbours, and -0.0."""
    if real.decimals != other.decimals:
        words = in_each(describe_decimals(real.decimals), describe_decimals(other.decimals))
        finer, side = (real, "real") if real.decimals > other.decimals else (other, "other")
        more = finer.more_decimals(min(real.decimals, other.decimals))
        rest = APART if more >= 0.5 else f"{percent(more)} of {SAMPLES[side]} have the more"
        yield Finding("decimals", f"{name} has {words}: {rest}.", severe=more >= 0.5)
        return
    # of few rows fewer values are atoms, so what is one on either side is left out on both
    atoms = np.union1d(real.atoms, other.atoms)
    left, right = (NumberColumn.leave_out(each.values, atoms) for each in (real, other))
    gaps = np.abs(left.finer - right.finer)
    most, rows = int(np.argmax(gaps)), min(len(left.rest), len(right.rest))
    if rows and gaps[most] > 0.1 + 3 / rows**0.5:
        few = f"numbers of {describe_decimals(most)} or fewer" if most else "whole numbers"
        shares = in_each(percent(1 - left.finer[most]), percent(1 - right.finer[most]))
        yield Finding(
            "decimals", f"Of the values of {name} that repeat little, {few} are {shares}."
        )
    distinct = [len(np.unique(column.values)) for column in (real, other)]
    fresh = [
        (n - len(c.atoms)) / max(len(c.rest), 1)
        for n, c in zip(distinct, (real, other), strict=True)
    ]
    if real.has_many_decimals and other.has_many_decimals and abs(fresh[0] - fresh[1]) > 0.5:
        counts = in_each(f"{distinct[0]:,} different values", f"{distinct[1]:,}")
        rest = "its steps alone tell them apart. Round both to the same ones first"
        yield Finding("steps", f"{name} takes {counts}: {rest}.", severe=True)
    zeros = real.negative_zeros, other.negative_zeros
    if min(zeros) == 0 and max(zeros) * min(len(real.values), len(other.values)) >= FEW_ROWS:
        yield Finding("negative zero", f"{name} is -0.0 in {of_each(*zeros)}.")
