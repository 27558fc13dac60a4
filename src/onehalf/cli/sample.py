"""`onehalf sample`: draw samples from the generator of a run."""

import itertools
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onehalf._errors import Refusal, refuse
from onehalf._text import count_rows
from onehalf.cli._animation import write_animation
from onehalf.cli._common import (
    ANIMATION_SUFFIXES,
    Run,
    check_suffix,
    say,
    set_up_jax,
)
from onehalf.cli._conditions import describe_conditions, reveal_words, say_impossible, say_left
from onehalf.cli._output import (
    COMPARED,
    SAMPLE_SUFFIXES,
    check_output,
    get_suffix,
    say_given_memory,
    say_memory,
)
from onehalf.hyperparameters import about

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onehalf.domains
    from onehalf.data.rows import EncodedRows

__all__ = ["sample"]

ROWS = 1000
"""Samples by default."""

SECONDS_BETWEEN = 10.0
"""How often is said how far a long command is."""

TEXT_SUFFIXES = (".csv", ".tsv")
"""Endings of files that spreadsheets open as text."""


def sample(
    run: Run,
    to: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="Output file: .npy or .npz; for tables .csv, .tsv or .parquet; for images .png, a folder (name/), "
            "or an animation (.gif, .webp or .html).",
        ),
    ],
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            metavar="N",
            help=f"Number of samples (animations: at most 36). Default: {ROWS}.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITIONS",
            help="Only samples that satisfy 'sex=F,30<=age<40'; for labelled images 'class=3'.",
        ),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A table of known cells: one sample for each of its rows, with these cells kept and the others drawn.",
        ),
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Draw equally many samples per label.")
    ] = False,
    ids: Annotated[
        bool | None,
        typer.Option(
            "--ids/--no-ids",
            help="New values for IDs and keys, and made-up ones for personal data; or leave these columns out. "
            "Default: --ids.",
        ),
    ] = None,
    safe_cells: Annotated[
        bool,
        typer.Option(
            "--safe-cells",
            help="For .csv and .tsv: write an apostrophe before words that spreadsheets would execute (=, +, -, @).",
        ),
    ] = False,
    interpolate: Annotated[
        bool,
        typer.Option(
            "--interpolate",
            help="For images: animate a closed walk through the latent space.",
        ),
    ] = False,
    progress: Annotated[
        bool,
        typer.Option(
            "--progress",
            help="For images: animate the training, with the same latents at each evaluation.",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="S",
            help="Seed of all randomness. Default: 0, but other IDs and personal data each time.",
        ),
    ] = None,
) -> None:
    """Draw samples from the generator of a run.

    They have the units and the dtype of its data.

    Example: onehalf sample runs/digits-1 -n 1000 -o new.npy
    """
    if given and (n or where or balanced):
        raise Refusal("--given cannot be combined with -n, --where or --balanced.")
    if given and given.resolve() == Path(to).resolve():
        refuse("out", expected="another file than that of the known cells", got=to)
    n = ROWS if n is None else n
    if n < 1:
        refuse("n", expected="at least 1 row", got=n)
    about()["random_state"].check("seed", seed or 0)
    out = Path(to)
    if interpolate or progress or out.suffix.lower() in ANIMATION_SUFFIXES:
        if where or given or balanced or ids is not None:
            raise Refusal(
                "--where, --given, --balanced and --ids cannot be combined with an animation."
            )
        return write_animation(
            run, out, n, seed or 0, interpolate=interpolate, progress=progress
        )
    suffix = get_suffix(to)
    if safe_cells and suffix not in TEXT_SUFFIXES:
        refuse(
            "safe-cells", expected=f"a name that ends in {' or '.join(TEXT_SUFFIXES)}", got=to
        )
    domain = _check_output(run, out, suffix)
    set_up_jax()
    import jax.random as jr

    from onehalf import runs

    fresh = domain.fresh_generator(seed, ids=ids)
    if given:
        return _sample_given(run, given, out, seed or 0, fresh, safe_cells=safe_cells)
    model = runs.load_model(run, say)
    say_memory("Unique keys", n, model.estimate_key_memory(n))
    if fresh is not None:
        needed = domain.estimate_new_memory(n)
        say_memory("IDs and personal data", n, needed, f"{COMPARED} (--no-ids leaves them out)")
    pieces, found = model.draw_pieces(jr.key(seed or 0), n, where, balanced=balanced)
    decoded = domain.decode_pieces(_follow(pieces, n), n, fresh=fresh)
    first = next(decoded)
    samples = itertools.chain([first], decoded)
    domain.write_pieces(map(_disarm, samples) if safe_cells else samples, n, out, suffix)
    is_chosen = found and found.n_drawn > n and found.effective is None
    drawn_from = f", of {found.n_drawn:,} that were drawn," if found and is_chosen else ""
    say(f"{count_rows(n)}{drawn_from} {domain.describe(first)}: {out}")
    if where and found:
        say(describe_conditions(run, domain, where, found))
    return None


def _follow(pieces: "Iterator[EncodedRows]", n: int) -> "Iterator[EncodedRows]":
    """Pass pieces on, and say now and then how many samples they hold so far."""
    count = 0
    said = time.monotonic()
    for rows in pieces:
        yield rows
        count += len(rows)
        if count < n and time.monotonic() - said > SECONDS_BETWEEN:
            said = time.monotonic()
            say(f"{count:,} of {count_rows(n)}")


def _sample_given(
    run: Path, given: Path, out: Path, seed: int, fresh: Any, *, safe_cells: bool
) -> None:
    """Draw a sample for each row of a file of known cells."""
    import jax.random as jr

    from onehalf import runs
    from onehalf.data.loading import load

    model = reveal_words(run, runs.load_model(run, say))
    domain = model.domain
    say_given_memory(given, math.prod(domain.row_shape))
    data = load(str(given), allow_empty=True)
    drawn = model.draw_given(jr.key(seed), data.values, str(given))
    samples = domain.decode_given(drawn.rows, drawn.known, fresh=fresh)
    domain.write(_disarm(samples) if safe_cells else samples, out, get_suffix(str(out)))
    names = drawn.known.table.column_names if drawn.known else domain.label_names
    say(f"{count_rows(len(drawn.rows))} {domain.describe(samples, names)}: {out}")
    say_impossible(drawn.impossible)
    say_left(drawn.left)


def _disarm(samples: Any) -> Any:
    """A table whose words no spreadsheet executes."""
    from onehalf.data.tables.writer import disarm_formulas

    return disarm_formulas(samples)


def _check_output(run: Path, out: Path, suffix: str) -> "onehalf.domains.Domain":
    """Refuse what the samples of this run can't be written to; returns the kind of its data."""
    if suffix:
        check_suffix(out, SAMPLE_SUFFIXES, hint="A folder's name ends in /.")
    from onehalf import runs

    domain = runs.load_domain(run)
    check_output(domain, out, suffix)
    return domain
