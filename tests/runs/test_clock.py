"""A clock of the machine that jumps changes nothing of a fit."""

import datetime
import itertools
import os
import sys
import time

import numpy as np
import pytest

from helpers import arrays_of
from onehalf import fitting, runs
from onehalf.fitting import evaluations
from onehalf.hyperparameters import FitOptions

JUMPS = (3600.0, -86400.0, 0.0, 86400.0)
"""Seconds that the clock is off, chunk after chunk: an hour ahead, a day behind, right, a day ahead."""

KINDS = {
    "rounds": {"rounds": 600},
    "minutes": {"minutes": 1.0},
    "trees": {"rounds": 2, "players": "trees"},
}


@pytest.fixture
def jump(monkeypatch):
    """Set the clock of the machine, for all that reads it; returns what sets it."""
    now = time.time()
    offset = 0.0

    class Now(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(now + offset, tz)

    monkeypatch.setattr(time, "time", lambda: now + offset)
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * (now + offset)))
    monkeypatch.setattr(datetime, "datetime", Now)

    def set_clock(seconds, folder):
        nonlocal offset
        offset = seconds
        for path in folder.iterdir():
            os.utime(path, (now + offset,) * 2)

    return set_clock


def fit(folder, data, asked, watch=lambda fit: None):
    """Fit, whose clocks for durations go on by half a second at each look of this package."""
    found = evaluations.Evaluation(0.1, 0.01, 0.05, 1.0)
    small = (
        {"random_state": 0} if "players" in asked else {"width": 4, "m": 16, "random_state": 0}
    )
    ticks = itertools.count(0.0, 0.5)
    real = time.perf_counter

    def tick() -> float:
        is_ours = sys._getframe(1).f_globals["__name__"].startswith("onehalf.")
        return next(ticks) if is_ours else real()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluations, "judge", lambda *_: found)
        patch.setattr(evaluations, "measure", lambda *_, **__: None)
        patch.setattr(time, "perf_counter", tick)
        patch.setattr(time, "process_time", tick)
        patch.setattr("onehalf.runs.run.SAVE_EVERY", 0.0)
        options = FitOptions(**small | asked)
        return runs.fit_run(folder, str(data), options, watch=watch)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_is_the_same_whatever_the_clock_of_the_machine_does(tmp_path, jump, kind):
    rng = np.random.default_rng(0)
    if kind == "trees":
        data = tmp_path / "x.csv"
        lines = [
            f"{number:.2f},{'xyz'[row % 3]}" for row, number in enumerate(rng.normal(size=150))
        ]
        data.write_text("\n".join(["a,b", *lines, ""]))
    else:
        data = tmp_path / "x.npy"
        np.save(data, rng.normal(size=(150, 2)))
    expected = fit(tmp_path / "calm", data, KINDS[kind])
    offsets = itertools.cycle(JUMPS)
    looks = []

    def watch(fit: fitting.Fit) -> None:
        looks.append(fit.rounds)
        jump(next(offsets), tmp_path / "jumping")

    found = fit(tmp_path / "jumping", data, KINDS[kind], watch)
    assert found.rounds == expected.rounds == looks[-1]
    assert len(looks) > 1
    assert arrays_of(tmp_path / "jumping") == arrays_of(tmp_path / "calm")
    assert [row["seconds"] for row in found.history] == [
        row["seconds"] for row in expected.history
    ]
