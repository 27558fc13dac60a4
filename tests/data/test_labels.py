"""Rows with labels: what players see of them, and the way back."""

import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onehalf import Refusal
from onehalf.data.arrays.preprocessor import ArrayPreprocessor
from onehalf.data.arrays.scaler import ArrayScaler
from onehalf.data.arrays.validation import check_labels
from onehalf.data.labels import LabelEncoder
from onehalf.data.rows import EncodedRows
from onehalf.distributions.base import Latent

rng = np.random.default_rng(0)


def fit(x, y):
    """The rows, and what their labels and their entries are encoded by."""
    labels = check_labels("y", y, len(x))
    encoder = LabelEncoder.infer(labels, ["class"])
    rows = EncodedRows(x, encoder.encode(labels, len(x)))
    scaler, classes = ArrayScaler.fit(x), len(encoder.values)
    return rows, encoder, ArrayPreprocessor.fit(rows, scaler, encoder.names, classes)


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
    rows, encoder, preprocessor = fit(x, labels)
    assert np.array_equal(encoder.decode(rows.labels), labels)
    assert encoder.decode(rows.labels).dtype == labels.dtype
    back = preprocessor.inverse_transform(preprocessor.transform(rows))
    assert back.x.dtype == x.dtype
    assert np.array_equal(back.x, x)
    assert np.array_equal(encoder.decode(back.labels), labels)
    again = encoder.encode(encoder.decode(back.labels), len(x))
    assert np.array_equal(again, rows.labels)
    cells = preprocessor.label_cells(rows)
    assert np.array_equal(preprocessor.relabel(rows, cells).labels, rows.labels)


@settings(max_examples=50)
@given(
    x=hnp.arrays(np.uint8, (12, 3, 3)),
    y=hnp.arrays(np.int64, 12, elements=st.integers(-3, 1000)),
)
def test_there_and_back_of_anything(x, y):
    if len(set(y.tolist())) < 2:
        return
    rows, encoder, preprocessor = fit(x, y)
    back = preprocessor.inverse_transform(preprocessor.transform(rows))
    assert np.array_equal(back.x, x)
    assert np.array_equal(encoder.decode(back.labels), y)


def test_a_sample_is_a_row_with_its_own_label():
    y = np.arange(1000) % 10
    x = np.broadcast_to(y[:, None, None], (1000, 4, 4)).astype(np.uint8)
    rows, encoder, preprocessor = fit(x, y)
    drawn = preprocessor.distribution(rows).batch(jr.key(0), 500)
    made = preprocessor.inverse_transform(drawn)
    labels = encoder.decode(made.labels)
    assert (made.x == labels[:, None, None]).all()
    assert len(set(labels.tolist())) == 10


def test_shares_are_those_of_the_data():
    _, encoder, preprocessor = fit(np.zeros((10, 2, 2)), np.array([7] * 9 + [5]))
    assert encoder.values.tolist() == [5, 7]
    assert preprocessor.conditions.shares.tolist() == [0.1, 0.9]
    assert np.allclose(preprocessor.latent(Latent(normal=1)).shares, [0.1, 0.9])
    cells = encoder.encode(np.array([7, 5]), 2).astype(float)
    assert preprocessor.encode_conditions(cells).tolist() == [[0, 1], [1, 0]]


def test_a_label_that_the_data_have_not_is_refused():
    _, encoder, _ = fit(np.zeros((10, 2, 2)), np.arange(10) % 2)
    with pytest.raises(Refusal, match="'3'"):
        encoder.encode(np.array([3]), 1)


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
        LabelEncoder.infer(check_labels("y", y, 10), ["class"])


def test_unlabelled():
    x = np.arange(6.0).reshape(3, 2)
    encoder = LabelEncoder.infer(None, ())
    rows = EncodedRows(x, encoder.encode(None, len(x)))
    assert rows.x is x
    assert EncodedRows.unlabelled(x).x is x
    assert rows.labels.shape == EncodedRows.unlabelled(x).labels.shape == (3, 0)
    preprocessor = ArrayPreprocessor.fit(rows, ArrayScaler.fit(x), (), 0)
    players = preprocessor.transform(rows)
    assert (players.c.shape, preprocessor.condition_size) == ((3, 0), 0)
    back = preprocessor.inverse_transform(players)
    assert (back.x == x).all()
    assert back.labels.shape == (3, 0)
