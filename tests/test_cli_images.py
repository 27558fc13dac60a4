"""Pictures on the command line: folders and IDX files in; sheets, folders and films out; and every refusal."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from helpers import assert_refused, run_cli
from onehalf import figures

pytestmark = pytest.mark.usefixtures("critics_without_nets")

X, y = load_digits(return_X_y=True)
X = (X.reshape(-1, 8, 8) * 15).astype(np.uint8)
N = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Digits as PNG files in class folders, with one broken file, and a run on them."""
    folder = tmp_path_factory.mktemp("images")
    for name, content in figures.encode_images(X[:N], y[:N]):
        path = folder / "digits" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "digits/3/broken.png").write_bytes(content[:60])
    (folder / "flat").mkdir()
    for name, content in figures.encode_images(X[N : N + 100]):
        (folder / "flat" / name).write_bytes(content)
    asked = (
        "--net",
        "convolutional",
        "--rounds",
        100,
        "--batch",
        16,
        "--label",
        "digit",
        "--out",
        "run",
        "--json",
    )
    done = run_cli("fit", "digits", *asked, cwd=folder)
    assert done.code == 0, done.stderr
    (folder / "said").write_text(done.stderr)
    (folder / "numbers.json").write_text(done.stdout)
    return folder


def test_fit_says_what_was_skipped_and_how_far_it_is(folder):
    said, numbers = (
        (folder / "said").read_text(),
        json.loads((folder / "numbers.json").read_text()),
    )
    assert "broken.png" in said
    assert "300 images in 10 classes, grey, 8 x 8" in said
    assert numbers["certificate"]["given"] == ["digit"]
    page = (folder / "run/report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert np.load(folder / "run/samples.npz")["y"].shape == (1000,)
    assert np.load(folder / "run/progress.npy").shape[1:] == (36, 8, 8)


def test_a_sheet(folder):
    assert run_cli("sample", "run", "-n", 64, "-o", "sheet.png", cwd=folder).code == 0
    with Image.open(folder / "sheet.png") as picture:
        assert min(picture.size) > 600


def test_a_folder_of_pictures_that_can_be_read_again(folder):
    done = run_cli("sample", "run", "-n", 30, "-o", "made/", "--where", "digit=3|5", cwd=folder)
    assert done.code == 0, done.stderr
    assert {path.parent.name for path in (folder / "made").rglob("*.png")} == {"3", "5"}
    assert len(list((folder / "made").rglob("*.png"))) == 30
    again = run_cli("sample", "run", "-n", 30, "-o", "made/", cwd=folder)
    assert_refused(
        again, "made: expected a new or empty folder; got one with files.", notes=True
    )


@pytest.mark.parametrize(
    ("flag", "name"), [("--interpolate", "way.gif"), ("--progress", "training.webp")]
)
def test_films(folder, flag, name):
    done = run_cli("sample", "run", "-n", 9, "-o", name, flag, cwd=folder)
    assert done.code == 0, done.stderr
    with Image.open(folder / name) as film:
        assert film.n_frames == (48 if flag == "--interpolate" else 1)


def test_arrays_of_samples_with_their_labels(folder):
    assert run_cli("sample", "run", "-n", 7, "-o", "new.npz", cwd=folder).code == 0
    with np.load(folder / "new.npz") as made:
        assert (made["x"].shape, made["y"].shape, made["x"].dtype) == (
            (7, 8, 8),
            (7,),
            np.uint8,
        )
    assert run_cli("sample", "run", "-n", 7, "-o", "new.npy", cwd=folder).code == 0
    assert np.load(folder / "new.npy").shape == (7, 8, 8)


def test_the_same_command_finds_the_run_as_it_is_and_another_label_is_refused(folder):
    asked = ("--net", "convolutional", "--rounds", 100, "--batch", 16, "--out", "run")
    assert run_cli("fit", "digits", *asked, "--label", "digit", cwd=folder).code == 0
    assert_refused(
        run_cli("fit", "digits", *asked, cwd=folder),
        "label: expected 'digit', as run was begun with; got the default.",
        notes=True,
    )
    assert_refused(
        run_cli("fit", "digits", *asked, "--label", "digit", "--size", 12, cwd=folder),
        "size: expected the default, as run was begun with; got 12.",
        notes=True,
    )


def test_two_folders_and_a_folder_and_a_run_are_measured(folder):
    done = run_cli("measure", "digits", "flat", "--json", "--html", "page.html", cwd=folder)
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["n_real"], found["n_other"]) == (N, 100)
    assert found["jsd_lower"] < 0.1
    done = run_cli("measure", "digits", "run", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    assert "copies of these rows count as data here" in done.stderr
    assert json.loads(done.stdout)["n_other"] == 10 * N


def test_report_and_data(folder):
    assert run_cli("report", "run", cwd=folder).code == 0
    done = run_cli("data", "digits", "-o", "digits.png", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    about = json.loads(done.stdout)[0]
    assert (about["kind"], about["rows"], about["shape"]) == ("images", N, [8, 8])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("fit", "flat", "--label", "digit"),
            "y: expected labels of the rows, to be called 'digit'; got none. Class folders",
        ),
        (("fit", "nothing/"), "nothing"),
        (("fit", "run"), "run"),
        (
            ("sample", "run", "-o", "new.csv"),
            "new.csv: expected a name that ends in .npy, .npz, .png; got .csv.",
        ),
        (
            ("sample", "run", "-o", "way.gif"),
            "animation: expected one of --interpolate and --progress; got neither.",
        ),
        (
            ("sample", "run", "-o", "way.mp4", "--interpolate"),
            "way.mp4: expected a name that ends in .gif, .webp, .html; got .mp4.",
        ),
        (("sample", "run", "-o", "new.npz", "--where", "digit=11"), "digit=11"),
        (("fit", "digits", "--size", "2"), "size"),
        (
            ("fit", "digits.npy", "--size", "12"),
            "size: expected a folder of images to resize; got digits.npy.",
        ),
    ],
)
def test_refusals(folder, words, sentence):
    np.save(folder / "digits.npy", X[:50])
    assert_refused(run_cli(*words, cwd=folder), sentence, notes=True)
