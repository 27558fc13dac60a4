"""Rows that repeat others, within a sample and across both."""

import numpy as np
from jaxtyping import Shaped

from onehalf.data.splits import hash_rows
from onehalf.evaluation.checks.findings.phrases import SAMPLES
from onehalf.evaluation.features.precision import FEW_ROWS
from onehalf.evaluation.result import DuplicateCounts, Finding

__all__ = ["find_copies"]

Flat = Shaped[np.ndarray, "_ d"]


def find_copies(
    x: Flat, y: Flat, continuous: dict[str, bool]
) -> tuple[DuplicateCounts, bool, list[Finding]]:
    """Rows that repeat others, counted by a 64-bit hash, and what is to be said of them."""
    real, other = np.sort(hash_rows(x)), np.sort(hash_rows(y))
    ordered = {"real": real, "other": other}
    distinct = {side: np.unique(hashed) for side, hashed in ordered.items()}
    copies = {side: len(hashed) - len(distinct[side]) for side, hashed in ordered.items()}
    across, fewest = len(np.intersect1d(real, other)), min(map(len, distinct.values()))
    clues = []
    for side, called in SAMPLES.items():
        n, repeated = len(ordered[side]), copies[side]
        if n > 1 and len(distinct[side]) == 1:
            sentence = f"All {n:,} rows of {called} are equal: there is nothing to compare."
            clues.append(Finding("equal rows", sentence, severe=True))
        elif repeated > 0.01 * n:
            sentence = f"{repeated:,} of the {n:,} rows of {called} repeat another"
            clues.append(
                _describe_copies("duplicates", sentence, repeated / n, wonder=continuous[side])
            )
    same = np.array_equal(real, other)
    if same:
        sentence = (
            "The data and the other sample hold the same rows, in all columns that are compared: "
            "is it one file twice?"
        )
        clues.append(Finding("same rows", sentence, severe=fewest >= FEW_ROWS))
    elif across > 0.01 * fewest:
        sentence = f"{across:,} different rows occur in both"
        clues.append(
            _describe_copies(
                "shared rows", sentence, across / fewest, wonder=all(continuous.values())
            )
        )
    return DuplicateCounts(**copies, across=across), same, clues


def _describe_copies(kind: str, sentence: str, portion: float, *, wonder: bool) -> Finding:
    """Such a portion of the rows are copies, which by chance would be a wonder or not."""
    why = "as may happen by chance where columns hold few different values;"
    if wonder:
        why = "which hardly happens by chance to numbers with all their decimals:"
    return Finding(
        kind,
        f"{sentence}, {why} copies are not independent draws.",
        severe=wonder and portion > 0.1,
    )
