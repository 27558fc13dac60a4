"""Algorithm 1 on normals: what the affine G and the quadratic D are, and that the lag is a lag."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from onehalf.distributions import Normal
from onehalf.experiments import steps_of_d as module
from onehalf.experiments.steps_of_d import Affine, History, Quadratic, StepsOfD
from onehalf.theory import d_star


def test_the_best_quadratic_is_d_star():
    # log N(x; 0, 1) - log N(x; 1, 1/4) = -log 2 - x^2/2 + 2 (x - 1)^2
    D = Quadratic(w=jnp.array([2 - np.log(2), -4.0, 1.5]))
    best = d_star(Normal(), Affine(a=jnp.asarray(-0.5), b=jnp.asarray(1.0)).p_g)
    for x in (-2.0, 0.0, 0.7, 3.0):
        assert float(D(jnp.array([x]))) == pytest.approx(float(best(jnp.array([x]))), abs=1e-5)


def test_the_gap_is_by_quadrature():
    D, G = (
        Quadratic(w=jnp.array([0.3, -0.2, 0.1])),
        Affine(a=jnp.asarray(0.8), b=jnp.asarray(-0.5)),
    )

    def value(x, logit):
        p_g = norm.pdf(x, -0.5, 0.8)
        return norm.pdf(x) * np.log(expit(logit)) + p_g * np.log(expit(-logit))

    best = quad(lambda x: value(x, norm.logpdf(x) - norm.logpdf(x, -0.5, 0.8)), -9, 9)[0]
    of_D = quad(lambda x: value(x, 0.3 - 0.2 * x + 0.1 * x**2), -9, 9)[0]
    gap, jsd = module._measure(D, G)
    assert float(gap) == pytest.approx(best - of_D, abs=1e-5)
    assert float(jsd) == pytest.approx((best + np.log(4)) / 2, abs=1e-5)


def test_the_hands_derivatives_are_those_of_finite_differences(monkeypatch):
    # one ascent of V on fixed minibatches, and the descent of G on the third
    draws = [np.random.default_rng(seed).normal(size=module.M) for seed in range(3)]
    turn = iter(draws)
    monkeypatch.setattr(module, "_column", lambda p, key: next(turn))
    w, a, b = module._by_hand(module.jr.key(0), 1)

    def V(w, a, b, x, z):
        d = lambda x: w[0] + w[1] * x + w[2] * x**2  # noqa: E731
        return np.mean(np.log(expit(d(x)))) + np.mean(np.log(expit(-d(a * z + b))))

    def slope(f, at, h=1e-6):
        return (f(at + h) - f(at - h)) / (2 * h)

    start_a, start_b = module.START
    for j in range(3):
        up = slope(lambda h, j=j: V(h * np.eye(3)[j], start_a, start_b, *draws[:2]), 0.0)
        assert w[j] == pytest.approx(module.RATE * up, abs=1e-8)
    down_a = slope(lambda a: V(w, a, start_b, draws[0], draws[2]), start_a)
    down_b = slope(lambda b: V(w, start_a, b, draws[0], draws[2]), start_b)
    assert (a, b) == pytest.approx(
        (start_a - module.RATE * down_a, start_b - module.RATE * down_b), abs=1e-8
    )


def test_the_claims_can_fail():
    experiment = StepsOfD()
    looks = module.ROUNDS // module.EVERY
    near, far = (
        History(np.full((looks, 2), gap), np.full((looks, 2), gap)) for gap in (0.1, 0.2)
    )
    experiment.__dict__["deviations"] = {
        "D, k = 1": 1e-3,
        "G, k = 1": 0.0,
        "D, k = 5": 0.0,
        "G, k = 5": 1e-9,
    }
    experiment.__dict__["history"] = {1: near, 5: far}
    assert [claim.holds for claim in experiment.claims()] == [
        False,
        True,
        True,
        False,
        True,
        False,
        False,
    ]
