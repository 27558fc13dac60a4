"""No file of a run, and nothing that commands print, holds personal data, IDs, or words that samples never hold."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from helpers import assert_refused, run_cli
from onehalf import runs
from onehalf.data.loading import load
from onehalf.data.splits import split_rows
from onehalf.data.tables.reader import read_table

pytestmark = pytest.mark.usefixtures("critics_without_nets")

N = 400
RARE = 40
"""Rows with a city that no other row has."""

GIVEN = ["Anna", "Bernd", "Carla", "Dieter", "Elif", "Fatima", "Giulia", "Hans", "Igor", "Jose"]


def spell(number):
    """A number in letters that occur in no other word."""
    return "".join("qxzjkwvybg"[int(digit)] for digit in f"{number:05d}")


@pytest.fixture(
    scope="module", params=["trees", pytest.param("neural", marks=pytest.mark.slow)]
)
def folder(request, tmp_path_factory):
    """Customers, each of whose private cells is a marker, and a run."""
    folder = tmp_path_factory.mktemp("private")
    rng = np.random.default_rng(0)
    cities = np.array(["Lima", "Oslo", "Rome"])[rng.integers(0, 3, N)].astype(object)
    cities[rng.choice(N, RARE, replace=False)] = [f"City{spell(n)}" for n in range(RARE)]
    customers = pa.table(
        {
            "customer": [f"C-{spell(n)}-{n:05d}" for n in rng.permutation(N)],
            "name": [f"{GIVEN[n % 10]} Nam{spell(n)}" for n in range(N)],
            "contact": [f"mail{spell(n)}@firm{spell(n)}.com" for n in range(N)],
            "phone": [f"+49 171 {n * 7919 + 10**6}" for n in range(N)],
            "address": [f"Str{spell(n)}straße {n + 1}" for n in range(N)],
            "account": [
                str(10**17 + 12_345 + n * 982_451_653) for n in rng.integers(0, 100, N)
            ],
            "note": [f"asked about thing{spell(n)} and left" for n in range(N)],
            "city": cities.tolist(),
            "age": rng.integers(18, 90, N),
        }
    )
    pyarrow.csv.write_csv(customers, folder / "customers.csv")
    words = (
        "fit",
        "customers.csv",
        "--players",
        request.param,
        "--rounds",
        200,
        "--out",
        "run",
    )
    done = run_cli(*words, "--json", "--verbose", cwd=folder)
    assert done.code == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout + done.stderr)
    return folder


def read_columns(folder):
    """The cells of each column, and the cities of training rows."""
    table = load(str(folder / "customers.csv")).table
    fit = runs.load(folder / "run")
    rows = runs.load_rows(folder / "run", fit)
    domain = fit.domain.reveal(load(str(folder / "customers.csv")))
    learned = set(domain.decode(split_rows(rows).train)["city"].to_pylist())
    return {
        name: set(map(str, table[name].to_pylist())) for name in table.column_names
    }, learned


def find_leaks(folder, files):
    """The cells that no file may hold but does; one of a single word counts only as a whole word.

    Made-up words may begin like a name: "Hansu" is not "Hans".
    """
    columns, learned = read_columns(folder)
    secret = {cell for name, cells in columns.items() if name != "age" for cell in cells}
    secret |= {word for cell in columns["name"] | columns["note"] for word in cell.split()}
    secret -= {"asked", "about", "and", "left", *learned}
    text = b"\n".join(file.read_bytes() for file in files).decode("utf-8", "replace")
    words = set(re.findall(r"\w+", text))
    return sorted(
        cell for cell in secret if (cell in words if cell.isalnum() else cell in text)
    )


def test_no_file_of_a_run_and_no_output_holds_private_cells(folder):
    files = [folder / "said.txt", *(folder / "run").iterdir()]
    assert find_leaks(folder, files) == []


def test_some_rare_words_are_learned_and_others_are_not(folder):
    columns, learned = read_columns(folder)
    assert {"Lima", "Oslo", "Rome"} < learned
    assert len(columns["city"] - learned) > 3
    recipe = json.loads((folder / "run/recipe.json").read_text())
    words = recipe["domain"]["encoder"]["words"]["city"]
    assert len(words) == len(columns["city"])
    assert set(words) & columns["city"] == learned


def test_samples_reports_and_measurements_hold_no_private_cells(folder):
    held = read_table(folder / "customers.csv").slice(0, 100)
    pyarrow.csv.write_csv(held, folder / "held.csv")
    said = [
        run_cli("sample", "run", "-n", 300, "-o", "made.csv", cwd=folder),
        run_cli("report", "run", "--verbose", "--json", cwd=folder),
        run_cli("measure", "held.csv", "made.csv", "--json", "--html", "page.html", cwd=folder),
        run_cli("sample", "run", "-n", 30, "--where", "age>30", "-o", "more.csv", cwd=folder),
    ]
    assert [done.code for done in said] == [0, 0, 0, 0], said
    (folder / "said-2.txt").write_text("".join(done.stdout + done.stderr for done in said))
    names = ("said-2.txt", "made.csv", "page.html", "more.csv", "run/report.html")
    assert find_leaks(folder, [folder / name for name in names]) == []
    assert "without note, which can't be learned: made.csv" in said[0].stderr


def test_rows_of_the_data_are_shown_if_asked_for(folder):
    held = read_table(folder / "customers.csv").slice(0, 100).select(["city", "age"])
    made = held.slice(0, 60)
    for name, table in (("real", held), ("other", made)):
        pyarrow.csv.write_csv(table, folder / f"{name}.csv")
    words = ("measure", "real.csv", "other.csv", "--json", "--html", "rows.html")
    hidden = json.loads(run_cli(*words, cwd=folder).stdout)["telling"]["missing"]
    assert "Data least like" not in (folder / "rows.html").read_text()
    shown = json.loads(run_cli(*words, "--show-rows", cwd=folder).stdout)["telling"]["missing"]
    assert "Data least like" in (folder / "rows.html").read_text()
    assert [each["row"] for each in hidden] == [each["row"] for each in shown]
    assert not any("cells" in each for each in hidden)
    assert all(set(each["cells"]) == {"city", "age"} for each in shown)


def test_a_report_shows_rows_of_the_data_if_asked_for(folder):
    done = run_cli("report", "run", "--show-rows", "--json", cwd=folder)
    missing = json.loads(done.stdout)["certificate"]["telling"]["missing"]
    ages = read_table(folder / "customers.csv")["age"].to_pylist()
    assert {each["cells"]["age"] for each in missing} <= set(map(str, ages))
    assert "Data least like" in (folder / "run/report.html").read_text()
    run_cli("report", "run", cwd=folder)
    assert "Data least like" not in (folder / "run/report.html").read_text()


def test_keeping_personal_data_is_said(folder):
    words = ("fit", "customers.csv", "--rounds", 100, "--no-evaluation", "--out", "kept")
    done = run_cli(*words, "--keep-personal", "name", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    said = "Kept as you asked: name. Samples repeat values of people in the data."
    assert said in " ".join(done.stderr.split())
    assert said in (folder / "kept/report.html").read_text()
    assert json.loads(done.stdout)["kept_personal"] == ["name"]
    names = read_table(folder / "kept/samples.csv")["name"].to_pylist()
    assert set(names) <= set(read_table(folder / "customers.csv")["name"].to_pylist())


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("age", "expected a column that looks like personal data (name, contact, phone"),
        ("nome", "got 'nome'"),
    ],
)
def test_only_personal_data_can_be_kept(folder, column, sentence):
    words = ("fit", "customers.csv", "--out", "new", "--keep-personal", column)
    assert_refused(run_cli(*words, cwd=folder), sentence)
    assert not Path(folder / "new").exists()
