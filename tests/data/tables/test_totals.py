"""What all rows of a long file say of its columns, beside rows that were drawn from it."""

import json
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from helpers import run_cli
from onehalf._errors import Refusal
from onehalf.data import sources
from onehalf.data.sources import load_some
from onehalf.data.tables import totals
from onehalf.data.tables.schema import Schema
from onehalf.data.tables.totals import TableTotals
from onehalf.domains.tables import TableDomain

N = 5_000


def make_columns():
    """Columns of which a few rows say what no drawn row does."""
    rng = np.random.default_rng(0)
    minutes = np.datetime64("2024-01-01T00:00", "us") + np.arange(N).astype("timedelta64[m]")
    days = [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(N)]
    return {
        "fraction": np.round(rng.normal(size=N), 2),
        "whole": rng.integers(0, 2_000, N).astype(float),
        "few": rng.integers(0, 4, N),
        "day": np.array(days, object),
        "number_day": 20240101 + rng.integers(0, 28, N),
        "moment": minutes,
        "date": minutes.astype("datetime64[D]"),
        "word": np.array(["x", "y", "z"], object)[rng.integers(0, 3, N)],
        "yes": np.array(["yes", "no"], object)[rng.integers(0, 2, N)],
        "flag": np.zeros(N, bool),
        "one": np.ones(N),
        "same": np.array(["a"] * N, object),
    }


@pytest.fixture(scope="module")
def table():
    columns = make_columns()
    drawn = sources.RandomOrder(N, [sources.ORDER]).places(0, N) < 500
    a, b, c = np.flatnonzero(~drawn)[:3]
    columns["fraction"][[a, b]] = -77, 99
    columns["whole"][a] = 0.5
    columns["few"][a] = 9
    columns["day"][a] = "1999-01-01"
    columns["number_day"][a] = 19000101
    columns["word"][[a, b, c]] = "rare", None, None
    columns["yes"][a] = "maybe"
    columns["flag"][a] = True
    columns["one"][a] = 2.5
    columns["same"][[a, b, c]] = "b"
    return pa.table(columns)


@pytest.fixture
def file(table, tmp_path, monkeypatch):
    """The table as a file, of which 500 rows are loaded."""
    monkeypatch.setattr(sources, "MOST_LOADED", 500)
    monkeypatch.setattr(sources, "BATCH_SIZE", 700)
    pyarrow.parquet.write_table(table, tmp_path / "long.parquet")
    return str(tmp_path / "long.parquet")


def test_the_schema_of_drawn_rows_has_what_all_rows_say(table, file):
    found = load_some(file).infer_schema()
    expected = Schema.infer(table)
    assert found.rows == N
    for one, other in zip(found.columns, expected.columns, strict=True):
        for fact in ("name", "kind", "missing", "low", "high", "categories", "rare", "values"):
            assert getattr(one, fact) == getattr(other, fact), (one.name, fact)
        assert one.atoms == other.atoms
        if one.name not in ("fraction", "whole", "moment"):
            assert one.distinct == other.distinct


def test_drawn_rows_alone_would_not_say_it(file):
    drawn = Schema.infer(load_some(file).table)
    kinds = {column.name: column.kind for column in drawn.columns}
    assert (kinds["one"], kinds["same"], kinds["flag"]) == ("constant",) * 3
    assert (kinds["yes"], kinds["whole"]) == ("boolean", "integer")


def test_a_fit_has_the_schema_of_all_rows(file):
    data = load_some(file)
    domain = TableDomain.infer(data)
    assert domain.table.schema == data.infer_schema()
    rows = domain.encode(data)
    assert domain.decode(rows).equals(data.table)


def test_new_numbers_of_rows_are_those_of_no_row(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_LOADED", 500)
    ids = np.random.default_rng(0).permutation(N)
    pyarrow.parquet.write_table(pa.table({"id": ids, "x": ids % 7}), tmp_path / "x.parquet")
    data = load_some(str(tmp_path / "x.parquet"))
    domain = TableDomain.infer(data)
    table = domain.decode(domain.encode(data), fresh=np.random.default_rng(0))
    assert len(set(table["id"].to_pylist()) - set(range(N))) == 500


def test_the_kinds_of_a_given_schema_stay(file):
    data = load_some(file)
    given = Schema.infer(data.table, {"one": "constant", "whole": "continuous"})
    found = data.infer_schema(given)
    assert [column.kind for column in found.columns] == [
        column.kind for column in given.columns
    ]
    assert found.columns[0].high == 99


def test_a_column_without_a_value_in_drawn_rows_is_refused(table, file, tmp_path):
    drawn = sources.RandomOrder(N, [sources.ORDER]).places(0, N) < 500
    cells = np.where(np.arange(N) == np.flatnonzero(~drawn)[7], 1.0, np.nan)
    other = tmp_path / "other.parquet"
    pyarrow.parquet.write_table(table.append_column("rare", pa.array(cells)), other)
    with pytest.raises(Refusal, match="got none in 'rare', of which 1 of 5,000 rows have one"):
        load_some(str(other))
    assert load_some(str(other), allow_empty=True).infer_schema().columns[-1].missing == 0.9998


def test_short_files_are_not_counted(file, monkeypatch):
    monkeypatch.setattr(sources, "MOST_LOADED", N)
    data = load_some(file)
    assert data.totals is None
    assert data.infer_schema() == Schema.infer(data.table)


def test_data_says_what_is_of_all_rows(file):
    done = run_cli("data", file, "--json")
    (found,) = json.loads(done.stdout)
    assert (found["rows"], found["drawn"]) == (N, 500)
    assert (found["columns"][0]["low"], found["columns"][0]["high"]) == (-77, 99)
    assert "Ranges, shares of missing values and counts of words are of all rows" in done.stderr
    assert "long.parquet: 5,000 rows, 12 columns" in done.stderr


def count(*batches):
    found = TableTotals()
    for batch in batches:
        found.add(pa.table(batch))
    return found


def test_too_many_words_are_not_counted(monkeypatch):
    monkeypatch.setattr(totals, "MOST_WORDS", 3)
    few = {"word": ["a", "b", "c", None]}
    assert count(few, few).columns["word"].counts.to_pylist() == [2, 2, 2]
    found = count(few, {"word": ["d", None, None, "a"]})
    assert not found.columns["word"].is_counted
    schema = found.complete(Schema.infer(pa.table(few)))
    assert schema.columns[0].categories == {"a": 1, "b": 1, "c": 1}
    assert schema.columns[0].missing == 0.375


def test_words_for_missing_dates_count_as_missing():
    days = ["2024-01-01", "2024-01-02"] * 50
    some, others = {"day": days}, {"day": [*days[:-2], "n/a", None]}
    schema = count(some, others).complete(Schema.infer(pa.table(some)))
    assert (schema.columns[0].missing, schema.columns[0].distinct) == (0.01, 2)


def measure_memory(folder, parts, monkeypatch):
    """The most bytes of Python and NumPy, and of Arrow, while a folder of so many files is loaded."""
    rng = np.random.default_rng(0)
    for part in range(parts):
        words = rng.integers(0, 10**9, 2_000)
        some = pa.table({"x": rng.normal(size=2_000), "word": words.astype(str), "k": words})
        (folder / str(parts)).mkdir(exist_ok=True)
        pyarrow.parquet.write_table(some, folder / str(parts) / f"{part:02}.parquet")
    before = pa.total_allocated_bytes()
    of_arrow = []
    add = TableTotals.add

    def watch(self, batch):
        add(self, batch)
        of_arrow.append(pa.total_allocated_bytes() - before)

    monkeypatch.setattr(TableTotals, "add", watch)
    tracemalloc.start()
    assert len(load_some(str(folder / str(parts)))) == 500
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    monkeypatch.setattr(TableTotals, "add", add)
    return peak, max(of_arrow)


def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_LOADED", 500)
    monkeypatch.setattr(sources, "BATCH_SIZE", 1_000)
    measure_memory(tmp_path, 1, monkeypatch)
    few = measure_memory(tmp_path, 2, monkeypatch)
    many = measure_memory(tmp_path, 20, monkeypatch)
    assert many[0] < 2 * few[0]
    assert many[1] < 2 * few[1]
