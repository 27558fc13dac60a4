"""What a fit keeps at each evaluation to show its course: it is small, whole, and has no say in any number."""

import dataclasses

import jax.random as jr
import numpy as np
import pyarrow as pa
import pytest

from helpers import arrays_of, fit_cheaply
from onehalf import fitting, runs
from onehalf.data.rows import EncodedRows
from onehalf.data.tables.encoding import TableEncoder
from onehalf.distributions.base import Latent
from onehalf.domains.recorders import (
    BARS,
    ColumnRecorder,
    GridRecorder,
    Subject,
    TableRecorder,
)
from onehalf.fitting import loop, recording
from onehalf.fitting.snapshots import MOST, Snapshots
from onehalf.hyperparameters import FitOptions

RNG = np.random.default_rng(0)

ROWS = RNG.normal(size=(150, 2))


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """A fit of two seeds on points of the plane, in its folder."""
    folder = tmp_path_factory.mktemp("plane")
    np.save(folder / "x.npy", ROWS)
    return folder, fit_cheaply(folder / "run", folder / "x.npy", seeds=2)


def test_a_fit_without_snapshots_is_the_same_fit(plane, tmp_path, monkeypatch):
    folder, _ = plane
    monkeypatch.setattr(loop, "record_snapshot", lambda *_: None)
    fit = fit_cheaply(tmp_path / "run", folder / "x.npy", seeds=2)
    assert fit.snapshots is None
    assert arrays_of(tmp_path / "run") == arrays_of(folder / "run")


def test_each_evaluation_has_a_snapshot_of_each_seed(plane):
    _, fit = plane
    assert [int(each["t"]) for each in fit.snapshots.each] == [100, 200]
    for each in fit.snapshots.each:
        assert each["D"].shape == each["samples"].shape == (2, 33, 33)
        assert each["points"].shape == (2, 400, 2)
        assert ((each["D"] > 0) & (each["D"] < 1)).all()
    seeds = fit.snapshots.each[-1]["D"]
    assert not np.array_equal(seeds[0], seeds[1])


def test_D_is_that_of_the_round(plane):
    _, fit = plane
    edges = [fit.snapshots.shared[f"edges_{axis}"] for axis in (0, 1)]
    middles = [(axis[1:] + axis[:-1]) / 2 for axis in edges]
    grid = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    D = 1 / (1 + np.exp(-fit.logits(EncodedRows.unlabelled(grid))))
    found = fit.snapshots.each[-1]["D"][fit.chosen].ravel()
    np.testing.assert_allclose(found, D, rtol=1e-4)


def test_snapshots_are_saved_and_read_back(plane):
    folder, fit = plane
    loaded = runs.load(folder / "run").snapshots
    for name, value in fit.snapshots.to_arrays().items():
        assert np.array_equal(loaded.to_arrays()[name], value), name
    assert sum(value.nbytes for value in loaded.to_arrays().values()) < 100_000


def test_the_noise_of_snapshots_is_the_same_each_time(plane):
    folder, fit = plane
    rows = runs.load_rows(folder / "run", fit)
    data = fitting.resume(fit, rows)
    generators = data.players.generators(fit.state)
    again = [recording.record_snapshot(fit, data, generators, t) for t in (300, 400)]
    first, second = (each.each[-1] for each in again)
    assert np.array_equal(first["points"], second["points"])
    assert np.array_equal(first["points"], fit.snapshots.each[-1]["points"])


def test_a_seed_that_has_diverged_is_drawn_without_points(plane):
    folder, fit = plane
    data = fitting.resume(fit, runs.load_rows(folder / "run", fit))
    generators = list(data.players.generators(fit.state))
    lost = dataclasses.replace(generators[0], G=lambda z: z[:2] * np.nan)
    found = recording.record_snapshot(fit, data, [lost, generators[1]], 300)
    assert not found.each[-1]["samples"][0].any()
    assert found.each[-1]["samples"][1].sum() > 0.5


def test_of_many_snapshots_every_second_one_goes_but_never_the_last():
    kept = Snapshots({"data": np.zeros(2)})
    for t in range(1, 3 * MOST):
        kept = kept.add({"t": np.array(t), "samples": np.zeros(1)})
        assert len(kept.each) <= MOST
        assert int(kept.each[-1]["t"]) == t
    rounds = [int(each["t"]) for each in kept.each]
    assert rounds == sorted(set(rounds))
    assert rounds[0] < 10


def test_a_line_has_shares_by_cell_and_D_in_the_middle_of_each():
    recorder = GridRecorder(1)
    train = EncodedRows.unlabelled(RNG.normal(size=(5000, 1)))
    shared = recorder.lay_out(train)
    subject = Subject(train, logits=lambda rows: rows.x[:, 0], walk=lambda: train[:5])
    found = recorder.draw(shared, train, subject)
    assert np.array_equal(found["samples"], shared["data"])
    assert found["samples"].sum() > 0.995
    middles = (shared["edges_0"][1:] + shared["edges_0"][:-1]) / 2
    np.testing.assert_allclose(found["D"], 1 / (1 + np.exp(-middles)), rtol=1e-6)
    assert np.array_equal(found["walk"], train.x[:5, 0].astype(np.float32))


def test_cells_of_a_plane_go_along_the_first_axis():
    recorder = GridRecorder(2)
    train = EncodedRows.unlabelled(RNG.uniform(size=(4000, 2)) * [1, 10])
    shared = recorder.lay_out(train)
    subject = Subject(train, logits=lambda rows: rows.x[:, 0])
    D = recorder.draw(shared, train, subject)["D"]
    assert (np.diff(D, axis=0) > 0).all()
    assert (np.diff(D, axis=1) == 0).all()


def test_whole_numbers_have_a_cell_each():
    rows = EncodedRows.unlabelled(RNG.integers(0, 7, (500, 1)))
    shared = GridRecorder(1).lay_out(rows)
    assert shared["edges_0"].tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    np.testing.assert_allclose(shared["data"], np.bincount(rows.x[:, 0]) / 500, rtol=1e-6)


def test_columns_of_arrays_are_counted_whatever_lies_beyond():
    recorder = ColumnRecorder()
    train = EncodedRows.unlabelled(RNG.normal(size=(300, 5)))
    shared = recorder.lay_out(train)
    far = EncodedRows.unlabelled(np.full((10, 5), 1e6))
    found = recorder.draw(shared, train, Subject(far))["samples"]
    np.testing.assert_allclose(shared["data"].sum(axis=1), 1, rtol=1e-5)
    assert (found[:, BARS - 1] == 1).all()


@pytest.fixture(scope="module")
def table():
    words = ["a"] * 60 + ["b"] * 37 + ["rare one"] * 2 + [None]
    return pa.table({"word": words, "few": [1, 2] * 50, "number": RNG.normal(size=100)})


def test_rare_words_of_a_table_share_a_bar_and_missing_ones_have_one(table):
    encoder = TableEncoder.fit(table)
    rows = EncodedRows.unlabelled(encoder.encode(table))
    shared = TableRecorder(encoder).lay_out(rows)
    place = encoder.names.index("word")
    listed = shared["values"][place]
    shown = [encoder.show(place, value) for value in listed[~np.isnan(listed)]]
    assert shown == ["a", "b"]
    np.testing.assert_allclose(
        shared["data"][place][[0, 1, BARS, BARS + 1]], [0.6, 0.37, 0.02, 0.01]
    )
    few = shared["values"][encoder.names.index("few")]
    assert few[~np.isnan(few)].tolist() == [1, 2]
    np.testing.assert_allclose(shared["data"].sum(axis=1), 1, rtol=1e-5)


def test_a_pair_of_columns_that_go_together_wrongly_is_found(table):
    words = pa.table({"u": ["a", "b"] * 100, "v": ["a", "b"] * 100})
    encoder = TableEncoder.fit(words)
    rows = EncodedRows.unlabelled(encoder.encode(words))
    swapped = EncodedRows.unlabelled(np.stack([rows.x[:, 0], 1 - rows.x[:, 1]], axis=1))
    recorder = TableRecorder(encoder)
    found = recorder.draw(recorder.lay_out(rows), rows, Subject(swapped))
    assert found["pairs"][0].tolist() == [0, 1]
    assert found["pairs"][1].tolist() == [-1, -1]
    difference, baseline = found["pair_differences"][0]
    assert difference == 1
    assert baseline < 0.2
    data, samples = found["pair_shares"][0][:, :2, :2]
    assert data.tolist() == [[0.5, 0], [0, 0.5]]
    assert samples.tolist() == [[0, 0.5], [0.5, 0]]


def test_arrows_start_from_the_first_coordinate_of_z_alone():
    z = np.asarray(recording.walk_latent(jr.key(0), Latent(normal=3, choices=2)))
    assert (np.diff(z[:, 0]) > 0).all()
    assert abs(z[len(z) // 2, 0]) < 1e-6
    assert (z[:, 1:] == z[0, 1:]).all()
    assert recording.walk_latent(jr.key(0), Latent(choices=4)) is None


def test_D_that_depends_on_labels_is_not_drawn(tmp_path):
    np.savez(tmp_path / "x.npz", x=ROWS, y=np.arange(150) % 2)
    options = FitOptions(label="y", rounds=100, width=4, m=16, random_state=0)
    run = runs.open_run(tmp_path / "run", str(tmp_path / "x.npz"), options)
    generators = run.data.players.generators(run.fit.state)
    found = recording.record_snapshot(run.fit, run.data, generators, 0)
    assert set(found.each[0]) == {"t", "samples", "points"}
