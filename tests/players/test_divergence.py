"""Games that leave the finite numbers."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from onehalf import fitting, report
from onehalf.data.dataset import from_objects
from onehalf.domains import infer_domain
from onehalf.fitting.cost import measure_speed
from onehalf.hyperparameters import Hyperparameters
from onehalf.players.base import Diverged
from onehalf.players.neural import NeuralPlayers, _describe_divergence
from onehalf.runs import checkpoint

OPTIONS = Hyperparameters(
    rounds=300, width=4, m=8, choices=0, normal=2, seeds=2, random_state=0, evaluate=False
)

ROWS = np.random.default_rng(0).normal(size=(100, 2))

ROWS_ENCODED = infer_domain(from_objects(ROWS)).encode(from_objects(ROWS))


@pytest.fixture(scope="module")
def begun():
    """A fit of two seeds after its first chunk, and its data."""
    domain = infer_domain(from_objects(ROWS))
    fit, data = fitting.start(domain, domain.encode(from_objects(ROWS)), OPTIONS.check())
    return fitting.advance(fit, data), data


def spoil(fit, player, seeds):
    """Put NaN into one parameter of a player of these seeds."""
    net = getattr(fit.state, player)
    arrays, rest = eqx.partition(net, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(arrays)
    leaves[0] = leaves[0].at[jnp.array(seeds)].set(jnp.nan)
    net = eqx.combine(jax.tree.unflatten(tree, leaves), rest)
    state = dataclasses.replace(fit.state, **{player: net})
    return dataclasses.replace(fit, state=state)


@pytest.mark.parametrize("player", ["D", "G", "G_average"])
def test_a_fit_ends_within_the_chunk_at_the_players_before_it(begun, player):
    fit, data = begun
    spoiled = spoil(fit, player, [0, 1])
    after = fitting.advance(spoiled, data)
    assert after.rounds == 100
    assert after.state is spoiled.state
    assert after.end == after.diverged
    assert "although rates had been lowered; the players are those of round 100; lower" in (
        after.diverged
    )
    assert np.isnan(after.history[-1]["V"]).all()
    (last,) = fitting.run(after, data)
    assert last.stopped_because == after.diverged


class Diverging(NeuralPlayers):
    """Players that leave the finite numbers in their second chunk, at the rates that they have at first."""

    def play(self, state, rounds):
        if self.rounds(state) == 100:
            raise Diverged("V was no finite number in round 150", {"V": [np.nan, np.nan]})
        return super().play(state, rounds)

    def with_recipe(self, recipe):
        return NeuralPlayers(**vars(super().with_recipe(recipe)))


def test_rates_are_lowered_once_and_a_run_goes_on_through_it(begun, tmp_path):
    fit, data = begun
    broken = dataclasses.replace(data, players=Diverging(**vars(data.players)))
    steps = list(fitting.run(fit, broken))
    last = steps[-1]
    assert last.rounds == 300
    assert last.stopped_because == "all rounds played"
    assert last.recipe.rate_D == pytest.approx(0.1 * fit.recipe.rate_D)
    assert [row.get("lowered", "") for row in last.history] == ["", last.lowered, ""]
    assert last.lowered == (
        "V was no finite number in round 150; both rates are 0.1 of what they were from round 100 on"
    )
    checkpoint.save(tmp_path, steps[0], checkpoint.Source("x.npy"), {})
    loaded = checkpoint.load(tmp_path)
    assert loaded.recipe == steps[0].recipe
    (again, _) = fitting.run(loaded, fitting.resume(loaded, ROWS_ENCODED))
    for one, other in zip(
        jax.tree.leaves(again.state), jax.tree.leaves(last.state), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    summary = report.summarize(last)
    assert summary.to_dict()["rates_lowered"] == last.lowered
    assert f"Rates were lowered: {last.lowered}." in report.text.fit_notes(summary)


def test_one_seed_of_two_may_be_lost(begun):
    fit, data = begun
    after = fitting.advance(spoil(fit, "D", [1]), data)
    assert after.rounds == 200
    assert not after.end
    assert np.isfinite(after.history[-1]["V"]).tolist() == [True, False]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"G": [1.0, 7e30, np.inf, np.nan], "V": [1, 1, 1, np.nan]},
            "G was no finite number in round 203, up to 7e+30 before",
        ),
        ({"D": [np.nan] * 4, "V": [np.nan] * 4}, "D was no finite number in round 201"),
        ({}, "a parameter was no finite number after round 204"),
    ],
)
def test_who_was_the_first_in_which_round_and_how_large(changed, sentence):
    seen = dict.fromkeys(("D", "G", "V"), [1.0] * 4)
    assert _describe_divergence(seen | changed, 200) == sentence


def test_of_several_games_the_last_to_leave_is_described():
    early = [1.0, np.nan, np.nan, np.nan, np.nan]
    late = [1.0, 3.0, 2.0, np.inf, np.nan]
    seen = {"D": np.transpose([early, late]), "V": np.ones((5, 2))}
    assert _describe_divergence(seen, 0) == "D was no finite number in round 4, up to 3 before"


def test_the_cost_of_a_fit_that_diverges_is_estimated(begun):
    fit, data = begun
    assert measure_speed(spoil(fit, "D", [0, 1]), data).chunk > 0
