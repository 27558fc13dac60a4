"""`onehalf impute`: fill the missing cells of a table by the generator of a run."""

import math
from pathlib import Path
from typing import Annotated

import typer

from onehalf._errors import refuse
from onehalf._text import join_names
from onehalf.cli._common import AsJson, Run, Seed, check_suffix, print_json, say, set_up_jax
from onehalf.cli._conditions import reveal_words, say_impossible, say_left
from onehalf.cli._output import say_given_memory

__all__ = ["impute"]

SUFFIXES = (".csv", ".tsv", ".parquet")
"""Endings of files of tables."""

MOST_DRAWS = 10_000
"""Completed tables, each of which is a file."""


def impute(
    run: Run,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table with the columns of the run's data.")
    ],
    to: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="Output file: .csv, .tsv or .parquet. With --draws 5 there are five: new.csv gives new-1.csv to "
            "new-5.csv.",
        ),
    ],
    draws: Annotated[
        int | None,
        typer.Option("--draws", metavar="K", help="Number of completed tables."),
    ] = None,
    mean: Annotated[
        bool,
        typer.Option(
            "--mean", help="Fill numbers by their mean, words by the most likely one."
        ),
    ] = False,
    mode: Annotated[
        bool,
        typer.Option(
            "--mode",
            help="Fill by the most likely value; numbers that hardly repeat by their median.",
        ),
    ] = False,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Fill the missing cells of a table, given all cells of their rows that are there.

    Needs a run with --players trees. Cells that are there never change; completed rows keep the rules of the run.

    Example: onehalf impute run people.csv -o complete.csv
    """
    if mean + mode + (draws is not None) > 1:
        refuse("impute", expected="one of --draws, --mean and --mode", got="more than one")
    if draws is not None and not 1 <= draws <= MOST_DRAWS:
        refuse("draws", expected=f"1 to {MOST_DRAWS:,}", got=f"{draws:,}")
    check_suffix(to, SUFFIXES)
    check_suffix(file, SUFFIXES)
    outputs = [to] if draws is None else _name_outputs(to, draws)
    if file.resolve() in [each.resolve() for each in outputs]:
        refuse("out", expected="another file than the table with gaps", got=str(to))
    set_up_jax()
    import jax.random as jr
    import numpy as np

    from onehalf import runs
    from onehalf.data.loading import load

    model = runs.load_model(run, say)
    model.check_imputes()
    model = reveal_words(run, model)
    domain = model.domain
    say_given_memory(file, math.prod(domain.row_shape), draws or 1)
    data = load(str(file), allow_empty=True)
    partial = domain.parse_partial(data.table, file.name, has_all=True)
    how = "mean" if mean else "mode" if mode else "draw"
    found = model.impute(jr.key(seed), partial, draws=draws or 1, how=how)
    for out, cells in zip(outputs, found.cells, strict=True):
        domain.write(domain.fill(partial, cells), out, out.suffix.lower())
    n_filled = partial.n_missing - int(np.isnan(found.cells[0]).sum())
    n_rows = len(partial.cells)
    if as_json:
        numbers = {"cells": n_filled, "rows": n_rows, "impossible_rows": len(found.impossible)}
        print_json({**numbers, "rows_left": len(found.left), "files": [*map(str, outputs)]})
    say(_describe(n_filled, n_rows, partial.gaps_left(domain.left_out)))
    say_impossible(found.impossible)
    say_left(found.left)
    say(f"Written: {join_names([str(each) for each in outputs])}")


def _describe(n_missing: int, n_rows: int, left: list[str]) -> str:
    """Say what was filled, and what was not."""
    text = f"Filled {n_missing:,} missing cells of {n_rows:,} rows"
    if left:
        text += f"; {join_names(left)} can't be learned, and keep their gaps"
    return f"{text}."


def _name_outputs(to: Path, draws: int) -> list[Path]:
    """The files of several completions."""
    return [to.with_name(f"{to.stem}-{number}{to.suffix}") for number in range(1, draws + 1)]
