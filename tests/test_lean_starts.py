"""What a command or a name imports, in processes of their own: starts stay fast."""

import subprocess
import sys

import jax.random as jr
import numpy as np
import pytest

from onehalf import runs
from onehalf.hyperparameters import FitOptions

UNUSED_BY_SAMPLE = (
    "matplotlib",
    "onehalf.evaluation.certificate",
    "onehalf.gan",
    "onehalf.training",
    "optax",
    "pandas",
    "rich",
    "scipy.special",
    "scipy.stats",
    "sklearn",
)


def list_loaded(code: str, modules: tuple[str, ...]) -> str:
    """Run code in a new process, and return which of these modules it has loaded."""
    code += f"; print(sorted(set({modules!r}) & set(sys.modules)))"
    command = [sys.executable, "-c", f"import sys; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lean")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(100, 2)))
    options = FitOptions(rounds=100, width=8, m=16, seeds=2, random_state=0, evaluate=False)
    fit, _ = runs.fit_run(folder / "run", str(folder / "x.npy"), options)
    return folder / "run", fit


def test_sample_imports_nothing_that_only_training_or_evaluation_needs(run):
    folder, _ = run
    words = ["onehalf", "sample", str(folder), "-n", "50", "-o", str(folder / "new.npy")]
    code = f"sys.argv = {words!r}; from onehalf.cli import app; app(standalone_mode=False)"
    assert list_loaded(code, UNUSED_BY_SAMPLE) == "[]"
    assert len(np.load(folder / "new.npy")) == 50


def test_the_estimator_is_imported_without_jax():
    heavy = ("equinox", "jax", "matplotlib", "optax", "rich")
    assert list_loaded("import onehalf; onehalf.GAN", heavy) == "[]"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_loaded_model_is_that_of_the_chosen_seed(run, monkeypatch, seed):
    folder, fit = run
    for module in ("onehalf.fitting.fit", "onehalf.runs.checkpoint"):
        monkeypatch.setattr(f"{module}.choose_seed", lambda *_: seed)
    expected = fit.model.draw(jr.key(0), 20).x
    assert fit.model.p_g.G is fit.best[seed]
    assert (runs.load(folder).model.draw(jr.key(0), 20).x == expected).all()
    assert (runs.load_model(folder).draw(jr.key(0), 20).x == expected).all()
