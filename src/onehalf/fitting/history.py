"""What a fit records while it trains, and which seed and round it chooses by that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, NotRequired, TypedDict

from onehalf.recipe import Recipe

__all__ = [
    "SENTENCES",
    "Choice",
    "Evaluated",
    "HistoryRow",
    "choose_evaluation",
    "choose_seed",
    "find_collapse",
    "find_end",
]

PATIENCE = 5
"""Evaluations in a row that are worse than the lowest by more than its standard error, and so end the run. They are
counted once D sees without noise."""


class HistoryRow(TypedDict):
    """Means over the rounds up to `t`, and an evaluation if one was due; lists have one number per seed."""

    t: int
    seconds: float
    """Since round 0, less the pauses between sessions: rounds and evaluations."""
    seconds_evaluation: NotRequired[float]
    """Of these, seconds of evaluations."""
    V: list[float]
    D_x: list[float]
    D_Gz: list[float]
    gradient_D: NotRequired[list[float]]
    """Norms of gradients; players of trees have none."""
    gradient_G: NotRequired[list[float]]
    jsd_estimate: NotRequired[list[float]]
    jsd_se: NotRequired[list[float]]
    jsd_lower: NotRequired[list[float]]
    log_e: NotRequired[list[float]]
    ended: NotRequired[str]
    """Why the players ended the game at this round."""
    collapse: NotRequired[list[str]]
    """What the samples of each seed lack, as seen in this evaluation; '' for nothing."""
    lowered: NotRequired[str]
    """Why both rates were lowered before these rounds, and by how much."""
    null: NotRequired[dict[str, float]]
    """Data against data, at the first evaluation."""


SENTENCES = ("ended", "collapse", "lowered")
"""What a row has to say in words."""


@dataclass(frozen=True)
class Evaluated:
    """An evaluation of one seed on validation rows."""

    estimate: float
    """In nats; an estimate below 0 is a critic's bad luck, and is 0 here."""
    se: float
    """Its standard error."""
    t: int
    """The round."""


NOT_EVALUATED = Evaluated(math.inf, 0.0, 0)
"""What stands for an evaluation before the first one."""


class Choice(NamedTuple):
    """The evaluation of a seed whose G is kept, and the lowest one."""

    kept: Evaluated
    lowest: Evaluated


def choose_evaluation(history: Sequence[HistoryRow], recipe: Recipe, seed: int) -> Choice:
    """Choose the G of a seed: of the latest evaluation that is within one standard error of the lowest so far.

    Evaluations that are as near to each other can't be told apart, and of these the longest training is the best
    guess. The standard error is that of the lowest evaluation. A new lowest one is kept itself, so that the choice
    can be made while a fit goes on. Evaluations that are not finite do not count. Where a recipe keeps the last G, only
    the last evaluation counts.
    """
    found = [
        Evaluated(max(row["jsd_estimate"][seed], 0.0), row["jsd_se"][seed], row["t"])
        for row in history
        if "jsd_estimate" in row and "jsd_se" in row
    ]
    finite = [each for each in found if math.isfinite(each.estimate)]
    kept = lowest = NOT_EVALUATED
    for each in finite[-1:] if recipe.keeps_last else finite:
        if each.estimate <= lowest.estimate:
            lowest = each
        if each.estimate <= lowest.estimate + lowest.se:
            kept = each
    return Choice(kept, lowest)


def find_collapse(history: Sequence[HistoryRow], seed: int, t: int) -> str:
    """What the samples of a seed lacked at the evaluation of round t; '' if nothing, or if there was none."""
    found = (row.get("collapse", []) for row in history if row["t"] == t)
    return next((each[seed] for each in found if each), "")


def choose_seed(history: Sequence[HistoryRow], recipe: Recipe) -> int:
    """Return the seed whose kept G has the lowest estimate on validation rows."""

    def rank(seed: int) -> tuple[float, int]:
        kept = choose_evaluation(history, recipe, seed).kept
        return kept.estimate, kept.t

    return min(range(recipe.seeds), key=rank)


def find_end(
    history: Sequence[HistoryRow],
    recipe: Recipe,
    *,
    rounds: int,
    diverged: str = "",
    extended_at: int = 0,
) -> str:
    """Return why a run is over, or '' while it is not.

    Args:
        history: What it has recorded.
        recipe: Its hyper-parameters.
        rounds: Rounds that were trained.
        diverged: What was seen when all games left the finite numbers.
        extended_at: The round after which more rounds were last asked for.
    """
    if rounds >= recipe.rounds:
        return "all rounds played"
    if not history:
        return ""
    if history[-1].get("ended"):
        return history[-1].get("ended", "")
    if not any(map(math.isfinite, history[-1]["V"])):
        return diverged or "V is no longer a finite number (lower rates may help)"
    noisy = recipe.noise_share * recipe.scheduled_rounds if recipe.noise else 0
    latest = max(
        choose_evaluation(history, recipe, seed).kept.t for seed in range(recipe.seeds)
    )
    evaluated = [row["t"] for row in history if "jsd_estimate" in row]
    since = [t for t in evaluated if t > max(latest, noisy, extended_at)]
    if len(since) >= PATIENCE and not recipe.keeps_last:
        return f"{PATIENCE} evaluations in a row worse than the best"
    return ""
