"""Laws over every penalty: nothing for a flat D, more for a steeper one, finite gradients, the gamma/2 convention."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from onehalf._registry import catalogue
from onehalf.distributions.base import Batch
from onehalf.penalties import R1, R2, GradientPenalty

PENALTIES = catalogue("penalties")
X, GZ = jr.normal(jr.key(1), (64, 3)), 2 + jr.normal(jr.key(2), (64, 3))
REAL, GENERATED = Batch.without_conditions(X), Batch.without_conditions(GZ)

every_penalty = pytest.mark.parametrize("kind", PENALTIES.values(), ids=PENALTIES)


def pays(kind, D, **options):
    return float(kind(**options).penalty(jr.key(0), D, REAL, GENERATED))


@every_penalty
def test_it_grows_with_the_slope_and_with_gamma(kind):
    by_slope = [
        pays(kind, lambda x, c, slope=slope: slope * x.sum()) for slope in (1.0, 2.0, 4.0)
    ]
    assert 0 < by_slope[0] < by_slope[1] < by_slope[2]
    assert pays(kind, lambda x, c: 2 * x.sum(), gamma=0.5) == pytest.approx(
        pays(kind, lambda x, c: 2 * x.sum(), gamma=1.0) / 2
    )


@every_penalty
def test_gradients_are_finite_where_D_is_flat(kind):
    gradient = jax.grad(
        lambda w: kind().penalty(jr.key(0), lambda x, c: w @ x, REAL, GENERATED)
    )(jnp.zeros(3))
    assert jnp.isfinite(gradient).all()


@every_penalty
def test_it_does_not_depend_on_a_constant_in_the_logit(kind):
    assert pays(kind, lambda x, c: (x**2).sum()) == pytest.approx(
        pays(kind, lambda x, c: (x**2).sum() + 7), rel=1e-6
    )


def test_R1_is_on_data_and_R2_on_samples_summed_over_entries():
    # grad of x -> |x|^2 is 2x, so gamma/2 E|2x|^2 = 2 gamma E|x|^2
    assert pays(R1, lambda x, c: (x**2).sum(), gamma=1.0) == pytest.approx(
        2 * np.mean(np.sum(np.square(X), 1)), rel=1e-5
    )
    assert pays(R2, lambda x, c: (x**2).sum(), gamma=1.0) == pytest.approx(
        2 * np.mean(np.sum(np.square(GZ), 1)), rel=1e-5
    )


@every_penalty
def test_images_are_examples_too(kind):
    images = Batch.without_conditions(X[:60].reshape(-1, 3, 4))
    assert kind().penalty(jr.key(0), lambda x, c: (x**2).sum(), images, images).shape == ()


@every_penalty
def test_only_the_slope_in_x_counts(kind):
    """d(x, c) = 2 sum(x) + 7 sum(c) is as steep as 2 sum(x)."""
    c = jnp.ones((64, 2))
    with_c = kind().penalty(
        jr.key(0), lambda x, c: 2 * x.sum() + 7 * c.sum(), Batch(X, c), Batch(GZ, c)
    )
    assert float(with_c) == pytest.approx(pays(kind, lambda x, c: 2 * x.sum()), rel=1e-6)


def test_each_side_keeps_its_conditions():
    """The slope of d(x, c) = c x is c."""
    one, three = Batch(X, jnp.ones((64, 1))), Batch(GZ, jnp.full((64, 1), 3.0))
    d = lambda x, c: c[0] * x[0]  # noqa: E731
    assert float(R1(gamma=2.0).penalty(jr.key(0), d, one, three)) == pytest.approx(1)
    assert float(R2(gamma=2.0).penalty(jr.key(0), d, one, three)) == pytest.approx(9)


def test_the_gradient_penalty_moves_x_and_c_in_the_same_proportion():
    """Between (0, 0) and (1, 1) x = c, and d = (x - c)^2/2 + x has slope 1 there only."""
    real, generated = (
        Batch(jnp.full((64, 1), side), jnp.full((64, 1), side)) for side in (0.0, 1.0)
    )
    d = lambda x, c: (x[0] - c[0]) ** 2 / 2 + x[0]  # noqa: E731
    paid = GradientPenalty().penalty(jr.key(0), d, real, generated)
    assert float(paid) == pytest.approx(0, abs=1e-6)
