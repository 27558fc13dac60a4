"""Folders of Parquet files, read as one table."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from onehalf._errors import Refusal
from onehalf.data.files import FileStates
from onehalf.data.loading import is_image_folder, is_table_path, load
from onehalf.data.tables.parquet import ParquetFiles


def write(file, **columns):
    """Write a Parquet file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file


@pytest.fixture
def flat(tmp_path):
    """Two files, the columns of the second in another order."""
    write(tmp_path / "a.parquet", x=[1.0, float("nan")], word=["one", "two"])
    write(tmp_path / "b.parquet", word=["three"], x=[3.0])
    return tmp_path


def test_all_files_of_a_folder_are_one_table(flat):
    assert is_table_path(str(flat))
    assert not is_image_folder(str(flat))
    table = load(str(flat)).table
    assert table.to_pydict() == {"x": [1.0, None, 3.0], "word": ["one", "two", "three"]}


def test_other_files_are_skipped_by_name(flat):
    for name in ("_SUCCESS", ".a.parquet.crc", "notes.txt"):
        (flat / name).write_text("nothing")
    (note,) = load(str(flat)).notes
    assert note.endswith("one table of 2 Parquet files; 1 skipped: notes.txt.")


def test_names_of_folders_become_columns(tmp_path):
    for folder, x in (("year=2023/zip=01234", 1), ("year=2024/zip=99%209", 2)):
        write(tmp_path / folder / "part.parquet", x=[x, x])
    write(tmp_path / "year=2024/zip=__HIVE_DEFAULT_PARTITION__/part.parquet", x=[3])
    data = load(str(tmp_path))
    assert data.table["year"].to_pylist() == [2023, 2023, 2024, 2024, 2024]
    assert data.table["zip"].to_pylist() == ["01234", "01234", "99 9", "99 9", None]
    assert "with the columns 'year' and 'zip' from the names of folders" in data.notes[0]


@pytest.mark.parametrize(
    ("columns", "got"),
    [
        ({"x": [1], "word": ["a"]}, "'x' of type int64 instead of double"),
        ({"word": ["a"]}, "no column 'x'"),
        ({"x": [1.0], "word": ["a"], "y": [1]}, "'y' besides"),
    ],
)
def test_a_file_with_other_columns_is_refused_by_name(flat, columns, got):
    write(flat / "below/c.parquet", **columns)
    with pytest.raises(Refusal, match=rf"c\.parquet: .* a\.parquet in every file; got {got}"):
        load(str(flat))


def test_a_column_in_both_files_and_folders_is_refused(tmp_path):
    write(tmp_path / "year=2023/a.parquet", year=[2023, 2023])
    with pytest.raises(Refusal, match="got 'year' in both"):
        load(str(tmp_path))


@pytest.mark.parametrize("folders", ["y=1/y=2", "y=1/x=0/y=1", "y=1/%79=2"])
def test_a_column_that_two_folders_give_is_refused(tmp_path, folders):
    write(tmp_path / folders / "a.parquet", x=[1.0, 2.0])
    with pytest.raises(
        Refusal, match=rf"^{folders}/a\.parquet: expected each .* got 'y' twice"
    ):
        load(str(tmp_path))


def test_files_below_different_folders_are_refused(flat):
    write(flat / "year=2023/c.parquet", x=[1.0], word=["a"])
    with pytest.raises(Refusal, match=r"c\.parquet: .* a\.parquet give, none; got 'year'"):
        load(str(flat))


def test_a_damaged_file_is_refused_by_name(flat):
    (flat / "c.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(Refusal, match=r"c\.parquet: expected a whole Parquet file"):
        load(str(flat))


@pytest.mark.parametrize("name", ["a.parquet", ""])
def test_a_file_that_changes_while_it_is_read_is_refused(flat, name):
    files = ParquetFiles(flat / name)
    write(flat / "a.parquet", x=[1.0, 2.0, 3.0], word=["one", "two", "three"])
    with pytest.raises(Refusal, match=r"a\.parquet: expected a file that stays .* changed"):
        files.read()
    with pytest.raises(Refusal, match=r"a\.parquet: expected a file that stays"):
        list(files.batches(10))


def test_a_file_that_is_removed_while_it_is_read_is_refused(flat):
    states = FileStates([flat / "a.parquet"])
    (flat / "a.parquet").unlink()
    with pytest.raises(Refusal, match="got one that was removed"):
        states.check()


def test_a_folder_with_images_is_one_of_images(flat):
    (flat / "cat.png").write_bytes(b"")
    assert is_image_folder(str(flat))
    assert not is_table_path(str(flat))


def test_batches_have_all_rows_in_order(tmp_path):
    for part in range(3):
        write(tmp_path / f"{part}.parquet", x=np.arange(10) + 10 * part)
    files = ParquetFiles(tmp_path)
    batches = list(files.batches(7))
    assert max(map(len, batches)) <= 7
    assert pa.concat_tables(batches)["x"].to_pylist() == list(range(len(files)))
