"""How many cells of a text file come back as they were, by kind of column: read, encoded, decoded and written again.

Run with PYTHONPATH=src, or with that of another version to compare with it:
python bench/faithful.py
"""

import csv
import io
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.reader import read_table
from onehalf.data.tables.writer import pack_table

ROWS = 300
"""Rows of a column."""

COLUMNS = 8
"""Columns of each form."""

Maker = Callable[[np.random.Generator], list[str]]
"""Makes the cells of a column."""


def numbers(form: str, low: float, high: float, *, swap: bool = False) -> Maker:
    """Numbers, written in a form of `str.format`; `swap` exchanges points and commas."""
    table = str.maketrans(",.", ".,") if swap else {}
    return lambda rng: [
        form.format(value).translate(table) for value in rng.uniform(low, high, ROWS).tolist()
    ]


def whole(form: str, low: int, high: int) -> Maker:
    """Whole numbers, written in a form of `str.format`."""
    return lambda rng: [form.format(value) for value in rng.integers(low, high, ROWS).tolist()]


def dates(form: str, step: int = 86_400) -> Maker:
    """Dates from 2019 to 2023 in a format of strftime; `step` is their unit in seconds."""

    def make(rng: np.random.Generator) -> list[str]:
        ticks = rng.integers(1_546_300_800 // step, 1_700_000_000 // step, ROWS) * step
        return [moment.strftime(form) for moment in ticks.astype("datetime64[s]").tolist()]

    return make


def choices(*words: str) -> Maker:
    """A few words."""
    return lambda rng: rng.choice(words, ROWS).tolist()


def some_missing(make: Maker, word: str) -> Maker:
    """Cells of which a fifth hold a word for missing ones."""
    return lambda rng: [word if rng.random() < 0.2 else cell for cell in make(rng)]


def one_odd(make: Maker, word: str) -> Maker:
    """Cells one of which holds another word."""
    return lambda rng: [*make(rng)[:-1], word]


FORMS: dict[str, dict[str, Maker]] = {
    "plain numbers": {
        "31": whole("{}", 0, 90),
        "-31": whole("{}", -900, 900),
        "0.123456789": numbers("{!r}", -1, 1),
    },
    "fixed decimals": {
        "677.40": numbers("{:.2f}", 1, 999),
        "3.0": numbers("{:.1f}", 1, 99),
        "12.500": numbers("{:.3f}", 1, 99),
    },
    "decimal commas": {
        "917,47": numbers("{:.2f}", 1, 999, swap=True),
        "1.917,47": numbers("{:,.2f}", 1, 9999, swap=True),
        "9,5%": numbers("{:.1f}%", 1, 99, swap=True),
    },
    "units and marks": {
        "$1,200": numbers("${:,.0f}", 1, 99_999),
        "12.5%": numbers("{:.1f}%", 1, 99),
        "12.5 kg": numbers("{:.1f} kg", 1, 99),
        "(5.00)": lambda rng: [
            f"({-value:.2f})" if value < 0 else f"{value:.2f}"
            for value in rng.normal(0, 9, ROWS)
        ],
        "\u22125": lambda rng: [
            str(value).replace("-", "\u2212") for value in rng.integers(-9, 9, ROWS)
        ],
    },
    "ISO dates": {
        "2020-07-13": dates("%Y-%m-%d"),
        "2020-07-13 10:55:39": dates("%Y-%m-%d %H:%M:%S", 1),
        "2020-07": dates("%Y-%m"),
    },
    "other dates": {
        "7/13/2020": dates("%-m/%-d/%Y"),
        "07/13/2020 10:55": dates("%m/%d/%Y %H:%M", 60),
        "13.07.2020 10:55": dates("%d.%m.%Y %H:%M", 60),
        "13-Jul-2020": dates("%d-%b-%Y"),
        "13/07/20": dates("%d/%m/%y"),
        "20200713T105539": dates("%Y%m%dT%H%M%S", 1),
        "2020-07-13T10:55": dates("%Y-%m-%dT%H:%M", 60),
    },
    "dates with zone, fraction, AM or PM": {
        "10:55:39+02:00": dates("%Y-%m-%d %H:%M:%S+02:00", 1),
        "10:55:39.490": dates("%Y-%m-%d %H:%M:%S.490", 1),
        "10:55:39.446Z": dates("%Y-%m-%dT%H:%M:%S.446Z", 1),
        "03:55 PM": dates("%m/%d/%Y %I:%M %p", 60),
    },
    "words": {
        "F, M": choices("F", "M"),
        "01234": whole("{:05}", 100, 140),
        "1.10": choices("1.10", "1.9", "1.2"),
        "a, b": choices("a, b", 'c "d"', "e"),
        "true": choices("true", "false"),
        "Yes": choices("Yes", "No"),
    },
    "missing as NA or another word": {
        "NA in numbers": some_missing(whole("{}", 0, 90), "NA"),
        "null in dates": some_missing(dates("%Y-%m-%d"), "null"),
        "? in decimals": some_missing(numbers("{:.2f}", 1, 99), "?"),
        "one 0000-00-00": one_odd(dates("%Y-%m-%d"), "0000-00-00"),
        "one unknown": one_odd(whole("{}", 0, 90), "unknown"),
    },
}
"""Forms by kind, each with an example for a name."""

DIALECTS = {
    "commas": (",", "\n", ""),
    "semicolons, BOM, CRLF": (";", "\r\n", "\ufeff"),
    "tabs": ("\t", "\n", ""),
    "|": ("|", "\n", ""),
    "sep=;": (";", "\n", "sep=;\n"),
    "a title": (",", "\n", "Sales\n\n"),
}
"""Separator, line end, and what comes before the header."""


def write(columns: dict[str, list[str]], separator: str = ",", end: str = "\n") -> str:
    """A text file of these columns, with quotes where they are needed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue()


def go_and_return(text: str, folder: Path) -> bytes:
    """The file after it was read, encoded, decoded and written; empty if it is refused."""
    path = folder / "x.csv"
    path.write_bytes(text.encode())
    try:
        table = read_table(path)
        encoder = TableEncoder.fit(table)
        return pack_table(encoder.decode(encoder.encode(table)), ".csv")
    except (ValueError, pa.ArrowException):
        return b""


def count_cells(cells: list[str], folder: Path, seed: int) -> float:
    """The share of the cells of a column that come back."""
    group = np.random.default_rng(seed).choice(["a", "b", "c"], ROWS).tolist()
    # semicolons, as files with decimal commas have them
    separator = ";" if any("," in cell for cell in cells) and '"' not in "".join(cells) else ","
    back = go_and_return(write({"x": cells, "group": group}, separator), folder).decode()
    found = list(
        csv.reader(io.StringIO(back), delimiter=separator if separator in back else ",")
    )
    if not found or found[0][:1] != ["x"]:
        return 0.0
    return float(np.mean([row[0] == cell for row, cell in zip(found[1:], cells, strict=True)]))


def by_kind(folder: Path) -> Iterator[tuple[str, int, float]]:
    """For each kind of column how many there are, and the share of the cells that come back."""
    shares: dict[str, list[float]] = defaultdict(list)
    for kind, forms in FORMS.items():
        for make in forms.values():
            for seed in range(COLUMNS):
                cells = make(np.random.default_rng(seed))
                shares[kind].append(count_cells(cells, folder, seed))
    for kind, found in shares.items():
        yield kind, len(found), float(np.mean(found))


def by_dialect(folder: Path) -> Iterator[tuple[str, bool]]:
    """For each dialect whether a file of words and whole numbers comes back byte for byte."""
    rng = np.random.default_rng(0)
    columns = {"age": whole("{}", 20, 60)(rng), "sex": choices("F", "M")(rng)}
    for name, (separator, end, before) in DIALECTS.items():
        text = before + write(columns, separator, end)
        yield name, go_and_return(text, folder) == text.encode()


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        for kind, columns, share in by_kind(Path(name)):
            print(f"{kind:36} {columns:4} columns {100 * share:6.1f} % of the cells")
        for dialect, same in by_dialect(Path(name)):
            print(f"{dialect:36} {'the same file' if same else 'another file'}")


if __name__ == "__main__":
    main()
