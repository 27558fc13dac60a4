"""What pipelines rely on: provenance in the JSON, exit codes of a limit, held-out rows in a file."""

import hashlib
import json
from importlib.metadata import version

import numpy as np
import pytest

import onehalf as oh
from helpers import assert_refused, run_cli
from onehalf.evaluation.result import FORMAT, DetectableEffect, Verdict
from onehalf.evaluation.result.limit import compare_with_limit

pytestmark = pytest.mark.usefixtures("critics_without_nets")


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    for name, mean in (("real", 0.0), ("same", 0.0), ("far", 2.0), ("train", 0.0)):
        np.save(tmp_path / f"{name}.npy", rng.normal(mean, size=(800, 1)))
    np.save(tmp_path / "few.npy", rng.normal(size=(25, 1)))
    return tmp_path


def test_the_json_of_a_measurement_says_what_it_was_made_of(files):
    words = ["measure", "real.npy", files / "same.npy", "--train", "train.npy", "--json"]
    found = json.loads(run_cli(*words, cwd=files).stdout)
    assert found["format"] == FORMAT == 1
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["onehalf"] == version("onehalf")
    assert set(found["versions"]) == {"python", "onehalf", "numpy", "jax", "scikit-learn"}
    assert found["files"] == {
        side: {
            "name": f"{name}.npy",
            "sha256": hashlib.sha256((files / f"{name}.npy").read_bytes()).hexdigest(),
        }
        for side, name in {"real": "real", "other": "same", "train": "train"}.items()
    }
    assert str(files) not in json.dumps(found)


def test_the_hash_of_a_folder_depends_on_names_and_contents(tmp_path):
    from onehalf.cli._provenance import describe_inputs

    def hash_of(**contents):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_text(content)
        return describe_inputs({"data": str(folder)})["data"].sha256

    one = hash_of(a="1", b="2")
    assert hash_of(b="2", a="1") == one
    assert hash_of(a="2", b="1") != one
    assert hash_of(a="1", c="2") != one
    assert describe_inputs({"data": "digits", "other": None})["data"].sha256 is None


@pytest.mark.parametrize(
    ("other", "limit", "code", "words"),
    [
        ("far", 0.05, 1, "is above the limit of 0.05 nats"),
        ("same", 0.65, 0, "is not above the limit of 0.65 nats. No difference found"),
        ("few", 0.65, 3, "is not above the limit of 0.65 nats. Too few rows to tell"),
    ],
)
def test_a_limit_decides_the_exit_code(files, other, limit, code, words):
    done = run_cli(
        "measure", "real.npy", f"{other}.npy", "--fail-above", limit, "--json", cwd=files
    )
    assert done.code == code, done.stderr
    assert words in done.stderr
    found = json.loads(done.stdout)["limit"]
    assert (found["limit"], found["exit_code"]) == (limit, code)
    assert found["sentence"] in done.stderr


@pytest.mark.parametrize("limit", [-0.01, 0.693, 5, "nan"])
def test_a_limit_that_no_distance_is_above_is_refused(files, limit):
    done = run_cli("measure", "missing.npy", "far.npy", "--fail-above", limit, cwd=files)
    assert_refused(done, "fail-above: expected nats, from 0 to below 0.693; got")


@pytest.mark.parametrize(
    ("lower", "decided", "outcome"),
    [
        (0.051, "they differ", "above"),
        (0.051, "too few rows to tell", "above"),
        (0.05, "they differ", "not above"),
        (0.0, "no difference found", "not above"),
        (0.0, "too few rows to tell", "too few rows"),
    ],
)
def test_a_limit_is_judged_by_the_verdict(lower, decided, outcome):
    verdict = Verdict(
        outcome=decided,
        sentence="Said.",
        test="permutation test",
        jsd_lower=0.0,
        can_be_missed=None,
    )
    check = compare_with_limit(lower, verdict, 0.05)
    assert check.outcome == outcome
    assert check.sentence.endswith("Said.") == (outcome != "above")


def test_a_measurement_is_compared_with_a_limit_in_python():
    rng = np.random.default_rng(0)
    found = oh.measure(real=rng.normal(size=(60, 1)), other=rng.normal(9.0, size=(60, 1)))
    assert found.check_limit(0.1).outcome == "above"
    assert isinstance(found.detectable, DetectableEffect | None)
    with pytest.raises(oh.Refusal, match="fail-above: expected nats"):
        found.check_limit(1.0)


def people(folder, n=200):
    rng = np.random.default_rng(0)
    rows = [
        f"{100 + row},{rng.integers(18, 90)},{rng.choice(['F', 'M'])},{rng.normal(50, 9):.2f}"
        for row in range(n)
    ]
    (folder / "people.csv").write_text("\n".join(["id,age,sex,height", *rows]) + "\n")


TINY = ["--rounds", 100, "--batch", 16, "--no-evaluation"]


def test_the_test_rows_are_kept_as_the_user_has_them(tmp_path):
    people(tmp_path)
    words = ["fit", "people.csv", *TINY, "--out", "run", "--keep-test", "test.csv"]
    done = run_cli(*words, cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert "test.csv (30 rows, which are not used for training" in done.stderr
    header, *kept = (tmp_path / "test.csv").read_text().replace('"', "").splitlines()
    assert header == "age,sex,height"
    lines = [
        line.split(",", 1)[1] for line in (tmp_path / "people.csv").read_text().splitlines()
    ]
    numbers = {(*line.split(",")[:2], float(line.split(",")[2])) for line in lines[1:]}
    assert len(kept) == 30
    assert {(*line.split(",")[:2], float(line.split(",")[2])) for line in kept} <= numbers
    done = run_cli("measure", "test.csv", "run", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["n_real"] == 30
    assert "trained on most of it" not in done.stderr


@pytest.mark.parametrize("name", ["test.txt", "test.png", "test.npy"])
def test_a_file_that_can_not_hold_the_test_rows_is_refused_before_training(tmp_path, name):
    people(tmp_path)
    words = ["fit", "people.csv", *TINY, "--out", "run", "--keep-test", name]
    assert_refused(run_cli(*words, cwd=tmp_path), f"{name}: expected a name that ends in .")
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_test_rows_of_labelled_arrays_keep_their_labels(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "x.npz", x=rng.normal(size=(100, 3)), y=rng.integers(2, size=100))
    words = ["fit", "x.npz", *TINY, "--label", "kind", "--out", "run", "--keep-test"]
    assert_refused(run_cli(*words, "test.npy", cwd=tmp_path), "A .npy file has no labels.")
    assert run_cli(*words, "test.npz", cwd=tmp_path).code == 0
    kept = np.load(tmp_path / "test.npz")
    assert (kept["x"].shape, kept["y"].shape) == ((15, 3), (15,))


def test_the_data_are_not_overwritten_by_their_test_rows(tmp_path):
    people(tmp_path)
    words = ["fit", "people.csv", *TINY, "--keep-test", tmp_path / "people.csv"]
    before = (tmp_path / "people.csv").read_bytes()
    sentence = "keep-test: expected another file than the data; got"
    assert_refused(run_cli(*words, cwd=tmp_path), sentence)
    assert (tmp_path / "people.csv").read_bytes() == before
