"""Samples of several checkpoints: found by their names, judged on the same rows, all bounds at one level."""

import functools
import json

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

import onehalf as oh
from helpers import assert_refused, run_cli
from onehalf.cli._ranking import find_steps
from onehalf.evaluation import pairing, ranking
from onehalf.evaluation.certificate.certificate import certify
from onehalf.measuring import measure_steps, rank

MEANS = {20: 2.0, 100: 0.5, 3: 4.0}


@pytest.fixture(autouse=True)
def swift(monkeypatch):
    """Quick critics alone."""
    quick = functools.partial(certify, kinds=("linear", "quadratic"))
    monkeypatch.setattr(pairing, "certify", quick)
    monkeypatch.setattr(ranking, "certify", quick)


def checkpoints(rng, n=200):
    return {step: rng.normal(mean, size=(n, 2)) for step, mean in MEANS.items()}


def test_steps_are_measured_in_their_order_beside_data_against_data():
    rng = np.random.default_rng(0)
    found = measure_steps(real=rng.normal(size=(200, 2)), checkpoints=checkpoints(rng))
    assert [each.step for each in found.steps] == [3, 20, 100]
    lower = [each.jsd_lower for each in found.steps]
    assert lower[0] > lower[1] > lower[2] >= 0
    assert found.baseline.jsd_lower == 0
    last = found.steps[-1]
    half = stats.norm.isf(0.05 / 6) * last.jsd_se
    assert last.band == pytest.approx((last.jsd_estimate - half, last.jsd_estimate + half))
    lines = str(found).splitlines()
    assert [line.split()[1] for line in lines[1:4]] == ["3", "20", "100"]
    assert lines[4].startswith("data v data")


def test_all_bounds_share_one_level(monkeypatch):
    levels, plain = [], ranking.certify

    def noted(key, x, y, alpha, **options):
        levels.append(alpha)
        return plain(key, x, y, alpha, **options)

    monkeypatch.setattr(ranking, "certify", noted)
    rng = np.random.default_rng(0)
    measure_steps(real=rng.normal(size=(50, 2)), checkpoints=checkpoints(rng, 50), alpha=0.3)
    assert levels == pytest.approx([0.1] * 3)


def test_the_command_draws_nats_over_steps(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "samples").mkdir()
    np.save(tmp_path / "real.npy", rng.normal(size=(60, 2)))
    for step, rows in checkpoints(rng, 60).items():
        np.save(tmp_path / "samples" / f"run2-step{step}.npy", rows)
    words = [
        "measure",
        "real.npy",
        "samples",
        "--over",
        "step",
        "--html",
        "page.html",
        "--json",
    ]
    done = run_cli(*words, cwd=tmp_path)
    assert done.code == 0, done.stderr
    printed = json.loads(done.stdout)
    assert [each["step"] for each in printed["steps"]] == [3, 20, 100]
    page = (tmp_path / "page.html").read_text()
    assert "Nats over steps" in page
    assert "data against data" in page
    assert "step 100" in done.stderr


def test_files_are_found_by_the_last_number_in_their_names(tmp_path):
    for name in ("v2-0100.npy", "v2-20.csv", ".hidden"):
        (tmp_path / name).touch()
    assert list(find_steps(tmp_path)) == [20, 100]
    (tmp_path / "v3-100.npy").touch()
    with pytest.raises(oh.Refusal, match=r"each step once; got step 100 as in v2-0100\.npy"):
        find_steps(tmp_path)


def test_folders_and_options_that_do_not_go_with_it_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((30, 1)))
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "1.npy").touch()
    (tmp_path / "unnamed").mkdir()
    (tmp_path / "unnamed" / "last.npy").touch()
    for words, sentence in {
        ("a.npy", "--over", "step"): "a.npy: expected a folder of samples",
        ("few", "--over", "step"): "few: expected samples of at least 2 steps; got 1.",
        ("unnamed", "--over", "step"): "expected a step in the name, such as step-1000.npy",
        ("few", "--over", "time"): "--over: expected step; got 'time'.",
        ("few", "--over", "step", "--target", "x"): "--target: expected no --over beside it",
        ("few", "a.npy", "--over", "step"): "--over step: expected one folder of samples",
    }.items():
        assert_refused(run_cli("measure", "a.npy", *words, cwd=tmp_path), sentence)


def test_too_few_rows_and_other_columns_are_refused_by_name():
    few = {"a": np.ones((30, 1)), "b": np.ones((5, 1))}
    with pytest.raises(oh.Refusal, match=r"^b: expected at least 20 rows; got 5\."):
        rank(real=np.ones((30, 1)), others=few)
    table = {1: pa.table({"x": [1.0, 2.0] * 15}), 2: pa.table({"y": [1.0, 2.0] * 15})}
    with pytest.raises(oh.Refusal, match=r"^step 2: expected the columns of the data"):
        measure_steps(real=table[1], checkpoints=table)
