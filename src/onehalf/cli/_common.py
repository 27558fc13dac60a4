"""What commands share: options, output, and the checks that come before any work."""

import contextlib
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onehalf._errors import Refusal, printable, refuse
from onehalf._registry import choose, names, spoken

if TYPE_CHECKING:
    import onehalf.data.dataset
    import onehalf.data.tables.schema
    import onehalf.evaluation.wording

__all__ = [
    "ANIMATION_SUFFIXES",
    "DATA_KINDS",
    "DATA_NAMES",
    "FIGURE_SUFFIXES",
    "AsJson",
    "ImageSize",
    "ImageSizes",
    "IsOpened",
    "Run",
    "SchemaFile",
    "Seed",
    "ShowRows",
    "Verbose",
    "check_data_name",
    "check_suffix",
    "is_writable",
    "load_data",
    "name_files",
    "print_json",
    "print_text",
    "read_schema",
    "say",
    "say_summary",
    "set_up_jax",
]

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
"""Endings of files for a figure."""

ANIMATION_SUFFIXES = (".gif", ".webp", ".html")
"""Endings of files for an animation."""

DATA_KINDS = "a .npy, .npz, .csv, .tsv or .parquet file, a folder of Parquet files or of images, an IDX file"
"""The files that data are read from, in words."""

DATA_NAMES = ", ".join(map(spoken, names("distributions")))
"""The built-in data sets, in words."""

STYLES = {
    "plain": "",
    "strong": "bold",
    "quiet": "dim",
    "they differ": "bold yellow",
    "too few rows to tell": "bold magenta",
    "no difference found": "bold cyan",
}
"""The colours of a summary: none of them means 'passed'."""

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]

IsOpened = Annotated[
    bool | None,
    typer.Option(
        "--open/--no-open",
        help="Open the page in a browser.",
        show_default="open if run in a terminal",
    ),
]
"""The option that opens a page."""

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else.")
]

Verbose = Annotated[
    bool, typer.Option("--verbose", help="Also print every finding, in plain sentences.")
]

ShowRows = Annotated[
    bool,
    typer.Option(
        "--show-rows",
        help="Show single rows of a table's data on the page and in --json. By default, only their numbers.",
    ),
]

Seed = Annotated[int, typer.Option("--seed", metavar="S", help="Seed of all randomness.")]

ImageSize = Annotated[
    int | None,
    typer.Option(
        "--size",
        metavar="PIXELS",
        help="Crop the images of a folder to squares and resize them to this side.",
    ),
]

SchemaFile = Annotated[
    Path | None,
    typer.Option(
        "--schema",
        metavar="FILE",
        help="The types of a table's columns: a file written by `onehalf data --schema`.",
    ),
]


ImageSizes = int | tuple[int, int] | None
"""The side of squares, or height and width."""


def say(text: str) -> None:
    """Write text for people to stderr; in a terminal, lines are broken between words."""
    text = printable(text)
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(_break(line, width) for line in text.splitlines())
    sys.stderr.write(text + "\n")


def say_summary(summary: "onehalf.evaluation.wording.Summary") -> None:
    """Write a summary to stderr, with colours in a terminal."""
    if not sys.stderr.isatty():
        return say(str(summary))
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    for line in summary.lines():
        pieces = [(printable(span.text), STYLES[span.style]) for span in line]
        console.print(Text.assemble(*pieces), soft_wrap=True)
    return None


def _break(line: str, width: int) -> str:
    """Break a line between words; its parts keep its indentation."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_json(numbers: Any) -> None:
    """Write one JSON object to stdout."""
    _check_stdout()
    sys.stdout.write(json.dumps(numbers) + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def name_files(words: Mapping[str, str | None]) -> Iterator[None]:
    """Name files in refusals, which name sides: 'real', 'other' or 'train'."""
    try:
        yield
    except Refusal as refusal:
        side, _, rest = str(refusal).partition(":")
        word = words.get(side)
        if not word:
            raise
        raise Refusal(f"{Path(word).name}:{rest}") from None


def print_text(text: str) -> None:
    """Write what was asked for to stdout; in a terminal, lines are broken between words."""
    _check_stdout()
    text = printable(text)
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(_break(line, width) for line in text.splitlines())
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def check_suffix(path: Path, suffixes: Sequence[str], hint: str = "") -> None:
    """Reject a file whose name does not end in one of these."""
    if path.suffix.lower() not in suffixes:
        refuse(
            str(path),
            expected=f"a name that ends in {', '.join(suffixes)}",
            got=path.suffix or "no ending",
            hint=hint,
        )


def check_data_name(word: str) -> None:
    """Reject unknown data set names early; paths are checked when they are read."""
    from onehalf.data.loading import is_path

    if not is_path(word):
        choose("data", word, names("distributions"))


def read_schema(file: Path | None) -> "onehalf.data.tables.schema.Schema | None":
    """Read the schema that a person has corrected; None stays None."""
    if file is None:
        return None
    if not file.is_file():
        refuse(
            str(file),
            expected="a schema as written by `onehalf data --schema`",
            got="no such file",
        )
    from onehalf.data.tables.schema import Schema

    return Schema.from_json(file.read_bytes(), str(file))


def load_data(word: str, size: ImageSizes = None) -> "onehalf.data.dataset.Dataset":
    """Load data to be compared, with progress and notes on stderr."""
    from onehalf.data.sources import load_some

    data = load_some(word, image_size=size, on_progress=say, allow_empty=True)
    for note in data.notes:
        say(note)
    return data


def set_up_jax(cores: int = 1) -> None:
    """Keep compiled code in the user's cache folder, so that the next run of the same kind starts at once.

    Args:
        cores: Devices for games that are trained at once: one per CPU core, and at most as many as there are cores.
    """
    import jax
    import platformdirs

    if cores > 1:
        jax.config.update("jax_num_cpu_devices", min(cores, os.cpu_count() or 1))
    cache = Path(platformdirs.user_cache_dir("onehalf"))
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and is_writable(cache):
        jax.config.update("jax_compilation_cache_dir", str(cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def is_writable(folder: Path) -> bool:
    """Make a folder if need be; False if it can't be written to."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.W_OK | os.X_OK)


def _check_stdout() -> None:
    """Reject a standard output that was closed before the start; Python has none then."""
    if not sys.stdout:
        refuse("stdout", expected="an open stream", got="a closed one")
