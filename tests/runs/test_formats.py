"""Runs that earlier versions wrote, which are kept in `data` and are never written again."""

import shutil
from pathlib import Path

import jax.random as jr
import numpy as np
import pytest

from helpers import run_cli
from onehalf import Refusal, runs
from onehalf.fitting import evaluations
from onehalf.hyperparameters import FitOptions

DATA = Path(__file__).parent / "data"

DIGITS = FitOptions(rounds=200, width=2, m=16, k=1, random_state=0, normal=4, choices=0)
"""What `format-3/digits` was asked for, and stopped after 100 rounds."""


@pytest.fixture
def kept(tmp_path):
    """A copy of the runs of format 3."""
    shutil.copytree(DATA / "format-3", tmp_path / "kept")
    return tmp_path / "kept"


@pytest.mark.parametrize("name", ["digits", "people", "trees"])
def test_a_run_of_format_3_can_be_sampled_and_loaded(kept, name):
    done = run_cli("sample", kept / name, "-n", 5, "-o", kept / "new.npz")
    if name != "digits":
        done = run_cli("sample", kept / name, "-n", 5, "-o", kept / "new.csv")
        assert (kept / "new.csv").read_text().startswith("age,sex,weight\n")
    assert done.code == 0, done.stderr
    fit = runs.load(kept / name)
    assert fit.rounds == fit.history[-1]["t"]
    assert len(fit.previews) == (name == "digits")


def test_a_run_of_format_3_goes_on_and_is_then_saved_as_now(kept, monkeypatch):
    monkeypatch.setattr(evaluations, "measure", lambda *_, **__: None)
    begun = runs.load(kept / "digits")
    fit, _ = runs.fit_run(kept / "digits", "digits", DIGITS)
    assert fit.rounds == 200
    assert fit.history[:1] == begun.history
    assert (fit.previews[0] == begun.previews[0]).all()
    (kept / "digits" / "rows.jsonl").unlink()
    loaded = runs.load(kept / "digits")
    samples = [each.model.draw(jr.key(0), 20).x for each in (fit, loaded)]
    assert (samples[0] == samples[1]).all()


@pytest.mark.parametrize("name", ["rows.jsonl", "state.safetensors", "progress.npy"])
@pytest.mark.parametrize("harm", ["cut", "removed"])
def test_a_damaged_run_of_format_3_is_refused(kept, name, harm):
    path = kept / "digits" / name
    content = path.read_bytes()
    path.unlink()
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(Refusal, match=f"{name}: expected .* got"):
        runs.load(kept / "digits")


def test_previews_of_a_save_that_was_cut_short_are_left_out(kept):
    path = kept / "digits" / "progress.npy"
    previews = np.load(path)
    np.save(path, np.concatenate([previews, previews]))
    assert len(runs.load(kept / "digits").previews) == 1


def test_a_damaged_recipe_of_format_3_is_refused(kept):
    path = kept / "digits" / "recipe.json"
    content = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(content), 200):
        flipped = bytearray(content)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        for read in (runs.load, runs.load_model):
            with pytest.raises(Refusal):
                read(kept / "digits")
