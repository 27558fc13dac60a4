"""Saving: a process that is stopped at any file operation goes on to the same bytes."""

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import safetensors.numpy

from helpers import TINY_IMAGES as OPTIONS
from helpers import run_cli
from killing import Killed, Killer
from onehalf import Refusal, runs
from onehalf._files import check_writable, temporary_name
from onehalf.runs import checkpoint, recipe_file
from onehalf.runs.lock import LOCK
from onehalf.runs.recipe_file import RECIPE
from onehalf.runs.state_file import PREVIOUS, STATE


def read_files(folder):
    """The bytes of the files of a run."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.filterwarnings(
    "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)
def test_a_run_goes_on_from_every_file_operation_to_the_same_bytes(
    tmp_path, quick_fits, monkeypatch
):
    runs.fit_run(tmp_path / "whole", quick_fits, OPTIONS)
    expected = read_files(tmp_path / "whole")
    assert expected.keys() == {RECIPE, STATE, PREVIOUS, "rows.jsonl", "progress.npy"}
    killer = Killer(monkeypatch)
    n = 0
    is_killed = True
    while is_killed:
        folder = tmp_path / f"killed-{n}"
        killer.folder = folder
        killer.left = n
        is_killed = False
        try:
            runs.fit_run(folder, quick_fits, OPTIONS)
        except Killed:
            is_killed = True
            n += 1
        killer.left = None
        runs.fit_run(folder, quick_fits, OPTIONS)
        found = read_files(folder)
        found.pop(PREVIOUS)
        assert found == {name: expected[name] for name in expected if name != PREVIOUS}, n
    assert n > 60


def flip(path, place):
    """Flip one bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_every_bit_of_a_state_that_means_something_is_under_its_hash(run):
    state = run / STATE
    content = state.read_bytes()
    fit = runs.load(run)
    refused = 0
    for place in np.random.default_rng(0).integers(0, len(content), 300):
        flip(state, place)
        try:
            assert repr(runs.load(run)) == repr(fit)
        except Refusal:
            refused += 1
        state.write_bytes(content)
    assert refused > 250


def test_a_damaged_recipe_is_refused_by_whatever_reads_it(run):
    recipe = run / RECIPE
    content = recipe.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(content), 100):
        flip(recipe, place)
        with pytest.raises(Refusal, match=r"recipe as onehalf wrote it|an altered one"):
            runs.load(run)
        for read in (runs.load_domain, runs.load_source):
            with contextlib.suppress(Refusal):
                read(run)
        recipe.write_bytes(content)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "[" * 200_000, '{"asked":{},"solved":{},"data":{},"versions":{}}'],
)
def test_a_recipe_that_is_none_is_refused(tmp_path, text):
    (tmp_path / RECIPE).write_text(text)
    for read in (runs.load, runs.load_model, runs.load_domain, runs.load_source):
        with pytest.raises(Refusal):
            read(tmp_path)


@pytest.mark.parametrize("about", ["{}", "[]", "null", "", "\n", "[" * 100_000])
def test_a_state_with_forged_metadata_is_refused(run, about):
    content = safetensors.numpy.save({"a": np.zeros(2)}, {"onehalf": about})
    (run / STATE).write_bytes(content)
    with pytest.raises(Refusal, match="truncated or altered"):
        runs.load(run)


@pytest.mark.parametrize("harm", ["cut", "flipped", "removed"])
def test_a_damaged_state_falls_back_to_the_one_before(run, quick_fits, harm):
    state = run / STATE
    whole = read_files(run)
    if harm == "cut":
        state.write_bytes(state.read_bytes()[:-9])
    elif harm == "flipped":
        flip(state, -1)
    else:
        state.unlink()
    with pytest.raises(Refusal, match=r"missing, truncated or altered\. The state that was"):
        runs.load_model(run)
    said = []
    for load in (runs.load, runs.load_model):
        load(run, said.append)
    assert len(said) == 2
    assert set(said) == {
        f"{state} is missing, truncated or altered. The state that was saved before it, after round 200, is used "
        "instead."
    }
    said.clear()
    runs.fit_run(run, quick_fits, OPTIONS, on_progress=said.append)
    found = read_files(run)
    assert found[STATE] == whole[STATE]
    assert said[0].endswith("after round 200, is used instead. 0 rounds are trained again.")


def test_the_rounds_that_are_repeated_are_counted(tmp_path, quick_fits, fits):
    (first, second, *_), _, path = fits[0][1:], *fits[1:]
    for fit in (first, second):
        checkpoint.save(tmp_path / "run", fit, runs.Source(path), {})
    flip(tmp_path / "run" / STATE, -1)
    fit, said = checkpoint.recover(tmp_path / "run")
    assert fit.rounds == runs.load(tmp_path / "run").rounds == 100
    assert said.endswith("after round 100, is used instead. 100 rounds are trained again.")


def test_two_damaged_states_are_refused(run, quick_fits):
    for name in (STATE, PREVIOUS):
        flip(run / name, -1)
    refused = (
        r"state.safetensors: expected .* truncated or altered one\. No older state is whole"
    )
    with pytest.raises(Refusal, match=refused):
        runs.fit_run(run, quick_fits, OPTIONS)


def test_a_state_of_another_run_is_refused(run, fits, tmp_path):
    known, _, path = fits
    checkpoint.save(tmp_path / "other", known[-1], runs.Source(path), {})
    (run / STATE).write_bytes((tmp_path / "other" / STATE).read_bytes())
    with pytest.raises(Refusal, match=r"recipe.json: expected the file that the state was"):
        runs.load(run)


@pytest.mark.parametrize("harm", ["cut", "flipped", "removed"])
@pytest.mark.parametrize("name", ["rows.jsonl", "progress.npy"])
def test_damage_to_files_for_people_is_said_and_mended(run, quick_fits, name, harm):
    whole = read_files(run)
    path = run / name
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif harm == "flipped":
        flip(path, -2)
    else:
        path.unlink()
    fit = runs.load(run)
    said = []
    runs.fit_run(run, quick_fits, OPTIONS, on_progress=said.append)
    assert read_files(run) == whole
    assert len(said) == 1
    assert said[0].startswith(f"{name} in {run} did not fit the saved state: altered, missing")
    assert runs.restore_copies(run, fit) == ""


@pytest.mark.parametrize("name", [RECIPE, STATE])
def test_a_file_that_may_not_be_read_is_not_called_damaged(run, quick_fits, monkeypatch, name):
    before = read_files(run)
    opened = io.open

    def refuse(path, *rest, **named):
        if not isinstance(path, int) and Path(path) == run / name:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **named)

    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(
        Refusal, match="expected a file that can be read; got Permission denied"
    ):
        runs.fit_run(run, quick_fits, OPTIONS)
    monkeypatch.undo()
    assert read_files(run) == before


def test_a_recipe_with_a_field_of_a_later_version_names_that_version(run):
    recipe = json.loads((run / RECIPE).read_text())
    sections = {name: recipe[name] for name in ("data", "domain", "asked", "solved")}
    sections["solved"]["momentum"] = 0.5
    with mock.patch.object(recipe_file, "version", return_value="9.9"):
        recipe_file.write_recipe(run, sections)
    with pytest.raises(Refusal, match=r"one written by onehalf 9\.9\. Open it with onehalf 9"):
        runs.load(run)


def test_files_that_killed_writers_left_are_removed_and_no_others(run, quick_fits):
    files = (STATE, "report.html", "samples.csv", ".onehalf.try")
    left = [f".{name}.0a1b2c-{place}" for place, name in enumerate(files, start=7)]
    others = (".gitignore", ".notes.txt.0a1b2c-1", "samples.csv")
    for name in (*left, *others):
        (run / name).touch()
    runs.fit_run(run, quick_fits, OPTIONS)
    assert {path.name for path in run.iterdir()}.isdisjoint(left)
    assert all((run / name).exists() for name in others)


def test_a_refusal_for_want_of_space_leaves_no_folder(tmp_path, quick_fits, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: mock.Mock(free=1 << 20))
    with pytest.raises(Refusal, match="expected 64 MiB free on its disk; got 1 MiB"):
        runs.fit_run(tmp_path / "a" / "run", quick_fits, OPTIONS)
    assert not (tmp_path / "a").exists()


def test_a_full_disk_in_any_save_leaves_a_run_that_goes_on(tmp_path, quick_fits, monkeypatch):
    runs.fit_run(tmp_path / "whole", quick_fits, OPTIONS)
    synced = os.fsync
    for n in range(0, 40, 3):
        calls = iter(range(n))

        def full(number, calls=calls):
            if next(calls, None) is None:
                raise OSError(28, "No space left on device")
            synced(number)

        monkeypatch.setattr(os, "fsync", full)
        with contextlib.suppress(Refusal):
            runs.fit_run(tmp_path / f"{n}", quick_fits, OPTIONS)
        monkeypatch.setattr(os, "fsync", synced)
        runs.fit_run(tmp_path / f"{n}", quick_fits, OPTIONS)
        assert (tmp_path / f"{n}" / STATE).read_bytes() == (
            tmp_path / "whole" / STATE
        ).read_bytes()


def test_a_second_fit_is_refused_with_the_process_and_host_of_the_first(tmp_path, quick_fits):
    found = rf"got one in use by process {os.getpid()} on {socket.gethostname()}\. Wait for"
    with runs.lock(tmp_path / "run"):
        with pytest.raises(Refusal, match=found):
            runs.fit_run(tmp_path / "run", quick_fits, OPTIONS)
        assert [path.name for path in (tmp_path / "run").iterdir()] == [LOCK]
    assert not (tmp_path / "run").exists()


def test_a_dead_process_keeps_no_lock(tmp_path, quick_fits):
    code = (
        "import os, pathlib, sys; from onehalf.runs.lock import lock\n"
        "with lock(pathlib.Path(sys.argv[1])): os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
    assert done.returncode == 9
    assert (tmp_path / "run" / LOCK).read_text().startswith("process ")
    runs.fit_run(tmp_path / "run", quick_fits, OPTIONS)
    assert not (tmp_path / "run" / LOCK).exists()


def test_the_same_rows_under_another_path_go_on(run, quick_fits, tmp_path):
    moved = tmp_path / "moved.npy"
    shutil.copy(quick_fits, moved)
    said = []
    runs.fit_run(run, str(moved), OPTIONS, on_progress=said.append)
    assert said == [
        f"{run} was begun from {quick_fits}; {moved} holds the same rows, and is read from now on."
    ]
    assert runs.load_source(run).source == str(moved)
    np.save(moved, np.zeros((20, 4, 4), np.uint8))
    with pytest.raises(Refusal, match=rf"other data: {moved} has changed since\. Fit into"):
        runs.fit_run(run, str(moved), OPTIONS)


def test_a_folder_that_becomes_read_only_leaves_what_was_saved(
    tmp_path, quick_fits, monkeypatch
):
    folder = tmp_path / "run"
    opened = io.open

    def refuse(path, mode="r", *rest, **named):
        if "x" in mode and folder in Path(path).parents and (folder / STATE).exists():
            raise OSError(30, "Read-only file system", str(path))
        return opened(path, mode, *rest, **named)

    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(Refusal, match="a place to write to; got Read-only file system") as said:
        runs.fit_run(folder, quick_fits, OPTIONS)
    assert "What was saved before is whole." in str(said.value)
    monkeypatch.undo()
    assert runs.load(folder).rounds == 100


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, quick_fits):
    (tmp_path / "file").touch()
    with pytest.raises(Refusal, match=rf"{tmp_path}/file/run: expected a place to write to"):
        check_writable(tmp_path / "file" / "run")


@pytest.mark.parametrize("mask", [0o077, 0o022])
def test_files_keep_the_umask_and_none_are_left_elsewhere(
    tmp_path, quick_fits, monkeypatch, mask
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    before = os.umask(mask)
    try:
        runs.fit_run(tmp_path / "run", quick_fits, OPTIONS)
        done = run_cli("sample", tmp_path / "run", "-n", 3, "-o", tmp_path / "run" / "x.npz")
    finally:
        os.umask(before)
    assert done.code == 0, done.stderr
    for path in (tmp_path / "run").iterdir():
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask, path
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o777 & ~mask
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_ten_kills_at_random_moments_lose_nothing(tmp_path, quick_fits):
    began = time.perf_counter()
    runs.fit_run(tmp_path / "whole", quick_fits, OPTIONS)
    seconds = time.perf_counter() - began
    expected = read_files(tmp_path / "whole")
    expected.pop(PREVIOUS)
    moments = np.random.default_rng(0).uniform(0, seconds, 10)
    for number, moment in enumerate(moments):
        folder = tmp_path / f"killed-{number}"
        child = os.fork()
        if not child:
            try:
                runs.fit_run(folder, quick_fits, OPTIONS)
            finally:
                os._exit(0)
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        runs.fit_run(folder, quick_fits, OPTIONS)
        found = read_files(folder)
        found.pop(PREVIOUS)
        assert found == expected, (number, moment)


@pytest.mark.parametrize("is_temporary", [False, True], ids=["as it is", "temporary"])
@pytest.mark.parametrize(
    "name", [RECIPE, STATE, PREVIOUS, "rows.jsonl", "progress.npy", ".onehalf.try"]
)
def test_no_link_in_a_run_is_written_through(
    run, quick_fits, fits, tmp_path, name, is_temporary
):
    if is_temporary:
        name = temporary_name(Path(name)).name
    precious = tmp_path / "precious"
    shutil.copy(run / name if (run / name).exists() else run / STATE, precious)
    before = precious.read_bytes()
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(precious)
    runs.fit_run(run, quick_fits, OPTIONS)
    if not (run / name).exists():  # a temporary file of before, which is removed
        (run / name).symlink_to(precious)
    checkpoint.save(run, fits[0][1], runs.Source(quick_fits), {})
    assert precious.read_bytes() == before


def test_a_lock_that_is_a_link_is_refused(run, quick_fits, tmp_path):
    (tmp_path / "precious").write_text("all")
    (run / LOCK).symlink_to(tmp_path / "precious")
    with pytest.raises(Refusal, match="expected a place to write to; got Too many levels of"):
        runs.fit_run(run, quick_fits, OPTIONS)
    assert (tmp_path / "precious").read_text() == "all"
