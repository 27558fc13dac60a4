"""A fit by several processes: process 0 reads the data, and sends each of the others its rows; they follow it."""

import dataclasses
import json
from typing import Any

import jax.numpy as jnp
import numpy as np
import safetensors.numpy

from onehalf import cluster, domains, fitting
from onehalf._errors import Refusal, refuse
from onehalf.evaluation.result.provenance import list_versions
from onehalf.fitting import Fit
from onehalf.hyperparameters import FitOptions
from onehalf.players.neural import NeuralPlayers
from onehalf.recipe import Recipe
from onehalf.runs.run import Run, describe_options

__all__ = ["check_same", "follow", "refuse_together", "share"]


def check_same(options: FitOptions) -> None:
    """Make sure that all processes have the same options and versions.

    Raises:
        Refusal: They have not.
        LostProcess: One of them has ended before.
    """
    cluster.compare(
        {f"version of {name}": version for name, version in list_versions().items()}
        | {name: repr(value) for name, value in describe_options(options).items()}
    )


def share(run: Run) -> Run:
    """Send the other processes what they need to follow a run of process 0, and each its training rows.

    Raises:
        Refusal: The players are trees, or those of a preset recipe.
        LostProcess: One of them has ended before.
    """
    fit, data = run.fit, run.data
    if fit.end:
        return run
    if not isinstance(data.players, NeuralPlayers):
        refuse(
            "--distributed",
            expected="players that are networks",
            got=f"{fit.recipe.players} players",
            hint="In Python, trees are fitted on several machines by joblib's backends: see "
            "docs/how-to/several-machines.md.",
        )
    if fit.recipe.recipe is not None:
        expected = "a fit without --recipe"
        refuse("--distributed", expected=expected, got=f"--recipe {fit.recipe.recipe}")
    count = len(data.splits.train)
    parts = _pack_fit(fit, count)
    cluster.send({"sizes": [len(part) for part in parts]})
    cluster.broadcast([jnp.asarray(np.frombuffer(part, np.uint8)) for part in parts])
    players = data.players.with_shared_rows(count)
    return dataclasses.replace(run, data=dataclasses.replace(data, players=players))


def refuse_together(refusal: Refusal) -> None:
    """Let the other processes end for the same reason as process 0."""
    cluster.send({"refusal": str(refusal)})


def follow(options: FitOptions) -> None:
    """Take part in a fit that process 0 leads: this process reads no data, and writes nothing.

    Args:
        options: As on process 0.

    Raises:
        Refusal: The processes differ, or process 0 refuses its data.
        LostProcess: One of them has ended before the fit was done.
    """
    check_same(options)
    order = cluster.receive()
    if "refusal" in order:
        raise Refusal(order["refusal"])
    if "sizes" not in order:
        return
    nothing = [jnp.zeros(size, jnp.uint8) for size in order["sizes"]]
    about, arrays = (np.asarray(part).tobytes() for part in cluster.broadcast(nothing))
    fit, count = _unpack_fit(about, arrays)
    players: Any = fit.players
    fitting.follow(players.with_shared_rows(count), fit.recipe)


def _pack_fit(fit: Fit, count: int) -> tuple[bytes, bytes]:
    """What others need to know of a fit on `count` training rows: as JSON, and the arrays of its preprocessing."""
    about = {
        "recipe": dataclasses.asdict(fit.recipe),
        "domain": fit.domain.to_dict(),
        "data_hash": fit.data_hash,
        "count": count,
    }
    arrays = {name: np.asarray(each) for name, each in fit.preprocessor.to_arrays().items()}
    return json.dumps(about).encode(), safetensors.numpy.save(arrays)


def _unpack_fit(packed: bytes, arrays: bytes) -> tuple[Fit, int]:
    """The fit that was packed, without its networks, and the number of its training rows."""
    about = json.loads(packed)
    recipe = Recipe(**about["recipe"])
    domain = domains.load_domain(about["domain"])
    preprocessor = domain.load_preprocessor(safetensors.numpy.load(arrays))
    p_z = domain.latent(recipe, preprocessor)
    fit = Fit(recipe, domain, preprocessor, about["data_hash"], state=None, best=(), p_z=p_z)
    return fit, about["count"]
