"""What writers that are killed leave, and what the next one to the same target removes."""

import subprocess
import sys

import pytest

from onehalf import Refusal
from onehalf._files import check_writable, temporary_name, write_file, write_folder

WRITE = """
import sys, time
from pathlib import Path
from onehalf._files import open_file, write_folder

def wait():
    print("at work", flush=True)
    time.sleep(600)

def write_slowly():
    yield "1.png", b"half"
    wait()

path = Path(sys.argv[1])
if path.suffix:
    with open_file(path) as file:
        file.write(b"half")
        wait()
else:
    write_folder(path, write_slowly())
"""


@pytest.fixture
def start_writer():
    """Start a process that never ends to write a target; all are killed at the end."""
    writers = []

    def start(path):
        command = [sys.executable, "-c", WRITE, str(path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        assert writer.stdout.readline() == "at work\n"
        writers.append(writer)
        return writer

    yield start
    for writer in writers:
        writer.kill()
        writer.communicate()


def write(path):
    """Write a target as a command does."""
    if path.suffix:
        write_file(path, b"whole")
    else:
        write_folder(path, [("1.png", b"whole")])


@pytest.mark.parametrize("name", ["x.csv", "images"])
def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path, name, start_writer):
    path = tmp_path / name
    writer = start_writer(path)
    (left,) = tmp_path.iterdir()
    write(path)
    assert set(tmp_path.iterdir()) == {left, path}
    writer.kill()
    writer.wait()
    if path.is_dir():
        (path / "1.png").unlink()
    write(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_files_of_others_are_left(tmp_path, dead):
    path = tmp_path / "x.csv"
    *_, mark = temporary_name(path).name.rpartition(".")
    machine = mark.partition("-")[0]
    left = tmp_path / f".x.csv.{machine}-{dead}"
    others = {
        tmp_path / name
        for name in (
            f".y.csv.{machine}-{dead}",
            f".x.csv.000000-{dead}",
            f".x.csv.{dead}",
            f".x.csv.{machine}-1",
            f".x.csv.{machine}-",
        )
    }
    for each in (left, *others):
        each.write_bytes(b"mine")
    write_file(path, b"whole")
    assert set(tmp_path.iterdir()) == {path, *others}
    assert {each.read_bytes() for each in others} == {b"mine"}


def test_a_link_that_looks_left_over_is_not_followed(tmp_path, dead):
    path = tmp_path / "x.csv"
    machine = temporary_name(path).name.rpartition(".")[2].partition("-")[0]
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / f".x.csv.{machine}-{dead}").symlink_to(tmp_path / "precious")
    write_file(path, b"whole")
    assert set(tmp_path.iterdir()) == {path, tmp_path / "precious"}
    assert (tmp_path / "precious" / "file").exists()


def test_no_link_in_place_of_a_temporary_folder_is_written_through(tmp_path):
    (tmp_path / "precious").mkdir()
    temporary_name(tmp_path / "images").symlink_to(tmp_path / "precious")
    with pytest.raises(Refusal, match="expected a new or empty folder to write to; got File"):
        write_folder(tmp_path / "images", [("1.png", b"whole")])
    assert not list((tmp_path / "precious").iterdir())


def test_a_folder_that_was_tried_by_a_killed_process_is_cleaned(tmp_path, dead):
    machine = temporary_name(tmp_path).name.rpartition(".")[2].partition("-")[0]
    (tmp_path / f"..onehalf.try.{machine}-{dead}").touch()
    check_writable(tmp_path)
    assert not list(tmp_path.iterdir())
