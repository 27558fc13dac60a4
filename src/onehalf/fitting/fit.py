"""A fit as a value, and the rows it is trained on."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Shaped

from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits
from onehalf.distributions.base import AbstractData, Pushforward
from onehalf.domains import Domain, Preprocessor
from onehalf.evaluation.result import Measurement
from onehalf.fitting.history import HistoryRow, best_evaluation, choose_seed
from onehalf.model import GenerativeModel, batch_size
from onehalf.players.base import Players
from onehalf.recipe import Recipe

__all__ = ["Fit", "FitData"]

PATIENCE = 5
"""Evaluations without a new best that end the run, counted once D sees without noise."""


@dataclass(frozen=True)
class FitData:
    """The rows of a fit in their splits, and the players on them."""

    splits: Splits
    players: Players[Any]
    data_hash: str


@dataclass(frozen=True, eq=False)
class Fit:
    """A fit in progress or at its end: all that is needed to sample from it and to continue it."""

    recipe: Recipe
    domain: Domain
    preprocessor: Preprocessor
    data_hash: str
    state: Any
    """The state of the players."""
    best: tuple[Any, ...]
    """The G of each seed that validation chose."""
    p_z: AbstractData
    history: tuple[HistoryRow, ...] = ()
    previews: tuple[Shaped[np.ndarray, "n ..."], ...] = ()
    """For images: samples of each seed at each evaluation, always from the same latents."""
    rounds: int = 0
    """Rounds trained so far."""
    stopped_because: str = "interrupted"
    is_measured: bool = False
    """Whether the test rows have been used."""
    measurement: Measurement | None = None
    """The certificate; None if it is not possible."""

    @property
    def players(self) -> Players[Any]:
        """The players without training rows: enough to read the state and to know its shapes."""
        nothing = EncodedRows.unlabelled(np.zeros((0, *self.domain.row_shape)))
        p_data = self.preprocessor.distribution(nothing)
        return self.domain.make_players(self.recipe, self.preprocessor, p_data)

    @property
    def chosen(self) -> int:
        """The seed to sample from: the one with the lowest estimate on validation rows."""
        return choose_seed(self.history, self.recipe)

    @property
    def model(self) -> GenerativeModel:
        """What was learned: the chosen G of the chosen seed."""
        p_g = Pushforward(self.best[self.chosen], self.p_z)
        return GenerativeModel(p_g, self.domain, self.preprocessor)

    def logits(self, rows: EncodedRows) -> Float[np.ndarray, " n"]:
        """Return d(x) of rows by the D of the chosen seed, as its last round left it."""
        D = self.players.discriminator(self.state, self.chosen)
        batch = self.preprocessor.transform(rows)
        size = batch_size(math.prod(batch.x.shape[1:]) + batch.c.shape[1])
        return np.asarray(jax.lax.map(lambda each: D(*each), batch, batch_size=size))

    def best_evaluation(self, seed: int) -> tuple[float, int]:
        """Return the lowest estimate of a seed on validation rows, and the last round that had it."""
        return best_evaluation(self.history, self.recipe, seed)

    @property
    def end(self) -> str:
        """Why the run is over, or '' while it is not."""
        if self.rounds >= self.recipe.rounds:
            return "all rounds played"
        if self.history and not np.isfinite(self.history[-1]["V"]).any():
            return "V is no longer a finite number (lower rates may help)"
        noisy = self.recipe.noise_share * self.recipe.rounds if self.recipe.noise else 0
        latest = max(self.best_evaluation(seed)[1] for seed in range(self.recipe.seeds))
        evaluated = [row["t"] for row in self.history if "jsd_estimate" in row]
        since = [t for t in evaluated if t > max(latest, noisy)]
        if len(since) >= PATIENCE and not self.recipe.keeps_last:
            return f"{PATIENCE} evaluations without a new best"
        return ""
