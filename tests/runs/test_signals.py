"""Signals that end a fit: it is saved, and what is said of that is true."""

import contextlib
import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from helpers import TINY_IMAGES, run_cli
from onehalf import runs
from onehalf.cli import fit as command
from onehalf.runs.run import Run
from onehalf.runs.signals import StopSignals
from onehalf.runs.state_file import STATE

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture(autouse=True)
def default_handlers():
    """Handle signals as at the start of a program, whatever the shell of the tests does."""
    defaults = {signal.SIGINT: signal.default_int_handler}
    before = {
        number: signal.signal(number, defaults.get(number, signal.SIG_DFL))
        for number, _ in SIGNALS
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def words_of(folder, data):
    """`onehalf fit` with the options of `TINY_IMAGES`, as far as the command line has them."""
    return ["fit", data, "--rounds", 200, "--seeds", 2, "--batch", 4, "--out", folder, "--json"]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_signal_in_a_fit_saves_it_and_has_its_exit_code(
    tmp_path, quick_fits, monkeypatch, number, code, times
):
    def stop(fit):
        try:
            signal.raise_signal(number)
        finally:
            for _ in range(times - 1):
                signal.raise_signal(number)

    monkeypatch.setattr(command, "show_progress", lambda: contextlib.nullcontext(stop))
    done = run_cli(*words_of(tmp_path / "run", quick_fits))
    assert done.code == code
    assert not done.stdout
    assert re.search(r"Stopped\. What was trained up to round 100 is saved; the", done.stderr)
    assert runs.load(tmp_path / "run").rounds == 100
    # the process ends now, and nothing interrupts what it does last
    assert signal.getsignal(number) is signal.SIG_IGN


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_signals_in_a_save_wait_for_its_end(tmp_path, quick_fits, fits, monkeypatch, nth, when):
    saves = []
    ended = []
    save = Run.save

    def interrupted(self, fit):
        saves.append(fit.rounds)
        for step in ("before", "after"):
            if step == when and len(saves) == nth:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
                    signal.raise_signal(number)
            if step == "before":
                save(self, fit)
        ended.append(fit.rounds)

    monkeypatch.setattr(Run, "save", interrupted)
    with pytest.raises(runs.Stopped) as stopped:
        runs.fit_run(tmp_path / "run", quick_fits, TINY_IMAGES)
    assert stopped.value.exit_code == 130
    assert saves == ended
    assert len(saves) == nth
    assert runs.saved_rounds(tmp_path / "run") == saves[-1] == fits[0][nth].rounds


def test_only_the_first_signal_is_raised():
    with StopSignals() as signals:
        with pytest.raises(runs.Stopped):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(runs.Stopped) as stopped:
            signals.check()
    assert stopped.value.exit_code == 143


def test_a_signal_that_was_swallowed_ends_the_fit_after_the_chunk(tmp_path, quick_fits):
    seen = []

    def swallow(fit):
        seen.append(fit.rounds)
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(runs.Stopped):
        runs.fit_run(tmp_path / "run", quick_fits, TINY_IMAGES, watch=swallow)
    assert seen == [100]


def test_a_signal_that_is_ignored_stays_ignored(tmp_path, quick_fits):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    fit, _ = runs.fit_run(
        tmp_path / "run",
        quick_fits,
        TINY_IMAGES,
        watch=lambda fit: signal.raise_signal(signal.SIGHUP),
    )
    assert fit.rounds == 200


def test_nothing_is_called_saved_that_is_not(tmp_path, quick_fits, monkeypatch):
    def stop(self, fit):
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", stop)
    done = run_cli(*words_of(tmp_path / "run", quick_fits))
    assert done.code == 130
    assert "Stopped. Nothing was saved yet." in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_unexpected_error_is_one_sentence_with_a_private_file(
    tmp_path, quick_fits, monkeypatch
):
    def fail(fit):
        raise KeyError("nobody\nforesaw this")

    monkeypatch.setattr(command, "show_progress", lambda: contextlib.nullcontext(fail))
    done = run_cli(*words_of(tmp_path / "run", quick_fits))
    assert done.code == 70
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("onehalf:")]
    found = re.search(r"unexpected error \(KeyError: .*What was saved .* Details: (.*)$", line)
    assert found
    assert "Traceback" not in done.stderr
    assert "Traceback" in Path(found[1]).read_text()
    assert os.stat(found[1]).st_mode & 0o077 == 0
    os.unlink(found[1])
    assert runs.load(tmp_path / "run").rounds == 100


def test_an_error_of_the_system_is_one_sentence(tmp_path, quick_fits, monkeypatch):
    def fail(fit):
        raise PermissionError(13, "Permission denied", "a/b")

    monkeypatch.setattr(command, "show_progress", lambda: contextlib.nullcontext(fail))
    done = run_cli(*words_of(tmp_path / "run", quick_fits))
    assert done.code == 2
    assert "onehalf: a/b: Permission denied. Details: " in done.stderr
    os.unlink(done.stderr.strip().rpartition("Details: ")[2])


def test_report_refuses_data_that_have_changed(run, quick_fits):
    before = (run / STATE).read_bytes()
    kept = np.load(quick_fits)
    try:
        np.save(quick_fits, kept[::-1])
        done = run_cli("report", run)
        assert done.code == 2
        assert "was fitted on other data: " in done.stderr
        assert "x.npy has changed since. Fit into another folder." in done.stderr
        np.save(quick_fits, kept[:, :2])
        done = run_cli("report", run, "--json")
        assert "was fitted on other data: " in done.stderr
    finally:
        np.save(quick_fits, kept)
    assert (run / STATE).read_bytes() == before
    assert not (run / "report.html").exists()
    assert json.loads((run / "recipe.json").read_text())["format"] == 4
