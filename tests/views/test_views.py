"""What there is to show of a run, whatever state it is in."""

import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from helpers import fit_cheaply
from onehalf import runs
from onehalf.fitting.history import PATIENCE
from onehalf.runs.lock import LOCK, Holder
from onehalf.runs.saved import SavedRun
from onehalf.runs.state_file import PREVIOUS, read_state, write_state
from onehalf.views import RunReader, label_runs, state, view_run
from onehalf.views.source import SourceRows
from onehalf.views.state import find_standing
from onehalf.views.view import schema

ROOT = Path(__file__).parents[2]

OLDER = ROOT / "tests" / "runs" / "data" / "format-3"

RARE = "Rumpelstiltskin"

LOG_4 = 1.3862943611198906


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Runs of several kinds of data."""
    folder = tmp_path_factory.mktemp("views")
    rng = np.random.default_rng(0)
    np.save(folder / "line.npy", rng.normal(size=(150, 1)))
    np.save(folder / "plane.npy", rng.normal(size=(150, 2)))
    words = [*["red"] * 90, *["blue"] * 59, RARE]
    lines = [f"{word},{row % 9},{row / 7:.2f}" for row, word in enumerate(words)]
    (folder / "table.csv").write_text("\n".join(["colour,size,price", *lines]))
    for name in ("line.npy", "plane.npy", "table.csv"):
        fit_cheaply(folder / Path(name).stem, folder / name, rounds=200)
    return folder


@pytest.fixture
def line(made, tmp_path):
    """A copy of a run that has ended."""
    shutil.copytree(made / "line", tmp_path / "line")
    return tmp_path / "line"


def hold(folder, process=None, host=None):
    """Write what a fit at work writes into its lock."""
    text = f"process {process or os.getpid()} on {host or platform.node()}"
    (folder / LOCK).write_text(text)


def save_earlier(folder, rounds=100, **changes):
    """Save the run as it was after some rounds, with anything else changed."""
    fit = runs.load(folder)
    history = tuple(row for row in fit.history if row["t"] <= rounds)
    known = {"rounds": rounds, "history": history, "is_measured": False}
    earlier = dataclasses.replace(fit, **known | changes)
    runs.checkpoint.save(folder, earlier, runs.load_source(folder), {})


def show(folder):
    """The view of a run as JSON, which fits the schema."""
    view = json.loads(json.dumps(view_run(folder).to_dict(), allow_nan=False))
    jsonschema.validate(view, schema())
    return view


@pytest.mark.parametrize("name", ["line", "plane", "table"])
def test_a_run_that_has_ended_is_shown_with_a_picture_of_each_evaluation(made, name):
    view = show(made / name)
    assert view["state"] == "finished"
    assert view["sentence"].startswith("Finished: 200 rounds in ")
    assert view["picture"]["kind"] == name
    assert [frame["t"] for frame in view["picture"]["frames"]] == [100, 200]
    assert view["history"]["t"] == view["evaluations"]["t"] == [100, 200]
    assert view["value_at_equilibrium"] == pytest.approx(-LOG_4)
    assert view["kept"] == {"t": 200, "estimate": 0.1, "se": 0.01}
    assert " s in all." in view["sentence"]
    assert view["seconds"]["total"] >= view["seconds"]["so_far"] > 0
    assert view["null"] == {"t": 100, "estimate": 0.1, "se": 0.01}
    assert view["notes"] == []


def test_that_samples_are_corrected_is_said(made, monkeypatch):
    read = SavedRun.read
    monkeypatch.setattr(
        SavedRun, "read", lambda folder: dataclasses.replace(read(folder), is_refined=True)
    )
    (note,) = show(made / "plane")["notes"]
    assert note.startswith("Samples are corrected by D after training.")


def test_the_published_schema_is_that_of_the_code():
    published = ROOT / "docs" / "reference" / "watch.schema.json"
    assert json.loads(published.read_text()) == schema()


def test_densities_of_a_line_have_area_1(made):
    picture = show(made / "line")["picture"]
    widths = np.diff(picture["edges"])
    assert (picture["p_data"] * widths).sum() == pytest.approx(1, abs=0.02)
    for frame in picture["frames"]:
        assert (frame["p_g"] * widths).sum() <= 1.001
        assert len(frame["D"]) == len(widths)
        assert len(frame["walk"]) == len(picture["z"]) == 33
    assert picture["p_data_known"] is None


def test_D_in_the_plane_is_drawn_from_65_x_65_points(made):
    for frame in show(made / "plane")["picture"]["frames"]:
        fine = np.reshape(frame["D_fine"], (65, 65))
        assert len(frame["D"]) == 33 * 33
        np.testing.assert_allclose(fine[::2, ::2].ravel(), frame["D"], atol=2e-3)


def test_the_best_D_is_known_where_the_density_is(made, monkeypatch):
    masses = SourceRows.masses
    monkeypatch.setattr(
        SourceRows,
        "masses",
        lambda self, edges: masses(self, edges) if self._is_name else _normal(edges[0]),
    )
    picture = show(made / "line")["picture"]
    known, frame = np.array(picture["p_data_known"]), picture["frames"][-1]
    expected = known / (known + frame["p_g"])
    for found, best in zip(frame["D_star"], expected, strict=True):
        assert found is None or found == pytest.approx(best, abs=2e-3)
    assert any(found is not None for found in frame["D_star"])


def _normal(edges):
    from scipy import stats

    return np.diff(stats.norm.cdf(edges))


def test_points_of_the_data_are_read_from_where_they_are(made):
    rows = np.load(made / "plane.npy")
    picture = show(made / "plane")["picture"]
    assert len(picture["data_x"]) == 150
    np.testing.assert_allclose(picture["data_x"], rows[:, 0], rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (Path.unlink, "plane.npy is no longer where it was"),
        (lambda path: np.save(path, np.zeros((150, 2))), "plane.npy has changed since the fit"),
        (lambda path: path.write_text("no array"), "plane.npy can't be read"),
    ],
)
def test_data_that_are_gone_or_others_are_not_shown_and_that_is_said(made, change, note):
    content = (made / "plane.npy").read_bytes()
    change(made / "plane.npy")
    try:
        view = show(made / "plane")
    finally:
        (made / "plane.npy").write_bytes(content)
    assert view["picture"]["data_x"] is None
    assert note in view["notes"][0]
    assert len(view["picture"]["frames"]) == 2


def test_large_data_are_not_read_while_a_fit_is_at_work(made, monkeypatch):
    monkeypatch.setattr("onehalf.views.source.MOST_BYTES", 100)
    reader = RunReader(made / "plane", "plane")
    hold(made / "plane")
    try:
        during = reader.view()
    finally:
        (made / "plane" / LOCK).unlink()
    assert during.picture.data_x is None
    assert "once the fit has ended" in during.notes[0]
    after = reader.view()
    assert len(after.picture.data_x) == 150
    assert after.notes == ()


def test_no_row_of_a_table_is_shown_nor_a_word_that_few_rows_hold(made):
    text = json.dumps(show(made / "table"))
    assert RARE not in text
    view = json.loads(text)
    columns = {column["name"]: column for column in view["picture"]["columns"]}
    assert set(columns) == {"colour", "size", "price"}
    colour = columns["colour"]
    assert colour["labels"][:2] == ["red", "blue"]
    assert len(colour["labels"]) == len(colour["data"])
    price = columns["price"]
    assert len(price["labels"]) == len(price["edges"]) == len(price["data"]) + 1
    for frame in view["picture"]["frames"]:
        for shares, column in zip(frame["samples"], view["picture"]["columns"], strict=True):
            assert len(shares) == len(column["data"])
        for pair in frame["pairs"]:
            assert len(pair["data"]) == len(pair["samples"]) == len(pair["labels"][0])
            assert {len(row) for row in pair["data"]} == {len(pair["labels"][1])}


def test_a_fit_at_work_is_training_until_its_rounds_are_over(line):
    save_earlier(line)
    hold(line)
    view = show(line)
    assert view["state"] == "training"
    assert view["is_at_work"]
    assert view["sentence"].startswith("Training: round 100 of 200. ")
    assert "Held-out distance at round 100: 0.100 ± 0.010 nats" in view["sentence"]
    assert "(data against data: 0.100 ± 0.010)" in view["sentence"]
    assert "Next: the last evaluation, at round 200" in view["sentence"]
    assert view["rounds"]["next_evaluation"] == 200
    save_earlier(line, 200)
    assert show(line)["state"] == "evaluating"
    assert "the test rows, which were not used" in show(line)["sentence"]


def test_the_first_rounds_which_compile_tell_no_time_left(line):
    recipe = dataclasses.replace(runs.load(line).recipe, rounds=400)
    save_earlier(line, 200, recipe=recipe)
    hold(line)
    assert show(line)["sentence"].startswith("Training: round 200 of 400, about ")
    assert show(line)["seconds"]["left"] > 0
    run = SavedRun.read(line)
    first = dataclasses.replace(run, history=run.history[:1])
    assert find_standing(first, at_work=True).seconds.left is None


def test_with_minutes_no_more_time_is_left_than_these(line):
    save_earlier(line, recipe=dataclasses.replace(runs.load(line).recipe, rounds=10**9))
    run = SavedRun.read(line)
    limited = dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, minutes=10.0))
    left = find_standing(limited, at_work=True).seconds.left
    assert left is not None
    assert 0 < left < 600


def test_a_kept_estimate_below_0_is_shown_as_it_was(line):
    fit = runs.load(line)
    history = [row | {"jsd_estimate": [-0.02]} for row in fit.history]
    save_earlier(line, 200, history=tuple(history))
    view = show(line)
    assert view["kept"]["estimate"] == -0.02
    assert view["evaluations"]["estimate"][-1] == -0.02


def test_a_fit_that_ends_before_its_rounds_do_is_evaluating_too(line):
    fit = runs.load(line)
    worse = [
        fit.history[0] | {"t": t, "jsd_estimate": [0.5]} for t in range(800, 800 + PATIENCE)
    ]
    save_earlier(line, recipe=dataclasses.replace(fit.recipe, rounds=900))
    earlier = runs.load(line)
    later = dataclasses.replace(earlier, history=(*earlier.history, *worse))
    runs.checkpoint.save(line, later, runs.load_source(line), {})
    hold(line)
    assert show(line)["state"] == "evaluating"


@pytest.mark.parametrize(
    ("process", "host", "state"),
    [
        (2**22 + 1, None, "interrupted"),
        (None, "another-host", "training"),
        (1, None, "training"),
    ],
)
def test_a_fit_is_at_work_as_long_as_its_process_is(line, process, host, state):
    save_earlier(line)
    hold(line, process, host)
    assert show(line)["state"] == state
    if host:
        for path in line.iterdir():
            os.utime(path, (0, 0))
        assert show(line)["state"] == "interrupted"


@pytest.mark.parametrize("jump", [3600.0, -86400.0])
def test_a_clock_that_jumps_does_not_end_a_fit_on_another_machine(line, monkeypatch, jump):
    save_earlier(line)
    hold(line, None, "another-host")
    activity = state.Activity(line)
    assert activity.is_at_work()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + jump)
    assert activity.is_at_work()
    later = time.monotonic() + state.SILENCE
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not activity.is_at_work()
    for path in line.iterdir():
        os.utime(path, (now + jump,) * 2)
    assert activity.is_at_work()


def test_a_process_with_the_number_of_one_that_held_the_folder_is_no_fit(line):
    save_earlier(line)
    own = Holder.own()
    (line / LOCK).write_text(str(own))
    assert show(line)["state"] == "training"
    earlier = dataclasses.replace(own, started=(own.started or 0) - 1)
    (line / LOCK).write_text(str(earlier))
    assert show(line)["state"] == "interrupted"


def test_a_run_without_a_lock_was_interrupted_and_says_how_to_go_on(line):
    save_earlier(line)
    view = show(line)
    assert view["state"] == "interrupted"
    assert "Stopped after round 100 of 200." in view["sentence"]
    assert "repeat `onehalf fit`" in view["sentence"]


def test_a_run_whose_numbers_are_not_finite_has_diverged(line):
    fit = runs.load(line)
    row = fit.history[-1] | {"V": [float("nan")], "gradient_D": [float("inf")]}
    save_earlier(line, history=(*fit.history[:1], row), diverged="V was no finite number")
    view = show(line)
    assert view["state"] == "diverged"
    assert "V was no finite number" in view["sentence"]
    assert view["history"]["V"][-1] is None


def test_an_empty_folder_waits(tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    assert show(folder)["state"] == "waiting"
    assert "no fit is at work" in show(folder)["sentence"]
    hold(folder)
    assert show(folder)["sentence"].startswith("Waiting for the first rounds")
    assert show(folder)["rounds"] is None


def test_a_damaged_run_says_so_and_shows_what_was_read_before(line):
    reader = RunReader(line, "line")
    whole = reader.view()
    state = line / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-10])
    assert reader.fingerprint() != whole.revision
    damaged = reader.view()
    assert damaged.state == "damaged"
    assert "truncated or altered" in damaged.sentence
    assert damaged.picture == whole.picture
    (line / PREVIOUS).unlink()
    assert reader.view().sentence.endswith("What is shown was read before.")
    assert reader.view().picture == whole.picture
    assert show(line)["picture"] is None


@pytest.mark.parametrize("harm", ["cut", "removed"])
def test_a_damaged_run_shows_the_state_before_and_says_of_which_round_it_is(line, harm):
    path = line / "state.safetensors"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        path.unlink()
    before = show(line)
    assert before["state"] == "damaged"
    assert "saved before it, after round 200, is used instead. To go on" in before["sentence"]
    assert before["rounds"]["done"] == 200
    assert before["picture"]


def test_a_folder_that_vanishes_leaves_what_was_read(line):
    reader = RunReader(line, "line")
    whole = reader.view()
    shutil.rmtree(line)
    gone = reader.view()
    assert gone.state == "vanished"
    assert gone.sentence.startswith("The folder is no longer there.")
    assert gone.history == whole.history
    assert RunReader(line, "line").view().state == "vanished"


def test_files_that_are_being_replaced_are_read_again(line, monkeypatch):
    state = line / "state.safetensors"
    content = state.read_bytes()
    state.write_bytes(content[:100])
    monkeypatch.setattr("time.sleep", lambda _: state.write_bytes(content))
    assert view_run(line).state == "finished"


@pytest.mark.parametrize("name", ["digits", "people", "trees"])
def test_a_run_of_an_earlier_format_is_shown_as_far_as_it_goes(name, tmp_path):
    shutil.copytree(OLDER / name, tmp_path / name)
    view = show(tmp_path / name)
    assert view["history"]["t"]
    if name == "digits":
        assert view["picture"]["frames"][0]["sheet"].startswith("data:image/png;base64,")
        assert view["picture"]["data_sheet"].startswith("data:image/png;base64,")
    else:
        assert view["picture"] is None
        assert "an older version" in view["notes"][0]


def test_a_long_history_is_thinned_out_and_ends_with_its_last_row(line):
    fit = runs.load(line)
    rows = [fit.history[0] | {"t": t} for t in range(1, 2501)]
    save_earlier(
        line, 2500, history=tuple(rows), recipe=dataclasses.replace(fit.recipe, rounds=9000)
    )
    history = show(line)["history"]
    assert len(history["t"]) == len(history["V"]) == 1000
    assert history["t"][0], history["t"][-1] == (1, 2500)


def test_runs_of_one_name_get_labels_that_tell_them_apart():
    folders = [Path("/a/x/run"), Path("/b/x/run"), Path("/a/other")]
    assert label_runs(folders) == ["a/x/run", "b/x/run", "other"]


def test_a_view_takes_no_jax(made):
    code = (
        "import sys; from pathlib import Path; from onehalf.views import view_run; "
        f"[view_run(Path({str(made)!r}) / name) for name in ('line', 'plane', 'table')]; "
        "print([name for name in ('jax', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_reading_leaves_a_run_as_it_is(line):
    before = {path.name: path.stat().st_mtime_ns for path in line.iterdir()}
    view_run(line)
    assert {path.name: path.stat().st_mtime_ns for path in line.iterdir()} == before


def test_a_run_that_a_stranger_wrote_is_damaged_and_nothing_worse(line):
    state = read_state(line / "state.safetensors")
    rows = [{"t": "x", "V": []}]
    lines = np.frombuffer("".join(json.dumps(row) + "\n" for row in rows).encode(), np.uint8)
    write_state(line, state.arrays | {"history": lines}, state.about)
    view = show(line)
    assert view["state"] == "damaged"
    assert "one that can't be read" in view["sentence"]


def test_neither_players_nor_history_are_kept_in_memory(line):
    reader = RunReader(line, "line")
    reader.view()
    assert reader.run is None
