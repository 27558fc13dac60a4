"""Which G is kept: that of the latest evaluation within one standard error of the lowest so far."""

import dataclasses

import numpy as np
import pytest

from onehalf import fitting
from onehalf.data.dataset import from_objects
from onehalf.domains import infer_domain
from onehalf.fitting.history import choose_evaluation, choose_seed
from onehalf.hyperparameters import Hyperparameters

ROWS = np.random.default_rng(0).normal(size=(100, 2))


@pytest.fixture(scope="module")
def fit():
    domain = infer_domain(from_objects(ROWS))
    asked = Hyperparameters(
        rounds=1000, width=8, m=16, seeds=2, noise=0, random_state=0
    ).check()
    return fitting.start(domain, domain.encode(from_objects(ROWS)), asked)[0]


def evaluate_as(*pairs):
    """A history of two seeds, from pairs of estimates; every standard error is 0.02."""
    return tuple(
        {"t": 100 * (place + 1), "V": [-1.0] * 2, "jsd_estimate": [*pair], "jsd_se": [0.02] * 2}
        for place, pair in enumerate(pairs)
    )


def choose(fit, *values):
    """The rounds of the kept and of the lowest evaluation of the first seed."""
    choice = choose_evaluation(evaluate_as(*((value, 0.0) for value in values)), fit.recipe, 0)
    return choice.kept.t, choice.lowest.t


@pytest.mark.parametrize(
    ("values", "rounds"),
    [
        ([0.3, 0.2, 0.1], (300, 300)),
        ([0.3, 0.1, 0.119], (300, 200)),
        ([0.3, 0.1, 0.121], (200, 200)),
        ([0.1, 0.119, 0.137], (200, 100)),  # the limit does not move with what is kept
        ([0.1, 0.119, 0.09, 0.15], (300, 300)),
        ([0.1, np.nan], (100, 100)),
        ([-0.3, 0.01, 0.03], (200, 100)),  # an estimate below 0 counts as 0
    ],
)
def test_the_latest_within_one_standard_error_of_the_lowest_is_kept(fit, values, rounds):
    assert choose(fit, *values) == rounds


def test_the_choice_can_be_made_while_the_fit_goes_on(fit):
    rng = np.random.default_rng(1)
    for _ in range(50):
        values = rng.normal(0.1, 0.03, size=12)
        kept = 0
        for count in range(1, 13):
            now = choose(fit, *values[:count])[0]
            assert now in (kept, 100 * count)  # the G of an earlier round is gone
            kept = now


def test_of_several_seeds_the_lowest_kept_estimate_is_chosen(fit):
    # seed 0 has the lowest evaluation, but the one that is kept is higher than that of seed 1
    history = evaluate_as((0.100, 0.3), (0.115, 0.11))
    assert choose_seed(history, fit.recipe) == 1


def test_evaluations_that_are_as_good_as_the_lowest_do_not_end_a_run(fit):
    same = dataclasses.replace(fit, rounds=900, history=evaluate_as(*[(0.1, 0.1)] * 9))
    assert same.end == ""
    worse = dataclasses.replace(
        fit, rounds=900, history=evaluate_as((0.1, 0.1), *[(0.2, 0.2)] * 8)
    )
    assert worse.end == "5 evaluations in a row worse than the best"
