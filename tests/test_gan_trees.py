"""Tables whose players are trees: the same face as networks, from the estimator to the run on disk."""

import json

import jax.random as jr
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

from helpers import assert_refused, fit_partly, plant_nothing, run_cli
from onehalf import Refusal, runs
from onehalf.gan import GAN
from people import N, make_people

pytestmark = pytest.mark.usefixtures("critics_without_nets")

PEOPLE = make_people(np.random.default_rng(0))
TREES = {"players": "trees", "random_state": 0}


@pytest.fixture(scope="module")
def gan():
    return GAN(**TREES, evaluate=False).fit(PEOPLE)


@pytest.fixture(scope="module")
def labelled():
    return GAN(**TREES, label=["sex", "inches"], evaluate=False).fit(PEOPLE)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of people, and the file that it was fitted to."""
    folder = tmp_path_factory.mktemp("trees")
    table = pa.Table.from_pandas(PEOPLE.drop(columns="born"))
    pyarrow.csv.write_csv(table, folder / "people.csv")
    words = ("fit", "people.csv", "--players", "trees", "--out", "run", "--json", "--verbose")
    with pytest.MonkeyPatch.context() as patch:
        plant_nothing(patch)
        done = run_cli(*words, cwd=folder)
    assert done.code == 0, done.stderr
    return folder, done


def test_samples_are_of_the_kind_and_the_types_of_the_data(gan):
    made = gan.sample(500)
    assert made.dtypes.equals(PEOPLE.dtypes)
    assert set(made["inches"]) <= {14, 15, 17}
    assert (made["height"].round(1) == made["height"]).all()
    assert made["height"].between(PEOPLE["height"].min(), PEOPLE["height"].max()).all()
    assert made["age"].isna().mean() == pytest.approx(0.2, abs=0.08)
    heights = made.groupby("sex")["height"].mean()
    assert heights["M"] - heights["F"] == pytest.approx(13, abs=3)
    pd.testing.assert_frame_equal(made, gan.sample(500))
    assert not made.equals(gan.sample(500, random_state=1))


def test_logits_are_those_of_the_last_D(gan):
    assert gan.recipe_.players == "trees"
    assert gan.history_[-1]["t"] <= 6
    logits = gan.logits(PEOPLE)
    assert logits.shape == (N,)
    assert np.isfinite(logits).all()


def test_samples_meet_conditions(gan):
    made = gan.sample(40, where="sex=F,age>40")
    assert set(made["sex"]) == {"F"}
    assert made["age"].min() > 40


def test_labels_are_given_and_the_rest_follows_them(labelled):
    made = labelled.sample(200, where="sex=F")
    assert set(made["sex"]) == {"F"}
    assert made["height"].mean() == pytest.approx(165, abs=3)
    assert labelled.sample(600, balanced=True)["inches"].value_counts().min() > 150
    given = pd.DataFrame({"sex": ["M", "F"] * 5, "inches": [14, 17] * 5})
    pd.testing.assert_frame_equal(
        labelled.sample(given=given)[["sex", "inches"]], given, check_dtype=False
    )
    shares = labelled.sample(2000)["sex"].value_counts(normalize=True)
    assert shares["F"] == pytest.approx(0.3, abs=0.06)


def test_a_fit_that_was_interrupted_goes_on_to_the_same_samples():
    whole = GAN(**TREES, rounds=2, evaluate=False).fit(PEOPLE)
    part = fit_partly(GAN(**TREES, rounds=2, evaluate=False, warm_start=True), PEOPLE)
    assert part.history_[-1]["t"] == 1
    part = GAN.from_fit(part.fit_).fit(PEOPLE)
    pd.testing.assert_frame_equal(whole.sample(50), part.sample(50))


def test_trees_learn_from_training_rows_alone():
    table = PEOPLE[["sex", "inches", "height"]]
    gan = GAN(**TREES, rounds=1, evaluate=False).fit(table)
    known = gan.split(table).train["height"]
    assert set(gan.fit_.best[0].chain.scales[2].values) == set(known)


def test_a_run_is_saved_with_its_choices_and_loads_the_same(run):
    folder, done = run
    printed = json.loads(done.stdout)
    assert printed["certificate"]["n_real"] == 105
    assert printed["players"]["floor"] in (10, 25, 60, 180)
    assert printed["players"]["audits"][-1]["floor"] == printed["players"]["floor"]
    assert f"at least {printed['players']['floor']} training rows" in done.stderr
    page = (folder / "run" / "report.html").read_text()
    assert "G draws each value from at least" in page
    assert "D learned from two thirds of the training rows" in page
    assert "Norms of the gradients" not in page
    fit = runs.load(folder / "run")
    rows = runs.load_model(folder / "run").draw(jr.key(0), 30)
    np.testing.assert_array_equal(rows.x, fit.model.draw(jr.key(0), 30).x)
    assert fit.recipe.players == "trees"


def test_a_finished_run_is_fitted_no_further_and_other_players_are_refused(run):
    folder, _ = run
    loaded = runs.load(folder / "run")
    assert loaded.end == loaded.stopped_because
    assert loaded.end.startswith(("D has lost", "all rounds"))
    other = run_cli("fit", "people.csv", "--out", "run", cwd=folder)
    assert_refused(other, "players: expected 'trees'")


def test_a_run_gives_samples_under_conditions(run):
    folder, _ = run
    done = run_cli("sample", "run", "-n", 20, "--where", "sex=M", "-o", "s.csv", cwd=folder)
    assert done.code == 0, done.stderr
    made = pyarrow.csv.read_csv(folder / "s.csv")
    assert made["sex"].unique().to_pylist() == ["M"]


def test_a_dry_run_estimates_the_cost_of_trees(run):
    folder, _ = run
    done = run_cli("fit", "people.csv", "--players", "trees", "--dry-run", "--json", cwd=folder)
    cost = json.loads(done.stdout)
    assert cost["rounds"] == 6
    assert cost["parameters_G"] > 1000
    assert cost["seconds_total"] > 0


def test_minutes_are_turned_into_rounds():
    gan = GAN(**TREES, minutes=0.1, evaluate=False).fit(PEOPLE)
    assert gan.recipe_.rounds > 0
    assert gan.recipe_.minutes == 0.1


@pytest.mark.parametrize(
    ("options", "X", "sentence"),
    [
        ({}, np.zeros((50, 2)), "players: expected neural"),
        ({"width": 64}, PEOPLE, "width: expected nothing"),
        ({"loss": "Wasserstein"}, PEOPLE, "loss: expected nothing"),
        ({"label": "height"}, PEOPLE, "label 'height'"),
    ],
)
def test_what_trees_cannot_do_is_refused(options, X, sentence):
    with pytest.raises(Refusal, match=sentence):
        GAN(**TREES, **options).fit(X)
