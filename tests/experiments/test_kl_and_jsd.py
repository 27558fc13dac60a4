"""What the experiments of KL and JSD found, against scipy's quadrature, sympy and closed forms; game.md, 2 and 4."""

import math

import jax
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import sympy

from onehalf.distributions import Normal
from onehalf.experiments.divergences import DRAWS, NEAR, SHIFTS, Divergences
from onehalf.experiments.generator_path import MEANS, STDS, GeneratorPath
from onehalf.experiments.jsd_metric import JSDMetric
from onehalf.experiments.known_answers import KNOWN_JSD, KnownAnswers
from onehalf.experiments.least_kl import LINE, LeastKL
from onehalf.theory import kl

LOG_2, LOG_4 = math.log(2), math.log(4)
PATH = [0, 9, 17, 20, 33, 40]


@pytest.fixture(scope="module")
def divergences(compute):
    return compute(Divergences).experiment


@pytest.fixture(scope="module")
def least_kl(compute):
    return compute(LeastKL).experiment


@pytest.fixture(scope="module")
def path(compute):
    return compute(GeneratorPath).experiment


@pytest.fixture(scope="module")
def metric(compute):
    return compute(JSDMetric).experiment


def expectation(p, f):
    """E_p[f(x)] of a normal law p."""
    mean, std = p.mean(), p.std()
    return scipy.integrate.quad(
        lambda x: p.pdf(x) * f(x), mean - 12 * std, mean + 12 * std, epsabs=1e-12, limit=200
    )[0]


def mean_log_D(p, q):
    """E_p[log(p/(p + q))], for D_star one way and 1 - D_star the other."""
    return expectation(p, lambda x: p.logpdf(x) - np.logaddexp(p.logpdf(x), q.logpdf(x)))


@pytest.mark.parametrize("at", [0, 4, 24])
def test_kl_and_jsd_over_the_shift(divergences, at):
    p, q = scipy.stats.norm(), scipy.stats.norm(SHIFTS[at], 2)
    found = {name: values[at] for name, values in divergences.by_shift.items()}
    assert found["KL(p || q)"] == pytest.approx(
        expectation(p, lambda x: p.logpdf(x) - q.logpdf(x)), abs=1e-9
    )
    assert found["KL(q || p)"] == pytest.approx(
        expectation(q, lambda x: q.logpdf(x) - p.logpdf(x)), abs=1e-9
    )
    assert found["JSD(p, q)"] == pytest.approx(
        LOG_2 + (mean_log_D(p, q) + mean_log_D(q, p)) / 2, abs=1e-9
    )


def test_kl_outgrows_what_jsd_never_passes(divergences):
    forth, back, both = divergences.by_shift.values()
    assert both.max() < LOG_2 < 4 < forth.max() < back.max()


def test_a_narrow_density_has_negative_entropy(divergences):
    of_vector, of_normal = divergences.entropies
    assert of_vector == pytest.approx(scipy.stats.entropy([2, 1, 1]), abs=1e-12)
    assert of_normal == pytest.approx(scipy.stats.norm(0, 0.1).entropy(), abs=1e-9)
    assert of_normal < 0


def test_the_law_of_the_estimates(divergences):
    # log p - log q is linear in x: each estimate is normal about KL, its deviation NEAR over the root of the draws.
    law = scipy.stats.norm(NEAR**2 / 2, NEAR / math.sqrt(DRAWS))
    assert scipy.stats.kstest(divergences.estimates, law.cdf).pvalue > 1e-4


def test_likelihood_is_greatest_at_the_moments(least_kl):
    rows, fit = least_kl.rows, least_kl.fit_by_likelihood
    assert (fit.mean, fit.std) == pytest.approx(scipy.stats.norm.fit(rows), abs=1e-6)
    assert -fit.least == pytest.approx(
        scipy.stats.norm(fit.mean, fit.std).logpdf(rows).mean(), abs=1e-12
    )
    assert fit.least == pytest.approx(math.log(2 * math.pi * math.e * rows.var()) / 2, abs=1e-9)
    assert (
        np.prod(scipy.stats.norm(fit.mean, fit.std).pdf(rows)) == 0
    )  # the product underflows: sum the logs


def test_what_the_covering_fit_loses_is_a_difference_of_entropies(least_kl):
    # The modes share no mass: H(p_data) is that of the choice of a mode and that of a mode.
    of_data = scipy.stats.entropy([5, 3]) + scipy.stats.norm(0, 0.25).entropy()
    assert least_kl.fit_by_forward_kl.least == pytest.approx(
        scipy.stats.norm(0, math.sqrt(61) / 4).entropy() - of_data, abs=1e-9
    )


def test_a_gain_in_likelihood_in_closed_form(least_kl):
    narrow, wide = scipy.stats.norm(0, 1), scipy.stats.norm(0, 2)
    second_moment = 1 / 16 + 4
    gain = -LOG_2 + second_moment * (1 / 2 - 1 / 8)
    claim = next(claim for claim in least_kl.claims() if "gains" in claim.claim)
    assert claim.expected == pytest.approx(gain, abs=1e-9)
    assert least_kl.gains == pytest.approx(
        (wide.logpdf(least_kl.rows) - narrow.logpdf(least_kl.rows))[:, 0], abs=1e-4
    )


def test_the_other_mode_is_another_minimum_but_a_greater_one(least_kl):
    with jax.enable_x64():
        at_the_lesser, between = (
            float(kl(Normal(mean, 0.25), least_kl.p_data, LINE)) for mean in (2.0, 0.0)
        )
    assert least_kl.fit_by_reverse_kl.least < at_the_lesser < between
    assert at_the_lesser == pytest.approx(math.log(8 / 3), abs=1e-9)


@pytest.mark.parametrize("law", KNOWN_JSD)
def test_the_known_numbers_are_right(law):
    p_data, p_g = scipy.stats.norm(), scipy.stats.norm(*law)
    C = mean_log_D(p_data, p_g) + mean_log_D(p_g, p_data)
    assert KNOWN_JSD[law] == pytest.approx(LOG_2 + C / 2, abs=1e-9)


def test_all_known_numbers_are_met(compute):
    measured = compute(KnownAnswers).experiment.divergences
    assert measured["JSD"] == pytest.approx(np.array(list(KNOWN_JSD.values())), abs=1e-12)
    assert measured["C(G)"] == pytest.approx(
        2 * np.array(list(KNOWN_JSD.values())) - LOG_4, abs=1e-12
    )


@pytest.mark.parametrize("at", PATH)
def test_c_and_its_parts_along_the_path(path, at):
    p_data, p_g = scipy.stats.norm(), scipy.stats.norm(MEANS[at], STDS[at])
    of_data, of_g = mean_log_D(p_data, p_g), mean_log_D(p_g, p_data)
    found = {name: values[at] for name, values in path.by_theory.items()}
    assert found["C(G)"] == pytest.approx(of_data + of_g, abs=1e-9)
    assert found["KL(p_data || M)"] == pytest.approx(of_data + LOG_2, abs=1e-9)
    assert found["KL(p_g || M)"] == pytest.approx(of_g + LOG_2, abs=1e-9)


def test_only_the_end_of_the_path_is_at_the_floor(path):
    C = path.by_theory["C(G)"]
    assert C[-1] == pytest.approx(-LOG_4, abs=1e-12)
    assert C[:-1].min() > -LOG_4 + 1e-4


def test_without_its_factor_of_two_jsd_does_not_give_c(path):
    found = path.by_theory
    assert abs(found["C(G)"] - (found["JSD"] - LOG_4)).max() == pytest.approx(LOG_2, abs=1e-5)


def test_kl_to_the_middle_where_straight_kl_is_infinite():
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert kl(p, q) == kl(q, p) == math.inf
    assert kl(p, (p + q) / 2) == kl(q, (p + q) / 2) == pytest.approx(LOG_2)


def test_the_integrands_are_equal_line_by_line():
    a, b = sympy.symbols("p_data p_g", positive=True)
    log, two = sympy.log, sympy.log(2)
    M = (a + b) / 2
    lines = {
        28: a * log(a / (a + b)) + b * log(b / (a + b)),
        29: (two - two) * a + a * log(a / (a + b)) + (two - two) * b + b * log(b / (a + b)),
        30: -two * (a + b) + a * (two + log(a / (a + b))) + b * (two + log(b / (a + b))),
        32: -two * (a + b) + a * log(a / M) + b * log(b / M),
    }
    for line in lines.values():
        assert sympy.simplify(sympy.expand_log(line - lines[28])) == 0
    # 31: each density has integral 1
    assert sympy.expand_log(-two * (1 + 1) + log(4)).equals(0)


def test_how_far_jsd_breaks_the_triangle(metric):
    def exact(p, q):
        m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        return sum(
            a * sympy.log(a / c) / 2 for v in (p, q) for a, c in zip(v, m, strict=True) if a
        )

    heads, fair, tails = (
        [sympy.Rational(n, 2) for n in coin] for coin in ((2, 0), (1, 1), (0, 2))
    )
    sides = [exact(heads, fair), exact(fair, tails), exact(heads, tails)]
    gap = sympy.simplify(sympy.expand_log(sides[2] - sides[0] - sides[1], force=True))
    assert gap.equals(3 * sympy.log(3) / 2 - 2 * sympy.log(2))
    assert metric.sides["COINS"][0] == pytest.approx([float(side) for side in sides], abs=1e-12)


@pytest.mark.parametrize(("power", "breaks"), [(0.5, False), (0.55, True), (1.0, True)])
def test_no_power_above_one_half_is_a_metric(metric, power, breaks):
    sides = metric.sides["JSD"] ** power
    assert (2 * sides.max(axis=1) > sides.sum(axis=1)).any() == breaks
