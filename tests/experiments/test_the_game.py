"""What the experiments of the game found, against scipy, NumPy and closed forms; see game.md, sections 2 and 4."""

import math

import jax
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.stats
from scipy.special import expit, log_expit

from onehalf.experiments import convexity, danskin, ideal_loop, min_max, saturation
from onehalf.experiments.convexity import Convexity
from onehalf.experiments.danskin import Danskin
from onehalf.experiments.dirac_gan import DiracGAN
from onehalf.experiments.ideal_loop import IdealLoop
from onehalf.experiments.min_max import MinMax
from onehalf.experiments.saturation import Saturation

RANDOM = [Convexity, IdealLoop, MinMax]
SOME = [0, 5, 10, 25, 40]


def expectation(f, mean, width=12):
    """E[f(x)] under N(mean, 1)."""
    law = scipy.stats.norm(mean)
    return scipy.integrate.quad(
        lambda x: law.pdf(x) * f(x),
        mean - width,
        mean + width,
        epsabs=1e-13,
        limit=400,
        points=[mean / 2, mean],
    )[0]


def slope(mu):
    """dC/dmu = E[mu D_star] under p_g = N(mu, 1), where D_star has the logit mu (mu/2 - x)."""
    return expectation(lambda x: mu * expit(mu * (mu / 2 - x)), mu)


def non_saturating(mu):
    """-E[log D_star] under p_g = N(mu, 1)."""
    return expectation(lambda x: -log_expit(mu * (mu / 2 - x)), mu)


@pytest.fixture(scope="module")
def found(compute):
    """Danskin's gradients by shift."""
    return compute(Danskin).experiment


@pytest.mark.parametrize("at", SOME)
def test_the_minimax_gradient_is_that_of_C(found, at):
    mu = danskin.SHIFTS[at]
    along, fixed, _, _ = found.gradients.values()
    assert along[at] == pytest.approx(slope(mu), abs=1e-11)
    assert fixed[at] == pytest.approx(slope(mu), abs=1e-11)


@pytest.mark.parametrize("at", SOME[1:])
def test_the_non_saturating_gradient_is_another_through_D_star(found, at):
    mu, h = danskin.SHIFTS[at], 1e-4
    *_, along, fixed = found.gradients.values()
    assert fixed[at] == pytest.approx(mu - slope(mu), abs=1e-11)
    assert along[at] == pytest.approx(
        (non_saturating(mu + h) - non_saturating(mu - h)) / (2 * h), abs=1e-7
    )
    assert along[at] - fixed[at] > 0.05


def test_what_a_wrong_D_costs(found):
    for delta, gradient, value in zip(danskin.DELTAS, *found.errors.values(), strict=True):
        steep = 1 + delta
        wrong = steep * expectation(lambda x, steep=steep: expit(steep * (0.5 - x)), 1.0)
        V = expectation(lambda x, steep=steep: log_expit(steep * (0.5 - x)), 0.0)
        V += expectation(lambda x, steep=steep: log_expit(steep * (x - 0.5)), 1.0)
        assert gradient == pytest.approx(abs(wrong - slope(1.0)), abs=1e-11)
        assert value == pytest.approx(-1.163451396750418 - V, abs=1e-11)


def test_the_table_of_saturation(compute):
    gradients = compute(Saturation).experiment.gradients
    for mu, minimax in saturation.MINIMAX.items():
        at = list(saturation.SHIFTS).index(mu)
        assert minimax == pytest.approx(slope(mu), abs=1e-12)
        assert gradients["minimax"][at] == pytest.approx(minimax, abs=1e-12)
        assert gradients["non-saturating"][at] == pytest.approx(mu - minimax, abs=1e-12)
        assert gradients["maximum likelihood"][at] == pytest.approx(mu, abs=1e-12)
        assert gradients["KL(p_data || p_g)"][at] == pytest.approx(mu, abs=1e-12)
        assert gradients["KL(p_g || p_data) - 2 JSD"][at] == pytest.approx(
            mu - minimax, abs=1e-12
        )
    assert gradients["maximum likelihood, d up to 20"][-1] < 0.1


def test_against_a_D_that_stays_G_collapses(compute):
    found = compute(MinMax).experiment
    for d, p_g in zip(found.random_games["d"], found.best_answers, strict=False):
        assert p_g.argmax() == d.argmax()
        assert p_g @ log_expit(-d) == pytest.approx(log_expit(-d).min())


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_one_face_of_a_coin(share):
    coin = np.array([share, 1 - share])
    with jax.enable_x64():
        faces = np.asarray(min_max._best(coin, np.eye(2)))
    for p, best in zip(coin, faces, strict=True):
        assert best == pytest.approx(p * math.log(p / (1 + p)) - math.log(1 + p))
    assert min_max._max_min(coin) == pytest.approx(-math.log(4), abs=1e-9)
    assert faces.min() > -math.log(4) + 0.1


def test_where_C_bends():
    assert abs(convexity.INFLECTION - 1.636256) < 5e-7
    h = 1e-3
    curvature = [
        (slope(mu + h) - slope(mu - h)) / (2 * h)
        for mu in convexity.INFLECTION + np.array([-0.01, 0, 0.01])
    ]
    assert curvature[0] > 1e-3
    assert curvature[1] == pytest.approx(0, abs=1e-6)
    assert curvature[2] < -1e-3


def test_the_paths_of_the_figure(compute):
    def C(p_g):
        def integrand(x):
            p, q = scipy.stats.norm.pdf(x), p_g(x)
            return p * math.log(p / (p + q)) + q * math.log(q / (p + q))

        return scipy.integrate.quad(
            integrand, -12, 18, epsabs=1e-12, limit=400, points=[0, 3, 6]
        )[0]

    def mixed(x):
        return 0.5 * scipy.stats.norm.pdf(x) + 0.5 * scipy.stats.norm.pdf(x, 6)

    figure = compute(Convexity).figure
    mixing, shifting, chord = (line.get_ydata() for line in figure.axes[0].lines[:3])
    assert mixing[30] == pytest.approx(C(mixed), abs=1e-9)
    assert shifting[30] == pytest.approx(C(scipy.stats.norm(3).pdf), abs=1e-9)
    middle = np.mean(chord)
    assert mixing[30] < middle - 0.1
    assert shifting[30] > middle + 0.1


def test_the_bad_start_ends_at_the_minimum_that_scipy_finds(compute):
    x, weight = np.linspace(-14, 14, 4001), 28 / 4000
    p = scipy.stats.norm.pdf(x[:, None], ideal_loop.MODES).mean(axis=1)

    def above(means):
        q = scipy.stats.norm.pdf(x[:, None], means).mean(axis=1)
        return weight * np.sum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)))

    least = scipy.optimize.minimize(above, ideal_loop.BAD, tol=1e-9)
    bad = compute(IdealLoop).experiment.two_means[ideal_loop.BAD]
    assert bad["C"][-1] + math.log(4) == pytest.approx(least.fun, abs=1e-9)
    assert bad["means"] == pytest.approx(least.x, abs=1e-4)
    assert np.linalg.eigvalsh(bad["curvature"])[0] > 0.02
    assert above(ideal_loop.MODES) == pytest.approx(0, abs=1e-12)


def test_what_a_dropped_half_costs(compute):
    p, q = np.array([0.5, 0.5]), np.array([1 / 200, 199 / 200])
    m = (p + q) / 2
    assert np.sum(p * np.log(p / m) + q * np.log(q / m)) > ideal_loop.DROPPED
    means = compute(IdealLoop).experiment.two_means[ideal_loop.BAD]["means"]
    assert scipy.stats.norm.cdf(0, means).mean() < 1 / 200


def test_orbits_of_the_dirac_gan(compute):
    far = {
        name: math.hypot(*orbit[-1])
        for name, orbit in compute(DiracGAN).experiment.orbits.items()
    }
    expected = [3.0969, 1.4210, 0.6402, 0.2839, 2.64e-6, 9.5e-22]
    assert list(far.values()) == pytest.approx(expected, rel=3e-3)


@pytest.mark.parametrize("experiment", RANDOM)
def test_claims_hold_at_another_seed(experiment):
    assert all(claim.holds for claim in experiment(1).claims())
