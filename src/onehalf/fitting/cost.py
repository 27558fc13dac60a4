"""What a fit costs: seconds of its rounds and evaluations, and the size of a saved run."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.random as jr

from onehalf.fitting.evaluations import judge
from onehalf.fitting.fit import Fit, FitData
from onehalf.fitting.history import CHUNK
from onehalf.recipe import Recipe

__all__ = ["Cost", "Speed", "estimate_cost", "measure_speed", "rounds_in"]


CERTIFICATE_EVALUATIONS = 6.0
"""The certificate is taken to cost as much as this many evaluations of one seed: it has all critics, and compares data
with data as well. Measured on points, digits and tables of 600 to 10,000 rows: 1 to 8 times as much processor time."""

PAGE_SECONDS = 3.0
"""Writing samples and the report."""


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
    megabytes: float
    """A saved run."""

    @property
    def seconds_total(self) -> float:
        """All of it, and the report."""
        rounds = self.seconds_setup + self.seconds_training
        return rounds + self.seconds_evaluation + self.seconds_certificate + PAGE_SECONDS

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
    """Seconds of CHUNK rounds, of an evaluation of all seeds, of data against data, and of the certificate."""

    chunk: float
    evaluation: float = 0.0
    null: float = 0.0
    certificate: float = 0.0


def estimate_cost(fit: Fit, data: FitData) -> Cost:
    """Estimate what a fit would cost from a few rounds and an evaluation that are thrown away."""
    began = time.perf_counter()
    speed = measure_speed(fit, data)
    setup = fit.seconds_setup + time.perf_counter() - began
    parameters_G = _size(fit.best[0])
    numbers = _size(fit.state) + fit.recipe.seeds * parameters_G
    evaluations = math.ceil(fit.recipe.rounds / fit.evaluation_interval)
    return Cost(
        recipe=fit.recipe,
        rows={split: len(rows) for split, rows in data.splits._asdict().items()},
        parameters_D=_size(data.players.discriminator(fit.state, 0)),
        parameters_G=parameters_G,
        seconds_setup=setup,
        seconds_training=fit.recipe.rounds / CHUNK * speed.chunk,
        seconds_evaluation=evaluations * speed.evaluation + speed.null,
        seconds_certificate=speed.certificate,
        megabytes=numbers * 4 / 1e6,
    )


def measure_speed(fit: Fit, data: FitData) -> Speed:
    """Time rounds and an evaluation that are thrown away, once they are compiled."""
    chunk = _time(lambda: data.players.play(fit.state, CHUNK))
    if not fit.recipe.evaluate:
        return Speed(chunk)
    validation = data.splits.validation
    one = _time(lambda: judge(fit, jr.key(0), validation, fit.model.p_g))
    return Speed(chunk, fit.recipe.seeds * one, one, CERTIFICATE_EVALUATIONS * one)


def rounds_in(seconds: float, speed: Speed, evaluations: int) -> int:
    """Return the rounds that fit into the time beside evaluations, certificate and report, at least CHUNK.

    A short run is evaluated after each CHUNK, a longer one `evaluations` times.

    >>> rounds_in(63.0, Speed(chunk=1.0, evaluation=2.0), 20), rounds_in(103.0, Speed(1.0, 2.0), 20)
    (2000, 6000)
    """
    seconds -= speed.null + speed.certificate + PAGE_SECONDS
    short = min(evaluations, int(seconds / (speed.chunk + speed.evaluation)))
    long = int((seconds - evaluations * speed.evaluation) / speed.chunk)
    return max(1, short, long) * CHUNK


def _time(work: Callable[[], Any]) -> float:
    """Seconds of some work, once it is compiled."""
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _size(tree: Any) -> int:
    """How many numbers a tree holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array)))
