"""What a fit costs: seconds of its rounds and evaluations, and the size of a saved run."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.random as jr

from onehalf.fitting import evaluations
from onehalf.fitting.fit import Fit, FitData, Plan
from onehalf.fitting.history import HistoryRow
from onehalf.fitting.refinement import will_refine
from onehalf.players.base import Diverged, Stored
from onehalf.recipe import CHUNK, Recipe

__all__ = [
    "Cost",
    "Speed",
    "estimate_cost",
    "make_plan",
    "measure_speed",
    "plan_rounds",
    "rounds_in",
]

CERTIFICATE_SHARE = 2.5
"""What is left of the certificate takes this many times as long as what it says of the data alone, or less: 1.7 to 2.2
times on points, digits and tables of 400 to 5,000 rows."""

PAGE_SECONDS = 5.0
"""Writing samples and the report, on a processor that has nothing else to do: 1 s for points, 5 s for a table of 20
columns."""

REFINEMENT_SHARE = 3.0
"""The correction of samples, and its additional draws, take this many times as long, or less: 2.8 and 3.0 times on
tables of 6,000 and 8,000 rows at the greatest number of draws."""

TIMES = 2
"""How often work is done to time it: once to compile it, and once more."""

FEWER = 0.02
"""A run is planned anew if it would end later by more than this share of its rounds."""

PLANTED_SHARE = 2.0
"""Where evaluations have shown no difference yet, the certificate is taken to take this many times as long: then
differences are planted in trials."""

MORE = 0.1
"""A run is planned anew if it could have this share of rounds more."""

SLOWEST = 3.0
"""What comes after the rounds is taken to be slower or faster by this factor at most than it was when it was timed."""


@dataclass(frozen=True)
class Cost:
    """A recipe and what a fit by it would cost; times are in seconds."""

    recipe: Recipe
    rows: dict[str, int]
    """Rows in each split."""
    parameters_D: int
    parameters_G: int
    seconds_setup: float
    """Reading and encoding the data, and making and compiling the game."""
    seconds_training: float
    """All rounds."""
    seconds_evaluation: float
    """All evaluations on validation rows."""
    seconds_certificate: float
    """The evaluation on test rows."""
    seconds_page: float
    """Writing samples and the report."""
    megabytes: float
    """A saved run."""

    @property
    def seconds_total(self) -> float:
        """All of it, and the report."""
        rounds = self.seconds_setup + self.seconds_training
        return rounds + self.seconds_evaluation + self.seconds_certificate + self.seconds_page

    def multiply(self, factor: float, slower: float, seconds_reading: float) -> "Cost":
        """The cost with this many times as many columns.

        Args:
            factor: How many times as many columns there are.
            slower: How many times as long each of them takes in rounds and evaluations.
            seconds_reading: What it takes to read the data, with all columns.
        """
        return dataclasses.replace(
            self,
            parameters_D=round(factor * self.parameters_D),
            parameters_G=round(factor * self.parameters_G),
            seconds_setup=seconds_reading + factor * self.seconds_setup,
            seconds_training=slower * factor * self.seconds_training,
            seconds_evaluation=slower * factor * self.seconds_evaluation,
            seconds_certificate=slower * factor * self.seconds_certificate,
            seconds_page=factor * self.seconds_page,
            megabytes=factor * self.megabytes,
        )

    def to_dict(self) -> dict[str, Any]:
        """The recipe and its cost for JSON; `seconds` are those of rounds and of evaluations on validation rows."""
        seconds = {
            "seconds": self.seconds_training + self.seconds_evaluation,
            "seconds_training": self.seconds_training,
            "seconds_evaluation": self.seconds_evaluation + self.seconds_certificate,
            "seconds_total": self.seconds_total,
        }
        return {
            **self.recipe.to_dict(),
            **{f"rows_{split}": n for split, n in self.rows.items()},
            "parameters_D": self.parameters_D,
            "parameters_G": self.parameters_G,
            **{name: round(value, 1) for name, value in seconds.items()},
            "megabytes": round(self.megabytes, 1),
        }


@dataclass(frozen=True)
class Speed:
    """Seconds of a chunk of rounds, of an evaluation, and of all that comes after the rounds."""

    chunk: float
    evaluation: float = 0.0
    """Of all seeds on validation rows."""
    rest: float = 0.0
    """The evaluation on test rows, and the report."""


def estimate_cost(fit: Fit, data: FitData) -> Cost:
    """Estimate what a fit would cost from a few rounds and evaluations that are thrown away."""
    began = time.perf_counter()
    speed = measure_speed(fit, data)
    plan = make_plan(fit, data)
    null = speed.evaluation / fit.recipe.seeds
    thrown_away = TIMES * (speed.chunk + null)
    setup = fit.seconds_setup + time.perf_counter() - began - plan.seconds - thrown_away
    recipe = fit.recipe
    count = fit.domain.evaluations(recipe) if recipe.evaluate else 0
    if recipe.minutes is not None:
        whole = dataclasses.replace(speed, rest=plan.seconds + plan.rest + null)
        rounds = rounds_in(60 * recipe.minutes - setup, whole, count, recipe.chunk)
        recipe = dataclasses.replace(recipe, rounds=rounds)
    parameters_G = _size(fit.best[0])
    numbers = _size(fit.state) + recipe.seeds * parameters_G
    return Cost(
        recipe=recipe,
        rows={split: len(rows) for split, rows in data.splits._asdict().items()},
        parameters_D=_size(data.players.discriminator(fit.state, 0)),
        parameters_G=parameters_G,
        seconds_setup=setup,
        seconds_training=recipe.rounds / recipe.chunk * speed.chunk,
        seconds_evaluation=min(count, math.ceil(recipe.rounds / recipe.chunk))
        * speed.evaluation
        + null,
        seconds_certificate=plan.seconds + plan.certificate,
        seconds_page=plan.page,
        megabytes=numbers * 4 / 1e6,
    )


def measure_speed(fit: Fit, data: FitData) -> Speed:
    """Time rounds and an evaluation that are thrown away, once they are compiled."""

    def play() -> None:
        with contextlib.suppress(Diverged):
            data.players.play(fit.state, fit.recipe.chunk)

    chunk = _time(play)
    if not fit.recipe.evaluate:
        return Speed(chunk)
    validation = data.splits.validation
    one = _time(lambda: evaluations.judge(fit, jr.key(0), validation, fit.model.p_g))
    return Speed(chunk, fit.recipe.seeds * one)


def make_plan(fit: Fit, data: FitData) -> Plan:
    """Find what the certificate says of the data alone, and tell by that time how long all else after the rounds takes.

    The rest of the certificate is of the same kind, and takes a multiple of the time.
    """
    if not fit.recipe.evaluate:
        return Plan(known=None, seconds=0.0, certificate=0.0, page=PAGE_SECONDS)
    began, used = time.perf_counter(), time.process_time()
    known = evaluations.measure_data(fit, data.splits)
    seconds = time.perf_counter() - began
    # on a busy processor, more time passes than is used
    waiting = max(1.0, seconds / max(time.process_time() - used, 1e-3))
    return Plan(
        known=known,
        seconds=seconds,
        certificate=(CERTIFICATE_SHARE + REFINEMENT_SHARE * will_refine(fit, data.splits))
        * seconds,
        page=PAGE_SECONDS * waiting,
    )


def plan_rounds(fit: Fit, plan: Plan) -> int:
    """Return the rounds that fit into the minutes of a fit, at the speed of its rounds and evaluations so far.

    Rounds that have been trained are not undone, and the last round is evaluated.
    """
    recipe = fit.recipe
    assert recipe.minutes is not None
    left = 60 * recipe.minutes - fit.seconds
    remaining = fit.domain.evaluations(recipe) - len(fit.evaluated) if recipe.evaluate else 0
    possible = fit.rounds + _rounds_left(
        left, _speed_so_far(fit, plan), remaining, recipe.chunk
    )
    if recipe.evaluate and "jsd_estimate" not in fit.history[-1]:
        possible = max(possible, fit.rounds + recipe.chunk)
    is_changed = not (1 - FEWER) * recipe.rounds <= possible <= (1 + MORE) * recipe.rounds
    return possible if is_changed else recipe.rounds


def rounds_in(seconds: float, speed: Speed, count: int, chunk: int = CHUNK) -> int:
    """Return the rounds that fit into the time beside evaluations, certificate and report, at least a chunk.

    A short run is evaluated after each chunk, a longer one `count` times.

    >>> rounds_in(63.0, Speed(1.0, 2.0, rest=3.0), 20), rounds_in(103.0, Speed(1.0, 2.0, rest=3.0), 20)
    (2000, 6000)
    """
    return max(chunk, _rounds_left(seconds, speed, count, chunk))


def _rounds_left(seconds: float, speed: Speed, count: int, chunk: int) -> int:
    """The rounds that fit into the time, a multiple of the chunk; 0 if none do."""
    seconds -= speed.rest
    long = int((seconds - count * speed.evaluation) / speed.chunk)
    short = min(count, int(seconds / (speed.chunk + speed.evaluation)))
    return max(0, short, long) * chunk


def _speed_so_far(fit: Fit, plan: Plan) -> Speed:
    """The speed in the later half of the history, and of what comes after the rounds, slower where evaluations are."""
    # the first row has the time to compile
    start = max(1, len(fit.history) // 2)
    earlier, later = fit.history[:start], fit.history[start:]
    rounds = later[-1]["t"] - earlier[-1]["t"]
    seconds = later[-1]["seconds"] - earlier[-1]["seconds"]
    evaluating = _seconds_evaluating(later[-1]) - _seconds_evaluating(earlier[-1])
    chunk = (seconds - evaluating) / rounds * fit.recipe.chunk
    times = _evaluation_times(fit.history, fit.recipe.seeds)
    if not times:
        return Speed(chunk, rest=plan.rest)
    latest: Any = fit.evaluated[-1]
    is_apart = any(latest["jsd_lower"])
    rest = plan.rest if is_apart else PLANTED_SHARE * plan.certificate + plan.page
    recent = times[len(times) // 2 :]
    evaluation = sum(recent) / len(recent)
    # the first evaluation has the time to compile
    slower = evaluation / times[1] if len(times) > 2 else 1.0
    return Speed(chunk, evaluation, min(max(slower, 1 / SLOWEST), SLOWEST) * rest)


def _evaluation_times(history: Sequence[HistoryRow], seeds: int) -> list[float]:
    """Seconds of each evaluation of all seeds; the first one compares data with data as well."""
    times = []
    before = 0.0
    for row in history:
        after = _seconds_evaluating(row)
        if "jsd_estimate" in row:
            times.append((after - before) / (1 + 1 / seeds if "null" in row else 1))
        before = after
    return times


def _seconds_evaluating(row: HistoryRow) -> float:
    """Seconds of all evaluations up to this row."""
    return row.get("seconds_evaluation", 0.0)


def _time(work: Callable[[], Any]) -> float:
    """Seconds of some work, once it is compiled."""
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _size(tree: Any) -> int:
    """How many numbers a tree holds."""
    if isinstance(tree, Stored):
        return sum(array.size for array in tree.to_arrays().values())
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array)))
