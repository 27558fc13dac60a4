"""Heads for tables: one of each choice, gates, gradients through choices, a copula to begin with, columns set right."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from onehalf.data.rows import EncodedRows
from onehalf.data.tables.copula import gaussian_copula
from onehalf.data.tables.distribution import TableLatent
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.distributions.base import Latent, Pushforward
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
    encoder = TableEncoder.fit(TABLE)
    cells = encoder.encode(TABLE)
    preprocessor = TablePreprocessor.fit(cells, encoder)
    return preprocessor, cells, preprocessor.distribution(EncodedRows.unlabelled(cells))


def generator(data, added=0.0, normal=8):
    layout, noise = data.layout, Latent(normal=normal)
    copula = gaussian_copula(data, normal, normal)
    net = MLP(jr.key(0), (normal,), (layout.entries,))
    net = jax.tree.map(lambda leaf: added * leaf if eqx.is_array(leaf) else leaf, net)
    p_z = TableLatent(noise, layout.logits)
    return Tabular(Copula(net, *copula), layout, normal), p_z


def sample_cells(preprocessor, G, p_z, n):
    return preprocessor.inverse_transform(Pushforward(G, p_z).batch(jr.key(1), n)).x


def test_every_choice_is_one_of_its_values_and_scores_are_0_where_there_is_no_number(game):
    preprocessor, _, data = game
    G, p_z = generator(data, added=1.0)
    x = np.asarray(jax.vmap(G)(p_z.sample(jr.key(1), 500)))
    assert x.shape == (500, preprocessor.layout.entries)
    start = preprocessor.layout.scores
    for size in preprocessor.layout.sizes:
        block = x[:, start : start + size]
        assert (np.sort(block, axis=1)[:, -1] == 1).all()
        assert (block.sum(axis=1) == 1).all()
        start += size
    for score, gate in enumerate(preprocessor.layout.gates):
        if gate >= 0:
            assert (x[x[:, gate] == 0, score] == 0).all()
            assert (x[x[:, gate] == 1, score] != 0).all()
    assert sum(gate >= 0 for gate in preprocessor.layout.gates) == 1


def test_the_gradient_of_a_choice_is_that_of_softmax(game):
    _, _, data = game
    G, p_z = generator(data, added=1.0)
    z = p_z.sample(jr.key(1), 1)[0]
    weights = jr.normal(jr.key(2), (data.layout.entries,)).at[: data.layout.scores].set(0.0)
    gradient = eqx.filter_grad(lambda G: weights @ G(z))(G)

    def soft(G):
        _, logits, gumbels = G._parts(z, None)
        parts, start = [], 0
        for size in data.layout.sizes:
            parts.append(jax.nn.softmax((logits + gumbels)[start : start + size]))
            start += size
        return weights[data.layout.scores :] @ jnp.concatenate(parts)

    expected = eqx.filter_grad(soft)(G)
    assert jnp.allclose(gradient.net.b, expected.net.b, atol=1e-5)
    assert float(jnp.abs(gradient.net.b).max()) > 1e-3
    assert float(jnp.abs(gradient.bias).max()) == 0


def test_the_copula_has_the_datas_correlations_and_shares(game):
    preprocessor, cells, data = game
    G, p_z = generator(data)
    made = sample_cells(preprocessor, G, p_z, N)
    rho = [stats.spearmanr(pile[:, 0], pile[:, 1]).statistic for pile in (cells, made)]
    assert abs(rho[0] - rho[1]) < 0.05
    tall = [
        pile[pile[:, 3] == 1, 0].mean() - pile[pile[:, 3] == 0, 0].mean()
        for pile in (cells, made)
    ]
    assert tall[1] > 0.4 * tall[0] > 0
    shares = [np.bincount(pile[:, 4].astype(int), minlength=3) / N for pile in (cells, made)]
    assert np.abs(shares[0] - shares[1]).max() < 0.05


def test_calibration_sets_every_column_right_and_leaves_what_goes_with_what(game):
    preprocessor, cells, data = game
    G, p_z = generator(data, added=1.5)
    right = G.calibrate(p_z.batch(jr.key(2), 16_384), preprocessor.shares)
    wrong, made = (sample_cells(preprocessor, net, p_z, 4 * N) for net in (G, right))
    for column in (0, 1):
        assert stats.ks_2samp(cells[:, column], made[:, column]).statistic < 0.03
        assert stats.ks_2samp(cells[:, column], wrong[:, column]).statistic > 0.05
    for column in (3, 4):
        shares = [
            np.bincount(pile[:, column].astype(int), minlength=3) / len(pile)
            for pile in (cells, made)
        ]
        assert np.abs(shares[0] - shares[1]).max() < 0.02
    paid = [pile[:, 2] for pile in (cells, made)]
    assert abs(np.mean(paid[0] == 0) - np.mean(paid[1] == 0)) < 0.02
    assert stats.ks_2samp(*(each[each > 0] for each in paid)).statistic < 0.03


def test_conditions_are_drawn_as_they_occur_and_kept():
    encoder = TableEncoder.fit(TABLE)
    cells = encoder.encode(TABLE)
    preprocessor = TablePreprocessor.fit(cells, encoder, ["club", "tall"])
    layout, size = preprocessor.layout, preprocessor.condition_size
    p_z = preprocessor.latent(Latent(normal=4))
    net = MLP(jr.key(0), (4,), (layout.entries,), condition_size=size)
    p_g = Pushforward(Tabular(net, layout, 4), p_z)
    assert (p_g.shape, p_g.condition_size) == ((layout.entries,), 5)
    made = preprocessor.inverse_transform(p_g.batch(jr.key(1), N)).x
    for column in (3, 4):
        shares = [
            np.bincount(pile[:, column].astype(int), minlength=3) / N for pile in (cells, made)
        ]
        assert np.abs(shares[0] - shares[1]).max() < 0.04
    wanted = jnp.asarray(preprocessor.encode_conditions(cells[:50]))
    made = preprocessor.inverse_transform(p_g.batch_given(jr.key(2), wanted)).x
    assert (made[:, 3:] == cells[:50, 3:]).all()


def test_a_copula_is_linear_in_noise_and_condition_beside_its_net():
    net = jax.tree.map(
        lambda leaf: 0 * leaf if eqx.is_array(leaf) else leaf,
        MLP(jr.key(0), (2,), (3,), condition_size=1),
    )
    A, b = jr.normal(jr.key(1), (3, 3)), jr.normal(jr.key(2), (3,))
    z, c = jnp.array([1.0, 2.0]), jnp.array([3.0])
    assert np.allclose(Copula(net, A, b)(z, c), A[0] + 2 * A[1] + 3 * A[2] + b, atol=1e-6)
