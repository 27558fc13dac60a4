"""Rows with labels: what players see of them, and the way back."""

import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onehalf import Refusal
from onehalf.data.labels import Labelled, LabelledPreprocessor, flattened, paired, unlabelled

rng = np.random.default_rng(0)


def units_of(x, y):
    rows, values = flattened(paired("y", x, y))
    return rows, LabelledPreprocessor.of(rows, x, "class", values)


@pytest.mark.parametrize(
    "dtype",
    [np.bool_, np.uint8, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64],
)
@pytest.mark.parametrize(
    "labels",
    [np.arange(300) % 11, np.array(["cat", "dog", "eel"] * 100), np.arange(300) % 2 == 0],
)
def test_there_and_back(dtype, labels):
    x = rng.integers(0, 2, (300, 4, 5)).astype(dtype)
    rows, units = units_of(x, labels)
    back = units.parted(rows)
    assert back.x.dtype == x.dtype
    assert np.array_equal(back.x, x)
    assert np.array_equal(back.y, labels)
    again = units.parted(units.restore(units.plain(rows)))
    assert np.array_equal(again.x, x)
    assert np.array_equal(again.y, labels)
    assert np.array_equal(units.rows(back), rows)


@settings(max_examples=50)
@given(
    x=hnp.arrays(np.uint8, (12, 3, 3)),
    y=hnp.arrays(np.int64, 12, elements=st.integers(-3, 1000)),
)
def test_there_and_back_of_anything(x, y):
    if len(set(y.tolist())) < 2:
        return
    rows, units = units_of(x, y)
    back = units.parted(units.restore(units.plain(rows)))
    assert np.array_equal(back.x, x)
    assert np.array_equal(back.y, y)


def test_a_sample_is_a_row_with_its_own_label():
    y = np.arange(1000) % 10
    x = np.broadcast_to(y[:, None, None], (1000, 4, 4)).astype(np.uint8)
    rows, units = units_of(x, y)
    made = units.parted(units.restore(np.asarray(units.data(rows).sample(jr.key(0), 500))))
    assert (made.x == made.y[:, None, None]).all()
    assert len(set(made.y.tolist())) == 10


def test_shares_are_those_of_the_data():
    _, units = units_of(np.zeros((10, 2, 2)), np.array([7] * 9 + [5]))
    assert units.values.tolist() == [5, 7]
    assert units.label_shares.tolist() == [0.1, 0.9]
    assert units.conditions_of(units.cells_of([7, 5])).tolist() == [[0, 1], [1, 0]]


def test_a_label_that_the_data_have_not_is_refused():
    _, units = units_of(np.zeros((10, 2, 2)), np.arange(10) % 2)
    with pytest.raises(Refusal, match="'3'"):
        units.cells_of([3])


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.arange(9), "y: expected 10 labels, one for each row; got 9"),
        (np.zeros((10, 2)), "y: expected a whole number or a word for each row"),
        (np.linspace(0, 1, 10), "y: expected a whole number or a word for each row"),
        ([None] * 10, "y: expected a whole number or a word for each row"),
        (["cat"] * 10, "y: expected from 2 to 1,000 distinct labels; got 1"),
    ],
)
def test_labels_that_are_none_are_refused(y, sentence):
    with pytest.raises(Refusal, match=sentence):
        flattened(paired("y", np.zeros((10, 2, 2)), y))


def test_unlabelled():
    x = np.zeros((3, 2))
    assert unlabelled(x) is x
    assert unlabelled(Labelled(x, np.arange(3))) is x
