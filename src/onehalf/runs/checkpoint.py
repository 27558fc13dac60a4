"""A checkpoint is a saved `Fit`: values as JSON, arrays as safetensors, and hashes of both."""

import contextlib
import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from onehalf import domains
from onehalf._errors import Refusal, refuse
from onehalf._files import write_file
from onehalf._text import join_names
from onehalf.distributions.base import AbstractData, Pushforward
from onehalf.domains import Domain, Preprocessor
from onehalf.fitting.history import choose_seed
from onehalf.model import GenerativeModel
from onehalf.players.base import Stored
from onehalf.players.refinement import Refinement
from onehalf.runs.recipe_file import RECIPE, read_recipe, write_recipe
from onehalf.runs.saved import (
    HISTORY,
    LINES,
    PREVIEWS,
    SNAPSHOTS,
    STILLS,
    SavedRun,
    Source,
    as_written,
)
from onehalf.runs.state_file import (
    PREVIOUS,
    STATE,
    DamagedState,
    read_newest,
    read_state,
    write_state,
)

if TYPE_CHECKING:
    import onehalf.fitting

__all__ = [
    "Source",
    "has_state",
    "load",
    "load_asked",
    "load_domain",
    "load_model",
    "load_source",
    "recover",
    "restore_copies",
    "save",
    "saved_rounds",
]

OnFallback = Callable[[str], object]
"""Is called with a sentence if an older state is read, as the newest one is damaged."""

PREPROCESSING = "units."
"""How the names of the preprocessor's arrays begin."""


def save(
    folder: Path, fit: "onehalf.fitting.Fit", source: Source, asked: Mapping[str, Any]
) -> None:
    """Write the whole run so that it can be continued after every step of this.

    The recipe comes first: a recipe without a state is a run that begins anew. The state has all the rest. The other
    files are copies for people, written after it: no run is continued from them.

    Args:
        folder: The run.
        fit: What to save.
        source: Where its data came from.
        asked: What the fit was asked for, by name, ready for JSON.
    """
    path = folder / RECIPE
    if not (path.exists() and has_state(folder)):
        sections = {
            "data": {**dataclasses.asdict(source), "sha256": fit.data_hash},
            "domain": fit.domain.to_dict(),
            "asked": dict(asked),
            "solved": fit.recipe.to_dict(),
        }
        write_recipe(folder, sections)
    arrays = _to_arrays(fit) | {LINES: np.frombuffer(_list_rows(fit), np.uint8)}
    if fit.previews:
        arrays[STILLS] = np.stack(fit.previews)
    if fit.snapshots:
        arrays |= {SNAPSHOTS + name: each for name, each in fit.snapshots.to_arrays().items()}
    recipe_hash = hashlib.sha256(path.read_bytes()).hexdigest()
    write_state(
        folder,
        arrays,
        {"recipe": recipe_hash, "source": dataclasses.asdict(source), **_describe(fit)},
    )
    for name, content in _make_copies(fit).items():
        write_file(folder / name, content)


def restore_copies(folder: Path, fit: "onehalf.fitting.Fit") -> str:
    """Write rows.jsonl and progress.npy again where they are not those of the state, which is whole.

    Returns:
        What is to be said of it; '' if all is whole.
    """
    wrong = []
    for name, content in _make_copies(fit).items():
        path = folder / name
        if not (path.is_file() and path.read_bytes() == content):
            write_file(path, content)
            wrong.append(name)
    if not wrong:
        return ""
    return (
        f"{join_names(wrong)} in {folder} did not fit the saved state: altered, missing, or left behind when the fit "
        "was stopped. Written again from the state."
    )


def _make_copies(fit: "onehalf.fitting.Fit") -> dict[str, bytes]:
    """What the files hold that are shown to people, by name."""
    copies = {HISTORY: _list_rows(fit)}
    if fit.previews:
        buffer = io.BytesIO()
        np.save(buffer, np.stack(fit.previews), allow_pickle=False)
        copies[PREVIEWS] = buffer.getvalue()
    return copies


def _list_rows(fit: "onehalf.fitting.Fit") -> bytes:
    """The history, a line of JSON each."""
    return "".join(json.dumps(row) + "\n" for row in fit.history).encode()


def has_state(folder: Path) -> bool:
    """Whether a run has been saved, so that there is something to lose; the state itself may be damaged."""
    return any((folder / name).exists() for name in (STATE, PREVIOUS, HISTORY))


def is_name(name: str) -> bool:
    """Whether a file of a run has this name."""
    views = (HISTORY, PREVIEWS, "report.html")
    return name in (RECIPE, STATE, PREVIOUS, *views) or name.startswith("samples.")


def _to_arrays(fit: "onehalf.fitting.Fit") -> dict[str, np.ndarray]:
    """The preprocessor, the players with their optimizers, and the best G of each seed."""
    preprocessing = fit.preprocessor.to_arrays()
    arrays = {PREPROCESSING + name: np.asarray(value) for name, value in preprocessing.items()}
    arrays |= _name_leaves("state", fit.state)
    for seed, best in enumerate(fit.best):
        arrays |= _name_leaves(f"best.{seed}", best)
    if fit.refinement is not None:
        arrays |= _name_leaves("refinement", fit.refinement)
    return arrays


def _describe(fit: "onehalf.fitting.Fit") -> dict[str, Any]:
    """What there is beside the arrays, for JSON."""
    return {
        "t": fit.rounds,
        "stopped_because": fit.stopped_because,
        "diverged": fit.diverged,
        "lowered": fit.lowered,
        "rates": {"rate_D": fit.recipe.rate_D, "rate_G": fit.recipe.rate_G},
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


@dataclass(frozen=True)
class _Saved:
    """A run as it was saved, and what its networks are filled by."""

    run: SavedRun
    domain: Domain
    preprocessor: Preprocessor

    @classmethod
    def read(cls, folder: Path, on_fallback: OnFallback | None) -> "_Saved":
        """Read the files of a run; refuses those that are damaged, altered or of another version."""
        run = SavedRun.read(folder)
        if run.fallback and on_fallback is None:
            raise DamagedState(run.fallback)
        if run.fallback and on_fallback:
            on_fallback(run.fallback)
        domain = domains.load_domain(run.domain)
        preprocessing = {
            name.removeprefix(PREPROCESSING): value
            for name, value in run.arrays.items()
            if name.startswith(PREPROCESSING)
        }
        return cls(run, domain, domain.load_preprocessor(preprocessing))

    @property
    def p_z(self) -> AbstractData:
        """The distribution of what G is given."""
        return self.domain.latent(self.run.recipe, self.preprocessor)

    @property
    def refinement(self) -> Refinement | None:
        """What corrects samples, where there is something."""
        return self.fill("refinement", Refinement) if self.run.is_refined else None

    def fill(self, name: str, tree: Any) -> Any:
        """Put the saved arrays of this name in the places of a tree of shapes."""
        return _fill(self.run.path, name, tree, self.run.arrays)


def load(folder: Path, on_fallback: OnFallback | None = None) -> "onehalf.fitting.Fit":
    """Load the fit of a run as it was saved.

    Args:
        folder: The run.
        on_fallback: Accepts an older state where the newest one is damaged; None refuses it.

    Raises:
        Refusal: The folder is no run, was written by another version, or its files are damaged.
    """
    from onehalf.evaluation.result import Measurement
    from onehalf.fitting import Fit

    with as_written(folder):
        saved = _Saved.read(folder, on_fallback)
        run = saved.run
        about = run.about
        certificate = about["certificate"]
        fit = Fit(
            recipe=run.recipe,
            domain=saved.domain,
            preprocessor=saved.preprocessor,
            data_hash=run.data_hash,
            state=None,
            best=(),
            p_z=saved.p_z,
            history=run.history,
            previews=run.previews,
            snapshots=run.snapshots,
            rounds=about["t"],
            stopped_because=about["stopped_because"],
            diverged=about.get("diverged", ""),
            lowered=about.get("lowered", ""),
            extended_at=about["extended_at"],
            is_measured=about["is_measured"],
            measured_at=tuple(about["measured_at"]),
            refinement=saved.refinement,
            measurement=certificate and Measurement.from_dict(certificate),
            seconds_setup=about["seconds_setup"],
        )
        state, G = fit.players.blank()
        best = tuple(saved.fill(f"best.{seed}", G) for seed in range(run.recipe.seeds))
        return dataclasses.replace(fit, state=saved.fill("state", state), best=best)


def load_model(folder: Path, on_fallback: OnFallback | None = None) -> GenerativeModel:
    """Load what a run has learned, without the rest of its fit: the same as `load(folder, on_fallback).model`.

    Raises:
        Refusal: The folder is no run, was written by another version, or its files are damaged.
    """
    with as_written(folder):
        saved = _Saved.read(folder, on_fallback)
        run = saved.run
        chosen = choose_seed(run.history, run.recipe)
        G = saved.domain.blank_generator(run.recipe, saved.preprocessor)
        p_g = Pushforward(saved.fill(f"best.{chosen}", G), saved.p_z)
        return GenerativeModel(p_g, saved.domain, saved.preprocessor, saved.refinement)


def load_source(folder: Path) -> Source:
    """Where the data of a run are: a fit that goes on may have found them in another place."""
    with as_written(folder):
        data = read_recipe(folder).content["data"]
        with contextlib.suppress(Refusal):
            data |= read_newest(folder).about.get("source", {})
        return Source(data["source"], data["size"])


def load_asked(folder: Path) -> dict[str, Any]:
    """What the fit of a run was asked for."""
    return read_recipe(folder).content["asked"]


def load_domain(folder: Path) -> Domain:
    """The kind of data of a run."""
    with as_written(folder):
        return domains.load_domain(read_recipe(folder).content["domain"])


def saved_rounds(folder: Path) -> int | None:
    """The round that a run can be continued after, read from the disk; None if nothing is saved."""
    try:
        read_recipe(folder)
        return read_state(folder / STATE).about["t"]
    except Refusal:
        return None


def recover(folder: Path) -> "tuple[onehalf.fitting.Fit, str]":
    """Load the fit of a run; where its state is damaged, put the one that was saved before in its place.

    Returns:
        The fit, and what is to be said of it; '' if all is whole.

    Raises:
        Refusal: As `load`, if there is no whole state.
    """
    said: list[str] = []
    fit = load(folder, said.append)
    if not said:
        return fit, ""
    (folder / PREVIOUS).replace(folder / STATE)
    repeated = max(_last_line(folder / HISTORY) - fit.rounds, 0)
    return fit, f"{said[0]} {repeated:,} rounds are trained again."


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


def _last_line(path: Path) -> int:
    """The last round in rows.jsonl, which is read here to speak of it only; 0 if there is none."""
    try:
        return json.loads(path.read_bytes().splitlines()[-1])["t"]
    except (OSError, LookupError, TypeError, ValueError):
        return 0
