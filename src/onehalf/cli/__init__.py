"""The command line: it parses arguments, and each command makes one library call.

Text for people and progress go to stderr. With `--json`, stdout has one JSON object and nothing else. Exit codes: 0 for
success; 1 if a claim of the theory does not hold; 2 for bad input, said in one sentence; 3 if another process of a
distributed fit has ended; 70 for an unexpected error,
with its traceback in a file; 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP, with the run saved.
"""

import errno
import os
import sys
from typing import Annotated

import typer
import typer.main

from onehalf._errors import Refusal
from onehalf.cli import data, export, fit, impute, lab, measure, report, sample, theory, watch
from onehalf.cli._common import say
from onehalf.data.files import check_name
from onehalf.runs.signals import end_at_signals

__all__ = ["app", "main"]

UNEXPECTED = 70
"""The exit code of an error in onehalf itself: EX_SOFTWARE of sysexits.h."""

OF_THE_PATH = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR)
"""Errors of the system that a path alone explains."""


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Train GANs on your own arrays, images and tables, "
        "and certify in nats how far their samples are from the data."
    ),
)


def _print_version(is_asked: bool) -> bool:
    """Print the version on stdout, and stop, if that is asked for."""
    if is_asked:
        from importlib.metadata import version

        sys.stdout.write(f"onehalf {version('onehalf')}\n")
        raise typer.Exit
    return is_asked


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options that come before the command."""


# A command imports what it needs when it is called, so that all of them together cost `onehalf --help` next to nothing.
app.command("fit")(fit.fit)
app.command("sample")(sample.sample)
app.command("impute")(impute.impute)
app.command("export")(export.export)
app.command("measure")(measure.measure)
app.command("report")(report.report)
app.command("data")(data.data)
app.command("theory")(theory.theory)
app.command("lab")(lab.lab)
app.command("watch")(watch.watch)


def main() -> None:
    """Run the command line; whatever goes wrong is one sentence on stderr, and an exit code."""
    try:
        with end_at_signals():
            for word in sys.argv[1:]:
                check_name(word)
            # `app()` would put a hook of its own in the place of that which is silent about signals
            typer.main.get_command(app)()
    except Refusal as refusal:
        say(f"onehalf: {refusal}")
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        details = "" if error.errno in OF_THE_PATH else f" {_keep_traceback()}"
        say(f"onehalf: {where}{error.strerror or error}.{details}")
        sys.exit(2)
    except Exception as error:
        hint = "What was saved before is whole."
        say(f"onehalf: unexpected error ({_shorten(error)}). {hint} {_keep_traceback()}")
        sys.exit(UNEXPECTED)


def _shorten(error: Exception) -> str:
    """The kind of an error and the beginning of its first line."""
    import textwrap

    first = (str(error).splitlines() or [""])[0]
    return textwrap.shorten(f"{type(error).__name__}: {first}", 200, placeholder="...")


def _keep_traceback() -> str:
    """Write the traceback of the error at hand to a file that only this user can read, and say where it is."""
    import tempfile
    import traceback

    try:
        number, name = tempfile.mkstemp(prefix="onehalf-", suffix=".log")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(traceback.format_exc())
    except OSError:
        return "Its traceback could not be written."
    return f"Details: {name}"
