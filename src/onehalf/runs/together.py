"""A fit by several processes: all make sure that they have the same, and all but process 0 follow it."""

import hashlib

import numpy as np

from onehalf import cluster, fitting
from onehalf._errors import refuse
from onehalf.evaluation.result.provenance import list_versions
from onehalf.fitting import Fit, FitData
from onehalf.hyperparameters import FitOptions
from onehalf.players.neural import NeuralPlayers
from onehalf.runs.run import describe_options, start_fit

__all__ = ["check_same", "follow"]


def check_same(fit: Fit, data: FitData, options: FitOptions) -> None:
    """Make sure that all processes have the same data, options and versions.

    Raises:
        Refusal: They have not, or the players are trees.
        LostProcess: One of them has ended before.
    """
    if not isinstance(data.players, NeuralPlayers):
        refuse(
            "--distributed",
            expected="players that are networks",
            got=f"{fit.recipe.players} players",
            hint="In Python, trees are fitted on several machines by joblib's backends: see "
            "docs/how-to/several-machines.md.",
        )
    preprocessing = hashlib.sha256()
    for name, array in sorted(fit.preprocessor.to_arrays().items()):
        preprocessing.update(name.encode() + np.asarray(array).tobytes())
    cluster.compare(
        {f"version of {name}": version for name, version in list_versions().items()}
        | {name: repr(value) for name, value in describe_options(options).items()}
        | {
            "hash of the data": fit.data_hash[:12],
            "hash of the preprocessing": preprocessing.hexdigest()[:12],
        }
    )


def follow(word: str, options: FitOptions, image_size: int | None) -> None:
    """Take part in a fit that process 0 leads: this process writes nothing.

    Args:
        word: A name that `onehalf data` lists, or a path, as on process 0.
        options: As on process 0.
        image_size: As on process 0.

    Raises:
        Refusal: The processes differ.
        LostProcess: One of them has ended before the fit was done.
    """
    fit, data, _ = start_fit(word, options, image_size=image_size)
    check_same(fit, data, options)
    fitting.follow(fit, data)
