"""What a fit shows while it runs, and at its end."""

import contextlib
import io
import re
import sys
from types import SimpleNamespace

import pytest

from onehalf.cli._common import say, say_summary
from onehalf.cli._progress import Status, show_progress
from onehalf.evaluation.wording.layout import Heading, Paragraph, Summary, TableRow

HISTORY = [
    {
        "t": t,
        "seconds": 10 + t / 500,
        "V": [-1.352],
        "D_x": [0.53],
        "jsd_estimate": [0.041],
        "jsd_se": [0.003],
        "jsd_lower": [0.0207],
    }
    for t in (100, 1600)
]
FIT = SimpleNamespace(
    history=HISTORY, chosen=0, rounds=1600, recipe=SimpleNamespace(rounds=10_000)
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_status_says_how_the_game_stands():
    status = Status.from_history(HISTORY, seed=0, rounds=1600, total=10_000)
    assert str(status) == (
        "round 1,600/10,000  500 rounds/s  0:00:17 left  V -1.352 (-1.386)  D(x) 0.53 (0.50)  "
        "held-out 0.041 ± 0.003 nats (at least 0.020)"
    )


def test_a_status_before_the_first_row_and_before_the_first_evaluation():
    assert str(Status.from_history([], seed=0, rounds=0, total=200)) == "round 0/200"
    row = {name: HISTORY[0][name] for name in ("t", "seconds", "V", "D_x")}
    assert "held-out" not in str(Status.from_history([row], seed=0, rounds=100, total=200))


@pytest.mark.parametrize(
    ("stream", "term"),
    [(io.StringIO, "xterm"), (Terminal, "dumb")],
    ids=["no terminal", "dumb"],
)
def test_plain_lines_where_there_is_no_terminal_at_most_one_in_ten_seconds(
    monkeypatch, stream, term
):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", stream())
    with show_progress() as show:
        show(FIT)
        show(FIT)
    assert sys.stderr.getvalue().count("\n") == 1
    assert "\x1b" not in sys.stderr.getvalue()


def test_a_bar_in_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with show_progress() as show:
        show(FIT)
    shown = sys.stderr.getvalue()
    assert "1,600/10,000" in shown
    assert "500 rounds/s" in shown
    assert "held-out 0.041" in shown


def test_lines_are_broken_between_words_in_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stderr", Terminal())
    say("  one two three four five\n\nsix")
    assert sys.stderr.getvalue() == "  one two three four\n  five\n\nsix\n"


def test_a_summary_has_colours_in_a_terminal_alone(monkeypatch):
    summary = Summary(
        Heading("people.csv", "trained 3 s"),
        [TableRow("Distance (JSD)", "at least", "0.023", "0", "nats")],
        [Paragraph("Verdict", "They differ [p < 0.0001].", rank=0, style="they differ")],
    )
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    written = {}
    for kind in (Terminal, io.StringIO):
        with contextlib.redirect_stderr(kind()) as stderr:
            say_summary(summary)
        written[kind] = stderr.getvalue()
    assert written[io.StringIO] == f"{summary}\n"
    assert "\x1b[1;33mThey differ" in written[Terminal]
    plain = re.sub(r"\x1b\[[\d;]*m", "", written[Terminal])
    assert [line.rstrip() for line in plain.splitlines()] == str(summary).splitlines()
