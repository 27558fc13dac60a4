"""Laws over every loss: who wants what, finite gradients, known answers at the edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from onehalf._registry import catalogue
from onehalf.losses import MaximumLikelihood, Minimax, NonSaturating, value

LOSSES = {name: kind() for name, kind in catalogue("losses").items()}
EXTREME = jnp.array([-1e4, -88.0, -17.0, -1.0, 0.0, 1.0, 17.0, 88.0, 1e4])
FEW = jnp.array([-3.0, -0.5, 0.0, 0.7, 2.0])

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


@every_loss
def test_D_wants_data_up_and_samples_down(loss):
    # inside (-1, 1), where least squares and hinge have not got what they want
    up, down = jax.grad(loss.loss_D, argnums=(0, 1))(FEW / 4, FEW[::-1] / 4)
    assert (up <= 0).all()
    assert up.sum() < 0
    assert (down >= 0).all()
    assert down.sum() > 0


@every_loss
def test_G_wants_its_samples_up(loss):
    # least squares wants d = 0 on the samples, so only samples below that are pulled up
    d_Gz = -jnp.abs(FEW) - 0.1
    assert (jax.grad(loss.loss_G, argnums=1)(FEW, d_Gz) < 0).all()


@every_loss
def test_losses_and_gradients_are_finite_at_any_logit(loss):
    for f in (loss.loss_D, loss.loss_G):
        for d_x, d_Gz in ((EXTREME, EXTREME), (EXTREME, EXTREME[::-1])):
            assert jnp.isfinite(f(d_x, d_Gz))
            assert all(jnp.isfinite(g).all() for g in jax.grad(f, argnums=(0, 1))(d_x, d_Gz))


@every_loss
def test_the_order_of_pairs_does_not_matter(loss):
    order = jnp.array([3, 1, 4, 0, 2])
    for f in (loss.loss_D, loss.loss_G):
        assert np.allclose(f(FEW, 2 * FEW), f(FEW[order], 2 * FEW[order]), rtol=1e-6)


@every_loss
def test_gradients_agree_with_differences(loss):
    with jax.enable_x64(True):
        d_x, d_Gz = jnp.array([0.3, -1.2, 2.0], float), jnp.array([-0.4, 0.9, -2.0], float)
        for f in (loss.loss_D, loss.loss_G):
            gradients = jax.grad(f, argnums=(0, 1))(d_x, d_Gz)
            for i in range(3):
                nudge = jnp.zeros(3).at[i].set(1e-6)
                by_x = (f(d_x + nudge, d_Gz) - f(d_x - nudge, d_Gz)) / 2e-6
                by_Gz = (f(d_x, d_Gz + nudge) - f(d_x, d_Gz - nudge)) / 2e-6
                assert np.allclose([gradients[0][i], gradients[1][i]], [by_x, by_Gz], atol=1e-6)


def _pull(loss, d):
    """The size of G's gradient with respect to the logit of one sample."""
    return abs(float(jax.grad(lambda d_Gz: loss.loss_G(jnp.zeros(1), d_Gz))(jnp.array([d]))[0]))


def test_the_non_saturating_pull_tends_to_1_and_the_minimax_pull_to_0():
    assert [_pull(NonSaturating(), d) for d in (-10.0, -30.0, -1e4)] == pytest.approx(
        [1, 1, 1], abs=1e-4
    )
    assert [_pull(Minimax(), d) for d in (-10.0, -30.0, -1e4)] == pytest.approx(
        [4.54e-5, 9.36e-14, 0], rel=1e-2
    )


def test_maximum_likelihood_goes_on_straight_above_its_ceiling():
    assert (
        _pull(MaximumLikelihood(), 25.0)
        == pytest.approx(_pull(MaximumLikelihood(), 1e4))
        == pytest.approx(np.exp(20))
    )
    assert _pull(MaximumLikelihood(), 3.0) == pytest.approx(np.exp(3), rel=1e-5)


def test_value_is_minus_twice_the_mean_cross_entropy():
    from sklearn.metrics import log_loss

    d_x, d_Gz = np.array([0.3, -1.2, 2.0]), np.array([-0.4, 0.9, -2.0])
    D = jax.nn.sigmoid(np.concatenate([d_x, d_Gz]))
    expected = -2 * log_loss([1, 1, 1, 0, 0, 0], np.asarray(D, np.float64))
    assert float(
        value(jnp.asarray(d_x, jnp.float32), jnp.asarray(d_Gz, jnp.float32))
    ) == pytest.approx(expected, rel=1e-5)
