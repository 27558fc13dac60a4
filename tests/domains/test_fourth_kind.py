"""A new kind of data is one file in domains/ (and one folder in data/): here, whole degrees on a circle."""

from dataclasses import dataclass, field
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import onehalf as oh
from helpers import run_cli
from onehalf import domains, runs
from onehalf.data.conditions import Conditions
from onehalf.data.rows import EncodedRows
from onehalf.distributions.base import Batch
from onehalf.distributions.empirical import Empirical
from onehalf.hyperparameters import FitOptions
from onehalf.nets.mlp import MLP
from onehalf.players.networks import Networks

pytestmark = pytest.mark.usefixtures("critics_without_nets")


@dataclass(frozen=True)
class AnglePreprocessor:
    """The players see the cosine and the sine of each angle."""

    shape: tuple[int, ...]
    conditions: Conditions = field(default_factory=Conditions)
    condition_size: int = 0

    def distribution(self, rows):
        return Empirical(self.transform(rows).x)

    def label_cells(self, rows):
        return rows.labels.astype(np.float64)

    def latent(self, noise):
        return noise

    def transform(self, rows):
        radians = np.deg2rad(rows.x.astype(np.float32))
        x = jnp.concatenate([jnp.cos(radians), jnp.sin(radians)], axis=1)
        return Batch.without_conditions(x)

    def inverse_transform(self, batch):
        cosine, sine = np.split(np.asarray(batch.x, np.float64), 2, axis=1)
        degrees = np.rint(np.rad2deg(np.arctan2(sine, cosine))) % 360
        return EncodedRows.unlabelled(degrees.astype(np.int16))

    def encode_conditions(self, cells):
        return np.zeros((len(cells), 0), np.float32)

    def relabel(self, rows, cells):
        return rows

    def to_arrays(self):
        return {"shape": np.array(self.shape)}


class AngleDomain(domains.ArrayDomain):
    """Whole degrees from 0 to 359, as int16."""

    name: ClassVar[str] = "angles"

    @classmethod
    def accepts(cls, values):
        return isinstance(values, np.ndarray) and values.dtype == np.int16

    def fit_preprocessor(self, train, preset=None):
        return AnglePreprocessor((2 * self.shape[0],))

    def load_preprocessor(self, arrays):
        return AnglePreprocessor(tuple(arrays["shape"].tolist()))

    def networks(self, recipe, preprocessor, p_data):
        size = {"width": recipe.width, "depth": recipe.depth}

        def D(key):
            return MLP(key, preprocessor.shape, (), **size)

        def G(key):
            return MLP(key, (recipe.normal + recipe.choices,), preprocessor.shape, **size)

        return Networks(D, G)


@pytest.fixture(autouse=True)
def angles(monkeypatch):
    monkeypatch.setattr(domains, "DOMAINS", [AngleDomain, *domains.DOMAINS])


@pytest.fixture(scope="module")
def degrees():
    rng = np.random.default_rng(0)
    return (rng.vonmises([0.0, 2.0], 4.0, size=(300, 2)) * 180 / np.pi % 360).astype(np.int16)


TINY = {"rounds": 200, "width": 8, "m": 32, "choices": 0, "random_state": 0}


def test_it_fits_samples_and_is_measured(degrees):
    gan = oh.GAN(**TINY).fit(degrees)
    samples = gan.sample(50)
    assert samples.dtype == np.int16
    assert samples.shape == (50, 2)
    assert ((samples >= 0) & (samples < 360)).all()
    assert gan.certificate_.n_real == 45
    assert type(gan.fit_.domain) is AngleDomain
    result = oh.measure(real=degrees[:100], other=samples)
    assert result.n_other == 50


@pytest.mark.slow
def test_it_is_saved_resumed_and_reported(degrees, tmp_path):
    np.save(tmp_path / "degrees.npy", degrees)
    word, folder = str(tmp_path / "degrees.npy"), tmp_path / "run"

    def stop(fit):
        if fit.rounds == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.fit_run(folder, word, FitOptions(**TINY), watch=stop)
    fit, _ = runs.fit_run(folder, word, FitOptions(**TINY))
    whole = oh.GAN(**TINY).fit(degrees)
    assert (oh.GAN.from_fit(fit).sample(20) == whole.sample(20)).all()
    assert run_cli("report", folder).code == 0
    assert "<svg" in (folder / "report.html").read_text(encoding="utf-8")
    assert np.load(folder / "samples.npy").dtype == np.int16
