"""The recipes of 2014: their numbers, counted and stepped by hand, and fits, runs and refusals by their names."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest

import onehalf as oh
from helpers import equal_trees, fit_partly
from onehalf import runs
from onehalf.distributions.empirical import Empirical
from onehalf.distributions.images import Digits
from onehalf.hyperparameters import FitOptions, Hyperparameters
from onehalf.losses import Minimax
from onehalf.presets import mnist_2014
from onehalf.presets.mnist_2014 import (
    costs,
    discriminator,
    game,
    generator,
    momentum,
    optimiser,
    pixels,
    rate,
)
from onehalf.presets.recipes import RECIPES, resolve
from onehalf.report.summary import SeedsSummary, SeedSummary
from onehalf.report.text import _describe_seeds
from onehalf.training import init, step

pytestmark = pytest.mark.usefixtures("critics_without_nets")

ASKED = {"recipe": "mnist-2014", "rounds": 200, "random_state": 3}
SMALL = np.random.default_rng(0).integers(0, 201, size=(150, 4, 4)).astype(np.uint8)
P_DATA = Empirical(jnp.asarray(SMALL / 255, jnp.float32), jnp.asarray(1 / 255))


def size(net):
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(net, eqx.is_inexact_array)))


def test_each_player_has_as_many_parameters_as_in_2014():
    D, G = discriminator(jr.key(0), (28, 28)), generator(jr.key(1), jnp.full((28, 28), 0.5))
    assert size(G) == (100 + 1) * 1200 + (1200 + 1) * 1200 + (1200 + 1) * 784 == 2_503_984
    assert size(D) == (784 + 1) * 240 * 5 + (240 + 1) * 240 * 5 + 240 + 1 == 1_231_441


def test_weights_start_as_in_2014():
    means = jnp.array([[0.0, 0.25, 1.0]])
    D, G = discriminator(jr.key(0), (1, 3)), generator(jr.key(1), means)
    for net, bound in ((D, 0.005), (G, 0.05)):
        assert len(net.weights) == 3
        for w in net.weights:
            assert 0.9 * bound < abs(w).max() <= bound
    assert np.allclose(G.biases[-1], np.log([1e-7, 1 / 3, 1e7]), rtol=2e-2)
    assert np.allclose(G(jnp.zeros(100)), [[1e-7, 0.25, 1]], rtol=1e-5)
    assert (D.activation, D.dropout, G.activation, G.out_activation) == (
        "maxout",
        (0.2, 0.5),
        "relu",
        "sigmoid",
    )
    z = mnist_2014.P_Z.sample(jr.key(0), 1000)
    assert z.std() == pytest.approx(1, abs=0.01)
    assert abs(z).max() <= np.sqrt(3)


def test_rate_falls_to_its_floor():
    expected = [0.1 / 1.000004**t for t in (0, 1, 125_000)] + [1e-6]
    assert [float(rate(t)) for t in (0, 1, 125_000, 4_000_000)] == pytest.approx(
        expected, rel=1e-6
    )


def test_momentum_is_linear_from_epoch_1_to_250():
    found = [
        float(momentum(500, 500 * (epoch - 1) + minibatch))
        for epoch in (1, 84, 250, 999)
        for minibatch in (0, 499)
    ]
    assert found == pytest.approx(
        [0.5, 0.5, 0.5 + 0.2 / 3, 0.5 + 0.2 / 3, 0.7, 0.7, 0.7, 0.7], abs=1e-6
    )


def test_the_optimiser_is_the_recursion_of_2014():
    gradients = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    by = optimiser(3)
    state, increment = by.init(jnp.zeros(3)), np.zeros(3)
    for t, gradient in enumerate(gradients):
        update, state = by.update(jnp.asarray(gradient), state)
        increment = (0.5 + 0.2 * (t // 3) / 249) * increment - 0.1 / 1.000004**t * gradient
        assert np.allclose(update, increment, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "black", "white"),
    [
        (SMALL, 0, 255),
        (Digits.rows(), 0, 16),
        (np.array([[[0.0, 0.3], [0.1, 0.9]]]), 0, 1),
        (np.array([[-3.0, 1.5], [0.0, 2.0]]), -3, 2),
    ],
)
def test_players_see_pixels_between_0_and_1(rows, black, white):
    units = pixels(rows)
    assert np.allclose(units.transform(rows), (rows - float(black)) / (white - black))
    assert np.allclose(units.inverse_transform(units.transform(rows)), rows, atol=1e-6)
    assert units.inverse_transform(units.transform(rows)).dtype == rows.dtype


def test_the_game_is_the_code_or_the_page():
    code, page = game(P_DATA), game(P_DATA, "alternating")
    assert (code.schedule, page.schedule) == ("simultaneous", "alternating")
    assert (code.m, code.k, code.average, code.epochs, code.noise, code.penalties) == (
        100,
        1,
        0.0,
        True,
        None,
        (),
    )
    assert code.V.at_tie() == (0.6931, 0.6931)
    assert isinstance(page.V, Minimax)
    # no noise between whole numbers
    assert set(np.unique(np.rint(code.p_data.sample(jr.key(0), 100) * 255))) <= set(
        np.unique(SMALL)
    )
    assert np.allclose(code.p_data.sample(jr.key(0), 9) * 255 % 1 % 0.999, 0, atol=2e-3)


def test_one_round_is_that_of_the_code():
    """Both players step from the old parameters, on one noise, through one dropout, by 0.1 times their gradients."""
    rules = game(P_DATA)
    start = init(
        rules, discriminator(jr.key(0), (4, 4)), generator(jr.key(1), P_DATA.x.mean(axis=0))
    )
    start = eqx.tree_at(
        lambda s: s.D,
        start,
        jax.tree.map(lambda w: 20 * w if eqx.is_inexact_array(w) else w, start.D),
    )
    key_D = jr.split(jr.fold_in(jr.key(2), 0))[0]
    _, key_z, key_d = jr.split(jr.split(key_D, 1)[0], 3)
    keys = jr.split(jr.split(key_d, 4)[1], 100)
    z = rules.p_z.sample(key_z, 100)

    def objective_g(G):
        d = jax.vmap(lambda z, key: start.D(G(z), key=key))(z, keys)
        return jnp.mean(jax.nn.softplus(-d))

    expected = jax.tree.map(
        lambda g: -0.1 * g, eqx.filter_jit(eqx.filter_grad(objective_g))(start.G)
    )
    after, _ = step(jr.key(2), rules, start)
    moved = jax.tree.map(
        lambda a, b: a - b, eqx.filter(after.G, eqx.is_array), eqx.filter(start.G, eqx.is_array)
    )
    for a, b in zip(
        moved.weights + moved.biases, expected.weights + expected.biases, strict=True
    ):
        assert np.allclose(a, b, atol=1e-7)


def test_costs_are_log_2_at_the_start_and_V_is_minus_2_objective_d():
    rules = game(P_DATA)
    state = init(
        rules, discriminator(jr.key(0), (4, 4)), generator(jr.key(1), P_DATA.x.mean(axis=0))
    )
    assert np.allclose(costs(jr.key(2), rules, state, 50), np.log(2), atol=1e-3)
    sure = eqx.tree_at(lambda s: s.D.biases[-1], state, jnp.full(1, 10.0))
    assert np.allclose(costs(jr.key(2), rules, sure, 50), (5, 0), atol=1e-2)


@pytest.fixture(scope="module")
def gan():
    return oh.GAN(**ASKED).fit(SMALL)


def test_a_fit_by_name(gan):
    assert gan.fit_.stopped_because == "all rounds played"
    assert gan.recipe_.schedule == "simultaneous"
    assert gan.history_[0]["V"][0] == pytest.approx(-np.log(4), abs=0.02)
    fakes = gan.sample(300, random_state=0)
    assert (fakes.shape, fakes.dtype) == ((300, 4, 4), np.uint8)
    assert fakes.max() <= SMALL.max()
    assert abs(fakes.mean() - SMALL.mean()) < 60
    assert gan.certificate_.n_real == 22


def test_the_last_G_is_kept(gan):
    assert equal_trees(gan.fit_.best[0], gan.fit_.state.G)
    assert gan.fit_.choose_evaluation(0).kept.t == 200
    looks = [row for row in gan.history_ if "jsd_estimate" in row]
    recipe = dataclasses.replace(gan.recipe_, rounds=3000)
    history = tuple({**looks[0], "t": t, "jsd_estimate": [0.1 * t]} for t in range(1, 8))
    worse = dataclasses.replace(gan.fit_, recipe=recipe, history=history)
    assert worse.choose_evaluation(0).kept.t == 7
    assert worse.end == ""
    broken = (*history, {**looks[0], "t": 8, "jsd_estimate": [np.nan]})
    worse = dataclasses.replace(worse, history=broken)
    assert worse.choose_evaluation(0).kept.t == 7
    seeds = SeedsSummary((SeedSummary(3, 0.2, 0.01, 0.1, 200),), 3, None)
    (sentence,) = _describe_seeds(seeds, keeps_last=worse.recipe.keeps_last)
    assert (
        "this recipe keeps the last G (estimate on validation data: 0.200 ± 0.010 nats)"
        in sentence
    )


@pytest.mark.slow
def test_a_fit_that_was_interrupted_is_the_fit_that_was_not(gan, monkeypatch):
    monkeypatch.setattr("onehalf.fitting.evaluations.compare", lambda *_, **__: None)
    halved = fit_partly(oh.GAN(**ASKED, warm_start=True), SMALL)
    halved.fit(SMALL)
    assert equal_trees(halved.fit_.state, gan.fit_.state)
    assert (halved.sample(5, random_state=0) == gan.sample(5, random_state=0)).all()


@pytest.mark.slow
def test_a_run_on_disk(tmp_path, gan, monkeypatch):
    monkeypatch.setattr("onehalf.fitting.evaluations.compare", lambda *_, **__: None)
    np.save(tmp_path / "x.npy", SMALL)

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.fit_run(
            tmp_path / "run", str(tmp_path / "x.npy"), FitOptions(**ASKED), watch=interrupted
        )
    assert runs.load(tmp_path / "run").rounds == 100
    with pytest.raises(oh.Refusal, match="recipe: expected 'mnist-2014', as"):
        runs.fit_run(
            tmp_path / "run", str(tmp_path / "x.npy"), FitOptions(**ASKED | {"recipe": None})
        )
    played, _ = runs.fit_run(tmp_path / "run", str(tmp_path / "x.npy"), FitOptions(**ASKED))
    assert equal_trees(played.state, gan.fit_.state)
    again = oh.GAN.from_fit(runs.load(tmp_path / "run"))
    assert again.recipe_ == gan.recipe_
    assert again.recipe_.keeps_last
    assert (again.sample(5, random_state=0) == gan.sample(5, random_state=0)).all()


def test_250_epochs_if_nothing_else_is_asked_for():
    asked = Hyperparameters(recipe="mnist 2014 algorithm 1").check()
    recipe = resolve(asked, 1234)
    assert (recipe.rounds, recipe.m, recipe.loss, recipe.schedule) == (
        3085,
        100,
        "Minimax",
        "alternating",
    )


def test_what_is_left_at_its_default_is_not_asked_for():
    for name, fixed in RECIPES.items():
        asked = Hyperparameters(recipe=name, **fixed, random_state=0).check()
        assert resolve(asked, 1234).to_dict().items() >= fixed.items()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"recipe": "mnist"}, "recipe: expected one of mnist-2014"),
        (
            {"loss": "Hinge"},
            "loss: expected 'NonSaturating', which the recipe mnist-2014 fixes; got 'Hinge'",
        ),
        ({"k": 2}, "k: expected 1, which"),
        ({"m": 32}, "m: expected 100, which"),
        ({"width": 64}, "width: expected 1200, which"),
        ({"rate_D": 0.01}, "rate_D: expected 0.1, which"),
        ({"noise": 0.5}, "noise: expected 0, which"),
        ({"average": 0.9}, "average: expected 0, which"),
        ({"net": "convolutional"}, "net: expected 'mlp', which"),
        ({"rounds": 0}, "rounds: expected a whole number"),
        ({"seeds": 0}, "seeds: expected a whole number"),
    ],
)
def test_what_a_recipe_fixes_is_refused_otherwise(asked, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        oh.GAN(**{"recipe": "mnist-2014"} | asked).fit(SMALL)


@pytest.mark.parametrize(
    ("asked", "data", "sentence"),
    [
        (
            {"label": "class"},
            (SMALL, np.arange(150) % 3),
            "recipe: expected an array without labels for .*; got labels",
        ),
        (
            {},
            (pa.table({"a": np.arange(150) / 7}),),
            "recipe: expected an array without labels for .*; got a table",
        ),
        ({}, (SMALL[:140],), "X: expected a minibatch of 100 training rows or more; got 98"),
    ],
)
def test_data_that_the_recipe_cannot_play_are_refused(asked, data, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        oh.GAN(recipe="mnist-2014", **asked).fit(*data)
