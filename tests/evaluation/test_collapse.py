"""Collapse is said in a sentence, and almost never of samples that are drawn as the data are."""

import numpy as np
import pyarrow as pa
import pytest

from onehalf.cli._progress import Notes
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.checks import collapse
from onehalf.evaluation.features.base import UNNAMED
from onehalf.evaluation.features.tables import TableColumns
from onehalf.fitting.history import find_collapse

TABLE = pa.table(
    {
        "city": ["Rome"] * 40 + ["Oslo"] * 30 + ["Bonn"] * 27 + ["Riga"] * 3,
        "sum": pa.array([None] * 20 + [0.0] * 30 + [i / 7 for i in range(50)], pa.float64()),
    }
)
ENCODER = TableEncoder.fit(TABLE)
COLUMNS = TableColumns(ENCODER)
REAL = ENCODER.encode(TABLE)
ALL = np.tile(REAL, (4, 1))
ROME, OSLO, RIGA = (ENCODER.words["city"].index(word) for word in ("Rome", "Oslo", "Riga"))


def without(column, value):
    """Samples like the data but for one value."""
    cells = ALL[:, column]
    gone = np.isnan(cells) if np.isnan(value) else cells == value
    return np.resize(ALL[~gone], ALL.shape)


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (ALL, ""),
        (without(0, OSLO), "no sample has city=Oslo"),
        (without(0, RIGA), ""),  # three rows may be missed by chance
        (without(1, 0.0), "no sample has sum=0"),
        (without(1, np.nan), "no sample has sum=missing"),
        (np.column_stack([ALL[:, 0], np.full(400, 2.5)]), "sum is always 2.5"),
        (np.tile(REAL[:1], (400, 1)), "all samples are the same row"),
    ],
)
def test_what_samples_lack_is_said(samples, sentence):
    assert collapse.find_collapse(REAL, samples, COLUMNS) == sentence


def test_images_that_are_nearly_alike():
    real = np.random.default_rng(0).integers(0, 256, (50, 4, 4), np.uint8)
    one = np.clip(real[:1] + np.random.default_rng(1).integers(-3, 4, (200, 1, 1)), 0, 255)
    said = collapse.find_collapse(real, one.astype(np.uint8), UNNAMED)
    assert said.startswith("all samples are nearly alike (they spread over 0.0")
    heavy = np.random.default_rng(2).standard_cauchy((1000, 2))
    assert not any(
        collapse.find_collapse(heavy[n : n + 50], heavy[n + 50 : n + 250], UNNAMED)
        for n in range(0, 700, 10)
    )
    assert not collapse.find_collapse(real, real, UNNAMED)
    assert not collapse.find_collapse(np.zeros((9, 2)), np.zeros((9, 2)), UNNAMED)


def test_samples_of_the_same_distribution_are_almost_never_called_collapsed():
    rng = np.random.default_rng(0)
    columns = TableColumns(
        TableEncoder.fit(pa.table({"w": [f"w{i % 40}" for i in range(120)]}))
    )
    found = 0
    for _ in range(1000):
        cells = rng.geometric(0.12, (500, 1)).clip(1, 40) - 1.0
        found += bool(collapse.find_collapse(cells[:100], cells[100:], columns))
    assert found <= 2  # 1 in 10,000 at most; 3 of 1,000 would be such luck as 1 in 6,000


def test_the_sentence_of_the_kept_evaluation_is_found():
    history = [
        {"t": 100, "jsd_estimate": [0.1, 0.1], "collapse": ["", "a"]},
        {"t": 200},
        {"t": 300, "jsd_estimate": [0.1, 0.1]},
    ]
    assert [find_collapse(history, 1, t) for t in (0, 100, 200, 300)] == ["", "a", "", ""]
    assert find_collapse(history, 0, 100) == ""


def test_notes_are_said_once_and_collapse_only_when_it_stays():
    rows = [
        {"t": 1, "jsd_estimate": [0.5], "collapse": ["a"]},
        {"t": 2, "lowered": "V was no finite number"},
        {"t": 3, "jsd_estimate": [0.5], "collapse": ["a"]},
        {"t": 4, "jsd_estimate": [0.5], "collapse": ["a"]},
        {"t": 5, "jsd_estimate": [0.5]},
    ]
    notes = Notes()
    said = [notes.find(rows[: n + 1], 0) for n in range(len(rows))]
    assert said == [
        [],
        ["Round 2: rates were lowered, as V was no finite number."],
        ["Round 3: samples have collapsed: a."],
        [],
        [],
    ]
