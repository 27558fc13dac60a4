"""Files that somebody made to do harm, or that broke on the way: each is refused in one sentence, at once."""

import contextlib
import os
import time
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from helpers import run_cli
from onehalf import Refusal
from onehalf._errors import printable, refuse
from onehalf.data import files
from onehalf.data.loading import load
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.filters import RowFilter
from onehalf.data.tables.frames import to_table
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.data.tables.reader import read_table
from onehalf.data.tables.schema import Schema

QUICK = 5.0
"""Processor seconds that any of these may take."""


def write_npy(path, header):
    """A .npy file with a header of one's own."""
    padded = header.ljust(117).encode() + b"\n"
    size = len(padded).to_bytes(2, "little")
    path.write_bytes(b"\x93NUMPY\x01\x00" + size + padded + bytes(192))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (12, 2",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 2), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-12, 2), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 2), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000, 2), }",
        "{'descr': [('a', '<f8'), ('a', '<f8')], 'fortran_order': False, 'shape': (12, 2), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (12, 2), }",
        "__import__('os').system('touch owned')",
        "(" * 110,
    ],
)
def test_damaged_headers_are_one_sentence(tmp_path, header, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rows.npy"
    write_npy(path, header)
    with pytest.raises(Refusal) as refusal:
        load(str(path))
    assert "\n" not in str(refusal.value)
    assert os.listdir(tmp_path) == ["rows.npy"]


def test_pipes_and_devices_are_never_read(tmp_path):
    names = ("p.csv", "p.parquet", "p.npy", "p-images-idx3-ubyte")
    for name in names:
        os.mkfifo(tmp_path / name)
        with pytest.raises(Refusal, match="expected a file; got a pipe or a device"):
            load(str(tmp_path / name))


def test_pipes_and_devices_in_a_folder_of_images_are_passed_over_by_name(tmp_path):
    for number in range(3):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    os.mkfifo(tmp_path / "p.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (note,) = load(str(tmp_path)).notes
    assert "p.png (not a regular file), zero.png (not a regular file)" in note


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipes_and_devices_in_a_folder_of_parquet_files_are_never_read(tmp_path, kind):
    pyarrow.parquet.write_table(pa.table({"a": range(9)}), tmp_path / "a.parquet")
    if kind == "pipe":
        os.mkfifo(tmp_path / "b.parquet")
    else:
        (tmp_path / "b.parquet").symlink_to("/dev/zero")
    with pytest.raises(Refusal, match=r"b.parquet: expected a file; got a pipe or a device\."):
        load(str(tmp_path))


def test_packed_files_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 10_000)
    np.savez(tmp_path / "plain.npz", x=np.zeros((2000, 1)))
    assert len(load(str(tmp_path / "plain.npz"))) == 2000
    np.savez_compressed(tmp_path / "packed.npz", x=np.zeros((2000, 1)))
    with pytest.raises(Refusal, match="GiB of packed arrays"):
        load(str(tmp_path / "packed.npz"))
    pa.parquet.write_table(pa.table({"a": np.zeros(2000)}), tmp_path / "rows.parquet")
    with pytest.raises(Refusal, match="GiB of 2,000 rows and 1 columns"):
        read_table(tmp_path / "rows.parquet")


def test_a_member_that_is_no_array_is_one_sentence(tmp_path):
    with zipfile.ZipFile(tmp_path / "rows.npz", "w") as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00\xff\xff\n\n" + bytes(100))
    with pytest.raises(Refusal) as refusal:
        load(str(tmp_path / "rows.npz"))
    assert "\n" not in str(refusal.value)


def test_damaged_words_of_a_parquet_file_are_refused(tmp_path):
    words = pa.array([b"caf\xc3", b"tea"] * 9, pa.binary())
    damaged = pa.Array.from_buffers(pa.string(), len(words), words.buffers())
    pa.parquet.write_table(pa.table({"w": damaged}), tmp_path / "rows.parquet")
    with pytest.raises(
        Refusal, match="expected a whole Parquet file; got one that can't be read"
    ):
        read_table(tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"columns": [{"name": "a", "kind": "integer", "missing": 1' + "0" * 400 + "}]}",
        '{"columns": [{"name": "a", "kind": "' + "x" * 100_000 + '"}]}',
    ],
)
def test_schemas_that_no_one_would_write_are_one_short_sentence(text):
    with pytest.raises(Refusal) as refusal:
        Schema.from_json(text)
    assert len(str(refusal.value)) < 2000


def test_refusals_are_one_short_line_without_control_characters():
    with pytest.raises(Refusal) as refusal:
        refuse("a\nb", expected="\x1b[2J" * 1000, got="x" * 10**6, hint="\u202e")
    said = str(refusal.value)
    assert len(said) < 2000
    assert said.isprintable()


def test_the_terminal_is_never_controlled_by_a_file(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a\x1b[2J,b\n" + "1,\x1b]0;owned\x07x\n2,y\n" * 9)
    done = run_cli("data", str(path))
    assert "\x1b" not in done.stdout + done.stderr
    assert r"a\x1b[2J" in done.stdout
    assert printable("a\tb\nc") == "a\tb\nc"


def encode_columns(columns):
    """Encode and decode a table of so many columns; returns the seconds of CPU that it took."""
    frame = pa.table(
        {f"n{number}": [number + row / 2 for row in range(20)] for number in range(columns)}
    )
    began = time.process_time()
    table = to_table(frame)
    encoder = TableEncoder.fit(table)
    cells = encoder.encode(table)
    TablePreprocessor.fit(cells, encoder)
    assert encoder.decode(cells).num_columns == columns
    return time.process_time() - began


def test_wide_tables_take_time_in_proportion_to_their_columns():
    encode_columns(20)
    assert encode_columns(1000) < 10 * encode_columns(200)


PEOPLE = to_table(
    pa.table(
        {
            "age": list(range(17, 57)) * 2,
            "sex": ["F", "M"] * 40,
            "word": [f"w{number}" for number in range(8)] * 10,
            "price": [f"${number}.50" for number in range(40)] * 2,
        }
    )
)
CODING = TableEncoder.fit(PEOPLE)


@pytest.mark.parametrize(
    "text",
    [
        "sex=" + "|".join(["F"] * 20_000),
        "word!=" + "|".join(f"w{number % 7}" for number in range(20_000)),
        "age!=" + "|".join(map(str, range(18, 20_000))),
        "price=" + "|".join(f"${number}.50" for number in range(20_000)),
        "age>17," * 2_000 + "age>18",
        "sex=F" + " " * 50_000 + "x",
        "sex" + " " * 50_000 + "=F",
        'sex="' + '""' * 50_000,
        "sex=" + '"' * 100_001,
        "a!" * 50_000,
        "!" * 100_000,
        "=" * 100_000,
        "sex=" + "|" * 50_000,
        "," * 50_000,
        "age<" + "9" * 100_000,
        "x" * 100_000 + "=3",
        "word=" + "W" * 100_000,
    ],
)
def test_conditions_take_time_in_proportion_to_their_length(text):
    began = time.process_time()
    with contextlib.suppress(Refusal):
        RowFilter.parse(text, CODING).mask(CODING.encode(PEOPLE))
    assert time.process_time() - began < QUICK


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "ring", "--seeds", "0"], "seeds: expected a whole number from 1 to 1"),
        (["fit", "ring", "--seeds", str(10**12)], "seeds: expected a whole number from 1 to 1"),
        (["fit", "ring", "--seed", str(2**63)], "random_state: expected a whole number from 0"),
        (["fit", "ring", "--seed", "-1"], "random_state: expected a whole number from 0"),
        (["sample", "r", "-o", "x.npy", "--seed", str(2**63)], "seed: expected a whole number"),
    ],
)
def test_options_out_of_range_are_one_sentence(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = run_cli(*arguments)
    assert done.code == 2
    assert done.stderr.startswith(f"onehalf: {said}")
    assert len(done.stderr.splitlines()) == 1
