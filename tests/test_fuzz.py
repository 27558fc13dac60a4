"""A few thousand of the inputs of bench/fuzz.py, and every input that ever broke something."""

import random
import runpy
import warnings
from pathlib import Path

import pytest

FUZZ = runpy.run_path(str(Path(__file__).parents[1] / "bench" / "fuzz.py"), run_name="fuzz")

NOT_UNICODE = b"{'descr': '<U1', 'fortran_order': False, 'shape': (2, 1), }".ljust(117)

BROKEN = {
    "words": ("npy", b"\x93NUMPY\x01\x00v\x00" + NOT_UNICODE + b"\n" + b"\xff" * 8),
    "return": ("csv", b"me;age\r;y\r\ny;20\r\nz;21\r\n"),
    "file name": ("folder", b"a\xff.parquet\n" + FUZZ["parquet"](random.Random(0))),
    "newline": ("csv", b"name\tage\rprice\tday\r\nx\t20\t2\t3\r\n"),
}
"""What once ended in an error."""

COUNTS = {
    "npy": 1500,
    "npz": 800,
    "csv": 60,
    "parquet": 150,
    "folder": 30,
    "idx": 1000,
    "pictures": 100,
    "schema": 100,
    "where": 100,
    "options": 30,
    "rules": 30,
    "points": 40,
    "export": 40,
}
"""Inputs by target: fewer of those that take longer to read."""


@pytest.mark.parametrize("name", BROKEN)
def test_what_once_broke_something_is_refused(tmp_path, name):
    target, content = BROKEN[name]
    outcome = FUZZ["attempt"](FUZZ["TARGETS"][target], content, tmp_path)
    assert outcome.kind == "refusal", outcome.said


@pytest.fixture(scope="module")
def targets():
    """All that are tried, `onehalf export` of kept runs among them."""
    kept = Path(__file__).parent / "runs" / "data" / "format-3"
    runs = {"trees": kept / "trees", "array": kept / "digits", "labelled": kept / "people"}
    return FUZZ["TARGETS"] | {"export": FUZZ["export_target"](runs)}


@pytest.mark.parametrize("name", COUNTS)
def test_damaged_inputs_end_in_a_result_or_in_a_sentence(tmp_path, name, targets):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy and Pillow, about damaged files
        ended = list(FUZZ["fuzz"](targets[name], COUNTS[name], 1, tmp_path))
    broken = [(content, outcome.said) for content, outcome in ended if outcome.kind == "broken"]
    assert not broken, f"{len(broken)}, the first: {broken[0]}"
    # one picture of two is whole, and options that are refused end in an exit code
    always = dict.fromkeys(("pictures", "options", "export"), "result").get(name, "refusal")
    assert always in {outcome.kind for _, outcome in ended}
