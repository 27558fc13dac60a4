"""A checkpoint is a saved `Fit`: values as JSON, arrays as safetensors, and digests of both."""

import dataclasses
import hashlib
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from onehalf import domains
from onehalf._errors import refuse
from onehalf._files import write_file
from onehalf.distributions.base import AbstractData, Pushforward
from onehalf.domains import Domain, Preprocessor
from onehalf.fitting.history import HistoryRow, choose_seed
from onehalf.model import GenerativeModel
from onehalf.players.base import Stored
from onehalf.recipe import Recipe

if TYPE_CHECKING:
    import onehalf.fitting

__all__ = ["Source", "load", "load_asked", "load_domain", "load_model", "load_source", "save"]

FORMAT = 3
"""Of the files of a run; version 0.1 of onehalf wrote the first two."""

VERSIONS = ("onehalf", "jax", "equinox", "optax", "numpy", "scikit-learn", "pyarrow")
"""Packages whose versions are kept."""

RECIPE = "recipe.json"
HISTORY = "rows.jsonl"
STATE = "state.safetensors"
PREVIEWS = "progress.npy"

PREPROCESSING = "units."
"""How the names of the preprocessor's arrays begin."""


@dataclass(frozen=True)
class Source:
    """Where the data of a run came from."""

    source: str
    """A name, or an absolute path."""
    size: int | None = None
    """The side that the images of a folder were brought to."""


def save(
    folder: Path, fit: "onehalf.fitting.Fit", source: Source, asked: Mapping[str, Any]
) -> None:
    """Write the whole run, the state last: whatever is newer than the state is cut off when the run is read.

    Args:
        folder: The run.
        fit: What to save.
        source: Where its data came from.
        asked: What the fit was asked for, by name, ready for JSON.
    """
    path = folder / RECIPE
    if not path.exists():
        recipe = {
            "format": FORMAT,
            "data": {**dataclasses.asdict(source), "sha256": fit.data_hash},
            "domain": fit.domain.to_dict(),
            "asked": dict(asked),
            "solved": fit.recipe.to_dict(),
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in VERSIONS},
        }
        write_file(path, json.dumps(recipe, indent=2).encode())
    lines = "".join(json.dumps(row) + "\n" for row in fit.history).encode()
    write_file(folder / HISTORY, lines)
    preprocessing = fit.preprocessor.to_arrays()
    arrays = {PREPROCESSING + name: np.asarray(value) for name, value in preprocessing.items()}
    arrays |= _name_leaves("state", fit.state)
    for seed, best in enumerate(fit.best):
        arrays |= _name_leaves(f"best.{seed}", best)
    about = {
        "recipe": hashlib.sha256(path.read_bytes()).hexdigest(),
        "t": fit.rounds,
        "stopped_because": fit.stopped_because,
        "rows": hashlib.sha256(lines).hexdigest(),
        "sha256": _digest(arrays),
        "progress": len(fit.previews),
        "rounds_asked": {
            "rounds": fit.recipe.rounds,
            "first_rounds": fit.recipe.first_rounds,
        },
        "extended_at": fit.extended_at,
        "is_measured": fit.is_measured,
        "measured_at": fit.measured_at,
        "certificate": fit.measurement and fit.measurement.to_dict(),
        "seconds_setup": fit.seconds_setup,
    }
    if fit.previews:
        buffer = io.BytesIO()
        np.save(buffer, np.stack(fit.previews), allow_pickle=False)
        write_file(folder / PREVIEWS, buffer.getvalue())
    state = safetensors.numpy.save(arrays, {"onehalf": json.dumps(about)})
    write_file(folder / STATE, state)


@dataclass(frozen=True)
class _Saved:
    """The files of a run, read and checked, before networks are filled from them."""

    path: Path
    """The file of the arrays."""
    recipe: Recipe
    domain: Domain
    preprocessor: Preprocessor
    data_hash: str
    arrays: dict[str, np.ndarray]
    about: dict[str, Any]
    """What `save` wrote beside the arrays."""
    history: tuple[HistoryRow, ...]

    @classmethod
    def read(cls, folder: Path) -> "_Saved":
        """Read the files of a run; refuses those that are damaged, altered or of another version."""
        recipe, recipe_hash = _read_recipe(folder)
        path = folder / STATE
        arrays, about = _read_state(path)
        if about["recipe"] != recipe_hash:
            expected = "the file that the state was saved with"
            refuse(str(folder / RECIPE), expected=expected, got="an altered one")
        domain = domains.load_domain(recipe["domain"])
        preprocessing = {
            name.removeprefix(PREPROCESSING): value
            for name, value in arrays.items()
            if name.startswith(PREPROCESSING)
        }
        return cls(
            path=path,
            recipe=Recipe(**recipe["solved"] | about["rounds_asked"]),
            domain=domain,
            preprocessor=domain.load_preprocessor(preprocessing),
            data_hash=recipe["data"]["sha256"],
            arrays=arrays,
            about=about,
            history=tuple(_read_history(folder / HISTORY, about)),
        )

    @property
    def p_z(self) -> AbstractData:
        """The distribution of what G is given."""
        return self.domain.latent(self.recipe, self.preprocessor)

    def fill(self, name: str, tree: Any) -> Any:
        """Put the saved arrays of this name in the places of a tree of shapes."""
        return _fill(self.path, name, tree, self.arrays)


def load(folder: Path) -> "onehalf.fitting.Fit":
    """Load the fit of a run as it was saved.

    Raises:
        Refusal: The folder is no run, was written by another version, or its files are damaged.
    """
    from onehalf.evaluation.result import Measurement
    from onehalf.fitting import Fit

    saved = _Saved.read(folder)
    about = saved.about
    certificate = about["certificate"]
    fit = Fit(
        recipe=saved.recipe,
        domain=saved.domain,
        preprocessor=saved.preprocessor,
        data_hash=saved.data_hash,
        state=None,
        best=(),
        p_z=saved.p_z,
        history=saved.history,
        previews=tuple(np.load(folder / PREVIEWS)) if about["progress"] else (),
        rounds=about["t"],
        stopped_because=about["stopped_because"],
        extended_at=about["extended_at"],
        is_measured=about["is_measured"],
        measured_at=tuple(about["measured_at"]),
        measurement=certificate and Measurement.from_dict(certificate),
        seconds_setup=about["seconds_setup"],
    )
    state, G = fit.players.blank()
    best = tuple(saved.fill(f"best.{seed}", G) for seed in range(saved.recipe.seeds))
    return dataclasses.replace(fit, state=saved.fill("state", state), best=best)


def load_model(folder: Path) -> GenerativeModel:
    """Load what a run has learned, without the rest of its fit: the same as `load(folder).model`.

    Raises:
        Refusal: The folder is no run, was written by another version, or its files are damaged.
    """
    saved = _Saved.read(folder)
    chosen = choose_seed(saved.history, saved.recipe)
    G = saved.domain.blank_generator(saved.recipe, saved.preprocessor)
    p_g = Pushforward(saved.fill(f"best.{chosen}", G), saved.p_z)
    return GenerativeModel(p_g, saved.domain, saved.preprocessor)


def load_source(folder: Path) -> Source:
    """Where the data of a run came from."""
    data = _read_recipe(folder)[0]["data"]
    return Source(data["source"], data["size"])


def load_asked(folder: Path) -> dict[str, Any]:
    """What the fit of a run was asked for."""
    return _read_recipe(folder)[0]["asked"]


def load_domain(folder: Path) -> Domain:
    """The kind of data of a run."""
    return domains.load_domain(_read_recipe(folder)[0]["domain"])


def _read_recipe(folder: Path) -> tuple[dict[str, Any], str]:
    """recipe.json, and the hash that the state knows it by."""
    path = folder / RECIPE
    if not path.is_file():
        got = f"no {RECIPE} in it" if folder.exists() else "none"
        refuse(str(folder), expected="the folder of a run", got=got)
    text = path.read_bytes()
    try:
        recipe = json.loads(text)
        is_run = {"asked", "solved", "data", "versions"} <= recipe.keys()
    except (ValueError, AttributeError):
        recipe, is_run = {}, False
    if not is_run:
        expected = "a recipe as onehalf wrote it"
        refuse(str(path), expected=expected, got="a truncated or altered file")
    if recipe.get("format") != FORMAT:
        written = recipe["versions"].get("onehalf", "another version")
        refuse(
            str(folder),
            expected=f"a run that onehalf {version('onehalf')} can read",
            got=f"one written by onehalf {written}",
            hint=f"Open it with onehalf {written}, or fit again into another folder.",
        )
    return recipe, hashlib.sha256(text).hexdigest()


def _name_leaves(name: str, tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a tree, by their paths in it."""
    if isinstance(tree, Stored):
        return {f"{name}.{key}": array for key, array in tree.to_arrays().items()}
    leaves, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, eqx.is_array))
    return {name + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def _fill(path: Path, name: str, tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """A tree of shapes with the saved arrays in their places, or a `Stored` value read from its own."""
    if isinstance(tree, Stored):
        start = f"{name}."
        own = {key.removeprefix(start): arrays[key] for key in arrays if key.startswith(start)}
        return tree.from_arrays(own)

    def saved(at: Any, leaf: Any) -> Any:
        key = name + jax.tree_util.keystr(at)
        array = arrays.get(key)
        if array is None or array.shape != leaf.shape or array.dtype != leaf.dtype:
            expected = f"the players of {RECIPE}"
            refuse(str(path), expected=expected, got=f"a file without a fitting {key}")
        return jnp.asarray(array)

    shapes, rest = eqx.partition(tree, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    return eqx.combine(jax.tree_util.tree_map_with_path(saved, shapes), rest)


def _read_state(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The saved arrays, and what is said of them; refuses a file that is not as it was written."""
    if not path.is_file():
        refuse(str(path), expected="the saved players", got="no such file")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["onehalf"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, KeyError, ValueError, OSError):
        arrays, about = {}, {"sha256": None}
    if _digest(arrays) != about["sha256"]:
        expected = "a file as onehalf wrote it"
        refuse(str(path), expected=expected, got="a truncated or altered one")
    return arrays, about


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _read_history(path: Path, about: Mapping[str, Any]) -> list[HistoryRow]:
    """The lines that the state was saved with; a later line, from a save that was cut short, is left out."""
    text = path.read_bytes() if path.is_file() else b""
    lines = text.splitlines(keepends=True)
    while lines and hashlib.sha256(b"".join(lines)).hexdigest() != about["rows"]:
        lines.pop()
    if not lines:
        expected = f"the lines up to round {about['t']}"
        refuse(str(path), expected=expected, got="a missing, truncated or altered file")
    return [json.loads(line) for line in lines]
