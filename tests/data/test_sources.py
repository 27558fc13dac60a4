"""Files that are read in batches, and rows that are drawn from them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from onehalf import measuring
from onehalf._errors import Refusal
from onehalf.cli._common import load_data
from onehalf.data import sources
from onehalf.data.loading import load
from onehalf.data.sources import load_some, open_source
from onehalf.gan import GAN


@pytest.fixture
def low_limits(monkeypatch):
    """At most 300 rows are loaded, in batches of 97."""
    monkeypatch.setattr(sources, "MOST_LOADED", 300)
    monkeypatch.setattr(sources, "BATCH_SIZE", 97)


@pytest.fixture
def array(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(1000)[:, None] * [1, 2])
    return str(tmp_path / "x.npy")


@pytest.fixture
def folder(tmp_path):
    for part in range(2):
        x = np.arange(500) + 500 * part
        words = np.array(["one", "two"])[x % 2]
        table = pa.table({"x": x, "word": words})
        (tmp_path / f"part={part}").mkdir()
        pyarrow.parquet.write_table(table, tmp_path / f"part={part}" / "a.parquet")
    return str(tmp_path)


@pytest.mark.usefixtures("low_limits")
def test_rows_of_a_long_array_are_drawn(array):
    data = load_some(array)
    drawn = data.array
    assert len(set(drawn[:, 0])) == len(drawn) == 300
    assert (drawn[:, 1] == 2 * drawn[:, 0]).all()
    assert abs(drawn[:, 0].mean() - 499.5) < 4 * 1000 / np.sqrt(12 * 300)
    assert (load_some(array).array == drawn).all()
    assert data.notes[-1].endswith(
        "x.npy has 1,000 rows: 300 of them, drawn at random, are used."
    )


@pytest.mark.usefixtures("low_limits")
def test_rows_of_a_long_folder_are_drawn(folder):
    data = load_some(folder)
    assert len(data) == 300
    for x, word, part in zip(*data.table.to_pydict().values(), strict=True):
        assert (word, part) == (("one", "two")[x % 2], x // 500)
    assert len(data.notes) == 2


@pytest.mark.usefixtures("low_limits")
def test_a_fit_by_path_learns_from_drawn_rows(folder):
    assert GAN()._parse(folder, None).table.equals(load_some(folder).table)


@pytest.mark.usefixtures("low_limits")
def test_what_is_compared_with_training_rows_is_drawn_as_for_a_fit(array, folder, capsys):
    assert (measuring.read_path(array) == load_some(array).array).all()
    assert load_data(folder).table.equals(load_some(folder).table)
    assert "1,000 rows: 300 of them, drawn at random" in capsys.readouterr().err


def test_short_files_are_loaded_whole(array, folder):
    assert (load_some(array).array == load(array).array).all()
    assert load_some(folder).table.equals(load(folder).table)


def test_an_array_is_read_batch_by_batch(array, monkeypatch):
    monkeypatch.setattr(sources, "BATCH_SIZE", 300)
    source = open_source(array)
    batches = list(source.read_batches())
    assert [len(batch) for batch in batches] == [300, 300, 300, 100]
    assert all(type(batch.base) is not np.memmap for batch in batches)
    assert (np.concatenate(batches) == load(array).array).all()


def test_an_array_that_changes_while_it_is_read_is_refused(array):
    source = open_source(array)
    batches = source.read_batches()
    next(batches)
    with open(array, "ab") as file:
        file.write(b"more")
    with pytest.raises(
        Refusal, match=r"x\.npy: expected a file that stays as it is .* changed"
    ):
        list(batches)


def test_pickled_objects_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(Refusal, match="pickled Python objects, which are never loaded"):
        open_source(str(tmp_path / "x.npy"))
