"""Algorithm 1: the loop by hand, resuming, many games at once, schedules, lazy penalties."""

import runpy
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import onehalf as oh
from helpers import equal_trees
from onehalf._registry import catalogue
from onehalf.distributions.conditional import Conditional, ConditionalLatent
from onehalf.distributions.empirical import Empirical
from onehalf.nets.base import AbstractNet
from onehalf.training import SCHEDULES, _shuffled

GAME = oh.Game(oh.distributions.Ring(), oh.Latent(normal=2), m=32)


def players(key, game=GAME):
    key_D, key_G = jr.split(key)
    shape = game.p_data.shape
    return oh.init(
        game,
        oh.nets.MLP(key_D, shape, (), width=8),
        oh.nets.MLP(key_G, game.p_z.shape, shape, width=8),
    )


def leaves(tree):
    return jax.tree.leaves(eqx.filter(tree, eqx.is_array))


def test_the_loop_by_hand_gives_the_same_players():
    hand = runpy.run_path(str(Path(__file__).parents[1] / "examples" / "by_hand.py"))
    game = oh.Game(hand["p_data"], hand["p_z"])
    D = oh.nets.MLP(jr.key(1), (2,), ())
    G = oh.nets.MLP(jr.key(2), (2,), (2,))
    state = oh.train(jr.key(0), game, oh.init(game, D, G), rounds=100)
    assert equal_trees((state.D, state.G), (hand["D"], hand["G"]), tolerance=1e-5)
    assert not equal_trees(state.D, D, tolerance=1e-3)


def test_train_is_step_after_step():
    state = stepped = players(jr.key(1))
    for _ in range(5):
        stepped, info = oh.step(jr.key(0), GAME, stepped)
    trained = oh.train(jr.key(0), GAME, state, 5, every=2)
    assert equal_trees(trained, stepped, tolerance=1e-6)
    seen = [
        (int(later.t), infos) for later, infos in oh.iterate(jr.key(0), GAME, state, 5, every=2)
    ]
    assert [t for t, _ in seen] == [2, 4, 5]
    assert np.allclose(seen[-1][1].V[-1], info.V, rtol=1e-5)


@pytest.mark.parametrize("n", [7, pytest.param(100, marks=pytest.mark.slow)])
def test_a_game_that_was_stopped_is_the_game_that_was_not(n):
    start = players(jr.key(1))
    whole = oh.train(jr.key(0), GAME, start, 2 * n)
    halves = oh.train(jr.key(0), GAME, oh.train(jr.key(0), GAME, start, n), n)
    assert equal_trees(whole, halves)
    # nor does the number of rounds count that are computed at a time
    assert equal_trees(whole, oh.train(jr.key(0), GAME, start, 2 * n, every=n - 2))


def test_the_state_that_train_is_given_stays_usable():
    start = players(jr.key(1))
    oh.train(jr.key(0), GAME, start, 3)
    assert all(np.isfinite(leaf).all() for leaf in leaves(start))


def test_many_games_are_the_games_alone():
    keys, seeds = jr.split(jr.key(0), 4), jr.split(jr.key(1), 4)
    together = oh.train(keys, GAME, eqx.filter_vmap(players)(seeds), 10)
    for game in range(4):
        alone = oh.train(keys[game], GAME, players(seeds[game]), 10)
        assert equal_trees(
            alone,
            jax.tree.map(
                lambda leaf, i=game: leaf[i] if eqx.is_array(leaf) else leaf, together
            ),
            1e-4,
        )
    assert len(together.t.sharding.device_set) == 2


def test_simultaneous_uses_the_old_players_and_one_batch():
    # With plain SGD of rate 0 for D both schedules meet the same D; the noise differs, so G does.
    kept = {
        name: oh.Game(GAME.p_data, GAME.p_z, m=32, schedule=name, optimiser_D=optax.sgd(0.0))
        for name in SCHEDULES
    }
    start = players(jr.key(1))
    after = {name: oh.step(jr.key(0), game, start)[0] for name, game in kept.items()}
    assert not equal_trees(after["alternating"].G, after["simultaneous"].G, 1e-9)
    # By hand, from the old D, on the noise that D saw.
    game = oh.Game(
        GAME.p_data, GAME.p_z, m=32, schedule="simultaneous", optimiser_G=optax.sgd(0.1)
    )
    start = players(jr.key(1), game)
    key_D, _ = jr.split(jr.fold_in(jr.key(0), 0))
    z = game.p_z.sample(jr.split(jr.split(key_D, 1)[0], 3)[1], 32)
    gradient = eqx.filter_grad(
        lambda G: jnp.mean(jax.nn.softplus(-jax.vmap(start.D)(jax.vmap(G)(z))))
    )(start.G)
    expected = eqx.apply_updates(start.G, jax.tree.map(lambda g: -0.1 * g, gradient))
    assert equal_trees(oh.step(jr.key(0), game, start)[0].G, expected, 1e-6)


class Count(AbstractNet):
    """d(x) = w x: for rows that are one-hot, a step of D moves the weight of each row by how often it was seen."""

    w: jax.Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    out_shape: tuple[int, ...] = eqx.field(static=True, default=())
    condition_size: int = eqx.field(static=True, default=0)

    def __call__(self, x, c=None, *, key=None):
        return self.w @ x


class Nothing(AbstractNet):
    """G(z) = 0, which moves no weight."""

    out_shape: tuple[int, ...] = eqx.field(static=True)
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    condition_size: int = eqx.field(static=True, default=0)

    def __call__(self, z, c=None, *, key=None):
        return jnp.zeros(self.out_shape)


def counting(n, **rules):
    """A game on n one-hot rows, and its start."""
    sgd = optax.sgd(0.1)
    game = oh.Game(
        Empirical(jnp.eye(n)), oh.Latent(normal=2), optimiser_D=sgd, optimiser_G=sgd, **rules
    )
    return game, oh.init(game, Count(jnp.zeros(n), (n,)), Nothing((n,)))


def counted(n, rounds, seed=0, **rules):
    """By how much D wants each of n one-hot rows up after so many rounds."""
    return np.asarray(oh.train(jr.key(seed), *counting(n, **rules), rounds).D.w)


def test_nothing_moves_between_host_and_device_from_scan_to_scan():
    key = jr.key(0)
    game, start = counting(5, m=4)
    oh.train(key, game, start, 2, every=2)  # what is compiled takes its constants along
    with jax.transfer_guard("disallow"):
        states = [state for state, _ in oh.iterate(key, game, start, 4, every=2)]
    assert len(states) == 2


def test_k_steps_of_D_see_fresh_batches():
    """Of 10,000 rows, each of the three steps sees 8 others."""
    assert np.sum(counted(10_000, rounds=1, m=8, k=3) > 0) == 24
    assert np.sum(counted(10_000, rounds=1, m=8, k=1) > 0) == 8


@pytest.mark.parametrize(
    ("n", "m", "k", "rounds"),
    [
        pytest.param(120, 8, 3, 10, marks=pytest.mark.slow),
        (12, 4, 3, 1),
        (10, 4, 1, 5),
        (3, 5, 1, 3),
    ],
)
def test_each_epoch_has_all_rows_once(n, m, k, rounds):
    weights, drawn = (counted(n, rounds, m=m, k=k, epochs=epochs) for epochs in (True, False))
    assert np.allclose(weights, weights.mean(), rtol=0.1)
    assert not np.allclose(drawn, drawn.mean(), rtol=0.1)


def test_an_unfinished_epoch_has_no_row_twice():
    first, second = (counted(100, 5, seed, m=10, epochs=True) for seed in (0, 1))
    assert (np.sum(first > 0), np.sum(second > 0)) == (50, 50)
    assert 10 < np.sum((first > 0) & (second > 0)) < 40


@pytest.mark.parametrize("n", [2, 5, 97])
def test_an_order_is_a_permutation_and_each_is_as_likely(n):
    draws = 20_000 // n
    orders = jax.vmap(
        lambda key: jax.vmap(lambda place: _shuffled(key, place, n))(jnp.arange(n))
    )
    found = np.asarray(orders(jr.split(jr.key(n), draws)))
    assert (np.sort(found, axis=1) == np.arange(n)).all()
    pairs = np.bincount(found[:, 0] * n + found[:, 1], minlength=n * n).reshape(n, n)
    firsts = pairs.sum(axis=1)
    assert ((firsts - draws / n) ** 2 / (draws / n)).sum() < n + 5 * np.sqrt(2 * n)
    expected = draws / (n * (n - 1))
    apart = pairs[~np.eye(n, dtype=bool)]
    assert ((apart - expected) ** 2 / expected).sum() < n**2 + 5 * np.sqrt(2) * n


def test_a_game_in_epochs_that_was_stopped_is_the_game_that_was_not():
    game, start = counting(50, m=32, epochs=True)
    whole = oh.train(jr.key(0), game, start, 10)
    assert equal_trees(whole, oh.train(jr.key(0), game, oh.train(jr.key(0), game, start, 5), 5))
    keys = jr.split(jr.key(3), 2)
    together = oh.train(
        keys, game, jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), start), 5
    )
    alone = [oh.train(key, game, start, 5).D.w for key in keys]
    assert np.allclose(together.D.w, alone, atol=1e-6)
    assert not np.allclose(*alone, atol=1e-4)


@pytest.mark.parametrize("name", sorted(catalogue("penalties")))
def test_a_lazy_penalty_is_paid_in_its_rounds_and_scaled(name):
    kind = catalogue("penalties")[name]
    optimiser = optax.sgd(0.01)

    def D_after(penalty, t):
        game = oh.Game(GAME.p_data, GAME.p_z, m=32, penalties=penalty, optimiser_D=optimiser)
        start = eqx.tree_at(
            lambda state: state.t, players(jr.key(1), game), jnp.asarray(t, jnp.int32)
        )
        return oh.step(jr.key(0), game, start)[0].D

    assert equal_trees(D_after((kind(gamma=0.5, every=4),), 3), D_after((), 3), 1e-7)
    assert equal_trees(
        D_after((kind(gamma=0.5, every=4),), 4), D_after((kind(gamma=2.0, every=1),), 4), 1e-6
    )
    assert not equal_trees(D_after((kind(gamma=0.5, every=4),), 4), D_after((), 4), 1e-6)


def test_the_average_follows_G():
    state = oh.train(jr.key(0), GAME, players(jr.key(1)), 50)
    assert not equal_trees(state.G, state.G_average, 1e-6)
    last = oh.Game(GAME.p_data, GAME.p_z, m=32, average=0.0)
    state = oh.train(jr.key(0), last, players(jr.key(1), last), 5)
    assert equal_trees(state.G, state.G_average)


def test_info_at_a_tie():
    game = GAME
    state = players(jr.key(1))
    zero = eqx.tree_at(lambda s: s.D.weights[-1], state, replace_fn=jnp.zeros_like)
    _, info = oh.step(jr.key(0), game, zero)
    assert np.allclose([info.V, info.D_x, info.D_Gz], [-np.log(4), 0.5, 0.5], atol=1e-6)
    assert info.gradient_D > 0


def test_noise_and_rate_are_schedules_of_the_round():
    still = oh.Game(GAME.p_data, GAME.p_z, m=32, rate=lambda t: jnp.where(t < 2, 0.0, 1.0))
    start = players(jr.key(1), still)
    assert equal_trees(oh.train(jr.key(0), still, start, 2).G, start.G)
    assert not equal_trees(oh.train(jr.key(0), still, start, 3).G, start.G)
    blurred = oh.Game(GAME.p_data, GAME.p_z, m=32, noise=lambda t: jnp.asarray(3.0))
    plain = oh.step(jr.key(0), GAME, start)[1]
    assert not np.allclose(
        oh.step(jr.key(0), blurred, start)[1].gradient_D, plain.gradient_D, rtol=1e-3
    )


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"k": 0}, "k: expected at least 1"),
        ({"m": 0}, "m: expected at least 1"),
        ({"schedule": "in turns"}, "schedule: expected one of alternating, simultaneous"),
        ({"schedule": "simultaneous", "k": 2}, "k: expected 1"),
        ({"average": 1.5}, "average: expected a rate"),
        ({"epochs": True}, "epochs: expected rows of an array to go through; got Ring"),
    ],
)
def test_rules_that_are_none_are_refused(bad, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        oh.Game(GAME.p_data, GAME.p_z, **bad)


def test_players_that_do_not_fit_are_refused():
    D, G = oh.nets.MLP(jr.key(0), (2,), ()), oh.nets.MLP(jr.key(0), (3,), (2,))
    with pytest.raises(oh.Refusal, match=r"G takes: expected shape \(2,\); got \(3,\)"):
        oh.init(GAME, D, G)


def conditional(noise=None, **rules):
    """A game on rows (class, class) of two classes, and its start."""
    codes = jnp.arange(40)[:, None] % 2
    rows = Empirical(jnp.tile(codes.astype(jnp.float32), (1, 2)))
    distinct, shares = jnp.eye(2), jnp.full(2, 0.5)
    game = oh.Game(
        Conditional(rows, codes, (2,)),
        ConditionalLatent(oh.Latent(normal=3), distinct, shares),
        m=32,
        noise=noise,
        **rules,
    )
    D = oh.nets.MLP(jr.key(1), (2,), (), width=8, condition_size=2)
    return game, D, oh.nets.MLP(jr.key(2), (3,), (2,), width=8, condition_size=2)


@pytest.mark.parametrize(
    "schedule", ["alternating", pytest.param("simultaneous", marks=pytest.mark.slow)]
)
def test_a_game_with_conditions_teaches_G_to_follow_them(schedule):
    rules = {"optimiser_D": optax.adam(2e-3, b1=0.0), "optimiser_G": optax.adam(2e-3, b1=0.0)}
    game, D, G = conditional(schedule=schedule, **rules)
    state = oh.train(jr.key(0), game, oh.init(game, D, G), 1500)
    x, c = oh.Pushforward(state.G_average, game.p_z).batch(jr.key(3), 500)
    means = [float(x[c[:, place] == 1].mean()) for place in (0, 1)]
    assert means == pytest.approx([0, 1], abs=0.3)


class SeesConditions(AbstractNet):
    """d(x, c): 0 where the condition is one-hot, infinite where it is not."""

    w: jax.Array
    in_shape: tuple[int, ...] = eqx.field(static=True, default=(2,))
    out_shape: tuple[int, ...] = eqx.field(static=True, default=())
    condition_size: int = eqx.field(static=True, default=2)

    def __call__(self, x, c=None, *, key=None):
        return self.w + jnp.where((c == 0) | (c == 1), 0.0, jnp.inf).sum() + 0 * x.sum()


def test_D_sees_conditions_without_noise():
    game, _, G = conditional(noise=lambda t: jnp.asarray(3.0))
    state = oh.init(game, SeesConditions(jnp.zeros(())), G)
    assert np.isfinite(oh.step(jr.key(0), game, state)[1].D_x)
    assert float(oh.step(jr.key(0), game, state)[1].V) == pytest.approx(-np.log(4))


def test_rows_with_conditions_come_in_epochs_with_their_own():
    game, _, G = conditional(epochs=True)
    batch = game.p_data.batch_at(jr.key(0), jnp.arange(40))
    assert np.array_equal(batch.x[:, 0], batch.c[:, 1])
    state = oh.train(jr.key(0), game, oh.init(game, SeesConditions(jnp.zeros(())), G), 3)
    assert np.isfinite(state.D.w)


@pytest.mark.parametrize(
    ("D", "G", "sentence"),
    [
        (2, 0, "G takes: expected conditions of 2 numbers, as p_data gives; got 0"),
        (0, 2, "D takes: expected conditions of 2 numbers, as p_data gives; got 0"),
    ],
)
def test_players_of_other_conditions_are_refused(D, G, sentence):
    game, _, _ = conditional()
    D = oh.nets.MLP(jr.key(0), (2,), (), condition_size=D)
    G = oh.nets.MLP(jr.key(0), (3,), (2,), condition_size=G)
    with pytest.raises(oh.Refusal, match=sentence):
        oh.init(game, D, G)


def test_a_latent_of_other_conditions_is_refused():
    game, D, G = conditional()
    other = oh.Game(game.p_data, game.p_z.noise, m=32)
    with pytest.raises(oh.Refusal, match="p_z gives: expected conditions of 2 numbers"):
        oh.init(other, D, G)
