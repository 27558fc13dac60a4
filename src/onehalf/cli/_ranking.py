"""`onehalf measure REAL A B ...` and `--over step`: several samples against the same data."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from onehalf._errors import refuse
from onehalf._files import write_file
from onehalf.cli._common import (
    check_data_name,
    load_data,
    name_files,
    print_json,
    read_schema,
    say,
    set_up_jax,
)
from onehalf.cli._output import BYTES_OF_COMPARED, say_file_memory
from onehalf.cli._provenance import describe_inputs

if TYPE_CHECKING:
    import onehalf.data.dataset

__all__ = ["Options", "find_steps", "follow_steps", "name_samples", "rank_files"]


class Options(NamedTuple):
    """The options of `onehalf measure` that several samples share."""

    train: str | None
    alpha: float
    also: list[str]
    schema: Path | None
    target: str | None
    size: int | None
    seed: int
    html: Path | None


def rank_files(real: str, others: Sequence[str], options: Options, *, as_json: bool) -> None:
    """Measure each of several files or runs, and say of each two which is nearer."""
    if options.html is not None:
        hint = "Measure each of them by itself."
        refuse("--html", expected="one sample", got=f"{len(others)} samples", hint=hint)
    names = name_samples(others)
    for word in (real, *(other for other in others if not _is_run(other)), options.train):
        if word:
            check_data_name(word)
    set_up_jax()
    from onehalf import measuring

    schema = read_schema(options.schema)
    sides = _load_sides(real, dict(zip(names, others, strict=True)), options)
    data, *samples = (each.to_objects() for each in sides)
    train = samples.pop() if options.train else None
    with name_files({"real": real, "train": options.train}):
        ranking = measuring.rank(
            real=data,
            others=dict(zip(names, samples, strict=True)),
            train=train,
            alpha=options.alpha,
            seed=options.seed,
            optional=options.also,
            schema=schema,
            target=options.target,
        )
    say(str(ranking))
    if as_json:
        words = {"real": real, "train": options.train, **dict(zip(names, others, strict=True))}
        files = describe_inputs(words)
        print_json(dataclasses.replace(ranking, files=files).to_dict())


def follow_steps(
    real: str, others: Sequence[str], over: str, options: Options, *, as_json: bool
) -> None:
    """Measure the samples of each checkpoint in a folder, and draw nats over steps."""
    if over != "step":
        refuse("--over", expected="step", got=repr(over))
    given = {"--train": options.train, "--also": options.also, "--target": options.target}
    for name, value in given.items():
        if value:
            refuse(name, expected="no --over beside it", got="both")
    if len(others) > 1:
        refuse("--over step", expected="one folder of samples", got=f"{len(others)} paths")
    files = find_steps(Path(others[0]))
    check_data_name(real)
    set_up_jax()
    from onehalf import measuring

    schema = read_schema(options.schema)
    data, *samples = (each.to_objects() for each in _load_sides(real, files, options))
    found = measuring.measure_steps(
        real=data,
        checkpoints=dict(zip(files, samples, strict=True)),
        alpha=options.alpha,
        seed=options.seed,
        schema=schema,
    )
    say(str(found))
    if options.html is not None:
        from onehalf import report

        title = f"{Path(others[0]).name} against {Path(real).name}"
        write_file(options.html, report.render_steps_page(found, title).encode())
        say(f"Page: {options.html}")
    if as_json:
        inputs = describe_inputs({"real": real, **{str(step): files[step] for step in files}})
        print_json(dataclasses.replace(found, files=inputs).to_dict())


def find_steps(folder: Path) -> dict[int, str]:
    """Find the files of a folder by the last number in their names, which is the step; refuse names without one."""
    if not folder.is_dir():
        refuse(str(folder), expected="a folder of samples, one a checkpoint", got="no folder")
    steps: dict[int, str] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        numbers = re.findall(r"\d+", path.stem)
        if not numbers:
            refuse(str(path), expected="a step in the name, such as step-1000.npy", got="none")
        step = int(numbers[-1])
        if step in steps:
            other = Path(steps[step]).name
            refuse(str(path), expected="each step once", got=f"step {step} as in {other}")
        steps[step] = str(path)
    if len(steps) < 2:
        refuse(str(folder), expected="samples of at least 2 steps", got=len(steps))
    return dict(sorted(steps.items()))


def name_samples(paths: Sequence[str]) -> list[str]:
    """Name samples by their files, or by their paths where two files have one name; refuse a path that is there twice.

    >>> name_samples(["runs/a.csv", "b.csv"]), name_samples(["x/a.csv", "y/a.csv"])
    (['a.csv', 'b.csv'], ['x/a.csv', 'y/a.csv'])
    """
    repeated = [path for path, count in Counter(paths).items() if count > 1]
    if repeated:
        refuse(repeated[0], expected="each sample once", got="the same path twice")
    short = [Path(path).name or path for path in paths]
    return short if len(set(short)) == len(short) else list(paths)


def _is_run(word: str) -> bool:
    return (Path(word) / "recipe.json").exists()


def _load_sides(
    real: str, others: Mapping[Any, str], options: Options
) -> "list[onehalf.data.dataset.Dataset]":
    """Load the data, each sample, and the training rows if there are any, images in one form."""
    from onehalf.data.loading import is_image_folder
    from onehalf.domains import find_domain

    files = [word for word in others.values() if not _is_run(word)]
    say_file_memory([real, *files, options.train], BYTES_OF_COMPARED)
    data = load_data(real, options.size)
    domain = find_domain(data.values)

    def load_alike(word: str) -> "onehalf.data.dataset.Dataset":
        if _is_run(word):
            return _draw_from_run(word, real, data, options.seed)
        if is_image_folder(word):
            return load_data(word, domain.size_of_folder(word, real, data))
        return load_data(word)

    words = [*others.values(), *([options.train] if options.train else [])]
    return domain.match([data, *map(load_alike, words)], ())


def _draw_from_run(
    run: str, real: str, data: "onehalf.data.dataset.Dataset", seed: int
) -> "onehalf.data.dataset.Dataset":
    """Draw samples of a run, some for each row of the data."""
    from onehalf import runs
    from onehalf.data.dataset import from_objects
    from onehalf.evaluation.samples import choose_samples_per_row
    from onehalf.gan import GAN

    gan = GAN.from_fit(runs.load(Path(run), say))
    if gan.was_fitted_on(*data.X_y):
        say(f"{run} was fitted on {real}: copies of its training rows count as data here.")
    n = len(data)
    drawn = gan.sample(n * choose_samples_per_row(n), random_state=seed)
    return from_objects(drawn, what=run, allow_empty=True)
