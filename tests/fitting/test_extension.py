"""A fit that is asked for more rounds: what was trained stays, and test rows are used again at half the level."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import onehalf as oh
from helpers import equal_trees
from onehalf import Refusal, fitting, runs
from onehalf.data.dataset import from_objects
from onehalf.domains import infer_domain
from onehalf.fitting import evaluations
from onehalf.hyperparameters import FitOptions, Hyperparameters
from onehalf.players.neural import make_game
from onehalf.report import describe_fit, summarize

pytestmark = pytest.mark.usefixtures("critics_without_nets")

ROWS = np.random.default_rng(0).normal(size=(150, 2))
SMALL = {"width": 8, "m": 16, "choices": 4, "random_state": 0}


def start(rounds, **asked):
    domain = infer_domain(from_objects(ROWS))
    rows = domain.encode(from_objects(ROWS))
    return fitting.start(domain, rows, Hyperparameters(rounds=rounds, **SMALL | asked).check())


def train(fit, data):
    *_, last = fitting.run(fit, data)
    return last


def without_times(history):
    return [
        {name: value for name, value in row.items() if not name.startswith("seconds")}
        for row in history
    ]


@pytest.fixture(scope="module")
def whole():
    """A fit of 250 rounds, and the same extended to 400."""
    fit, data = start(250)
    first = train(fit, data)
    extended = fitting.extend(first, 400)
    data = fitting.resume(extended, infer_domain(from_objects(ROWS)).encode(from_objects(ROWS)))
    return first, train(extended, data)


def test_what_was_trained_before_an_extension_stays(whole):
    first, extended = whole
    assert extended.rounds == 400
    assert extended.stopped_because == "all rounds played"
    assert [row["t"] for row in extended.history] == [100, 200, 250, 350, 400]
    assert without_times(extended.history[:3]) == without_times(first.history)


def test_an_interrupted_fit_that_is_extended_is_the_one_that_ended_first(whole):
    fit, data = start(250)
    fit = fitting.advance(fit, data)
    fit = fitting.extend(fit, 400)
    data = fitting.resume(fit, infer_domain(from_objects(ROWS)).encode(from_objects(ROWS)))
    again = train(fit, data)
    assert without_times(again.history) == without_times(whole[1].history)
    assert equal_trees(again.state, whole[1].state)
    # the test rows had not been used yet
    assert again.measured_at == ()
    assert again.measurement.alpha == 0.05


def test_added_rounds_are_at_the_last_rate_and_without_noise():
    fit, data = start(200)
    longer = dataclasses.replace(fit.recipe, rounds=1000, first_rounds=200)
    games = [
        make_game(recipe, data.players.game.p_data, fit.p_z) for recipe in (fit.recipe, longer)
    ]
    for t in (0, 70, 199):
        assert games[0].rate(jnp.asarray(t)) == games[1].rate(jnp.asarray(t))
        assert games[0].noise(jnp.asarray(t)) == games[1].noise(jnp.asarray(t))
    for t in (200, 999):
        assert games[1].rate(jnp.asarray(t)) == pytest.approx(0.01)
        assert games[1].noise(jnp.asarray(t)) == 0


def test_test_rows_are_used_again_at_half_the_level_and_this_is_said(whole):
    first, extended = whole
    assert (first.measurement.alpha, extended.measurement.alpha) == (0.05, 0.025)
    assert extended.measured_at == (250,)
    words = " ".join(describe_fit(extended))
    assert "used before, at round 250" in words
    assert "at level 0.025 instead of 0.05" in words
    assert "hold together with 90 % confidence" in words
    assert "used before" not in " ".join(describe_fit(first))
    assert summarize(extended).to_dict()["measured_at"] == [250]
    assert fitting.extend(extended, 500).measured_at == (250, 400)


def test_evaluations_of_added_rounds_have_no_bound(monkeypatch):
    monkeypatch.setattr(
        evaluations,
        "certify",
        lambda *_, **__: evaluations.Evaluation(0.2, 0.01, 0.1, 3.0),
    )
    fit, data = start(100)
    fit = fitting.extend(fitting.advance(fit, data), 200)
    fit = fitting.advance(fit, data)
    assert [row["jsd_lower"] for row in fit.history] == [[0.1], [0.0]]


def test_an_extension_goes_on_though_the_fit_had_stopped():
    fit, _ = start(2000, noise=0)
    values = [0.1, *[0.5] * 6]
    history = tuple(
        {"t": 100 * (place + 1), "V": [-1.0], "jsd_estimate": [value], "jsd_se": [0.01]}
        for place, value in enumerate(values)
    )
    stopped = dataclasses.replace(fit, history=history, rounds=700)
    assert stopped.end
    assert not fitting.extend(stopped, 3000).end


def test_a_run_is_extended_by_more_rounds_and_saved(tmp_path):
    np.save(tmp_path / "x.npy", ROWS)
    word = str(tmp_path / "x.npy")
    options = FitOptions(rounds=100, evaluate=False, **SMALL)
    runs.fit_run(tmp_path / "run", word, options)
    said = []
    more = FitOptions(rounds=200, evaluate=False, **SMALL)
    fit, _ = runs.fit_run(tmp_path / "run", word, more, on_progress=said.append)
    assert "goes on after round 100 of 100, now to round 200" in " ".join(said)
    loaded = runs.load(tmp_path / "run")
    assert (loaded.rounds, loaded.recipe) == (200, fit.recipe)
    assert (fit.recipe.rounds, fit.recipe.first_rounds, loaded.extended_at) == (200, 100, 100)
    for same in (options, more):  # both commands leave it as it is now
        assert runs.fit_run(tmp_path / "run", word, same)[0].rounds == 200
    fewer = FitOptions(rounds=150, evaluate=False, **SMALL)
    with pytest.raises(
        Refusal, match=r"rounds: expected 100, as .*; got 150\. .* extend a run"
    ):
        runs.fit_run(tmp_path / "run", word, fewer)


def test_the_estimator_is_extended_by_more_rounds():
    gan = oh.GAN(rounds=100, evaluate=False, warm_start=True, **SMALL).fit(ROWS)
    gan.set_params(rounds=200).fit(ROWS)
    assert [row["t"] for row in gan.history_] == [100, 200]
    with pytest.raises(Refusal, match="rounds: expected more than 200; got 200"):
        fitting.extend(gan.fit_, 200)
