"""Rows of a table as players see them: exact on the way back, of the data's law; atoms, lattices and rare words."""

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from onehalf import Refusal
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.preprocessor import NormalScores, TablePreprocessor

rng = np.random.default_rng(0)
N = 2000


def units_of(given=(), **columns):
    table = pa.table(columns)
    coding = TableEncoder.of(table)
    rows = coding.rows(table)
    return TablePreprocessor.of(rows, coding, given), rows


def same(left, right):
    return (left == right) | (np.isnan(left) & np.isnan(right))


def test_every_row_of_a_mixed_table_comes_back():
    units, rows = units_of(
        inches=rng.choice([14, 15, 17], N),
        age=np.where(rng.random(N) < 0.1, None, rng.integers(18, 90, N)),
        hours=np.where(rng.random(N) < 0.4, 40, rng.integers(1, 99, N)),
        price=rng.lognormal(3, 1, N).round(2),
        paid=np.where(rng.random(N) < 0.5, 0.0, rng.lognormal(3, 1, N).round(1)),
        by_fives=5 * rng.integers(0, 4000, N),
        sex=rng.choice(["F", "M", None], N),
        day=(np.datetime64("2020-01-31") + rng.integers(0, 900, N)).astype(str),
        planet=["Earth"] * N,
    )
    assert same(units.restore(units.plain(rows)), rows).all()


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), min_size=12, max_size=60),
    st.lists(
        st.one_of(st.none(), st.decimals(-1000, 1000, places=2)), min_size=12, max_size=60
    ),
    st.lists(st.one_of(st.none(), st.sampled_from("abcdefgh")), min_size=12, max_size=60),
)
def test_any_row_of_the_training_data_comes_back(whole, decimals, words):
    n = min(map(len, (whole, decimals, words)))
    columns = {
        "whole": whole[:n],
        "price": [None if x is None else float(x) for x in decimals[:n]],
        "word": words[:n],
    }
    columns = {
        name: column
        for name, column in columns.items()
        if any(value is not None for value in column)
    }
    if not columns:
        return
    table = pa.table(columns)
    coding = TableEncoder.of(table)
    if not coding.columns:
        return
    rows = coding.rows(table)
    units = TablePreprocessor.of(rows, coding)
    assert same(units.restore(units.plain(rows)), rows).all()


def test_numbers_with_all_their_decimals_come_back_to_six_digits():
    units, rows = units_of(x=rng.normal(50, 9, N), y=rng.standard_cauchy(N))
    back = units.restore(units.plain(rows))
    # a score has float32's 7 digits, and the least and the greatest cell of a heavy tail are wide
    assert np.quantile(np.abs(back - rows) / np.abs(rows), 0.999) < 1e-4
    assert np.abs(back[:, 0] / rows[:, 0] - 1).max() < 1e-5


def test_no_score_gives_a_value_that_few_valued_numbers_have_not():
    scores = NormalScores.of(np.repeat([14.0, 15.0, 17.0], 100), decimals=0)
    assert set(scores.restore(np.linspace(-5, 5, 1001))) == {14.0, 15.0, 17.0}
    scores = NormalScores.of(np.repeat(np.arange(0.0, 3000, 5), 3), decimals=0)
    assert not (scores.restore(np.linspace(-5, 5, 1001)) % 5).any()


def test_scores_are_normal_and_numbers_of_normal_scores_are_the_data():
    ages = np.clip(rng.normal(40, 12, 20_000).round(), 18, 90)
    scores = NormalScores.of(ages, decimals=0)
    low, high = map(special.ndtr, scores.interval(ages))
    assert stats.kstest(low + (high - low) * rng.random(len(ages)), "uniform").pvalue > 1e-3
    drawn = scores.restore(rng.normal(size=20_000))
    values = np.arange(18, 91)
    shares = [np.mean(pile[:, None] == values, axis=0) for pile in (ages, drawn)]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    assert drawn.min() >= 18
    assert drawn.max() <= 90


def test_samples_of_the_data_are_the_data():
    units, rows = units_of(
        x=rng.normal(size=N).round(3),
        sex=rng.choice(["F", "M"], N, p=[0.8, 0.2]),
        paid=np.where(rng.random(N) < 0.5, 0.0, rng.lognormal(3, 1, N)),
    )
    drawn = units.restore(np.asarray(units.data(rows).sample(jr.key(0), N)))
    seen = {tuple(row) for row in rows[:, :2]}
    assert all(tuple(row) in seen for row in drawn[:, :2])
    assert abs(np.mean(drawn[:, 2] == 0) - 0.5) < 0.05


def test_rare_words_come_back_as_often_as_they_are_there():
    common = rng.choice([f"w{i}" for i in range(100)], 20_000)
    rare = np.array([f"r{i % 500}" for i in range(2000)])
    units, rows = units_of(word=np.concatenate([common, rare]))
    assert units.layout.made == (101,)
    back = units.restore(units.plain(rows))[:, 0]
    is_rare = np.isin(np.arange(len(rows)), np.arange(20_000, 22_000))
    words = np.array(units.coding.words["word"])
    assert same(back, rows[:, 0])[~is_rare].all()
    assert all(word.startswith("r") for word in words[back[is_rare].astype(int)])
    assert len(np.unique(back[is_rare])) > 400


def test_a_column_of_a_hundred_thousand_words_is_no_larger_than_one_of_a_hundred():
    units, _ = units_of(word=[f"word {i % 30_000}" for i in range(100_000)])
    assert units.layout.entries == 101


def test_units_survive_as_tensors():
    units, rows = units_of(
        x=rng.normal(size=N).round(3),
        age=np.where(rng.random(N) < 0.1, None, rng.integers(18, 90, N)),
        sex=rng.choice(["F", "M"], N),
        given=["sex"],
    )
    told = TablePreprocessor.of_tensors(units.tensors(), units.coding, ["sex"])
    assert told.layout == units.layout
    assert (told.plain(rows) == units.plain(rows)).all()
    assert (
        np.asarray(told.data(rows).conditions) == np.asarray(units.data(rows).conditions)
    ).all()


def test_a_label_must_be_a_choice():
    with pytest.raises(
        Refusal, match="label 'x': expected a column of categories or of few values; got"
    ):
        units_of(x=rng.normal(size=N), sex=rng.choice(["F", "M"], N), given=["x"])
