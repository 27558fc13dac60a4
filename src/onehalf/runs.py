"""A run on disk: all that is needed to read it, to sample from it, and to go on where it stopped.

    recipe.json         what was asked: the data by source and hash, every argument, the seed, the versions
    rows.jsonl          what was seen: one line every 100 rounds
    state.safetensors   the players and their optimisers, and the best averaged G of each game (no pickle)
    samples.npy         samples of the chosen G; .npz with their labels, or .csv, .tsv or .parquet if the data came so
    progress.npy        of images: a few samples of each game at each look
    report.html         the report, one page

Each file is written under a temporary name, synced and renamed, so that there is always a whole one.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import os
import platform
import shutil
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import safetensors
import safetensors.numpy

from onehalf import figures
from onehalf._errors import refuse
from onehalf.data.arrays.scaler import ArrayScaler, Rows
from onehalf.data.images.properties import is_image
from onehalf.data.labels import Labelled, LabelledPreprocessor, unlabelled
from onehalf.data.loading import is_path, is_table, open_rows
from onehalf.data.splits import Splits
from onehalf.data.tables.encoding import TableEncoder
from onehalf.data.tables.preprocessor import TablePreprocessor
from onehalf.data.tables.reader import SUFFIXES
from onehalf.data.tables.schema import Schema
from onehalf.evaluation.measurement import Measurement
from onehalf.gan import GAN
from onehalf.sampling import AnyUnits

__all__ = [
    "X_y",
    "endings",
    "fit",
    "for_fit",
    "load",
    "next_folder",
    "packed",
    "roles",
    "rows_of",
    "sides",
    "source",
    "suffix",
    "try_writing",
    "write",
    "write_pictures",
]

SAVE_EVERY = 20.0
"""Seconds between saves, at most; a look is saved at once."""


def next_folder(word: str, root: Path = Path("runs")) -> Path:
    """The first of runs/NAME-1, runs/NAME-2, ... that does not exist yet."""
    stem = Path(word).resolve().stem if is_path(word) else word
    number = 1
    while (root / f"{stem}-{number}").exists():
        number += 1
    return root / f"{stem}-{number}"


Data = Rows | Labelled | pa.Table

Told = Callable[[str], None]
"""What is handed sentences for people."""


def fit(
    folder: Path,
    word: str,
    gan: GAN,
    *,
    size: int | None = None,
    watch: Callable[[GAN], None] = lambda gan: None,
    tell: Told = lambda text: None,
) -> tuple[GAN, Data]:
    """Fit in a folder: start a run, or go on with the one that is there; `watch` sees the estimator every 100 rounds.

    Whatever ends it, Ctrl-C included, what was played is saved. A run that was begun with another recipe, or on other
    data, is refused, by the name of the first field that differs. `size` is that of the pictures of a folder, and
    `tell` is handed what was done to them. Returns the fitted estimator and the rows.
    """
    asked = {name: value for name, value in gan.get_params().items() if name != "warm_start"}
    asked["schema"] = gan.schema and gan.schema.to_dict()
    begun = (folder / "recipe.json").exists()
    if begun:
        _same(folder, asked, word, size)
        gan = load(folder)
    elif folder.exists() and any(folder.iterdir()):
        refuse(
            str(folder),
            expected="a run, or an empty or new folder",
            got="a folder with other files",
        )
    try_writing(folder)
    rows = for_fit(open_rows(word, size, tell), gan, word)
    if begun and not gan.was_fitted_on(*X_y(rows)):
        hint = "Has it changed? Fit it into another folder."
        refuse(
            word, expected=f"the rows that {folder} was begun with", got="other rows", hint=hint
        )
    saved = time.monotonic()
    try:
        for row in gan.play(*X_y(rows)):
            if "jsd_estimate" in row or time.monotonic() - saved > SAVE_EVERY:
                _save(folder, gan, asked, word, size, rows)
                saved = time.monotonic()
            watch(gan)
    finally:
        if getattr(gan, "history_", None):
            _save(folder, gan, asked, word, size, rows)
    return gan, rows


def for_fit(rows: Data, gan: GAN, word: str) -> Data:
    """The rows with their labels only if these are to be learned; refuses rows that have none then."""
    if isinstance(rows, pa.Table) or not gan.label:
        return unlabelled(rows)
    if not isinstance(rows, Labelled):
        hint = "Class folders, an IDX file of labels beside the images, or a .npz file with x and y have them."
        refuse("label", expected="data with labels", got=word, hint=hint)
    return rows


def X_y(rows: Data) -> tuple[Any, ...]:
    """What `fit` takes."""
    return tuple(rows) if isinstance(rows, Labelled) else (rows,)


def load(folder: Path) -> GAN:
    """The estimator as it was saved: it samples, and `fit` on the same rows plays on (it has warm_start)."""
    recipe, recipe_id = _recipe(folder)
    path = folder / "state.safetensors"
    tensors, about = _read_state(path)
    if about["recipe"] != recipe_id:
        refuse(
            str(folder / "recipe.json"),
            expected="the file that the state was saved beside",
            got="an altered one",
        )
    asked, schema = recipe["asked"], recipe["asked"].get("schema")
    asked["schema"] = schema and Schema.of_json(json.dumps(schema))
    gan = GAN(**asked, warm_start=True).set_params(
        random_state=recipe["solved"]["random_state"]
    )
    units = _units(recipe["data"], tensors, gan)
    shape, m = recipe["data"]["shape"][1:], recipe["solved"]["m"]
    blank = np.zeros((m, math.prod(shape) + 1) if "labels" in recipe["data"] else (m, *shape))
    gan.prepare(blank, units, recipe["data"]["sha256"])
    gan.recipe_ = dataclasses.replace(gan.recipe_, **recipe["solved"])
    gan.state_ = _fill(path, "state", gan.state_, tensors)
    gan.best_ = [
        _fill(path, f"best.{game}", best, tensors) for game, best in enumerate(gan.best_)
    ]
    gan.history_ = _history(folder / "rows.jsonl", about)
    gan.progress_ = list(np.load(folder / "progress.npy")) if about["progress"] else []
    gan.stopped_because_ = about["stopped_because"]
    if "certificate" in about:
        gan.certificate_ = about["certificate"] and Measurement.of(about["certificate"])
    return gan


def source(folder: Path) -> str:
    """The word that the run's data came from: a name, or an absolute path."""
    return _recipe(folder)[0]["data"]["source"]


def rows_of(folder: Path, gan: GAN, tell: Told = lambda text: None) -> Data:
    """The data of a run, as it was fitted on them."""
    about = _recipe(folder)[0]["data"]
    return for_fit(open_rows(about["source"], about["size"], tell), gan, about["source"])


def sides(folder: Path) -> tuple[int, int] | None:
    """Height and width of the images of a run; None if it has none."""
    about = _recipe(folder)[0]["data"]
    shape = tuple(about["shape"][1:])
    return (shape[0], shape[1]) if is_image(shape) else None


def roles(gan: GAN, rows: Data) -> Splits:
    """The rows of a run in their roles."""
    return gan.roles(*X_y(rows))


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: under a temporary name, synced, renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        hint = "What was saved before is whole."
        refuse(
            str(path),
            expected="a place to write to",
            got=error.strerror or str(error),
            hint=hint,
        )


def suffix(gan: GAN, word: str) -> str:
    """How a file of samples ends that is like the data's."""
    if gan.coding_ is not None:
        return Path(word).suffix.lower()
    return ".npz" if gan.labels_ else ".npy"


def endings(folder: Path) -> tuple[str, ...]:
    """How files may end that samples of a run are written to."""
    if is_table(source(folder)):
        return SUFFIXES
    return (".npy", ".npz", ".png") if sides(folder) else (".npy", ".npz")


def packed(rows: Data, suffix: str) -> bytes:
    """The bytes of a .npy file, or of a .npz file with rows as `x` and labels as `y`; of a table, .csv and others."""
    buffer = io.BytesIO()
    if isinstance(rows, pa.Table):
        if suffix == ".parquet":
            pyarrow.parquet.write_table(rows, buffer)
        else:
            between = pyarrow.csv.WriteOptions(
                delimiter="\t" if suffix == ".tsv" else ",", quoting_style="needed"
            )
            pyarrow.csv.write_csv(_plain(rows), buffer, between)
    elif suffix == ".npz":
        np.savez_compressed(
            buffer, **(rows._asdict() if isinstance(rows, Labelled) else {"x": rows})
        )
    else:
        np.save(buffer, unlabelled(rows), allow_pickle=False)
    return buffer.getvalue()


def write_pictures(folder: Path, rows: Rows | Labelled, limits: tuple[float, float]) -> None:
    """Each image as a PNG file of its own size, in folders of classes if it has one; the folder is to be new or empty.

    As the other files are, it is written whole or not at all: under a temporary name, and renamed.
    """
    folder = folder.resolve()
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    labels = rows.y if isinstance(rows, Labelled) else None
    try:
        for name, content in figures.files(unlabelled(rows), labels, limits):
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rmdir()
        temporary.replace(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        refuse(
            str(folder),
            expected="a new or empty folder to write to",
            got=error.strerror or str(error),
        )


def _plain(table: pa.Table) -> pa.Table:
    """A table whose words CSV can hold: those of a dictionary one by one."""
    of_words = [pa.types.is_dictionary(column.type) for column in table.columns]
    columns = [
        column.cast(column.type.value_type) if coded else column
        for column, coded in zip(table.columns, of_words, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def _units(data: dict[str, Any], tensors: dict[str, np.ndarray], gan: GAN) -> AnyUnits:
    """The units of a run's data."""
    named = {
        name.removeprefix("units."): value
        for name, value in tensors.items()
        if name.startswith("units.")
    }
    if "coding" in data:
        coding = TableEncoder.of_dict(data["coding"])
        return TablePreprocessor.of_tensors(named, coding, gan.labels(coding))
    shape = tuple(data["shape"][1:])
    if (labels := data.get("labels")) is None:
        return ArrayScaler(**named, dtype=data["dtype"])
    shares = named.pop("shares")
    values = np.array(labels["values"], labels["dtype"])
    return LabelledPreprocessor(
        ArrayScaler(**named, dtype=data["dtype"]), shape, labels["name"], values, shares
    )


def _same(folder: Path, asked: dict[str, Any], word: str, size: int | None) -> None:
    """Refuse to go on with a run that was begun otherwise, by the name of the first field that differs."""
    recipe, _ = _recipe(folder)
    begun = {
        **recipe["asked"],
        "data": recipe["data"]["source"],
        "size": recipe["data"]["size"],
    }
    for field, value in {**asked, "data": _where(word), "size": size}.items():
        if begun.get(field) != value:
            hint = "Ask for what the run was begun with, or for another folder."
            refuse(
                field,
                expected=f"{begun.get(field)!r}, as {folder} was begun with",
                got=repr(value),
                hint=hint,
            )


def _recipe(folder: Path) -> tuple[dict[str, Any], str]:
    """recipe.json, and the hash that the state knows it by."""
    path = folder / "recipe.json"
    if not path.is_file():
        refuse(
            str(folder),
            expected="the folder of a run",
            got="none" if not folder.exists() else "no recipe.json in it",
        )
    text = path.read_bytes()
    try:
        recipe = json.loads(text)
        known = {"asked", "solved", "data", "versions"} <= recipe.keys()
    except (ValueError, AttributeError):
        recipe, known = {}, False
    if not known:
        refuse(
            str(path),
            expected="a recipe as onehalf wrote it",
            got="a truncated or altered file",
        )
    return recipe, hashlib.sha256(text).hexdigest()


def _save(
    folder: Path, gan: GAN, asked: dict[str, Any], word: str, size: int | None, rows: Data
) -> None:
    """The whole run, the state last: whatever is newer than the state is cut off when the run is read."""
    path = folder / "recipe.json"
    if not path.exists():
        recipe = {
            "data": {
                "source": _where(word),
                "size": size,
                "sha256": gan.data_hash_,
                **_about(gan, rows),
            },
            "asked": asked,
            "solved": dataclasses.asdict(gan.recipe_),
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in VERSIONS},
        }
        write(path, json.dumps(recipe, indent=2).encode())
    lines = "".join(json.dumps(row) + "\n" for row in gan.history_).encode()
    write(folder / "rows.jsonl", lines)
    units = gan.units_.tensors()
    tensors = {f"units.{name}": np.asarray(value) for name, value in units.items()} | _leaves(
        "state", gan.state_
    )
    for game, best in enumerate(gan.best_):
        tensors |= _leaves(f"best.{game}", best)
    about = {
        "recipe": hashlib.sha256(path.read_bytes()).hexdigest(),
        "t": gan.rounds_played_,
        "stopped_because": gan.stopped_because_,
        "rows": hashlib.sha256(lines).hexdigest(),
        "sha256": _digest(tensors),
        "progress": len(gan.progress_),
    }
    if hasattr(gan, "certificate_"):
        about["certificate"] = gan.certificate_ and gan.certificate_.to_dict()
    if gan.progress_:
        write(folder / "progress.npy", packed(np.stack(gan.progress_), ".npy"))
    write(
        folder / "state.safetensors",
        safetensors.numpy.save(tensors, {"onehalf": json.dumps(about)}),
    )


def _about(gan: GAN, rows: Data) -> dict[str, Any]:
    """What the data are: the shape and the dtype of an array, or how the cells of a table are numbers."""
    if gan.coding_ is not None:
        return {"shape": (len(rows), len(gan.coding_.columns)), "coding": gan.coding_.to_dict()}
    x: Rows = unlabelled(rows)
    about: dict[str, Any] = {"shape": x.shape, "dtype": x.dtype.str}
    if gan.classes_ is not None:
        values = gan.classes_
        about["labels"] = {
            "name": gan.labels_[0],
            "values": values.tolist(),
            "dtype": values.dtype.str,
        }
    return about


VERSIONS = ("onehalf", "jax", "equinox", "optax", "numpy", "scikit-learn", "pyarrow")


def _leaves(name: str, tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a tree, by their paths in it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, eqx.is_array))
    return {name + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def _fill(path: Path, name: str, tree: Any, tensors: dict[str, np.ndarray]) -> Any:
    """The tree with its arrays replaced by the saved ones."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    expected = _leaves(name, arrays)
    for key, leaf in expected.items():
        if (
            key not in tensors
            or tensors[key].shape != leaf.shape
            or tensors[key].dtype != leaf.dtype
        ):
            refuse(
                str(path),
                expected="the players of recipe.json",
                got=f"a file without a fitting {key}",
            )
    return eqx.combine(
        jax.tree_util.tree_map_with_path(
            lambda at, _: jnp.asarray(tensors[name + jax.tree_util.keystr(at)]), arrays
        ),
        rest,
    )


def _read_state(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The saved tensors, and what is said of them; refuses a file that is not as it was written."""
    if not path.is_file():
        refuse(str(path), expected="the saved players", got="no such file")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["onehalf"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, KeyError, ValueError, OSError):
        tensors, about = {}, {"sha256": None}
    if _digest(tensors) != about["sha256"]:
        refuse(
            str(path), expected="a file as onehalf wrote it", got="a truncated or altered one"
        )
    return tensors, about


def _digest(tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()


def _history(path: Path, about: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines that the state was saved with; a later line, from a save that was cut short, is left out."""
    text = path.read_bytes() if path.is_file() else b""
    lines = text.splitlines(keepends=True)
    while lines and hashlib.sha256(b"".join(lines)).hexdigest() != about["rows"]:
        lines.pop()
    if not lines:
        refuse(
            str(path),
            expected=f"the lines up to round {about['t']}",
            got="a missing, truncated or altered file",
        )
    return [json.loads(line) for line in lines]


def _where(word: str) -> str:
    return str(Path(word).resolve()) if is_path(word) else word


def try_writing(folder: Path) -> None:
    """Refuse a folder that can't be written to, before the work and not after it."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    write(folder / ".try", b"")
    (folder / ".try").unlink()
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        refuse(
            str(folder),
            expected=f"{LEAST_FREE >> 20} MiB free on its disk",
            got=f"{free >> 20} MiB",
        )
    for path in made:
        path.rmdir()


LEAST_FREE = 64 << 20
