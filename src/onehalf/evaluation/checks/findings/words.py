"""What is missing from a table's column, and which of its words are found on one side only."""

import math
from collections.abc import Iterator

import numpy as np

from onehalf.evaluation.checks.findings.phrases import (
    SAMPLES,
    Show,
    is_implausible,
    name_some,
    of_each,
    percent,
)
from onehalf.evaluation.features.precision import Values
from onehalf.evaluation.result import Finding

__all__ = ["SURE", "count_lone_words", "find_lone_words", "find_missing"]

SURE = 4.5
"""Standard errors that a difference of shares must exceed."""


def find_missing(name: str, real: float, other: float, n: int, m: int) -> Iterator[Finding]:
    """A column that has more missing on one side."""
    both = (real * n + other * m) / (n + m)
    if abs(real - other) > SURE * math.sqrt(both * (1 - both) * (1 / n + 1 / m)):
        yield Finding(
            "missing",
            f"{name} is missing in {of_each(real, other)}.",
            severe=abs(real - other) > 0.5,
        )


def count_lone_words(x: Values, y: Values, n: int, m: int) -> dict[str, tuple[Values, Values]]:
    """The words that one side never has, though chance would hardly leave them out: the most frequent first, shares."""
    words, where = np.unique(np.concatenate([x, y]), return_inverse=True)
    real, other = (
        np.bincount(each, minlength=len(words)) for each in np.split(where, [len(x)])
    )
    found = {}
    for kind, here, there, rows in (
        ("dropped", real, other, (n, m)),
        ("invented", other, real, (m, n)),
    ):
        alone = np.flatnonzero((there == 0) & is_implausible(here, *rows))
        alone = alone[np.argsort(-here[alone], kind="stable")]
        found[kind] = words[alone], here[alone] / rows[0]
    return found


def find_lone_words(
    name: str, alone: dict[str, tuple[Values, Values]], show: Show
) -> Iterator[Finding]:
    """Say which words are found on one side only."""
    for (kind, (words, shares)), (here, there) in zip(
        alone.items(), (("real", "other"), ("other", "real")), strict=True
    ):
        if len(words):
            portion = float(shares.sum())
            sentence = f"{name} is {name_some([show(word) for word in words])} in {percent(portion)} of {SAMPLES[here]}"
            yield Finding(
                kind, f"{sentence}, and never in {SAMPLES[there]}.", severe=portion > 0.5
            )
