"""Heads for tables: one of each choice, gates, gradients through choices, a copula to begin with, columns set right."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.preprocessor import TableLatent, TablePreprocessor, gaussian_copula
from onehalf.distributions.base import Latent
from onehalf.nets.mlp import MLP
from onehalf.nets.tabular import Copula, Tabular

N = 4000
rng = np.random.default_rng(0)
latent = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], N)
TABLE = pa.table(
    {
        "x": np.exp(latent[:, 0]),
        "y": latent[:, 1],
        "paid": np.where(rng.random(N) < 0.3, 0.0, rng.gamma(2, size=N)),
        "tall": np.where(latent[:, 0] > 0.5, "yes", "no"),
        "club": rng.choice(["red", "blue", "green"], N, p=[0.7, 0.2, 0.1]),
    }
)


@pytest.fixture(scope="module")
def game():
    coding = TableEncoder.of(TABLE)
    rows = coding.rows(TABLE)
    units = TablePreprocessor.of(rows, coding)
    return units, rows, units.data(rows)


def generator(data, added=0.0, normal=8):
    layout, noise = data.layout, Latent(normal=normal)
    copula = gaussian_copula(data, normal, normal)
    net = MLP(jr.key(0), (normal,), (layout.scores + sum(layout.made),))
    net = jax.tree.map(lambda leaf: added * leaf if eqx.is_array(leaf) else leaf, net)
    p_z = TableLatent(noise, sum(layout.made), data.conditions, data.shares)
    return Tabular(Copula(net, *copula), layout, normal), p_z


def test_every_choice_is_one_of_its_values_and_scores_are_0_where_there_is_no_number(game):
    units, _, data = game
    G, p_z = generator(data, added=1.0)
    x = np.asarray(jax.vmap(G)(p_z.sample(jr.key(1), 500)))
    assert x.shape == (500, units.layout.entries)
    start = units.layout.scores
    for size in units.layout.made:
        block = x[:, start : start + size]
        assert (np.sort(block, axis=1)[:, -1] == 1).all()
        assert (block.sum(axis=1) == 1).all()
        start += size
    for score, gate in enumerate(units.layout.gates):
        if gate >= 0:
            assert (x[x[:, gate] == 0, score] == 0).all()
            assert (x[x[:, gate] == 1, score] != 0).all()
    assert sum(gate >= 0 for gate in units.layout.gates) == 1


def test_the_gradient_of_a_choice_is_that_of_softmax(game):
    _, _, data = game
    G, p_z = generator(data, added=1.0)
    z = p_z.sample(jr.key(1), 1)[0]
    weights = jr.normal(jr.key(2), (data.layout.entries,)).at[: data.layout.scores].set(0.0)
    gradient = eqx.filter_grad(lambda G: weights @ G(z))(G)

    def soft(G):
        _, logits, gumbels, _ = G._parts(z)
        parts, start = [], 0
        for size in data.layout.made:
            parts.append(jax.nn.softmax((logits + gumbels)[start : start + size]))
            start += size
        return weights[data.layout.scores :] @ jnp.concatenate(parts)

    expected = eqx.filter_grad(soft)(G)
    assert jnp.allclose(gradient.net.b, expected.net.b, atol=1e-5)
    assert float(jnp.abs(gradient.net.b).max()) > 1e-3
    assert float(jnp.abs(gradient.bias).max()) == 0


def test_the_copula_has_the_datas_correlations_and_shares(game):
    units, rows, data = game
    G, p_z = generator(data)
    made = units.restore(np.asarray(jax.vmap(G)(p_z.sample(jr.key(1), N))))
    rho = [stats.spearmanr(pile[:, 0], pile[:, 1]).statistic for pile in (rows, made)]
    assert abs(rho[0] - rho[1]) < 0.05
    tall = [
        pile[pile[:, 3] == 1, 0].mean() - pile[pile[:, 3] == 0, 0].mean()
        for pile in (rows, made)
    ]
    assert tall[1] > 0.4 * tall[0] > 0
    shares = [np.bincount(pile[:, 4].astype(int), minlength=3) / N for pile in (rows, made)]
    assert np.abs(shares[0] - shares[1]).max() < 0.05


def test_calibration_sets_every_column_right_and_leaves_what_goes_with_what(game):
    units, rows, data = game
    G, p_z = generator(data, added=1.5)
    right = G.calibrated(p_z.sample(jr.key(2), 16_384), units.shares)
    wrong, made = (
        units.restore(np.asarray(jax.vmap(net)(p_z.sample(jr.key(1), 4 * N))))
        for net in (G, right)
    )
    for column in (0, 1):
        assert stats.ks_2samp(rows[:, column], made[:, column]).statistic < 0.03
        assert stats.ks_2samp(rows[:, column], wrong[:, column]).statistic > 0.05
    for column in (3, 4):
        shares = [
            np.bincount(pile[:, column].astype(int), minlength=3) / len(pile)
            for pile in (rows, made)
        ]
        assert np.abs(shares[0] - shares[1]).max() < 0.02
    paid = [pile[:, 2] for pile in (rows, made)]
    assert abs(np.mean(paid[0] == 0) - np.mean(paid[1] == 0)) < 0.02
    assert stats.ks_2samp(*(each[each > 0] for each in paid)).statistic < 0.03


def test_conditions_are_given_back_and_drawn_as_they_occur():
    coding = TableEncoder.of(TABLE)
    rows = coding.rows(TABLE)
    units = TablePreprocessor.of(rows, coding, ["club", "tall"])
    data = units.data(rows)
    layout, noise = data.layout, Latent(normal=4)
    p_z = TableLatent(noise, sum(layout.made), data.conditions, data.shares)
    G = Tabular(
        MLP(jr.key(0), (4 + sum(layout.given),), (layout.scores + sum(layout.made),)), layout, 4
    )
    made = units.restore(np.asarray(jax.vmap(G)(p_z.sample(jr.key(1), N))))
    for column in (3, 4):
        shares = [
            np.bincount(pile[:, column].astype(int), minlength=3) / N for pile in (rows, made)
        ]
        assert np.abs(shares[0] - shares[1]).max() < 0.04
    wanted = jnp.asarray(units.conditions_of(rows[:50]))
    made = units.restore(np.asarray(jax.vmap(G)(p_z.given(jr.key(2), wanted))))
    assert (made[:, 3:] == rows[:50, 3:]).all()
