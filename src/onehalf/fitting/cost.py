"""What a fit costs: seconds of its rounds and evaluations, and the size of a saved run."""

import time
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


@dataclass(frozen=True)
class Cost:
    """A recipe and what a fit by it would cost."""

    recipe: Recipe
    rows: dict[str, int]
    """Rows in each split."""
    parameters_D: int
    parameters_G: int
    seconds: float
    """The whole fit without its certificate."""
    megabytes: float
    """A saved run."""

    def to_dict(self) -> dict[str, Any]:
        """The recipe and its cost for JSON."""
        return {
            **self.recipe.to_dict(),
            **{f"rows_{split}": n for split, n in self.rows.items()},
            "parameters_D": self.parameters_D,
            "parameters_G": self.parameters_G,
            "seconds": round(self.seconds, 1),
            "megabytes": round(self.megabytes, 1),
        }


@dataclass(frozen=True)
class Speed:
    """Seconds of CHUNK rounds, and of an evaluation of all seeds."""

    chunk: float
    evaluation: float


def estimate_cost(fit: Fit, data: FitData) -> Cost:
    """Estimate what a fit would cost from a few rounds that are thrown away."""
    speed = measure_speed(fit, data)
    parameters_G = _size(fit.best[0])
    numbers = _size(fit.state) + fit.recipe.seeds * parameters_G
    seconds = fit.recipe.rounds / CHUNK * speed.chunk
    seconds += fit.domain.evaluations(fit.recipe) * speed.evaluation
    return Cost(
        recipe=fit.recipe,
        rows={split: len(rows) for split, rows in data.splits._asdict().items()},
        parameters_D=_size(data.players.discriminator(fit.state, 0)),
        parameters_G=parameters_G,
        seconds=seconds,
        megabytes=numbers * 4 / 1e6,
    )


def measure_speed(fit: Fit, data: FitData) -> Speed:
    """Time rounds and an evaluation that are thrown away, once they are compiled."""
    chunk = evaluation = 0.0
    for _ in range(2):
        began = time.perf_counter()
        data.players.play(fit.state, CHUNK)
        played = time.perf_counter()
        judge(fit, jr.key(0), data.splits.validation, fit.model.p_g)
        chunk = played - began
        evaluation = fit.recipe.seeds * (time.perf_counter() - played)
    return Speed(chunk, evaluation)


def rounds_in(seconds: float, speed: Speed, evaluations: int) -> int:
    """Return the rounds that fit into the time, at least CHUNK.

    A short run is evaluated after each CHUNK, a longer one `evaluations` times.
    """
    short = min(evaluations, int(seconds / (speed.chunk + speed.evaluation)))
    long = int((seconds - evaluations * speed.evaluation) / speed.chunk)
    return max(1, short, long) * CHUNK


def _size(tree: Any) -> int:
    """How many numbers a tree holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array)))
