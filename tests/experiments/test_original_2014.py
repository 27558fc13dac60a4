"""The numbers of the 2014 code, counted and stepped by hand."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from onehalf.experiments import original_2014 as module
from onehalf.experiments.original_2014 import Original2014, Played, momentum, optimiser, players, rate


def test_each_player_has_as_many_parameters_as_in_2014():
    D, G = players(jr.key(0), jnp.full(784, 0.5))
    assert module._size(G) == (100 + 1) * 1200 + (1200 + 1) * 1200 + (1200 + 1) * 784 == 2_503_984
    assert module._size(D) == (784 + 1) * 240 * 5 + (240 + 1) * 240 * 5 + 240 + 1 == 1_231_441


def test_weights_start_as_in_2014():
    means = jnp.array([0.0, 0.25, 1.0])
    D, G = players(jr.key(0), means)
    assert [float(abs(w).max()) <= bound for net, bound in ((D, 0.005), (G, 0.05)) for w in net.weights] == [True] * 6
    assert np.allclose(G.biases[-1], np.log([1e-7, 1 / 3, 1e7]), rtol=2e-2)
    assert np.allclose(G(jnp.zeros(100)), [1e-7, 0.25, 1], rtol=1e-5)
    assert (D.activation, D.dropout, G.activation, G.out_activation) == ("maxout", (0.2, 0.5), "relu", "sigmoid")
    assert module.P_Z.sample(jr.key(0), 1000).std() == pytest.approx(1, abs=0.01)


def test_rate_falls_to_its_floor():
    expected = [0.1 / 1.000004**t for t in (0, 1, 125_000)] + [1e-6]
    assert [float(rate(t)) for t in (0, 1, 125_000, 4_000_000)] == pytest.approx(expected, rel=1e-6)


def test_momentum_is_linear_from_epoch_1_to_250():
    found = [
        float(momentum(500, 500 * (epoch - 1) + minibatch)) for epoch in (1, 84, 250, 999) for minibatch in (0, 499)
    ]
    assert found == pytest.approx([0.5, 0.5, 0.5 + 0.2 / 3, 0.5 + 0.2 / 3, 0.7, 0.7, 0.7, 0.7], abs=1e-6)


def test_the_optimiser_is_the_recursion_of_2014():
    gradients = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    gan = optimiser(3)
    state, increment = gan.init(jnp.zeros(3)), np.zeros(3)
    for t, gradient in enumerate(gradients):
        update, state = gan.update(jnp.asarray(gradient), state)
        increment = (0.5 + 0.2 * (t // 3) / 249) * increment - 0.1 / 1.000004**t * gradient
        assert np.allclose(update, increment, atol=1e-6)


def test_units_that_share_a_map_would_be_found(monkeypatch):
    class Sliding(module.MLP):
        """Each unit the greatest of five neighbouring maps."""

        def __call__(self, x, *, key=None):
            h = x @ self.weights[0] + self.biases[0]
            return jnp.stack([jnp.roll(h, -i) for i in range(5)]).max(axis=0)[:: self.pieces - 1][: module.WIDTH]

    assert module._units_moved(jr.key(0)) == 1
    monkeypatch.setattr(module, "MLP", Sliding)
    assert module._units_moved(jr.key(0)) == 2


def test_a_sheet_lays_images_out_row_by_row():
    images = np.arange(25)[:, None] * np.ones(64)
    sheet = module._sheet(jnp.asarray(images, jnp.float32))
    assert sheet.shape == (45, 45)
    assert sheet[::9, ::9].ravel().tolist() == list(range(25))


def test_the_claims_can_fail(monkeypatch):
    experiment = Original2014()
    objectives = np.full((module.EPOCHS * module.LOOKS + 1, 2), 0.8)
    experiment.__dict__["played"] = Played(objectives, jnp.zeros((25, 64)), jnp.zeros((25, 64)))
    monkeypatch.setattr(module, "rate", lambda t: 0.1 * 0.999996**t / 2)
    monkeypatch.setattr(module, "momentum", lambda epoch, t: 0.5)
    monkeypatch.setattr(module, "_size", lambda net: 2_503_984)
    monkeypatch.setattr(module, "_units_moved", lambda key: 2.0)
    monkeypatch.setattr(module, "_dropped", lambda key: np.array([0.7, 0.71, 0.69]))
    assert [claim.holds for claim in experiment.claims()] == [False, False, False, True, False, False, False, False]
