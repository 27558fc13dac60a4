"""The Parzen log-likelihood: scikit-learn's, and its traps."""

import numpy as np
import pytest
from sklearn.neighbors import KernelDensity

from onehalf._errors import Refusal
from onehalf.evaluation.checks import parzen as module
from onehalf.evaluation.checks.parzen import SIGMAS, log_likelihood


def piles(d=3, n=(200, 90, 110)):
    rng = np.random.default_rng(0)
    return [rng.uniform(size=(count, d)) for count in n]


def by_scikit_learn(fakes, rows, sigma):
    return KernelDensity(bandwidth=sigma, rtol=0, atol=0).fit(fakes).score_samples(rows)


def test_it_agrees_with_scikit_learn(monkeypatch):
    fakes, validation, test = piles()
    means = [by_scikit_learn(fakes, validation, sigma).mean() for sigma in SIGMAS]
    log_p = by_scikit_learn(fakes, test, SIGMAS[np.argmax(means)])
    whole = log_likelihood(fakes, validation, test)
    assert whole.sigma == SIGMAS[np.argmax(means)]
    assert whole.log_likelihood == pytest.approx(log_p.mean(), abs=1e-9)
    assert whole.se == pytest.approx(log_p.std() / np.sqrt(len(test)), abs=1e-9)
    assert whole.n_samples == 200
    monkeypatch.setattr(module, "DISTANCES", 1000)
    assert log_likelihood(fakes, validation, test) == pytest.approx(whole)


def test_validation_rows_choose_sigma_and_test_rows_have_no_say():
    fakes, validation, test = piles()
    sigmas = np.array([0.01, 0.3])
    assert log_likelihood(fakes, fakes[:50], test, sigmas).sigma == 0.01
    assert log_likelihood(fakes, validation, fakes[:50], sigmas).sigma == 0.3


def test_the_grid_is_that_of_the_paper():
    assert np.allclose(
        SIGMAS,
        [0.1, 0.1292, 0.1668, 0.2154, 0.2783, 0.3594, 0.4642, 0.5995, 0.7743, 1],
        atol=1e-4,
    )


def test_far_rows_do_not_underflow():
    fakes, validation, test = piles()
    far = log_likelihood(fakes, validation, test + 1000, np.array([0.1])).log_likelihood
    assert -2e8 < far < -1e8


def test_twice_the_range_costs_log_2_an_entry():
    fakes, validation, test = piles()
    usual = log_likelihood(fakes, validation, test)
    twice = log_likelihood(2 * fakes, 2 * validation, 2 * test, 2 * SIGMAS)
    assert twice.log_likelihood == pytest.approx(usual.log_likelihood - 3 * np.log(2))
    assert twice.sigma == 2 * usual.sigma


def test_with_atoms_it_grows_without_limit_as_sigma_falls():
    x = (
        np.random.default_rng(0).integers(0, 2, size=(64, 4)).astype(np.float64)
    )  # black and white
    values = [
        log_likelihood(x, x, x, np.array([sigma])).log_likelihood
        for sigma in (1e-1, 1e-2, 1e-3)
    ]
    assert np.diff(values) == pytest.approx(4 * np.log(10) * np.ones(2), rel=1e-6)


def test_unfit_input_is_refused():
    fakes, validation, test = piles()
    with pytest.raises(Refusal, match="sigmas"):
        log_likelihood(fakes, validation, test, np.array([0.0]))
    with pytest.raises((Refusal, TypeError), match="test"):
        log_likelihood(fakes, validation, test[:, :2])
