"""The loop: start, advance, finish, run, resume."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from onehalf import cluster
from onehalf._errors import refuse
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import Splits, split_rows
from onehalf.distributions.base import Pushforward
from onehalf.domains import Domain
from onehalf.evaluation.result import QuickTable
from onehalf.fitting import evaluations
from onehalf.fitting.cost import make_plan, plan_rounds
from onehalf.fitting.fit import NO_PLAN, Fit, FitData
from onehalf.fitting.history import HistoryRow
from onehalf.fitting.recording import record_snapshot
from onehalf.fitting.refinement import refine
from onehalf.players.base import Diverged, Players
from onehalf.recipe import Recipe

LOWERED = 0.1
"""What both rates are multiplied by, once in a fit, when all games leave the finite numbers."""

__all__ = ["advance", "extend", "finish", "follow", "resume", "run", "start"]


def start(
    domain: Domain, rows: EncodedRows, asked: Mapping[str, Any], *, since: float | None = None
) -> tuple[Fit, FitData]:
    """Split the rows, fit the preprocessing on the training rows, and make the players: a fit before round 0.

    Where `minutes` are asked for, `run` decides on the number of rounds once it has timed some.

    Args:
        domain: The kind of data.
        rows: All rows, encoded by it.
        asked: Hyper-parameters as `Hyperparameters.check` gives them, `random_state` an int.
        since: When reading the data began, and with it the time of `minutes`, by `time.perf_counter`; None is now.

    Raises:
        Refusal: There are too few rows, or the hyper-parameters do not go together on them.
    """
    since = time.perf_counter() if since is None else since
    domain = domain.for_players(domain.choose_players(asked))
    splits = split_rows(rows)
    domain = domain.hide_unlearned(splits.train)
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
    return dataclasses.replace(fit, seconds_setup=time.perf_counter() - since), data


def resume(fit: Fit, rows: EncodedRows, what: str = "X") -> FitData:
    """Return the rows of an interrupted fit, to continue it with.

    Raises:
        Refusal: The rows, called `what`, differ from those of the fit.
    """
    if rows.digest() != fit.data_hash:
        expected = "the rows of the interrupted fit"
        refuse(what, expected=expected, got="other rows", hint="Has the file changed?")
    return _on(fit, split_rows(rows))


def extend(fit: Fit, rounds: int) -> Fit:
    """Ask for more rounds in all, to be trained at the last rates, without noise.

    What was trained stays as it is, bit for bit. If the test rows have been used, they will be used again, at half the
    level (`evaluations.measure`).

    Raises:
        Refusal: The fit has at least as many rounds.
    """
    if rounds <= fit.recipe.rounds:
        refuse("rounds", expected=f"more than {fit.recipe.rounds}", got=rounds)
    recipe = dataclasses.replace(
        fit.recipe, rounds=rounds, first_rounds=fit.recipe.scheduled_rounds
    )
    is_used = fit.is_measured and fit.measurement is not None
    return dataclasses.replace(
        fit,
        recipe=recipe,
        extended_at=fit.rounds,
        is_measured=False,
        refinement=None,
        measurement=None,
        measured_at=(*fit.measured_at, fit.rounds) if is_used else fit.measured_at,
        stopped_because="interrupted",
    )


def run(
    fit: Fit, data: FitData, on_quick: Callable[[QuickTable], object] | None = None
) -> Iterator[Fit]:
    """Train to the end; yields the fit after every chunk of rounds, and once more after the test.

    Args:
        fit: The fit.
        data: Its rows.
        on_quick: Is called with the quick check of the chosen G, before critics learn for the certificate.
    """
    while not fit.end:
        before, fit = fit, advance(fit, data)
        if fit.lowered != before.lowered:
            data = _go_on(fit, data)
        fit, data = _keep_to_time(fit, data)
        yield fit
    if not fit.is_measured and fit.recipe.evaluate:
        fit = finish(refine(fit, data.splits), data, on_quick)
    yield dataclasses.replace(fit, stopped_because=fit.end)


def follow(players: Players[Any], recipe: Recipe) -> None:
    """Play the rounds that process 0 decides on, until it has ended its fit; nothing is kept.

    Args:
        players: The players on the rows of process 0.
        recipe: Their recipe.

    Raises:
        LostProcess: Process 0 has ended before.
    """
    state = players.start()
    while "rounds" in (order := cluster.receive()):
        latest = Recipe(**order["recipe"])
        if latest != recipe:
            recipe, players = latest, players.with_recipe(latest)
        with contextlib.suppress(Diverged):
            players.play(state, order["rounds"])


def advance(fit: Fit, data: FitData) -> Fit:
    """Train a chunk of rounds, and evaluate G on validation rows if that is due.

    If all games leave the finite numbers in it, the players step back to where they were before it, and play it again
    at lower rates; the second time, the fit ends.
    """
    began = time.perf_counter()
    before = fit
    players = data.players
    scheduled = fit.recipe.scheduled_rounds
    end = scheduled if fit.rounds < scheduled else fit.recipe.rounds
    rounds = min(fit.recipe.chunk, end - fit.rounds)
    t = fit.rounds + rounds
    while True:
        try:
            state, means = players.play(fit.state, rounds)
            break
        except Diverged as seen:
            if fit.lowered:
                return _step_back(fit, data, seen, t, began)
            fit = _lower_rates(fit, seen)
            players = players.with_recipe(fit.recipe)
    played = time.perf_counter()
    row: Any = {"t": t, **means}
    if fit.lowered != before.lowered:
        row["lowered"] = fit.lowered
    ended = data.players.ended(state)
    if ended:
        row["ended"] = ended
    best = fit.best
    previews = fit.previews
    snapshots = fit.snapshots
    if not fit.recipe.evaluate:
        best = tuple(p_g.G for p_g in data.players.generators(state))
    elif ended or _is_due(fit, t):
        generators = data.players.generators(state)
        row |= evaluations.evaluate(fit, data.splits, generators, t, row["V"])
        previews = (*previews, *evaluations.draw_previews(fit, generators))
        snapshots = record_snapshot(dataclasses.replace(fit, state=state), data, generators, t)
        best = _keep_best(fit, generators, row)
    row |= _spent(fit, began, played)
    return dataclasses.replace(
        fit,
        state=state,
        best=best,
        history=(*fit.history, row),
        previews=previews,
        snapshots=snapshots,
        rounds=t,
    )


def _lower_rates(fit: Fit, seen: Diverged) -> Fit:
    """Return a fit that goes on from the same players at lower rates, and keeps what was seen."""
    recipe = dataclasses.replace(
        fit.recipe, rate_D=LOWERED * fit.recipe.rate_D, rate_G=LOWERED * fit.recipe.rate_G
    )
    share = f"{LOWERED:g} of what they were from round {fit.rounds:,} on"
    return dataclasses.replace(fit, recipe=recipe, lowered=f"{seen}; both rates are {share}")


def _step_back(fit: Fit, data: FitData, seen: Diverged, t: int, began: float) -> Fit:
    """End a fit whose games have left the finite numbers on the way to round t, with its players as they were before.

    The history keeps what was seen. Without an evaluation so far, the G from before is as good as any.
    """
    played = time.perf_counter()
    row: Any = {"t": t, **seen.means}
    generators = data.players.generators(fit.state)
    if fit.recipe.evaluate and _is_due(fit, t):
        row |= evaluations.evaluate(fit, data.splits, generators, t, row["V"])
    best = fit.best if fit.evaluated else tuple(p_g.G for p_g in generators)
    row |= _spent(fit, began, played)
    history = (*fit.history, row)
    where = f"the players are those of round {fit.rounds:,}"
    diverged = f"{seen}, although rates had been lowered; {where}; lower rates may help"
    return dataclasses.replace(fit, best=best, history=history, diverged=diverged)


def _spent(fit: Fit, began: float, played: float) -> dict[str, float]:
    """The seconds of a row of history: all of them so far, and those of evaluations."""
    now = time.perf_counter()
    before: Any = fit.history[-1] if fit.history else {}
    return {
        "seconds": before.get("seconds", 0.0) + now - began,
        "seconds_evaluation": before.get("seconds_evaluation", 0.0) + now - played,
    }


def finish(
    fit: Fit, data: FitData, on_quick: Callable[[QuickTable], object] | None = None
) -> Fit:
    """Compare the chosen G with the test rows, once."""
    began = time.perf_counter()
    plan = data.plan or NO_PLAN
    measurement = evaluations.measure(fit, data.splits, known=plan.known, on_quick=on_quick)
    if measurement is not None:
        # what was found before counts as a part of it, no longer of the setup
        seconds = time.perf_counter() - began + plan.seconds
        measurement = dataclasses.replace(measurement, seconds=seconds)
        fit = dataclasses.replace(fit, seconds_setup=fit.seconds_setup - plan.seconds)
    return dataclasses.replace(fit, is_measured=True, measurement=measurement)


def _keep_to_time(fit: Fit, data: FitData) -> tuple[Fit, FitData]:
    """Plan the number of rounds anew where a fit has to end in time, with players that know of it.

    The first plan is made after the first evaluation, which comes early in such a fit. The rates fall by the latest
    plan from here on. Rounds that a fit is extended by are as many as were asked for.
    """
    is_planned = fit.recipe.minutes is not None and fit.recipe.first_rounds is None
    is_timed = len(fit.history) > 1 and (fit.evaluated or not fit.recipe.evaluate)
    if not is_planned or not is_timed or fit.end:
        return fit, data
    plan = data.plan
    if plan is None:
        plan = make_plan(fit, data)
        seconds_setup = fit.seconds_setup + plan.seconds
        fit = dataclasses.replace(fit, seconds_setup=seconds_setup)
        data = dataclasses.replace(data, plan=plan)
    rounds = plan_rounds(fit, plan)
    if rounds == fit.recipe.rounds:
        return fit, data
    fit = dataclasses.replace(fit, recipe=dataclasses.replace(fit.recipe, rounds=rounds))
    return fit, _go_on(fit, dataclasses.replace(data, plan=plan))


def _on(fit: Fit, splits: Splits) -> FitData:
    """The players of a fit on its rows."""
    p_data = fit.preprocessor.distribution(splits.train)
    players = fit.domain.make_players(fit.recipe, fit.preprocessor, p_data)
    return FitData(splits, players, fit.data_hash)


def _go_on(fit: Fit, data: FitData) -> FitData:
    """The same rows, and the players with the recipe that the fit has now."""
    return dataclasses.replace(data, players=data.players.with_recipe(fit.recipe))


def _is_due(fit: Fit, t: int) -> bool:
    """Whether an evaluation is due after round t: at regular intervals, and at the end of what was asked for.

    Where the number of rounds is decided by time, the first one comes early. There are no more of them than their
    bounds, which hold at once, have levels for.
    """
    if t in (fit.recipe.scheduled_rounds, fit.recipe.rounds):
        return True
    if fit.recipe.minutes is not None and not fit.evaluated and fit.history:
        return True
    every = fit.evaluation_interval
    is_extended = t > fit.recipe.scheduled_rounds
    is_spare = len(fit.evaluated) + 1 < fit.domain.evaluations(fit.recipe)
    return t // every > fit.rounds // every and (is_spare or is_extended)


def _keep_best(fit: Fit, generators: Sequence[Pushforward], row: HistoryRow) -> tuple[Any, ...]:
    """The G of each seed that is kept after the evaluation in this row of history."""
    evaluated = dataclasses.replace(fit, history=(*fit.history, row))
    return tuple(
        p_g.G if evaluated.choose_evaluation(seed).kept.t == row["t"] else fit.best[seed]
        for seed, p_g in enumerate(generators)
    )
