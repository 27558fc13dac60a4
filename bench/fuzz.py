"""Fuzzing: damaged and hostile files, conditions and options; each ends in a result or in one sentence.

    python bench/fuzz.py --inputs 100000 --seed 0        # prints a table, and writes what broke to --keep

Each input is a valid one of its kind, damaged by a seeded generator: bits flipped, parts cut out, doubled, swapped
or replaced by what breaks parsers. An input broke something if it raised anything but a refusal, if the refusal is
more than one line or longer than 2,000 characters, or if it took more than 10 s of the processor. The process may use
6 GiB more address space than at its start; what asks for more is refused by the reader or counts as broken.
"""

import argparse
import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from PIL import Image

from onehalf import Refusal

SECONDS = 10
"""The most processor time that an input may take, as others may be busy on the machine."""

MOST_WAITING = 120
"""The most seconds of a clock: an input that waits for something uses no processor."""

ADDRESS_SPACE = 6 << 30
"""The most memory that the process may ask for beyond what it has at its start."""

LONGEST = 2000
"""The most characters of a refusal."""

BREAKERS = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r",
        b'"',
        b"'",
        b",",
        b";",
        b"|",
        b"=",
        b"<",
        b"{",
        b"[[[[",
        b"\\",
    ),
    *(
        b"nan",
        b"inf",
        b"1e999",
        b"-0",
        b"9223372036854775808",
        b"18446744073709551615",
        b"1" * 400,
        b"None",
    ),
    *(
        b"0001-01-01",
        b"9999-12-31T23:59:60",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"\x1b[2J",
        b"../../",
        b"=cmd|",
    ),
    *(
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff",
        b"\xff" * 8,
        b"true",
        b"null",
        b"|O",
        b"<f2",
        b"<c16",
        b"(1, 2",
    ),
)
"""What breaks parsers."""


STATE = "state.safetensors"
"""The largest file of a run."""


class Target(NamedTuple):
    """What is fuzzed: valid inputs, and what reads them."""

    inputs: Callable[[random.Random], bytes]
    read: Callable[[bytes, Path], Any]


class Outcome(NamedTuple):
    """How an input ended: "result", "refusal" or "broken", and what was said."""

    kind: str
    said: str = ""


class TookTooLongError(Exception):
    """The time is up."""


def damage(rng: random.Random, content: bytes) -> bytes:
    """Damage an input in one place to eight; one of twenty stays as it is."""
    damaged = bytearray(content)
    for _ in range(rng.choice((0, *[1] * 8, *[2] * 5, *[4] * 4, 8, 8))):
        start = rng.randrange(len(damaged) + 1)
        stop = min(len(damaged), start + rng.choice((1, 1, 2, 4, 8, 32, 200)))
        how = rng.randrange(7)
        if how == 0 and start < len(damaged):
            damaged[start] ^= 1 << rng.randrange(8)
        elif how == 1:
            del damaged[start:stop]
        elif how == 2:
            damaged[start:start] = rng.choice(BREAKERS)
        elif how == 3:
            damaged[start:stop] = rng.choice(BREAKERS)
        elif how == 4:
            damaged[start:start] = damaged[start:stop] * rng.choice((1, 1, 2, 50))
        elif how == 5:
            damaged[start:stop] = rng.randbytes(stop - start)
        elif how == 6 and rng.random() < 0.3:
            del damaged[start:]
    return bytes(damaged)


def attempt(target: Target, content: bytes, folder: Path) -> Outcome:
    """Read an input, in the time that it may take."""

    def stop(*_: object) -> None:
        raise TookTooLongError

    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(MOST_WAITING)
    try:
        target.read(content, folder)
    except Refusal as refusal:
        said = str(refusal)
        is_good = said.isprintable() and len(said) <= LONGEST
        return Outcome("refusal" if is_good else "broken", said)
    except BaseException:
        return Outcome("broken", traceback.format_exc())
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    return Outcome("result")


# ---------------------------------------------------------------- valid inputs


def npy(rng: random.Random) -> bytes:
    """A .npy file."""
    dtype = rng.choice(("<f8", ">f4", "<f2", "|u1", "<i8", ">u8", "|b1", "<U3", "<M8[s]"))
    shape = rng.choice(((12, 2), (5, 4, 4), (9,), (6, 2, 2, 3)))
    rows = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    file = io.BytesIO()
    np.save(file, np.asfortranarray(rows) if rng.random() < 0.3 else rows)
    return file.getvalue()


def npz(rng: random.Random) -> bytes:
    """A .npz file, with labels or without."""
    file = io.BytesIO()
    labels = {"y": np.array(["a", "b"] * 6)} if rng.random() < 0.5 else {}
    rng.choice((np.savez, np.savez_compressed))(
        file, x=np.arange(24.0).reshape(12, 2), **labels
    )
    return file.getvalue()


def csv(rng: random.Random) -> bytes:
    """A text file of numbers, words and dates."""
    separator = rng.choice(",;\t|")
    lines = [separator.join(("name", "age", "price", "day", "yes"))]
    for row in range(rng.choice((3, 30))):
        price = rng.choice(
            (f"${row}.50", f"{row},5" if separator != "," else f"{row}.5", "NA", "")
        )
        cells = (
            rng.choice("xyz"),
            str(20 + row),
            price,
            f"2024-03-{1 + row % 28:02}",
            rng.choice(("yes", "no")),
        )
        lines.append(separator.join(cells))
    return rng.choice(("\n", "\r\n")).join(lines).encode() + b"\n"


def parquet(rng: random.Random) -> bytes:
    """A Parquet file of several types."""
    columns = {
        "i": pa.array(range(20), rng.choice((pa.int8(), pa.uint64(), pa.int64()))),
        "f": pa.array([row / 3 for row in range(20)], rng.choice((pa.float32(), pa.float64()))),
        "w": pa.array(["a", "b", None, "ü"] * 5, rng.choice((pa.string(), pa.large_string()))),
        "t": pa.array(range(20), pa.int64()).cast(
            pa.timestamp(rng.choice(("s", "us", "ns")), "UTC")
        ),
        "c": pa.array(["x", "y"] * 10).dictionary_encode(),
    }
    file = io.BytesIO()
    compression = rng.choice(("none", "snappy", "zstd"))
    pa.parquet.write_table(pa.table(columns), file, compression=compression)
    return file.getvalue()


def folder_of_parquet(rng: random.Random) -> bytes:
    """The path of a Parquet file in a folder, and the file."""
    paths = (
        "a.parquet",
        "year=2024/kind=b/a.parquet",
        "year=007/kind=a%20b/a.PARQUET",
        "_a.txt",
    )
    return rng.choice(paths).encode() + b"\n" + parquet(rng)


def idx(rng: random.Random) -> bytes:
    """An IDX file."""
    kind, size = rng.choice(((8, 1), (9, 1), (11, 2), (12, 4), (13, 4), (14, 8)))
    lengths = b"".join(length.to_bytes(4, "big") for length in (6, 5, 5))
    return bytes((0, 0, kind, 3)) + lengths + rng.randbytes(150 * size)


def picture(rng: random.Random) -> bytes:
    """A picture."""
    file = io.BytesIO()
    mode = rng.choice(("L", "RGB", "P", "1"))
    image = Image.frombytes("RGB", (9, 8), rng.randbytes(216)).convert(mode)
    image.save(file, format=rng.choice(("PNG", "GIF", "BMP", "TIFF")))
    return file.getvalue()


def schema(rng: random.Random) -> bytes:
    """A schema as `onehalf data` writes it."""
    from onehalf.data.tables.schema import Schema

    prices = ["$1.50", "$22.75", "NA", "$3.00"] * 5
    table = pa.table({"age": range(20), "sex": ["F", "M"] * 10, "price": prices})
    return Schema.infer(table).to_json().encode()


def condition(rng: random.Random) -> bytes:
    """A condition on the table of `read_condition`."""
    parts = (
        "sex=F",
        "sex!=F|M",
        "age>40",
        "age<=1e3",
        '"a b"=x',
        "day>2024-03",
        "day=2024-03-20 12:30",
        "age=missing",
    )
    return ",".join(rng.choices(parts, k=rng.choice((1, 2, 5)))).encode()


def options(rng: random.Random) -> bytes:
    """Options of `onehalf fit`, one a line."""
    numbers = (
        "0",
        "-1",
        "1",
        "nan",
        "inf",
        "1e9",
        "9223372036854775808",
        "1" * 50,
        "",
        "x",
        "0.5",
        "\uff11",
    )
    names = (
        "--rounds",
        "--seeds",
        "--seed",
        "--minutes",
        "--k",
        "--batch",
        "--loss",
        "--net",
        "--players",
        "--label",
        "--device",
        "--distributed",
        "--coordinator",
        "--processes",
        "--process",
        "--join-timeout",
    )
    addresses = ("localhost:1", "[::1]:99999", ":", "host:-1", "gpu", "cpu")
    lines = []
    for name in rng.choices(names, k=rng.choice((1, 2, 3))):
        value = rng.choice((*numbers, *addresses))
        lines += [name] if name == "--distributed" else [name, value]
    return "\n".join(lines).encode()


# ---------------------------------------------------------------- what reads them


def put(content: bytes, folder: Path, name: str) -> str:
    """Write an input into a file of this name; returns its path."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return str(path)


def read_file(name: str) -> Callable[[bytes, Path], Any]:
    """Load a file of this name, and describe a table."""

    def read(content: bytes, folder: Path) -> None:
        from onehalf.data.loading import load
        from onehalf.data.tables.encoding import TableEncoder

        data = load(put(content, folder, name))
        if data.is_table:
            encoder = TableEncoder.fit(data.table)
            encoder.decode(encoder.encode(data.table))

    return read


def read_folder(content: bytes, folder: Path) -> None:
    """Load a folder of this Parquet file and a good one of the same columns."""
    from onehalf.data.loading import load

    name, _, content = content.partition(b"\n")
    inside = folder / "parquet"
    shutil.rmtree(inside, ignore_errors=True)
    good = inside / "year=2024" / "kind=a" / "good.parquet"
    good.parent.mkdir(parents=True)
    good.write_bytes(parquet(random.Random(0)))
    path = (inside / os.fsdecode(name.replace(b"\0", b""))).resolve()
    with contextlib.suppress(OSError):  # a name that no file can have
        if path.is_relative_to(inside) and path != good:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    load(str(inside))


def read_pictures(content: bytes, folder: Path) -> None:
    """Load a folder of this picture and a good one."""
    from onehalf.data.loading import load

    put(content, folder, "pictures/p.png")
    Image.new("L", (8, 8)).save(folder / "pictures" / "good.png")
    load(str(folder / "pictures"))


def read_schema(content: bytes, folder: Path) -> None:
    """Read a schema, and write it."""
    from onehalf.data.tables.schema import Schema

    found = Schema.from_json(content)
    str(found)
    found.to_json()


def read_condition(content: bytes, folder: Path) -> None:
    """Apply a condition to a table."""
    from onehalf.data.tables.encoding import TableEncoder
    from onehalf.data.tables.filters import RowFilter

    days = pa.array(np.datetime64("2024-01-01") + np.arange(90))
    ages = [*range(20, 64), None] * 2
    table = pa.table(
        {"age": ages, "sex": ["F", "M"] * 45, "a b": ["x", "y", "z"] * 30, "day": days}
    )
    encoder = TableEncoder.fit(table)
    RowFilter.parse(content.decode(errors="replace"), encoder).mask(encoder.encode(table))


def read_options(content: bytes, folder: Path) -> None:
    """Give options to `onehalf fit`, of a file that is not there."""
    words = content.decode(errors="replace").replace("\0", "").split("\n")
    words += ["--dry-run"] * ("--distributed" in words)  # which would go on in a child process
    call(["fit", str(folder / "nowhere.npy"), *words])


def call(words: list[str]) -> None:
    """Run `onehalf WORDS`; raises an error unless it ends well or in a sentence."""
    from unittest import mock

    from onehalf import cli, report, runs  # noqa: F401  imported once, before the time counts

    err = io.StringIO()
    with mock.patch.object(sys, "argv", ["onehalf", *words]), contextlib.redirect_stderr(err):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                cli.main()
        except SystemExit as stopped:
            said = err.getvalue()
            if stopped.code not in (0, 2) or "Traceback" in said or "Details: " in said:
                raise RuntimeError(f"exit code {stopped.code}: {said}") from None
            if any(ord(sign) < 32 and sign not in "\n\t" for sign in said):
                raise RuntimeError(ascii(said)) from None


def rules(rng: random.Random) -> bytes:
    """Rules of `--constraints` for the table of `read_rules`, one a line."""
    parts = (
        "low <= high",
        "low < high",
        "total = low + high",
        "total = 2 * low",
        "low >= 0",
        "unique(low)",
        "combinations(city, land)",
        "day <= 2024-12-31",
        '"a b" <= high',
    )
    return "\n".join(rng.choices(parts, k=rng.choice((1, 2, 4)))).encode()


def points(rng: random.Random) -> bytes:
    """A CSV file for the lab."""
    rows = [f"{rng.gauss(0, 1):.3f},{rng.gauss(0, 1):.2f}" for _ in range(rng.randrange(2, 40))]
    return "\n".join(["x,y", *rows, ""]).encode()


def gaps(rng: random.Random) -> bytes:
    """A table with gaps, of the columns of `_make_run`."""
    cells = ["", "0.5", "1.5", "2.5", "9", "x", "y", "z"]
    rows = [f"{rng.choice(cells[:5])},{rng.choice(['', *cells[5:]])}" for _ in range(5)]
    return "\n".join(["a,b", *rows, ""]).encode()


def read_rules(content: bytes, folder: Path) -> None:
    """Infer a table whose samples keep rules."""
    from onehalf.data.dataset import from_objects
    from onehalf.domains import infer_domain

    days = np.datetime64("2024-01-01") + np.arange(60) % 9
    low, high = np.arange(60) % 7 + 0.5, np.arange(60) % 5 + 9.25
    table = pa.table(
        {
            "low": low,
            "high": high,
            "total": low + high,
            "a b": low / 2,
            "day": days,
            "city": ["Rome", "Oslo", "Bonn"] * 20,
            "land": ["IT", "NO", "DE"] * 20,
        }
    )
    texts = tuple(content.decode(errors="replace").split("\n"))
    infer_domain(from_objects(table), constraints=texts)


def read_lab(content: bytes, folder: Path) -> None:
    """Read points for the lab."""
    from onehalf.web import read_points

    read_points(put(content, folder, "points.csv"))


def gaps_target(folder: Path, *, has_all: bool) -> Target:
    """A table with gaps for the run in this folder: `sample --given`, or `impute` if it has to have all columns."""

    def read(content: bytes, other: Path) -> None:
        import jax.random as jr

        from onehalf import runs
        from onehalf.data.loading import load

        model = runs.load_model(folder)
        path = put(content, other, "gaps.csv")
        data = load(path, allow_empty=True)
        if not has_all:
            model.draw_given(jr.key(0), data.values)
            return
        partial = model.domain.parse_partial(data.table, "gaps.csv", has_all=True)
        found = model.impute(jr.key(0), partial)
        model.domain.fill(partial, found.cells[0])

    return Target(gaps, read)


TARGETS = {
    "npy": Target(npy, read_file("rows.npy")),
    "npz": Target(npz, read_file("rows.npz")),
    "csv": Target(csv, read_file("rows.csv")),
    "parquet": Target(parquet, read_file("rows.parquet")),
    "folder": Target(folder_of_parquet, read_folder),
    "idx": Target(idx, read_file("rows-idx3-ubyte")),
    "pictures": Target(picture, read_pictures),
    "schema": Target(schema, read_schema),
    "where": Target(condition, read_condition),
    "options": Target(options, read_options),
    "rules": Target(rules, read_rules),
    "points": Target(points, read_lab),
}
"""All that reads what a stranger wrote, but runs."""


def run_target(folder: Path, name: str) -> Target:
    """The file of that name in the run in this folder: `onehalf sample` draws a row after it was damaged."""
    whole = (folder / name).read_bytes()

    def read(content: bytes, _: Path) -> None:
        import jax.random as jr

        from onehalf import runs

        put(content, folder, name)
        try:
            runs.load_model(folder).draw_where(jr.key(0), 1)
        finally:
            (folder / name).write_bytes(whole)

    return Target(lambda rng: whole, read)


def targets_of_export(rng: random.Random) -> bytes:
    """Words of `onehalf export`, one a line; `read_export` makes what they name."""
    folders = ("", "./", "new/", "file/", "link/", "/dev/null/", "../", "a/" * 300, "\u202e/")
    stems = (
        *(
            "m",
            "",
            "a b",
            "-m",
            "$(id)",
            "<script>",
            "=cmd|",
            "__proto__",
            "\u202em",
            "é" * 130,
        ),
        *("x\x1b[2J", "folder", "link", "pipe", ".m", "~"),
    )
    suffixes = (".onnx", ".stablehlo", ".ONNX", ".onnx.json", ".pt", "", "/")
    runs = ("trees", "array", "labelled", "file", "nowhere", "link", ".")
    words = [rng.choice(runs), "--to"]
    words += [rng.choice(folders) + rng.choice(stems) + rng.choice(suffixes)]
    words += rng.choice(((), (), ("--json",), ("--to",), ("--force",)))
    return "\n".join(words).encode()


def export_target(runs: dict[str, Path]) -> Target:
    """`onehalf export` of these runs; what it leaves is whole, and nothing else is written."""

    def read(content: bytes, folder: Path) -> None:
        place = folder / "export"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name, run in runs.items():
            (place / name).symlink_to(run)
        (place / "file").write_text("mine")
        for suffix in (".onnx", ".stablehlo"):
            (place / f"folder{suffix}").mkdir()
            (place / f"link{suffix}").symlink_to(place / "file")
            os.mkfifo(place / f"pipe{suffix}")
        (place / "link").symlink_to(place)
        before = set(place.rglob("*"))
        words = content.decode(errors="replace").replace("\0", "").split("\n")
        with contextlib.chdir(place):
            call(["export", *words])
        made = sorted(path.name for path in set(place.rglob("*")) - before if path.is_file())
        is_pair = len(made) == 2 and made[1] == f"{made[0]}.json"
        if (place / "file").read_text() != "mine" or (made and not is_pair):
            raise RuntimeError(f"written: {made}")

    return Target(targets_of_export, read)


def exported_run_target(folder: Path, name: str, suffix: str) -> Target:
    """The file of that name in a run that is exported after it was damaged."""
    whole = (folder / name).read_bytes()

    def read(content: bytes, other: Path) -> None:
        put(content, folder, name)
        to = other / f"damaged{suffix}"
        try:
            call(["export", str(folder), "--to", str(to)])
        finally:
            (folder / name).write_bytes(whole)
            for path in other.glob("damaged*"):
                path.unlink()

    return Target(lambda rng: whole, read)


def fuzz(
    target: Target, count: int, seed: int, folder: Path
) -> Iterator[tuple[bytes, Outcome]]:
    """Damage this many inputs of a target, and say how each ended."""
    rng = random.Random(seed)
    with contextlib.suppress(Refusal):
        target.read(target.inputs(rng), folder)  # imports take their time once
    for _ in range(count):
        content = damage(rng, target.inputs(rng))
        yield content, attempt(target, content, folder)


def make_runs(folder: Path) -> dict[str, Path]:
    """Runs to be damaged: of a table by trees, of an array, and of one with labels."""
    lines = [f"{row % 7}.5,{'xyz'[row % 3]}" for row in range(120)]
    (folder / "data.csv").write_text("\n".join(["a,b", *lines, ""]))
    rows = np.arange(240.0).reshape(120, 2) % 7
    np.save(folder / "data.npy", rows)
    np.savez(folder / "data.npz", x=rows, y=np.array(["a", "b"] * 60))
    kinds = {
        "trees": ("data.csv", "--players", "trees", "--rounds", "1"),
        "array": ("data.npy", "--rounds", "100", "--batch", "8"),
        "labelled": (
            *("data.npz", "--label", "class", "--rounds", "100"),
            *("--batch", "8"),
        ),
    }
    with contextlib.chdir(folder):
        for name, words in kinds.items():
            call(["fit", *words, "--no-evaluation", "--out", f"runs/{name}"])
    return {name: folder / "runs" / name for name in kinds}


def add_runs(folder: Path) -> dict[str, Target]:
    """All targets, those of runs included."""
    runs = make_runs(folder)
    files = ("recipe.json", "rows.jsonl", STATE)
    return (
        TARGETS
        | {name: run_target(runs["trees"], name) for name in files}
        | {
            "given": gaps_target(runs["trees"], has_all=False),
            "impute": gaps_target(runs["trees"], has_all=True),
            "export": export_target(runs),
            "export: recipe": exported_run_target(runs["trees"], "recipe.json", ".onnx"),
            "export: trees": exported_run_target(runs["trees"], STATE, ".onnx"),
            "export: array": exported_run_target(runs["array"], STATE, ".stablehlo"),
        }
    )


def main() -> None:
    """Fuzz all targets, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--inputs", type=int, default=100_000, help="In all; each target has the same share."
    )
    parser.add_argument("--targets", nargs="*", help="Some of the targets; all by default.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep",
        type=Path,
        default=Path("broken"),
        help="Where inputs that broke something go.",
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        targets = add_runs(folder)
        chosen = asked.targets or list(targets)
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + ADDRESS_SPACE,) * 2)
        print(
            "| target | inputs | results | refusals | broken | seconds |",
            "| --- |" + " ---: |" * 5,
            sep="\n",
        )
        for name in chosen:
            began = time.perf_counter()
            counts: Counter[str] = Counter()
            for content, outcome in fuzz(
                targets[name], asked.inputs // len(chosen), asked.seed, folder
            ):
                counts[outcome.kind] += 1
                if outcome.kind == "broken":
                    asked.keep.mkdir(exist_ok=True)
                    place = asked.keep / f"{name}-{counts['broken']}"
                    place.write_bytes(content)
                    place.with_suffix(".txt").write_text(outcome.said)
            numbers = [
                counts.total(),
                *(counts[kind] for kind in ("result", "refusal", "broken")),
            ]
            seconds = time.perf_counter() - began
            print(
                f"| {name} | {' | '.join(f'{n:,}' for n in numbers)} | {seconds:.0f} |",
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seed": asked.seed, "peak_memory_GiB": round(peak, 2)}))


if __name__ == "__main__":
    main()
