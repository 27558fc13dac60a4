"""The command line as people type it: what it says, what it leaves, how it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import jax.random as jr
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from helpers import FIT_KEYS, assert_refused, run_cli
from onehalf import Refusal, runs
from onehalf._files import write_file
from onehalf.cli._common import is_writable, print_json, print_text
from onehalf.data.tables.reader import read_table
from onehalf.data.tables.schema import Schema
from onehalf.distributions import Digits
from onehalf.hyperparameters import FitOptions

pytestmark = pytest.mark.usefixtures("critics_without_nets")

SMALL = {"rounds": 300, "width": 8, "m": 32, "choices": 8, "random_state": 0}


def assert_refused_and_nothing_left(words, sentence, folder):
    """One sentence, exit code 2, and nothing left behind."""
    before = sorted(folder.iterdir())
    assert_refused(run_cli(*words, cwd=folder), sentence)
    assert sorted(folder.iterdir()) == before


def fit_digits(folder):
    """`onehalf fit digits.npy`, a file beside the run's folder."""
    data = folder.with_suffix(".npy")
    return run_cli("fit", data, "--rounds", 200, "--out", folder, "--json")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 200 rounds on 500 digits, made by the command line."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    np.save(folder.with_suffix(".npy"), Digits.rows()[:500])
    done = fit_digits(folder)
    assert done.code == 0, done.stderr
    return folder, done


def test_a_fit_says_first_what_it_trains_on(run):
    _, done = run
    assert done.stderr.splitlines()[0].startswith("Training on the CPU (")


def test_help_is_quick_and_needs_no_jax():
    code = (
        "import sys, onehalf.cli; assert 'jax' not in sys.modules;"
        "sys.argv = ['onehalf', '--help']; onehalf.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    for word in ("fit", "sample", "measure", "report", "data", "theory"):
        assert word in done.stdout
        assert "Example: onehalf" in run_cli(word, "--help").stdout


def test_version_is_that_of_the_package():
    done = run_cli("--version")
    assert (done.code, done.stdout) == (0, f"onehalf {version('onehalf')}\n")


def in_a_process(*words, cwd=None):
    """`python -m onehalf WORDS` as a shell starts it."""
    program = [sys.executable, "-m", "onehalf", *words]
    return subprocess.run(program, capture_output=True, text=True, cwd=cwd)


def test_json_alone_is_on_stdout_of_the_process():
    done = in_a_process("data", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert {row["name"] for row in json.loads(done.stdout)} >= {"digits", "ring"}


def test_the_process_refuses_in_one_line_with_exit_code_2(tmp_path):
    done = in_a_process("fit", "dgits", cwd=tmp_path)
    assert done.returncode == 2
    assert "got 'dgits'. Did you mean digits?" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_fit_leaves_a_run_and_json(run):
    folder, done = run
    numbers = json.loads(done.stdout)
    assert set(numbers) >= {"run", *FIT_KEYS}
    assert numbers["rounds"] == 200
    names = {
        "recipe.json",
        "rows.jsonl",
        "state.safetensors",
        "state.previous.safetensors",
        "samples.npy",
        "progress.npy",
        "report.html",
    }
    assert {path.name for path in folder.iterdir()} == names
    assert np.load(folder / "samples.npy").shape == (1000, 8, 8)
    assert "Traceback" not in done.stderr
    recipe = json.loads((folder / "recipe.json").read_text())
    assert recipe["data"]["source"] == str(folder.with_suffix(".npy"))
    assert "<h1>digits.npy</h1>" in (folder / "report.html").read_text()
    assert recipe["versions"]["jax"]


def test_fit_prints_a_summary_and_all_sentences_on_request(run):
    folder, done = run
    numbers = json.loads(done.stdout)
    screen = done.stderr[done.stderr.index("digits.npy   ") :]
    assert len(screen.splitlines()) <= 12
    assert numbers["certificate"]["verdict"]["sentence"] in " ".join(screen.split())
    assert f"{numbers['n_rows']:,} rows, 8 x 8 pixels" in screen
    assert "no evidence of convergence" not in screen
    told = run_cli("report", folder, "--verbose").stderr
    assert "no evidence of convergence" in told
    assert numbers["certificate"]["sentence"] in told


def test_sample_and_report(run, tmp_path):
    folder, _ = run
    done = run_cli("sample", folder, "-n", 7, "-o", tmp_path / "new.npz")
    assert done.code == 0, done.stderr
    rows = np.load(tmp_path / "new.npz")["x"]
    assert rows.shape == (7, 8, 8)
    assert rows.dtype == np.uint8
    done = run_cli("report", folder, "--json")
    assert json.loads(done.stdout)["rounds"] == 200


def test_measure_compares_two_files(tmp_path):
    rng = np.random.default_rng(0)
    for name, n, mean in (("a", 400, 0.0), ("b", 350, 1.0), ("train", 300, 0.0)):
        np.save(tmp_path / f"{name}.npy", rng.normal(mean, size=(n, 2)))
    words = [
        "measure",
        "a.npy",
        "b.npy",
        "--train",
        "train.npy",
        "--html",
        "page.html",
        "--json",
        "--also",
        "prdc",
    ]
    words += ["--alpha", "0.1", "--seed", "3"]
    done = run_cli(*words, cwd=tmp_path)
    assert done.code == 0, done.stderr
    numbers = json.loads(done.stdout)
    quick = [*words[:3], "--seed", "3", "--verbose"]
    told = run_cli(*quick, cwd=tmp_path).stderr
    assert "With 95 % confidence the two differ" in told
    assert "What could have been missed" in told
    keys = "sentence alpha n_real n_other jsd_lower jsd_estimate jsd_se log_e p_value tv_lower accuracy null detectable"
    assert set(numbers) >= {*keys.split(), "regions", "telling", "audit", "copying", "seconds"}
    assert numbers["jsd_lower"] > 0.1
    assert (numbers["n_real"], numbers["n_other"], numbers["copying"]["n_pairs"]) == (
        400,
        350,
        300,
    )
    assert (numbers["alpha"], numbers["seed"]) == (0.1, 3)
    assert numbers["optional"]["prdc"]["other"]["recall"] < 1
    assert numbers["sentence"] not in done.stderr
    assert numbers["verdict"]["outcome"] == "they differ"
    assert "Verdict   They differ by at least 0." in done.stderr
    assert "a.npy (400 rows) v b.npy (350)" in done.stderr
    assert "</html>" in (tmp_path / "page.html").read_text()


def test_measure_takes_a_run_as_its_own_sampler(tmp_path):
    run = small_run(tmp_path)
    done = run_cli("measure", tmp_path / "rows.npy", run, "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["n_other"] == 1000
    assert "trained on most of it" in done.stderr


def test_a_finished_run_is_left_as_it_is(run):
    folder, first = run
    state = (folder / "state.safetensors").read_bytes()
    again = fit_digits(folder)
    assert json.loads(again.stdout)["certificate"] == json.loads(first.stdout)["certificate"]
    assert (folder / "state.safetensors").read_bytes() == state


def test_data_lists_and_draws(tmp_path):
    done = run_cli("data", "--json")
    listed = {row["name"]: row for row in json.loads(done.stdout)}
    assert listed["digits"]["rows"] == 1797
    assert listed["ring"]["shape"] == [2]
    assert "swiss-roll" in run_cli("data").stdout
    assert run_cli("data", "ring", cwd=tmp_path).code == 0
    assert (tmp_path / "ring.png").read_bytes().startswith(b"\x89PNG")


def people_file(folder):
    rng = np.random.default_rng(0)
    rows = [
        f"{row},{rng.integers(18, 90)},{rng.choice(['F', 'M', ''])},{rng.choice([14, 15, 17])}"
        for row in range(99)
    ]
    (folder / "people.csv").write_text("\n".join(["id,age,sex,screen", *rows, "99,n/a?,F,15"]))
    return folder / "people.csv"


def test_data_says_what_the_columns_of_a_table_are(tmp_path):
    done = run_cli(
        "data", people_file(tmp_path), "--json", "--schema", "people.json", cwd=tmp_path
    )
    assert done.code == 0, done.stderr
    (table,) = json.loads(done.stdout)
    assert (table["kind"], table["shape"], table["rows"]) == ("table", [4], 100)
    columns = {column["name"]: column for column in table["columns"]}
    assert [column["kind"] for column in columns.values()] == [
        "id",
        "integer",
        "category",
        "integer",
    ]
    assert columns["screen"]["values"] == [14, 15, 17]
    lines = done.stderr.splitlines()
    assert lines[0].endswith("people.csv: 100 rows, 4 columns")
    assert lines[5].split() == [
        "screen",
        "integer",
        "3",
        "14",
        "to",
        "17",
        "only",
        "14,",
        "15,",
        "17",
    ]
    assert "'age' holds 99 numbers and 1 word, 'n/a?' in line 101, which is read" in lines[7]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv", "people.json"]


def test_a_corrected_schema_is_checked_and_never_written_over(tmp_path):
    people, schema = people_file(tmp_path), tmp_path / "people.json"
    corrected = (
        Schema.infer(read_table(people))
        .to_json()
        .replace('"screen", "kind": "integer"', '"screen", "kind": "category"')
    )
    schema.write_text(corrected)
    done = run_cli("data", people, "--schema", schema, "--json")
    assert json.loads(done.stdout)[0]["columns"][3]["categories"].keys() == {"14", "15", "17"}
    assert "people.json, which fits." in done.stderr
    assert schema.read_text() == corrected
    schema.write_text(corrected.replace('"age"', '"agge"'))
    done = run_cli("data", people, "--schema", schema)
    assert done.code == 2
    assert (
        done.stderr
        == "onehalf: the schema: expected columns that the table has; got 'agge'. Did you mean age?\n"
    )


def bad_tables(folder):
    files = {
        "empty.csv": "",
        "header.csv": "a,b\n",
        "one.csv": "a,b\n1,2\n",
        "twice.csv": "a,b,a\n1,2,3\n",
        "unnamed.csv": ",a\n0,1\n1,2\n",
        "ragged.csv": "a,b\n1,2\n3\n4,5\n",
        "quote.csv": 'a,b\n1,2\n3,"x\n5,6\n',
        "missing.csv": "a,b\n1,\n2,NA\n",
        "infinite.csv": "a,b\n1,2\n3,inf\n",
        "good.csv": "age,sex\n1,F\n2,M\n",
        "latin.csv": b"a,b\n1,x\n2,\xe9\n",
        "bytes.csv": b"a,b\n1,\0\n",
        "bad.parquet": b"PAR1 and no more",
        "people.xlsx": "",
        "no.json": "{",
        "kind.json": '{"columns": [{"name": "age", "kind": "interger"}, {"name": "sex", "kind": "id"}]}',
        "words.json": '{"columns": [{"name": "age", "kind": "integer"}, {"name": "sex", "kind": "integer"}]}',
        "fewer.json": '{"columns": [{"name": "age", "kind": "integer"}]}',
    }
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "folder").mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"a": [[1], [2]]}), folder / "nested.parquet")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("nothing.csv", "nothing.csv: expected a file; got nothing there."),
        (
            "folder",
            "folder: expected images (.png, .jpg, .jpeg, .webp, .gif, .bmp, .tif, .tiff); got an empty folder.",
        ),
        (
            "people.xlsx",
            "people.xlsx: expected a file that ends in .csv, .tsv, .parquet; got .xlsx. Save it as .csv",
        ),
        ("empty.csv", "empty.csv: expected a header and rows; got an empty file."),
        ("header.csv", "header.csv: expected at least 2 rows; got a header only."),
        ("one.csv", "one.csv: expected at least 2 rows; got 1."),
        (
            "twice.csv",
            "twice.csv: expected a name of its own for every column; got more than one 'a'.",
        ),
        (
            "unnamed.csv",
            "unnamed.csv: expected a name for every column; got none for column 1. Row numbers of pandas?",
        ),
        (
            "ragged.csv",
            "expected 2 values in every line, as in the header; got 1 in line 3. A value with ',' in it",
        ),
        (
            "quote.csv",
            "expected values that end; got one from line 3 to the end of the file. Is a quotation mark left",
        ),
        (
            "missing.csv",
            "missing.csv: expected some values in every column; got none in 'b'. Remove what is all missing",
        ),
        (
            "infinite.csv",
            "expected finite numbers; got 1 infinite one in 'b', the first in line 3.",
        ),
        (
            "latin.csv",
            "latin.csv: expected UTF-8; got the byte 0xe9 in line 3. If it is latin1: iconv -f latin1",
        ),
        ("bytes.csv", "bytes.csv: expected text in UTF-8; got a zero byte in line 2."),
        (
            "bad.parquet",
            "bad.parquet: expected a whole Parquet file; got one that can't be read",
        ),
        (
            "nested.parquet",
            "expected numbers, words, booleans or dates; got list<element: int64> in column 'a'.",
        ),
        (
            "good.csv --schema good.txt",
            "good.txt: expected a name that ends in .json; got .txt.",
        ),
        ("good.csv --schema good", "good: expected a name that ends in .json; got no ending."),
        ("good.csv --schema good.csv/a.json", "expected a place to write to; got"),
        (
            "good.csv --schema no.json",
            "no.json: expected JSON; got text that can't be read as such",
        ),
        (
            "good.csv --schema kind.json",
            "kind.json, column 'age': expected one of continuous, integer, category, ",
        ),
        (
            "good.csv --schema words.json",
            "column 'sex': expected numbers, as its kind is integer; got 'F' in line 2.",
        ),
        (
            "good.csv --schema fewer.json",
            "the schema: expected all columns of the table; got none called 'sex'.",
        ),
        (
            "good.csv -o good.png",
            "out: expected an array or a name to draw; got the table good.csv.",
        ),
        ("ring --schema ring.json", "schema: expected a table to describe; got ring."),
    ],
)
def test_a_bad_table_gets_one_sentence_and_exit_code_2(tmp_path, words, sentence):
    bad_tables(tmp_path)
    assert_refused_and_nothing_left(["data", *words.split()], sentence, tmp_path)


def test_theory_runs_one_and_leaves_its_figure(tmp_path):
    done = run_cli("theory", "uniform-shift", "--json", cwd=tmp_path)
    assert done.code == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"claims", "seconds"}
    keys = {"name", "claim", "expected", "measured", "error", "relation", "difference", "holds"}
    assert all(set(claim) == keys and claim["holds"] for claim in told["claims"])
    assert "6 of 6 claims hold" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["uniform-shift.png"]


def test_a_claim_that_fails_is_said_and_is_exit_code_1(tmp_path, monkeypatch):
    from onehalf.experiments import UniformShift
    from onehalf.experiments.base import Claim

    monkeypatch.setattr(
        UniformShift, "claims", lambda self: [Claim("that 1 is 2", 2.0, 1.0, 0.5)]
    )
    done = run_cli("theory", "uniform-shift", "-o", tmp_path / "a.svg")
    assert done.code == 1
    assert "DOES NOT HOLD" in done.stderr
    assert "0 of 1 claims hold" in done.stderr
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")


def test_dry_run_says_what_it_would_cost_and_leaves_nothing(run, tmp_path):
    digits = run[0].with_suffix(".npy")
    done = run_cli("fit", digits, "--dry-run", "--json", "--rounds", 200, cwd=tmp_path)
    numbers = json.loads(done.stdout)
    assert numbers["rounds"] == 200
    assert numbers["rows_train"] == 350
    training, evaluation = numbers["seconds_training"], numbers["seconds_evaluation"]
    assert numbers["seconds_total"] > training + evaluation > numbers["seconds"] > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_ctrl_c_saves_and_the_run_goes_on(tmp_path):
    words = ["fit", "ring", "--rounds", "3000", "--out", str(tmp_path / "run"), "--json"]
    # a shell that starts the tests in the background has Ctrl-C ignored for them: here it is heard again
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = [sys.executable, "-c", f"{listen}; from onehalf.cli import main; main()", *words]
    started = subprocess.Popen(
        program, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 300
    while not (tmp_path / "run" / "rows.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    for _ in range(5):
        started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=120)
    assert started.returncode == 130, said
    assert "Traceback" not in said
    assert "the same command with --out" in said
    fit = runs.load(tmp_path / "run")
    assert 0 < fit.rounds < 3000
    assert fit.stopped_because == "interrupted"
    assert run_cli("sample", tmp_path / "run", "-n", 2, "-o", tmp_path / "x.npy").code == 0


@pytest.mark.parametrize("words", [("data",), ("fit", "ring", "--out")])
def test_a_name_that_is_no_utf_8_is_refused(words):
    expected = (
        r"a\udcff.csv: expected a name in UTF-8; got other bytes. Rename the file or folder."
    )
    assert_refused(run_cli(*words, os.fsdecode(b"a\xff.csv")), expected)


def bad_files(folder):
    np.save(folder / "nan.npy", np.array([[1.0, np.nan], [2.0, 3.0]]))
    np.save(folder / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.save(folder / "empty.npy", np.zeros((0, 2)))
    np.save(folder / "few.npy", np.zeros((5, 2)))
    np.save(folder / "words.npy", np.array([["1", "two"]]))
    np.save(folder / "rows.npy", np.random.default_rng(0).normal(size=(100, 2)))
    (folder / "other").mkdir()
    (folder / "other" / "file").touch()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fit", "missing.npy"], "missing.npy: expected a file; got nothing there."),
        (["fit", "dgits"], "got 'dgits'. Did you mean digits?"),
        (["fit", "objects.npy"], "pickled Python objects, which are never loaded"),
        (
            ["fit", "empty.npy"],
            "expected at least one row and one column; got an empty array of shape (0, 2).",
        ),
        (["fit", "few.npy"], "expected at least 9 rows; got 5"),
        (
            ["fit", "nan.npy"],
            "got 1 NaN or infinite entries, the first (nan) in row 0, entry 1",
        ),
        (["fit", "words.npy"], "expected numbers only; got dtype <U3, 'two' at (0, 1)"),
        (
            ["measure", "rows.npy", "missing.npy"],
            "missing.npy: expected a file; got nothing there.",
        ),
        (["measure", "rows.npy", "few.npy"], "few.npy: expected at least 20 rows; got 5."),
        (
            ["measure", "rows.npy", "digits"],
            "digits: expected rows of the data's shape (2,); got (8, 8).",
        ),
        (
            ["measure", "rows.npy", "rows.npy", "--alpha", "2"],
            "alpha: expected a number from 0.000001 to 0.5; got 2.0",
        ),
        (
            ["measure", "rows.npy", "rows.npy", "--html", "x.pdf"],
            "x.pdf: expected a name that ends in .html, .htm; got .pdf.",
        ),
        (
            ["measure", "rows.npy", "rows.npy", "--also", "kid"],
            "optional: expected some of prdc, fid, parzen, cells; got",
        ),
        (["fit", "digits", "--k", "0"], "k: expected a whole number of 1 or more; got 0."),
        (
            ["fit", "rows.npy", "--batch", "71"],
            "m: expected a minibatch of no more than the 70 training rows; got 71.",
        ),
        (["fit", "digits", "--loss", "hinged"], "Did you mean hinge?"),
        (
            ["fit", "digits", "--out", "rows.npy/run"],
            "expected a place to write to; got Not a directory.",
        ),
        (
            ["fit", "digits", "--out", "other"],
            "other: expected a run, or an empty or new folder; got a folder with other files.",
        ),
        (["fit", "digits", "--minutes", "0"], "minutes: expected a number above 0"),
        (
            ["sample", "other", "-o", "x.npy"],
            "other: expected the folder of a run; got no recipe.json in it.",
        ),
        (
            ["sample", "nowhere", "-o", "x.npy"],
            "nowhere: expected the folder of a run; got none.",
        ),
        (["sample", "other", "-n", "0", "-o", "x.npy"], "n: expected at least 1 row; got 0."),
        (
            ["sample", "other", "-o", "x.jpg"],
            "x.jpg: expected a name that ends in .npy, .npz, .csv, .tsv, .parquet",
        ),
        (["report", "nowhere"], "nowhere: expected the folder of a run; got none."),
        (
            ["theory", "folds", "--seed", "-1"],
            "seed: expected a whole number from 0 to 2^63 - 1; got -1.",
        ),
        (["theory", "jsd-metrik"], "got 'jsd-metrik'. Did you mean jsd-metric?"),
        (
            ["theory", "folds", "-o", "x.bmp"],
            "x.bmp: expected a name that ends in .png, .svg, .pdf, .gif, .webp, .html; got",
        ),
        (
            ["theory", "folds", "-o", "x.gif"],
            "x.gif: expected a name that ends in .png, .svg, .pdf; got .gif. folds has no animation.",
        ),
        (
            ["theory", "folds", "-o", "rows.npy/x.png"],
            "expected a place to write to; got File exists.",
        ),
        (
            ["theory", "folds", "jsd-metric", "-o", "x.png"],
            "out: expected a folder for several figures; got the file x.png.",
        ),
        (["data", "rong"], "got 'rong'. Did you mean"),
        (
            ["data", "ring", "-o", "x.doc"],
            "expected a name that ends in .png, .svg, .pdf; got .doc.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_gets_one_sentence_and_exit_code_2(tmp_path, words, sentence):
    bad_files(tmp_path)
    assert_refused_and_nothing_left(words, sentence, tmp_path)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        (
            "--net",
            "mpl",
            "net: expected one of mlp, convolutional; got 'mpl'. Did you mean mlp?",
        ),
        ("--loss", "hinged", "got 'hinged'. Did you mean hinge?"),
        ("--recipe", "mnist", "recipe: expected one of mnist-2014, mnist-2014-algorithm1"),
        ("--k", "0", "k: expected a whole number of 1 or more; got 0."),
        ("--rounds", "0", "rounds: expected a whole number from 1 to 2,147,483,647; got 0."),
        ("--seeds", "0", "seeds: expected a whole number from 1 to 1,000; got 0."),
        ("--batch", "0", "m: expected a whole number of 1 or more; got 0."),
        ("--minutes", "0", "minutes: expected a number above 0; got 0.0."),
    ],
)
def test_hyperparameters_are_refused_before_data_are_read(tmp_path, option, value, sentence):
    words = ["fit", "missing.npy", option, value]
    assert_refused_and_nothing_left(words, sentence, tmp_path)


def small_run(folder):
    np.save(folder / "rows.npy", np.random.default_rng(0).normal(size=(100, 2)))
    runs.fit_run(folder / "run", str(folder / "rows.npy"), FitOptions(**SMALL))
    return folder / "run"


def test_another_recipe_is_refused_by_the_name_of_the_field(tmp_path):
    run = small_run(tmp_path)
    with pytest.raises(Refusal, match=r"k: expected 1, as .* was begun with; got 2"):
        runs.fit_run(run, str(tmp_path / "rows.npy"), FitOptions(**SMALL | {"k": 2}))
    with pytest.raises(Refusal, match=r"was fitted on other data: .*rows\.npy, not ring\."):
        runs.fit_run(run, "ring", FitOptions(**SMALL))
    np.save(tmp_path / "rows.npy", np.ones((100, 3)))
    with pytest.raises(
        Refusal, match=r"other data: .* has changed since \(.*got \(3,\)\)\. Fit"
    ):
        runs.fit_run(run, str(tmp_path / "rows.npy"), FitOptions(**SMALL))
    np.save(tmp_path / "rows.npy", np.ones((100, 2)))
    with pytest.raises(
        Refusal,
        match=r"was fitted on other data: .*rows\.npy has changed since\. Fit into another",
    ):
        runs.fit_run(run, str(tmp_path / "rows.npy"), FitOptions(**SMALL))


@pytest.mark.parametrize("name", ["state.safetensors", "recipe.json"])
@pytest.mark.parametrize("harm", ["cut", "changed", "removed"])
def test_a_truncated_or_altered_run_is_refused(tmp_path, name, harm):
    run = small_run(tmp_path)
    content = (run / name).read_bytes()
    middle = len(content) // 2
    if harm == "removed":
        (run / name).unlink()
    elif harm == "cut":
        (run / name).write_bytes(content[:middle])
    else:
        (run / name).write_bytes(
            content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        )
    with pytest.raises(Refusal, match=r"missing|altered|no such file|no recipe.json"):
        runs.load(run)


def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(100, 2)))
    word = str(tmp_path / "rows.npy")
    whole, _ = runs.fit_run(tmp_path / "whole", word, FitOptions(**SMALL))

    def stop(fit):
        if fit.rounds == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.fit_run(tmp_path / "halves", word, FitOptions(**SMALL), watch=stop)
    halves, _ = runs.fit_run(tmp_path / "halves", word, FitOptions(**SMALL))
    assert halves.rounds == whole.rounds == 300
    samples = [fit.model.draw(jr.key(0), 50).x for fit in (halves, whole)]
    assert (samples[0] == samples[1]).all()

    def strip(fit):
        return [
            {k: v for k, v in row.items() if not k.startswith("seconds")} for row in fit.history
        ]

    assert strip(halves) == strip(whole)
    assert halves.measurement == whole.measurement


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, monkeypatch):
    run = small_run(tmp_path)
    before = (run / "state.safetensors").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        Refusal, match="expected a place to write to; got No space left on device"
    ):
        write_file(run / "state.safetensors", b"new")
    assert (run / "state.safetensors").read_bytes() == before
    assert not [path for path in run.iterdir() if path.name.startswith(".")]


def test_a_cache_folder_that_cannot_be_made_is_not_used(tmp_path):
    (tmp_path / "file").touch()
    assert not is_writable(tmp_path / "file" / "cache")
    assert is_writable(tmp_path / "a" / "cache")


def test_a_closed_stdout_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    for write in (print_json, print_text):
        with pytest.raises(Refusal, match="stdout: expected an open stream; got a closed one"):
            write("text")


def test_a_run_of_an_earlier_version_is_refused_by_its_version(tmp_path):
    run = small_run(tmp_path)
    recipe = json.loads((run / "recipe.json").read_text())
    del recipe["format"], recipe["sha256"]
    recipe["versions"]["onehalf"] = "0.1.0"
    (run / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(
        Refusal, match=r"one written by onehalf 0\.1\.0\. Open it with onehalf 0"
    ):
        runs.load(run)
