"""Tables on the command line: CSV and Parquet in, files of the same kind out, and every refusal."""

import itertools
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from helpers import assert_refused, run_cli
from onehalf.data.tables.reader import read_table

pytestmark = pytest.mark.usefixtures("critics_without_nets")

N = 400
NETWORKS = ("--players", "neural")
rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """People in a CSV file and a Parquet file, and a run of each."""
    folder = tmp_path_factory.mktemp("tables")
    people = pa.table(
        {
            "id": [f"p{i}" for i in range(N)],
            "sex": rng.choice(["F", "M"], N),
            "age": pa.array(
                np.where(rng.random(N) < 0.1, None, rng.integers(18, 90, N)), pa.int32()
            ),
            "day": (np.datetime64("2020-01-31") + rng.integers(0, 900, N)).astype(str),
            "paid": np.where(rng.random(N) < 0.4, 0.0, rng.lognormal(3, 1, N).round(2)),
        }
    )
    pyarrow.csv.write_csv(people, folder / "people.csv")
    pyarrow.parquet.write_table(people, folder / "people.parquet")
    done = run_cli(
        "fit",
        "people.csv",
        *NETWORKS,
        "--rounds",
        200,
        "--out",
        "run",
        "--label",
        "sex",
        "--json",
        cwd=folder,
    )
    assert done.code == 0, done.stderr
    (folder / "said").write_text(done.stderr)
    (folder / "numbers.json").write_text(done.stdout)
    return folder


def test_fit_leaves_a_run_with_samples_of_the_same_kind(folder):
    numbers = json.loads((folder / "numbers.json").read_text())
    assert numbers["certificate"]["n_real"] == 60
    assert {path.name for path in (folder / "run").iterdir()} == {
        *("recipe.json", "rows.jsonl", "samples.csv", "report.html"),
        *("state.safetensors", "state.previous.safetensors"),
    }
    samples, people = read_table(folder / "run/samples.csv"), read_table(folder / "people.csv")
    assert samples.column_names == people.column_names
    assert all(samples[name].type == people[name].type for name in samples.column_names)
    assert "'id' looks like IDs" in (folder / "said").read_text()


def test_sample_by_conditions_as_csv_and_parquet(folder):
    words = ("sample", "run", "-n", 50, "--where", "sex=F,age>40")
    done = run_cli(*words, "-o", "fake.csv", cwd=folder)
    assert done.code == 0, done.stderr
    assert "50 rows, of " in done.stderr
    assert "with 5 columns; new IDs in id: fake.csv" in done.stderr
    fake = read_table(folder / "fake.csv")
    assert set(fake["sex"].to_pylist()) == {"F"}
    assert min(fake["age"].to_pylist()) > 40
    done = run_cli(*words, "--no-ids", "-o", "fake.parquet", cwd=folder)
    assert "with 4 columns; without id, which can't be learned: fake.parquet" in done.stderr
    again = read_table(folder / "fake.parquet")
    assert again.column_names == ["sex", "age", "day", "paid"]
    assert again["paid"].to_pylist() == fake["paid"].to_pylist()


def test_ids_differ_in_every_call_unless_the_seed_is_given(folder):
    def draw(*words):
        run_cli("sample", "run", "-n", 50, *words, "-o", "ids.csv", cwd=folder)
        return read_table(folder / "ids.csv")["id"].to_pylist()

    drawn = [draw(), draw(), draw("--seed", 0), draw("--seed", 0)]
    assert drawn[0] != drawn[1]
    assert drawn[2] == drawn[3]
    assert not set(itertools.chain(*drawn)) & set(
        read_table(folder / "people.csv")["id"].to_pylist()
    )


def test_the_same_command_goes_on_and_a_changed_file_is_assert_refused(folder):
    words = ("fit", "people.csv", *NETWORKS, "--rounds", 200, "--out", "run", "--label", "sex")
    assert run_cli(*words, cwd=folder).code == 0
    text = (folder / "people.csv").read_text()
    try:
        (folder / "people.csv").write_text(text[: text.rindex("\n", 0, -1) + 1])
        assert_refused(
            run_cli(*words, cwd=folder),
            "run was fitted on other data: people.csv has changed since. Fit into another folder.",
        )
    finally:
        (folder / "people.csv").write_text(text)
    assert_refused(
        run_cli(*words[:-1], "age", cwd=folder),
        "label: expected 'sex', as run was begun with; got 'age'",
    )


def test_parquet_types_come_back(folder):
    words = ("fit", "people.parquet", "--rounds", 100, "--label", "sex", "--out", "run-parquet")
    done = run_cli(*words, "--no-evaluation", cwd=folder)
    assert done.code == 0, done.stderr
    samples = read_table(folder / "run-parquet/samples.parquet")
    assert samples.schema.field("age").type == pa.int32()


@pytest.mark.slow
def test_a_corrected_schema_is_read_before_training(folder):
    assert run_cli("data", "people.csv", "--schema", "people.json", cwd=folder).code == 0
    text = (
        (folder / "people.json")
        .read_text()
        .replace('"name": "age", "kind": "integer"', '"name": "age", "kind": "id"')
    )
    (folder / "corrected.json").write_text(text)
    words = (
        "fit",
        "people.csv",
        "--rounds",
        100,
        "--out",
        "run-corrected",
        "--schema",
        "corrected.json",
        "--no-evaluation",
    )
    assert run_cli(*words, cwd=folder).code == 0
    ages = [
        read_table(folder / file)["age"] for file in ("people.csv", "run-corrected/samples.csv")
    ]
    assert not set(ages[0].drop_null().to_pylist()) & set(ages[1].drop_null().to_pylist())
    (folder / "wrong.json").write_text(text.replace('"sex"', '"sexe"'))
    words = ("fit", "people.csv", "--out", "new", "--schema", "wrong.json")
    assert_refused(
        run_cli(*words, cwd=folder), "expected columns that the table has; got 'sexe'"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected a header and rows; got an empty file"),
        ("a,b\n", "expected at least 2 rows; got a header only"),
        (
            "a,a\n1,2\n3,4\n",
            "expected a name of its own for every column; got more than one 'a'",
        ),
        ("a,b\n1,2\n3\n", "expected 2 values in every line, as in the header; got 1 in line 3"),
        ("a,b\n1,\n3,\n", "expected some values in every column; got none in 'b'"),
        ("a,b\n1,2\n", "expected at least 2 rows; got 1"),
        (
            "a,b\n1,2\n1,2\n1,2\n1,2\n1,2\n1,2\n1,2\n1,2\n1,2\n",
            "expected rows that differ; got 9 times the same row",
        ),
    ],
)
def test_files_that_nothing_can_be_learned_from_are_assert_refused(text, sentence, tmp_path):
    (tmp_path / "people.csv").write_text(text)
    assert_refused(run_cli("fit", "people.csv", cwd=tmp_path), sentence)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("-o", "fake.npy"),
            "fake.npy: expected a name that ends in .csv, .tsv, .parquet; got .npy",
        ),
        (("-o", "fake.csv", "--where", "sex=X"), "sex=X: expected one of F, M; got 'X'"),
        (("-o", "fake.csv", "--where", "sexe=F"), "got 'sexe'. Did you mean sex?"),
        (
            (
                "-o",
                "no/such/../../run/recipe.json/fake.csv",
            ),
            "expected a place to write to",
        ),
    ],
)
def test_samples_that_can_not_be_had_are_assert_refused(folder, words, sentence):
    assert_refused(run_cli("sample", "run", *words, cwd=folder), sentence)
