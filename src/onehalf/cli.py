"""The command line: words typed -> one call each below.

People's text and progress go to stderr; with --json one JSON object, and nothing else, goes to stdout.
Exit codes: 0; 1 if a claim of the theory does not hold; 2 for what the user can mend, in one sentence; 130 after
Ctrl-C, with the run saved.
"""

import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from onehalf._errors import Refusal, refuse
from onehalf._registry import catalogue, choose, names, spoken

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train GANs on your own arrays, and read in nats how far the generator still is from the data.",
)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object on stdout, and nothing else.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="Start of all randomness.")]
LOSSES = ", ".join(map(spoken, names("losses")))
DATA = ", ".join(map(spoken, names("distributions")))
EXPERIMENTS = ", ".join(map(spoken, names("experiments")))
ENDINGS = (".npy", ".npz", ".csv", ".tsv", ".parquet")
STILLS, FILMS = (".png", ".svg", ".pdf"), (".gif", ".webp", ".html")
Size = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="The side of the squares that a folder's pictures are cut and resized to.",
    ),
]
KINDS = "a .npy, .npz, .csv, .tsv or .parquet file, a folder of pictures, an IDX file"


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 2."""
    try:
        app()
    except Refusal as refusal:
        _say(f"onehalf: {refusal}")
        sys.exit(2)


@app.command()
def fit(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help=f"{KINDS[0].upper()}{KINDS[1:]}, or one of {DATA}."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="The run's folder; runs/DATA-1, -2, ... if not given."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="As many rounds as fit into so many minutes."),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Rounds; 12,000, for rows of more than 16 entries 8,000, for tables 6,000, if not given.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(metavar="P", help="Games at once; the best by validation is kept.")
    ] = 1,
    k: Annotated[int, typer.Option("--k", metavar="K", help="Steps of D in a round.")] = 1,
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="m",
            help="Examples in a minibatch; 256, for arrays of more than 16 entries 128, with convolutional players 64.",
        ),
    ] = None,
    loss: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {LOSSES}.")
    ] = "non-saturating",
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mnist-2014, as its authors' code ran it, or mnist-2014-algorithm1, as printed.",
        ),
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mlp or convolutional; the latter for images of 16 pixels a side or more.",
        ),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Convolutions in bfloat16, for accelerators.")
    ] = False,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A column of a table to ask for samples by, may be repeated; or what the labels of images, such as "
            "class folders, are to be called.",
        ),
    ] = None,
    size: Size = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A table's kinds of columns, as `onehalf data` wrote them."
        ),
    ] = None,
    seed: Seed = 0,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the recipe and what it would cost, timed on rounds not kept.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a generator on DATA.

    Example: onehalf fit digits

    The same command with the same --out goes on with a run that was interrupted.
    """
    _check_data_word(data)
    loss = choose("loss", loss, names("losses"))
    _set_up_jax()
    from onehalf import report, runs
    from onehalf.data.loading import open_rows
    from onehalf.gan import GAN

    kinds = _schema(schema) if schema else None
    asked = {
        "rounds": rounds,
        "seeds": seeds,
        "k": k,
        "m": batch,
        "loss": loss,
        "random_state": seed,
    }
    asked |= {"recipe": recipe, "net": net, "half": half, "minutes": minutes, "schema": kinds}
    gan = GAN(**asked, label=label[0] if label and len(label) == 1 else label or None)
    if dry_run:
        cost = gan.cost(*runs.X_y(runs.for_fit(open_rows(data, size, _say), gan, data)))
        return (
            _show({"data": data, **cost})
            if as_json
            else _say("\n".join(f"{k:>24}  {v}" for k, v in cost.items()))
        )
    folder = out or runs.next_folder(data)
    try:
        with _progress() as show:
            gan, rows = runs.fit(
                folder,
                data,
                gan,
                size=size,
                watch=lambda gan: show(report.line(gan)),
                tell=_say,
            )
    except KeyboardInterrupt:
        saved = f"What was played is saved; the same command with --out {folder} goes on."
        _say(
            f"\nStopped. {saved if (folder / 'recipe.json').exists() else 'Nothing was saved yet.'}"
        )
        raise
    truth = _leave_report(folder, gan, rows)
    warnings = gan.coding_.schema.warnings if gan.coding_ else _frame(gan)
    _say(
        "\n".join(
            [
                *report.sentences(gan, truth),
                *warnings,
                f"Samples and report: {folder / 'report.html'}",
            ]
        )
    )
    if as_json:
        _show({"run": str(folder), **report.numbers(gan, truth)})
    return None


def _frame(gan: Any) -> tuple[str, ...]:
    """What is done where the sides of images can't be halved as often as convolutional players need."""
    from onehalf.nets.convolutional import padded_to

    if gan.recipe_.net != "convolutional":
        return ()
    (height, width), (h, w) = padded_to(gan.example_shape_), gan.example_shape_[:2]
    if (height, width) == (h, w):
        return ()
    return (
        f"Images of {h} x {w} are played with at {height} x {width}: D sees a border of 0, and G's is cut off.",
    )


@app.command()
def sample(
    run: Run,
    to: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="Where to: .npy, .npz; of a table .csv, .tsv or .parquet; of images a .png, a folder, or a film's "
            ".gif, .webp or .html.",
        ),
    ],
    n: Annotated[
        int, typer.Option("-n", metavar="N", help="Rows; in a film at most 36.")
    ] = 1000,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITIONS",
            help="Rows such as 'sex=F,age>40' only; of labelled images 'class=3'.",
        ),
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="As many rows for each label as for any other.")
    ] = False,
    ids: Annotated[
        bool,
        typer.Option("--ids", help="Fresh ids in the columns of ids, which are left out else."),
    ] = False,
    interpolate: Annotated[
        bool,
        typer.Option(
            "--interpolate",
            help="Of images: a film, each sample on a closed way to other ones.",
        ),
    ] = False,
    progress: Annotated[
        bool,
        typer.Option(
            "--progress",
            help="Of images: a film of the training, the same latents at each look.",
        ),
    ] = False,
    seed: Seed = 0,
) -> None:
    """Draw rows from the generator of a run, in the units and the dtype of its data.

    Example: onehalf sample runs/digits-1 -n 1000 -o new.npy
    """
    if n < 1:
        refuse("n", expected="at least 1 row", got=n)
    out, suffix = Path(to), "" if to.endswith("/") else Path(to).suffix.lower()
    if interpolate or progress or suffix in FILMS:
        if where or balanced or ids:
            refuse("film", expected="none of --where, --balanced and --ids", got="one")
        return _film(
            run, out, min(n, MOST_ON_FILM), seed, interpolate=interpolate, progress=progress
        )
    if suffix and suffix not in (*ENDINGS, ".png"):
        refuse(
            str(out),
            expected=f"a name that ends in {', '.join(ENDINGS)}, .png or /",
            got=suffix,
        )
    from onehalf import runs

    kinds = runs.endings(run)
    if suffix not in kinds and (suffix or ".png" not in kinds):
        refuse(
            str(out),
            expected=f"a name that ends in {', '.join(kinds)}",
            got=suffix or "no ending",
        )
    if not suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
        refuse(
            str(out),
            expected="a new or empty folder",
            got="one with files" if out.is_dir() else "a file",
        )
    _set_up_jax()
    from onehalf import figures
    from onehalf.data.images.properties import limits_of
    from onehalf.data.labels import unlabelled

    gan = runs.load(run)
    rows = gan.sample(n, random_state=seed, where=where, balanced=balanced, ids=ids)
    if suffix == ".png":
        runs.write(out, figures.sheet_png(unlabelled(rows), limits=limits_of(gan.extremes_)))
    elif suffix:
        runs.write(out, runs.packed(rows, suffix))
    else:
        runs.write_pictures(out, rows, limits_of(gan.extremes_))
    if gan.coding_ is None:
        x = unlabelled(rows)
        found = f", of {gan.drawn_:,} that were drawn" if where and gan.drawn_ > n else ""
        return _say(f"{n:,} rows of shape {x.shape[1:]}, {x.dtype}{found}: {out}")
    found = f", of {gan.drawn_:,} that were drawn" if where else ""
    _say(f"{n:,} rows{found}, {rows.num_columns} columns: {out}")
    left = [name for name in gan.coding_.left_out if name not in rows.column_names]
    if left:
        _say(f"Left out, as ids and free text can't be learned: {', '.join(left)}.")
    return None


def _film(
    run: Path, out: Path, n: int, seed: int, *, interpolate: bool, progress: bool
) -> None:
    """A film of images: samples on their ways through the latent space, or the training."""
    if out.suffix.lower() not in FILMS:
        refuse(
            str(out),
            expected=f"a film's name, which ends in {', '.join(FILMS)}",
            got=out.suffix or "no ending",
        )
    if interpolate == progress:
        got = "both" if progress else "neither"
        refuse("film", expected="one of --interpolate and --progress", got=got)
    from onehalf import figures, runs
    from onehalf.data.images.properties import limits_of

    if runs.sides(run) is None:
        refuse(
            str(run),
            expected="a run on images, to make a film of",
            got=f"one on {runs.source(run)}",
        )
    _set_up_jax()
    gan = runs.load(run)
    if progress and not gan.progress_:
        refuse(
            str(run),
            expected="samples that were left at each look",
            got="none, for there was no look yet",
        )
    stills = gan.progress_[gan.chosen_ :: gan.recipe_.seeds]
    frames = (
        gan.interpolate(n, STEPS, random_state=seed)
        if interpolate
        else [still[:n] for still in stills]
    )
    runs.write(out, figures.sheet_film(frames, out.suffix.lower(), limits_of(gan.extremes_)))
    _say(f"{len(frames)} pictures of {len(frames[0])} samples: {out}")


MOST_ON_FILM, STEPS = 36, 48
"""Samples in a picture of a film; pictures of an interpolation, which comes back to where it began."""


@app.command()
def measure(
    real: Annotated[
        str,
        typer.Argument(metavar="REAL", help=f"The data: {KINDS}, or a name."),
    ],
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER",
            help="What to compare: the same kind of file or folder, or a run's folder.",
        ),
    ],
    train: Annotated[
        str | None,
        typer.Option(
            metavar="TRAIN",
            help="Rows that the generator saw, none of them in REAL: what was copied?",
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(metavar="A", help="Each bound holds with probability 1 - A.")
    ] = 0.05,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="prdc, parzen or cells, measured besides; may be repeated."
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A table's kinds of columns, as `onehalf data` wrote them."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Of tables: what a model that learned from OTHER makes of this column.",
        ),
    ] = None,
    size: Size = None,
    seed: Seed = 0,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page to look at.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how far OTHER is from REAL at least, with a guarantee, and where.

    Example: onehalf measure people.csv fake.csv --train train.csv --html page.html
    """
    if html is not None and html.suffix not in (".html", ".htm"):
        refuse(str(html), expected="a name that ends in .html", got=html.suffix or "no ending")
    is_run = (Path(other) / "recipe.json").exists()
    for word in (real, *([] if is_run else [other]), *([train] if train else [])):
        _check_data_word(word)
    _set_up_jax()
    from onehalf import evaluation, report, runs
    from onehalf.data.images.properties import is_image
    from onehalf.data.images.reader import same_colours
    from onehalf.data.labels import unlabelled
    from onehalf.data.loading import open_rows
    from onehalf.data.tables.encoding import TableEncoder
    from onehalf.evaluation.samples import check_alpha, check_seed

    kinds, alpha, seed = (
        _schema(schema) if schema else None,
        check_alpha(alpha),
        check_seed(seed),
    )
    gan = runs.load(Path(other)) if is_run else None
    rows = open_rows(
        real, size or (runs.sides(Path(other)) if gan and Path(real).is_dir() else None), _say
    )

    def alike(word: str) -> Any:
        """Pictures of another folder are cut to the size of the data's."""
        shape = getattr(unlabelled(rows), "shape", ())[1:]
        if Path(word).is_dir() and not is_image(shape):
            refuse(
                word,
                expected=f"the same kind of rows as {real} has",
                got="a folder of pictures",
            )
        return open_rows(word, shape[:2] if Path(word).is_dir() else None, _say)

    sets = [rows, None if gan else alike(other), alike(train) if train else None]
    if all(
        is_image(getattr(unlabelled(each), "shape", ())[1:])
        for each in sets
        if each is not None
    ):
        sets = same_colours(sets, gan.example_shape_ if gan else ())
    rows, drawn, trained = sets
    if gan and not gan.labels_:
        rows = unlabelled(rows)
    compared: Any = gan or drawn
    asked = {
        "sampler" if gan else "other": compared,
        "train": trained,
        "schema": kinds,
        "target": target,
    }
    found = evaluation.measure(real=rows, **asked, alpha=alpha, seed=seed, optional=also or ())
    if gan and gan.was_fitted_on(*runs.X_y(rows)):
        _say(
            f"{real} is what {other} was fitted on, and most of it trained the players: copies count as data here."
        )
    _say(str(found))
    if html is not None:
        shown = gan.sample(SAMPLES, random_state=seed) if gan else drawn
        coding = TableEncoder.of(rows, shown, schema=kinds) if kinds else None
        title = f"{Path(other).name} against {Path(real).name}"
        page = report.measured_page(
            found, unlabelled(rows), unlabelled(shown), title=title, coding=coding
        )
        runs.write(html, page.encode())
        _say(f"Page: {html}")
    if as_json:
        _show(found.to_dict())


@app.command()
def report(run: Run, as_json: AsJson = False) -> None:
    """Write a run's report again, and say what is in it.

    Example: onehalf report runs/digits-1
    """
    _set_up_jax()
    from onehalf import report, runs

    gan = runs.load(run)
    truth = _leave_report(run, gan, runs.rows_of(run, gan, _say))
    _say("\n".join([*report.sentences(gan, truth), f"Report: {run / 'report.html'}"]))
    if as_json:
        _show({"run": str(run), **report.numbers(gan, truth)})


@app.command()
def data(
    name: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help=f"A name, {KINDS}; names are listed without."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The picture: a .png or .svg file."),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a table's schema, to correct by hand; one that is there is checked.",
        ),
    ] = None,
    size: Size = None,
    as_json: AsJson = False,
) -> None:
    """List the data sets that go by a name, draw one as a picture, or say what the columns of a table are.

    Example: onehalf data people.csv --schema people.json
    """
    from onehalf.data import loading

    if name is not None and loading.is_table(name):
        return _describe_table(name, out, schema, as_json)
    if schema is not None:
        refuse("schema", expected="a table to describe", got=name or "no file")
    if name is not None:
        _check_data_word(name)
    _set_up_jax()
    from onehalf import figures, runs
    from onehalf.data.labels import unlabelled

    if name is None:
        about = loading.listed()
    else:
        path = out or Path(f"{Path(name).resolve().stem}.png")
        if path.suffix not in STILLS:
            refuse(
                str(path),
                expected=f"a name that ends in {', '.join(STILLS)}",
                got=path.suffix or "no ending",
            )
        rows, row = loading.describe(name, size, _say)
        runs.write(path, figures.packed(figures.one(unlabelled(rows)), path.suffix))
        _say(f"{path}")
        about = [row]
    if as_json:
        return _show(about)
    for row in about:
        count = "any" if row["rows"] is None else f"{row['rows']:,}"
        _say(f"{row['name']:12} {count:>7} rows of {row['shape']!s:8} {row['about']}")
    return None


def _describe_table(name: str, out: Path | None, file: Path | None, as_json: bool) -> None:
    """Say what the columns of a table are; write that down, or go by the kinds that a person has written down."""
    if out is not None:
        refuse("out", expected="an array or a name to draw", got=f"the table {name}")
    if file is not None and file.suffix != ".json":
        refuse(str(file), expected="a name that ends in .json", got=file.suffix or "no ending")
    from onehalf import runs
    from onehalf.data.tables.reader import read_table
    from onehalf.data.tables.schema import Schema

    table = read_table(name)
    if file is not None and file.is_file():
        found = Schema.of_json(file.read_bytes(), str(file)).check(table)
        told = f"The kinds are those of {file}, which fits."
    else:
        found = Schema.of(table)
        told = f"Schema: {file}. Correct its kinds by hand; the same command checks them."
        if file is not None:
            runs.write(file, found.to_json().encode())
    _say(
        "\n".join(
            [
                f"{name}: {found.rows:,} rows, {len(found.columns)} columns",
                str(found),
                *found.warnings,
            ]
        )
    )
    if file is not None:
        _say(told)
    if as_json:
        about = found.to_dict()
        _show([{"name": name, "kind": "table", "shape": [len(found.columns)], **about}])


@app.command()
def theory(
    name: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME ...", help=f"All are run if none is named: {EXPERIMENTS}."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="One figure's file (a film's, .gif or .html), or a folder.",
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Execute the claims of the derivation: what the theory gives, what is measured, and the difference.

    Example: onehalf theory uniform-shift

    A named experiment leaves its figure beside you. Exit code 1 if a claim does not hold.
    """
    members = [
        choose("experiment", word, names("experiments"))
        for word in name or names("experiments")
    ]
    one = out if out is not None and out.suffix and not out.is_dir() else None
    if one and len(members) > 1:
        refuse(
            "out",
            expected="a folder for the figures of several experiments",
            got=f"the file {one}",
        )
    if one and one.suffix not in (*STILLS, *FILMS):
        refuse(
            str(one),
            expected=f"a name that ends in {', '.join((*STILLS, *FILMS))}",
            got=one.suffix,
        )
    _set_up_jax()
    from onehalf import runs
    from onehalf.evaluation.samples import check_seed
    from onehalf.experiments.base import table

    check_seed(seed)
    experiments = {spoken(member): catalogue("experiments")[member](seed) for member in members}
    if (
        one
        and one.suffix in FILMS
        and not all(experiment.has_film for experiment in experiments.values())
    ):
        refuse(
            str(one),
            expected=f"{', '.join(STILLS)}: of {spoken(members[0])} there is no film",
            got=one.suffix,
        )
    if name or out:
        runs.try_writing(one.parent if one else out or Path())
    start, told = time.perf_counter(), []
    for word, experiment in experiments.items():
        claims = list(experiment.claims())
        told += [claim.to_dict(word) for claim in claims]
        _say(table(experiment, claims))
        if name or out:
            kinds = (".png", *FILMS) if experiment.has_film and name else (".png",)
            for path in (
                [one] if one else [(out or Path()) / f"{word}{suffix}" for suffix in kinds]
            ):
                _leave_figure(experiment, path)
    seconds, failed = time.perf_counter() - start, sum(not claim["holds"] for claim in told)
    _say(f"\n{len(told) - failed} of {len(told)} claims hold, in {seconds:.0f} s.")
    if as_json:
        _show({"claims": told, "seconds": seconds})
    if failed:
        sys.exit(1)


def _leave_figure(experiment: Any, path: Path) -> None:
    """Write the picture or the film that the file's name asks for."""
    from onehalf import figures, runs

    if path.suffix in FILMS:
        runs.write(path, figures.rolled(experiment.film(), path.suffix))
    else:
        runs.write(path, figures.packed(experiment.figure(), path.suffix))
    _say(f"  {path}")


def _leave_report(folder: Path, gan: Any, rows: Any) -> Any:
    """Write samples and the page, with as many validation rows to look at; return the truth, if it can be known."""
    from onehalf import report, runs
    from onehalf.data.images.properties import is_image
    from onehalf.data.labels import unlabelled
    from onehalf.data.loading import density
    from onehalf.theory.pushforward import known

    word, samples = runs.source(folder), gan.sample(SAMPLES)
    p_data, suffix = density(word), runs.suffix(gan, word)
    truth = p_data and known(p_data.masses, rows, gan.sample(KNOWN))
    runs.write(folder / f"samples{suffix}", runs.packed(samples, suffix))
    roles = runs.roles(gan, rows)
    shown: dict[str, Any] = {}
    if gan.coding_ is None and is_image(gan.example_shape_):
        shown = {"train": unlabelled(roles.train)}
        shown |= (
            {"tested": gan.tested(*runs.X_y(rows))}
            if getattr(gan, "certificate_", None)
            else {}
        )
    page = report.page(
        gan, unlabelled(roles.validation), unlabelled(samples), word, truth, **shown
    )
    runs.write(folder / "report.html", page.encode())
    return truth


SAMPLES, KNOWN = 1000, 1_000_000
"""Samples that a run leaves and shows; samples that tell how far p_g is from a density that is known."""


def _schema(file: Path) -> Any:
    """The schema that a person has written down."""
    from onehalf.data.tables.schema import Schema

    if not file.is_file():
        refuse(
            str(file),
            expected="a schema as `onehalf data --schema` writes it",
            got="no such file",
        )
    return Schema.of_json(file.read_bytes(), str(file))


def _check_data_word(word: str) -> None:
    """Refuse a name that is none before anything is loaded."""
    from onehalf.data.loading import is_path

    if not is_path(word):
        choose("data", word, names("distributions"))


def _set_up_jax() -> None:
    """Keep what JAX compiles in the user's cache folder, so that the next run of the same kind starts at once."""
    import jax
    import platformdirs

    jax.config.update("jax_compilation_cache_dir", platformdirs.user_cache_dir("onehalf"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _show(numbers: Any) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(json.dumps(numbers) + "\n")


def _say(text: str) -> None:
    """Text for people, on stderr."""
    sys.stderr.write(text + "\n")


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line on stderr that is written over in a terminal, and otherwise said every ten seconds."""
    last = -math.inf

    def show(line: str) -> None:
        nonlocal last
        every = 0.1 if sys.stderr.isatty() else 10.0
        if time.monotonic() - last > every:
            last = time.monotonic()
            sys.stderr.write(f"\r\x1b[2K{line}" if sys.stderr.isatty() else line + "\n")
            sys.stderr.flush()

    yield show
    if sys.stderr.isatty():
        sys.stderr.write("\n")
