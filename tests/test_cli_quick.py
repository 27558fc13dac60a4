"""`measure --quick` on the command line, and the quick check before the whole measurement."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import onehalf as oh
from helpers import assert_refused, run_cli

pytestmark = pytest.mark.usefixtures("critics_without_nets")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick")
    for name, n in (("real", 60), ("other", 80), ("few", 9)):
        rng = np.random.default_rng(n)
        end = rng.integers(50, 90, n)
        table = {
            "start": end - rng.integers(1, 40, n),
            "end": end,
            "w": ["a", "b", "c"] * (n // 3) + ["a"] * (n % 3),
        }
        pyarrow.csv.write_csv(pa.table(table), folder / f"{name}.csv")
    return folder


def test_quick_prints_the_table_and_stops(folder):
    done = run_cli("measure", "real.csv", "other.csv", "--quick", cwd=folder)
    assert done.code == 0
    assert not done.stdout
    read = (pyarrow.csv.read_csv(folder / f"{name}.csv") for name in ("real", "other"))
    assert (
        done.stderr == f"{oh.quick_table(**dict(zip(('real', 'other'), read, strict=True)))}\n"
    )
    assert "Jensen" not in done.stderr


def test_quick_gives_one_json_object(folder):
    done = run_cli("measure", "real.csv", "other.csv", "--quick", "--json", cwd=folder)
    named = json.loads(done.stdout)
    assert named["kind"] == "quick"
    assert [each["column"] for each in named["columns"]] != []


def test_quick_takes_few_rows_and_the_refusal_without_it_says_so(folder):
    done = run_cli("measure", "real.csv", "few.csv", cwd=folder)
    assert_refused(done, "few.csv: expected at least 20 rows; got 9.")
    assert "--quick" in done.stderr
    assert run_cli("measure", "real.csv", "few.csv", "--quick", cwd=folder).code == 0


@pytest.mark.parametrize(
    "option",
    [("--train", "real.csv"), ("--target", "w"), ("--also", "prdc"), ("--html", "x.html")],
)
def test_quick_refuses_what_it_has_no_use_for(folder, option):
    done = run_cli("measure", "real.csv", "other.csv", "--quick", *option, cwd=folder)
    assert_refused(done, f"{option[0]}: expected the whole measurement; got --quick.")


def test_the_whole_measurement_begins_with_a_quick_check(folder):
    done = run_cli("measure", "real.csv", "other.csv", cwd=folder)
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Quick check (no guarantee): ")
    assert (
        1
        <= sum(line.startswith(("Quick check", "  Furthest off", "  Broken")) for line in lines)
        <= 3
    )
    assert "Verdict   " in done.stderr


@pytest.mark.slow
def test_a_fit_prints_the_quick_check_before_its_certificate(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(140, 2)))
    words = ("fit", "x.npy", "--rounds", 100, "--out", "run", "--json")
    done = run_cli(*words, cwd=tmp_path)
    assert done.code == 0, done.stderr
    quick = json.loads(done.stdout)["certificate"]["quick"]
    assert quick["n_real"] == 21
    said = done.stderr.index("Quick check (no guarantee)")
    assert said < done.stderr.index("Distance (JSD)")


def test_the_files_of_a_ranking_are_in_its_json(folder):
    done = run_cli("measure", "real.csv", "other.csv", "real.csv", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["kind"], found["format"]) == ("ranking", 1)
    assert set(found["files"]) == {"real", "other.csv", "real.csv"}
