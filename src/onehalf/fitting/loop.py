"""The loop: start, advance, finish, run, resume."""

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onehalf._errors import refuse
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits, split_rows
from onehalf.distributions.base import Pushforward
from onehalf.domains import Domain
from onehalf.fitting import evaluations
from onehalf.fitting.cost import measure_speed, rounds_in
from onehalf.fitting.fit import Fit, FitData
from onehalf.fitting.history import CHUNK

__all__ = ["advance", "finish", "resume", "run", "start"]


def start(
    domain: Domain, rows: EncodedRows, asked: Mapping[str, Any], *, since: float | None = None
) -> tuple[Fit, FitData]:
    """Split the rows, fit the preprocessing on the training rows, and make the players: a fit before round 0.

    Args:
        domain: The kind of data.
        rows: All rows, encoded by it.
        asked: Hyper-parameters as `Hyperparameters.check` gives them, `random_state` an int.
        since: When the time of `minutes` began, by `time.perf_counter`; None is now.

    Raises:
        Refusal: There are too few rows, or the hyper-parameters do not go together on them.
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
    rounds = rounds_in(left, measure_speed(fit, data), domain.evaluations(recipe))
    fit = dataclasses.replace(fit, recipe=dataclasses.replace(recipe, rounds=rounds))
    return fit, _on(fit, splits)


def resume(fit: Fit, rows: EncodedRows, what: str = "X") -> FitData:
    """Return the rows of an interrupted fit, to continue it with.

    Raises:
        Refusal: The rows, called `what`, differ from those of the fit.
    """
    if rows.digest() != fit.data_hash:
        expected = "the rows of the interrupted fit"
        refuse(what, expected=expected, got="other rows", hint="Has the file changed?")
    return _on(fit, split_rows(rows))


def run(fit: Fit, data: FitData, *, evaluate: bool = True) -> Iterator[Fit]:
    """Train to the end; yields the fit after every CHUNK rounds, and once more after the test.

    Args:
        fit: Where to begin.
        data: Its rows.
        evaluate: Whether to evaluate G on validation rows while it trains, and on the test rows at the end. Otherwise
            the last G is kept, and nothing is known of its distance from the data.
    """
    while not fit.end:
        fit = advance(fit, data, evaluate=evaluate)
        yield fit
    if not fit.is_measured and evaluate:
        fit = finish(fit, data)
    yield dataclasses.replace(fit, stopped_because=fit.end)


def advance(fit: Fit, data: FitData, *, evaluate: bool = True) -> Fit:
    """Train up to CHUNK rounds, and evaluate G on validation rows if that is due."""
    began = time.perf_counter()
    rounds = min(CHUNK, fit.recipe.rounds - fit.rounds)
    state, means = data.players.play(fit.state, rounds)
    t = fit.rounds + rounds
    row: Any = {"t": t, **means}
    best = fit.best
    previews = fit.previews
    if not evaluate:
        best = tuple(p_g.G for p_g in data.players.generators(state))
    elif _is_due(fit, t):
        generators = data.players.generators(state)
        row |= evaluations.evaluate(fit, data.splits, generators, t, row["V"])
        previews = (*previews, *evaluations.draw_previews(fit, generators))
        best = _keep_best(fit, generators, row["jsd_estimate"])
    before = fit.history[-1]["seconds"] if fit.history else 0.0
    row["seconds"] = before + time.perf_counter() - began
    history = (*fit.history, row)
    return dataclasses.replace(
        fit, state=state, best=best, history=history, previews=previews, rounds=t
    )


def finish(fit: Fit, data: FitData) -> Fit:
    """Compare the chosen G with the test rows, once."""
    return dataclasses.replace(
        fit, is_measured=True, measurement=evaluations.measure(fit, data.splits)
    )


def _on(fit: Fit, splits: Splits) -> FitData:
    """The players of a fit on its rows."""
    p_data = fit.preprocessor.distribution(splits.train)
    players = fit.domain.make_players(fit.recipe, fit.preprocessor, p_data)
    return FitData(splits, players, fit.data_hash)


def _is_due(fit: Fit, t: int) -> bool:
    """Whether an evaluation is due after round t: at regular intervals, and at the end."""
    count = fit.domain.evaluations(fit.recipe)
    every = math.ceil(fit.recipe.rounds / (count * CHUNK)) * CHUNK
    return t // every > fit.rounds // every or t == fit.recipe.rounds


def _keep_best(
    fit: Fit, generators: Sequence[Pushforward], estimates: Sequence[float]
) -> tuple[Any, ...]:
    """The best G of each seed, after an evaluation."""
    best = []
    for seed, (p_g, estimate) in enumerate(zip(generators, estimates, strict=True)):
        least = math.inf if fit.recipe.keeps_last else fit.best_evaluation(seed)[0]
        best.append(p_g.G if max(estimate, 0.0) <= least else fit.best[seed])
    return tuple(best)
