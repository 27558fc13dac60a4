"""`onehalf measure`: compare two samples, or data and the generator of a run."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onehalf._errors import refuse
from onehalf._files import write_file
from onehalf.cli._common import (
    DATA_KINDS,
    AsJson,
    ImageSize,
    SchemaFile,
    Seed,
    ShowRows,
    Verbose,
    check_data_name,
    check_suffix,
    load_data,
    name_files,
    print_json,
    read_schema,
    say,
    say_summary,
    set_up_jax,
)
from onehalf.cli._output import BYTES_OF_COMPARED, say_file_memory
from onehalf.cli._provenance import describe_inputs
from onehalf.cli.report import SAMPLES

if TYPE_CHECKING:
    import onehalf.data.dataset
    import onehalf.evaluation.result
    import onehalf.evaluation.wording
    import onehalf.gan

__all__ = ["measure"]


def measure(
    real: Annotated[
        str,
        typer.Argument(metavar="REAL", help=f"The data: {DATA_KINDS}, or a name."),
    ],
    others: Annotated[
        list[str],
        typer.Argument(
            metavar="OTHER",
            help="What to compare: the same kind of file or folder, or a run's folder. Several are ranked.",
        ),
    ],
    train: Annotated[
        str | None,
        typer.Option(
            metavar="TRAIN",
            help="Rows the generator was trained on: tests for copies of them. Those in REAL are left out.",
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(metavar="A", help="Each bound holds with probability 1 - A.")
    ] = 0.05,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A further metric: prdc, fid, parzen or cells. May be repeated.",
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="step",
            help="OTHER is a folder of samples, one a checkpoint, with the step in each name: nats over steps.",
        ),
    ] = None,
    schema: SchemaFile = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="For tables: how well a model trained on OTHER predicts this column of REAL.",
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Compare columns and pairs and check rules, in seconds, without guarantees; then stop.",
        ),
    ] = False,
    size: ImageSize = None,
    seed: Seed = 0,
    fail_above: Annotated[
        float | None,
        typer.Option(
            metavar="NATS",
            help="Exit code 1 if the certified JSD is above this, 3 if there are too few rows to tell, else 0.",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a report page (.html).")
    ] = None,
    show_rows: ShowRows = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Measure how far OTHER is from REAL.

    The result is a certified lower bound, and where the two differ. Of several samples, it is tested which is nearer.

    Example: onehalf measure people.csv synthetic.csv --train train.csv --html page.html
    """
    if quick:
        _check_alone({"--train": train, "--also": also, "--target": target, "--html": html})
    if html is not None:
        check_suffix(html, (".html", ".htm"))
    if len(others) > 1 or over is not None:
        if quick or fail_above is not None:
            expected = "one sample, without --over, with --quick and --fail-above"
            refuse("others", expected=expected, got=len(others))
        from onehalf.cli import _ranking

        shared = _ranking.Options(train, alpha, also or [], schema, target, size, seed, html)
        if over is None:
            _ranking.rank_files(real, others, shared, as_json=as_json)
        else:
            _ranking.follow_steps(real, others, over, shared, as_json=as_json)
        return
    (other,) = others
    if fail_above is not None:
        from onehalf.evaluation.result import check_limit

        check_limit(fail_above)
    run = Path(other) if (Path(other) / "recipe.json").exists() else None
    for word in (real, None if run else other, train):
        if word:
            check_data_name(word)
    set_up_jax()
    from onehalf import measuring, runs
    from onehalf.data.sources import MOST_IN_MEMORY
    from onehalf.evaluation.samples import check_alpha, check_seed
    from onehalf.gan import GAN

    alpha, seed = check_alpha(alpha), check_seed(seed)
    types = read_schema(schema)
    gan = GAN.from_fit(runs.load(run, say)) if run else None
    compared: dict[str, Any] = {}
    if not gan and not train and size is None:
        compared |= measuring.open_large_sides(real, other) or {}
    if compared and html is not None:
        expected = f"files of at most {MOST_IN_MEMORY:,} rows, or no page"
        refuse("html", expected=expected, got="more rows", hint="Use --json, or fewer rows.")
    if not compared:
        say_file_memory([real, None if gan else other, train], BYTES_OF_COMPARED)
    sides = {} if compared else _load_all(real, None if gan else other, train, gan, size)
    compared |= {side: data.to_objects() for side, data in sides.items()}
    if gan:
        compared["sampler"] = gan
    words = {"real": real, "other": other, "train": train}
    if quick:
        with name_files(words):
            table = measuring.quick_table(**compared, schema=types, seed=seed)
        say(str(table))
        if as_json:
            print_json(table.to_dict())
        return
    with name_files(words):
        result = measuring.measure(
            **compared,
            schema=types,
            target=target,
            alpha=alpha,
            seed=seed,
            optional=also or (),
            on_quick=lambda table: say(table.summary),
        )
    files = describe_inputs(words)
    limit = None if fail_above is None else result.check_limit(fail_above)
    result = dataclasses.replace(result, files=files, limit=limit)
    if not show_rows:
        result = result.hide_rows()
    if result.overlap:
        say(result.overlap.sentence)
    if result.streamed:
        say(result.streamed.sentence)
    if gan and gan.was_fitted_on(*sides["real"].X_y):
        say(
            f"{other} was fitted on {real}, and trained on most of it: copies of these rows count as data here."
        )
    say_summary(_summarize(result, real, other))
    if verbose:
        say("\n".join(result.sentences))
    elif also:
        from onehalf.evaluation import wording

        say("\n".join(wording.describe_scores(result.optional)))
    if html is not None:
        from onehalf import report

        shown = gan.sample(SAMPLES, random_state=seed) if gan else compared["other"]
        title = f"{Path(other).name} against {Path(real).name}"
        page = report.render_measurement_page(
            result,
            compared["real"],
            shown,
            title=title,
            schema=types,
        )
        write_file(html, page.encode())
        say(f"Page: {html}")
    if as_json:
        print_json(result.to_dict())
    if limit:
        say(limit.sentence)
        raise typer.Exit(limit.exit_code)


def _summarize(
    result: "onehalf.evaluation.result.Measurement", real: str, other: str
) -> "onehalf.evaluation.wording.Summary":
    """The first screen, under the names of the files and their rows."""
    from onehalf.evaluation import wording

    sides = (
        f"{Path(real).name} ({result.n_real:,} rows)",
        f"{Path(other).name} ({result.n_other:,})",
    )
    heading = wording.Heading(" v ".join(sides), f"measured in {result.seconds:.1f} s")
    return wording.summarize(result, heading, more="with --verbose")


def _check_alone(options: Mapping[str, object]) -> None:
    """Refuse what `--quick` has no use for."""
    given = [name for name, value in options.items() if value]
    if given:
        hint = "Leave out one of the two."
        refuse(given[0], expected="the whole measurement", got="--quick", hint=hint)


def _load_all(
    real: str,
    other: str | None,
    train: str | None,
    gan: "onehalf.gan.GAN | None",
    size: int | None,
) -> "dict[str, onehalf.data.dataset.Dataset]":
    """Load the data, the samples and the training rows, images in the same size and with the same channels."""
    from onehalf.data.loading import is_image_folder
    from onehalf.domains import find_domain

    image_size = size or (gan.fit_.domain.image_size if gan and is_image_folder(real) else None)
    data = load_data(real, image_size)
    domain = find_domain(data.values)

    def load_alike(word: str) -> "onehalf.data.dataset.Dataset":
        """Load further rows; images of a folder are cropped to the size of the data's."""
        if not is_image_folder(word):
            return load_data(word)
        return load_data(word, domain.size_of_folder(word, real, data))

    sides = {"real": data}
    if other:
        sides["other"] = load_alike(other)
    if train:
        sides["train"] = load_alike(train)
    shape = gan.fit_.domain.row_shape if gan else ()
    sides = dict(zip(sides, domain.match(list(sides.values()), shape), strict=True))
    if gan and not gan.labels_:
        sides["real"] = sides["real"].without_labels()
    return sides
