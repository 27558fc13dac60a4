"""A fit as a value, and the rows it is trained on."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Shaped

from onehalf.callbacks import flatten
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits
from onehalf.distributions.base import AbstractData, BatchMap, Pushforward
from onehalf.domains import Domain, Preprocessor
from onehalf.evaluation.data_findings import DataFindings
from onehalf.evaluation.result import Measurement
from onehalf.fitting.history import (
    SENTENCES,
    Choice,
    HistoryRow,
    choose_evaluation,
    choose_seed,
    find_end,
)
from onehalf.fitting.snapshots import Snapshots
from onehalf.model import GenerativeModel, batch_size
from onehalf.players.base import Players
from onehalf.players.refinement import Refinement
from onehalf.recipe import Recipe

__all__ = ["NO_PLAN", "Fit", "FitData", "Plan"]


@dataclass(frozen=True)
class Plan:
    """What a fit that has to end in time knows of the time after its rounds; all times in seconds."""

    known: DataFindings | None
    """What the certificate will say of the data alone: found beforehand, as no G has a part in it."""
    seconds: float
    """What finding it took."""
    certificate: float
    """An estimate for what is left of the certificate."""
    page: float
    """An estimate for samples and the report."""

    @property
    def rest(self) -> float:
        """All that comes after the rounds."""
        return self.certificate + self.page


NO_PLAN = Plan(known=None, seconds=0.0, certificate=0.0, page=0.0)
"""Of a fit that may take any time."""


@dataclass(frozen=True)
class FitData:
    """The rows of a fit in their splits, and the players on them."""

    splits: Splits
    players: Players[Any]
    data_hash: str
    plan: Plan | None = None
    """For a fit that has to end in time, once its first evaluation has been timed."""


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
    snapshots: Snapshots | None = None
    """For other data: what there is to show of each evaluation; None before the first one."""
    rounds: int = 0
    """Rounds trained so far."""
    stopped_because: str = "interrupted"
    diverged: str = ""
    """What was seen when all games left the finite numbers again; `state` is the one before these rounds."""
    lowered: str = ""
    """What was seen when all games left the finite numbers for the first time, and what the rates are since then."""
    extended_at: int = 0
    """The round after which more rounds were last asked for; 0 if that never happened."""
    is_measured: bool = False
    """Whether the test rows have been used for this G."""
    measured_at: tuple[int, ...] = ()
    """The rounds, before the fit was extended, after which the test rows were used."""
    refinement: Refinement | None = None
    """What corrects samples of the chosen G, once training has ended; None if that does not help."""
    measurement: Measurement | None = None
    """The certificate; None if it is not possible."""
    seconds_setup: float = 0.0
    """Seconds before round 0, and before each continuation: to read and encode data, to make and compile the game."""

    @property
    def players(self) -> Players[Any]:
        """The players without training rows: enough to read the state and to know its shapes."""
        p_data = self.preprocessor.distribution(self.domain.no_rows)
        return self.domain.make_players(self.recipe, self.preprocessor, p_data)

    @property
    def chosen(self) -> int:
        """The seed to sample from: the one whose kept G has the lowest estimate on validation rows."""
        return choose_seed(self.history, self.recipe)

    @property
    def model(self) -> GenerativeModel:
        """What was learned: the chosen G of the chosen seed."""
        p_g = Pushforward(self.best[self.chosen], self.p_z)
        return GenerativeModel(p_g, self.domain, self.preprocessor, self.refinement)

    def logits(self, rows: EncodedRows) -> Float[np.ndarray, " n"]:
        """Return d(x) of rows by the D of the chosen seed, as its last round left it."""
        D = self.players.discriminator(self.state, self.chosen)
        batch = self.preprocessor.transform(rows)
        if isinstance(D, BatchMap):
            return D.push(*batch)
        size = batch_size(math.prod(batch.x.shape[1:]) + batch.c.shape[1])
        return np.asarray(jax.lax.map(lambda each: D(*each), batch, batch_size=size))

    def choose_evaluation(self, seed: int) -> Choice:
        """Return the evaluation of a seed whose G is kept, and the lowest one."""
        return choose_evaluation(self.history, self.recipe, seed)

    @property
    def evaluated(self) -> list[HistoryRow]:
        """The rows of history with an evaluation."""
        return [row for row in self.history if "jsd_estimate" in row]

    @property
    def seconds(self) -> float:
        """Seconds so far, less the pauses between sessions: setting up, rounds and evaluations."""
        return self.seconds_setup + (self.history[-1]["seconds"] if self.history else 0.0)

    @property
    def latest_numbers(self) -> dict[str, float]:
        """The numbers of the last rounds by name, for callbacks; after the test, those of the certificate."""
        if self.stopped_because != "interrupted":
            found = self.measurement
            names = ("jsd_estimate", "jsd_lower") if found else ()
            return {f"test_{name}": float(getattr(found, name)) for name in names}
        row = dict(self.history[-1])
        baseline: Any = row.pop("null", {})
        row |= {f"baseline_{name}": value for name, value in baseline.items()}
        return flatten({name: row[name] for name in row if name not in ("t", *SENTENCES)})

    @property
    def evaluation_interval(self) -> int:
        """Rounds between evaluations, a multiple of the chunk."""
        count = self.domain.evaluations(self.recipe)
        chunk = self.recipe.chunk
        return math.ceil(self.recipe.scheduled_rounds / (count * chunk)) * chunk

    @property
    def end(self) -> str:
        """Why the run is over, or '' while it is not."""
        return find_end(
            self.history,
            self.recipe,
            rounds=self.rounds,
            diverged=self.diverged,
            extended_at=self.extended_at,
        )
