"""`onehalf theory`: run the experiments that check the derivation's claims."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onehalf._errors import refuse
from onehalf._files import check_writable, write_file
from onehalf._registry import catalogue, choose, names, spoken
from onehalf.cli._common import (
    ANIMATION_SUFFIXES,
    FIGURE_SUFFIXES,
    AsJson,
    Seed,
    check_suffix,
    print_json,
    say,
    set_up_jax,
)

if TYPE_CHECKING:
    import onehalf.experiments.base

__all__ = ["theory"]

EXPERIMENTS = ", ".join(map(spoken, names("experiments")))
"""The experiments, in words."""


def theory(
    name: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME ...", help=f"Experiments to run (default: all): {EXPERIMENTS}."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="Where figures go: a folder, or for one experiment a file (an animation: .gif, .webp or .html).",
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Check the claims of the derivation.

    Each claim is printed with its expected value, its measured value and the difference.

    Example: onehalf theory uniform-shift

    A named experiment also writes its figure into the current folder. Exit code 1 if a claim does not hold.
    """
    members = [
        choose("experiment", word, names("experiments"))
        for word in name or names("experiments")
    ]
    file = out if out is not None and out.suffix and not out.is_dir() else None
    if file and len(members) > 1:
        refuse("out", expected="a folder for several figures", got=f"the file {file}")
    if file:
        check_suffix(file, (*FIGURE_SUFFIXES, *ANIMATION_SUFFIXES))
    set_up_jax()
    from onehalf.evaluation.samples import check_seed
    from onehalf.experiments.base import format_table

    check_seed(seed)
    experiments = {spoken(member): catalogue("experiments")[member](seed) for member in members}
    if file:
        _check_animation(file, experiments)
    folder = out or Path()
    if name or out:
        check_writable(file.parent if file else folder)
    start = time.perf_counter()
    results: list[dict[str, Any]] = []
    for word, experiment in experiments.items():
        claims = list(experiment.claims())
        results += [claim.to_dict(word) for claim in claims]
        say(format_table(experiment, claims))
        if name or out:
            animated = experiment.has_film and bool(name)
            suffixes = (".png", *ANIMATION_SUFFIXES) if animated else (".png",)
            paths = [file] if file else [folder / f"{word}{suffix}" for suffix in suffixes]
            for path in paths:
                _write_figure(experiment, path)
    seconds = time.perf_counter() - start
    failed = sum(not claim["holds"] for claim in results)
    say(f"\n{len(results) - failed} of {len(results)} claims hold ({seconds:.0f} s).")
    if as_json:
        print_json({"claims": results, "seconds": seconds})
    if failed:
        sys.exit(1)


def _check_animation(
    file: Path, experiments: dict[str, "onehalf.experiments.base.AbstractExperiment"]
) -> None:
    """Refuse an animation of an experiment that has none."""
    for word, experiment in experiments.items():
        if file.suffix in ANIMATION_SUFFIXES and not experiment.has_film:
            check_suffix(file, FIGURE_SUFFIXES, hint=f"{word} has no animation.")


def _write_figure(
    experiment: "onehalf.experiments.base.AbstractExperiment", path: Path
) -> None:
    """Write the figure, or the animation that the file's name asks for."""
    from onehalf import figures

    if path.suffix in ANIMATION_SUFFIXES:
        write_file(path, figures.encode_film(experiment.film(), path.suffix))
    else:
        write_file(path, figures.encode_figure(experiment.figure(), path.suffix))
    say(f"  {path}")
