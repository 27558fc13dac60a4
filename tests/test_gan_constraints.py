"""Rules that samples keep, from the estimator to the run on disk."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import assert_refused, plant_nothing, run_cli
from onehalf import Refusal, runs
from onehalf.gan import GAN
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


def test_more_rows_than_keys_are_refused(gan, monkeypatch):
    monkeypatch.setattr("onehalf.model.REDRAWS", 3)
    with pytest.raises(
        Refusal, match=r"n: expected 900 rows with keys of their own; got \d+ of"
    ):
        gan.sample(900)


def test_logits_are_of_rows_as_players_see_them(gan):
    assert np.isfinite(gan.logits(SHOP)).all()


def test_rules_that_samples_break_too_often_are_refused(gan, monkeypatch):
    never = lambda self, preprocessor: lambda rows: np.zeros(len(rows), bool)  # noqa: E731
    monkeypatch.setattr(type(gan.fit_.domain), "acceptance", never)
    monkeypatch.setattr("onehalf.model.REDRAWS", 2)
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


def test_a_run_goes_on_under_the_same_rules_only(run):
    folder, _, _ = run
    words = ("fit", "shop.csv", "--players", "trees", "--out", "run", "--schema", "shop.json")
    again = run_cli(*words, "--no-evaluation", cwd=folder)
    assert again.code == 0, again.stderr
    other = run_cli(*words, "--no-evaluation", "--constraints", "none", cwd=folder)
    assert_refused(other, "constraints: expected None, as run was begun with; got 'none'.")


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


def test_rules_are_for_tables():
    with pytest.raises(Refusal, match=r"constraints: expected a table; got an array"):
        GAN(constraints="auto").fit(np.zeros((200, 2)))
    with pytest.raises(Refusal, match=r"constraints: expected one of auto, unbroken, none"):
        GAN(constraints="all").fit(SHOP)
