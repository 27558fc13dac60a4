"""The command line: it parses arguments, and each command makes one library call.

Text for people and progress go to stderr. With `--json`, stdout has one JSON object and nothing else. Exit codes: 0 for
success; 1 if a claim of the theory does not hold; 2 for bad input, said in one sentence; 130 after Ctrl-C, with the run
saved.
"""

import sys
from typing import Annotated

import typer

from onehalf._errors import Refusal
from onehalf.cli import data, fit, measure, report, sample, theory
from onehalf.cli._common import say

__all__ = ["app", "main"]

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
app.command("measure")(measure.measure)
app.command("report")(report.report)
app.command("data")(data.data)
app.command("theory")(theory.theory)


def main() -> None:
    """Run the command line; bad input is one sentence on stderr and exit code 2."""
    try:
        app()
    except Refusal as refusal:
        say(f"onehalf: {refusal}")
        sys.exit(2)
