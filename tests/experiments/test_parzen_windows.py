"""Parzen's scores of N(0, I), from closed forms and from SciPy's densities."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from onehalf.experiments import parzen as module


def test_the_score_of_p_itself_is_its_negative_entropy():
    for d in (1, 5):
        p = multivariate_normal(np.zeros(d))
        assert d * module._entropy_score() == pytest.approx(-p.entropy(), abs=1e-12)


def test_the_blurred_score_is_by_quadrature():
    expected = quad(lambda x: norm.pdf(x) * norm.logpdf(x, scale=np.sqrt(2)), -12, 12)[0]
    assert module._blurred_score() == pytest.approx(expected, abs=1e-9)
    assert module._entropy_score() - module._blurred_score() == pytest.approx(
        np.log(2) / 2 - 1 / 4, abs=1e-12
    )


def test_both_scores_are_those_of_the_mixtures(monkeypatch):
    monkeypatch.setattr(module, "N_SAMPLES", 50)
    monkeypatch.setattr(module, "N_VALIDATION", 200)
    monkeypatch.setattr(module, "N_TEST", 300)
    found = module._measure(np.random.default_rng(3), 12)
    rng = np.random.default_rng(3)
    samples, _, test = (rng.normal(size=(rows, 12)) for rows in (50, 200, 300))
    true = np.log(
        np.mean([multivariate_normal(sample).pdf(test) for sample in samples], axis=0)
    )
    collapsed = multivariate_normal(np.zeros(12)).logpdf(test)
    assert found.true == pytest.approx(true.mean())
    assert found.collapsed == pytest.approx(collapsed.mean())
    assert (found.true_se, found.collapsed_se) == pytest.approx(
        (true.std() / 300**0.5, collapsed.std() / 300**0.5)
    )


def test_the_claims_can_fail():
    experiment = module.Parzen()
    d = 36
    true_law_wins = module.Scores(true=-51.0, true_se=0.05, collapsed=-55.0, collapsed_se=0.05)
    experiment.__dict__["scores"] = {d: true_law_wins}
    assert not any(claim.holds for claim in experiment.claims())
