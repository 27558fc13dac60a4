"""Tables whose players are trees: the same face as networks, from the estimator to the run on disk."""

import json
import re
from unittest import mock

import jax.random as jr
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

from helpers import assert_refused, fit_partly, plant_nothing, run_cli
from onehalf import Refusal, runs
from onehalf.cli._conditions import say_impossible
from onehalf.fitting import Cost
from onehalf.gan import GAN
from onehalf.hyperparameters import FitOptions
from onehalf.recipe import Recipe
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


def test_samples_meet_conditions_and_say_how_likely_these_are(gan):
    made = gan.sample(40, where="sex=F,40<age<=70,height<170")
    assert set(made["sex"]) == {"F"}
    assert made["age"].between(41, 70).all()
    assert made["height"].max() < 170
    drawn = gan.fit_.model.draw_where(jr.key(0), 200, "sex=F,40<age<=70,height<170")
    data = (PEOPLE["sex"] == "F") & PEOPLE["age"].between(41, 70) & (PEOPLE["height"] < 170)
    assert drawn.probability == pytest.approx(data.mean(), abs=0.04)
    assert 200 < drawn.effective <= drawn.n_drawn


def test_given_columns_are_kept_and_the_others_follow(gan):
    sex = np.repeat(["F", "M"], 150)
    age = pd.Series(np.where(np.arange(300) % 3, 33.0, np.nan))
    made = gan.sample(given=pd.DataFrame({"sex": sex, "age": age, "id": "me"}))
    assert made.columns.tolist() == PEOPLE.columns.tolist()
    assert (made["sex"] == sex).all()
    assert (made["age"][age.notna()] == 33).all()
    assert made["age"][age.isna()].nunique() > 10
    assert set(made["id"]) == {"me"}
    heights = made.groupby("sex")["height"].mean()
    assert heights["F"] == pytest.approx(165, abs=2)
    assert heights["M"] == pytest.approx(178, abs=2)
    assert gan.sample(given=pd.DataFrame({"sex": ["F"]}))["id"].str.startswith("u").all()


def with_gaps() -> pd.DataFrame:
    table = PEOPLE.head(200).mask(np.random.default_rng(1).random((200, 6)) < 0.25)
    return table.set_axis(range(1000, 1200))


def test_gaps_are_filled_and_nothing_else_changes(gan):
    table = with_gaps()
    filled = gan.impute(table)
    learned = [name for name in table if name != "id"]
    assert not filled[learned].isna().any().any()
    assert filled["id"].isna().sum() == table["id"].isna().sum()
    pd.testing.assert_frame_equal(filled.where(table.notna()), table)
    assert filled["inches"].isin([14, 15, 17]).all()
    height = filled["height"][table["height"].isna() & (table["sex"] == "F")]
    assert height.mean() == pytest.approx(165, abs=4)
    pd.testing.assert_frame_equal(filled, gan.impute(table))
    first, second = gan.impute(table, draws=2)
    pd.testing.assert_frame_equal(second.where(table.notna()), table)
    assert not first.equals(second)


@pytest.mark.parametrize("how", ["mean", "mode"])
def test_gaps_may_be_filled_by_means_and_modes(gan, how):
    table = pd.DataFrame(
        {
            "sex": ["F", "M", None],
            "height": [None, None, 160.0],
            "age": 40,
            "inches": [14.0, 15, None],
        }
    ).assign(born=pd.Timestamp("1970-01-01"), id="x")
    filled = gan.impute(table, how=how)
    assert filled["height"].tolist() == pytest.approx([165, 178, 160], abs=5)
    assert (filled["height"].round(1) == filled["height"]).all()
    assert filled["sex"].tolist() == ["F", "M", "F"]


def test_rows_with_a_value_that_the_model_never_makes_are_named(gan, capsys):
    model = gan.fit_.model
    table = PEOPLE.head(3).assign(inches=[14.0, 99.0, 15.0], height=None)
    found = model.impute(jr.key(0), model.domain.parse_partial(table, "x"))
    assert found.impossible == ("row 2",)
    say_impossible(found.impossible)
    said = "1 row has a value that the model never makes (row 2). It is kept, and the nearest"
    assert said in capsys.readouterr().err


def test_log_prob_finds_rows_that_are_unlike_the_others(gan):
    usual = gan.log_prob(PEOPLE)
    assert usual.shape == (N,)
    assert gan.log_prob_error_ == 0
    strange = PEOPLE.head(50).assign(sex=np.where(PEOPLE["sex"].head(50) == "F", "M", "F"))
    assert np.median(gan.log_prob(strange)) < np.median(usual) - 0.5
    assert np.isneginf(gan.log_prob(PEOPLE.head(5).assign(height=250.0))).all()


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
    players = printed["players"]
    assert players["floor"] == min(players["floors"])
    assert players["price"] == players["audits"][-1]["price"]
    assert f"at least {players['floor']} " in done.stderr
    page = (folder / "run" / "report.html").read_text()
    assert "G draws each value from at least" in page
    assert "D learned from two thirds of the training rows" in page
    assert "Norms of the gradients" not in re.sub(
        r"<script.*?</script>", "", page, flags=re.DOTALL
    )
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


def test_conditions_are_said_beside_their_share_in_the_data(run):
    folder, _ = run
    words = ("sample", "run", "-n", 20, "--where", "sex=M,20<=age<50", "-o", "w.csv")
    done = run_cli(*words, cwd=folder)
    assert "sex=M,20<=age<50: probability 0." in done.stderr
    data = ((PEOPLE["sex"] == "M") & PEOPLE["age"].between(20, 49)).sum()
    assert f"in people.csv ({data} of 700 rows)" in done.stderr
    assert "of equal weight" in done.stderr
    first = (folder / "w.csv").read_bytes()
    assert run_cli(*words, "--seed", 0, cwd=folder).code == 0
    learned = [line.split(b",")[1:] for line in first.splitlines()]
    again = (folder / "w.csv").read_bytes().splitlines()
    assert [line.split(b",")[1:] for line in again] == learned


def test_a_file_of_known_cells_gives_a_row_for_each_of_its_rows(run):
    folder, _ = run
    (folder / "known.csv").write_text("sex,height\nF,\nM,171.5\n,150\n")
    done = run_cli("sample", "run", "--given", "known.csv", "-o", "g.csv", cwd=folder)
    assert done.code == 0, done.stderr
    made = pd.read_csv(folder / "g.csv")
    assert made["sex"].tolist()[:2] == ["F", "M"]
    assert made["height"].tolist()[1:] == [171.5, 150.0]
    assert made.columns.tolist() == ["id", "sex", "height", "age", "inches"]


def test_a_file_with_gaps_is_completed(run):
    folder, _ = run
    with_gaps().drop(columns="born").to_csv(folder / "gaps.csv", index=False)
    words = ("impute", "run", "gaps.csv", "-o", "full.csv")
    done = run_cli(*words, "--draws", 2, "--json", cwd=folder)
    assert done.code == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["files"] == ["full-1.csv", "full-2.csv"]
    table = pd.read_csv(folder / "gaps.csv")
    assert printed["cells"] == table.drop(columns="id").isna().sum().sum()
    assert (
        f"Filled {printed['cells']} missing cells of 200 rows; id can't be learned"
        in done.stderr
    )
    for name in printed["files"]:
        filled = pd.read_csv(folder / name)
        pd.testing.assert_frame_equal(filled.where(table.notna()), table)
        assert not filled.drop(columns="id").isna().any().any()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("sample", "run", "--given", "other.csv", "-o", "x.csv"), "'sx'. Did you mean sex?"),
        (("sample", "run", "--given", "word.csv", "-o", "x.csv"), "column 'sex'"),
        (
            ("sample", "run", "--given", "word.csv", "-n", 5, "-o", "x.csv"),
            "--given cannot be combined with -n, --where or --balanced.",
        ),
        (
            ("sample", "run", "--given", "word.csv", "--where", "sex=F", "-o", "x.csv"),
            "--given",
        ),
        (("impute", "run", "word.csv", "-o", "x.csv"), "expected a column 'height'"),
        (("impute", "run", "word.csv", "-o", "word.csv"), "out: expected another file"),
        (("impute", "run", "word.csv", "-o", "x.npy"), "expected a name that ends in .csv"),
        (("impute", "run", "word.csv", "-o", "x.csv", "--mean", "--mode"), "one of --draws"),
    ],
)
def test_files_that_cannot_be_conditioned_on_are_refused(run, words, sentence):
    folder, _ = run
    (folder / "other.csv").write_text("sx\nF\n")
    (folder / "word.csv").write_text("sex\nW\nF\n")
    assert_refused(run_cli(*words, cwd=folder), sentence)
    assert not (folder / "x.csv").exists()


def test_a_dry_run_estimates_the_cost_of_trees(run):
    folder, _ = run
    done = run_cli("fit", "people.csv", "--players", "trees", "--dry-run", "--json", cwd=folder)
    cost = json.loads(done.stdout)
    assert cost["rounds"] == 6
    assert cost["parameters_G"] > 1000
    assert cost["seconds_total"] > 0


def test_the_cost_of_many_columns_is_estimated_from_some_and_said_before_a_fit(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("onehalf.runs.run.MOST_TIMED", 3)
    monkeypatch.setattr("onehalf.runs.run.SAID_FROM", 6)
    rng = np.random.default_rng(0)
    path = str(tmp_path / "wide.csv")
    wide = pd.DataFrame(rng.integers(0, 9, (60, 6)), columns=list("abcdef"))
    wide["b"] = np.where(wide["a"] > 4, "yes", "no")
    wide.to_csv(path, index=False)
    options = FitOptions(players="trees", evaluate=False, label="b", random_state=0)
    said = []
    cost = runs.estimate_cost(path, options, on_progress=said.append)
    assert said == ["The cost is estimated from 4 of the 6 columns."]
    some = wide[["a", "b", "c", "f"]]
    some.to_csv(path, index=False)
    fit = runs.open_run(tmp_path / "some", path, options).fit
    arrays = fit.best[0].to_arrays()
    numbers = sum(each.size for each in arrays.values())
    assert cost.parameters_G == round(6 / 4 * numbers)

    wide.to_csv(path, index=False)
    said.clear()
    runs.open_run(tmp_path / "run", path, options, on_progress=said.append)
    assert re.fullmatch(
        r"6 columns are many for trees: the fit takes about \d+ s, estimated from 4 of them.",
        said[-1],
    )


def test_the_cost_of_wider_tables_grows_with_columns_and_with_what_each_of_them_sees():
    seconds = dict.fromkeys(
        ("seconds_training", "seconds_evaluation", "seconds_certificate"), 1
    )
    cost = Cost(
        mock.Mock(spec=Recipe),
        {},
        10,
        10,
        seconds_setup=2,
        seconds_page=3,
        megabytes=1,
        **seconds,
    )
    wider = cost.multiply(5, 1.27, seconds_reading=7)
    assert (wider.seconds_setup, wider.seconds_page, wider.parameters_G) == (17, 15, 50)
    assert wider.seconds_training == wider.seconds_certificate == 5 * 1.27
    assert wider.seconds_total == pytest.approx(17 + 15 + 3 * 5 * 1.27)


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
