"""Ctrl-C at any moment from the start of a command to its exit: `bench/interrupts.py` tries more of them."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from onehalf.runs import signals
from onehalf.runs.signals import Stopped, StopSignals, end_at_signals

STOP_AT = """
import os, signal, sys
wanted = {wanted!r}

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Stop())
sys.argv = ["onehalf", *{words!r}]
from onehalf.__main__ import main
main()
"""


@pytest.fixture(autouse=True)
def default_handler():
    """Handle Ctrl-C as at the start of a program."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("module", ["typer", "onehalf.cli.data", "numpy", "pyarrow.csv", "jax"])
def test_ctrl_c_while_modules_are_imported_is_one_sentence(tmp_path, module):
    np.save(tmp_path / "x.npy", np.zeros((5, 2)))
    (tmp_path / "x.csv").write_text("a,b\n1,x\n2,y\n")
    words = ["data", "x.npy" if module == "jax" else "x.csv"]
    done = subprocess.run(
        [sys.executable, "-c", STOP_AT.format(wanted=module, words=words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "\nStopped. No file is half written.\n"
    assert sorted(os.listdir(tmp_path)) == ["x.csv", "x.npy"]


AT_THE_END = """
import atexit, os, signal, sys, threading
sys.argv = ["onehalf", "--version"]
threading._register_atexit(os.kill, os.getpid(), signal.SIGINT)
atexit.register(os.kill, os.getpid(), signal.SIGINT)
from onehalf.__main__ import main
main()
"""


def test_ctrl_c_while_the_process_ends_changes_nothing():
    command = [sys.executable, "-c", AT_THE_END]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("onehalf ")


def test_a_signal_that_a_callback_swallowed_is_raised_again(capsys):
    class Garbage:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def wait():
        Garbage()
        gc.collect()
        time.sleep(60)

    with StopSignals(), pytest.raises(Stopped):
        wait()
    assert not capsys.readouterr().err


def test_a_signal_long_after_the_first_is_raised_too(monkeypatch):
    with StopSignals():
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(signals, "PATIENCE", -1.0)
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGINT)


def test_a_block_takes_the_signals_of_the_one_around_it_over():
    with StopSignals() as outer:
        with contextlib.suppress(Stopped), StopSignals() as inner, inner.held():
            signal.raise_signal(signal.SIGINT)
            assert inner.stopped
        with pytest.raises(Stopped):
            outer.check()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize("is_last", [False, True])
def test_signals_are_handled_as_before_after_a_block(is_last):
    with end_at_signals(is_last=is_last):
        pass
    after = signal.SIG_IGN if is_last else signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is after


def test_what_was_saved_is_said_instead(capsys):
    stopped = Stopped(signal.SIGTERM)
    stopped.add_note("Round 100 is saved.")
    with pytest.raises(SystemExit) as ended, end_at_signals():
        raise stopped
    assert ended.value.code == 143
    assert capsys.readouterr().err == "\nStopped. Round 100 is saved.\n"
