"""The estimator on tables: the same kind back, conditions, balance, ids, labels, going on, refusals."""

import jax
import jax.random as jr
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

from helpers import fit_partly
from onehalf import Refusal
from onehalf.data.rows import EncodedRows
from onehalf.data.splits import split_rows
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.frames import to_table
from onehalf.data.tables.schema import Schema
from onehalf.domains.tables import TableDomain
from onehalf.gan import GAN
from onehalf.hyperparameters import Hyperparameters
from people import N, make_people

pytestmark = pytest.mark.usefixtures("critics_without_nets")

rng = np.random.default_rng(0)
PEOPLE = make_people(rng)
TINY = {"rounds": 300, "width": 16, "random_state": 0}


@pytest.fixture(scope="module")
def gan():
    return GAN(**TINY).fit(PEOPLE)


@pytest.fixture(scope="module")
def labelled():
    return GAN(**TINY, label=["sex"], evaluate=False).fit(PEOPLE)


def test_samples_are_of_the_kind_and_the_types_of_the_data(gan):
    assert gan.recipe_.players == "neural"
    made = gan.sample(50)
    assert made.dtypes.equals(PEOPLE.dtypes)
    assert set(made["inches"]) <= {14, 15, 17}
    assert (made["height"].round(1) == made["height"]).all()
    assert made["height"].between(PEOPLE["height"].min(), PEOPLE["height"].max()).all()
    assert made["age"].isna().any()
    assert (made["age"].dropna() % 1 == 0).all()
    pd.testing.assert_frame_equal(made, gan.sample(50))
    assert not made.equals(gan.sample(50, random_state=1))


@pytest.mark.parametrize(
    ("columns", "asked", "players"),
    [
        (2, {}, "trees"),
        (200, {"rounds": 9, "seeds": 2, "minutes": 3, "evaluate": False}, "trees"),
        (201, {}, "neural"),
        (201, {"players": "trees"}, "trees"),
        (2, {"players": "neural"}, "neural"),
        (2, {"loss": "Minimax"}, "neural"),
        (2, {"m": 64}, "neural"),
        (2, {"refine": False}, "neural"),
    ],
)
def test_trees_play_unless_settings_of_networks_are_given_or_columns_are_many(
    columns, asked, players
):
    table = pa.table({f"x{number}": [0.5, 1.5, 2.5] for number in range(columns)})
    domain = TableDomain(TableEncoder.fit(table))
    assert domain.choose_players(Hyperparameters(**asked).check()) == players


def test_columns_by_themselves_are_those_of_the_data(gan):
    made = gan.sample(4000)
    for column in ("sex", "inches"):
        shares = [
            frame[column].value_counts(normalize=True).sort_index() for frame in (PEOPLE, made)
        ]
        assert (shares[0] - shares[1]).abs().max() < 0.04
    assert abs(made["age"].isna().mean() - PEOPLE["age"].isna().mean()) < 0.04


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_other_libraries_frames_come_back(kind):
    frame = (
        pl.from_pandas(PEOPLE)
        if kind == "polars"
        else pa.Table.from_pandas(PEOPLE, preserve_index=False)
    )
    made = GAN(**TINY | {"rounds": 100}, evaluate=False).fit(frame).sample(5)
    assert type(made) is type(frame)
    schema = (
        dict(zip(frame.columns, frame.dtypes, strict=True))
        if kind == "polars"
        else frame.schema
    )
    for name in ("sex", "height", "age", "inches", "born"):
        assert (
            made.schema[name] == schema[name]
            if kind == "polars"
            else made.schema.field(name) == schema.field(name)
        )


def test_a_certificate_ends_the_fit_in_the_columns_own_names(gan):
    assert gan.certificate_.n_real == 105
    assert gan.certificate_.memorization is not None
    assert {column.name for column in gan.certificate_.audit.columns} <= set(PEOPLE.columns)


def test_what_is_missing_in_all_test_rows_does_not_lose_the_fit():
    few = PEOPLE[["sex", "height"]].assign(
        seldom=[5.5, 7.0] + [np.nan] * (N - 2), word=["a", "b"] + [None] * (N - 2)
    )
    gan = GAN(**TINY | {"rounds": 100}).fit(few)
    assert gan.certificate_.n_real == 105
    assert gan.sample(50)["seldom"].isna().mean() > 0.9


def test_ids_are_new_or_left_out(gan):
    assert list(gan.sample(3, ids=False).columns) == list(PEOPLE.columns.drop("id"))
    made = gan.sample(300)
    assert list(made.columns) == list(PEOPLE.columns)
    assert made["id"].is_unique
    assert made["id"].str.fullmatch("u[0-9]+").all()
    assert not set(made["id"]) & set(PEOPLE["id"])


def test_conditions_hold_for_every_sample_and_the_rows_drawn_are_counted(gan):
    made = gan.sample(200, where="sex=F,height>160")
    assert len(made) == 200
    assert (made["sex"] == "F").all()
    assert (made["height"] > 160).all()
    assert gan.fit_.model.draw_where(jr.key(0), 200, "sex=F,height>160").n_drawn > 400


def test_labels_that_only_the_test_rows_have_are_kept(monkeypatch):
    """G never saw them; what it makes for them is set against their rows, under their name."""

    def one_other(place):
        words = PEOPLE["sex"].tolist()
        return PEOPLE.assign(sex=[*words[:place], "other", *words[place + 1 :]])

    def tested(frame):
        table = to_table(frame)
        coding = TableEncoder.fit(table)
        rows = EncodedRows.unlabelled(coding.encode(table, "X"))
        sexes = split_rows(rows).test.x[:, coding.names.index("sex")]
        return [coding.show(coding.names.index("sex"), cell) for cell in sexes]

    table = next(table for table in map(one_other, range(N)) if "other" in tested(table))
    compared = []

    monkeypatch.setattr(
        "onehalf.fitting.evaluations.compare", lambda samples, **_: compared.append(samples)
    )
    gan = GAN(**TINY | {"rounds": 100}, label="sex").fit(table)
    assert compared[0].given == ("sex",)
    assert gan.sample(given=pd.DataFrame({"sex": ["other", "F"]}))["sex"].tolist() == [
        "other",
        "F",
    ]


def test_what_only_trees_can_do_is_refused_and_names_them(gan, labelled):
    for call in (gan.impute, gan.log_prob):
        with pytest.raises(Refusal, match="--players trees"):
            call(PEOPLE)
    with pytest.raises(
        Refusal, match=r"the labels of the fit \(sex\); got age\. .*--players trees"
    ):
        labelled.sample(given=pd.DataFrame({"sex": ["F"], "age": [30]}))


def test_labels_are_given_and_take_no_more_rows(labelled):
    made = labelled.sample(200, where="sex=F")
    assert (made["sex"] == "F").all()
    assert labelled.fit_.model.draw_where(jr.key(0), 200, "sex=F").n_drawn == 200
    both = labelled.sample(3000)["sex"].value_counts(normalize=True)
    assert abs(both["F"] - 0.3) < 0.05
    balanced = labelled.sample(3000, balanced=True)["sex"].value_counts(normalize=True)
    assert abs(balanced["F"] - 0.5) < 0.05
    for asked in (["F", "M", "M", "F"], ["M"]):
        assert labelled.sample(given=pd.DataFrame({"sex": asked}))["sex"].tolist() == asked


def test_a_run_on_a_table_goes_on_bit_for_bit(monkeypatch):
    monkeypatch.setattr("onehalf.fitting.evaluations.compare", lambda *_, **__: None)
    asked = TINY | {"rounds": 200}
    whole = GAN(**asked).fit(PEOPLE)
    broken = fit_partly(GAN(**asked, warm_start=True), PEOPLE)
    assert broken.fit_.rounds == 100
    broken.fit(PEOPLE)
    for left, right in zip(
        jax.tree.leaves(whole.fit_.state), jax.tree.leaves(broken.fit_.state), strict=True
    ):
        assert (left == right).all() if hasattr(left, "shape") else left == right
    pd.testing.assert_frame_equal(whole.sample(20), broken.sample(20))
    with pytest.raises(
        Refusal, match="expected the rows of the interrupted fit; got other rows"
    ):
        broken.fit(PEOPLE.iloc[:-1])


def test_it_knows_the_table_that_it_was_fitted_on(gan):
    assert gan.was_fitted_on(PEOPLE)
    assert gan.was_fitted_on(PEOPLE[PEOPLE.columns[::-1]])
    assert not gan.was_fitted_on(PEOPLE.iloc[::-1])
    assert not gan.was_fitted_on(PEOPLE.drop(columns="sex"))
    assert len(gan.logits(PEOPLE)) == N


def test_roles_are_those_of_the_fit(gan):
    roles = gan.split(PEOPLE)
    assert [len(part) for part in roles] == [490, 105, 105]
    assert list(roles.test.columns) == ["sex", "height", "age", "inches", "born"]


def test_a_corrected_schema_is_gone_by():
    schema = Schema.infer(to_table(PEOPLE), {"inches": "category", "age": "id"})
    gan = GAN(players="trees", rounds=2, schema=schema, evaluate=False).fit(PEOPLE)
    assert gan.fit_.domain.left_out == ("id", "age")
    assert clone(gan).schema is schema or clone(gan).schema == schema


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"label": "sexx"},
            "label: expected a column of the table; got 'sexx'. Did you mean sex",
        ),
        (
            {"label": "height"},
            "label 'height': expected a column of categories or of few values",
        ),
        (
            {"label": "id"},
            "label: expected a column that can be learned; got 'id', which holds IDs",
        ),
    ],
)
def test_labels_that_can_be_none_are_refused(asked, message):
    with pytest.raises(Refusal, match=message):
        GAN(**TINY, **asked).fit(PEOPLE)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"where": "sex=X"}, "sex=X: expected one of F, M"),
        ({"balanced": True}, "balanced: expected a fit with a label"),
        ({"given": pd.DataFrame({"sex": ["F", "M"]})}, "given: expected a fit with labels"),
        ({"n": 0}, "n: expected at least 1 row"),
    ],
)
def test_samples_that_can_not_be_had_are_refused(gan, asked, message):
    with pytest.raises(Refusal, match=message):
        gan.sample(**asked)


def test_conditions_of_an_array_are_refused():
    gan = GAN(rounds=1, width=4, random_state=0, evaluate=False)
    gan.fit(rng.normal(size=(30, 2)))
    with pytest.raises(
        Refusal, match="expected a fit of a table, or with labels; got one of an array without"
    ):
        gan.sample(3, where="x1>0")
    with pytest.raises(
        Refusal,
        match="y: expected labels of the rows, to be called 'x1'; got none",
    ):
        GAN(rounds=1, label="x1").fit(rng.normal(size=(30, 2)))
