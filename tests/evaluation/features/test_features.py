"""What critics see of a table: every cell finite, known answers, and rows of their own only."""

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.certificate.critics import learn
from onehalf.evaluation.features.arrays import ArrayEncoder
from onehalf.evaluation.features.tables import TableColumns, TableFeatureEncoder
from onehalf.evaluation.rows import wrap


def seen(columns, learned, judged=None):
    """The features of the rows that are judged, by a map that learned from the first few."""
    encoder, cells = encode(pa.table(columns))
    judged = slice(learned, None) if judged is None else judged
    return encoder.content_map(cells[:learned])(cells[judged])


def encode(table):
    coding = TableEncoder.fit(table)
    return TableFeatureEncoder(TableColumns(coding)), wrap(coding.encode(table))


def test_an_array_stays_as_it_is():
    rows = wrap(np.random.default_rng(0).normal(size=(30, 3)))
    seen = ArrayEncoder().content_map(rows[:10])(rows)
    np.testing.assert_array_equal(seen, rows.x)
    scaled = ArrayEncoder().distance_space(rows)(rows)
    np.testing.assert_allclose(scaled.std(axis=0), 1)


def test_words_have_flags_the_rare_and_unheard_of_share_one():
    words = ["a"] * 10 + ["b"] * 8 + ["c"] * 7 + ["d"] * 2 + ["a", "b", "c", "d", "e"]
    assert seen({"word": words}, 27).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 1],
    ]


def test_where_no_word_is_rare_an_unheard_of_one_has_no_flag():
    words = ["a"] * 10 + ["b"] * 8 + ["c"] * 7 + ["a", "e"]
    assert seen({"word": words}, 25).tolist() == [[1, 0, 0], [0, 0, 0]]


def test_yes_or_no_is_one_flag():
    assert seen({"word": ["yes", "no"] * 10}, 10, slice(2)).shape == (2, 1)


def test_a_hundred_words_have_flags_of_their_own_and_no_more():
    words = [f"w{i}" for i in range(300) for _ in range(6)]
    assert seen({"word": words}, 1800, slice(9)).shape == (9, 101)


def test_a_number_that_is_missing_is_flagged_and_in_the_middle():
    age = [1.5, None, 3.5, 9.5] * 4
    assert seen({"age": age}, 16, slice(2)).tolist() == [[1.5, 0], [3.5, 1]]


def test_a_number_that_many_rows_share_is_flagged():
    gain = np.where(np.arange(200) % 4 == 0, np.arange(200) + 0.5, 0.0)
    assert seen({"gain": gain}, 200, slice(2)).tolist() == [[0.5, 0], [0, 1]]
    assert seen({"coin": [1.0, 2.0] * 100}, 200, slice(2)).shape == (2, 1)


@given(st.data())
@settings(max_examples=25)
def test_any_cells_are_seen_as_finite_numbers_of_one_width(data):
    kinds = {
        "words": st.sampled_from(["a", "b", "c", None]),
        "numbers": st.one_of(st.none(), st.floats(-1e12, 1e12)),
        "dates": st.one_of(st.none(), st.dates()),
    }
    columns = {
        name: data.draw(st.lists(kind, min_size=8, max_size=8)) for name, kind in kinds.items()
    }
    columns = {
        name: [*values, data.draw(kinds[name].filter(lambda value: value is not None))]
        for name, values in columns.items()
    }
    features = seen(columns, 4, slice(None))
    assert np.isfinite(features).all()
    assert len(features) == 9


def test_trees_see_steps_that_nothing_else_sees():
    # which of two words goes with a number changes at every whole number
    rng = np.random.default_rng(0)
    height = rng.uniform(0, 12, 6000)
    fits = np.where(np.floor(height) % 2 == 0, "even", "odd")
    table = pa.table(
        {
            "height": height,
            "word": np.where(np.arange(6000) < 3000, fits, rng.permutation(fits)),
        }
    )
    encoder, cells = encode(table)
    gain = {}
    for kinds in (("linear", "quadratic"), ("linear", "quadratic", "trees")):
        critic = learn(
            jr.key(0), cells[:2000], cells[3000:5000], 1000, kinds=kinds, encoder=encoder
        )
        gain[kinds] = critic.d(cells[2000:3000]).mean() - critic.d(cells[5000:]).mean()
    few, more = gain.values()
    assert more > 5 * abs(few)


@pytest.mark.parametrize("kinds", [("linear", "trees")])
def test_a_critic_depends_on_the_rows_it_learned_from_alone(kinds):
    rng = np.random.default_rng(0)
    table = pa.table({"word": rng.choice(list("abcdefg"), 900), "age": rng.integers(0, 9, 900)})
    encoder, cells = encode(table)
    critics = [
        learn(jr.key(0), cells[:300], cells[300:600], 300, kinds=kinds, encoder=encoder)
        for _ in range(2)
    ]
    alone, among = critics[0].d(cells[600:610]), critics[1].d(cells[600:])[:10]
    np.testing.assert_allclose(alone, among, rtol=1e-9)
