"""The numbers of a fit, typed, and as JSON."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from onehalf.evaluation.result import FORMAT, Measurement, list_versions
from onehalf.evaluation.wording import digits
from onehalf.fitting import Fit
from onehalf.fitting.history import Evaluated, find_collapse
from onehalf.players.base import PlayersSummary
from onehalf.players.refinement import BUDGET, Refinement
from onehalf.theory.ground_truth import GroundTruth

__all__ = ["FitSummary", "SeedSummary", "SeedsSummary", "summarize"]

LAST_ROWS = 5
"""The rows of history that V, D(x) and D(G(z)) are averaged over: 500 rounds."""

TRUTH_FIELDS = ("jsd", "jsd_se", "jsd_wide", "C", "n")
"""What the JSON has of a `GroundTruth`."""


EVALUATION_FIELDS = ("jsd_estimate", "jsd_se", "jsd_lower")
"""The entries of a row of history that an evaluation adds, for each seed."""


@dataclass(frozen=True)
class SeedSummary:
    """The evaluation by which the generator of one seed was kept.

    None where there is no number.
    """

    seed: int
    jsd_estimate: float | None
    """Estimate on validation rows, in nats."""
    jsd_se: float | None
    """Its standard error; 0 if there were too few rows, or all critics stayed at D = 1/2."""
    jsd_lower: float | None
    """Certified lower bound, in nats."""
    t: int | None
    """The round."""
    lowest: Evaluated | None = None
    """The lowest evaluation: the kept one, or an earlier one that is lower by less than its standard error."""

    @property
    def has_estimate(self) -> bool:
        """Whether the evaluation gave a number."""
        return self.jsd_estimate is not None and bool(self.jsd_se)


@dataclass(frozen=True)
class SeedsSummary:
    """The seeds of a fit."""

    each: tuple[SeedSummary, ...]
    chosen: int
    """The seed that is sampled from."""
    spread: float | None
    """The greatest less the least estimate; None with one seed."""
    near: int = 0
    """Other seeds whose estimate is within one standard error of the chosen seed's."""

    @property
    def best(self) -> SeedSummary:
        """The seed that is sampled from."""
        return next(seed for seed in self.each if seed.seed == self.chosen)


@dataclass(frozen=True)
class RefinementSummary:
    """How samples are corrected by the odds of a D that learned on validation rows."""

    draws_per_row: float
    """Draws of G for each sample, on average."""
    budget: float
    """The most that was allowed."""
    gain: float
    """Nats by which KL(p_data, p_g) falls, on validation rows that this D had not seen."""
    gain_se: float
    """Its standard error."""

    @property
    def short(self) -> str:
        """One line for the summary."""
        return f"by D, {self.draws_per_row:.2g} draws of G a sample; KL(p_data, p_g) falls by {self._gain}"

    @property
    def sentences(self) -> list[str]:
        """All of it."""
        return [
            "Samples are corrected: a D that learned on validation rows decides which draws of G are kept, "
            f"{self.draws_per_row:.2g} draws for each sample on average (at most {self.budget:g}). On validation rows "
            f"that this D had not seen, KL(p_data, p_g) falls by {self._gain}.",
            "The certificate is of corrected samples. All estimates on validation rows, in the course of training and "
            "for each seed, are of G before the correction.",
            "The correction changes how often samples are like this or that. It can't add what G never makes.",
        ]

    @property
    def _gain(self) -> str:
        return f"{digits(self.gain, self.gain_se)} nats"


@dataclass(frozen=True)
class FitSummary:
    """What a fit came to."""

    rounds: int
    """Rounds that were trained."""
    seconds: float
    """Rounds and evaluations on validation rows."""
    seconds_validation: float
    """Evaluations on validation rows alone."""
    seconds_setup: float
    """Reading and encoding the data, and making and compiling the game."""
    V: float | None
    """Mean of V over the chosen seed's last 500 rounds on training rows, in nats."""
    D_x: float | None
    """The same of D(x)."""
    D_Gz: float | None
    """The same of D(G(z))."""
    seeds: SeedsSummary
    stopped_because: str
    certificate: Measurement | None
    """None for a fit that was interrupted, or has too few test rows."""
    truth: GroundTruth | None
    """How far p_g is from p_data, where the density of the data is known."""
    rounds_planned: int
    is_evaluated: bool
    """Whether the end of the fit was reached, so that test rows were used, if there were
    enough."""
    measured_at: tuple[int, ...]
    """The rounds after which test rows were used before the fit was extended."""
    was_asked: bool
    """Whether the fit was asked for evaluations."""
    keeps_last: bool
    """Whether the recipe keeps the last generator rather than the best on validation rows."""
    row_shape: tuple[int, ...]
    """The shape of an encoded row: the number of columns in use, or that of an image."""
    left_out: tuple[str, ...]
    """Columns that are neither learned nor compared."""
    players: PlayersSummary = field(default_factory=PlayersSummary)
    """What players of this family have to say of themselves."""
    kept_personal: tuple[str, ...] = ()
    """Columns that look like personal data and were learned, as the person asked."""
    refinement: RefinementSummary | None = None
    """How samples are corrected after training; None if they are not."""
    constraints: tuple[str, ...] = ()
    """Rules that samples keep."""
    rates_lowered: str = ""
    """Why both rates were lowered while the fit went on, and by how much."""
    collapse: str = ""
    """What the samples of the chosen seed lacked at the evaluation by which its generator was kept."""
    n_rows: int | None = None
    """Rows of data, those that are set aside too; None where they are not at hand."""

    @property
    def n_columns(self) -> int:
        """Columns of the data, those that are left out too; of images, their entries."""
        return math.prod(self.row_shape) + len(self.left_out)

    @property
    def rounds_per_second(self) -> float | None:
        """None before the first round."""
        return self.rounds / self.seconds if self.seconds else None

    @property
    def seconds_training(self) -> float:
        """Rounds alone."""
        return self.seconds - self.seconds_validation

    @property
    def seconds_evaluation(self) -> float:
        """Evaluations on validation rows, and the certificate."""
        return self.seconds_validation + (self.certificate.seconds if self.certificate else 0.0)

    @property
    def seconds_total(self) -> float:
        """From the start until the certificate: all but the report."""
        return self.seconds_setup + self.seconds_training + self.seconds_evaluation

    def to_dict(self) -> dict[str, Any]:
        """Make what `fit --json` prints, less `run` and `files`: ready for JSON, None for what is not finite."""
        certificate = self.certificate
        truth = self.truth
        return _finite_or_none(
            {
                "format": FORMAT,
                "versions": list_versions(),
                "rounds": self.rounds,
                "seconds": self.seconds,
                "seconds_training": self.seconds_training,
                "seconds_evaluation": self.seconds_evaluation,
                "seconds_total": self.seconds_total,
                "rounds_per_s": self.rounds_per_second,
                "V": self.V,
                "D_x": self.D_x,
                "D_Gz": self.D_Gz,
                "seeds": asdict(self.seeds)
                | {"each": [asdict(each) for each in self.seeds.each]},
                "stopped_because": self.stopped_because,
                "measured_at": list(self.measured_at),
                "certificate": certificate and certificate.to_dict(),
                "truth": truth and {name: getattr(truth, name) for name in TRUTH_FIELDS},
                "n_rows": self.n_rows,
                "n_columns": self.n_columns,
                "row_shape": list(self.row_shape),
                "left_out": list(self.left_out),
                "players": dict(self.players.numbers) or None,
                "kept_personal": list(self.kept_personal),
                "constraints": list(self.constraints),
                "rates_lowered": self.rates_lowered,
                "collapse": self.collapse,
                "refinement": self.refinement and asdict(self.refinement),
            }
        )


def summarize(
    fit: Fit, truth: GroundTruth | None = None, n_rows: int | None = None
) -> FitSummary:
    """Collect the numbers of a fit.

    Args:
        fit: The fit.
        truth: How far p_g is from p_data, where the density of the data is known.
        n_rows: Rows of its data.
    """
    history = fit.history
    return FitSummary(
        rounds=fit.rounds,
        seconds=history[-1]["seconds"] if history else 0.0,
        seconds_validation=history[-1].get("seconds_evaluation", 0.0) if history else 0.0,
        seconds_setup=fit.seconds_setup,
        V=_last_mean(fit, "V"),
        D_x=_last_mean(fit, "D_x"),
        D_Gz=_last_mean(fit, "D_Gz"),
        seeds=_summarize_seeds(fit),
        stopped_because=fit.stopped_because,
        certificate=fit.measurement,
        truth=truth,
        rounds_planned=fit.recipe.rounds,
        is_evaluated=fit.is_measured,
        measured_at=fit.measured_at,
        was_asked=fit.recipe.evaluate,
        keeps_last=fit.recipe.keeps_last,
        row_shape=fit.domain.row_shape,
        left_out=fit.domain.left_out,
        players=fit.players.summarize(fit.state, fit.chosen, fit.best[fit.chosen]),
        kept_personal=fit.domain.kept_personal,
        constraints=fit.domain.constraints,
        rates_lowered=fit.lowered,
        collapse=find_collapse(history, fit.chosen, fit.choose_evaluation(fit.chosen).kept.t),
        refinement=_summarize_refinement(fit.refinement),
        n_rows=n_rows,
    )


def _summarize_refinement(found: Refinement | None) -> RefinementSummary | None:
    """The numbers of a correction, if there is one."""
    return found and RefinementSummary(found.draws, BUDGET, found.gain, found.gain_se)


def _last_mean(fit: Fit, name: str) -> float | None:
    """The mean of an entry of the chosen seed's history over the last 500 rounds."""
    values = [row[name][fit.chosen] for row in fit.history[-LAST_ROWS:]]
    return float(np.mean(values)) if values else None


def _summarize_seeds(fit: Fit) -> SeedsSummary:
    """The evaluation by which each seed's generator was kept."""
    first = fit.recipe.random_state
    rows = {row["t"]: row for row in fit.history}
    each = []
    for place in range(fit.recipe.seeds):
        choice = fit.choose_evaluation(place)
        t = choice.kept.t
        row: Any = rows.get(t)
        if row is None:
            each.append(SeedSummary(first + place, None, None, None, None))
            continue
        estimate, se, bound = (row[name][place] for name in EVALUATION_FIELDS)
        each.append(SeedSummary(first + place, estimate, se, bound, t, choice.lowest))
    values = [seed.jsd_estimate for seed in each if seed.jsd_estimate is not None]
    spread = max(values) - min(values) if len(values) > 1 else None
    return SeedsSummary(tuple(each), first + fit.chosen, spread, _count_near(each, fit.chosen))


def _count_near(each: Sequence[SeedSummary], chosen: int) -> int:
    """Count the other seeds whose estimate is within one standard error of the chosen one's."""
    best = each[chosen]
    if best.jsd_estimate is None or best.jsd_se is None:
        return 0
    limit = max(best.jsd_estimate, 0.0) + best.jsd_se
    near = [
        seed for seed in each if seed.jsd_estimate is not None and seed.jsd_estimate <= limit
    ]
    return len(near) - 1


def _finite_or_none(value: Any) -> Any:
    """Replace infinities and NaN by None, for JSON has no word for them."""
    if isinstance(value, dict):
        return {name: _finite_or_none(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_finite_or_none(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
