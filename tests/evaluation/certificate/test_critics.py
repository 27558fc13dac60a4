"""The ensemble: what it sees, that it falls silent where there is nothing, and that it is settled by its key."""

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest

from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation._products import matmul
from onehalf.evaluation.certificate import critics, members
from onehalf.evaluation.certificate.bounds import payoff
from onehalf.evaluation.certificate.critics import learn
from onehalf.evaluation.certificate.scaling import PROJECTED, _Standard
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.base import CONVOLUTIONS, PAIRS, PLAIN, TREES
from onehalf.evaluation.features.images import ImageEncoder
from onehalf.evaluation.features.relations import OF_RELATIONS
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder

CENTRES = np.random.default_rng(9).normal(size=(8, 6)) * 4


def gain(critic, x, y):
    """(V + log 4)/2 on new rows, in nats."""
    return payoff(critic.d(x), critic.d(y)[:, None], -10, 10).mean()


def bits(rng, n, tilt):
    """Three fair bits, of which the parity is even with probability 1/2 + tilt: all pairs of bits are independent."""
    rows = rng.integers(0, 2, (n, 3))
    rows[:, 2] = (rows[:, 0] + rows[:, 1] + (rng.random(n) > 0.5 + tilt)) % 2
    return rows.astype(float)


def ripple(rng, n, amplitude):
    """Points of the unit square with the density 1 + amplitude sin(4 pi a) sin(4 pi b)."""
    rows = rng.random((4 * n, 2))
    density = 1 + amplitude * np.sin(4 * np.pi * rows).prod(axis=1)
    return rows[rng.random(4 * n) < density / 2][:n]


def words(rng, n, kept):
    """Two columns of five words, the second of which is the first with probability `kept`, else any."""
    first, other = rng.integers(0, 5, (2, n))
    return np.column_stack([first, np.where(rng.random(n) < kept, first, other)]).astype(float)


def sums(rng, n, noise):
    """Two columns, their sum with an error, and six columns of noise."""
    a, b = rng.integers(1, 50, (2, n))
    total = a + b + np.rint(noise * rng.normal(size=n))
    return np.column_stack([a, b, total, rng.normal(size=(n, 6))])


def groups(rng, n, count):
    return CENTRES[rng.integers(0, count, n)] + rng.normal(size=(n, 6))


@pytest.mark.parametrize(
    ("kind", "pair", "jsd"),
    [
        (
            "linear",
            lambda rng, n: (rng.normal(size=(n, 3)), rng.normal([0.5, 0, 0], size=(n, 3))),
            0.030311,
        ),
        (
            "quadratic",
            lambda rng, n: (rng.normal(size=(n, 1)), 1.3 * rng.normal(size=(n, 1))),
            0.016300,
        ),
        (
            "waves",
            lambda rng, n: (rng.normal(size=(n, 1)), 1.3 * rng.normal(size=(n, 1))),
            0.016300,
        ),
        (
            "nets",
            lambda rng, n: (rng.normal(size=(n, 1)), 1.3 * rng.normal(size=(n, 1))),
            0.016300,
        ),
        ("cells", lambda rng, n: (bits(rng, n, 0.0), bits(rng, n, 0.2)), 0.020755),
        ("cubic", lambda rng, n: (bits(rng, n, 0.0), bits(rng, n, 0.2)), 0.020755),
        ("ripples", lambda rng, n: (rng.random((n, 2)), ripple(rng, n, 0.8)), 0.022683),
        ("pairs", lambda rng, n: (words(rng, n, 0.8), words(rng, n, 0.3)), 0.090618),
        ("trees", lambda rng, n: (sums(rng, n, 0), sums(rng, n, 3)), 0.48),
        ("cells", lambda rng, n: (groups(rng, n, 8), groups(rng, n, 7)), 0.045259),
    ],
)
def test_each_member_sees_what_it_is_for(kind, pair, jsd):
    rng = np.random.default_rng(0)
    critic = learn(jr.key(0), *pair(rng, 2000), 2000, kinds=(kind,))
    assert 0.6 * jsd < gain(critic, *pair(rng, 50_000)) < 1.1 * jsd


def test_it_falls_silent_where_there_is_nothing():
    rng = np.random.default_rng(0)
    for seed in range(5):
        critic = learn(jr.key(seed), rng.normal(size=(500, 4)), rng.normal(size=(500, 4)), 500)
        assert gain(critic, rng.normal(size=(20_000, 4)), rng.normal(size=(20_000, 4))) > -0.004


def test_the_same_key_gives_the_same_critic():
    x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
    assert (learn(jr.key(3), x, y, 100).d(x) == learn(jr.key(3), x, y, 100).d(x)).all()


@pytest.mark.parametrize("n", [4, 10, 50])
def test_a_few_rows_are_enough_to_run(n):
    x, y = np.random.default_rng(0).normal(size=(2, n, 3))
    assert np.isfinite(learn(jr.key(0), x, y, n).d(x)).all()


def test_scales_and_far_outliers_do_not_blind_it():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 2)), rng.normal([1.0, 0.0], size=(2000, 2))
    wild = [rows * [1e-9, 1e9] + [5.0, 0.0] for rows in (x, y)]
    wild[0][0, 1] = 1e15
    critic = learn(jr.key(0), wild[0][:1000], wild[1][:1000], 1000)
    assert gain(critic, wild[0][1000:], wild[1][1000:]) > 0.08  # the true JSD is 0.111


def test_a_column_that_grows_like_exp_is_compressed():
    x, y = np.random.default_rng(0).normal(size=(2, 2000, 1)) + np.array([[[0.0]], [[1.0]]])
    critic = learn(jr.key(0), np.exp(4 * x[:1000]), np.exp(4 * y[:1000]), 1000)
    assert gain(critic, np.exp(4 * x[1000:]), np.exp(4 * y[1000:])) > 0.08


def test_a_new_row_may_lie_anywhere():
    x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
    x[:, 1] = y[:, 1] = 0.0
    critic = learn(jr.key(0), x, y, 100)
    assert np.isfinite(critic.d(np.array([[1e300, -1e300], [0.0, 1e40], [1e-300, 1.0]]))).all()


def test_wide_rows_are_projected():
    x, y = (
        np.random.default_rng(0).normal(size=(2, 60, 3000))
        + np.array([0.0, 0.2])[:, None, None]
    )
    assert _Standard(x)(y).shape == (60, PROJECTED)
    critic = learn(jr.key(0), x[:30], y[:30], 30, kinds=("linear",))
    assert gain(critic, x[30:], y[30:]) > 0.2


def test_products_raise_no_alarm_and_keep_what_is_not_finite():
    assert np.isnan(matmul(np.array([[np.inf]]), np.array([[0.0]])))


def test_a_member_with_nan_does_not_pass_for_no_difference(monkeypatch):
    monkeypatch.setattr(
        members, "fit_logistic", lambda *_: np.full((1, 3, 4), np.nan, np.float32)
    )
    x, y = np.random.default_rng(0).normal(size=(2, 100, 2))
    with pytest.raises(FloatingPointError, match="finite logits"):
        learn(jr.key(0), x, y, 100, kinds=("linear",))


def test_a_new_row_with_nan_does_not_pass_for_no_difference():
    rng = np.random.default_rng(0)
    critic = learn(jr.key(0), rng.normal(size=(100, 1)), rng.normal(2.0, size=(100, 1)), 100)
    with pytest.raises(FloatingPointError, match="finite logits"):
        critic.d(np.array([[np.nan]]))


PEOPLE = TableEncoder.fit(
    pa.table({"age": [float(age) for age in range(40)], "sex": ["F", "M"] * 20})
)


@pytest.mark.parametrize(
    ("encoder", "rows", "maps"),
    [
        (
            ArrayEncoder(),
            np.random.default_rng(0).normal(size=(40, 2)),
            [PLAIN, PAIRS, TREES, OF_RELATIONS],
        ),
        (
            TableFeatureEncoder(TableColumns(PEOPLE)),
            np.column_stack([np.arange(40.0), np.arange(40.0) % 2]),
            [PLAIN - {"nets"}, PAIRS, TREES],
        ),
        (
            ImageEncoder((16, 16)),
            np.random.default_rng(0).normal(size=(40, 16, 16)).astype(np.float32),
            [PLAIN, PLAIN, CONVOLUTIONS],  # of the small copy, the grain and the pixels
        ),
    ],
    ids=["array", "table", "image"],
)
def test_every_member_takes_part_if_none_is_chosen(monkeypatch, encoder, rows, maps):
    taught = []

    def fit_members(key, samples, kinds):
        taught.append(kinds)
        return iter(())

    monkeypatch.setattr(critics, "fit_members", fit_members)
    learn(jr.key(0), rows[:20], rows[20:], 20, encoder=encoder)
    assert taught == maps
