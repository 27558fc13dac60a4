"""Birthdays by simulation and by counting, high quality by SciPy, and what counts as a mode."""

import itertools

import numpy as np
import pytest
from scipy.stats import chi2

from onehalf.experiments import modes as module
from onehalf.experiments.modes import (
    BIRTHDAYS,
    Modes,
    collision_probability,
    count_modes_hit,
    is_high_quality,
)


def test_birthday_is_the_share_of_all_draws():
    draws = list(itertools.product(range(5), repeat=4))
    assert collision_probability(5, 4) == pytest.approx(
        np.mean([len(set(draw)) < 4 for draw in draws])
    )
    assert (collision_probability(5, 1), collision_probability(5, 6)) == (0, 1)


@pytest.mark.parametrize(("n", "s"), BIRTHDAYS.items())
def test_the_fewest_draws_are_the_fewest(n, s):
    assert collision_probability(n, s - 1) < 1 / 2 <= collision_probability(n, s)
    assert s == pytest.approx(np.sqrt(2 * np.log(2) * n), abs=1.5)


def test_three_standard_deviations_in_the_plane():
    assert 1 - np.exp(-9 / 2) == pytest.approx(chi2.cdf(9, 2))
    x = np.array([[2.29, 0.0], [2.31, 0.0], [0.0, 0.0], [0.0, -1.9]])
    assert is_high_quality(x).sum(axis=1).tolist() == [1, 0, 0, 1]
    assert np.argmax(is_high_quality(x)[[0, 3]], axis=1).tolist() == [0, 6]


def test_a_mode_counts_once_and_only_if_hit():
    one = np.array([[2.0, 0.0], [2.0, 0.1], [0.0, 2.0], [5.0, 5.0]])
    assert count_modes_hit(np.stack([one, one + 9])).tolist() == [2, 0]


def test_the_claims_can_fail():
    experiment = Modes()
    collapsed, good = np.full(16, 2.0), np.full(16, 8.0)
    experiment.__dict__["hits"] = {
        module.PLAIN: good,
        module.WITH_R1: collapsed,
        module.WITH_BOTH: collapsed,
    }
    experiment.__dict__["shares"] = {
        module.PLAIN: good / 8,
        module.WITH_R1: good,
        module.WITH_BOTH: collapsed / 8,
    }
    assert [claim.holds for claim in experiment.claims()] == [True] * 5 + [False] * 3
