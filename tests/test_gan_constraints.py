"""Rules that samples keep, from the estimator to the run on disk."""

import json

import jax.random as jr
import numpy as np
import pandas as pd
import pytest

from helpers import assert_refused, plant_nothing, run_cli
from onehalf import Refusal, runs
from onehalf.gan import GAN
from onehalf.hyperparameters import FitOptions
from onehalf.model import GenerativeModel

pytestmark = pytest.mark.usefixtures("critics_without_nets")

N = 300
RULES = ["login >= signup", "combinations(city, country)", "unique(customer, months)"]
PLACES = {"Rome": "IT", "Milan": "IT", "Paris": "FR", "Bonn": "DE"}


def make_shop():
    rng = np.random.default_rng(0)
    pairs = rng.permutation(60 * 12)[:N]
    city = rng.choice(list(PLACES), N)
    signup = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 500, N), "D")
    price, months = rng.choice([4.5, 9.99, 19.99], N), pairs % 12 + 1
    return pd.DataFrame(
        {
            "customer": [f"c{each}" for each in pairs // 12],
            "price": price,
            "months": months,
            "total": (price * months).round(2),
            "signup": signup,
            "login": signup + pd.to_timedelta(rng.integers(0, 300, N), "D"),
            "city": city,
            "country": [PLACES[each] for each in city],
        }
    )


SHOP = make_shop()


def breaks(frame):
    """The rules that a frame breaks."""
    key = ["customer", "months"]
    checks = {
        "total": (frame["total"] == (frame["price"] * frame["months"]).round(2)).all(),
        "order": (frame["login"] >= frame["signup"]).all(),
        "places": frame["city"].map(PLACES).eq(frame["country"]).all(),
        "key": not frame[key].duplicated().any(),
    }
    return [name for name, is_kept in checks.items() if not is_kept]


@pytest.fixture(scope="module", params=["trees", "neural"])
def gan(request):
    options = {"rounds": 20, "width": 16} if request.param == "neural" else {}
    return GAN(
        players=request.param,
        constraints=RULES,
        label="country",
        evaluate=False,
        random_state=0,
        **options,
    ).fit(SHOP)


def test_samples_keep_every_rule(gan):
    assert breaks(gan.sample(400)) == []
    assert gan.sample(3).dtypes.equals(SHOP.dtypes)


def test_rules_hold_under_conditions_and_given_labels(gan):
    french = gan.sample(50, where="country=FR")
    assert set(french["city"]) == {"Paris"}
    assert breaks(french) == []
    made = gan.sample(given=pd.DataFrame({"country": ["IT", "DE"] * 40}))
    assert list(made["country"]) == ["IT", "DE"] * 40
    assert set(breaks(made)) <= {"key"}


ONLY_TREES = pytest.mark.parametrize("gan", ["trees"], indirect=True)


@pytest.fixture(scope="module")
def gaps():
    """Rows of the shop with few and with many gaps."""
    rng = np.random.default_rng(3)
    rows = SHOP.head(100)
    return rows.mask(rng.random(rows.shape) < rng.choice([0.2, 0.5, 0.8], (100, 1)))


@ONLY_TREES
@pytest.mark.parametrize("how", ["draw", "mean", "mode"])
def test_completed_rows_keep_every_rule_and_known_cells(gan, gaps, how):
    filled = gan.impute(gaps, how=how)
    assert breaks(filled) == []
    assert not filled.isna().any().any()
    pd.testing.assert_frame_equal(filled.where(gaps.notna()), gaps)


@ONLY_TREES
def test_rows_that_are_partly_given_keep_every_rule(gan, gaps):
    known = gaps[["customer", "months", "total", "login", "city"]]
    made = gan.sample(given=known)
    assert breaks(made) == []
    same = made[known.columns].where(known.notna())
    pd.testing.assert_frame_equal(same, known, check_dtype=False)


@ONLY_TREES
def test_conditions_on_what_rules_determine_are_met_by_weights(gan):
    where = "total>60,city=Rome|Milan"
    drawn = gan.fit_.model.draw_where(jr.key(0), 200, where)
    share = ((SHOP["total"] > 60) & SHOP["city"].isin(["Rome", "Milan"])).mean()
    assert drawn.probability == pytest.approx(share, abs=0.07)
    assert 200 < drawn.effective < drawn.n_drawn
    made = gan.sample(150, where=where)
    assert (made["total"] > 60).all()
    assert set(made["city"]) == {"Rome", "Milan"}
    assert breaks(made) == []


@ONLY_TREES
def test_rows_that_break_a_rule_have_no_density_and_are_not_completed(gan):
    rows = SHOP.head(3).copy()
    rows.loc[1, "total"] += 1
    assert np.isneginf(gan.log_prob(rows)).tolist() == [False, True, False]
    rows.loc[2, "city"] = np.nan
    with pytest.raises(Refusal) as refusal:
        gan.impute(rows)
    assert str(refusal.value) == (
        "impute: expected rows that keep the rule total = price * months; got one that breaks it in row 2. "
        "Correct it, or fit with --constraints none."
    )
    twice = pd.concat([SHOP.head(1)] * 2, ignore_index=True)
    with pytest.raises(Refusal, match=r"the rule unique\(customer, months\); got one .* row 2"):
        gan.impute(twice)


def test_more_rows_than_keys_are_refused(gan, monkeypatch):
    monkeypatch.setattr("onehalf.model.generative.REDRAWS", 3)
    with pytest.raises(
        Refusal, match=r"n: expected 900 rows with keys of their own; got \d+ of"
    ):
        gan.sample(900)


def test_logits_are_of_rows_as_players_see_them(gan):
    assert np.isfinite(gan.logits(SHOP)).all()


def test_rules_that_samples_break_too_often_are_refused(gan, monkeypatch):
    never = lambda self, preprocessor: lambda rows: np.zeros(len(rows), bool)  # noqa: E731
    monkeypatch.setattr(type(gan.fit_.domain), "acceptance", never)
    monkeypatch.setattr("onehalf.model.sampler.REDRAWS", 2)
    with pytest.raises(
        Refusal, match=r"constraints: expected samples that keep them; got 5 of 5"
    ):
        gan.sample(5)
    assert isinstance(gan.fit_.model, GenerativeModel)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the shop, and the file that it was fitted to."""
    folder = tmp_path_factory.mktemp("constraints")
    SHOP.to_csv(folder / "shop.csv", index=False)
    described = run_cli("data", "shop.csv", "--schema", "shop.json", "--json", cwd=folder)
    schema = json.loads((folder / "shop.json").read_text()) | {"constraints": RULES[:1]}
    (folder / "shop.json").write_text(json.dumps(schema))
    words = ("fit", "shop.csv", "--players", "trees", "--out", "run", "--schema", "shop.json")
    with pytest.MonkeyPatch.context() as patch:
        plant_nothing(patch)
        done = run_cli(*words, "--no-evaluation", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    return folder, described, done


def test_data_lists_the_rules_that_all_rows_keep(run):
    _, described, _ = run
    found = json.loads(described.stdout)[0]["found"]
    assert {"rule": "total = price * months", "rows": N} in found
    assert {"rule": "signup <= login", "rows": N} in found
    assert "All rows keep these rules" in described.stderr
    assert f"total = price * months   ({N} rows)" in described.stderr


def test_a_run_keeps_the_rules_of_its_schema_and_the_equations(run):
    folder, _, done = run
    assert json.loads(done.stdout)["constraints"] == [
        "signup <= login",
        "total = price * months",
    ]
    said = "Samples keep the rules signup <= login and total = price * months"
    assert said in done.stderr
    made = run_cli("sample", "run", "-n", 200, "-o", "new.csv", cwd=folder)
    assert made.code == 0, made.stderr
    new = pd.read_csv(folder / "new.csv", parse_dates=["signup", "login"])
    assert not {"total", "order"} & set(breaks(new))
    assert runs.load(folder / "run").domain.constraints == (
        "signup <= login",
        "total = price * months",
    )


def test_gaps_of_a_file_are_filled_under_the_rules_of_a_run(run):
    folder, _, _ = run
    table = SHOP.head(60).copy()
    table.loc[:19, "total"] = np.nan
    table.loc[10:39, "months"] = np.nan
    table.loc[40:, "login"] = pd.NaT
    table.loc[59, ["price", "total"]] = [np.nan, 1234.57]
    table.to_csv(folder / "gaps.csv", index=False)
    done = run_cli("impute", "run", "gaps.csv", "-o", "full.csv", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["rows_left"] == 1
    assert json.loads(done.stdout)["cells"] == 69
    said = "1 row keeps its gaps (line 61): nothing was found that keeps the rules."
    assert said in done.stderr
    full = pd.read_csv(folder / "full.csv", parse_dates=["signup", "login"])
    assert full.loc[59, ["price", "login"]].isna().all()
    assert not {"total", "order"} & set(breaks(full.head(59)))
    table.assign(customer="c999").to_csv(folder / "strange.csv", index=False)
    strange = run_cli("impute", "run", "strange.csv", "-o", "full.csv", cwd=folder)
    assert_refused(
        strange, "column 'customer': expected values of the data; got 'c999' in line 2"
    )
    table.assign(total=1.0).to_csv(folder / "wrong.csv", index=False)
    wrong = run_cli("impute", "run", "wrong.csv", "-o", "full.csv", cwd=folder)
    said = "wrong.csv: expected rows that keep the rule total = price * months; got one that breaks it in line 2."
    assert_refused(wrong, said)
    pd.testing.assert_frame_equal(full[:59].where(table[:59].notna()), table[:59])


def test_a_run_goes_on_under_the_same_rules_only(run):
    folder, _, _ = run
    words = ("fit", "shop.csv", "--players", "trees", "--out", "run", "--schema", "shop.json")
    again = run_cli(*words, "--no-evaluation", cwd=folder)
    assert again.code == 0, again.stderr
    other = run_cli(*words, "--no-evaluation", "--constraints", "none", cwd=folder)
    assert_refused(
        other, "constraints: expected the default, as run was begun with; got 'none'."
    )


def test_a_broken_row_is_named_by_its_line_before_training(run):
    folder, _, _ = run
    rows = (folder / "shop.csv").read_text().splitlines()
    cells = rows[4].split(",")
    cells[4], cells[5] = cells[5], cells[4]
    (folder / "broken.csv").write_text("\n".join([*rows[:4], ",".join(cells), *rows[5:], ""]))
    for words in (("data",), ("fit", "--out", "other")):
        done = run_cli(words[0], "broken.csv", "--schema", "shop.json", *words[1:], cwd=folder)
        assert_refused(
            done, "constraint 'signup <= login': expected rows that keep it; got one"
        )
        assert "in line 5. Correct the rows or the rule" in done.stderr
    assert not (folder / "other").exists()


@pytest.mark.parametrize("nothing", [[], (), "[]", "none"])
def test_an_empty_list_of_rules_adds_no_equations(nothing):
    assert FitOptions(constraints=nothing).chosen_constraints == "none"


def test_rules_are_for_tables():
    with pytest.raises(Refusal, match=r"constraints: expected a table; got an array"):
        GAN(constraints="auto").fit(np.zeros((200, 2)))
    with pytest.raises(Refusal, match=r"constraints: expected one of auto, unbroken, none"):
        GAN(constraints="all").fit(SHOP)
