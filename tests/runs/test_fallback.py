"""What commands do with a run whose newest state is damaged: they use the one before it, and say so."""

import json
import shutil
from pathlib import Path

import pytest

from helpers import assert_refused, run_cli
from onehalf.runs.state_file import PREVIOUS, STATE

TREES = Path(__file__).parent / "data" / "format-3" / "trees"

SAID = "is missing, truncated or altered. The state that was saved before it, after round {t}, is used instead."


@pytest.fixture
def damaged(tmp_path):
    """A run of trees that was saved twice, and lost its newest state."""
    shutil.copytree(TREES, tmp_path / "trees")
    (tmp_path / "trees" / STATE).rename(tmp_path / "trees" / PREVIOUS)
    (tmp_path / "gaps.csv").write_text("age,sex,weight\n30,,70\n,M,\n")
    return tmp_path / "trees"


COMMANDS = {
    "sample": "sample trees -n 5 -o out.csv",
    "given": "sample trees --given gaps.csv -o out.csv",
    "impute": "impute trees gaps.csv -o out.csv",
    "export": "export trees --to out.onnx",
    "measure": "measure gaps.csv trees --quick",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_uses_the_state_before_a_damaged_one_and_says_so(damaged, name, monkeypatch):
    monkeypatch.chdir(damaged.parent)
    done = run_cli(*COMMANDS[name].split())
    assert done.code == 0, done.stderr
    assert SAID.format(t=1) in done.stderr
    assert done.stderr.count("missing, truncated") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_refuses_a_run_without_any_whole_state(damaged, name, monkeypatch):
    monkeypatch.chdir(damaged.parent)
    (damaged / PREVIOUS).write_bytes(b"")
    done = run_cli(*COMMANDS[name].split())
    assert_refused(done, "No older state is whole; `onehalf fit` into another folder trains")
    assert not list(damaged.parent.glob("out*"))


def test_a_report_says_which_state_it_is_of_and_leaves_the_history(run):
    (run / STATE).unlink()
    history = (run / "rows.jsonl").read_bytes() + json.dumps({"t": 300}).encode()
    (run / "rows.jsonl").write_bytes(history)
    done = run_cli("report", run)
    assert done.code == 0, done.stderr
    said = SAID.format(t=200)
    assert said in done.stderr
    assert said in (run / "report.html").read_text()
    assert (run / "rows.jsonl").read_bytes() == history
    assert not (run / STATE).exists()
