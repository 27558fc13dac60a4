"""`onehalf watch`: a page on runs, live while they train and complete afterwards."""

import contextlib
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from onehalf._errors import refuse
from onehalf._files import check_writable, write_file
from onehalf.cli._common import AsJson, IsOpened, check_suffix, print_json, say

__all__ = ["watch"]

MOST_RUNS = 20
"""Runs on one page."""


def watch(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="The folders of one or more runs.")
    ],
    port: Annotated[
        int | None,
        typer.Option(
            metavar="P", min=1, max=65535, help="The port of the page. Default: a free one."
        ),
    ] = None,
    is_opened: IsOpened = None,
    linger: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="End once no fit is at work and no page has been open for so long.",
        ),
    ] = 600.0,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the replay as one file (.html) that needs nothing else, and end.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch runs in a browser: live while they train, with a replay afterwards. Nothing is ever written to a run.

    Example: onehalf watch runs/digits-1

    The page is for this machine alone, at an address that holds a secret. From another machine:
    ssh -L P:127.0.0.1:P HOST. With --json, an object with the address is printed once the page can be opened.
    """
    folders = list(dict.fromkeys(runs))
    if len(folders) > MOST_RUNS:
        refuse("RUN...", expected=f"at most {MOST_RUNS} runs", got=len(folders))
    for folder in folders:
        check_run(folder)
    if save:
        return _save(folders, save, as_json=as_json)
    from onehalf.web.server import WatchServer

    server = WatchServer(folders, port, linger=linger)
    say(f"Watch: {server.address}\nCtrl-C ends it; runs go on.")
    if as_json:
        print_json(
            {"address": server.address, "port": server.port, "runs": [*map(str, folders)]}
        )
    if is_opened or (is_opened is None and sys.stdout.isatty() and not as_json):
        webbrowser.open(server.address)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_until_done()
    # who has started this may no longer listen
    with contextlib.suppress(OSError):
        say(server.watched.end)
    return None


def _save(folders: list[Path], file: Path, *, as_json: bool) -> None:
    """Write a page that replays runs as they are now."""
    check_suffix(file, (".html", ".htm"))
    _check_outside(file, folders)
    check_writable(file.parent)
    from onehalf.views import view_run
    from onehalf.views.reader import label_runs
    from onehalf.web.watch_page import render_saved

    labels = label_runs(folders)
    views = [view_run(*each).to_dict() for each in zip(folders, labels, strict=True)]
    page = render_saved(views).encode()
    write_file(file, page)
    say(f"{file}: {len(page) / 1e6:.2f} MB. Open it in a browser; it needs no other file.")
    if as_json:
        print_json({"page": str(file), "bytes": len(page), "runs": [*map(str, folders)]})


def _check_outside(file: Path, folders: list[Path]) -> None:
    """Refuse to write into a run, or into a folder in which one may begin."""
    from onehalf.runs.recipe_file import RECIPE

    known = [folder.resolve() for folder in folders]
    for folder in file.resolve().parents:
        if folder in known or (folder / RECIPE).exists():
            refuse(str(file), expected="a file outside of any run", got=f"one in {folder}")


def check_run(folder: Path) -> None:
    """Refuse what is no run of this version, nor a folder in which one may begin."""
    from onehalf.runs.recipe_file import RECIPE, read_recipe

    is_empty = folder.is_dir() and all(each.name.startswith(".") for each in folder.iterdir())
    if (folder / RECIPE).exists() or not is_empty:
        read_recipe(folder)
