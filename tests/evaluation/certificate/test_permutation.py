"""The permutation test by many statistics: it rejects as seldom as it says, and sees what critics do not."""

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from helpers import is_rare, over_seeds
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.certificate import certificate
from onehalf.evaluation.certificate.certificate import Past, certify
from onehalf.evaluation.certificate.critics import KINDS, PLAIN_ARRAY
from onehalf.evaluation.certificate.permutation import permutation_p_value
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder
from onehalf.evaluation.rows import wrap

LEVEL = 0.2
"""At a high level few deals are enough, and a test that rejects too often is found out sooner."""


def p_value(seed, x, y, **options):
    """At the level of these tests, with the features of all members."""
    options = {"kinds": KINDS, "encoder": PLAIN_ARRAY, "alpha": LEVEL} | options
    return permutation_p_value(jr.key(seed), wrap(x), wrap(y), **options)


def normal(rng, n):
    return rng.normal(size=(n, 3))


def ties(rng, n):
    return (
        np.stack([rng.integers(0, 3, n), rng.poisson(1.0, n), rng.integers(0, 2, n)], 1) * 1.0
    )


def heavy(rng, n):
    return rng.standard_cauchy((n, 3))


@over_seeds(50, 1000)
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("law", [normal, ties, heavy])
def test_it_rejects_as_seldom_as_it_says(seeds, law, k):
    rngs = [np.random.default_rng([seed, k]) for seed in range(seeds)]
    rejected = [
        p_value(seed, law(rng, 40), law(rng, 40 * k)) <= LEVEL for seed, rng in enumerate(rngs)
    ]
    assert is_rare(rejected, LEVEL)
    if law is normal:  # and no more seldom, where no two deals are alike
        assert np.sum(rejected) >= stats.binom.ppf(5e-4, seeds, LEVEL)


@over_seeds(40, 600)
def test_words_and_missing_cells_make_no_difference_where_none_is(seeds):
    rng = np.random.default_rng(0)
    word = rng.choice(["a", "b", "c"], 2000)
    number = np.where(rng.random(2000) < 0.2, np.nan, rng.normal(size=2000) + (word == "a"))
    table = pa.table({"word": word, "number": pa.array(number, from_pandas=True)})
    encoder = TableEncoder.fit(table)
    seen, cells = TableFeatureEncoder(TableColumns(encoder)), encoder.encode(table)
    rejected = []
    for seed in range(seeds):
        some = cells[np.random.default_rng(seed).permutation(2000)[:120]]
        rejected.append(p_value(seed, some[:60], some[60:], encoder=seen) <= LEVEL)
    assert is_rare(rejected, LEVEL)


@over_seeds(40, 600)
def test_matched_rows_are_dealt_with_their_own_alone(seeds):
    rejected = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        condition = rng.normal(size=(40, 1)) * 9
        x, y = (np.repeat(condition, k, axis=0) + rng.normal(size=(40 * k, 3)) for k in (1, 2))
        rejected.append(p_value(seed, x, y, matched=True) <= LEVEL)
    assert is_rare(rejected, LEVEL)


def test_of_matched_rows_a_small_difference_is_seen_beside_a_large_one_of_conditions():
    rng = np.random.default_rng(0)
    condition = rng.normal(size=(200, 1)) * 9
    x, y = condition + rng.normal(size=(200, 1)), condition + rng.normal(1.0, size=(200, 1))
    matched, loose = (
        p_value(0, x, y, matched=each, kinds=["linear"]) for each in (True, False)
    )
    assert matched == 0.01
    assert loose > 0.1


def parity(rng, n, tilt):
    """Ten fair bits; the first three have an even sum with probability (1 + tilt)/2."""
    bits = rng.integers(0, 2, (n, 10))
    bits[:, 2] = (bits[:, 0] + bits[:, 1] + (rng.random(n) > (1 + tilt) / 2)) % 2
    return bits * 1.0


def test_it_sees_what_critics_of_the_same_rows_do_not(monkeypatch):
    rng = np.random.default_rng(3)
    x, y = parity(rng, 1500, 0.2), parity(rng, 1500, 0.0)
    kinds = ("linear", "quadratic", "cubic", "cells")
    together = certify(jr.key(0), x, y[:, None], kinds=kinds).p_value
    monkeypatch.setattr(certificate, "permutation_p_value", lambda *rest, **options: 1.0)
    alone = certify(jr.key(0), x, y[:, None], kinds=kinds).p_value
    assert together <= 0.02
    assert alone > 0.05


def test_a_critic_of_the_past_is_one_of_the_statistics():
    # its features see nothing; what was learned before sees the sign of the product of ten columns
    rng = np.random.default_rng(0)
    x, y = rng.choice([-1.0, 1.0], (2, 100, 10))
    x[:, 9] = np.where(rng.random(100) < 0.8, x[:, :9].prod(axis=1), x[:, 9])
    product = x.prod(axis=1), y.prod(axis=1)
    assert p_value(0, x, y) > 0.1
    assert p_value(0, x, y, scores=product) == 0.01


def test_all_test_rows_are_judged_by_a_critic_of_the_past(monkeypatch):
    rng = np.random.default_rng(0)
    x, y, past_x, past_y = rng.normal(size=(4, 120, 2))
    seen = []
    monkeypatch.setattr(
        certificate,
        "permutation_p_value",
        lambda key, x, y, kinds, encoder, scores, **options: seen.append(scores) or 1.0,
    )
    past = Past(wrap(past_x), wrap(past_y + 1))
    found = certify(jr.key(0), x, y[:, None], kinds=("linear",), past=past)
    assert found.starts == (0, 60)
    assert np.array_equal(seen[0][0][:60], found.logits[0][:60])
    assert np.array_equal(seen[0][0], found.critics[0].d(wrap(x)))
    certify(jr.key(0), x, y[:, None], kinds=("linear",))
    assert seen[1] is None


def test_features_know_nothing_of_the_labels(monkeypatch):
    seen = []
    monkeypatch.setattr(
        type(PLAIN_ARRAY),
        "feature_maps",
        lambda self, key, x, y, kinds: seen.extend([x, y]) or [],
    )
    p_value(0, np.zeros((100, 1)), np.ones((100, 1)))
    assert [30 < half.x.sum() < 70 for half in seen] == [True, True]


def test_rows_that_are_all_alike_say_nothing():
    assert p_value(0, np.ones((30, 2)), np.ones((30, 2))) == 1.0


def test_a_smaller_level_is_reached_by_more_deals():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 1)), rng.normal(3.0, size=(100, 1))
    assert p_value(0, x, y, alpha=0.05) == 1 / 400
    assert p_value(0, x, y, alpha=0.002) == 1 / 2000
