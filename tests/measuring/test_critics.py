"""The held-out critic: from below, as a frequency, and 0 where there is nothing to see."""

import jax.random as jr
import numpy as np
import pytest

from onehalf.data import Ring
from onehalf.measuring import held_out

KEY = jr.key(0)


def normal(seed, n=600, mean=0.0):
    return np.asarray(mean + jr.normal(jr.key(seed), (n, 1)))


def test_it_stays_below_the_true_jsd_and_comes_near():
    # N(0, 1) against N(1, 1): JSD 0.111421 nats (docs/explanation/notation.md)
    looks = [held_out(jr.key(seed), normal(2 * seed), normal(2 * seed + 1, mean=1.0)) for seed in range(20)]
    above = [look.jsd - 1.645 * look.se > 0.111421 for look in looks]
    assert sum(above) <= 4  # 5 % of 20 expected at most; 5 or more has probability 0.003
    assert np.mean([look.jsd for look in looks]) == pytest.approx(0.1, abs=0.02)


def test_it_sees_nothing_where_nothing_is():
    looks = [held_out(jr.key(seed), normal(2 * seed), normal(2 * seed + 1)) for seed in range(20)]
    assert np.mean([look.jsd for look in looks]) < 0.002
    assert sum(look.jsd > 2 * look.se for look in looks) <= 3


def test_it_sees_modes_that_are_a_little_too_wide():
    x, y = (np.asarray(Ring(std=std).sample(jr.key(seed), 6000)) / 0.7 for seed, std in ((1, 0.01), (2, 0.0141)))
    look = held_out(KEY, x, y)
    assert look.jsd > 5 * look.se > 0


def test_it_is_the_same_for_the_same_key():
    assert held_out(KEY, normal(1), normal(2)) == held_out(KEY, normal(1), normal(2))


def test_disjoint_supports_come_near_log_2():
    assert held_out(KEY, normal(1), normal(2, mean=50.0)).jsd == pytest.approx(np.log(2), abs=0.01)


def test_a_few_rows_are_enough_to_run():
    look = held_out(KEY, normal(1, n=3), normal(2, n=3))
    assert np.isfinite(look.jsd)
