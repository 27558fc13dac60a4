"""The loop: rounds, evaluations on validation rows, the best G, when to stop, and one look at the test rows.

A `Fit` is a value. `start` makes it, `advance` gives the next one, `finish` the last one; `run` does all of that. A
checkpoint is a saved `Fit` (`onehalf.runs`), and `resume` goes on with it on the same rows.
"""

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float, Shaped
from threadpoolctl import threadpool_limits

from onehalf._errors import refuse
from onehalf._typing import PRNGKey
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits, split_rows
from onehalf.distributions.base import AbstractData, Pushforward
from onehalf.domains import Domain, Preprocessor
from onehalf.evaluation.certificate.certificate import LEAST_ROWS, certify, estimate
from onehalf.evaluation.measurement import Measurement, compare
from onehalf.evaluation.rows import wrap
from onehalf.evaluation.samples import MOST_INDEPENDENT, Samples, choose_samples_per_row
from onehalf.model import GenerativeModel, batch_size
from onehalf.players.base import Players
from onehalf.recipe import Recipe

__all__ = [
    "Fit",
    "FitData",
    "HistoryRow",
    "advance",
    "estimate_cost",
    "finish",
    "resume",
    "run",
    "start",
]

CHUNK = 100
"""Rounds between two rows of history."""

PATIENCE = 5
"""Once D sees without noise, so many evaluations without a new best end the run."""

ALPHA = 0.05
"""The bounds of all evaluations hold at once with probability 1 - ALPHA; so does each bound of the certificate."""

EVALUATION_ROWS = 16_000
"""Validation rows in an evaluation, at most."""

FRESH = 4
"""Samples for each of them."""

SHARES = (0.25,)
"""The share of the rows that an evaluation's critic learns from before it bets on the others."""

CROSS_FITTED_ROWS = 2000
"""With no more validation rows than this, each is judged: the estimate that evaluations are compared by is
cross-fitted."""

CRITICS = ("linear", "quadratic", "waves", "cells", "grain")
"""The members of that critic: all but the networks and the trees, which take most of the time."""

SAMPLES_EACH = 10
"""Samples for each test row in the certificate."""

PREVIEWS = 36
"""Samples that are kept at each evaluation, to look at."""


class HistoryRow(TypedDict):
    """What was seen up to round `t`: means over CHUNK rounds, and an evaluation if one was due; a number a seed."""

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


NUMBERS = ("jsd_estimate", "jsd_se", "jsd_lower", "log_e")
"""What an evaluation says of each seed."""

BLIND: dict[str, float] = dict.fromkeys(NUMBERS, 0.0)
"""The evaluation by a critic that has too few rows, and stays at D = 1/2."""

NO_NUMBER: dict[str, float] = dict.fromkeys(NUMBERS, math.nan)
"""The evaluation of a game that has lost its numbers."""


@dataclass(frozen=True)
class FitData:
    """The rows of a fit in their splits, and the players on them."""

    splits: Splits
    players: Players[Any]
    data_hash: str


@dataclass(frozen=True, eq=False)
class Fit:
    """A fit in progress, or one that has ended: all that is needed to sample from it and to go on with it."""

    recipe: Recipe
    domain: Domain
    preprocessor: Preprocessor
    data_hash: str
    state: Any
    """The players'."""
    best: tuple[Any, ...]
    """The G of each seed that validation chose."""
    p_z: AbstractData
    history: tuple[HistoryRow, ...] = ()
    previews: tuple[Shaped[np.ndarray, "n ..."], ...] = ()
    """Of images, samples of each seed at each evaluation, from the same latents."""
    rounds: int = 0
    """Rounds that have been played."""
    stopped_because: str = "interrupted"
    is_measured: bool = False
    """Whether the test rows have been looked at."""
    measurement: Measurement | None = None
    """The certificate; None too where it can't be had."""

    @property
    def players(self) -> Players[Any]:
        """The players without any rows to learn from: they read the state, and know its shapes."""
        nothing = EncodedRows.unlabelled(np.zeros((0, *self.domain.row_shape)))
        p_data = self.preprocessor.distribution(nothing)
        return self.domain.make_players(self.recipe, self.preprocessor, p_data)

    @property
    def chosen(self) -> int:
        """The seed to sample from: the one with the least held-out value."""
        return min(range(self.recipe.seeds), key=self.best_evaluation)

    @property
    def model(self) -> GenerativeModel:
        """What was learned: the chosen G of the chosen seed."""
        p_g = Pushforward(self.best[self.chosen], self.p_z)
        return GenerativeModel(p_g, self.domain, self.preprocessor)

    def logits(self, rows: EncodedRows) -> Float[np.ndarray, " n"]:
        """d(x) of rows by the chosen seed's D, as its last round left it."""
        D = self.players.discriminator(self.state, self.chosen)
        batch = self.preprocessor.transform(rows)
        size = batch_size(math.prod(batch.x.shape[1:]) + batch.c.shape[1])
        return np.asarray(jax.lax.map(lambda each: D(*each), batch, batch_size=size))

    def best_evaluation(self, seed: int) -> tuple[float, int]:
        """The least held-out value of a seed, and the last round where it was: (inf, 0) before the first evaluation.

        Where a recipe keeps the last G, the last evaluation is the only one. A value below 0 is a critic's bad luck,
        and counts as 0; a game that has lost its numbers has no value.
        """
        values = [
            (max(row["jsd_estimate"][seed], 0.0), -row["t"])
            for row in self.history
            if "jsd_estimate" in row
        ]
        finite = [value for value in values if math.isfinite(value[0])]
        if self.recipe.keeps_last:
            finite = finite[-1:]
        least, minus_t = min(finite, default=(math.inf, 0))
        return least, -minus_t

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


def start(
    domain: Domain, rows: EncodedRows, asked: Mapping[str, Any], *, since: float | None = None
) -> tuple[Fit, FitData]:
    """Set rows aside, learn the preprocessing from the training rows, and make the players: a fit before round 0.

    Args:
        domain: The kind of data.
        rows: All rows, encoded by it.
        asked: Hyper-parameters as `Hyperparameters.check` gives them, `random_state` an int.
        since: When `minutes` began to count, by `time.perf_counter`; now if not given.

    Raises:
        Refusal: There are too few rows, or no game can have these hyper-parameters on them.
    """
    since = time.perf_counter() if since is None else since
    splits = split_rows(rows)
    preprocessor = domain.fit_preprocessor(splits.train, asked["recipe"])
    recipe = domain.resolve(asked, preprocessor, len(splits.train))
    fit = Fit(
        recipe=recipe,
        domain=domain,
        preprocessor=preprocessor,
        data_hash=rows.digest(),
        state=None,
        best=(),
        p_z=domain.latent(recipe, preprocessor),
    )
    data = _on(fit, splits)
    state = data.players.start()
    best = tuple(p_g.G for p_g in data.players.generators(state))
    fit = dataclasses.replace(fit, state=state, best=best)
    if recipe.minutes is None:
        return fit, data
    left = 60 * recipe.minutes - (time.perf_counter() - since)
    rounds = _rounds_in(left, *_measure_speed(fit, data), domain.evaluations(recipe))
    fit = dataclasses.replace(fit, recipe=dataclasses.replace(recipe, rounds=rounds))
    return fit, _on(fit, splits)


def check_rows(fit: Fit, rows: EncodedRows, what: str = "X") -> None:
    """Refuse other rows than those of a fit that was interrupted, calling them `what`."""
    if rows.digest() != fit.data_hash:
        expected = "the rows that the interrupted fit had"
        refuse(what, expected=expected, got="other rows", hint="Has the file changed?")


def resume(fit: Fit, rows: EncodedRows, what: str = "X") -> FitData:
    """The rows of a fit that was interrupted, for it to go on with.

    Raises:
        Refusal: They are other rows.
    """
    check_rows(fit, rows, what)
    return _on(fit, split_rows(rows))


def run(fit: Fit, data: FitData, *, evaluate: bool = True) -> Iterator[Fit]:
    """Play to the end; yields the fit after every CHUNK rounds, and as it is when the test rows have been looked at.

    Args:
        fit: Where to begin.
        data: Its rows.
        evaluate: Whether to judge G on validation rows in between, and on the test rows at the end. Otherwise the last
            G is kept, and nothing is known of how far it is from the data.
    """
    while not fit.end:
        fit = advance(fit, data, evaluate=evaluate)
        yield fit
    if not fit.is_measured and evaluate:
        fit = finish(fit, data)
    yield dataclasses.replace(fit, stopped_because=fit.end)


def advance(fit: Fit, data: FitData, *, evaluate: bool = True) -> Fit:
    """Play up to CHUNK rounds, and judge G on validation rows if that is due."""
    began = time.perf_counter()
    rounds = min(CHUNK, fit.recipe.rounds - fit.rounds)
    state, means = data.players.play(fit.state, rounds)
    t = fit.rounds + rounds
    row: Any = {"t": t, **means}
    best, previews = fit.best, fit.previews
    if not evaluate:
        best = tuple(p_g.G for p_g in data.players.generators(state))
    elif _is_due(fit, t):
        generators = data.players.generators(state)
        row |= _evaluate(fit, data.splits, generators, t, row["V"])
        previews = (*previews, *_draw_previews(fit, generators))
        best = tuple(
            p_g.G if max(jsd, 0.0) <= _least(fit, seed) else old
            for seed, (p_g, old, jsd) in enumerate(
                zip(generators, best, row["jsd_estimate"], strict=True)
            )
        )
    before = fit.history[-1]["seconds"] if fit.history else 0.0
    row["seconds"] = before + time.perf_counter() - began
    history = (*fit.history, row)
    return dataclasses.replace(
        fit, state=state, best=best, history=history, previews=previews, rounds=t
    )


def finish(fit: Fit, data: FitData) -> Fit:
    """Look at the test rows, once."""
    return dataclasses.replace(fit, is_measured=True, measurement=_measure(fit, data.splits))


def estimate_cost(fit: Fit, data: FitData) -> dict[str, Any]:
    """The recipe on these rows and what a fit would cost, timed on rounds that are thrown away.

    Rows in each split, parameters of both players, rounds, seconds, megabytes of a saved run.
    """
    chunk, evaluation = _measure_speed(fit, data)
    parameters_D = _size(data.players.discriminator(fit.state, 0))
    parameters_G = _size(fit.best[0])
    numbers = _size(fit.state) + fit.recipe.seeds * parameters_G
    seconds = fit.recipe.rounds / CHUNK * chunk
    seconds += fit.domain.evaluations(fit.recipe) * evaluation
    return {
        **fit.recipe.to_dict(),
        **{f"rows_{split}": len(rows) for split, rows in data.splits._asdict().items()},
        "parameters_D": parameters_D,
        "parameters_G": parameters_G,
        "seconds": round(seconds, 1),
        "megabytes": round(numbers * 4 / 1e6, 1),
    }


def _on(fit: Fit, splits: Splits) -> FitData:
    """The players of a fit on its rows."""
    p_data = fit.preprocessor.distribution(splits.train)
    players = fit.domain.make_players(fit.recipe, fit.preprocessor, p_data)
    return FitData(splits, players, fit.data_hash)


def _is_due(fit: Fit, t: int) -> bool:
    """Whether validation rows are looked at after round t: a number of times in a run, and at its end."""
    evaluations = fit.domain.evaluations(fit.recipe)
    every = math.ceil(fit.recipe.rounds / (evaluations * CHUNK)) * CHUNK
    return t // every > fit.rounds // every or t == fit.recipe.rounds


def _least(fit: Fit, seed: int) -> float:
    """The held-out value that a G must not exceed to be kept."""
    return math.inf if fit.recipe.keeps_last else fit.best_evaluation(seed)[0]


def _evaluate(
    fit: Fit, splits: Splits, generators: Sequence[Pushforward], t: int, V: list[float]
) -> HistoryRow:
    """Judge the G of each seed on the validation rows; the first time, judge data against data too."""
    keys = [jr.fold_in(key, t) for key in jnp.atleast_1d(fit.recipe.keys("look"))]
    judged = [
        _judge(fit, key, splits.validation, p_g) if math.isfinite(value) else NO_NUMBER
        for key, p_g, value in zip(keys, generators, V, strict=True)
    ]
    row: Any = {name: [numbers[name] for numbers in judged] for name in NUMBERS}
    if not any("null" in past for past in fit.history):
        row["null"] = _judge(fit, jr.fold_in(keys[0], 1), splits.validation, splits.train)
    return row


def _judge(
    fit: Fit, key: PRNGKey, real: EncodedRows, other: Pushforward | EncodedRows
) -> dict[str, float]:
    """Bets on real rows against samples, or against other rows, as the user would see them.

    Each is at level ALPHA / (evaluations x seeds + 1): all bounds, that of data against data among them, hold at once,
    however the run is stopped.
    """
    if len(real) < LEAST_ROWS:
        return BLIND
    key_rows, key_sample, key_bets, key_estimate = jr.split(key, 4)
    real = real[np.asarray(jr.permutation(key_rows, len(real)))[:EVALUATION_ROWS]]
    matched = isinstance(other, Pushforward) and bool(fit.domain.label_names)
    if isinstance(other, Pushforward):
        labels = None
        if matched:
            labels = np.repeat(fit.preprocessor.label_cells(real), FRESH, axis=0)
        model = GenerativeModel(other, fit.domain, fit.preprocessor)
        other = model.draw(key_sample, FRESH * len(real), labels)
    else:
        other = other[np.asarray(jr.permutation(key_sample, len(other)))]
    each = min(FRESH, len(other) // len(real))
    x = wrap(real)
    y = wrap(other[: each * len(real)])
    level = ALPHA / (fit.domain.evaluations(fit.recipe) * fit.recipe.seeds + 1)
    encoder = fit.domain.encoder_for_training
    # products as small as these take longer when they are cut up for threads, and far longer on busy cores
    with threadpool_limits(1):
        bets = certify(
            key_bets,
            x,
            y,
            level,
            shares=SHARES,
            matched=matched,
            kinds=CRITICS,
            encoder=encoder,
        )
        numbers = {name: getattr(bets, name) for name in NUMBERS}
        if len(real) <= CROSS_FITTED_ROWS:
            mean, se = estimate(key_estimate, x, y, kinds=CRITICS, encoder=encoder)
            numbers |= {"jsd_estimate": mean, "jsd_se": se}
    return numbers


def _measure(fit: Fit, splits: Splits) -> Measurement | None:
    """The chosen G on the test rows, with all that goes with a measurement; None if that can't be had."""
    samples = draw_for_test(fit, splits.test)
    if samples is None:
        return None
    compared = Samples(
        real=wrap(splits.test),
        other=wrap(samples.other),
        train=wrap(splits.train),
        free=None if samples.free is None else wrap(samples.free),
        encoder=fit.domain.encoder,
        given=fit.domain.label_names,
        left_out=fit.domain.left_out,
    )
    return compare(compared, alpha=ALPHA, seed=fit.recipe.random_state)


@dataclass(frozen=True)
class SamplesForTest:
    """The samples that are set against the test rows."""

    other: EncodedRows
    """With labels: those of each test row, again and again."""
    free: EncodedRows | None
    """With labels: as good ones, made without regard to the test rows' labels."""


def draw_for_test(fit: Fit, test: EncodedRows) -> SamplesForTest | None:
    """The samples that are set against the test rows; None where a certificate can't be had."""
    if len(test) < LEAST_ROWS or not _is_finite(fit.best[fit.chosen]):
        return None
    seed = fit.recipe.random_state
    if not fit.domain.label_names:
        key = jr.fold_in(jnp.atleast_1d(fit.recipe.keys("test"))[fit.chosen], fit.rounds)
        other = fit.model.draw(key, SAMPLES_EACH * len(test))
        return SamplesForTest(other, None) if fit.domain.is_valid(other) else None
    each = choose_samples_per_row(len(test), math.prod(fit.domain.row_shape))
    labels = np.repeat(fit.preprocessor.label_cells(test), each, axis=0)
    other = fit.model.draw(jr.key(seed), len(labels), labels)
    most = min(len(labels), MOST_INDEPENDENT)
    return SamplesForTest(other, fit.model.draw_where(jr.key(seed + 1), most).rows)


def _draw_previews(fit: Fit, generators: Sequence[Pushforward]) -> list[np.ndarray]:
    """Samples of each seed's G to look at, from the same latents each time, if they are images."""
    if not fit.domain.has_previews:
        return []
    key = jr.key(fit.recipe.random_state)
    models = [GenerativeModel(p_g, fit.domain, fit.preprocessor) for p_g in generators]
    return [model.draw(key, PREVIEWS).x for model in models]


def _measure_speed(fit: Fit, data: FitData) -> tuple[float, float]:
    """Seconds of CHUNK rounds, and of an evaluation of all seeds, timed once compiled on rounds that are not kept."""
    chunk = evaluation = 0.0
    for _ in range(2):
        began = time.perf_counter()
        data.players.play(fit.state, CHUNK)
        played = time.perf_counter()
        _judge(fit, jr.key(0), data.splits.validation, fit.model.p_g)
        chunk = played - began
        evaluation = fit.recipe.seeds * (time.perf_counter() - played)
    return chunk, evaluation


def _rounds_in(seconds: float, chunk: float, evaluation: float, most: int) -> int:
    """Rounds that fit into the time: a short run is evaluated after each CHUNK, a longer one `most` times."""
    short = min(most, int(seconds / (chunk + evaluation)))
    long = int((seconds - most * evaluation) / chunk)
    return max(1, short, long) * CHUNK


def _is_finite(G: Any) -> bool:
    """Whether a G has kept its numbers."""
    arrays = jax.tree.leaves(eqx.filter(G, eqx.is_inexact_array))
    return all(bool(jnp.isfinite(array).all()) for array in arrays)


def _size(tree: Any) -> int:
    """How many numbers a tree holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array)))
