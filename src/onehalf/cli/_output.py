"""Files that rows are written to: samples, and the rows that were set aside for the test."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from onehalf._errors import refuse
from onehalf._files import describe_bytes
from onehalf._memory import total_memory
from onehalf._text import count_rows, join_names
from onehalf.cli._common import check_suffix, say

if TYPE_CHECKING:
    import onehalf.data.rows
    import onehalf.domains

__all__ = [
    "SAMPLE_SUFFIXES",
    "check_output",
    "check_test_file",
    "get_suffix",
    "say_file_memory",
    "say_given_memory",
    "say_memory",
    "write_test_rows",
]

SAMPLE_SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".parquet", ".png")
"""Endings of files of samples; which of them depends on the data."""


WORTH_SAYING = 256 << 20
"""Bytes of memory that are said beforehand, if a command takes them because of the number of its rows."""

COMPARED = "as they are compared with each other"

FEWER = "Ask for fewer rows, or cut the file into several."

BYTES_OF_GIVEN = 40
"""Measured: bytes that each cell of a file takes while it is completed once."""

BYTES_OF_DRAW = 12
"""The same for each completion."""

BYTES_OF_CELL = 55
"""Measured: bytes that each cell of a CSV file takes while the table is described; 28 of a Parquet or .npy file."""

BYTES_OF_COMPARED = 70
"""Measured: the same for the quick check of two files. What comes after it takes more where there are many columns."""


def get_suffix(path: str) -> str:
    """Return the ending of a file in lower case; '' of a folder, whose name ends in / or has no ending."""
    return "" if path.endswith("/") else Path(path).suffix.lower()


def say_memory(what: str, n: int, needed: int, why: str = COMPARED) -> None:
    """Say what memory something takes that is not drawn piece by piece, if it is much.

    Raises:
        Refusal: The machine has less.
    """
    memory = total_memory()
    if needed > memory:
        got = f"{what} of {count_rows(n)}, which take about {describe_bytes(needed)}"
        refuse("n", expected=f"at most {describe_bytes(memory)} of memory", got=got, hint=FEWER)
    if needed > WORTH_SAYING:
        say(f"{what} of {count_rows(n)} take about {describe_bytes(needed)} of memory, {why}.")


def say_file_memory(words: Iterable[str | None], bytes_of_cell: int = BYTES_OF_CELL) -> None:
    """Say what memory files take that are read whole; nothing of those whose size only reading tells.

    Args:
        words: The files; names and None are passed over.
        bytes_of_cell: What each of their cells takes.

    Raises:
        Refusal: The machine has less.
    """
    from onehalf.data.loading import is_path
    from onehalf.data.sources import find_shape

    shapes = [(word, find_shape(word)) for word in words if word and is_path(word)]
    known = [(Path(word).name, *shape) for word, shape in shapes if shape]
    if known:
        names = join_names(list(dict.fromkeys(name for name, *_ in known)))
        n = sum(rows for _, rows, _ in known)
        needed = bytes_of_cell * sum(rows * entries for _, rows, entries in known)
        say_memory(f"The cells of {names}", n, needed, "as files are read whole")


def say_given_memory(file: Path, columns: int, draws: int = 1) -> None:
    """Say what memory the rows of a file take that are completed, before they are read.

    Args:
        file: The file.
        columns: The columns that are learned.
        draws: How often each row is completed.

    Raises:
        Refusal: The machine has less.
    """
    from onehalf.data.sources import find_shape

    n, _ = find_shape(str(file)) or (0, 0)
    needed = n * columns * (BYTES_OF_GIVEN + BYTES_OF_DRAW * draws)
    say_memory(f"The cells of {file.name}", n, needed, "as all rows are completed at once")


def check_output(domain: "onehalf.domains.Domain", out: Path, suffix: str) -> None:
    """Refuse what rows of this kind can't be written to, and a folder with files."""
    suffixes = domain.sample_suffixes()
    if suffix not in suffixes:
        check_suffix(out, [each for each in suffixes if each])
    if not suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
        got = "one with files" if out.is_dir() else "a file"
        refuse(str(out), expected="a new or empty folder", got=got)


def check_test_file(path: str, data: str) -> None:
    """Refuse, before data are read, to overwrite them, and an ending that rows can't be written to and read from."""
    if Path(path).resolve() == Path(data).resolve():
        refuse("keep-test", expected="another file than the data", got=path)
    if get_suffix(path):
        suffixes = [suffix for suffix in SAMPLE_SUFFIXES if suffix != ".png"]
        check_suffix(Path(path), suffixes, hint="A folder's name ends in /.")


def write_test_rows(
    domain: "onehalf.domains.Domain", rows: "onehalf.data.rows.EncodedRows", path: str
) -> str:
    """Write the test rows of a fit as the user has them; returns a sentence that says so."""
    out = Path(path)
    suffix = get_suffix(path)
    if suffix == ".npy" and domain.label_names:
        check_suffix(out, [".npz"], hint="A .npy file has no labels.")
    check_output(domain, out, suffix)
    domain.write(domain.decode(rows), out, suffix)
    omitted = ", ".join(domain.left_out)
    without = f", without what can't be learned ({omitted})" if omitted else ""
    return f"Test rows: {path} ({len(rows):,} rows, which are not used for training{without})"
