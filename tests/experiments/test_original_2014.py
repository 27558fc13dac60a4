"""What the experiment on 2014 claims can fail; its numbers are held in tests/test_mnist_2014.py."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np

from onehalf.experiments import original_2014 as module
from onehalf.experiments.original_2014 import History, Original2014


def test_units_that_share_a_map_would_be_found(monkeypatch):
    class Sliding(module.MLP):
        """Each unit the greatest of five neighbouring maps."""

        def __call__(self, x, *, key=None):
            h = x @ self.weights[0] + self.biases[0]
            return jnp.stack([jnp.roll(h, -i) for i in range(5)]).max(axis=0)[
                :: self.pieces - 1
            ][:240]

    assert module._count_moved_units(jr.key(0)) == 1
    monkeypatch.setattr(module, "MLP", Sliding)
    assert module._count_moved_units(jr.key(0)) == 2


def test_a_sheet_lays_images_out_row_by_row():
    images = np.arange(25)[:, None] * np.ones(64)
    sheet = module._tile(jnp.asarray(images, jnp.float32))
    assert sheet.shape == (45, 45)
    assert sheet[::9, ::9].ravel().tolist() == list(range(25))


def test_the_claims_can_fail(monkeypatch):
    experiment = Original2014()
    objectives = np.full((module.EPOCHS * module.EVALUATIONS + 1, 2), 0.8)
    experiment.__dict__["history"] = History(
        objectives, jnp.zeros((25, 64)), jnp.zeros((25, 64))
    )
    monkeypatch.setattr(module, "rate", lambda t: 0.1 * 0.999996**t / 2)
    monkeypatch.setattr(module, "momentum", lambda epoch, t: 0.5)
    monkeypatch.setattr(module, "_count_parameters", lambda net: 2_503_984)
    monkeypatch.setattr(module, "_count_moved_units", lambda key: 2.0)
    monkeypatch.setattr(
        module, "_sample_dropout_ratios", lambda key: np.array([0.7, 0.71, 0.69])
    )
    assert [claim.holds for claim in experiment.claims()] == [
        False,
        False,
        False,
        True,
        False,
        False,
        False,
        False,
    ]
