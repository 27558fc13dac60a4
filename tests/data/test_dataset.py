"""Objects of the user become one checked `Dataset`, once."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from onehalf import Refusal
from onehalf.data import dataset
from onehalf.data.dataset import Dataset, from_objects
from onehalf.data.tables import frames
from onehalf.data.tables.encoding import TableEncoder

TABLE = pa.table({"age": [31.0, None, 54.0], "sex": ["F", "M", "F"]})


def test_an_array_is_taken_as_it_is():
    x = np.arange(6, dtype=np.uint8).reshape(3, 2)
    data = from_objects(x)
    assert data.array is x
    assert (data.labels, data.frame, data.notes, len(data)) == (None, None, (), 3)


@pytest.mark.parametrize("pair", [True, False])
def test_labels_come_beside_the_rows_or_in_a_pair(pair):
    x, y = np.zeros((3, 2)), [0.0, 1.0, 0.0]
    data = from_objects((x, y)) if pair else from_objects(x, y)
    assert data.labels.tolist() == [0, 1, 0]
    assert data.X_y == (x, data.labels)
    assert data.to_objects() == data.X_y
    assert data.without_labels().X_y == (x,)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_data_frame_becomes_a_table_and_its_kind_is_kept(kind):
    frame = kind({"age": [31.0, np.nan, 54.0], "sex": ["F", "M", "F"]})
    data = from_objects(frame)
    assert data.table["age"].to_pylist() == [31, None, 54]
    assert type(data.frame) is type(frame)
    assert len(data.frame) == 0


def test_a_dataset_is_trusted(monkeypatch):
    data = from_objects(TABLE)
    monkeypatch.setattr(dataset, "is_data_frame", lambda rows: pytest.fail("checked again"))
    assert from_objects(data) is data


def test_tables_that_are_not_learned_from_may_be_empty():
    table = pa.table({"age": pa.array([None], pa.float64())})
    assert len(from_objects(table, allow_empty=True)) == 1
    with pytest.raises(Refusal, match="expected at least 2 rows; got 1"):
        from_objects(table)


@pytest.mark.parametrize(
    ("X", "y", "sentence"),
    [
        ([[1, 2], [3]], None, "^X: expected one row an example, all of one length"),
        (np.zeros(3), None, "^X: expected one row an example, two axes or more"),
        ([["a"]], None, "^X: expected numbers only"),
        (np.array([[np.nan]]), None, "^X: expected finite numbers"),
        (np.zeros((2, 1)), [1], "^y: expected 2 labels, one for each row; got 1"),
        (np.zeros((1, 1)), [0.5], "^y: expected a whole number or a word for each row"),
        (pa.table({"a": [1, 2], "b": [None, None]}), None, "expected some values in every col"),
    ],
)
def test_what_cannot_be_used_is_refused(X, y, sentence):
    with pytest.raises(Refusal, match=sentence):
        from_objects(X, y)


def test_the_wrong_kind_of_values_is_an_error_of_the_program():
    with pytest.raises(TypeError, match="are a table"):
        _ = Dataset(TABLE).array
    with pytest.raises(TypeError, match="are an array"):
        _ = Dataset(np.zeros((2, 2))).table


def test_a_table_is_checked_and_encoded_once(monkeypatch):
    checks = []
    monkeypatch.setattr(
        frames,
        "check_table",
        lambda what, table, **asked: checks.append(what) or table,
    )
    fits = []
    fit = TableEncoder.fit
    monkeypatch.setattr(TableEncoder, "fit", lambda *asked: fits.append(1) or fit(*asked))
    table = from_objects(TABLE).table
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    assert cells.shape == (3, 2)
    assert (len(checks), len(fits)) == (1, 1)
