"""The same seed gives the same bytes, whatever the machine's settings are that have no say in it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"

SETTINGS = {
    "hash seed": {"PYTHONHASHSEED": "7"},
    "locale": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "width": {"COLUMNS": "31", "LINES": "7"},
    "threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
}
"""What is varied."""

WORDS = ("x", "y", "I", "\u00e4", "\u0131")
"""Some are other words in capitals, in Turkish."""

TRANSFORM = """
import hashlib, sys
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.data.tables.reader import read_table
from onehalf.data.tables.writer import pack_table
table = read_table("data.csv")
encoder = TableEncoder.fit(table)
preprocessor = TablePreprocessor.fit(encoder.encode(table), encoder)
batch = preprocessor.transform(EncodedRows.unlabelled(encoder.encode(table)))
made = encoder.decode(preprocessor.inverse_transform(batch).x)
print(hashlib.sha256(pack_table(made, ".csv") + encoder.schema.to_json().encode()).hexdigest())
"""

PLAYERS = {
    "trees": ["--players", "trees", "--rounds", "1"],
    "neural": ["--rounds", "20", "--batch", "32"],
}


def write_data(folder):
    """A table of numbers, words, dates and missing values."""
    lines = [
        f"{row * 37 % 101 / 4},{WORDS[row % 5]},2024-{1 + row % 12:02}-{1 + row % 28:02},{row % 13 or ''}"
        for row in range(150)
    ]
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text("\n".join(["a,b,day,n", *lines, ""]), encoding="utf-8")


def make_samples(folder, players, settings):
    """The hash of the samples of a fit in this folder."""
    write_data(folder)
    fit = ["fit", "data.csv", "--out", "run", "--no-evaluation", "--seed", "3"]
    for words in (
        [*fit, *PLAYERS[players]],
        ["sample", "run", "-n", "50", "--seed", "5", "-o", "out.csv"],
    ):
        run_python(folder, ["-m", "onehalf", *words], settings)
    return hashlib.sha256((folder / "out.csv").read_bytes()).hexdigest()


def run_python(folder, words, settings):
    """Run Python in a folder, with these settings; returns what it printed."""
    usual = {"PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | usual | settings,
        check=True,
        capture_output=True,
    ).stdout


def test_a_table_is_encoded_and_written_alike_under_all_settings_at_once(tmp_path):
    everything = {name: value for each in SETTINGS.values() for name, value in each.items()}
    write_data(tmp_path / "one")
    write_data(tmp_path / "zwei \u00fc")
    one = run_python(tmp_path / "one", ["-c", TRANSFORM], {})
    assert run_python(tmp_path / "zwei \u00fc", ["-c", TRANSFORM], everything) == one


@pytest.mark.slow
@pytest.mark.parametrize("players", PLAYERS)
def test_each_setting_changes_nothing(tmp_path, players):
    one = make_samples(tmp_path / "one", players, {})
    for name, settings in SETTINGS.items():
        assert make_samples(tmp_path / name, players, settings) == one, name


@pytest.mark.slow
def test_a_measurement_is_the_same_under_all_settings_at_once(tmp_path):
    everything = {name: value for each in SETTINGS.values() for name, value in each.items()}
    measured = []
    for folder, settings in (("one", {}), ("zwei \u00fc", everything)):
        write_data(tmp_path / folder)
        lines = (tmp_path / folder / "data.csv").read_text(encoding="utf-8").splitlines()
        (tmp_path / folder / "other.csv").write_text(
            "\n".join([lines[0], *lines[60:], *lines[31:61]]), encoding="utf-8"
        )
        words = ["-m", "onehalf", "measure", "data.csv", "other.csv", "--json"]
        measured.append(json.loads(run_python(tmp_path / folder, words, settings)))
    for each in measured:
        each.pop("seconds")
    assert measured[0] == measured[1]
