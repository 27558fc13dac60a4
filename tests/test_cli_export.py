"""`onehalf export` on kept runs."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from helpers import assert_refused, run_cli
from onehalf import runs

DATA = Path(__file__).parent / "runs" / "data" / "format-3"


@pytest.fixture
def kept(tmp_path):
    """Copies of runs."""
    shutil.copytree(DATA, tmp_path / "kept")
    return tmp_path / "kept"


def test_a_run_is_exported_and_described(kept):
    done = run_cli("export", kept / "digits", "--to", kept / "digits.onnx", "--json")
    assert done.code == 0, done.stderr
    assert f"Written: {kept / 'digits.onnx'} and {kept / 'digits.onnx.json'}" in done.stderr
    about = json.loads((kept / "digits.onnx.json").read_text())
    assert json.loads(done.stdout) == about
    z = np.zeros((2, 4), np.float32)
    (x,) = onnxruntime.InferenceSession(kept / "digits.onnx").run(None, {"z": z})
    assert x.shape == (2, *about["columns"][0]["shape"][1:])


def test_a_run_of_trees_is_exported(kept):
    done = run_cli("export", kept / "trees", "--to", kept / "trees.onnx")
    assert done.code == 0, done.stderr
    assert "discriminator" not in done.stderr
    session = onnxruntime.InferenceSession(kept / "trees.onnx")
    columns = session.run(None, {"z": np.random.default_rng(0).random((5, 3), np.float32)})
    assert {len(column) for column in columns} == {5}


def test_what_the_file_lacks_is_said(kept, monkeypatch):
    model = runs.load_model(kept / "people")
    object.__setattr__(model, "refinement", object())
    monkeypatch.setattr(runs, "load_model", lambda *_: model)
    done = run_cli("export", kept / "people", "--to", kept / "people.onnx")
    assert "The file has the generator alone" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("run", "to", "sentence"),
    [
        ("digits", "m.pt", "expected a name that ends in .onnx or .stablehlo; got .pt"),
        ("digits", "people.csv/m.onnx", "expected a place to write to"),
        ("nothing", "m.onnx", "expected the folder of a run"),
        ("trees", "m.stablehlo", "expected a .onnx file for a table, which may have words"),
    ],
)
def test_what_cannot_be_exported_is_refused(kept, run, to, sentence):
    assert_refused(run_cli("export", kept / run, "--to", kept / to), sentence)
    assert not list(kept.glob("m.*"))


def test_an_exported_file_is_not_written_over(kept):
    (kept / "m.onnx").write_text("mine")
    done = run_cli("export", kept / "digits", "--to", kept / "m.onnx")
    assert_refused(done, "m.onnx: expected a new file; got one that exists")
