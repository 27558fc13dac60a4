"""What the experiments of D found, against sympy, scipy and closed forms; see game.md, sections 2 and 4."""

import itertools
import math

import jax
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.stats
import sympy
from scipy.special import expit, log_expit, xlog1py, xlogy

from helpers import over_seeds
from onehalf.distributions import Normal
from onehalf.experiments import equilibrium, learned_d, minibatch, overfit_d
from onehalf.experiments.classification import ACCURACY, JSD, SHIFTS, Classification
from onehalf.experiments.equilibrium import Equilibrium
from onehalf.experiments.learned_d import LearnedD
from onehalf.experiments.minibatch import Minibatch
from onehalf.experiments.overfit_d import OverfitD
from onehalf.experiments.pointwise_maximum import PointwiseMaximum
from onehalf.nets import MLP
from onehalf.theory import V


def expectation(f, mean=0.0):
    """E[f(x)] under N(mean, 1)."""
    law = scipy.stats.norm(mean)
    return scipy.integrate.quad(
        lambda x: law.pdf(x) * f(x), mean - 12, mean + 12, epsabs=1e-13, limit=400
    )[0]


def value_of_line(w, mu=1.0, c=None):
    """V of d(x) = w (mu/2 - x), or of c - w x, between N(0, 1) and N(mu, 1)."""
    c = w * mu / 2 if c is None else c
    return expectation(lambda x: log_expit(c - w * x)) + expectation(
        lambda x: log_expit(w * x - c), mu
    )


def by_text(experiment):
    return {claim.claim: claim for claim in experiment.claims()}


def test_the_calculus_of_the_pointwise_maximum():
    a, b, y = sympy.symbols("a b y", positive=True)
    f = a * sympy.log(y) + b * sympy.log(1 - y)
    (best,) = sympy.solve(sympy.diff(f, y), y)
    assert sympy.simplify(best - a / (a + b)) == 0
    assert sympy.simplify(sympy.diff(f, y, 2).subs(y, best) + (a + b) ** 3 / (a * b)) == 0
    (printed,) = sympy.solve(sympy.diff(a * y + b * sympy.log(1 - y), y), y)
    assert sympy.simplify(printed - (1 - b / a)) == 0


def test_no_other_y_is_better(compute):
    others = np.linspace(0, 1, 1001)
    for (a, b), y in compute(PointwiseMaximum).experiment.argmaxima.items():
        assert (
            xlogy(a, y) + xlog1py(b, -y) >= xlogy(a, others) + xlog1py(b, -others) - 1e-12
        ).all()


def test_the_integral_of_the_maxima(compute):
    def most(x):
        a, b = scipy.stats.norm.pdf(x, 0, 0.1), scipy.stats.norm.pdf(x)
        return xlogy(a, a / (a + b)) + xlogy(b, b / (a + b))

    whole = scipy.integrate.quad(most, -9, 9, points=[-0.5, 0, 0.5], epsabs=1e-13, limit=400)[0]
    claim = by_text(compute(PointwiseMaximum).experiment)[
        "N(0, 0.1^2), N(0, 1): integral of the maxima, nats"
    ]
    assert claim.expected == pytest.approx(whole, abs=1e-10)


@pytest.fixture(scope="module")
def learned(compute):
    computed = compute(LearnedD, short=True)
    assert computed.claims
    return computed.experiment


def test_what_the_line_is_worth(learned):
    assert pytest.approx(value_of_line(1.0), abs=1e-11) == learned_d.C_NORMALS
    assert pytest.approx(scipy.stats.norm.cdf(0.5), abs=1e-14) == learned_d.ACCURACY
    balanced, _ = learned.lines
    reached = value_of_line(-balanced.slope, c=balanced.intercept)
    assert reached < learned_d.C_NORMALS
    assert by_text(learned)["fitted line: V(D), nats"].measured == pytest.approx(
        reached, abs=1e-9
    )


@over_seeds(100, 300)
def test_standard_errors_of_the_line(seeds):
    rng = np.random.default_rng(0)
    lines = np.array([learned_d._fit(rng, 1500, 500) for _ in range(seeds)])
    for column, error in ((0, 2), (1, 3)):
        assert lines[:, column].std() / lines[:, error].mean() == pytest.approx(
            1, abs=4 / math.sqrt(2 * seeds)
        )


def test_the_gap_of_a_net(learned):
    narrow, *_ = learned.nets
    first = jax.tree.map(lambda leaf: np.asarray(leaf[0, -1], np.float64), narrow)

    def d(x):
        h = np.array([x])
        for weights, biases in zip(first.weights[:-1], first.biases[:-1], strict=True):
            h = h @ weights + biases
            h = h * expit(h)
        return (h @ first.weights[-1] + first.biases[-1]).item()

    def excess(x):
        modes = zip((0.5, 0.3, 0.2), (-2, 0.5, 3), (0.5, 0.3, 0.8), strict=True)
        a = sum(weight * scipy.stats.norm.pdf(x, mean, std) for weight, mean, std in modes)
        b = scipy.stats.norm.pdf(x, 0, 2)
        return (
            xlogy(a, a / (a + b))
            + xlogy(b, b / (a + b))
            - a * log_expit(d(x))
            - b * log_expit(-d(x))
        )

    panels = np.linspace(-12, 12, 13)
    gap = sum(
        scipy.integrate.quad(excess, *ends, epsabs=1e-9)[0]
        for ends in itertools.pairwise(panels)
    )
    assert learned.gaps[0, 0, -1] == pytest.approx(gap, abs=1e-6)


def test_a_line_off_by_a_tenth_is_found_out(learned):
    balanced, moved = learned.lines
    wrong = LearnedD()
    wrong.__dict__ |= learned.__dict__ | {
        "lines": (balanced._replace(slope=1.1 * balanced.slope), moved)
    }
    claims = by_text(wrong)
    assert not claims["N(0, 1), N(1, 1): slope of the fitted line"].holds
    assert not claims["fitted line: V(D), nats"].holds
    assert claims["fitted line and nets: greatest V(D) - C, nats"].holds


def test_expectations_of_the_histogram_by_enumeration(monkeypatch):
    n, bins, epsilon = 2, 3, 1e-3
    monkeypatch.setattr(overfit_d, "N", n)
    outcomes = list(itertools.product(range(bins), repeat=2 * n))
    training, fresh = [], []
    for drawn in outcomes:
        x, Gz = drawn[:n], drawn[n:]
        D = [
            (x.count(i) + epsilon) / (x.count(i) + Gz.count(i) + 2 * epsilon)
            for i in range(bins)
        ]
        training.append(
            np.mean([math.log(D[i]) for i in x]) + np.mean([math.log(1 - D[i]) for i in Gz])
        )
        fresh.append(np.mean(np.log(D)) + np.mean(np.log(np.subtract(1, D))))
    expected = [(np.mean(values) + math.log(4)) / 2 for values in (training, fresh)]
    assert list(overfit_d.expected_estimates(bins)) == pytest.approx(expected, abs=1e-12)


def test_one_bin_learns_nothing_and_many_bins_everything():
    assert list(overfit_d.expected_estimates(1)) == pytest.approx([0, 0], abs=1e-12)
    training, fresh = overfit_d.expected_estimates(10**12)
    assert training == pytest.approx(math.log(2) + math.log(1.001 / 1.002), abs=1e-7)
    assert -1e-6 < fresh < 0


def test_a_histogram_shown_its_own_draws_again_breaks_the_bound():
    found = OverfitD()
    bound = "4 bins, fresh draws: at most the JSD, nats"
    assert by_text(found)[bound].holds
    training = found.estimates[4].training
    found.estimates[4] = overfit_d.Estimates(training, training)
    assert not by_text(found)[bound].holds


def test_counts():
    drawn = np.array([[0, 0, 2], [1, 1, 1]])
    assert overfit_d._count(drawn, np.array([[0, 1, 2], [0, 1, 1]])).tolist() == [
        [2, 0, 1],
        [0, 3, 3],
    ]


def test_tables_and_quadrature_of_the_classifier(compute):
    computed = compute(Classification).experiment.by_quadrature
    for mu, JSD_at in JSD.items():
        at = list(SHIFTS).index(mu)
        best = -value_of_line(mu, mu) / 2
        assert math.log(2) - JSD_at == pytest.approx(best, abs=1e-11)
        assert computed.best[at] == pytest.approx(best, abs=1e-11)
        assert computed.too_sure[at] == pytest.approx(-value_of_line(2 * mu, mu) / 2, abs=1e-11)
        assert computed.accuracy[at] == pytest.approx(scipy.stats.norm.cdf(mu / 2), abs=1e-11)
    for mu, accuracy in ACCURACY.items():
        assert accuracy == pytest.approx(scipy.stats.norm.cdf(mu / 2), abs=1e-14)


def test_mean_and_variance_on_a_minibatch(compute):
    mean, variance = compute(Minibatch).experiment.truth
    assert mean == pytest.approx(value_of_line(2.0), abs=1e-11)
    on_x = (
        expectation(lambda x: log_expit(1 - 2 * x) ** 2)
        - expectation(lambda x: log_expit(1 - 2 * x)) ** 2
    )
    on_Gz = (
        expectation(lambda x: log_expit(2 * x - 1) ** 2, 1.0)
        - expectation(lambda x: log_expit(2 * x - 1), 1.0) ** 2
    )
    assert variance == pytest.approx(on_x + on_Gz, abs=1e-9)


def test_the_best_D_on_a_minibatch():
    x, Gz = (0.5 - np.random.default_rng(0).normal(size=(2, 64)) - [[0], [1]]).astype(
        np.float32
    )
    _, gain, _ = minibatch._evaluate(*(side[None] for side in (x, Gz, x, Gz)))

    def loss(w):
        return -np.mean(log_expit(w * x.astype(float))) - np.mean(
            log_expit(-w * Gz.astype(float))
        )

    assert gain.item() == pytest.approx(
        loss(1.0) - scipy.optimize.minimize_scalar(loss).fun, abs=1e-6
    )


def test_the_gain_has_the_law_of_Wilks():
    gain = 2 * 512 * minibatch._draw_values(np.random.default_rng(0), 512).best
    assert scipy.stats.kstest(gain, "chi2", args=(1,)).pvalue > 1e-3


def test_V_of_each_D_at_each_distance(compute):
    points = compute(Equilibrium).experiment.points
    for at, mu in enumerate(equilibrium.SHIFTS):
        assert points.best[at] == pytest.approx(value_of_line(mu, mu), abs=1e-11)
        assert points.half[at] == pytest.approx(value_of_line(mu / 2, mu), abs=1e-11)
        assert points.jsd[at] == pytest.approx((points.best[at] + math.log(4)) / 2, abs=1e-11)
    assert points.best[-1] == pytest.approx(equilibrium.C_FAR, abs=1e-11)


def test_not_every_net_is_a_half():
    D = MLP(jax.random.key(0), (1,), ())
    assert abs(float(V(D, Normal(), Normal(1.0), range(-9, 11))) + math.log(4)) > 0.01


def test_the_law_that_two_generators_share():
    one, other, apart = map(np.ravel, equilibrium._draw(jax.random.key(0)))
    assert np.abs(one - other).mean() > 0.1
    for drawn in (one, other):
        assert (
            scipy.stats.kstest(
                drawn, lambda x: scipy.stats.norm.cdf(np.log(np.expm1(x)))
            ).pvalue
            > 1e-3
        )
    assert scipy.stats.kstest(apart, "halfnorm").pvalue > 1e-3
