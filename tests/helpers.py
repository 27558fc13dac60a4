"""What tests of several folders share: the command line in process, frequencies with a limit, equal trees."""

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import equinox as eqx
import jax
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

from onehalf import GAN, cli, fitting
from onehalf.hyperparameters import FitOptions

LUCK = 5e-4
"""How often a frequency test fails although what it tests is true: 1 in 2,000."""

TINY_IMAGES = FitOptions(rounds=200, width=2, m=4, normal=2, choices=0, seeds=2, random_state=0)
"""A fit of 4 x 4 pixels for tests of what is saved."""

SIZED_FLOATS = st.floats(-1e100, 1e100).filter(lambda number: not 0 < abs(number) < 1e-100)
"""Floats of any size that data may have."""

FIT_KEYS = [
    "format",
    "versions",
    "rounds",
    "seconds",
    "seconds_training",
    "seconds_evaluation",
    "seconds_total",
    "rounds_per_s",
    "V",
    "D_x",
    "D_Gz",
    "seeds",
    "stopped_because",
    "measured_at",
    "certificate",
    "truth",
    "n_rows",
    "n_columns",
    "row_shape",
    "left_out",
    "players",
    "kept_personal",
    "constraints",
    "rates_lowered",
    "collapse",
    "refinement",
]
"""The keys of what `fit --json` prints, less `run`."""


def plant_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the trials with planted differences of a measurement, which take long."""
    measurement = "onehalf.evaluation.measurement"
    monkeypatch.setattr(f"{measurement}.find_detectable", lambda *_: None)
    monkeypatch.setattr(f"{measurement}.plant_effects", lambda *_: ())


class Result(NamedTuple):
    """What a command left: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str


def run_cli(*words: object, cwd: Path | None = None) -> Result:
    """Run `onehalf WORDS` in this process, in the folder `cwd`."""
    argv = ["onehalf", *map(str, words)]
    code = 0
    with (
        contextlib.chdir(cwd or os.getcwd()),
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
        mock.patch.object(sys, "argv", argv),
    ):
        try:
            cli.main()
        except SystemExit as stopped:
            code = stopped.code if isinstance(stopped.code, int) else int(bool(stopped.code))
    return Result(code, out.getvalue(), err.getvalue())


def assert_refused(result: Result, sentence: str, *, notes: bool = False) -> None:
    """One sentence on stderr, after notes on the data where these are allowed; exit code 2."""
    assert result.code == 2, result.stderr
    *before, last = result.stderr.splitlines()
    assert sentence in last
    assert notes or not before, result.stderr
    assert "Traceback" not in result.stderr
    assert not result.stdout


def fit_partly(gan: GAN, X: object, y: object = None) -> GAN:
    """Fit, interrupted after the first 100 rounds."""

    def one_chunk(fit: fitting.Fit, data: fitting.FitData):
        yield fitting.advance(fit, data)

    with mock.patch.object(fitting, "run", one_chunk):
        return gan.fit(X, y)


def over_seeds(quick: int, full: int) -> pytest.MarkDecorator:
    """Give a frequency test its number of seeds: `quick` always, and `full` as a slow test of its own.

    `is_rare` follows the number: with fewer seeds it fails as seldom by luck, but sees less.
    """
    return pytest.mark.parametrize("seeds", [quick, pytest.param(full, marks=pytest.mark.slow)])


def is_rare(happened, alpha: float = 0.05) -> bool:
    """Whether events of probability alpha or less would happen this often, but for luck of one in 2,000.

    >>> is_rare([True] * 10 + [False] * 50), is_rare([True] * 11 + [False] * 49)
    (True, False)
    """
    return bool(np.sum(happened) <= stats.binom.isf(LUCK, len(happened), alpha))


def equal_trees(one, other, tolerance: float = 0.0) -> bool:
    """Whether the arrays of two trees, such as networks, are equal up to a tolerance."""
    leaves = (jax.tree.leaves(eqx.filter(tree, eqx.is_array)) for tree in (one, other))
    return all(
        np.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(*leaves, strict=True)
    )


def fit_cheaply(folder: Path, data: object, **asked: object) -> fitting.Fit:
    """Fit tiny players in a folder, with evaluations that cost nothing and no certificate."""
    from onehalf import runs
    from onehalf.fitting import evaluations

    found = evaluations.Evaluation(0.1, 0.01, 0.05, 1.0)
    small = {"rounds": 200, "width": 4, "m": 16, "choices": 4, "random_state": 0}
    options = FitOptions(**small | asked)  # pyright: ignore[reportArgumentType]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluations, "judge", lambda *_: found)
        patch.setattr(evaluations, "measure", lambda *_, **__: None)
        return runs.fit_run(folder, str(data), options)[0]


def arrays_of(folder: Path) -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """All arrays of a saved run but those of snapshots, and the history without its times."""
    from onehalf import runs

    saved = runs.SavedRun.read(folder)
    arrays = {
        name: value.tobytes()
        for name, value in saved.arrays.items()
        if name != "history" and not name.startswith("snapshots.")
    }
    history = [
        {name: value for name, value in row.items() if not name.startswith("seconds")}
        for row in saved.history
    ]
    return arrays, history
