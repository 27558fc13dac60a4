"""`onehalf lab`: write the page on which to play the game of two networks."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from onehalf._files import check_writable, write_file
from onehalf.cli._common import AsJson, IsOpened, check_suffix, print_json, say

__all__ = ["lab"]


def lab(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Where the page goes.")
    ] = Path("lab.html"),
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Your own points: one or two columns of numbers (.csv, .tsv, .parquet, .npy).",
        ),
    ] = None,
    is_opened: IsOpened = None,
    as_json: AsJson = False,
) -> None:
    """Write a page on which to play the game: one file that works offline, on a phone, anywhere.

    Example: onehalf lab --data points.csv -o lab.html
    """
    check_suffix(out, (".html", ".htm"))
    check_writable(out.parent)
    from onehalf.web import read_points, render_lab

    points = read_points(data) if data else None
    page = render_lab(points).encode()
    write_file(out, page)
    if points:
        say(points.note)
    say(f"{out}: {len(page) / 1e6:.2f} MB. Open it in a browser; it needs no other file.")
    if as_json:
        print_json({"page": str(out), "bytes": len(page), "data": points and points.note})
    if is_opened or (is_opened is None and sys.stdout.isatty() and not as_json):
        webbrowser.open(out.resolve().as_uri())
