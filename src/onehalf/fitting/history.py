"""What a fit records while it trains, and which seed and round it chooses by that."""

import math
from collections.abc import Sequence
from typing import NotRequired, TypedDict

from onehalf.recipe import Recipe

__all__ = ["CHUNK", "HistoryRow", "best_evaluation", "choose_seed"]

CHUNK = 100
"""Rounds between two rows of history."""


class HistoryRow(TypedDict):
    """Means over the CHUNK rounds up to `t`, and an evaluation if one was due; lists have one number per seed."""

    t: int
    seconds: float
    V: list[float]
    D_x: list[float]
    D_Gz: list[float]
    gradient_D: list[float]
    gradient_G: list[float]
    jsd_estimate: NotRequired[list[float]]
    jsd_se: NotRequired[list[float]]
    jsd_lower: NotRequired[list[float]]
    log_e: NotRequired[list[float]]
    null: NotRequired[dict[str, float]]
    """Data against data, at the first evaluation."""


def best_evaluation(
    history: Sequence[HistoryRow], recipe: Recipe, seed: int
) -> tuple[float, int]:
    """Return the lowest estimate of a seed and the last round that had it: (inf, 0) before the first evaluation.

    Where a recipe keeps the last G, only the last evaluation counts. An estimate below 0 is a critic's bad luck and
    counts as 0; evaluations that are not finite do not count.
    """
    values = [
        (max(row["jsd_estimate"][seed], 0.0), -row["t"])
        for row in history
        if "jsd_estimate" in row
    ]
    finite = [value for value in values if math.isfinite(value[0])]
    if recipe.keeps_last:
        finite = finite[-1:]
    least, minus_t = min(finite, default=(math.inf, 0))
    return least, -minus_t


def choose_seed(history: Sequence[HistoryRow], recipe: Recipe) -> int:
    """Return the seed with the lowest estimate on validation rows."""
    return min(range(recipe.seeds), key=lambda seed: best_evaluation(history, recipe, seed))
