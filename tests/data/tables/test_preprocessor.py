"""Rows of a table as players see them: exact on the way back, of the data's law; atoms, lattices and rare words."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from onehalf import Refusal
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.cell_preprocessor import CellPreprocessor
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.normal_scores import NormalScores
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.distributions.base import Batch, Latent

rng = np.random.default_rng(0)
N = 2000

EXACT = 0.998
"""Drawn numbers that are exact, at least: float32 puts 1 in 10,000 scores into the next cell."""


def fit_preprocessor(labels=(), **columns):
    table = pa.table(columns)
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    return TablePreprocessor.fit(cells, encoder, labels), cells


def there_and_back(preprocessor, cells):
    rows = EncodedRows.unlabelled(cells)
    return preprocessor.inverse_transform(preprocessor.transform(rows)).x


def draw(preprocessor, cells, n):
    """Samples of the distribution of these rows, as cells."""
    p_data = preprocessor.distribution(EncodedRows.unlabelled(cells))
    return preprocessor.inverse_transform(p_data.batch(jr.key(0), n)).x


def same(left, right):
    return (left == right) | (np.isnan(left) & np.isnan(right))


def test_every_row_of_a_mixed_table_comes_back():
    preprocessor, cells = fit_preprocessor(
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
    assert same(there_and_back(preprocessor, cells), cells).all()


@settings(max_examples=80)
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
    encoder = TableEncoder.fit(table)
    if not encoder.columns:
        return
    cells = encoder.encode(table)
    preprocessor = TablePreprocessor.fit(cells, encoder)
    assert same(there_and_back(preprocessor, cells), cells).all()


def test_numbers_with_all_their_decimals_come_back_to_six_digits():
    preprocessor, cells = fit_preprocessor(x=rng.normal(50, 9, N), y=rng.standard_cauchy(N))
    back = there_and_back(preprocessor, cells)
    # a score has float32's 7 digits, and the least and the greatest cell of a heavy tail are wide
    assert np.quantile(np.abs(back - cells) / np.abs(cells), 0.999) < 1e-4
    assert np.abs(back[:, 0] / cells[:, 0] - 1).max() < 1e-5


def test_no_score_gives_a_value_that_few_valued_numbers_have_not():
    scores = NormalScores.fit(np.repeat([14.0, 15.0, 17.0], 100), decimals=0)
    assert set(scores.inverse_transform(np.linspace(-5, 5, 1001))) == {14.0, 15.0, 17.0}
    scores = NormalScores.fit(np.repeat(np.arange(0.0, 3000, 5), 3), decimals=0)
    assert not (scores.inverse_transform(np.linspace(-5, 5, 1001)) % 5).any()


def test_scores_are_normal_and_numbers_of_normal_scores_are_the_data():
    ages = np.clip(rng.normal(40, 12, 20_000).round(), 18, 90)
    scores = NormalScores.fit(ages, decimals=0)
    low, high = map(special.ndtr, scores.interval(ages))
    assert stats.kstest(low + (high - low) * rng.random(len(ages)), "uniform").pvalue > 1e-3
    drawn = scores.inverse_transform(rng.normal(size=20_000))
    values = np.arange(18, 91)
    shares = [np.mean(pile[:, None] == values, axis=0) for pile in (ages, drawn)]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    assert drawn.min() >= 18
    assert drawn.max() <= 90


def test_samples_of_the_data_are_the_data():
    preprocessor, cells = fit_preprocessor(
        x=rng.normal(size=N).round(3),
        sex=rng.choice(["F", "M"], N, p=[0.8, 0.2]),
        paid=np.where(rng.random(N) < 0.5, 0.0, rng.lognormal(3, 1, N)),
    )
    drawn = draw(preprocessor, cells, N)
    seen = {tuple(row) for row in cells[:, :2]}
    assert np.mean([tuple(row) in seen for row in drawn[:, :2]]) > EXACT
    assert abs(np.mean(drawn[:, 2] == 0) - 0.5) < 0.05


def test_rare_words_come_back_as_often_as_they_are_there():
    common = rng.choice([f"w{i}" for i in range(100)], 20_000)
    rare = np.array([f"r{i % 500}" for i in range(2000)])
    preprocessor, cells = fit_preprocessor(word=np.concatenate([common, rare]))
    assert preprocessor.layout.sizes == (101,)
    back = there_and_back(preprocessor, cells)[:, 0]
    is_rare = np.isin(np.arange(len(cells)), np.arange(20_000, 22_000))
    words = np.array(preprocessor.encoder.words["word"])
    assert same(back, cells[:, 0])[~is_rare].all()
    assert all(word.startswith("r") for word in words[back[is_rare].astype(int)])
    assert len(np.unique(back[is_rare])) > 400


def test_a_column_of_a_hundred_thousand_words_is_no_larger_than_one_of_a_hundred():
    preprocessor, _ = fit_preprocessor(word=[f"word {i % 30_000}" for i in range(100_000)])
    assert preprocessor.layout.entries == 101


def test_a_preprocessor_survives_as_arrays():
    preprocessor, cells = fit_preprocessor(
        x=rng.normal(size=N).round(3),
        age=np.where(rng.random(N) < 0.1, None, rng.integers(18, 90, N)),
        sex=rng.choice(["F", "M"], N),
        labels=["sex"],
    )
    loaded = TablePreprocessor.from_arrays(
        preprocessor.to_arrays(), preprocessor.encoder, ["sex"]
    )
    assert loaded.layout == preprocessor.layout
    rows = EncodedRows.unlabelled(cells)
    (x, c), (loaded_x, loaded_c) = (each.transform(rows) for each in (preprocessor, loaded))
    assert (x == loaded_x).all()
    assert (c == loaded_c).all()
    (x, c), (loaded_x, loaded_c) = (
        each.distribution(rows).batch(jr.key(0), 50) for each in (preprocessor, loaded)
    )
    assert (x == loaded_x).all()
    assert (c == loaded_c).all()
    p_z, loaded_p_z = (each.latent(Latent(normal=1)) for each in (preprocessor, loaded))
    assert (np.asarray(loaded_p_z.distinct) == np.eye(2)).all()
    assert (loaded_p_z.shares == p_z.shares).all()


def test_labels_are_conditions_and_no_entries():
    sex = rng.choice(["F", "M", None], N)
    preprocessor, cells = fit_preprocessor(
        x=rng.normal(size=N).round(3), sex=sex, labels=["sex"]
    )
    rows = EncodedRows.unlabelled(cells)
    x, c = preprocessor.transform(rows)
    assert (x.shape, c.shape) == ((N, 1), (N, 3))
    assert (preprocessor.given_sizes, preprocessor.condition_size) == ((3,), 3)
    p_data = preprocessor.distribution(rows)
    assert (p_data.shape, p_data.condition_size) == ((1,), 3)
    conditions = preprocessor.encode_conditions(cells)
    assert (c == conditions).all()
    assert same(preprocessor.inverse_transform(Batch(x, conditions)).x, cells).all()
    drawn = draw(preprocessor, cells, N)
    seen = {tuple(row) for row in np.nan_to_num(cells, nan=-1)}
    assert np.mean([tuple(row) in seen for row in np.nan_to_num(drawn, nan=-1)]) > EXACT
    each = preprocessor.inverse_transform(p_data.batch_at(jr.key(0), jnp.arange(N))).x
    assert same(each[:, 1], cells[:, 1]).all()
    assert np.abs(each[:, 0] - cells[:, 0]).max() < 1.5e-3  # a step of the lattice


def test_a_label_must_be_a_choice():
    with pytest.raises(
        Refusal, match="label 'x': expected a column of categories or of few values; got"
    ):
        fit_preprocessor(x=rng.normal(size=N), sex=rng.choice(["F", "M"], N), labels=["x"])


def test_labels_that_are_equal_in_float32_are_refused():
    table = pa.table({"n": [2**24, 2**24 + 1] * 20, "y": range(40)})
    encoder = TableEncoder.fit(table)
    with pytest.raises(
        Refusal, match=r"label: .* numbers of 'n' that differ after the seventh"
    ):
        CellPreprocessor.fit(encoder.encode(table), encoder, ["n"])
    apart = pa.table({"n": [2**24, 2**24 + 2] * 20, "y": range(40)})
    CellPreprocessor.fit(encoder.encode(apart), encoder, ["n"])
