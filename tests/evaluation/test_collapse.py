"""Collapse is said in a sentence, and almost never of samples that are drawn as the data are."""

import numpy as np
import pyarrow as pa
import pytest

from onehalf.cli._progress import Notes
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import TableEncoder
from onehalf.evaluation.checks import collapse
from onehalf.evaluation.features.base import UNNAMED
from onehalf.evaluation.features.tables import TableColumns
from onehalf.evaluation.rows import wrap
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


def make_ring(rng, n, modes):
    """Points around some of eight places on a circle."""
    angles = rng.choice(modes, n) * np.pi / 4
    return np.stack([np.cos(angles), np.sin(angles)], 1) + rng.normal(0, 0.1, (n, 2))


def test_a_lost_mode_of_an_array_is_said_with_its_place():
    rng = np.random.default_rng(0)
    real = make_ring(rng, 300, range(8))
    said = collapse.find_collapse(real, make_ring(rng, 1200, range(2, 8)), UNNAMED)
    assert 12 <= float(said.split()[4]) <= 28
    x, y = map(float, said.partition("around (")[2].rstrip(")").split(", "))
    assert min(np.hypot(x - 1, y), np.hypot(x - 0.71, y - 0.71)) < 0.3
    elsewhere = collapse.find_collapse(real, real + 9, UNNAMED)
    wider = collapse.find_collapse(real, np.repeat(real, 4, 0) * 1.1, UNNAMED)
    assert elsewhere == wider == ""


@pytest.mark.parametrize("law", ["ring", "cauchy", "lattice"])
def test_no_mode_is_lost_where_both_have_one_distribution(law):
    rng = np.random.default_rng(0)
    draw = {
        "ring": lambda n: make_ring(rng, n, range(8)),
        "cauchy": lambda n: rng.standard_cauchy((n, 2)),
        "lattice": lambda n: rng.integers(0, 4, (n, 2)) * 1.0,
    }[law]
    assert not any(
        collapse.find_collapse(draw(n), draw(4 * n), UNNAMED) for n in (30, 100) * 10
    )


def test_a_class_whose_samples_are_all_alike_is_said():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)[:, None]
    real, other = (wrap(EncodedRows(rng.normal(size=(120, 3, 3)), labels)) for _ in range(2))
    classes = np.array([3, 8])
    assert collapse.find_class_collapse(real, other, classes) == ""
    other.x[60:] = other.x[:1]
    said = collapse.find_class_collapse(real, other, classes)
    assert said.startswith("all samples of 8 are nearly alike")


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
