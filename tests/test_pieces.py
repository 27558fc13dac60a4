"""Samples that come piece by piece: the same ones, in files of the same bytes, in as little memory as one piece."""

import io
import itertools
import resource
import shutil
import signal
import tracemalloc
import zipfile
from unittest import mock

import jax.random as jr
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from helpers import assert_refused, run_cli
from onehalf import Refusal, fitting
from onehalf.cli.sample import _follow
from onehalf.data import sources
from onehalf.data.dataset import from_objects
from onehalf.data.labels import Labelled
from onehalf.data.rows import EncodedRows
from onehalf.data.tables import writer
from onehalf.data.tables.fresh import columns
from onehalf.domains import infer_domain
from onehalf.domains.arrays import ArrayDomain
from onehalf.domains.images import ImageDomain
from onehalf.domains.tables import TableDomain
from onehalf.hyperparameters import FitOptions
from onehalf.model import generative, sampler
from onehalf.runs import checkpoint
from onehalf.runs.checkpoint import Source

N = 300

rng = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "id": [f"ORD-{number:05}" for number in range(N)],
        "sum": rng.normal(size=N).round(2),
        "word": rng.choice(["a", "b,c", 'd"e'], N),
        "day": np.datetime64("2024-01-31") + rng.integers(0, 90, N),
        "count": np.where(rng.random(N) < 0.2, np.nan, rng.integers(0, 50, N)),
    }
)

FITS = {
    "array": (FitOptions(random_state=0, width=2), (rng.normal(size=(N, 3)), None)),
    "labelled": (
        FitOptions(random_state=0, width=2, label="class"),
        (rng.normal(size=(N, 3)), rng.integers(0, 3, N)),
    ),
    "table": (FitOptions(random_state=0, width=2), (TABLE, None)),
    "trees": (FitOptions(random_state=0, players="trees", label=["word"]), (TABLE, None)),
}


def start(options, *values):
    """A fit before its first round."""
    data = from_objects(*values)
    domain = infer_domain(data, options.labels)
    fit, _ = fitting.start(domain, domain.encode(data), options.check())
    return fit


@pytest.mark.parametrize("kind", FITS)
def test_pieces_are_the_samples_of_one_draw(kind, monkeypatch):
    options, values = FITS[kind]
    learned = start(options, *values).model
    monkeypatch.setattr(sampler, "batch_size", lambda entries: 40)
    for balanced in {False, bool(learned.domain.label_names)}:
        whole = learned.draw_distinct(jr.key(1), 130, balanced=balanced).rows
        pieces, _ = learned.draw_pieces(jr.key(1), 130, balanced=balanced)
        parts = list(pieces)
        assert [len(part) for part in parts] == [40, 40, 40, 10]
        found = EncodedRows.concatenate(parts)
        np.testing.assert_array_equal(found.x, whole.x)
        np.testing.assert_array_equal(found.labels, whole.labels)


WHERE = {"labelled": "class=1|2", "table": "count>=10,word=a", "trees": "count>=10,word=a"}


@pytest.mark.parametrize("kind", WHERE)
def test_pieces_under_conditions_are_the_samples_of_one_draw(kind, monkeypatch):
    options, values = FITS[kind]
    learned = start(options, *values).model
    monkeypatch.setattr(generative, "BATCH", 50)
    monkeypatch.setattr(generative, "search_size", lambda *_: 100)
    whole = learned.draw_distinct(jr.key(1), 130, WHERE[kind])
    pieces, search = learned.draw_pieces(jr.key(1), 130, WHERE[kind])
    parts = list(pieces)
    assert len(parts) > 1
    np.testing.assert_array_equal(EncodedRows.concatenate(parts).x, whole.rows.x)
    assert (search.n_drawn, search.effective) == (whole.n_drawn, whole.effective)
    assert search.probability == pytest.approx(whole.probability)


def test_how_far_it_is_is_said_while_pieces_come(monkeypatch, capsys):
    monkeypatch.setattr("onehalf.cli.sample.SECONDS_BETWEEN", -1.0)
    pieces = [EncodedRows.unlabelled(np.zeros((40, 1)))] * 3
    assert list(_follow(iter(pieces), 120)) == pieces
    assert capsys.readouterr().err.splitlines() == ["40 of 120 rows", "80 of 120 rows"]


@pytest.mark.parametrize("size", [100, 65_536])
def test_new_ids_differ_from_piece_to_piece(monkeypatch, size):
    monkeypatch.setattr(columns, "BLOCK", size)
    data = from_objects(TABLE)
    domain = TableDomain.infer(data)
    rows = domain.encode(data)
    whole = domain.decode(rows, fresh=np.random.default_rng(1))
    cut = [rows[:7], rows[7:250], rows[250:]]
    pieces = domain.decode_pieces(cut, N, fresh=np.random.default_rng(1))
    found = pd.concat(list(pieces), ignore_index=True)
    pd.testing.assert_frame_equal(found, whole)
    assert found["id"].is_unique


def cut(samples, length):
    """Samples in pieces of this length."""
    for start in range(0, N, length):
        piece = slice(start, start + length)
        yield (
            Labelled(samples.x[piece], samples.y[piece])
            if isinstance(samples, Labelled)
            else samples[piece]
        )


ARRAY = rng.normal(size=(N, 2, 3))
IMAGES = rng.integers(0, 256, (N, 4, 4), np.uint8)
CLASSES = rng.choice(["cat", "dog"], N)
PLAIN = pa.Table.from_pandas(TABLE, preserve_index=False)
CODED = PLAIN.set_column(2, "word", PLAIN["word"].dictionary_encode())

FILES = [
    (TableDomain, PLAIN, "x.csv"),
    (TableDomain, PLAIN, "x.tsv"),
    (TableDomain, PLAIN.select(["word"]), "x.csv"),
    (TableDomain, PLAIN, "x.parquet"),
    (TableDomain, CODED, "x.parquet"),
    (ArrayDomain, ARRAY, "x.npy"),
    (ArrayDomain, ARRAY, "x.npz"),
    (ImageDomain, Labelled(IMAGES, CLASSES), "x.npz"),
    (ImageDomain, Labelled(IMAGES, CLASSES), "x"),
    (ImageDomain, IMAGES, "x.png"),
]


def make_domain(kind, samples):
    """The domain of some samples."""
    x, y = samples if isinstance(samples, Labelled) else (samples, None)
    return kind.infer(from_objects(x, y))


@pytest.mark.parametrize(("kind", "samples", "name"), FILES)
def test_files_have_the_same_bytes_whatever_the_pieces(
    tmp_path, monkeypatch, kind, samples, name
):
    monkeypatch.setattr(writer, "ROWS_OF_GROUP", 64)
    domain = make_domain(kind, samples)
    suffix = name.partition(".")[1] + name.partition(".")[2]
    written = []
    for length in (1, 7, 64, 100, 299):
        path = tmp_path / f"{length}" / name
        domain.write_pieces(cut(samples, length), N, path, suffix)
        written.append(
            {each.name: each.read_bytes() for each in sorted(tmp_path.glob(f"{length}/**/*.*"))}
        )
    assert len(written[0]) == (N if suffix == "" else 1)
    assert all(each == written[0] for each in written)


def test_files_of_arrays_are_those_of_numpy(tmp_path):
    both = Labelled(IMAGES, CLASSES)
    expected = io.BytesIO()
    np.savez_compressed(expected, x=IMAGES, y=CLASSES)
    make_domain(ImageDomain, both).write(both, tmp_path / "x.npz", ".npz")
    assert (tmp_path / "x.npz").read_bytes() == expected.getvalue()
    expected = io.BytesIO()
    np.save(expected, ARRAY, allow_pickle=False)
    make_domain(ArrayDomain, ARRAY).write(ARRAY, tmp_path / "x.npy", ".npy")
    assert (tmp_path / "x.npy").read_bytes() == expected.getvalue()


@pytest.mark.parametrize(("kind", "samples", "name"), [FILES[2], FILES[5], FILES[7]])
def test_ten_times_the_rows_take_no_more_memory(tmp_path, kind, samples, name):
    domain = make_domain(kind, samples)
    suffix = name.removeprefix("x")

    def measure(times):
        pieces = itertools.chain.from_iterable(cut(samples, N) for _ in range(times))
        tracemalloc.start()
        domain.write_pieces(pieces, times * N, tmp_path / name, suffix)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    measure(1)
    assert measure(60) < 1.1 * measure(6) + 20_000


@pytest.mark.parametrize(("kind", "samples", "name"), [FILES[0], FILES[5], FILES[7], FILES[8]])
def test_what_the_disk_cannot_hold_is_refused_after_a_piece(
    tmp_path, monkeypatch, kind, samples, name
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: mock.Mock(free=1 << 20))
    domain = make_domain(kind, samples)
    drawn = []
    pieces = (drawn.append(1) or piece for piece in itertools.repeat(samples))
    expected = (
        r"n: expected rows that fit into the [12] MiB free on the disk of .*; got 10{13} rows,"
    )
    expected = expected.replace("10{13}", "10,000,000,000,000")
    with pytest.raises(Refusal, match=rf"{expected} which take about [0-9,]+ GiB"):
        domain.write_pieces(pieces, 10**13, tmp_path / "new" / name, name.removeprefix("x"))
    assert len(drawn) == 1
    assert not list(tmp_path.rglob("*x*"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a table before its first round."""
    folder = tmp_path_factory.mktemp("run")
    checkpoint.save(
        folder,
        start(FitOptions(random_state=0, players="trees"), TABLE),
        Source("data.csv"),
        {},
    )
    return folder


def test_the_memory_of_new_values_is_said_beforehand_if_it_is_much(run, tmp_path, monkeypatch):
    words = ("sample", run, "-n", 20, "-o", tmp_path / "x.csv")
    assert "of memory" not in run_cli(*words).stderr
    monkeypatch.setattr("onehalf.cli._output.WORTH_SAYING", -1)
    first, second, *_ = run_cli(*words).stderr.splitlines()
    compared = "of 20 rows take about 0 MiB of memory, as they are compared with each other"
    assert first == f"Unique keys {compared}."
    assert second == f"IDs and personal data {compared} (--no-ids leaves them out)."


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy"])
def test_the_memory_of_files_that_are_read_whole_is_said_and_refused_before_they_are(
    tmp_path, monkeypatch, suffix
):
    table = pa.table({"a": range(40), "b": [0.5] * 40})
    path = tmp_path / f"x{suffix}"
    with path.open("wb") as file:
        if suffix == ".npy":
            np.save(file, np.random.default_rng(0).normal(size=(40, 2)))
        else:
            writer.write_table(file, [table], suffix)
    words = {
        "data": ("data", path, *(["-o", tmp_path / "x.png"] if suffix == ".npy" else [])),
        "measure": ("measure", path, path, "--quick"),
    }
    monkeypatch.setattr("onehalf.cli._output.WORTH_SAYING", -1)
    for command in words.values():
        done = run_cli(*command)
        assert done.code == 0
        first, *_ = done.stderr.splitlines()
        rows = 80 if command is words["measure"] else 40
        about = f"The cells of {path.name} of {rows} rows take about 0 MiB of memory"
        assert first == f"{about}, as files are read whole."
    monkeypatch.setattr("onehalf.cli._output.total_memory", lambda: 1000)
    monkeypatch.setattr(sources, "load", None)
    for command in words.values():
        assert_refused(
            run_cli(*command),
            f"n: expected at most 0 MiB of memory; got The cells of {path.name}",
        )


@pytest.mark.parametrize("command", ["sample", "impute"])
def test_the_memory_of_rows_that_are_completed_is_said_beforehand(
    run, tmp_path, monkeypatch, command
):
    TABLE.head(20).drop(columns="day" if command == "sample" else []).to_csv(
        tmp_path / "known.csv", index=False
    )
    given = ["--given"] if command == "sample" else []
    words = (command, run, *given, tmp_path / "known.csv", "-o", tmp_path / "x.csv")
    monkeypatch.setattr("onehalf.cli._output.WORTH_SAYING", -1)
    first, *_ = run_cli(*words).stderr.splitlines()
    cells = "The cells of known.csv of 20 rows"
    assert first == f"{cells} take about 0 MiB of memory, as all rows are completed at once."
    (tmp_path / "x.csv").unlink()
    monkeypatch.setattr("onehalf.cli._output.total_memory", lambda: 1000)
    monkeypatch.setattr("onehalf.data.loading.load", None)
    done = run_cli(*words)
    expected = f"n: expected at most 0 MiB of memory; got {cells}, which take about 0 MiB."
    assert_refused(done, expected)
    assert not (tmp_path / "x.csv").exists()


def test_a_file_that_grows_too_large_is_refused_and_removed(run, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (tmp_path / "x.csv").write_text("old")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        done = run_cli("sample", run, "-n", 2000, "-o", tmp_path / "x.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_refused(done, "x.csv: expected a place to write to; got File too large.")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "old"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_removes_what_is_half_written(run, tmp_path, monkeypatch, number, code):
    handler = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, handler)
    drawn = generative.GenerativeModel._draw_batches

    def stop(self, *arguments):
        yield from drawn(self, *arguments)
        signal.raise_signal(number)

    monkeypatch.setattr(generative.GenerativeModel, "_draw_batches", stop)
    try:
        done = run_cli("sample", run, "-n", 20, "-o", tmp_path / "x.csv")
    finally:
        signal.signal(number, before)
    assert done.code == code
    assert done.stderr.endswith("Stopped. No file is half written.\n")
    assert not list(tmp_path.iterdir())


def test_a_sheet_of_too_many_images_is_refused(tmp_path):
    expected = "expected at most 3 GiB, decoded; got .* GiB of 10,000,000,000,000 images on one"
    with pytest.raises(Refusal, match=expected):
        make_domain(ImageDomain, IMAGES).write_pieces([], 10**13, tmp_path / "x.png", ".png")


def test_members_of_an_archive_have_no_time(tmp_path):
    both = Labelled(IMAGES, CLASSES)
    make_domain(ImageDomain, both).write(both, tmp_path / "x.npz", ".npz")
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        assert {each.date_time[0] for each in archive.infolist()} == {1980}
