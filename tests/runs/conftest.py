"""Fits for tests of saving, which take no time for rounds."""

import numpy as np
import pytest

from helpers import TINY_IMAGES


@pytest.fixture(scope="package")
def fits(tmp_path_factory):
    """A fit of images before round 0 and after each chunk, as `run` yields it; with the data, and its path."""
    from onehalf import fitting, runs

    folder = tmp_path_factory.mktemp("data")
    path = folder / "x.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (20, 4, 4), np.uint8))
    run = runs.open_run(folder / "run", str(path), TINY_IMAGES)
    return [run.fit, *fitting.run(run.fit, run.data)], run.data, str(path)


@pytest.fixture
def quick_fits(fits, monkeypatch):
    """Let `fit_run` yield what was fitted before, and return the path of its data."""
    from onehalf import fitting

    known, data, path = fits

    def run(fit, data, on_quick=None):
        at = (fit.rounds, fit.stopped_because)
        places = [
            i for i, each in enumerate(known) if (each.rounds, each.stopped_because) == at
        ]
        yield from known[places[-1] + 1 :] or known[-1:]

    monkeypatch.setattr(fitting, "run", run)
    monkeypatch.setattr(fitting, "start", lambda *_, **__: (known[0], data))
    monkeypatch.setattr(fitting, "resume", lambda *_: data)
    return path


@pytest.fixture
def run(tmp_path, quick_fits):
    """A run that has ended, in a folder of its own."""
    from onehalf import runs

    runs.fit_run(tmp_path / "run", quick_fits, TINY_IMAGES)
    return tmp_path / "run"
