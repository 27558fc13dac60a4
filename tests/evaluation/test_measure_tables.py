"""Tables measured: the guarantees as frequencies, known answers, what numbers don't depend on, and what is refused."""

import datetime
import functools
import json
import re
from pathlib import Path

import jax.random as jr
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from scipy import stats

import onehalf as oh
from helpers import assert_refused, is_rare, over_seeds, plant_nothing, run_cli
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.schema import Schema
from onehalf.evaluation import measurement, pairing
from onehalf.evaluation.certificate.bounds import p_value
from onehalf.evaluation.certificate.certificate import certify
from onehalf.evaluation.checks.audit import audit_samples
from onehalf.evaluation.explain.marginals import rank_marginals
from onehalf.evaluation.explain.regions import find_regions, jsd_of_dropped
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder
from onehalf.evaluation.pairing import PairedSamples

ALPHA = 0.05
LEVELS = ["HS-grad", "Bachelors", "Masters", "Doctorate", "11th"]
DOCTORATE = 0.08


def people(rng, n):
    """Words, whole numbers with an atom, numbers that may be missing, dates, booleans, and ids."""
    level = rng.choice(LEVELS, n, p=[0.42, 0.3, 0.12, DOCTORATE, 0.08])
    hours = np.where(rng.random(n) < 0.4, 40, rng.integers(1, 80, n))
    income = np.where(
        rng.random(n) < 0.15,
        np.nan,
        rng.lognormal(10, 1, n).round(2) + 9000 * (level == "Masters"),
    )
    days = rng.integers(0, 3000, n).tolist()
    return pa.table(
        {
            "person": [f"p{i:07d}" for i in rng.permutation(10**6)[:n]],
            "level": level,
            "hours": hours,
            "income": pa.array(income, from_pandas=True),
            "joined": [
                datetime.date(2001, 1, 1) + datetime.timedelta(days=day) for day in days
            ],
            "smoker": rng.random(n) < 0.2,
        }
    )


def without(table, word="Doctorate"):
    return table.filter(pa.array(np.asarray(table["level"]) != word))


def coded(*tables):
    """The columns of some tables, and their cells."""
    encoder = TableEncoder.fit(*tables)
    return TableColumns(encoder), [encoder.encode(table) for table in tables]


@pytest.fixture
def swift(monkeypatch):
    """A measurement without nets, and with nothing planted."""
    for module in (pairing, measurement):
        monkeypatch.setattr(
            module, "certify", functools.partial(certify, kinds=("linear", "cells", "trees"))
        )
    plant_nothing(monkeypatch)


# ------------------------------------------------------------------------------------------------------ the guarantees


@pytest.fixture(scope="module")
def law():
    """A table that is all there is: its columns, its cells, those left without a word, and the share of the word."""
    table = people(np.random.default_rng(0), 100_000)
    columns, (cells,) = coded(table)
    kept = cells[:, 0] != columns.encoder.words["level"].index("Doctorate")
    return table, columns, cells, cells[kept], 1 - kept.mean()


def drawn(seed, n, *laws):
    """N rows of each of these laws."""
    rng = np.random.default_rng(seed)
    return [cells[rng.integers(len(cells), size=n)] for cells in laws]


@over_seeds(15, 60)
def test_one_law_of_tables_is_refuted_as_seldom_as_is_said(seeds, law):
    _, columns, cells, _, _ = law
    found = []
    for seed in range(seeds):
        x, y = drawn(seed, 120, cells, cells)
        found.append(
            certify(
                jr.key(seed),
                x,
                y[:, None],
                ALPHA,
                kinds=("linear", "cells"),
                encoder=TableFeatureEncoder(columns),
            )
        )
    assert is_rare([each.jsd_lower > 0 for each in found])
    assert is_rare([each.p_value <= ALPHA for each in found])
    assert np.mean(np.exp([each.log_e for each in found])) < 2


@over_seeds(10, 30)
def test_the_bound_stays_below_the_truth_and_comes_near_it(seeds, law):
    # what is dropped is a word, so that the JSD is known
    _, columns, cells, rest, dropped = law
    bounds = []
    for seed in range(seeds):
        x, y = drawn(seed, 800, cells, rest)
        bounds.append(
            certify(
                jr.key(seed),
                x,
                y[:, None],
                ALPHA,
                kinds=("linear",),
                encoder=TableFeatureEncoder(columns),
            ).jsd_lower
        )
    assert is_rare(np.array(bounds) > jsd_of_dropped(dropped))
    assert np.mean(bounds) > 0.2 * jsd_of_dropped(dropped)


def in_halves(find, x, y, columns):
    return find(x[::2], y[::2], x[1::2], y[1::2], columns, ALPHA)


@over_seeds(12, 40)
def test_all_intervals_of_regions_hold_at_once_and_one_law_has_hardly_any(seeds, law):
    whole, columns, cells, _, _ = law
    missed, found_any = [], 0
    for seed in range(seeds):
        x, y = drawn(seed, 800, cells, cells)
        found = in_halves(find_regions, x, y, columns)
        found_any += any(region.certain for region in found)
        # the true share of a rule is that of the whole table
        truth = {
            json.dumps(region.conditions): true_share(whole, region.conditions)
            for region in found
        }
        missed.append(
            any(
                not getattr(region, side).low
                <= truth[json.dumps(region.conditions)]
                <= getattr(region, side).high
                for region in found
                for side in ("real", "other")
            )
        )
    assert is_rare(missed)
    assert found_any <= stats.binom.isf(4e-3, seeds, ALPHA)


def true_share(table, conditions):
    """Of a rule, from its words alone, by pandas."""
    frame = table.to_pandas()
    inside = pd.Series(True, index=frame.index)
    for name, op, value in conditions:
        column = frame[name]
        if frame[name].dtype.kind == "b":
            column = column.map({True: "true", False: "false"})
            value = value.lower() if isinstance(value, str) else value
        if name == "joined":
            column = column.map(str)
        inside &= {
            ">": lambda c, v: c > v,
            ">=": lambda c, v: c >= v,
            "<=": lambda c, v: c <= v,
            "=": lambda c, v: c == v,
            "in": lambda c, v: (
                c.isin([word for word in v if word is not None]) | (c.isna() & (None in v))
            ),
            "missing": lambda c, _: c.isna(),
            "known": lambda c, _: c.notna(),
        }[op](column, value)
    return inside.mean()


@over_seeds(7, 20)
def test_the_ladder_of_tables_stays_below_the_truth_and_names_the_column(seeds, law):
    _, columns, cells, rest, dropped = law
    steps = [
        in_halves(rank_marginals, *drawn(seed, 1500, cells, rest), columns)
        for seed in range(seeds)
    ]
    assert is_rare(
        [step.jsd_lower > jsd_of_dropped(dropped) for found in steps for step in found]
    )
    assert np.mean([found[0].columns == ("level",) for found in steps]) > 0.9


# ------------------------------------------------------------------------------------- samplers that are given labels


class Conditional:
    """A generator of (label, value) that is right, or not, about the value given the label."""

    labels_ = ("label",)

    def __init__(self, shift=0.0):
        self.shift = shift

    def sample(self, n=None, random_state=0, given=None):
        rng = np.random.default_rng([7, random_state])
        label = np.asarray(given["label"]) if given is not None else draw_labels(rng, n)
        return conditional(rng, label, self.shift)


def draw_labels(rng, n):
    return rng.choice(["low", "middle", "high"], n, p=[0.5, 0.3, 0.2])


def conditional(rng, label, shift=0.0):
    centre = np.select([label == "low", label == "middle"], [-8.0, 0.0], 8.0)
    return pa.table({"label": label, "value": centre + shift + rng.normal(size=len(label))})


@over_seeds(200, 1500)
def test_dealt_within_pairs_p_is_exact_where_labels_decide_all(seeds):
    small = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        label = 10 * rng.integers(3, size=30)
        l_x, l_y = label + rng.normal(size=30), label[:, None] + rng.normal(size=(30, 3))
        small.append(p_value(rng, l_x, l_y, deals=19, matched=True) <= ALPHA)
    assert (
        stats.binom.ppf(5e-4, len(small), ALPHA)
        <= np.sum(small)
        <= stats.binom.isf(5e-4, len(small), ALPHA)
    )


@over_seeds(15, 60)
def test_given_their_labels_right_samples_are_refuted_as_seldom_as_is_said(seeds):
    # the labels of the data are no draws of the sampler's own law: only the rest of the row is compared
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        real = conditional(rng, rng.choice(["low", "high"], 120, p=[0.9, 0.1]))
        other = Conditional().sample(
            given=real.take(np.repeat(np.arange(120), 3)), random_state=seed
        )
        columns, (x, y) = coded(real, other)
        pair = PairedSamples(seed, x, y, TableFeatureEncoder(columns), matched=True)
        key = jr.key(seed)
        kinds = ("linear", "cells")
        found.append(
            certify(
                key,
                pair.x,
                pair.y,
                ALPHA,
                kinds=kinds,
                encoder=TableFeatureEncoder(columns),
                matched=True,
            )
        )
        np.testing.assert_array_equal(np.repeat(pair.x.x[:, 0], 3), pair.y.x[:, 0])
    assert is_rare([each.jsd_lower > 0 for each in found])
    assert is_rare([each.p_value <= ALPHA for each in found])
    assert np.mean(np.exp([each.log_e for each in found])) < 2


@pytest.mark.usefixtures("swift")
def test_a_sampler_with_labels_makes_rows_for_those_of_the_data():
    rng = np.random.default_rng(0)
    # all labels high: a sampler that drew its own would be far off
    real, train = (conditional(rng, np.array(["high"] * 390 + ["low"] * 10)) for _ in range(2))
    right = oh.measure(real=real, sampler=Conditional(), train=train)
    assert right.given == ("label",)
    assert right.n_other == 4000
    assert right.jsd_lower == 0
    assert right.memorization.p_value > 0.001
    assert "generated for its own label" in " ".join(right.sentences)
    wrong = oh.measure(real=real, sampler=Conditional(1.0))
    assert wrong.jsd_lower > 0.05
    assert wrong.p_value < 1e-3


# ------------------------------------------------------------------------------------------------------- known answers


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    kinds = ("linear", "cells", "trees")
    with pytest.MonkeyPatch.context() as patch:
        for module in (pairing, measurement):
            patch.setattr(module, "certify", functools.partial(certify, kinds=kinds))
        plant_nothing(patch)
        return oh.measure(
            real=people(rng, 3000), other=without(people(rng, 3000)), target="income"
        )


def test_a_dropped_word_is_certified_and_named(found):
    assert 0.3 * jsd_of_dropped(DOCTORATE) < found.jsd_lower < jsd_of_dropped(DOCTORATE)
    region = found.regions[0]
    assert region.rule == "level = Doctorate"
    assert region.conditions == (("level", "=", "Doctorate"),)
    assert region.certain
    assert region.other.share == 0
    assert found.marginals[0].columns == ("level",)
    assert re.search(
        r"level is Doctorate in 8\.\d+ % of the data, and never in the other sample\.",
        " ".join(found.sentences),
    )
    assert all(row.cells["level"] == "Doctorate" for row in found.examples.missing)
    assert found.baseline.jsd_lower == 0


def test_ids_are_left_out_and_the_rest_is_ready_for_json(found):
    assert found.left_out == ("person",)
    assert "left out: person." in found.sentences[-1]
    assert found.optional.utility.sentence in found.sentences
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert oh.Measurement.from_dict(found.to_dict()) == found


def changed(table, name, change):
    values = change(table[name].to_pandas().to_numpy(copy=True))
    return table.set_column(
        table.column_names.index(name), name, pa.array(values, from_pandas=True)
    )


def half(value):
    """Half of the rows, drawn at random, have this value."""

    def change(values):
        values = values.astype(object)
        values[np.random.default_rng(9).random(len(values)) < 0.5] = value
        return values

    return change


def rule_of(table, other):
    columns, (x, y) = coded(table, other)
    return in_halves(find_regions, x, y, columns)[0].rule


def test_regions_speak_of_words_dates_and_what_is_missing():
    rng = np.random.default_rng(0)
    table, other = people(rng, 2000), people(rng, 2000)
    assert rule_of(table, changed(other, "income", half(None))) == "income missing"
    assert rule_of(table, changed(other, "level", half(None))) == "level missing"
    assert rule_of(table, changed(other, "smoker", half(True))) in (
        "smoker = True",
        "smoker = False",
    )
    rule = rule_of(table, changed(other, "joined", half(datetime.date(2005, 5, 5))))
    low, high = rule.split(" <= joined <= ")
    assert "2005-04-01" < low <= "2005-05-05" <= high < "2005-06-01"
    late = other.filter(pa.array(np.asarray(other["joined"]) < np.datetime64("2008-01-01")))
    rule = rule_of(table, late)
    assert rule.startswith("joined >= 200")
    assert abs(np.datetime64(rule[-10:]) - np.datetime64("2008-01-01")) < np.timedelta64(
        90, "D"
    )
    two = other.filter(pa.array(~np.isin(np.asarray(other["level"]), ["Masters", "11th"])))
    assert rule_of(table, two) == "level is 11th or Masters"


def sentences_of(table, other):
    columns, (x, y) = coded(table, other)
    return [clue.sentence for clue in audit_samples(x, y, columns).findings]


def test_the_audit_speaks_of_words_few_values_ranges_and_what_is_missing():
    rng = np.random.default_rng(0)
    table, other = people(rng, 2000), people(rng, 2000)
    assert sentences_of(table, other) == []
    told = sentences_of(table, changed(other, "level", half("Wizard")))
    assert told == ["level is Wizard in 50.6 % of the other sample, and never in the data."]
    told = sentences_of(table, changed(other, "income", half(None)))
    assert told == ["income is missing in 15.8 % of the data and 57.8 % of the other sample."]
    told = sentences_of(table, changed(other, "hours", lambda values: values + 20))
    assert any(
        sentence.startswith("hours goes from 1 to 79 in the data; ") for sentence in told
    )
    screens = [
        table.append_column("inches", [rng.choice([14, 15, 17], 2000)])
        for table in (table, other)
    ]
    told = sentences_of(screens[0], changed(screens[1], "inches", half(14.6)))
    assert told[0].startswith(
        "inches takes only 14, 15 or 17 in the data; 50.6 % of the other sample are others, such as 14.6"
    )
    half_a_table = other.slice(0, 1000)
    assert (
        "The data and the other sample hold the same rows, in all columns that are compared: "
        "is it one file twice?"
        in sentences_of(half_a_table, half_a_table.take(np.arange(1000)[::-1]))
    )


@pytest.mark.usefixtures("swift")
def test_copies_of_rows_with_words_and_missing_cells_are_found():
    rng = np.random.default_rng(0)
    train, real = people(rng, 500), people(rng, 500)
    copied = oh.measure(real=real, other=train.take(rng.integers(500, size=500)), train=train)
    honest = oh.measure(real=real, other=people(rng, 500), train=train)
    assert copied.memorization.p_value == 0.0005
    assert copied.memorization.duplicates.train.share == 1
    assert all(each.excess[0] > 0.1 for each in copied.attacks.by_name.values())
    assert honest.memorization.p_value > 0.01
    assert honest.memorization.duplicates.train.count == 0
    assert not honest.attacks.shown


@pytest.mark.usefixtures("swift")
def test_decimals_of_a_table_are_found_and_taken_away():
    rng = np.random.default_rng(0)
    found = oh.measure(
        real=people(rng, 600),
        other=changed(people(rng, 600), "income", lambda income: income * 1.000001),
    )
    assert found.harmonized.format.jsd_lower > 0.3
    assert found.harmonized.jsd_lower == 0


# ------------------------------------------------------------------------------------------- what it doesn't depend on


def numbers(found):
    return found.bounds(), found.regions, found.marginals


@pytest.mark.usefixtures("swift")
def test_neither_the_order_of_rows_and_columns_nor_the_library_matters(tmp_path):
    rng = np.random.default_rng(0)
    real, other = people(rng, 400), without(people(rng, 440))
    shuffled = other.take(rng.permutation(len(other))).select(other.column_names[::-1])
    expected = numbers(oh.measure(real=real, other=other))
    assert numbers(oh.measure(real=real.to_pandas(), other=shuffled.to_pandas())) == expected
    assert (
        numbers(
            oh.measure(real=pl.from_arrow(real), other=pl.from_arrow(shuffled.drop(["person"])))
        )
        == expected
    )
    swapped = oh.measure(real=other, other=real)
    assert swapped.bounds() == expected[0]


@pytest.mark.usefixtures("swift")
def test_numbers_of_a_coarser_type_count_as_what_is_written():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 400)).round(2)
    real, other = (pa.table({"a": row, "b": rng.normal(size=400).round(1)}) for row in values)
    coarse = other.set_column(0, "a", other["a"].cast(pa.float32()))
    assert (
        oh.measure(real=real, other=coarse).bounds()
        == oh.measure(real=real, other=other).bounds()
    )


@pytest.mark.usefixtures("swift")
def test_a_schema_may_say_what_the_columns_are():
    rng = np.random.default_rng(0)
    real, other = people(rng, 200), people(rng, 200)
    kinds = {"hours": "category", "joined": "text"}
    found = oh.measure(
        real=real, other=other.drop(["joined"]), schema=Schema.infer(real, kinds)
    )
    assert found.left_out == ("person", "joined")
    assert {column.name: column.kind for column in found.audit.columns}["hours"] == "category"


def test_columns_of_ids_may_be_there_or_not():
    rng = np.random.default_rng(0)
    numbered = people(rng, 60).append_column("Unnamed: 0", [np.arange(60)])
    with pytest.MonkeyPatch.context() as patch:
        for module in (pairing, measurement):
            patch.setattr(module, "certify", functools.partial(certify, kinds=("linear",)))
        plant_nothing(patch)
        found = oh.measure(real=people(rng, 60).drop(["person"]), other=numbered)
    assert found.left_out == ("person", "Unnamed: 0")


# --------------------------------------------------------------------------------------------------- what is refused


RNG = np.random.default_rng(0)
REAL, OTHER = people(RNG, 60), people(RNG, 60)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"other": OTHER.drop(["hours"])},
            "other: expected a column 'hours', as the data have; got none",
        ),
        (
            {
                "other": OTHER.rename_columns(
                    ["person", "level", "hour", "income", "joined", "smoker"]
                )
            },
            "other: expected a column 'hours', as the data have; got none. Is it 'hour'?",
        ),
        (
            {"other": OTHER.append_column("wage", [RNG.integers(9, size=60)])},
            "other: expected the columns of the data; got 'wage' besides. Remove it, or add it to the data.",
        ),
        (
            {
                "other": changed(
                    OTHER,
                    "hours",
                    lambda hours: ["many" if i == 7 else str(h) for i, h in enumerate(hours)],
                )
            },
            "column 'hours': expected numbers, as in the data; got ",
        ),
        (
            {"other": RNG.normal(size=(60, 5))},
            "other: expected a table, as the data are; got an array",
        ),
        (
            {"other": OTHER, "train": np.ones((9, 6))},
            "train: expected a table, as the data are; got an array",
        ),
        ({"other": OTHER.slice(0, 7)}, "other: expected at least 20 rows; got 7"),
        (
            {"other": OTHER, "target": "wage"},
            "target: expected a column of the table; got 'wage'",
        ),
        ({"other": OTHER, "target": "person"}, "target: expected a column that can be learned"),
        (
            {"sampler": lambda n: np.ones((n, 6))},
            "sampler: expected a table, as the data are; got ndarray",
        ),
        ({"sampler": lambda n: OTHER}, "sampler: expected 600 rows when asked for 600; got 60"),
        ({"sampler": OTHER}, "sampler: expected a fitted GAN or a function from n to n rows"),
    ],
)
def test_tables_that_do_not_fit_are_refused_in_a_sentence(asked, sentence):
    with pytest.raises(oh.Refusal, match=sentence):
        oh.measure(real=REAL, **asked)


def test_an_array_is_not_measured_by_a_table():
    rows = RNG.normal(size=(60, 2))
    with pytest.raises(
        oh.Refusal, match="other: expected an array, as the data are; got a table"
    ):
        oh.measure(real=rows, other=OTHER)
    with pytest.raises(oh.Refusal, match="schema: expected a table to go by it; got an array"):
        oh.measure(real=rows, other=rows, schema=Schema.infer(OTHER))
    with pytest.raises(oh.Refusal, match="target: expected a table to have it; got an array"):
        oh.measure(real=rows, other=rows, target="level")


class Deaf(Conditional):
    def sample(self, n=None, random_state=0, given=None):
        return super().sample(n or len(given), random_state)


def test_a_sampler_that_does_not_heed_the_labels_is_refused():
    real = conditional(RNG, draw_labels(RNG, 60))
    with pytest.raises(
        oh.Refusal, match="sampler: expected rows of the labels that it was given; got others"
    ):
        oh.measure(real=real, sampler=Deaf())


# ------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def files(tmp_path, monkeypatch):
    """people.csv, fake.parquet and train.csv, in the folder that the command stands in."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pyarrow.csv.write_csv(people(rng, 300), "people.csv")
    pyarrow.csv.write_csv(people(rng, 300), "train.csv")
    pyarrow.parquet.write_table(without(people(rng, 320)), "fake.parquet")
    np.save("rows.npy", rng.normal(size=(50, 2)))
    return tmp_path


@pytest.mark.usefixtures("swift", "files")
def test_the_command_measures_files_of_any_kind():
    kinds = Schema.infer(pyarrow.csv.read_csv("people.csv"), {"hours": "category"})
    Path("people.json").write_text(kinds.to_json())
    asked = (
        "--train",
        "train.csv",
        "--schema",
        "people.json",
        "--target",
        "income",
        "--html",
        "page.html",
        "--json",
    )
    told = run_cli("measure", "people.csv", "fake.parquet", *asked)
    found = json.loads(told.stdout)
    assert found["left_out"] == ["person"]
    assert {column["name"]: column["kind"] for column in found["audit"]["columns"]}[
        "hours"
    ] == "category"
    assert found["optional"]["utility"]["target"] == "income"
    assert found["copying"]["n_pairs"] == 300
    assert "Useful for income" in told.stderr
    assert "level" in Path("page.html").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("people.csv", "rows.npy"),
            "rows.npy: expected a table, as the data are; got an array",
        ),
        (
            ("rows.npy", "people.csv"),
            "people.csv: expected an array, as the data are; got a table",
        ),
        (
            ("people.csv", "fake.parquet", "--target", "wages"),
            "target: expected a column of the table; got 'wages'",
        ),
        (
            ("people.csv", "fake.parquet", "--schema", "none.json"),
            "none.json: expected a schema",
        ),
    ],
)
@pytest.mark.usefixtures("files")
def test_the_command_refuses_what_does_not_fit(words, sentence):
    assert_refused(run_cli("measure", *words), sentence)
