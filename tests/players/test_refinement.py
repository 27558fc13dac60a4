"""D on rows that were set aside decides which draws are kept, where that helps."""

import numpy as np
import pytest

from onehalf.players.refinement import (
    BUDGET,
    LEAST_ROWS,
    SAMPLES_PER_ROW,
    Refinement,
    count_draws,
    cut_off,
    learn_refinement,
)

SEEDS = 5
N = 3000


def two_modes(seed, n, share):
    """Points near -2 and 2, a share of them near 2, with a second column in which cells are missing."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(n) < share, 2.0, -2.0) + 0.3 * rng.normal(size=n)
    other = np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n))
    return np.stack([x, other], axis=1)


def learn(seed, n, share):
    """Half of the data are near 2, and this share of the samples."""
    samples = two_modes([1, seed], SAMPLES_PER_ROW * n, share)
    return learn_refinement(two_modes([0, seed], n, 0.5), samples, seed)


def keep(refinement, drawn, seed=0):
    return drawn[refinement.accept(drawn, np.random.default_rng(seed).random(len(drawn)))]


def share_right(refinement):
    """The share of corrected samples near 2, of a G that has 0.2 of them there."""
    return (keep(refinement, two_modes(2, 20_000, 0.2))[:, 0] > 0).mean()


@pytest.fixture(scope="module")
def learned():
    """Corrections of a G that has 0.2 instead of 0.5 of its samples near 2."""
    return [learn(seed, N, 0.2) for seed in range(SEEDS)]


def test_wrong_weights_of_modes_are_set_right(learned):
    shares = np.array([share_right(each) for each in learned])
    # three standard errors of the share in the rows that D learns from
    error = 3 * np.sqrt(0.5 * 0.5 / N)
    assert (abs(shares - 0.5) < error + 0.01).sum() >= SEEDS - 1
    assert abs(shares.mean() - 0.5) < 0.025


def test_the_gain_is_that_of_the_divergence(learned):
    exact = 0.5 * np.log(0.5 / 0.2) + 0.5 * np.log(0.5 / 0.8)
    errors = np.array([(each.gain - exact) / each.gain_se for each in learned])
    assert (abs(errors) < 2.5).sum() >= SEEDS - 1


@pytest.mark.slow
def test_fewer_rows_correct_part_of_it_in_the_right_direction_at_every_seed():
    shares = np.array([share_right(learn(seed, 600, 0.2)) for seed in range(20)])
    assert ((shares > 0.25) & (shares < 0.6)).all()
    assert 0.38 < shares.mean() < 0.5


def test_draws_are_as_many_as_it_says(learned):
    drawn = two_modes(3, 20_000, 0.2)
    for each in learned:
        assert len(drawn) / len(keep(each, drawn)) == pytest.approx(each.draws, rel=0.1)


@pytest.mark.parametrize(
    ("seeds", "most"), [(8, 2), pytest.param(100, 10, marks=pytest.mark.slow)]
)
def test_equal_distributions_are_seldom_corrected(seeds, most):
    found = [learn(seed, LEAST_ROWS, 0.5) for seed in range(seeds)]
    assert sum(each is not None for each in found) <= most


def test_the_budget_is_kept_where_hardly_a_draw_is_like_the_data():
    found = learn(0, 600, 0.01)
    assert found.draws <= BUDGET
    drawn = two_modes(4, 40_000, 0.01)
    kept = keep(found, drawn)
    assert len(drawn) / len(kept) <= 1.1 * BUDGET
    assert 0.05 < (kept[:, 0] > 0).mean() < 0.4


def test_what_samples_lack_is_not_made_up():
    found = learn(0, 600, 0.0)
    assert (keep(found, two_modes(5, 2000, 0.0))[:, 0] < 0).all()


def test_odds_are_cut_off_where_the_budget_ends():
    weights = np.random.default_rng(0).lognormal(0, 3, 10_000)
    one = np.zeros(len(weights), int)
    most = cut_off(weights, one)
    assert most / np.minimum(weights, most).mean() == pytest.approx(BUDGET, rel=1e-6)


def test_groups_that_are_seldom_kept_take_more_draws():
    groups = np.repeat([0, 3], [90, 10])
    weights = np.where(groups == 3, 0.1, 1.0)
    assert count_draws(weights, 1.0, groups) == pytest.approx(0.9 + 0.1 * 10)
    assert count_draws(weights, 1.0, 0 * groups) == pytest.approx(1 / 0.91)


def test_a_correction_is_saved_as_arrays(learned):
    refinement = learned[0]
    loaded = Refinement.from_arrays(refinement.to_arrays())
    drawn = two_modes(6, 500, 0.3)
    u = np.random.default_rng(1).random(500)
    np.testing.assert_array_equal(loaded.accept(drawn, u), refinement.accept(drawn, u))
    numbers = [(each.draws, each.gain, each.gain_se) for each in (loaded, refinement)]
    assert numbers[0] == numbers[1]
